//! The same to all that are marked: a review, then one by one.

use super::review;
use crate::domain::ids::TopicId;
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::state::State;
use crate::wire::message::{Message, State as Is};

/// What an action means for a message; nothing: not this one, now.
fn of_message(action: Action, message: &Message) -> Option<Command> {
    let id = message.id.clone();
    let is = message.state;
    match action {
        Action::DeleteMessage if !matches!(is, Is::Processing | Is::Paused) => {
            Some(Command::DeleteMessage(id))
        }
        Action::CancelMessage if !is.is_over() && is != Is::Draft => Some(Command::Cancel(id)),
        Action::MessagePause if is == Is::Processing => Some(Command::Pause(id)),
        Action::MessageResume if is == Is::Paused => Some(Command::Resume(id)),
        Action::ReleaseMessage if is == Is::Held => Some(Command::Release(id, message.revision)),
        Action::DuplicateMessage => Some(Command::Duplicate(id)),
        _ => None,
    }
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

fn begin(state: &mut State, action: Action, things: &str, all: usize, queue: Vec<(String, Command)>) -> bool {
    let Some(verb) = verb(action) else { return false };
    if queue.is_empty() {
        state.say("None of those that are marked can be treated so now.");
        return true;
    }
    let left = all - queue.len();
    review::open_many(state, verb, things, queue);
    if left > 0 {
        state.say(format!("{left} of those that are marked are left out: it does not fit their state."));
    }
    true
}

/// To the messages that are marked. Says whether the action can be done to many.
pub fn messages(state: &mut State, action: Action) -> bool {
    let list = &state.messages.list;
    let named = |message: &Message| (message.headline().to_owned(), of_message(action, message));
    let queue =
        list.marked().map(named).filter_map(|(what, command)| Some((what, command?))).collect::<Vec<_>>();
    let all = list.marks();
    begin(state, action, "messages", all, queue)
}

/// To the topics that are marked.
pub fn topics(state: &mut State, action: Action) -> bool {
    if action != Action::DeleteTopic {
        return false;
    }
    let list = &state.topics.list;
    let queue: Vec<_> =
        list.marked().map(|topic| (topic.name.clone(), Command::DeleteTopic(topic.id.clone()))).collect();
    let all = queue.len();
    begin(state, action, "topics", all, queue)
}

/// To the subscribers that are marked.
pub fn subscribers(state: &mut State, topic: &TopicId, action: Action) -> bool {
    if action != Action::Unsubscribe {
        return false;
    }
    let list = &state.topics.subscribers;
    let queue: Vec<_> = list
        .marked()
        .map(|one| (one.target.identifier.clone(), Command::Unsubscribe(topic.clone(), one.id.clone())))
        .collect();
    let all = queue.len();
    begin(state, action, "subscribers", all, queue)
}

/// To the targets that are marked.
pub fn targets(state: &mut State, action: Action) -> bool {
    if action != Action::DeleteTarget {
        return false;
    }
    let list = &state.targets.list;
    let queue: Vec<_> = list
        .marked()
        .map(|one| (one.identifier.clone(), Command::DeleteTarget(one.user_id.clone(), one.id.clone())))
        .collect();
    let all = queue.len();
    begin(state, action, "targets", all, queue)
}
