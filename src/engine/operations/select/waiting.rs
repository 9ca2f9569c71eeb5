//! Those who wait and were never tried: the log has no row of them.

use super::{Chosen, STEP, Search, SoFar, Verdict};
use crate::domain::delivery::{Outcome as Delivered, Stage};
use crate::domain::filter::{CheckedFilter, FieldValue, Row};
use crate::domain::message::Message;
use crate::domain::plan::WaitReason;
use crate::domain::time::Timestamp;
use crate::engine::usecases::Outcome;
use crate::engine::usecases::names::Names;
use crate::store::dispatch::{WaitingFilter, WaitingRow};
use crate::store::history::LogQuery;
use crate::wire::delivery::Delivery;

/// Somebody who waits, for the filter and for the preview's sample.
pub(super) struct Pending {
    pub(super) delivery: Delivery,
    status: &'static str,
    /// An attempt was made.
    tried: bool,
}

impl Row for Pending {
    fn value(&self, field: &str) -> FieldValue<'_> {
        match field {
            "status" => FieldValue::Text(self.status),
            // Of what has not happened yet, nothing can be said.
            "outcome" | "code" | "answer" | "latency" | "at" => FieldValue::Missing,
            "attempt" if !self.tried => FieldValue::Number(0),
            other => self.delivery.value(other),
        }
    }

    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        self.delivery.search(found)
    }
}

/// Somebody who waits (`held`, `waiting`), or who was never claimed (`planned`).
pub(super) fn pending(row: &WaitingRow, status: &'static str, message: &Message, names: &Names) -> Pending {
    let waiting = &row.waiting;
    let target = names.target(waiting.target);
    let address = match names.address(waiting.identifier) {
        "" => target.map(|target| target.identifier.clone()).unwrap_or_default(),
        address => address.to_owned(),
    };
    let doubtful = matches!(waiting.why, WaitReason::Uncertain | WaitReason::InDoubt);
    let delivery = Delivery {
        seq: 0,
        at: message.started_at.unwrap_or(message.created),
        message_id: Some(message.id.clone()),
        headline: message.content.headline().to_owned(),
        channel: Some(message.channel()),
        target_id: target.map(|target| target.id.clone()),
        user_id: target.map(|target| target.user_id.clone()),
        address,
        provider_id: names.provider(row.lane.provider).cloned(),
        outcome: if doubtful { Delivered::Uncertain } else { Delivered::Transient },
        attempt: waiting.attempts,
        run: message.run,
        code: 0,
        answer: match status {
            "waiting" => "waits, not tried yet".to_owned(),
            other => format!("{other}, not tried yet"),
        },
        service_id: String::new(),
        stage: Stage::Local,
        skip: None,
        latency_us: 0,
        possibly_twice: waiting.possibly_twice,
        retry_at: Some(row.due).filter(|due| *due < Timestamp::NEVER),
        moved: None,
        planned_provider_id: None,
    };
    Pending { delivery, status, tried: waiting.attempts > 0 }
}

impl Search<'_> {
    /// Adds those who wait, fit, and were not found by a row of the log.
    pub(super) async fn waiting(
        &self,
        filter: &CheckedFilter,
        query: &LogQuery,
        so_far: &mut SoFar,
    ) -> Outcome<()> {
        let store = self.engine.store();
        let narrowed = WaitingFilter { message: query.message, provider: query.provider, why: None };
        let mut after = None;
        loop {
            let rows = store.waiting(narrowed.clone(), after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.waiting.no.0);
            so_far.tally.preview.scanned += rows.len() as u64;
            let mut names = Names::new(self.engine).await?;
            let targets = rows.iter().map(|row| row.waiting.target).collect();
            let identifiers = rows.iter().map(|row| row.waiting.identifier).collect();
            names.learn(self.engine, Vec::new(), targets, identifiers).await?;
            for row in &rows {
                let (no, target) = (row.lane.message, row.waiting.target);
                if query.target.is_some_and(|wanted| wanted != target) {
                    continue;
                }
                so_far.learn(self.engine, no).await?;
                let Some(Some(known)) = so_far.messages.get(&no) else { continue };
                let status = if row.due == Timestamp::NEVER { "held" } else { "waiting" };
                let pending = pending(row, status, &known.message, &names);
                if !filter.passes(&pending, self.now) || !so_far.seen.insert((no, target)) {
                    continue;
                }
                match self.of_waiting(row, known, &names) {
                    Verdict::Waits(wait, key) => {
                        let of_message = || Chosen::of(known);
                        so_far.chosen.entry(no).or_insert_with(of_message).waiting.push((wait, key));
                    }
                    Verdict::LeftOut(why) => {
                        so_far.tally.leave_out(why);
                        continue;
                    }
                    Verdict::Over(_) | Verdict::Passed => continue,
                }
                so_far.tally.note(pending.delivery)?;
            }
        }
    }
}
