//! The draft on the server follows the form.

use std::time::Duration;

use super::{Compose, go_on};
use crate::tui::message::{Command, Done, Fault};
use crate::tui::runtime::Request;
use crate::tui::state::{State, timer};

/// How long after the last edit the draft is written.
const AFTER: Duration = Duration::from_millis(1500);

/// Something changed: the draft is written in a moment.
pub(super) fn soon(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    compose.edit += 1;
    compose.problem = None;
    state.request(Request::Timer { id: timer::SAVE, after: AFTER });
}

/// Writes the draft, if it is not written yet.
pub fn save(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    let new = compose.id.is_none();
    if compose.saving || compose.is_blank() || (compose.saved == compose.edit && !new) {
        return;
    }
    compose.saving = true;
    let command =
        Command::SaveDraft { edit: compose.edit, id: compose.id.clone(), what: Box::new(compose.writing()) };
    state.command(command);
}

/// Takes note of what came of it.
pub fn saved(state: &mut State, edit: u64, result: Result<Done, Fault>) {
    let now = state.now;
    let Some(compose) = &mut state.compose else { return };
    compose.saving = false;
    match result {
        Ok(Done::Message(message)) => {
            compose.id = Some(message.id.clone());
            compose.revision = Some(message.revision);
            compose.saved = edit;
            compose.saved_at = Some(now);
            compose.problem = None;
            if is_behind(compose) {
                save(state);
            } else {
                go_on(state);
            }
        }
        Ok(_) => {}
        Err(fault) => {
            compose.next = None;
            compose.problem = Some(if fault.stale {
                "Somebody else changed this draft; what you wrote is kept here.".to_owned()
            } else {
                format!("Not saved: {}", fault.text)
            });
        }
    }
}

fn is_behind(compose: &Compose) -> bool {
    compose.saved != compose.edit
}
