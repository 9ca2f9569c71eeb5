//! Requests over a Unix socket or TCP, on pooled HTTP/1.1 connections.

use super::transport::{Body, Transport, TransportError};
use async_trait::async_trait;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpStream, UnixStream};

/// Where the API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// Idle connections that are kept.
const IDLE: usize = 8;

/// A transport over HTTP/1.1. Connections are reused; a request that meets one
/// that was closed meanwhile, before anything of it was sent, goes over a new one.
#[derive(Clone)]
pub struct Http1 {
    address: Address,
    idle: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

impl Http1 {
    /// A transport to this address. It connects when it is used.
    pub fn new(address: Address) -> Self {
        Self { address, idle: Arc::default() }
    }

    async fn connect(&self) -> Result<SendRequest<Body>, TransportError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied => TransportError::Forbidden(self.address.to_string()),
            _ => TransportError::Unreachable(self.address.to_string()),
        };
        match &self.address {
            Address::Socket(path) => {
                handshake(TokioIo::new(UnixStream::connect(path).await.map_err(failed)?)).await
            }
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                handshake(TokioIo::new(stream)).await
            }
        }
    }

    fn take_idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if sender.is_ready() && !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }
}

async fn handshake<T>(io: TokioIo<T>) -> Result<SendRequest<Body>, TransportError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(|error| TransportError::Broken(error.to_string()))?;
    tokio::spawn(async move {
        // A broken connection shows in the request that is on it.
        let _ = connection.await;
    });
    Ok(sender)
}

#[async_trait]
impl Transport for Http1 {
    async fn call(&self, mut request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let host = match &self.address {
            Address::Socket(_) => "localhost",
            Address::Tcp(address) => address,
        };
        let host = HeaderValue::from_str(host).map_err(|error| TransportError::Broken(error.to_string()))?;
        request.headers_mut().insert(HOST, host);
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
        loop {
            let (mut sender, fresh) = match self.take_idle() {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let idle = Arc::clone(&self.idle);
                    tokio::spawn(async move {
                        // Ready again only when the answer's body has been read.
                        if sender.ready().await.is_ok() {
                            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                            if idle.len() < IDLE {
                                idle.push(sender);
                            }
                        }
                    });
                    return Ok(response.map(Body::new));
                }
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(TransportError::Broken(failed.into_error().to_string())),
                },
            }
        }
    }

    fn describe(&self) -> String {
        self.address.to_string()
    }
}
