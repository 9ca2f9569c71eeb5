//! Imports: a file as the body, reports as the answer, a line each.

use super::answer::{Answered, ok, stream};
use super::call::Call;
use crate::domain::ids::TopicId;
use crate::domain::import::{ColumnMap, ImportOptions};
use crate::domain::validate::Invalid;
use crate::engine::usecases::Refusal;
use crate::engine::usecases::imports::{ImportPlan, ImportStep, Importer};
use crate::store::people::{ImportCounts as StoreCounts, ImportRecord};
use crate::wire::header;
use crate::wire::transfer::{Import, ImportCounts, ImportList, ImportProgress, ImportRequest, Reject};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Reports that wait for a slow reader.
const BACKLOG: usize = 4;

fn counts(counts: &StoreCounts) -> ImportCounts {
    ImportCounts {
        users: counts.users,
        targets: counts.targets,
        subscriptions: counts.subscriptions,
        topics: counts.topics,
        renamed: counts.renamed,
        unchanged: counts.unchanged,
    }
}

fn import(record: ImportRecord) -> Import {
    Import {
        id: record.id,
        at: record.at,
        by: record.by,
        source: record.source,
        counts: counts(&record.counts),
        undone: record.undone,
    }
}

fn progress(step: ImportStep, error: String) -> ImportProgress {
    ImportProgress {
        id: step.id.map(String::from).unwrap_or_default(),
        detected: step.detected,
        lines: step.lines,
        bytes: step.bytes,
        rows: step.rows,
        counts: counts(&step.counts),
        repaired: step.repaired,
        rejects_header: step.rejects_header,
        rejects: step
            .rejects
            .into_iter()
            .map(|refused| Reject {
                line: refused.line,
                reason: refused.reason,
                original: refused.original,
                record: refused.record,
            })
            .collect(),
        refused: step.refused,
        done: step.done,
        error,
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let imports = call.engine().store().imports(1000).await?.into_iter().map(import).collect();
    ok(&ImportList { imports })
}

pub(crate) async fn undo(call: Call) -> Answered {
    ok(&import(call.engine().undo_import(call.actor(), &call.id("importId")?).await?))
}

fn plan(call: &Call) -> Result<ImportPlan, Refusal> {
    call.only_query(&["source", "topic", "map", "country", "dryRun", "skipLines"])?;
    let request: ImportRequest = call.query_as(&["skipLines"], &["dryRun"])?;
    crate::domain::validate::line("source", &request.source, 0, 256)?;
    let mut map = ColumnMap::default();
    for entry in request.map.lines().filter(|entry| !entry.trim().is_empty()) {
        map.add(entry).map_err(|error| Invalid::value("map", error.to_string()))?;
    }
    let default = call.app.settings.import_country.as_ref().map(|country| country.0.clone());
    let country = request
        .country
        .or(default)
        .map(|country| country.parse().map_err(|error| Invalid::value("country", format!("{error}"))))
        .transpose()?;
    Ok(ImportPlan {
        source: request.source,
        options: ImportOptions { map, country },
        topic: request.topic,
        dry_run: request.dry_run,
        skip_lines: request.skip_lines,
    })
}

pub(crate) async fn create(call: Call) -> Answered {
    let plan = plan(&call)?;
    Ok(stream_of(call, plan))
}

/// The same for one topic: a list of addresses is enough.
pub(crate) async fn subscribe(call: Call) -> Answered {
    let topic: TopicId = call.id("topicId")?;
    let plan = plan(&call)?;
    if plan.topic.as_ref().is_some_and(|named| *named != topic) {
        return Err(Invalid::value("topic", "Value differs from the topic of the path").into());
    }
    call.engine().store().topic(&topic).await?;
    Ok(stream_of(call, ImportPlan { topic: Some(topic), ..plan }))
}

fn stream_of(call: Call, plan: ImportPlan) -> Response {
    let importer = call.engine().begin_import(call.actor(), plan);
    let body = call.body.into_body();
    let (reports, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(run(importer, body, reports));
    let lines = ReceiverStream::new(receiver).map(|step: ImportProgress| {
        let mut line = serde_json::to_vec(&step)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    stream("application/x-ndjson", Body::from_stream(lines))
}

/// Whether the reader of the file was told to stop.
fn was_stopped(frame: &Frame<Bytes>) -> bool {
    frame.trailers_ref().is_some_and(|trailers| trailers.contains_key(header::IMPORT_STOPPED))
}

/// Reads the body as fast as steps are written. A reader that goes away ends
/// the import where it is; the same file again goes on.
async fn run(mut importer: Importer, mut body: Body, reports: mpsc::Sender<ImportProgress>) {
    loop {
        let error = match body.frame().await {
            None => match importer.finish().await {
                Ok(step) => {
                    let _ = reports.send(progress(step, String::new())).await;
                    return;
                }
                Err(refusal) => refusal.message,
            },
            Some(Err(error)) => match importer.broken_off().await {
                Ok(step) => {
                    let _ = reports.send(progress(step, format!("the file broke off: {error}"))).await;
                    return;
                }
                Err(refusal) => refusal.message,
            },
            Some(Ok(frame)) => match frame.into_data() {
                Err(frame) if was_stopped(&frame) => match importer.broken_off().await {
                    Ok(step) => {
                        let _ = reports.send(progress(step, "stopped".into())).await;
                        return;
                    }
                    Err(refusal) => refusal.message,
                },
                Err(_) => continue,
                Ok(bytes) => match importer.push(&bytes).await {
                    Ok(None) => continue,
                    Ok(Some(step)) => {
                        if reports.send(progress(step, String::new())).await.is_err() {
                            return;
                        }
                        continue;
                    }
                    Err(refusal) => refusal.message,
                },
            },
        };
        let step = importer.interrupted();
        let _ = reports.send(progress(step, error)).await;
        return;
    }
}
