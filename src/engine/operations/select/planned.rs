//! Those who are planned, and whom nobody has claimed: neither the log nor those who wait has a row of
//! them.

use super::waiting::pending;
use super::{Chosen, MOST, Search, SoFar, left_out};
use crate::domain::filter::CheckedFilter;
use crate::domain::ids::{IdentifierNo, RunNo, WaitNo};
use crate::domain::plan::{LaneKey, PackedRun, Planned, WaitReason, Waiting};
use crate::domain::time::Timestamp;
use crate::engine::operations::is_past;
use crate::engine::usecases::names::Names;
use crate::engine::usecases::{Outcome, Refusal};
use crate::store::dispatch::WaitingRow;
use crate::store::documents::PlannedSet;
use crate::store::history::LogQuery;
use crate::wire::operation::OperationAction;

/// The most people who are looked at: several times as many as one operation can be for.
const LOOKED_AT: u64 = 4 * MOST;

/// A row for somebody who has none.
fn untried(lane: LaneKey, planned: Planned) -> WaitingRow {
    let waiting = Waiting {
        no: WaitNo(0),
        target: planned.target,
        identifier: IdentifierNo(0),
        direct: planned.direct,
        attempts: 0,
        possibly_twice: false,
        why: WaitReason::Retry,
        batch: None,
    };
    WaitingRow { lane, due: Timestamp::NEVER, waiting }
}

impl Search<'_> {
    /// Adds those who are planned, fit, and are unclaimed. Costs as much as there are of them in the
    /// lanes that the filter names.
    pub(super) async fn planned(
        &self,
        filter: &CheckedFilter,
        query: &LogQuery,
        so_far: &mut SoFar,
    ) -> Outcome<()> {
        // Trying them or letting them go is what happens anyway; and nothing has happened at any time.
        let nothing_to_do = matches!(self.asked.action, OperationAction::Retry | OperationAction::Release);
        if nothing_to_do || query.since.is_some() || query.until.is_some() {
            return Ok(());
        }
        let store = self.engine.store();
        let lanes = match query.message {
            Some(message) => store.lanes_of(message).await?.into_iter().map(|lane| lane.key).collect(),
            None => store.open_lanes().await?,
        };
        let mut looked = 0;
        for lane in lanes {
            if query.provider.is_some_and(|wanted| wanted != lane.provider) {
                continue;
            }
            let mut from = RunNo(0);
            while let Some(found) = store.unclaimed(lane, from).await? {
                from = RunNo(found.run.0 + 1);
                let mut people = found.list;
                if let Some(wanted) = query.target {
                    people.retain(|planned| planned.target == wanted);
                } else {
                    looked += people.len() as u64;
                }
                if looked > LOOKED_AT {
                    return Err(Refusal::not_now(format!(
                        "More than {LOOKED_AT} people are planned there: narrow the filter, by message or provider"
                    )));
                }
                if !people.is_empty() {
                    self.planned_run(filter, lane, found.run, &people, so_far).await?;
                }
            }
        }
        Ok(())
    }

    async fn planned_run(
        &self,
        filter: &CheckedFilter,
        lane: LaneKey,
        run: RunNo,
        people: &[Planned],
        so_far: &mut SoFar,
    ) -> Outcome<()> {
        so_far.tally.preview.scanned += people.len() as u64;
        so_far.learn(self.engine, lane.message).await?;
        let Some(Some(known)) = so_far.messages.get(&lane.message) else { return Ok(()) };
        if known.message.state.is_over() {
            return Ok(());
        }
        let late =
            self.asked.action != OperationAction::Cancel && is_past(known.message.expires_at, self.now);
        let mut names = Names::new(self.engine).await?;
        names
            .learn(self.engine, Vec::new(), people.iter().map(|one| one.target).collect(), Vec::new())
            .await?;
        let mut fit = Vec::new();
        for planned in people {
            let pending = pending(&untried(lane, *planned), "planned", &known.message, &names);
            if !filter.passes(&pending, self.now) || !so_far.seen.insert((lane.message, planned.target)) {
                continue;
            }
            let foreign = self.cannot_take(known.message.channel(), planned.target, lane.provider, &names);
            if let Some(why) = foreign.or(late.then_some(left_out::LATE)) {
                so_far.tally.leave_out(why);
                continue;
            }
            fit.push(*planned);
            so_far.tally.note(pending.delivery)?;
        }
        if !fit.is_empty() {
            let set = PlannedSet { provider: lane.provider, run, people: PackedRun::pack(&fit) };
            so_far.chosen.entry(lane.message).or_insert_with(|| Chosen::of(known)).planned.push(set);
        }
        Ok(())
    }
}
