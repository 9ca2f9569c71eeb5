//! Every review, and what it says.

use super::Review;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId, Revision};
use crate::domain::time::Timestamp;
use crate::tui::message::{Command, Fetch, Slot};
use crate::tui::show;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::wire::message::{Message, Retry, ScheduleWords};
use crate::wire::provider::ProviderHealth;
use crate::wire::topic::{Subscriber, Topic};

fn open(state: &mut State, review: Review) {
    state.overlays.push(Overlay::Review(Box::new(review)));
}

fn text(line: impl Into<String>) -> (String, Role) {
    (line.into(), Role::TEXT)
}

/// Before a message is sent, now or at a time.
pub fn open_send(state: &mut State, message: &Message, at: Option<(Timestamp, ScheduleWords)>) {
    let headline = message.headline().to_owned();
    open_send_draft(state, &message.id, message.provider_type, message.revision, headline, at);
}

/// The same, before what was written is in the list.
pub fn open_send_draft(
    state: &mut State,
    id: &MessageId,
    channel: Channel,
    revision: Revision,
    headline: String,
    at: Option<(Timestamp, ScheduleWords)>,
) {
    let undo = state.undo_seconds();
    let when = match &at {
        None if undo > 0 => format!("starts when you confirm, {undo} s to take it back"),
        None => "starts when you confirm".to_owned(),
        Some((at, words)) => format!(
            "starts {} ({}), “{}”",
            show::exact(*at, state.zone),
            show::relative_to(*at, state.now),
            words.words
        ),
    };
    let title = format!("Send “{headline}”?");
    let command = Command::Send { id: id.clone(), channel, revision, confirmed: 0, undo, at, headline };
    let review = Review::new(title, vec![text(when)], command).waiting(id.clone());
    open(state, review);
    state.ask(Slot::Review, Fetch::Preview(id.clone()));
}

/// Before whoever failed is tried again.
pub fn open_retry(state: &mut State, message: &Message) {
    let id = message.id.clone();
    let retry = Retry::default();
    let lines = vec![text(format!("“{}”: those who were accepted get no second copy", message.headline()))];
    let review = Review::new("Retry?".to_owned(), lines, Command::Retry(id.clone(), retry.clone()))
        .same_as(format!("herald message retry {id}"))
        .waiting(id.clone());
    open(state, review);
    state.ask(Slot::Review, Fetch::Retry(id, retry));
}

/// Before a paused message goes on.
pub fn open_resume_message(state: &mut State, message: &Message) {
    let left = message.progress.open();
    let lines = vec![text(format!("{} are still to be sent to", show::people(left)))];
    let title = format!("Let “{}” go on?", message.headline());
    let review = Review::new(title, lines, Command::Resume(message.id.clone()))
        .same_as(format!("herald message resume {}", message.id));
    open(state, review);
}

/// Before a held message goes.
pub fn open_release(state: &mut State, message: &Message) {
    let why = message
        .why
        .as_ref()
        .map(|why| format!("It {}", show::why(&why.why, state.now, state.zone)))
        .unwrap_or_default();
    let title = format!("Let “{}” go?", message.headline());
    let command = Command::Release(message.id.clone(), message.revision);
    let review = Review::new(title, vec![text(why)], command)
        .same_as(format!("herald message release {}", message.id));
    open(state, review);
}

/// Before a message ends early.
pub fn open_cancel(state: &mut State, message: &Message) {
    let lines = vec![
        text(format!("accepted {} stay accepted", show::count(message.progress.accepted))),
        text(format!("{} will not be tried", show::people(message.progress.open()))),
    ];
    let title = format!("Cancel “{}”?", message.headline());
    let review = Review::new(title, lines, Command::Cancel(message.id.clone()))
        .typing("cancel")
        .same_as(format!("herald message cancel {}", message.id));
    open(state, review);
}

/// Before a message is deleted.
pub fn open_delete_message(state: &mut State, message: &Message) {
    let title = format!("Delete “{}”?", message.headline());
    let lines = vec![text("The message goes; its rows of the delivery log stay.")];
    let review = Review::new(title, lines, Command::DeleteMessage(message.id.clone()))
        .typing("delete")
        .same_as(format!("herald message delete {}", message.id));
    open(state, review);
}

/// Before a topic is deleted.
pub fn open_delete_topic(state: &mut State, topic: &Topic) {
    let title = format!("Delete the topic “{}”?", topic.name);
    let lines = vec![text(format!("{} subscriptions end; the people stay.", show::count(topic.sum())))];
    let review = Review::new(title, lines, Command::DeleteTopic(topic.id.clone()))
        .typing("delete")
        .same_as(format!("herald topic delete {}", topic.id));
    open(state, review);
}

/// Before somebody leaves a topic.
pub fn open_unsubscribe(state: &mut State, subscriber: &Subscriber) {
    let title = format!("Take {} off {}?", subscriber.target.identifier, subscriber.topic_id);
    let command = Command::Unsubscribe(subscriber.topic_id.clone(), subscriber.id.clone());
    let review = Review::new(title, Vec::new(), command)
        .same_as(format!("herald topic unsubscribe {} {}", subscriber.topic_id, subscriber.id));
    open(state, review);
}

/// Before a provider goes on.
pub fn open_resume_provider(state: &mut State, id: &ProviderId) {
    let known = state.overview.as_ref().and_then(|overview| overview.providers.iter().find(|p| p.id == *id));
    let mut lines = Vec::new();
    if let Some(provider) = known {
        let waiting = provider.queued + provider.retrying + provider.held;
        lines.push(text(format!("{} wait for it", show::people(waiting))));
        if let Some(why) = &provider.why {
            lines.push(text(format!("It {}", show::why(&why.why, state.now, state.zone))));
        }
    }
    let review = Review::new(format!("Let {id} go on?"), lines, Command::ResumeProvider(id.clone()))
        .same_as(format!("herald provider resume {id}"));
    open(state, review);
}

/// Before a provider may be used, or is taken out of use.
pub fn open_enable(state: &mut State, provider: &ProviderHealth, enabled: bool) {
    let (title, line, verb) = if enabled {
        (format!("Let messages use {}?", provider.name), "New plans may choose it.", "enable")
    } else {
        (
            format!("Take {} out of use?", provider.name),
            "New plans do not choose it; what is planned for it goes through another.",
            "disable",
        )
    };
    let command = Command::EnableProvider(provider.kind.clone(), provider.id.clone(), enabled);
    let review = Review::new(title, vec![text(line)], command)
        .same_as(format!("herald provider {verb} {}", provider.id));
    open(state, review);
}

/// Before everything stops.
pub fn open_stop(state: &mut State) {
    let sending = state.overview.as_ref().map_or(0, |overview| overview.states.processing);
    let lines = vec![
        text(format!("{} messages are being sent; what is in flight finishes", show::count(sending))),
        text("Nothing more leaves, also after a restart, until somebody lifts it."),
    ];
    let review = Review::new("Stop all sending?".to_owned(), lines, Command::StopSending)
        .typing("stop")
        .same_as("herald stop-sending".to_owned());
    open(state, review);
}

/// Before sending goes on.
pub fn open_resume(state: &mut State) {
    let waiting = state.overview.as_ref().map_or(0, |overview| overview.waiting);
    let lines = vec![text(format!("{} wait", show::people(waiting)))];
    let review = Review::new("Let sending go on?".to_owned(), lines, Command::ResumeSending)
        .same_as("herald resume-sending".to_owned());
    open(state, review);
}

/// Before a restored copy sends.
pub fn open_release_restored(state: &mut State) {
    let lines = vec![
        text("This store is a restored copy: what it holds may have been sent by the original."),
        text("Make sure that the original does not send any more."),
    ];
    let review =
        Review::new("Let the restored copy send?".to_owned(), lines, Command::ReleaseRestored).typing("send");
    open(state, review);
}
