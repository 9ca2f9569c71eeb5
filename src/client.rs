//! A typed client of the API over any transport: a service in this process, the
//! Unix socket, TCP. The console and the command line are written on it.

mod attachments;
mod calls;
mod error;
mod events;
mod file_body;
mod follow_up;
mod http1;
mod in_process;
mod steps;
mod transport;

pub use attachments::is_brought;
pub use error::{ClientError, Result};
pub use events::EventStream;
pub use file_body::{body_of, lines_of, rejects_of};
pub use follow_up::Whom;
pub use http1::{Address, Http1};
pub use in_process::InProcess;
pub use steps::Steps;
pub use transport::{Body, BoxError, Transport, TransportError, body_from, empty_body};

use crate::domain::ids::Revision;
use crate::wire::header;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Where the event stream is.
const HERALD_EVENTS: &str = "/v1/herald/events";

/// The largest answer that is read as a whole.
const MAX_ANSWER: usize = 64 << 20;

/// A client. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    operator: Option<HeaderValue>,
    key: Option<SecretString>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport.describe()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client over this transport.
    pub fn new(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), operator: None, key: None }
    }

    /// The same, acting under an operator's name. It is believed on the socket and
    /// in this process; what cannot stand in a header is replaced by `?`.
    #[must_use]
    pub fn operator(mut self, name: &str) -> Self {
        let safe: String =
            name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        self.operator = HeaderValue::from_str(&safe).ok();
        self
    }

    /// The same, with an API key.
    #[must_use]
    pub fn key(mut self, secret: SecretString) -> Self {
        self.key = Some(secret);
        self
    }

    /// Where requests go, for people.
    pub fn describe(&self) -> String {
        self.transport.describe()
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Result<Request<Body>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(body)
            .map_err(|error| ClientError::Request(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(operator) = &self.operator {
            headers.insert(header::OPERATOR, operator.clone());
        }
        if let Some(key) = &self.key {
            let mut value = HeaderValue::from_str(key.expose_secret())
                .map_err(|_| ClientError::Request("the API key has characters that no key has".into()))?;
            value.set_sensitive(true);
            headers.insert(header::KEY, value);
        }
        Ok(request)
    }

    /// Sends a request and gives the answer with its body still streaming.
    /// Statuses from 400 up are errors.
    async fn open(&self, request: Request<Body>) -> Result<Response<Body>> {
        let response = self.transport.call(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = read_all(response.into_body()).await?;
        Err(ClientError::of_body(status, &body))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<(StatusCode, Bytes)> {
        let response = self.open(request).await?;
        Ok((response.status(), read_all(response.into_body()).await?))
    }

    /// A request without a body, answered by JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let (_, body) = self.exchange(self.request(Method::GET, path, empty_body())?).await?;
        decode(&body)
    }

    /// A request with a JSON body, answered by JSON.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let (_, answer) = self.exchange(self.json(method, path, body)?).await?;
        decode(&answer)
    }

    /// A request with a JSON body, answered by nothing.
    pub async fn send_only(&self, method: Method, path: &str, body: &(impl Serialize + Sync)) -> Result<()> {
        self.exchange(self.json(method, path, body)?).await.map(|_| ())
    }

    /// Deletes what is at this path; with a revision, only while it has that one still.
    async fn delete(&self, path: &str, seen: Option<Revision>) -> Result<()> {
        let mut request = self.json(Method::DELETE, path, &serde_json::json!({}))?;
        if let Some(seen) = seen {
            let value = HeaderValue::from_str(&format!("\"{seen}\""));
            let value = value.map_err(|error| ClientError::Request(error.to_string()))?;
            request.headers_mut().insert(http::header::IF_MATCH, value);
        }
        self.exchange(request).await.map(|_| ())
    }

    fn json(&self, method: Method, path: &str, body: &(impl Serialize + Sync)) -> Result<Request<Body>> {
        let bytes = serde_json::to_vec(body).map_err(|error| ClientError::Request(error.to_string()))?;
        let mut request = self.request(method, path, body_from(bytes))?;
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }
}

async fn read_all(body: Body) -> Result<Bytes> {
    let collected = Limited::new(body, MAX_ANSWER)
        .collect()
        .await
        .map_err(|error| ClientError::Transport(TransportError::Broken(error.to_string())))?;
    Ok(collected.to_bytes())
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ClientError::Answer(format!("{}: {}", error.path(), error.inner())))
}
