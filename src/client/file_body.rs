//! A file as a body that can be stopped.

use super::transport::Body;
use crate::wire::header;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::{HeaderMap, HeaderValue};
use http_body_util::StreamBody;
use hyper::body::Frame;
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// What this reader reads. Once it is told to stop, it ends with a word behind it that says so: whoever
/// takes it then knows that it is not the end of the file, writes what it has, and says how far it is.
pub fn body_of(reader: impl AsyncRead + Send + 'static, stop: &CancellationToken) -> Body {
    let chunks = ReaderStream::with_capacity(Box::pin(reader), CHUNK)
        .map(|chunk: io::Result<Bytes>| chunk.map(Frame::data))
        .take_until(stop.clone().cancelled_owned());
    let stop = stop.clone();
    let last = stream::once(async move { stop.is_cancelled() }).filter_map(|stopped| async move {
        stopped.then(|| {
            let mut word = HeaderMap::new();
            word.insert(header::IMPORT_STOPPED, HeaderValue::from_static("1"));
            Ok(Frame::trailers(word))
        })
    });
    Body::new(StreamBody::new(chunks.chain(last)))
}

/// Where the lines of a file of people that are refused go: beside it.
pub fn rejects_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".rejects.csv");
    PathBuf::from(name)
}

/// How many lines a file has; nothing if it cannot be read again.
pub async fn lines_of(path: PathBuf) -> Option<u64> {
    let read = move || -> io::Result<u64> {
        let mut file = std::fs::File::open(path)?;
        let (mut block, mut lines) = (vec![0; 64 << 10], 0);
        loop {
            match io::Read::read(&mut file, &mut block)? {
                0 => return Ok(lines),
                n => lines += block[..n].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>(),
            }
        }
    };
    tokio::task::spawn_blocking(read).await.ok()?.ok()
}
