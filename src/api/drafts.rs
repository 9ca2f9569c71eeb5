//! Drafts that a composer saves by itself, and who else is here.

use super::answer::{Answered, nothing, ok};
use super::call::Call;
use crate::domain::audit::Actor;
use crate::engine::Engine;
use crate::wire::draft::{Attached, Presence, SaveDraft};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) async fn list(call: Call) -> Answered {
    ok(&call.engine().drafts(call.actor()).await?)
}

pub(crate) async fn get(call: Call) -> Answered {
    ok(&call.engine().draft(call.actor(), &call.id("draftId")?).await?)
}

pub(crate) async fn save(call: Call) -> Answered {
    let id = call.id("draftId")?;
    let mut save: SaveDraft = call.json()?;
    save.revision = call.expected(save.revision)?;
    ok(&call.engine().save_draft(call.actor(), &id, save).await?)
}

pub(crate) async fn delete(call: Call) -> Answered {
    call.engine().delete_draft(call.actor(), &call.id("draftId")?).await?;
    Ok(nothing())
}

/// Who follows the event stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<BTreeMap<u64, Attached>>>);

/// A place among those who follow; it is free when this is dropped.
pub(crate) struct Seat {
    seats: Seats,
    number: u64,
    engine: Engine,
}

impl Seats {
    /// Takes a place.
    pub(crate) fn take(&self, who: &Actor, engine: &Engine) -> Seat {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seats.last_key_value().map_or(0, |(last, _)| last + 1);
        let attached =
            Attached { name: who.name.clone(), from: who.from.clone(), since: engine.now(), you: false };
        seats.insert(number, attached);
        drop(seats);
        engine.events().touch();
        Seat { seats: self.clone(), number, engine: engine.clone() }
    }

    /// Who has one, the longest first, as somebody sees them.
    pub(crate) fn seen_by(&self, me: &Actor) -> Vec<Attached> {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seats
            .into_values()
            .map(|seat| Attached { you: seat.name == me.name && seat.from == me.from, ..seat })
            .collect()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.engine.events().touch();
    }
}

pub(crate) async fn presence(call: Call) -> Answered {
    ok(&Presence { attached: call.app.seats.seen_by(call.actor()) })
}
