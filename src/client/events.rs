//! The event stream, read.

use super::error::{ClientError, Result};
use super::transport::{Body, TransportError, empty_body};
use super::{Client, HERALD_EVENTS};
use crate::wire::event::{Changes, Event};
use bytes::BytesMut;
use http::{HeaderValue, Method};
use http_body_util::BodyExt;

/// The longest line of the stream that is read.
const MAX_LINE: usize = 64 << 10;

/// The event stream. It connects with the first [`EventStream::next`]; after an
/// error the next call connects again and goes on where it was.
pub struct EventStream {
    client: Client,
    position: Option<String>,
    body: Option<Body>,
    buffer: BytesMut,
    name: String,
    data: String,
}

impl EventStream {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            position: None,
            body: None,
            buffer: BytesMut::new(),
            name: String::new(),
            data: String::new(),
        }
    }

    /// Waits for the next event. The first one comes at once and says where
    /// everything stands.
    ///
    /// Cancelling this loses nothing that the next event does not stand for.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            while let Some(line) = self.take_line() {
                if let Some(event) = self.line(&line)? {
                    return Ok(event);
                }
            }
            if self.buffer.len() > MAX_LINE {
                return self.fail(ClientError::Answer("a line of the event stream does not end".into()));
            }
            let body = match &mut self.body {
                Some(body) => body,
                None => self.connect().await?,
            };
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
                Some(Err(error)) => {
                    return self.fail(TransportError::Broken(error.to_string()).into());
                }
                None => {
                    return self.fail(TransportError::Broken("the event stream ended".into()).into());
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<&mut Body> {
        let mut request = self.client.request(Method::GET, HERALD_EVENTS, empty_body())?;
        let headers = request.headers_mut();
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(value) = self.position.as_ref().and_then(|at| HeaderValue::from_str(at).ok()) {
            headers.insert("last-event-id", value);
        }
        let response = self.client.open(request).await?;
        self.buffer.clear();
        self.name.clear();
        self.data.clear();
        Ok(self.body.insert(response.into_body()))
    }

    fn fail<T>(&mut self, error: ClientError) -> Result<T> {
        self.body = None;
        self.buffer.clear();
        Err(error)
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line = self.buffer.split_to(end + 1);
        let line = String::from_utf8_lossy(&line[..end]);
        Some(line.strip_suffix('\r').unwrap_or(&line).to_owned())
    }

    /// One line; an event is over with an empty one.
    fn line(&mut self, line: &str) -> Result<Option<Event>> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            if data.is_empty() {
                return Ok(None);
            }
            let changes: Changes = match serde_json::from_str(&data) {
                Ok(changes) => changes,
                Err(error) => return self.fail(ClientError::Answer(error.to_string())),
            };
            return Ok(match name.as_str() {
                "reset" => Some(Event::Reset(changes)),
                "changed" => Some(Event::Changed(changes)),
                // A later version may say more.
                _ => None,
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push_str(value),
            "id" => self.position = Some(value.to_owned()),
            _ => {}
        }
        Ok(None)
    }
}
