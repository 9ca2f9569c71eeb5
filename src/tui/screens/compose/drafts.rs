//! What is being written is kept on the server as well, for its operator alone: a lost
//! line loses at most what the last second brought, and another console goes on with it.

use chrono::{DateTime, Utc};

use super::{Compose, Kept, files, show as show_form};
use crate::domain::ids::Revision;
use crate::tui::message::{Command, Done, Fault, Fetch, KeepDraft, Slot};
use crate::tui::screens::pick;
use crate::tui::state::State;
use crate::wire::draft::SavedDraft;

fn new_key(now: DateTime<Utc>) -> String {
    format!("form-{:x}", now.timestamp_millis())
}

/// Keeps the form as it stands, unless that is under way or done.
pub(super) fn keep(state: &mut State) {
    let now = state.now;
    let read_only = state.place.read_only;
    let Some(compose) = &mut state.compose else { return };
    if read_only || compose.keeping || compose.kept_edit == compose.edit || compose.is_blank() {
        return;
    }
    if compose.key.is_empty() {
        compose.key = new_key(now);
    }
    compose.keeping = true;
    let draft = KeepDraft {
        id: compose.key.clone(),
        revision: Some(compose.kept_as.unwrap_or(Revision(0))),
        edit: compose.edit,
        document: compose.kept(),
    };
    state.command(Command::KeepDraft(Box::new(draft)));
}

/// Takes note of what came of it. What fails is kept in this console all the same.
pub fn kept_on_server(state: &mut State, draft: &KeepDraft, result: Result<Done, Fault>) {
    let now = state.now;
    let Some(compose) = state.compose.as_mut().filter(|compose| compose.key == draft.id) else { return };
    compose.keeping = false;
    match result {
        Ok(Done::Kept(revision)) => {
            compose.kept_as = Some(revision);
            compose.kept_edit = draft.edit;
        }
        // Another console of this operator goes on with it: from here on they are two.
        Err(fault) if fault.stale => {
            compose.key = new_key(now);
            compose.kept_as = None;
        }
        _ => return,
    }
    if compose.kept_edit != compose.edit {
        keep(state);
    } else if compose.id.is_none() {
        // No message names what it had: only the form did.
        files::discard(state);
    }
}

/// Forgets on the server what is in the form: it was sent, or is blank.
pub fn drop_kept(state: &mut State) {
    files::discard(state);
    let Some(compose) = &mut state.compose else { return };
    let key = std::mem::take(&mut compose.key);
    state.drafts.retain(|draft| draft.id.as_str() != key);
    if compose.kept_as.take().is_some() {
        state.command(Command::DropDraft(key));
    }
}

/// Asks for what the operator has begun to write, to choose from it.
pub fn ask_drafts(state: &mut State) {
    state.drafts_wanted = true;
    state.ask(Slot::Drafts, Fetch::Drafts);
}

fn of(draft: &SavedDraft) -> Option<Compose> {
    let kept: Kept = serde_json::from_value(draft.document.clone().into()).ok()?;
    let mut compose = Compose::from_kept(kept);
    compose.key = draft.id.to_string();
    compose.kept_as = Some(draft.revision);
    compose.kept_edit = compose.edit;
    Some(compose)
}

/// Takes what the operator has begun to write. What stands in this form is taken over
/// from another console that went on with it.
pub fn take_drafts(state: &mut State, drafts: Vec<SavedDraft>) {
    state.drafts = drafts;
    let mine = state.compose.as_ref().map(|compose| (compose.key.clone(), compose.kept_as));
    if let Some((key, seen)) = mine
        && let Some(draft) = state.drafts.iter().find(|draft| draft.id.as_str() == key)
        && seen.is_none_or(|seen| seen < draft.revision)
        && state.compose.as_ref().is_some_and(|compose| compose.kept_edit == compose.edit || seen.is_none())
        && let Some(newer) = of(draft)
    {
        state.compose = Some(newer);
    }
    if std::mem::take(&mut state.drafts_wanted) {
        pick::open_drafts(state);
    }
}

/// Puts the newest into the form.
pub(super) fn newest(state: &mut State) {
    if let Some(compose) = state.drafts.first().and_then(of) {
        state.compose = Some(compose);
    }
}

/// The drafts as rows: id, what it is called, of which type and when.
pub fn rows(state: &State) -> Vec<(String, String, String)> {
    let known = state.drafts.iter().filter_map(|draft| {
        let kept: Kept = serde_json::from_value(draft.document.clone().into()).ok()?;
        let when = crate::tui::show::relative_to(draft.updated_at, state.now);
        let here = state.compose.as_ref().is_some_and(|compose| compose.key == draft.id.as_str());
        let here = if here { ", in the form now" } else { "" };
        let about = format!("{}, {when}{here}", kept.channel());
        Some((draft.id.to_string(), kept.headline().to_owned(), about))
    });
    known.collect()
}

/// Opens one of them; what stands in the form is kept first.
pub fn open(state: &mut State, id: &str) {
    let here = state.compose.as_ref().is_some_and(|compose| compose.key == id);
    if !here {
        super::save(state);
        let Some(compose) = state.drafts.iter().find(|draft| draft.id.as_str() == id).and_then(of) else {
            return;
        };
        state.compose = Some(compose);
    }
    show_form(state);
}
