//! What an open dialog is about. Somebody else may change it while it is read: then the
//! dialog says so, and confirms nothing any more.

use super::conflict;
use super::message::{Command, Fetch, Slot};
use super::screens::form::Purpose;
use super::state::{Overlay, State};
use crate::domain::ids::{
    MessageId, ProviderId, Revision, SubscriberId, SuppressionId, TargetId, TopicId, UserId,
};
use crate::domain::time::Timestamp;
use crate::wire::delivery::Decision;

/// The most that are watched of many; the rest are refused one by one by the API.
const MOST: usize = 20;

/// Something that a dialog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// A message.
    Message(MessageId),
    /// A topic.
    Topic(TopicId),
    /// A subscription.
    Subscriber(TopicId, SubscriberId),
    /// A target.
    Target(TargetId),
    /// A user.
    User(UserId),
    /// A provider.
    Provider(ProviderId),
    /// The order of providers, the rules for countries, who steps in for whom.
    Routing,
    /// A record of the suppression list.
    Suppression(SuppressionId),
    /// Whether anything is sent at all.
    Sending,
}

/// How it was when the dialog was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub of: Watched,
    /// Its mark then; nothing: as the first answer says.
    pub mark: Option<String>,
}

impl Seen {
    /// Something whose revision is known.
    pub fn at(of: Watched, revision: Revision) -> Self {
        Self { of, mark: Some(revision.to_string()) }
    }
}

/// How it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What.
    pub of: Watched,
    /// Differs whenever it differs; nothing: it is gone.
    pub mark: Option<String>,
    /// A sentence without its subject, such as `is paused`; may be empty.
    pub is: String,
    /// Who changed it last, if that is known.
    pub by: Option<String>,
    /// And when.
    pub at: Option<Timestamp>,
}

fn unknown(all: impl IntoIterator<Item = Watched>) -> Vec<Seen> {
    all.into_iter().take(MOST).map(|of| Seen { of, mark: None }).collect()
}

/// What a command is about. A new command says here what it is about.
fn of_command(command: &Command) -> Vec<Watched> {
    let one = |of| vec![of];
    match command {
        Command::Send { id, .. }
        | Command::Pause(id)
        | Command::Resume(id)
        | Command::Release(id, _)
        | Command::Hold(id, _)
        | Command::Cancel(id)
        | Command::Retry(id, _)
        | Command::Undo(id)
        | Command::Duplicate(id)
        | Command::FollowUp(id, ..)
        | Command::DeleteMessage(id) => one(Watched::Message(id.clone())),
        Command::DeleteTopic(id) | Command::RenameTopic(id, ..) | Command::Subscribe(id, _) => {
            one(Watched::Topic(id.clone()))
        }
        Command::Unsubscribe(topic, id) => one(Watched::Subscriber(topic.clone(), id.clone())),
        Command::CreateTarget(user, _) => one(Watched::User(user.clone())),
        Command::UpdateTarget(_, id, _) | Command::DeleteTarget(_, id) => one(Watched::Target(id.clone())),
        Command::UpdateProvider(_, id, _)
        | Command::DeleteProvider(id)
        | Command::EnableProvider(_, id, _)
        | Command::PauseProvider(id)
        | Command::ResumeProvider(id)
        | Command::TestProvider(id, _)
        | Command::RollBackProvider(id) => one(Watched::Provider(id.clone())),
        Command::Failover(id, _) => vec![Watched::Provider(id.clone()), Watched::Routing],
        Command::Route(_) => one(Watched::Routing),
        Command::Decide(decide) => {
            let to = match &decide.decision {
                Decision::FailOver { provider_id } => Some(provider_id),
                _ => None,
            };
            let message = decide.message.iter().cloned().map(Watched::Message);
            let providers = decide.provider.iter().chain(to).cloned().map(Watched::Provider);
            message.chain(providers).collect()
        }
        Command::LiftSuppressions(_, ids) => ids.iter().cloned().map(Watched::Suppression).collect(),
        Command::Many(_, queue) => queue.iter().flat_map(|(_, command)| of_command(command)).collect(),
        Command::StopSending | Command::ResumeSending | Command::ReleaseRestored => one(Watched::Sending),
        // The draft's own form says what another changed; an operation and an undo are
        // confirmed with their number; the rest is about nothing that is there already.
        Command::SaveDraft { .. }
        | Command::Test { .. }
        | Command::CreateTopic(_)
        | Command::CreatePerson { .. }
        | Command::Import(_)
        | Command::Upload(_)
        | Command::Discard(_)
        | Command::KeepDraft(_)
        | Command::DropDraft(_)
        | Command::CreateProvider(..)
        | Command::Suppress(_)
        | Command::UndoSuppressions(_)
        | Command::ConfirmOperation(..)
        | Command::Leave => Vec::new(),
    }
}

/// What a review of a command is about.
pub fn by_command(command: &Command) -> Vec<Seen> {
    unknown(of_command(command))
}

/// What a form is about. A new form says here what it is about.
pub fn by_purpose(purpose: &Purpose) -> Vec<Seen> {
    match purpose {
        Purpose::Rename(topic) => vec![Seen::at(Watched::Topic(topic.id.clone()), topic.revision)],
        Purpose::Subscribe(topic) | Purpose::Import(Some(topic)) => unknown([Watched::Topic(topic.clone())]),
        Purpose::Target(target) => unknown([Watched::User(target.user_id.clone())]),
        Purpose::EditTarget(target) => vec![Seen::at(Watched::Target(target.id.clone()), target.revision)],
        Purpose::EditProvider(provider) => {
            vec![Seen::at(Watched::Provider(provider.id.clone()), provider.revision)]
        }
        Purpose::Failover(provider) => unknown([Watched::Provider(provider.id.clone()), Watched::Routing]),
        Purpose::Countries(_) => unknown([Watched::Routing]),
        Purpose::Schedule(id) | Purpose::Decide(id) => unknown([Watched::Message(id.clone())]),
        Purpose::TestProvider(id, _) => unknown([Watched::Provider(id.clone())]),
        Purpose::Topic
        | Purpose::Person
        | Purpose::Provider(_)
        | Purpose::Import(None)
        | Purpose::View
        | Purpose::Test(_) => Vec::new(),
    }
}

/// What is watched by the dialog that lies topmost, if it can still be confirmed.
fn watched(state: &State) -> Option<&[Seen]> {
    state.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Review(review) => Some(review.watched()),
        Overlay::Form(form) => Some(form.watched()),
        _ => None,
    })
}

/// Asks how it stands with what the open dialog is about.
pub fn ask(state: &mut State) {
    let seen = watched(state).unwrap_or_default().to_vec();
    if !seen.is_empty() {
        state.ask(Slot::Watched, Fetch::Watched(seen));
    }
}

/// The same when a dialog has been opened: what is not known of it yet is learned.
pub fn begin(state: &mut State) {
    if watched(state).unwrap_or_default().iter().any(|seen| seen.mark.is_none()) {
        ask(state);
    }
}

/// Takes how it stands: a dialog about something else than what it showed lapses.
pub fn take(state: &mut State, all: &[Standing]) {
    let zone = state.zone;
    let me = state.overview.as_ref().map_or("", |overview| overview.instance.operator.as_str()).to_owned();
    for overlay in &mut state.overlays {
        let seen = match overlay {
            Overlay::Review(review) => review.watched_mut(),
            Overlay::Form(form) => form.watched_mut(),
            _ => continue,
        };
        let mut lapsed = None;
        for standing in all {
            let Some(one) = seen.iter_mut().find(|one| one.of == standing.of) else { continue };
            match (&one.mark, &standing.mark) {
                // Gone before it could be looked at.
                (_, None) => lapsed = Some(conflict::gone(standing, &me, zone)),
                (None, mark) => one.mark.clone_from(mark),
                (before, now) if before != now => lapsed = Some(conflict::changed(standing, &me, zone)),
                _ => {}
            }
        }
        if let Some(text) = lapsed {
            match overlay {
                Overlay::Review(review) => review.lapse(text),
                Overlay::Form(form) => form.lapse(text),
                _ => {}
            }
        }
    }
}
