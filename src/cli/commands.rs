//! Commands that talk to the engine: one file for each kind of thing.

pub mod alert;
pub mod draft;
pub mod errors;
pub mod export;
pub mod follow_up;
pub mod import;
pub mod key;
pub mod log;
pub mod message;
pub mod operation;
pub mod person;
pub mod provider;
pub mod queue;
pub mod routing;
pub mod send;
pub mod suppression;
pub mod target;
pub mod topic;
pub mod user;
pub mod webhook;
pub mod why;

use super::failure::{Failure, Outcome};
use super::output::Output;
use crate::client::Client;
use crate::domain::ids::IdError;
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::domain::zone::Zone;
use crate::engine::Engine;
use crate::wire::person::Target;
use crate::wire::query::ListRequest;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// A file's text, or that of standard input where the file is called `-`.
fn text_of(file: &Path) -> Outcome<String> {
    if file.as_os_str() == "-" {
        return Ok(std::io::read_to_string(std::io::stdin())?);
    }
    std::fs::read_to_string(file).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

/// An id that was typed.
fn id<T: FromStr<Err = IdError>>(text: &str) -> Outcome<T> {
    text.parse().map_err(|error| Failure::Usage(format!("{text}: {error}")))
}

/// What every command works with.
#[derive(Clone)]
pub struct Desk {
    /// The engine's door.
    pub client: Client,
    /// The engine itself, when this process runs one for a message that it waits for.
    pub own: Option<Engine>,
    /// Where words go.
    pub out: Output,
    /// The zone in which times are understood and shown.
    pub zone: Zone,
    /// The country of numbers without one.
    pub country: Option<String>,
    /// How long sending can be undone.
    pub undo: Duration,
    /// When the command began.
    pub now: Timestamp,
}

impl Desk {
    /// A page's request from what was typed.
    pub fn list(&self, page: &super::args::Listing) -> ListRequest {
        ListRequest::newest(page.limit)
            .after(page.after.as_deref())
            .filtered(page.filter.clone().unwrap_or_default())
            .uncounted()
    }

    /// The instant that words mean, in the operator's zone.
    pub fn when(&self, words: &str) -> Outcome<when::When> {
        when::parse(words, self.now.to_utc(), self.zone).map_err(|error| Failure::Usage(error.to_string()))
    }

    /// An instant as people read it, in the operator's zone.
    pub fn show(&self, at: Timestamp) -> String {
        at.to_utc().with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// The same, or a dash.
    pub fn show_maybe(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "–".into(), |at| self.show(at))
    }

    /// A target by its id or its address.
    pub async fn target(&self, text: &str) -> Outcome<Target> {
        if !text.contains('@') && !text.starts_with('+') {
            match self.client.target(text).await {
                Err(error) if error.status() == Some(404) => {}
                other => return Ok(other?),
            }
        }
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let list = ListRequest::newest(2).filtered(format!("address=\"{quoted}\"")).uncounted();
        let mut found = self.client.targets(&list).await?.into_items();
        match (found.pop(), found.is_empty()) {
            (Some(target), true) => Ok(target),
            (Some(_), false) => {
                Err(Failure::Refused(format!("more than one target has the address {text}: name it by id")))
            }
            (None, _) => Err(Failure::NotFound(format!("there is no target with the id or address {text}"))),
        }
    }
}
