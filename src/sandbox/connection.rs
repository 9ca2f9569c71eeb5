//! A connection that can misbehave: trickle, break off in an answer, be reset.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::faults::ServerFaults;

/// How a connection is to end, told by whoever speaks over it.
#[derive(Debug)]
pub(super) struct Cut {
    reset: AtomicBool,
    /// Bytes that may still be written; `usize::MAX` is no limit.
    left: AtomicUsize,
}

impl Cut {
    fn new() -> Arc<Self> {
        Arc::new(Self { reset: AtomicBool::new(false), left: AtomicUsize::new(usize::MAX) })
    }

    /// The connection ends with a reset instead of an orderly close.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// After `bytes` more have been written, the connection is reset.
    pub(super) fn after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }
}

/// A TCP connection with the faults of its server.
pub(super) struct Connection {
    stream: TcpStream,
    faults: Arc<ServerFaults>,
    cut: Arc<Cut>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, faults: Arc<ServerFaults>) -> Self {
        Self { stream, faults, cut: Cut::new(), pause: None }
    }

    pub(super) fn cut(&self) -> Arc<Cut> {
        Arc::clone(&self.cut)
    }

    /// Whether the client begins with HTTP/2's preface (RFC 9113, 3.4); reads nothing.
    pub(super) async fn begins_with_http2(&self) -> bool {
        const PREFACE: &[u8; PREFACE_LEN] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        const PREFACE_LEN: usize = 24;
        let mut seen = [0; PREFACE_LEN];
        // Whoever takes longer for 24 bytes than this many looks is served as HTTP/1.1.
        for _ in 0..1000 {
            match self.stream.peek(&mut seen).await {
                Ok(PREFACE_LEN) => return seen == *PREFACE,
                Ok(count) if count > 0 && PREFACE.starts_with(&seen[..count]) => {}
                Ok(_) | Err(_) => return false,
            }
            // What has come stays readable, so that only time can be waited for.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        false
    }

    /// How many of `wanted` bytes may be written now, and the pause after them.
    fn allowance(
        &mut self,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, Option<std::time::Duration>)>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let left = self.cut.left.load(Ordering::Relaxed);
        if left == 0 {
            self.cut.reset();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let wanted = wanted.min(left);
        Poll::Ready(Ok(match self.faults.trickle() {
            Some((bytes, pause)) => (wanted.min(bytes), Some(pause)),
            None => (wanted, None),
        }))
    }

    fn written(&mut self, bytes: usize, pause: Option<std::time::Duration>) {
        if self.cut.left.load(Ordering::Relaxed) != usize::MAX {
            self.cut.left.fetch_sub(bytes, Ordering::Relaxed);
        }
        self.pause = pause.map(|p| Box::pin(tokio::time::sleep(p)));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.cut.reset.load(Ordering::Relaxed) {
            // Without lingering, closing sends RST. If it fails the connection is gone anyway.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let (allowed, pause) = ready!(this.allowance(buf.len(), cx))?;
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, &buf[..allowed]))?;
        this.written(written, pause);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wanted = bufs.iter().map(|b| b.len()).sum();
        let (allowed, pause) = ready!(this.allowance(wanted, cx))?;
        let stream = Pin::new(&mut this.stream);
        let written = if allowed == wanted {
            ready!(stream.poll_write_vectored(cx, bufs))?
        } else {
            let first = bufs.iter().find(|b| !b.is_empty()).map_or(&[][..], |b| &b[..]);
            ready!(stream.poll_write(cx, &first[..allowed.min(first.len())]))?
        };
        this.written(written, pause);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.cut.reset.load(Ordering::Relaxed) {
            // An orderly end would come before the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
