//! What carries requests.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request or an answer.
pub struct Body(UnsyncBoxBody<Bytes, BoxError>);

impl Body {
    /// Wraps any body.
    pub fn new<B>(body: B) -> Self
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(body.map_err(Into::into).boxed_unsync())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// A body with nothing in it.
pub fn empty_body() -> Body {
    Body::new(Empty::new())
}

/// A body of these bytes.
pub fn body_from(bytes: impl Into<Bytes>) -> Body {
    Body::new(Full::new(bytes.into()))
}

/// Why nobody answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nobody listens there.
    #[error("nobody answers at {0}: start `herald` or `herald serve`")]
    Unreachable(String),
    /// We may not connect.
    #[error("{0} does not admit this user")]
    Forbidden(String),
    /// The connection broke in the middle.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Carries a request to the API and its answer back.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request, whose URI is a path, and gives the answer as soon as its
    /// headers are there.
    async fn call(&self, request: Request<Body>) -> Result<Response<Body>, TransportError>;

    /// Where requests go, for people.
    fn describe(&self) -> String;
}
