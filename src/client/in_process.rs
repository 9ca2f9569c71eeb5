//! Requests to a service in this process, without a socket in between.

use super::transport::{Body, BoxError, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tower::{Service, ServiceExt};

/// A transport that calls a service directly.
#[derive(Clone)]
pub struct InProcess<S> {
    service: S,
}

impl<S> InProcess<S> {
    /// A transport that calls clones of this service.
    pub fn new(service: S) -> Self {
        Self { service }
    }
}

#[async_trait]
impl<S, B> Transport for InProcess<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: std::fmt::Display,
    S::Future: Send,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn call(&self, request: Request<Body>) -> Result<Response<Body>, TransportError> {
        let response = self
            .service
            .clone()
            .oneshot(request)
            .await
            .map_err(|error| TransportError::Broken(error.to_string()))?;
        Ok(response.map(Body::new))
    }

    fn describe(&self) -> String {
        "this process".into()
    }
}
