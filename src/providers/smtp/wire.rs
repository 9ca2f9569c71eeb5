//! The bytes of a session: replies read with a time limit, writes that know how
//! far they came.

use super::reply::{self, Reply};
use crate::providers::adapter::DialogueLine;
use bytes::BytesMut;
use futures_util::FutureExt as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// A connection, with or without TLS.
#[derive(Debug)]
pub enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
    /// Given up when TLS could not be agreed upon.
    Gone,
}

/// Why a reply did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The other side hung up.
    #[error("the server closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Nothing came in time.
    #[error("the server did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// Something else than SMTP came.
    #[error(transparent)]
    NotSmtp(#[from] reply::NotSmtp),
}

/// A write that ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// How many bytes the connection took. Not more than that can have arrived.
    pub taken: usize,
    /// Why it ended.
    pub lost: Lost,
}

/// A stream and what was read from it and not yet used.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    buffer: BytesMut,
    /// Set while a provider is tested: what was said, by whom.
    pub record: Option<Vec<DialogueLine>>,
}

impl Wire {
    /// A wire over a connection.
    pub fn new(stream: Stream, record: Option<Vec<DialogueLine>>) -> Self {
        Self { stream, buffer: BytesMut::with_capacity(2048), record }
    }

    /// Goes over to TLS by `agree`, which is told whether anything was read ahead.
    /// `None` when the connection is encrypted already or was given up before.
    pub async fn start_tls<E>(
        &mut self,
        agree: impl AsyncFnOnce(TcpStream, bool) -> Result<TlsStream<TcpStream>, E>,
    ) -> Option<Result<(), E>> {
        let ahead = !self.buffer.is_empty();
        self.buffer.clear();
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else { return None };
        Some(agree(tcp, ahead).await.map(|tls| self.stream = Stream::Tls(Box::new(tls))))
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Notes a line of the dialogue, while one is kept.
    pub fn note(&mut self, ours: bool, text: &str) {
        if let Some(record) = &mut self.record {
            record.extend(text.lines().map(|line| DialogueLine { ours, text: line.to_owned() }));
        }
    }

    /// Reads one reply.
    pub async fn reply(&mut self, limit: Duration) -> Result<Reply, Lost> {
        if let Some(reply) = reply::take(&mut self.buffer)? {
            self.note(false, &reply.text);
            return Ok(reply);
        }
        match timeout(limit, self.more()).await {
            Ok(reply) => {
                let reply = reply?;
                self.note(false, &reply.text);
                Ok(reply)
            }
            Err(_) => Err(Lost::Late(limit)),
        }
    }

    async fn more(&mut self) -> Result<Reply, Lost> {
        loop {
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Err(Lost::Closed),
                Ok(_) => {}
                Err(error) => return Err(Lost::Broken(error.to_string())),
            }
            if let Some(reply) = reply::take(&mut self.buffer)? {
                return Ok(reply);
            }
        }
    }

    /// Writes all parts, as one write where the system takes it so. `limit` is for
    /// each step forward.
    pub async fn write(&mut self, parts: &[&[u8]], limit: Duration) -> Result<(), CutOff> {
        let mut slices = [IoSlice::new(&[]), IoSlice::new(&[]), IoSlice::new(&[])];
        debug_assert!(parts.len() <= slices.len(), "at most three parts");
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        let mut slices = &mut slices[..parts.len()];
        let mut taken = 0;
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let lost = match timeout(limit, self.stream.write_vectored(slices)).await {
                Ok(Ok(0)) => Lost::Closed,
                Ok(Ok(count)) => {
                    taken += count;
                    IoSlice::advance_slices(&mut slices, count);
                    continue;
                }
                Ok(Err(error)) => Lost::Broken(error.to_string()),
                Err(_) => Lost::Late(limit),
            };
            return Err(CutOff { taken, lost });
        }
        match timeout(limit, self.stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CutOff { taken, lost: Lost::Broken(error.to_string()) }),
            Err(_) => Err(CutOff { taken, lost: Lost::Late(limit) }),
        }
    }

    /// Whether nothing came and the connection stands, as it should between mails.
    pub fn is_quiet(&mut self) -> bool {
        self.buffer.is_empty() && self.stream.read_buf(&mut self.buffer).now_or_never().is_none()
    }

    /// Ends the connection.
    pub async fn shutdown(&mut self, limit: Duration) {
        // It is being given up either way.
        let _ = timeout(limit, self.stream.shutdown()).await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Ok(0)),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Gone => Poll::Ready(Ok(0)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}
