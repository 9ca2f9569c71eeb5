//! The SMTP server: RFC 5321 with PIPELINING (2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8
//! (6531), ENHANCEDSTATUSCODES (2034), STARTTLS (3207) and AUTH (4954).
//!
//! It is strict, so that it finds what a lenient server would let pass: commands end in
//! CRLF, parameters of extensions that were not offered are refused, and nothing may
//! follow DATA or STARTTLS before its reply.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use self::session::{Ending, Session};
use self::stream::Stream;
use super::connection::{Connection, Cut};
use super::faults::{Effect, ServerFaults};
use super::record::Record;

mod auth;
mod content;
mod reply;
mod session;
mod stream;

/// A session that says nothing for this long is ended with 421 (RFC 5321, 4.5.3.2.7).
const IDLE: Duration = Duration::from_mins(5);
/// Bytes of a read: a pipelined group of small mails at once.
const READ: usize = 32 * 1024;

/// Name and password that AUTH wants.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// How the SMTP server uses TLS.
#[derive(Clone, Default)]
pub enum SmtpTls {
    /// Not at all.
    #[default]
    Off,
    /// STARTTLS is offered, and wanted before MAIL if `required`. AUTH is offered after it only.
    StartTls {
        /// Certificate and key.
        config: Arc<rustls::ServerConfig>,
        /// Refuses MAIL before STARTTLS with 530.
        required: bool,
    },
    /// TLS from the first byte.
    Implicit(Arc<rustls::ServerConfig>),
}

/// What every session of the server shares.
pub(super) struct SmtpServer {
    pub(super) tls: SmtpTls,
    pub(super) credentials: Option<Credentials>,
    /// The largest mail, in bytes.
    pub(super) max_size: usize,
    pub(super) faults: Arc<ServerFaults>,
    pub(super) record: Arc<Record>,
}

/// Serves one connection to its end.
pub(super) async fn serve(server: Arc<SmtpServer>, connection: Connection, at_connect: Option<Effect>) {
    // A client that breaks off is its own affair.
    let _ = converse(&server, connection, at_connect).await;
}

async fn converse(
    server: &Arc<SmtpServer>,
    connection: Connection,
    at_connect: Option<Effect>,
) -> io::Result<()> {
    let cut = connection.cut();
    let mut stream = Stream::Plain(connection);
    if let SmtpTls::Implicit(config) = &server.tls {
        stream = secure(stream, config).await?;
    }
    let mut session = Session::new(Arc::clone(server), stream.is_secure());
    let mut input = BytesMut::new();
    let mut output = Vec::with_capacity(512);
    let mut ending = session.greet(at_connect, &mut output);
    loop {
        if (!output.is_empty() || ending.is_some())
            && let Some(latency) = server.faults.latency()
        {
            tokio::time::sleep(latency).await;
        }
        match ending.take() {
            None => {}
            Some(Ending::Close) => {
                stream.write_all(&output).await?;
                return stream.shutdown().await;
            }
            Some(Ending::Reset) => {
                stream.write_all(&output).await?;
                stream.flush().await?;
                cut.reset();
                return Ok(());
            }
            Some(Ending::CutFrom(from)) => {
                return cut_answer(&mut stream, &cut, &output, from).await;
            }
            Some(Ending::StartTls) => {
                stream.write_all(&output).await?;
                stream.flush().await?;
                output.clear();
                input.clear();
                let (SmtpTls::StartTls { config, .. } | SmtpTls::Implicit(config)) = &server.tls else {
                    return Ok(());
                };
                stream = secure(stream, config).await?;
                session.secured();
                continue;
            }
        }
        if !output.is_empty() {
            stream.write_all(&output).await?;
            stream.flush().await?;
            output.clear();
        }
        input.reserve(READ);
        let Ok(read) = tokio::time::timeout(IDLE, stream.read_buf(&mut input)).await else {
            reply::IDLE.write(&mut output);
            ending = Some(Ending::Close);
            continue;
        };
        if read? == 0 {
            return Ok(());
        }
        ending = session.take(&mut input, &mut output);
    }
}

/// Writes all before the answer that starts at `from`, half of that, and resets.
async fn cut_answer(stream: &mut Stream, cut: &Cut, output: &[u8], from: usize) -> io::Result<()> {
    let (before, answer) = output.split_at(from.min(output.len()));
    stream.write_all(before).await?;
    stream.write_all(&answer[..answer.len() / 2]).await?;
    stream.flush().await?;
    cut.reset();
    Ok(())
}

async fn secure(stream: Stream, config: &Arc<rustls::ServerConfig>) -> io::Result<Stream> {
    match stream {
        Stream::Plain(connection) => {
            let accepted = TlsAcceptor::from(Arc::clone(config)).accept(connection);
            match tokio::time::timeout(IDLE, accepted).await {
                Ok(tls) => Ok(Stream::Tls(Box::new(tls?))),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        }
        Stream::Tls(_) => Ok(stream),
    }
}
