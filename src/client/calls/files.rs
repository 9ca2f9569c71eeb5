//! Buckets and files.

use super::segment;
use crate::client::{Body, BoxError, Client, ClientError, Result, decode, read_all};
use crate::wire::delivery::Affected;
use crate::wire::storage::{Bucket, File, WriteBucket};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, once};
use http::{HeaderValue, Method};
use http_body_util::StreamBody;
use hyper::body::Frame;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;
use std::future::ready;

const BUCKETS: &str = "/v1/storage/buckets";

/// A boundary that no file has.
fn boundary() -> Result<String> {
    let mut bytes = [0u8; 16];
    let failed = |_| ClientError::Request("the system gives no random numbers".into());
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes.iter().fold("herald-".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    }))
}

/// A file's name between quotes of a form.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace(['\r', '\n'], " ")
}

impl Client {
    /// A bucket.
    pub async fn bucket(&self, id: impl AsRef<str> + Send) -> Result<Bucket> {
        self.get(&format!("{BUCKETS}/{}", segment(id))).await
    }

    /// Creates a bucket.
    pub async fn create_bucket(&self, bucket: &WriteBucket) -> Result<Bucket> {
        self.send(Method::POST, BUCKETS, bucket).await
    }

    /// A file, without its content.
    pub async fn file(&self, bucket: impl AsRef<str> + Send, id: impl AsRef<str> + Send) -> Result<File> {
        self.get(&format!("{BUCKETS}/{}/files/{}", segment(bucket), segment(id))).await
    }

    /// Deletes a file unless a message names it; says whether it is gone.
    pub async fn discard_file(
        &self,
        bucket: impl AsRef<str> + Send,
        id: impl AsRef<str> + Send,
    ) -> Result<bool> {
        let path = format!("/v1/herald/storage/{}/{}/discard", segment(bucket), segment(id));
        let affected: Affected = self.send(Method::POST, &path, &serde_json::json!({})).await?;
        Ok(affected.count > 0)
    }

    /// Uploads a file as it is read; `id` may be `unique()`.
    pub async fn upload<S, E>(&self, bucket: &str, id: &str, name: &str, content: S) -> Result<File>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let boundary = boundary()?;
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"fileId\"\r\n\r\n{id}\r\n--{boundary}\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             content-type: application/octet-stream\r\n\r\n",
            quoted(name)
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let whole = once(ready(Ok(Bytes::from(head))))
            .chain(content.map(|piece| piece.map_err(Into::into)))
            .chain(once(ready(Ok(Bytes::from(tail)))));
        let body =
            Body::new(StreamBody::new(whole.map(|piece: Result<Bytes, BoxError>| piece.map(Frame::data))));
        let mut request =
            self.request(Method::POST, &format!("{BUCKETS}/{}/files", segment(bucket)), body)?;
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
            .map_err(|error| ClientError::Request(error.to_string()))?;
        request.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        decode(&read_all(self.open(request).await?.into_body()).await?)
    }
}
