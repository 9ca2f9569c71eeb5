//! Our HTTP/2 client: a few kept connections to one service, many requests at the
//! same time on each, and errors that say whether anything was processed.
//!
//! As [`super::http`], it follows no redirect, verifies certificates, connects only
//! to addresses that are allowed, and reads at most a capped answer.

use super::dial::{self, DialError};
use super::http::{HttpError, Requests};
use super::retry_after::retry_after;
use bytes::{Bytes, BytesMut};
use chrono::Utc;
use http::header::{RETRY_AFTER, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// The most connections to one service.
const CONNECTIONS: usize = 8;
/// How often a request that was certainly not processed is made again.
const AGAIN: usize = 3;
/// After so much silence under way, the other side is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
}

impl Http2Answer {
    /// How long the service asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, Utc::now())
    }

    /// A header's value as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client for one origin.
#[derive(Debug)]
pub struct Http2Client {
    host: String,
    port: u16,
    scheme: Scheme,
    authority: Authority,
    base: String,
    tls: Arc<ClientConfig>,
    allow_private: bool,
    requests: Requests,
    /// Requests at the same time on one connection before another is opened.
    streams: usize,
    connections: Mutex<Vec<Connection>>,
    dialing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    load: Arc<AtomicUsize>,
}

/// A place on a connection; given back when dropped.
struct Place {
    connection: Connection,
    fresh: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.load.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Http2Client {
    /// A client for what is below an `http` (prior knowledge) or `https` URL. `streams` is
    /// how many requests a connection bears before another is opened.
    pub fn new(
        base: &Url,
        tls: &Arc<ClientConfig>,
        allow_private: bool,
        requests: Requests,
        streams: usize,
    ) -> Result<Self, String> {
        let scheme = match base.scheme() {
            "https" => Scheme::HTTPS,
            "http" => Scheme::HTTP,
            other => return Err(format!("has the scheme {other}; http or https is wanted")),
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err("has a user name or password in it; use the fields for credentials".to_owned());
        }
        let host = base.host_str().ok_or("names no host")?.to_owned();
        let port = base.port_or_known_default().ok_or("names no port")?;
        let authority = base.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let authority = authority.parse().map_err(|_| "names no usable host")?;
        let mut tls = ClientConfig::clone(tls);
        tls.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self {
            host,
            port,
            scheme,
            authority,
            base: base.path().trim_end_matches('/').to_owned(),
            tls: Arc::new(tls),
            allow_private,
            requests,
            streams: streams.max(1),
            connections: Mutex::new(Vec::new()),
            dialing: tokio::sync::Mutex::new(()),
        })
    }

    /// Posts a body to a path below the base. A request of which is certain that nothing of it
    /// was processed is made again, within the deadline.
    pub async fn post(
        &self,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Http2Answer, HttpError> {
        let deadline = Instant::now() + self.requests.deadline;
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.base))
            .build()
            .map_err(|error| HttpError::NotSent(error.to_string()))?;
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("herald-console/", env!("CARGO_PKG_VERSION"))),
        );
        let mut last = None;
        for _ in 0..AGAIN {
            let mut place = match timeout_at(deadline, self.place()).await {
                Ok(place) => place?,
                Err(_) => return Err(HttpError::NotSent(self.late())),
            };
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            match timeout_at(deadline, place.connection.sender.try_send_request(request)).await {
                Ok(Ok(response)) => return self.answer(response, deadline).await,
                Ok(Err(mut error)) => {
                    let unsent = error.take_message().is_some();
                    let error = error.into_error();
                    if !unsent && !is_unprocessed(&error) {
                        return Err(HttpError::AnswerLost(reason(&error)));
                    }
                    last = Some(reason(&error));
                    if place.fresh && unsent {
                        break;
                    }
                }
                Err(_) => return Err(HttpError::AnswerLost(self.late())),
            }
        }
        Err(HttpError::NotSent(last.unwrap_or_else(|| "the connection ended".to_owned())))
    }

    /// Lets go of all connections; what is under way on them ends by itself.
    pub fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(&self) -> Result<Place, DialError> {
        if let Some(place) = self.kept() {
            return Ok(place);
        }
        let _one_at_a_time = self.dialing.lock().await;
        if let Some(place) = self.kept() {
            return Ok(place);
        }
        let connection = Connection { sender: self.connect().await?, load: Arc::new(AtomicUsize::new(1)) };
        self.lock().push(connection.clone());
        Ok(Place { connection, fresh: true })
    }

    /// A place on the least busy connection, unless another connection is due.
    fn kept(&self) -> Option<Place> {
        let mut connections = self.lock();
        connections.retain(|connection| !connection.sender.is_closed());
        let least = connections.iter().min_by_key(|connection| connection.load.load(Ordering::Relaxed))?;
        if least.load.load(Ordering::Relaxed) >= self.streams && connections.len() < CONNECTIONS {
            return None;
        }
        least.load.fetch_add(1, Ordering::Relaxed);
        Some(Place { connection: least.clone(), fresh: false })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, DialError> {
        let limit = self.requests.connect;
        let tcp = dial::tcp(&self.host, self.port, self.allow_private, limit).await?;
        if self.scheme == Scheme::HTTP {
            return self.handshake(tcp).await;
        }
        let stream = dial::tls(tcp, &self.tls, &self.host, limit).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            let problem = "the server does not offer HTTP/2".to_owned();
            return Err(DialError::Tls { host: self.host.clone(), problem });
        }
        self.handshake(stream).await
    }

    async fn handshake<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(self.requests.connect)
            // APNs allows one stream until it has seen a token: the first waits for nothing, the
            // others for what the service says.
            .initial_max_send_streams(1)
            .handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(|error| DialError::Connect {
            host: self.host.clone(),
            port: self.port,
            problem: reason(&error),
        })?;
        // The connection's task ends with the connection, which ends with its last sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn answer(
        &self,
        response: http::Response<Incoming>,
        deadline: Instant,
    ) -> Result<Http2Answer, HttpError> {
        let (parts, mut body) = response.into_parts();
        let mut read = BytesMut::new();
        // The status has come: an answer whose body breaks off is judged by what there is.
        while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
            let Ok(data) = frame.into_data() else { continue };
            let room = self.requests.answer.saturating_sub(read.len());
            read.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                break;
            }
        }
        Ok(Http2Answer { status: parts.status, headers: parts.headers, body: read.freeze() })
    }

    fn late(&self) -> String {
        format!("nothing came within {} ms", self.requests.deadline.as_millis())
    }
}

/// Whether the other side says that it has not processed the request: it refused the stream, or
/// went away and named an earlier one as the last (RFC 9113, 6.8 and 8.7).
fn is_unprocessed(error: &hyper::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<h2::Error>() {
            return error.is_go_away() && error.is_remote()
                || error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        cause = inner.source();
    }
    false
}

/// An error with its causes, which hyper's own text leaves out.
fn reason(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
