//! A consistent copy while running.

use super::answer::{Answered, stream};
use super::call::{Call, Payload};
use crate::domain::validate::Invalid;
use crate::engine::usecases::Refusal;
use crate::wire::ErrorType;
use crate::wire::transfer::{BackupProgress, BackupRequest};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use std::path::PathBuf;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;

/// The largest body of this request.
const LIMIT: usize = 64 << 10;

pub(crate) async fn create(mut call: Call) -> Answered {
    let body = std::mem::replace(&mut call.body, Payload::Whole(Bytes::new())).into_body();
    let collected = Limited::new(body, LIMIT).collect().await.map_err(|error| {
        Refusal::new(ErrorType::BodyTooLarge, format!("The body cannot be read: {error}"))
    })?;
    call.body = Payload::Whole(collected.to_bytes());
    let request: BackupRequest = call.json()?;
    let directory = PathBuf::from(&request.directory);
    if !directory.is_absolute() {
        return Err(
            Invalid::value("directory", "Value must be an absolute path on the engine's machine").into()
        );
    }
    let engine = call.engine().clone();
    let with = if request.with_key { ", with the key" } else { "" };
    let audit =
        engine.entry(call.actor(), "store.backup", "store", format!("copied to {}{with}", request.directory));
    engine.store().append_audit(audit).await?;
    let (sender, receiver) = watch::channel(BackupProgress::default());
    tokio::spawn(async move {
        let sender = std::sync::Arc::new(sender);
        let counted = std::sync::Arc::clone(&sender);
        let progress = Box::new(move |bytes, total| {
            counted.send_replace(BackupProgress { bytes, total, ..BackupProgress::default() });
        });
        let result = engine.store().backup(&directory, request.with_key, progress).await;
        sender.send_modify(|last| match result {
            Ok(()) => last.done = true,
            Err(error) => last.error = error.to_string(),
        });
    });
    let lines = WatchStream::new(receiver).map(|step| {
        let mut line = serde_json::to_vec(&step)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    Ok(stream("application/x-ndjson", Body::from_stream(lines)))
}
