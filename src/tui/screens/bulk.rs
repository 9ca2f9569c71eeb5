//! The same to all that are marked: a review, then one by one.

use super::{messages, review};
use crate::domain::ids::TopicId;
use crate::tui::action::Action;
use crate::tui::message::{Command, Item, Many};
use crate::tui::show;
use crate::tui::state::State;
use crate::wire::message::{Message, State as Is};

/// What an action means for a message, or why it is not for this one now.
fn of_message(action: Action, message: &Message) -> Result<Command, String> {
    if !messages::can(action, message) {
        return Err(show::stands(message.state));
    }
    let (id, revision) = (message.id.clone(), message.revision);
    Ok(match action {
        Action::DeleteMessage => Command::DeleteMessage(id, Some(revision)),
        Action::CancelMessage => Command::Cancel(id),
        Action::MessagePause => Command::Pause(id),
        Action::MessageResume if message.state == Is::Paused => Command::Resume(id),
        Action::MessageResume | Action::ReleaseMessage => Command::Release(id, revision),
        Action::DuplicateMessage => Command::Duplicate(id),
        _ => return Err("is done one by one".to_owned()),
    })
}

fn verb(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::DeleteMessage | Action::DeleteTopic | Action::DeleteTarget => "Delete",
        Action::CancelMessage => "Cancel",
        Action::MessagePause => "Pause",
        Action::MessageResume => "Resume",
        Action::ReleaseMessage => "Release",
        Action::DuplicateMessage => "Duplicate",
        Action::Unsubscribe => "Unsubscribe",
        _ => return None,
    })
}

/// Opens the review of what is done to those that are marked; the rest are left out, with the reason.
fn begin(
    state: &mut State,
    action: Action,
    things: &str,
    marked: Vec<(String, Result<Command, String>)>,
) -> bool {
    let Some(verb) = verb(action) else { return false };
    let (mut queue, mut left_out) = (Vec::new(), Vec::new());
    for (what, command) in marked {
        match command {
            Ok(command) => queue.push((what, command)),
            Err(why) => left_out.push(Item::skipped(what, why)),
        }
    }
    if queue.is_empty() {
        let why = left_out.first().and_then(Item::why_not).unwrap_or_default();
        state.say(format!("{verb}: none of those that are marked; the first {why}."));
        return true;
    }
    review::open_many(state, things, Many { verb, queue, left_out });
    true
}

/// To the messages that are marked. Says whether the action can be done to many.
pub fn marked_messages(state: &mut State, action: Action) -> bool {
    let list = state.messages.list.marked();
    let marked = list.map(|one| (one.headline().to_owned(), of_message(action, one))).collect();
    begin(state, action, "messages", marked)
}

/// To the topics that are marked.
pub fn topics(state: &mut State, action: Action) -> bool {
    if action != Action::DeleteTopic {
        return false;
    }
    let list = &state.topics.list;
    let marked = list
        .marked()
        .map(|one| (one.name.clone(), Ok(Command::DeleteTopic(one.id.clone(), Some(one.revision)))))
        .collect();
    begin(state, action, "topics", marked)
}

/// To the subscribers that are marked.
pub fn subscribers(state: &mut State, topic: &TopicId, action: Action) -> bool {
    if action != Action::Unsubscribe {
        return false;
    }
    let list = &state.topics.subscribers;
    let marked = list
        .marked()
        .map(|one| (one.target.identifier.clone(), Ok(Command::Unsubscribe(topic.clone(), one.id.clone()))))
        .collect();
    begin(state, action, "subscribers", marked)
}

/// To the targets that are marked.
pub fn targets(state: &mut State, action: Action) -> bool {
    if action != Action::DeleteTarget {
        return false;
    }
    let list = &state.targets.list;
    let marked = list
        .marked()
        .map(|one| {
            let command = Command::DeleteTarget(one.user_id.clone(), one.id.clone(), Some(one.revision));
            (one.identifier.clone(), Ok(command))
        })
        .collect();
    begin(state, action, "targets", marked)
}
