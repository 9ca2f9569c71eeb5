//! The hands of the console: does what `update` wants done, through the client.

mod command;
mod fetch;
mod folder;
mod follow_up;
mod import;
mod keep;
mod subscribe;
mod watched;

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::message::{Effect, Msg, Progress};
use super::runtime::{Outbox, Performer, Request};
use crate::client::Client;

pub use keep::read as read_kept;

/// The first wait before the event stream is tried again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How something that takes long says how far it is, and hears that it is to end.
pub(crate) struct Way {
    outbox: Outbox<Msg>,
    stop: CancellationToken,
}

impl Way {
    /// Says how far it is.
    async fn tell(&self, progress: Progress) {
        self.outbox.send(Msg::Progress(progress)).await;
    }
}

/// Works for one console.
#[derive(Debug)]
pub struct Hands {
    client: Client,
    following: Option<AbortHandle>,
    /// What must not be lost when the console ends.
    saving: JoinSet<()>,
    asking: JoinSet<()>,
    keeper: keep::Keeper,
    /// Ends what takes long.
    stop: CancellationToken,
}

impl Hands {
    /// Hands with this client, which keep what is kept in this file.
    pub fn new(client: Client, keep: Option<PathBuf>) -> Self {
        Self {
            client,
            following: None,
            saving: JoinSet::new(),
            asking: JoinSet::new(),
            keeper: keep::Keeper::new(keep),
            stop: CancellationToken::new(),
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        if let Some(task) = &self.following {
            task.abort();
        }
    }
}

impl Performer<Console> for Hands {
    fn perform(&mut self, effect: Effect, outbox: &Outbox<Msg>) -> Option<Request> {
        let (client, outbox) = (self.client.clone(), outbox.clone());
        while self.asking.try_join_next().is_some() {}
        while self.saving.try_join_next().is_some() {}
        match effect {
            Effect::Ask(request) => return Some(request),
            Effect::Fetch(slot, fetch) => {
                self.asking.spawn(async move {
                    let answer = fetch::fetch(&client, fetch).await.map_err(Into::into);
                    outbox.send(Msg::Answer(slot, answer)).await;
                });
            }
            Effect::Stop => self.stop.cancel(),
            Effect::Do(command) => {
                let long = command.takes_long();
                if long {
                    self.stop = CancellationToken::new();
                }
                let way = Way { outbox: outbox.clone(), stop: self.stop.clone() };
                self.saving.spawn(async move {
                    let done = command::run(&client, &command, &way).await.map_err(Into::into);
                    outbox.send(Msg::Done(command, done)).await;
                });
            }
            Effect::Keep(kept) => self.keeper.keep(&mut self.saving, &kept),
            Effect::Follow => {
                if let Some(before) = self.following.take() {
                    before.abort();
                }
                self.following = Some(self.asking.spawn(follow(client, outbox)));
            }
        }
        None
    }

    async fn settle(&mut self) {
        self.asking.abort_all();
        while self.saving.join_next().await.is_some() {}
    }
}

async fn follow(client: Client, outbox: Outbox<Msg>) {
    let mut events = client.events();
    let mut wait = AGAIN.0;
    loop {
        let msg = match events.next().await {
            Ok(event) => {
                wait = AGAIN.0;
                Msg::Event(event)
            }
            Err(error) => {
                if !outbox.send(Msg::Lost(error.into())).await {
                    return;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
                continue;
            }
        };
        if !outbox.send(msg).await {
            return;
        }
    }
}
