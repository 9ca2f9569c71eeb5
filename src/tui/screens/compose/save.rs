//! The draft follows the form: on the server once it is one, in the console's own
//! file from the first letter.

use std::time::Duration;

use super::{Compose, drafts, files, sending};
use crate::tui::message::{Command, Done, Fault};
use crate::tui::runtime::Request;
use crate::tui::state::{State, timer};

/// How long after an edit the draft is written: what a lost line can cost.
const AFTER: Duration = Duration::from_millis(900);

/// Something changed: the draft is written in a moment. More edits do not put it
/// off.
pub(super) fn soon(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    compose.edit += 1;
    compose.problem = None;
    if !compose.waiting {
        compose.waiting = true;
        state.request(Request::Timer { id: timer::SAVE, after: AFTER });
    }
}

/// Writes the draft, if it is not written yet.
pub fn save(state: &mut State) {
    drafts::keep(state);
    let Some(compose) = &mut state.compose else { return };
    compose.waiting = false;
    // What somebody else changed is not written over unasked.
    if compose.saving || compose.conflict.is_some() || compose.saved == compose.edit && compose.id.is_some() {
        return;
    }
    write(state);
}

/// Writes the draft as it stands.
pub(super) fn write(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    let what = if compose.is_whole() { compose.writing().ok() } else { None };
    let (edit, id) = (compose.edit, compose.id.clone());
    let kept = !compose.is_blank();
    if let Some(what) = what {
        compose.saving = true;
        state.command(Command::SaveDraft { edit, id, what: Box::new(what) });
    }
    if kept {
        state.keep();
    }
}

/// Takes note of what came of it.
pub fn saved(state: &mut State, edit: u64, result: Result<Done, Fault>) {
    let now = state.now;
    let Some(compose) = &mut state.compose else { return };
    if !compose.saving {
        // Another message is in the form by now.
        return;
    }
    compose.saving = false;
    match result {
        Ok(Done::Message(message)) => {
            compose.id = Some(message.id.clone());
            compose.revision = Some(message.revision);
            compose.saved = edit;
            compose.overtaken = None;
            compose.saved_at = Some(now);
            compose.problem = None;
            if is_behind(compose) {
                save(state);
            } else {
                files::discard(state);
                state.keep();
                sending::go_on(state);
            }
        }
        Ok(_) => {}
        Err(fault) => {
            compose.next = None;
            let stale = fault.stale.then(|| fault.record.unwrap_or_default());
            compose.problem = if stale.is_some() {
                None
            } else if fault.missing {
                compose.id = None;
                compose.revision = None;
                Some("The draft was deleted elsewhere; the next edit makes it anew.".to_owned())
            } else {
                Some(format!("Not saved: {}", fault.text))
            };
            compose.conflict = stale;
            compose.overtaken = None;
            state.keep();
        }
    }
}

fn is_behind(compose: &Compose) -> bool {
    compose.saved != compose.edit
}

/// Writes over what somebody else changed.
pub(super) fn keep_mine(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    match compose.conflict.take() {
        Some(record) => {
            compose.revision = Some(record.revision);
            soon(state);
            save(state);
        }
        None => state.say("Nobody else has changed it."),
    }
}

/// Keeps what is written as a draft of its own; what somebody else changed stays.
pub(super) fn keep_both(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    match compose.conflict.take() {
        Some(_) => {
            compose.id = None;
            compose.revision = None;
            compose.held = false;
            soon(state);
            save(state);
            state.say("What you wrote is a draft of its own now; theirs stays as it is.");
        }
        None => state.say("Nobody else has changed it."),
    }
}
