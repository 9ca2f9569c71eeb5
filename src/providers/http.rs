//! Our HTTP client: kept connections, one request after the other on each, and
//! errors that say whether anything was sent.
//!
//! It follows no redirect, verifies certificates, connects only to addresses that
//! are allowed, and reads at most a capped answer.

use super::dial::{self, DialError};
use super::retry_after::retry_after;
use bytes::{Bytes, BytesMut};
use chrono::Utc;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// From the start of a request, connecting included, to the end of its answer.
    pub deadline: Duration,
    /// Look-up, TCP and TLS.
    pub connect: Duration,
    /// An idle connection older than this is not used again.
    pub idle: Duration,
    /// The most bytes of an answer's body that are read: room for a thousand results.
    pub answer: usize,
    /// How many recipients make a train, where a request takes one.
    pub train: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            answer: 4 * 1024 * 1024,
            train: 16,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// There was no connection: nothing was sent.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection ended before anything of the request was written.
    #[error("the connection ended before the request was sent: {0}")]
    NotSent(String),
    /// The request was written, at least in part, and no answer came.
    #[error("the request was sent, and its answer was lost: {0}")]
    AnswerLost(String),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// How long the service asks us to wait.
    pub retry_after: Option<Duration>,
    /// All headers: some services put their id of a message there.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether the body is whole.
    pub whole: bool,
}

impl HttpAnswer {
    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What the requests to one path have in common, built once.
#[derive(Debug, Clone)]
pub struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query, the base's path included.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

/// A client for one service: an origin, and connections to it.
#[derive(Debug)]
pub struct HttpClient {
    host: String,
    port: u16,
    secure: bool,
    base: String,
    authority: HeaderValue,
    tls: Arc<ClientConfig>,
    allow_private: bool,
    requests: Requests,
    idle: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    used: Instant,
}

impl HttpClient {
    /// A client for what is below an `http` or `https` URL. Nothing is connected yet.
    pub fn new(
        base: &Url,
        tls: Arc<ClientConfig>,
        allow_private: bool,
        requests: Requests,
    ) -> Result<Self, String> {
        let secure = match base.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("has the scheme {other}; http or https is wanted")),
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err("has a user name or password in it; use the fields for credentials".to_owned());
        }
        let host = base.host_str().ok_or("names no host")?.to_owned();
        let port = base.port_or_known_default().ok_or("names no port")?;
        let authority = base.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let authority = HeaderValue::from_str(&authority).map_err(|_| "names no usable host")?;
        let base = base.path().trim_end_matches('/').to_owned();
        Ok(Self {
            host,
            port,
            secure,
            base,
            authority,
            tls,
            allow_private,
            requests,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// The head of POST requests to a path below the base, with further headers.
    pub fn head(
        &self,
        path: &str,
        content_type: &'static str,
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Head, String> {
        let mut head = self.bare(Method::POST, path, further)?;
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(head)
    }

    /// The head of requests without a body to a path below the base.
    pub fn bare(
        &self,
        method: Method,
        path: &str,
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Head, String> {
        let uri = format!("{}{path}", self.base).parse().map_err(|_| "has an unusable path".to_owned())?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, self.authority.clone());
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("herald-console/", env!("CARGO_PKG_VERSION"))),
        );
        headers.extend(further);
        Ok(Head { method, uri, headers })
    }

    /// Host, and port where it is not the scheme's own: the value of `Host`.
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// A line for a train of requests: it keeps its connection until it is dropped.
    pub fn line(&self) -> Line<'_> {
        Line { client: self, connection: None }
    }

    /// Closes the idle connections.
    pub fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.sender.is_closed() && connection.used.elapsed() < self.requests.idle {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, DialError> {
        let limit = self.requests.connect;
        let tcp = dial::tcp(&self.host, self.port, self.allow_private, limit).await?;
        let failed = |error: &hyper::Error| DialError::Connect {
            host: self.host.clone(),
            port: self.port,
            problem: error.to_string(),
        };
        // The connection's task ends with the connection, which ends with its sender.
        let sender = if self.secure {
            let stream = dial::tls(tcp, &self.tls, &self.host, limit).await?;
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
            tokio::spawn(connection);
            sender
        } else {
            let (sender, connection) =
                http1::handshake(TokioIo::new(tcp)).await.map_err(|error| failed(&error))?;
            tokio::spawn(connection);
            sender
        };
        Ok(Connection { sender, used: Instant::now() })
    }
}

/// One request after the other, over one connection as long as it lasts.
#[derive(Debug)]
pub struct Line<'a> {
    client: &'a HttpClient,
    connection: Option<Connection>,
}

impl Line<'_> {
    /// Sends a request, with further headers and a body. One of which certainly nothing
    /// was sent, because a kept connection had ended, is made again over a new one.
    pub async fn request(
        &mut self,
        head: &Head,
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<HttpAnswer, HttpError> {
        let deadline = Instant::now() + self.client.requests.deadline;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = head.headers.clone();
        for (name, value) in further {
            request.headers_mut().insert(name, value);
        }
        loop {
            let (mut connection, kept) = match self.connection.take().or_else(|| self.client.kept()) {
                Some(connection) => (connection, true),
                None => match timeout_at(deadline, self.client.connect()).await {
                    Ok(connection) => (connection?, false),
                    Err(_) => return Err(HttpError::NotSent(self.late())),
                },
            };
            match timeout_at(deadline, connection.sender.ready()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) if kept => continue,
                Ok(Err(error)) => return Err(HttpError::NotSent(reason(&error))),
                Err(_) => return Err(HttpError::NotSent(self.late())),
            }
            match timeout_at(deadline, connection.sender.try_send_request(request)).await {
                Ok(Ok(response)) => return self.answer(connection, response, deadline).await,
                Ok(Err(mut error)) => match error.take_message() {
                    Some(back) if kept => request = back,
                    Some(_) => return Err(HttpError::NotSent(reason(error.error()))),
                    None => return Err(HttpError::AnswerLost(reason(error.error()))),
                },
                Err(_) => return Err(HttpError::AnswerLost(self.late())),
            }
        }
    }

    async fn answer(
        &mut self,
        connection: Connection,
        response: http::Response<Incoming>,
        deadline: Instant,
    ) -> Result<HttpAnswer, HttpError> {
        let (parts, mut body) = response.into_parts();
        let retry_after =
            parts.headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, Utc::now()));
        let (status, headers) = (parts.status, parts.headers);
        let mut answer = HttpAnswer { status, retry_after, headers, body: Bytes::new(), whole: false };
        let mut more = BytesMut::new();
        let cap = self.client.requests.answer;
        loop {
            match timeout_at(deadline, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if answer.body.is_empty() && more.is_empty() && data.len() <= cap {
                        // The usual answer comes in one piece.
                        answer.body = data;
                        continue;
                    }
                    if more.is_empty() {
                        more.extend_from_slice(&std::mem::take(&mut answer.body));
                    }
                    let room = cap - more.len().min(cap);
                    more.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        break;
                    }
                }
                Ok(None) => {
                    answer.whole = true;
                    self.connection = Some(connection);
                    break;
                }
                Ok(Some(Err(_))) | Err(_) => break,
            }
        }
        if !more.is_empty() {
            answer.body = more.freeze();
        }
        Ok(answer)
    }

    fn late(&self) -> String {
        format!("nothing came within {} ms", self.client.requests.deadline.as_millis())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && !connection.sender.is_closed()
        {
            connection.used = Instant::now();
            self.client.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
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
