//! Answers that come in steps.

use super::decode;
use super::error::{ClientError, Result};
use super::transport::{Body, TransportError};
use bytes::BytesMut;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

/// An answer that comes in steps: one JSON object a line.
pub struct Steps<T> {
    body: Body,
    buffer: BytesMut,
    ended: bool,
    step: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Steps<T> {
    pub(super) fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), ended: false, step: std::marker::PhantomData }
    }

    /// The next step; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return decode(&line).map(Some);
            }
            if self.ended {
                let rest = self.buffer.split();
                return if rest.is_empty() { Ok(None) } else { decode(&rest).map(Some) };
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Err(ClientError::Transport(TransportError::Broken(error.to_string())));
                }
                None => self.ended = true,
            }
        }
    }
}
