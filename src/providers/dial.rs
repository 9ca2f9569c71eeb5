//! Opens connections: look-up, TCP, TLS, each within a time limit.

use super::adapter::Verdict;
use super::resolve::{ResolveError, resolve};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why there is no connection. Nothing of a message has been sent then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The host has no address that we may use.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Nobody answers.
    #[error("cannot connect to {host}:{port}: {problem}")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the system says.
        problem: String,
    },
    /// TLS could not be agreed upon.
    #[error("TLS with {host} failed: {problem}")]
    Tls {
        /// The host.
        host: String,
        /// What went wrong.
        problem: String,
    },
    /// The certificate does not prove who the server is.
    #[error("the certificate of {host} is not trusted: {problem}")]
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl DialError {
    /// What it means for a recipient. A forbidden address or an untrusted
    /// certificate does not go away by trying again: it stops the provider until
    /// an operator has looked at it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Resolve(ResolveError::Forbidden { .. }) | Self::Certificate { .. } => Verdict::Refused,
            _ => Verdict::Transient,
        }
    }
}

/// Connects to the first address of `host` that answers, with small packets sent
/// at once (`TCP_NODELAY`). Each address gets an equal share of the time left.
pub async fn tcp(
    host: &str,
    port: u16,
    allow_private: bool,
    limit: Duration,
) -> Result<TcpStream, DialError> {
    let deadline = Instant::now() + limit;
    let failed = |problem: String| DialError::Connect { host: host.to_owned(), port, problem };
    let addresses = match timeout_at(deadline, resolve(host, port, allow_private)).await {
        Ok(addresses) => addresses?,
        Err(_) => {
            return Err(failed(format!("no answer from the name service within {} s", limit.as_secs())));
        }
    };
    let mut last = String::from("no address");
    let mut left = addresses.len() as u32;
    for address in addresses {
        let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
        left -= 1;
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} ms", share.as_millis()),
        }
    }
    Err(failed(last))
}

/// Agrees on TLS over a connection, verifying that the other side is `host`.
pub async fn tls(
    stream: TcpStream,
    config: &Arc<ClientConfig>,
    host: &str,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, DialError> {
    let failed = |problem: String| DialError::Tls { host: host.to_owned(), problem };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| failed("the host name is not one that a certificate can bear".to_owned()))?;
    let connecting = TlsConnector::from(config.clone()).connect(name, stream);
    match timeout_at(Instant::now() + limit, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(tls_error(host, &error)),
        Err(_) => Err(failed(format!("no answer within {} s", limit.as_secs()))),
    }
}

fn tls_error(host: &str, error: &io::Error) -> DialError {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (host, problem) = (host.to_owned(), error.to_string());
    match cause {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            DialError::Certificate { host, problem }
        }
        _ => DialError::Tls { host, problem },
    }
}
