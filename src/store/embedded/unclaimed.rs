//! Recipients of a plan whom nobody has claimed, and taking some of them out of it.
//!
//! A run that loses somebody is written anew under its number, shorter than it was. Whoever read it
//! before and claims from it afterwards names the old length, and is refused.

use super::fail::Attempt;
use super::journal::{next_wait, put_waiting};
use super::plan::{append_runs, lane_key, note_move, pass_empty, run_key};
use super::record::{LaneRow, TargetRow, WaitRow, decode};
use super::table::{Table, View, everything, number_at, short_at};
use super::tx::Tx;
use super::waiting::end;
use crate::domain::ids::{IdentifierNo, MessageNo, ProviderNo, RunNo, TargetNo, WaitNo};
use crate::domain::plan::{LaneKey, PackedRun, Planned, WaitReason, Waiting};
use crate::domain::routing::MoveReason;
use crate::domain::time::Timestamp;
use crate::store::dispatch::{Decision, Unclaimed};
use crate::store::documents::PlannedSet;

/// Lanes with something unclaimed or waiting.
pub(super) fn lanes(view: &mut impl View) -> Attempt<Vec<LaneKey>> {
    let keys = view.keys(Table::OpenLanes, everything(), usize::MAX)?;
    let lane = |key: &Vec<u8>| LaneKey {
        message: MessageNo(number_at(key, 4)),
        provider: ProviderNo(short_at(key, 0)),
    };
    Ok(keys.iter().map(lane).collect())
}

/// The first run of a lane, of those from `from` on, of which somebody is unclaimed.
pub(super) fn next(view: &mut impl View, lane: LaneKey, from: RunNo) -> Attempt<Option<Unclaimed>> {
    let row = view.get(Table::Lanes, &lane_key(lane), decode::<LaneRow>)?.transpose()?;
    let Some(row) = row.filter(|row| row.progress.untouched() > 0) else { return Ok(None) };
    for run in from.max(row.cursor.run).0..row.runs {
        let run = RunNo(run);
        let claimed = if run == row.cursor.run { row.cursor.offset } else { 0 };
        let packed = view.get(Table::Runs, &run_key(lane, run), decode::<PackedRun>)?.transpose()?;
        let list: Vec<_> = packed.iter().flat_map(PackedRun::iter).skip(claimed as usize).collect();
        if !list.is_empty() {
            return Ok(Some(Unclaimed { run, list }));
        }
    }
    Ok(None)
}

/// People who are taken out of a run.
pub(super) struct Taken {
    lane: LaneKey,
    run: RunNo,
    /// Who is taken.
    pub(super) people: Vec<Planned>,
    /// Who stays, those before the lane's cursor among them: windows refer to these.
    rest: Vec<Planned>,
}

/// Those of a set who are still unclaimed, and with whom there is something to do; reads only.
pub(super) fn still(
    tx: &mut Tx<'_>,
    message: MessageNo,
    set: &PlannedSet,
    decision: Decision,
) -> Attempt<Option<Taken>> {
    let lane = LaneKey { message, provider: set.provider };
    match decision {
        // It is their turn anyway.
        Decision::Release => return Ok(None),
        Decision::FailOver(to) if to == lane.provider => return Ok(None),
        Decision::FailOver(_) | Decision::GiveUp | Decision::Hold => {}
    }
    let cursor = tx.lane(lane)?.cursor;
    if set.run < cursor.run {
        return Ok(None);
    }
    let Some(packed) = tx.record::<PackedRun>(Table::Runs, &run_key(lane, set.run))? else { return Ok(None) };
    let claimed = if set.run == cursor.run { cursor.offset as usize } else { 0 };
    let mut wanted = set.people.iter().peekable();
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    for (place, planned) in packed.iter().enumerate() {
        while wanted.next_if(|wanted| wanted.target < planned.target).is_some() {}
        let meant = wanted.next_if(|wanted| wanted.target == planned.target).is_some();
        if meant && place >= claimed { taken.push(planned) } else { rest.push(planned) }
    }
    Ok((!taken.is_empty()).then_some(Taken { lane, run: set.run, people: taken, rest }))
}

/// Does what was decided for people of a run.
pub(super) fn apply(tx: &mut Tx<'_>, found: Taken, decision: Decision, at: Timestamp) -> Attempt<()> {
    let Taken { lane, run, people: taken, rest } = found;
    let count = taken.len() as u64;
    if rest.is_empty() {
        tx.remove(Table::Runs, &run_key(lane, run))?;
    } else {
        tx.put(Table::Runs, &run_key(lane, run), &PackedRun::pack(&rest))?;
    }
    pass_empty(tx, lane)?;
    tx.touched.plans = true;
    if let Decision::FailOver(to) = decision {
        tx.adjust(lane, |p| p.planned = p.planned.saturating_sub(count))?;
        for planned in &taken {
            note_move(tx, lane, planned.target, to, MoveReason::Operator)?;
        }
        return append_runs(tx, lane.message, &[(to, taken)]);
    }
    tx.adjust(lane, |p| p.claimed += count)?;
    for planned in taken {
        let waiting = waits(tx, planned)?;
        if decision == Decision::Hold {
            let waiting = Waiting { no: next_wait(tx), ..waiting };
            let row = WaitRow { lane, due: Timestamp::NEVER, waiting };
            tx.adjust(lane, |p| row.count_in(p))?;
            put_waiting(tx, &row)?;
        } else {
            end(tx, lane, &waiting, at)?;
        }
    }
    Ok(())
}

/// Somebody who was never tried, as somebody who waits.
fn waits(tx: &mut Tx<'_>, planned: Planned) -> Attempt<Waiting> {
    Ok(Waiting {
        no: WaitNo(0),
        target: planned.target,
        identifier: identifier(tx, planned.target)?,
        direct: planned.direct,
        attempts: 0,
        possibly_twice: false,
        why: WaitReason::Held,
        batch: None,
    })
}

/// The identifier record of a target's address; 0 when it is gone.
fn identifier(tx: &mut Tx<'_>, target: TargetNo) -> Attempt<IdentifierNo> {
    let row = tx.record::<TargetRow>(Table::Targets, &target.0.to_be_bytes())?;
    Ok(row.map_or(IdentifierNo(0), |row| row.target.identifier_no))
}
