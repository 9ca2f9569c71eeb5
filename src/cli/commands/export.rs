//! `herald export`: people as CSV or NDJSON, in the columns that `import` reads.

use super::Desk;
use crate::cli::args::Export;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::grouped;
use crate::domain::channel::Channel;
use crate::wire::person::User;
use crate::wire::query::ListRequest;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Users of one request.
const PAGE: usize = 500;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    user_id: String,
    name: String,
    email: String,
    phone: String,
    push: String,
    push_provider: String,
    topics: String,
}

enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Ndjson(Box<dyn Write>),
}

impl Sink {
    fn put(&mut self, row: &Row) -> Outcome {
        match self {
            Self::Csv(csv) => csv.serialize(row).map_err(|error| Failure::Failed(error.to_string())),
            Self::Ndjson(out) => {
                serde_json::to_writer(&mut *out, row).map_err(|error| Failure::Failed(error.to_string()))?;
                Ok(out.write_all(b"\n")?)
            }
        }
    }

    fn end(self) -> Outcome {
        match self {
            Self::Csv(mut csv) => Ok(csv.flush()?),
            Self::Ndjson(mut out) => Ok(out.flush()?),
        }
    }
}

/// Writes everybody and who subscribes to what, or the subscribers of a topic.
pub async fn run(desk: &Desk, export: Export) -> Outcome {
    let out: Box<dyn Write> = if export.file.as_os_str() == "-" {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        let named = |error| Failure::Failed(format!("{}: {error}", export.file.display()));
        Box::new(BufWriter::new(File::create(&export.file).map_err(named)?))
    };
    let ndjson = match export.format.as_deref() {
        Some(format) => format == "ndjson",
        None => is_ndjson(&export.file),
    };
    let mut sink =
        if ndjson { Sink::Ndjson(out) } else { Sink::Csv(Box::new(csv::Writer::from_writer(out))) };
    let count = match &export.topic {
        Some(topic) => subscribers(desk, topic, &mut sink).await?,
        None => users(desk, &mut sink).await? + subscriptions(desk, &mut sink).await?,
    };
    sink.end()?;
    desk.out.note(format!("{} rows", grouped(count)))?;
    Ok(())
}

fn is_ndjson(file: &Path) -> bool {
    file.extension().is_some_and(|ext| ext == "ndjson" || ext == "jsonl")
}

async fn users(desk: &Desk, sink: &mut Sink) -> Outcome<u64> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let list = ListRequest::oldest(PAGE).after(after.as_deref()).uncounted();
        let users = desk.client.users(&list).await?.into_items();
        let Some(last) = users.last() else { return Ok(count) };
        after = Some(last.id.to_string());
        for user in &users {
            for row in rows(user) {
                sink.put(&row)?;
                count += 1;
            }
        }
    }
}

/// One row for a user; one more for each further device.
fn rows(user: &User) -> Vec<Row> {
    let of = |channel: Channel| user.targets.iter().filter(move |target| target.provider_type == channel);
    let first = |channel: Channel, own: &str| {
        of(channel).find(|target| target.identifier == own).or_else(|| of(channel).next())
    };
    let mut row = Row { user_id: user.id.to_string(), name: user.name.clone(), ..Row::default() };
    row.email =
        first(Channel::Email, &user.email).map_or_else(|| user.email.clone(), |t| t.identifier.clone());
    row.phone = first(Channel::Sms, &user.phone).map_or_else(|| user.phone.clone(), |t| t.identifier.clone());
    let mut rows = vec![row];
    for (n, device) in of(Channel::Push).enumerate() {
        if n > 0 {
            rows.push(Row { user_id: user.id.to_string(), name: user.name.clone(), ..Row::default() });
        }
        let row = &mut rows[n];
        row.push.clone_from(&device.identifier);
        row.push_provider = device.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
    }
    rows
}

/// A row for each subscription: so the file says which address it is for, and
/// nothing has to be held in memory.
async fn subscriptions(desk: &Desk, sink: &mut Sink) -> Outcome<u64> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let list = ListRequest::oldest(PAGE).after(after.as_deref()).uncounted();
        let topics = desk.client.topics(&list).await?.into_items();
        let Some(last) = topics.last() else { return Ok(count) };
        after = Some(last.id.to_string());
        for topic in &topics {
            count += subscribers(desk, topic.id.as_str(), sink).await?;
        }
    }
}

async fn subscribers(desk: &Desk, topic: &str, sink: &mut Sink) -> Outcome<u64> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let list = ListRequest::oldest(PAGE).after(after.as_deref()).uncounted();
        let page = desk.client.subscribers(topic, &list).await?.into_items();
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.id.to_string());
        for subscriber in &page {
            let mut row = Row {
                user_id: subscriber.user_id.to_string(),
                name: subscriber.user_name.clone(),
                topics: topic.to_owned(),
                ..Row::default()
            };
            let address = subscriber.target.identifier.clone();
            match subscriber.provider_type {
                Channel::Email => row.email = address,
                Channel::Sms => row.phone = address,
                Channel::Push => {
                    row.push = address;
                    row.push_provider =
                        subscriber.target.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
                }
            }
            sink.put(&row)?;
            count += 1;
        }
    }
}
