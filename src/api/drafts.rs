//! Drafts that a composer saves by itself, and who else is here.

use super::answer::{Answered, nothing, ok};
use super::call::Call;
use crate::domain::audit::Actor;
use crate::domain::time::Timestamp;
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
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    number: u64,
}

impl Seats {
    /// Takes a place.
    pub(crate) fn take(&self, who: &Actor, since: Timestamp) -> Seat {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seats.last_key_value().map_or(0, |(last, _)| last + 1);
        let attached = Attached { name: who.name.clone(), from: who.from.clone(), since, you: false };
        seats.insert(number, attached);
        Seat { seats: self.clone(), number }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

pub(crate) async fn presence(call: Call) -> Answered {
    let me = call.actor();
    let seats = call.app.seats.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let attached = seats
        .into_values()
        .map(|seat| Attached { you: seat.name == me.name && seat.from == me.from, ..seat })
        .collect();
    ok(&Presence { attached })
}
