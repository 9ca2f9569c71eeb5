//! People from a file of the console's machine, streamed to the API.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use super::Way;
use super::folder::expanded;
use crate::client::{Client, ClientError, Result, body_of, lines_of, rejects_of};
use crate::tui::message::{Done, ImportFile, Progress};
use crate::tui::show;
use crate::wire::transfer::{ImportProgress, ImportRequest, Reject};

/// Lines that were refused, of which the reasons are kept for the screen.
const SHOWN: usize = 100;

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    let path = path.display().to_string();
    move |error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file on this machine".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be read or written by this user".to_owned(),
            _ => error.to_string(),
        };
        ClientError::Request(format!("{path}: {why}"))
    }
}

/// Imports the file; the lines that are refused go into a file beside it, which
/// can be mended and imported again.
pub(super) async fn run(client: &Client, file: &ImportFile, way: &Way) -> Result<Done> {
    let path = &expanded(&file.path.to_string_lossy());
    let topic = match &file.topic {
        None => None,
        Some(topic) => {
            Some(topic.parse().map_err(|_| ClientError::Request(format!("{topic} is no topic's id")))?)
        }
    };
    let open = tokio::fs::File::open(path).await.map_err(failed(path))?;
    let about = open.metadata().await.map_err(failed(path))?;
    if about.is_dir() {
        return Err(ClientError::Request(format!("{} is a directory: name a file in it", path.display())));
    }
    let all = Some(about.len()).filter(|bytes| *bytes > 0);
    let request = ImportRequest {
        source: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        topic,
        country: file.country.clone(),
        dry_run: file.dry_run,
        ..ImportRequest::default()
    };
    let mut steps = client.import(&request, body_of(open, &way.stop)).await?;
    let rejects = rejects_of(path);
    let mut writer = None;
    let mut shown: Vec<Reject> = Vec::new();
    let mut last = ImportProgress::default();
    let verb = if file.dry_run { "read" } else { "imported" };
    loop {
        let step = match steps.next().await {
            // The line to the API went with the file.
            Err(_) if way.stop.is_cancelled() => break,
            step => step?,
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
        let text = format!("{} · {} refused", show::people(step.rows), show::counted(step.refused, "lines"));
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
    if way.stop.is_cancelled() && !last.done {
        last.error = stopped(client, path, &mut last).await;
    }
    Ok(Done::Imported(Box::new(last), wrote))
}

/// What to say of an import that was stopped: what is in, and what is left of the file.
async fn stopped(client: &Client, path: &Path, last: &mut ImportProgress) -> String {
    client.recount(last).await;
    let left = match lines_of(path.to_owned()).await {
        Some(all) => {
            let left = all.saturating_sub(last.lines);
            let are = if left == 1 { "is" } else { "are" };
            format!(", about {} of it {are} left", show::counted(left, "lines"))
        }
        None => String::new(),
    };
    let read = show::counted(last.lines, "lines");
    format!("stopped by you: {read} read{left}. The same file again goes on: who is there is not made twice")
}
