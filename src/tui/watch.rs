//! What an open dialog is about. Somebody else may change it while it is read: then the
//! dialog says so, and confirms nothing any more.

use super::conflict;
use super::message::{Command, Fetch, Slot};
use super::screens::compose::Compose;
use super::screens::form::Purpose;
use super::state::{Overlay, State};
use crate::domain::ids::{
    MessageId, ProviderId, Revision, SubscriberId, SuppressionId, TargetId, TopicId, UserId,
};
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::wire::delivery::Decision;

/// Something that a dialog is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// What a dialog is about, as it was when it was opened, and whether that still holds.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Vec<Seen>,
    lapsed: bool,
}

impl Watch {
    /// Of what a review of this command is about.
    pub fn of_command(command: &Command) -> Self {
        Self { seen: by_command(command), lapsed: false }
    }

    /// Of what a form for this purpose is about.
    pub fn of_purpose(purpose: &Purpose) -> Self {
        Self { seen: by_purpose(purpose), lapsed: false }
    }

    /// Something of it was shown with this revision.
    pub fn as_of(&mut self, of: Watched, revision: Revision) {
        self.seen.retain(|seen| seen.of != of);
        self.seen.push(Seen::at(of, revision));
    }

    /// The revision with which something of it was shown, once it is known.
    pub fn revision(&self, of: &Watched) -> Option<Revision> {
        let seen = self.seen.iter().find(|seen| seen.of == *of)?;
        seen.mark.as_ref()?.parse().ok().map(Revision)
    }

    /// What of it is looked at.
    fn seen(&self) -> &[Seen] {
        if self.lapsed { &[] } else { &self.seen }
    }

    /// Whether it does not hold any more, or never can: nothing is confirmed then.
    pub fn has_lapsed(&self) -> bool {
        self.lapsed
    }

    /// It does not hold any more.
    pub fn lapse(&mut self) {
        self.lapsed = true;
    }

    /// Compares it with how it is now, and learns what was not known yet. Says in words what differs.
    fn take(&mut self, all: &[Standing], me: &str, zone: Zone) -> Option<String> {
        if self.lapsed {
            return None;
        }
        let one = !self.is_about_many();
        let mut differs = None;
        for standing in all {
            let Some(seen) = self.seen.iter_mut().find(|seen| seen.of == standing.of) else { continue };
            match (&seen.mark, &standing.mark) {
                // Gone before it could be looked at.
                (_, None) => differs = Some(conflict::gone(standing, one, me, zone)),
                (None, mark) => seen.mark.clone_from(mark),
                (before, now) if before != now => {
                    differs = Some(conflict::changed(standing, one, me, zone));
                }
                _ => {}
            }
        }
        differs
    }

    /// Whether it is about several of a kind.
    fn is_about_many(&self) -> bool {
        let kind = |seen: &Seen| std::mem::discriminant(&seen.of);
        self.seen
            .iter()
            .enumerate()
            .any(|(n, seen)| self.seen[..n].iter().any(|other| kind(other) == kind(seen)))
    }
}

fn unknown(all: impl IntoIterator<Item = Watched>) -> Vec<Seen> {
    all.into_iter().map(|of| Seen { of, mark: None }).collect()
}

/// What a command is about, with the revision that it was decided on where it names one. A new
/// command says here what it is about.
fn by_command(command: &Command) -> Vec<Seen> {
    let one = |of| unknown([of]);
    let at = |of, revision: &Option<Revision>| match revision {
        Some(revision) => vec![Seen::at(of, *revision)],
        None => unknown([of]),
    };
    match command {
        Command::DeleteMessage(id, seen) => at(Watched::Message(id.clone()), seen),
        Command::DeleteTopic(id, seen) => at(Watched::Topic(id.clone()), seen),
        Command::DeleteTarget(_, id, seen) => at(Watched::Target(id.clone()), seen),
        Command::DeleteProvider(id, seen) => at(Watched::Provider(id.clone()), seen),
        Command::Many(many) => many.queue.iter().flat_map(|(_, command)| by_command(command)).collect(),
        Command::Send { id, .. }
        | Command::Pause(id)
        | Command::Resume(id)
        | Command::Release(id, _)
        | Command::Hold(id, _)
        | Command::Cancel(id)
        | Command::Retry(id, _)
        | Command::Undo(id)
        | Command::Duplicate(id)
        | Command::FollowUp(id, ..) => one(Watched::Message(id.clone())),
        Command::RenameTopic(id, ..) | Command::Subscribe(id, _) => one(Watched::Topic(id.clone())),
        Command::Unsubscribe(topic, id) => one(Watched::Subscriber(topic.clone(), id.clone())),
        Command::CreateTarget(user, _) => one(Watched::User(user.clone())),
        Command::UpdateTarget(_, id, _) => one(Watched::Target(id.clone())),
        Command::UpdateProvider(_, id, _)
        | Command::EnableProvider(_, id, _)
        | Command::PauseProvider(id)
        | Command::ResumeProvider(id)
        | Command::TestProvider(id, _)
        | Command::RollBackProvider(id) => one(Watched::Provider(id.clone())),
        Command::Failover(id, _) => unknown([Watched::Provider(id.clone()), Watched::Routing]),
        Command::Route(_) => one(Watched::Routing),
        Command::Decide(decide) => {
            let to = match &decide.decision {
                Decision::FailOver { provider_id } => Some(provider_id),
                _ => None,
            };
            let message = decide.message.iter().cloned().map(Watched::Message);
            let providers = decide.provider.iter().chain(to).cloned().map(Watched::Provider);
            unknown(message.chain(providers))
        }
        Command::LiftSuppressions(_, ids) => unknown(ids.iter().cloned().map(Watched::Suppression)),
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

/// What a form is about. A new form says here what it is about.
fn by_purpose(purpose: &Purpose) -> Vec<Seen> {
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

/// The watch of a dialog that can still be confirmed.
fn watch_of(overlay: &mut Overlay) -> Option<&mut Watch> {
    match overlay {
        Overlay::Review(review) => review.watch_mut(),
        Overlay::Form(form) => form.watch_mut(),
        _ => None,
    }
}

/// What is looked at for the dialog that lies topmost.
fn watched(state: &mut State) -> Vec<Seen> {
    let mut topmost = state.overlays.iter_mut().rev();
    let dialog =
        topmost.find(|overlay| matches!(overlay, Overlay::Review(_) | Overlay::Form(_) | Overlay::Compose));
    match dialog {
        Some(Overlay::Compose) => state.compose.as_ref().and_then(Compose::seen).into_iter().collect(),
        other => other.and_then(watch_of).map(|watch| watch.seen().to_vec()).unwrap_or_default(),
    }
}

/// Asks how it stands with what the open dialog is about.
pub fn ask(state: &mut State) {
    let seen = watched(state);
    if !seen.is_empty() {
        state.ask(Slot::Watched, Fetch::Watched(seen));
    }
}

/// The same when a dialog has been opened: what is not known of it yet is learned.
pub fn begin(state: &mut State) {
    if watched(state).iter().any(|seen| seen.mark.is_none()) {
        ask(state);
    }
}

/// Takes how it stands: a dialog about something else than what it showed lapses.
pub fn take(state: &mut State, all: &[Standing]) {
    let zone = state.zone;
    let me = state.overview.as_ref().map_or("", |overview| overview.instance.operator.as_str()).to_owned();
    if let Some(compose) = &mut state.compose {
        for standing in all {
            compose.take(standing, |standing| conflict::overtaken(standing, &me, zone));
        }
    }
    for overlay in &mut state.overlays {
        let Some(differs) = watch_of(overlay).and_then(|watch| watch.take(all, &me, zone)) else { continue };
        match overlay {
            Overlay::Review(review) => review.lapse(differs),
            Overlay::Form(form) => form.lapse(differs),
            _ => {}
        }
    }
}
