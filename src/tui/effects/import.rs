//! People from a file of the console's machine, streamed to the API.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use super::Way;
use crate::client::{Body, Client, ClientError, Result};
use crate::tui::message::{Done, ImportFile, Progress};
use crate::wire::transfer::{ImportProgress, ImportRequest, Reject};

/// Lines that were refused, of which the reasons are kept for the screen.
const SHOWN: usize = 100;

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    let path = path.display().to_string();
    move |error| ClientError::Request(format!("{path}: {error}"))
}

/// Imports the file; the lines that are refused go into a file beside it, which
/// can be mended and imported again.
pub(super) async fn run(client: &Client, file: &ImportFile, way: &Way) -> Result<Done> {
    let path = &file.path;
    let topic = match &file.topic {
        None => None,
        Some(topic) => {
            Some(topic.parse().map_err(|_| ClientError::Request(format!("{topic} is no topic's id")))?)
        }
    };
    let open = tokio::fs::File::open(path).await.map_err(failed(path))?;
    let all = open.metadata().await.ok().map(|about| about.len()).filter(|bytes| *bytes > 0);
    let body = ReaderStream::new(open).map(|chunk| chunk.map(Frame::<Bytes>::data));
    let request = ImportRequest {
        source: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        topic,
        country: file.country.clone(),
        dry_run: file.dry_run,
        ..ImportRequest::default()
    };
    let mut steps = client.import(&request, Body::new(StreamBody::new(body))).await?;
    let rejects = path.with_extension("rejects.csv");
    let mut writer = None;
    let mut shown: Vec<Reject> = Vec::new();
    let mut last = ImportProgress::default();
    let verb = if file.dry_run { "read" } else { "imported" };
    loop {
        let step = tokio::select! {
            biased;
            () = way.stop.cancelled() => {
                "stopped by you; what was made until then stays".clone_into(&mut last.error);
                break;
            }
            step = steps.next() => step?,
        };
        let Some(step) = step else { break };
        if !step.rejects.is_empty() {
            if writer.is_none() {
                let mut new = tokio::fs::File::create(&rejects).await.map_err(failed(&rejects))?;
                new.write_all(step.rejects_header.as_bytes()).await.map_err(failed(&rejects))?;
                writer = Some(new);
            }
            if let Some(writer) = &mut writer {
                for reject in &step.rejects {
                    writer.write_all(reject.record.as_bytes()).await.map_err(failed(&rejects))?;
                }
            }
            let room = SHOWN.saturating_sub(shown.len());
            shown.extend(step.rejects.iter().take(room).cloned());
        }
        let text = format!("{} people, {} lines refused", step.rows, step.refused);
        way.tell(Progress { verb, done: step.bytes, all, text }).await;
        last = ImportProgress {
            detected: if step.detected.is_empty() { last.detected } else { step.detected.clone() },
            ..step
        };
    }
    let wrote: Option<PathBuf> = match writer {
        Some(mut writer) => {
            writer.flush().await.map_err(failed(&rejects))?;
            Some(rejects)
        }
        None => None,
    };
    last.rejects = shown;
    Ok(Done::Imported(Box::new(last), wrote))
}
