//! From the form to the review.

use super::save::write;
use super::{Compose, Next, Part, Weight, findings, save};
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::tui::screens::review;
use crate::tui::state::State;
use crate::wire::message::ScheduleWords;

/// A copy that went to oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tested {
    /// When.
    pub at: Timestamp,
    /// Which edit of the text.
    pub edit: u64,
}

/// Takes note that a copy is on its way.
pub fn tested(state: &mut State) {
    let at = Timestamp::from_utc(state.now);
    if let Some(compose) = &mut state.compose {
        compose.tested = Some(Tested { at, edit: compose.edit });
    }
}

/// What the review says of tests of this text.
pub(super) fn about_test(compose: &Compose, state: &State) -> String {
    match compose.tested {
        None => "nobody has tested this text".to_owned(),
        Some(tested) => {
            let at = tested.at.to_utc().with_timezone(&state.zone).format("%H:%M");
            let since = if tested.edit == compose.edit { "" } else { "; it has changed since" };
            format!("tested {at}{since}")
        }
    }
}

/// Opens the review, once the draft is as the form says; or says what is missing.
pub(super) fn begin_review(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    let first = findings(compose, state).into_iter().find(|finding| finding.weight == Weight::Stops);
    let Some(compose) = &mut state.compose else { return };
    compose.problem = first.as_ref().map(|finding| finding.text.clone());
    if let Some(finding) = first {
        compose.unfolded |= finding.part.is_folded();
        compose.part = finding.part;
        return;
    }
    if compose.conflict.is_some() {
        return;
    }
    compose.next = Some(Next::Review);
    if compose.overtaken.is_some() && !compose.saving {
        write(state);
    } else if compose.id.is_some() && compose.saved == compose.edit && !compose.saving {
        go_on(state);
    } else {
        save(state);
    }
}

/// The draft is saved: goes on to what was asked for.
pub(super) fn go_on(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    if compose.next.take().is_none() {
        return;
    }
    let (Some(id), Some(revision)) = (compose.id.clone(), compose.revision) else { return };
    let words = compose.text(Part::When).trim().to_owned();
    let (headline, channel) = (compose.headline(), compose.channel);
    let said = match when::parse(&words, state.now, state.zone) {
        Ok(said) => said,
        Err(error) => {
            compose.problem = Some(error.to_string());
            return;
        }
    };
    let later = said.at > state.now;
    let at = later
        .then(|| (Timestamp::from_utc(said.at), ScheduleWords { words, zone: said.zone.name().to_owned() }));
    let mut notes = Vec::new();
    if let Some(compose) = &state.compose {
        notes.push(about_test(compose, state));
        notes.extend(findings(compose, state).into_iter().map(|finding| finding.text));
        let copies = compose.cc.len() + compose.bcc.len();
        if copies > 0 {
            notes.push(format!("{copies} more are named in Cc or Bcc of every copy"));
        }
    }
    let draft = review::Draft { id, channel, revision, headline, notes };
    review::open_send_draft(state, draft, at);
}
