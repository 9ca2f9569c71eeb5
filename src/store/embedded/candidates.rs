//! Recipients as the store knows them when their batch is built.

use super::fail::{Attempt, Fail};
use super::ids;
use super::journal::{of_key, waiting_row};
use super::plan::{lane_key, run_key};
use super::record::{BodyHead, LaneRow, StateRow, TargetRow, decode};
use super::suppressions::Forbidding;
use super::table::{Table, View, beginning, key, number_at, time_at};
use crate::domain::channel::Channel;
use crate::domain::delivery::SkipReason;
use crate::domain::ids::{IdentifierNo, RunNo, TargetNo, TopicId, TopicNo, UserNo, WaitNo};
use crate::domain::person::User;
use crate::domain::plan::{LaneCursor, LaneKey, PackedRun, Planned, WindowSource};
use crate::domain::routing::Moved;
use crate::domain::time::Timestamp;
use crate::store::RecordKind;
use crate::store::dispatch::{Candidate, CandidatePerson, Candidates};
use crate::store::page::Order;
use std::collections::{HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

/// Neighbours closer together than this are read in one range.
const DENSE: u64 = 8;

/// What every recipient of a message is checked against.
struct Checks {
    lane: LaneKey,
    channel: Channel,
    topics: Vec<(TopicNo, TopicId)>,
}

impl Checks {
    fn of(view: &mut impl View, lane: LaneKey) -> Attempt<Self> {
        let message = lane.message;
        let row = view.get(Table::States, &message.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
        let row = row.ok_or_else(|| Fail::missing(RecordKind::Message, message))?;
        let head = view.get(Table::Bodies, &message.0.to_be_bytes(), decode::<BodyHead>)?.transpose()?;
        let head = head.ok_or_else(|| Fail::damaged(format!("message {message} has no content")))?;
        let mut topics = Vec::with_capacity(head.topics.len());
        for id in &head.topics {
            // A topic that was deleted has no members: its people have left.
            let no = ids::find(view, RecordKind::Topic, id.as_str())?;
            topics.extend(no.map(|no| (TopicNo(no as u32), id.clone())));
        }
        Ok(Self { lane, channel: row.channel, topics })
    }
}

/// The recipients of a lane from a place on; before its cursor they are those of windows.
pub(super) fn next(
    view: &mut impl View,
    lane: LaneKey,
    mut from: LaneCursor,
    limit: usize,
    person: bool,
) -> Attempt<Option<Candidates>> {
    let row = view.get(Table::Lanes, &lane_key(lane), decode::<LaneRow>)?.transpose()?;
    let Some(row) = row else { return Ok(None) };
    let run = loop {
        if from.run.0 >= row.runs || limit == 0 {
            return Ok(None);
        }
        match view.get(Table::Runs, &run_key(lane, from.run), decode::<PackedRun>)?.transpose()? {
            Some(run) if from.offset < run.len => break run,
            _ => from = LaneCursor { run: RunNo(from.run.0 + 1), offset: 0 },
        }
    };
    let planned: Vec<Planned> = run.iter().skip(from.offset as usize).take(limit).collect();
    let list = planned
        .iter()
        .map(|planned| Wanted { planned: *planned, attempts: 0, possibly_twice: false })
        .collect::<Vec<_>>();
    let checks = Checks::of(view, lane)?;
    let list = look_up(view, &checks, &list, person)?;
    let len = planned.len() as u32;
    let source = WindowSource::Plan { run: from.run, offset: from.offset, len };
    Ok(Some(Candidates { source, of: run.len, list }))
}

/// Recipients of a lane that wait and are due.
pub(super) fn due(
    view: &mut impl View,
    lane: LaneKey,
    now: Timestamp,
    limit: usize,
    person: bool,
) -> Attempt<Option<Candidates>> {
    let mut numbers = Vec::new();
    if limit > 0 && now < Timestamp::NEVER {
        view.scan(Table::WaitingDue, beginning(&lane_key(lane)), Order::Ascending, &mut |key, _| {
            if time_at(key, 12) > now {
                return Ok(false);
            }
            numbers.push(WaitNo(number_at(key, 20)));
            Ok(numbers.len() < limit)
        })?;
    }
    let mut waiting = Vec::with_capacity(numbers.len());
    for no in numbers {
        waiting.extend(waiting_row(view, no)?.map(|row| row.waiting));
    }
    if waiting.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<_> = waiting
        .iter()
        .map(|waiting| Wanted {
            planned: Planned { target: waiting.target, direct: waiting.direct },
            attempts: waiting.attempts,
            possibly_twice: waiting.possibly_twice,
        })
        .collect();
    let checks = Checks::of(view, lane)?;
    let list = look_up(view, &checks, &wanted, person)?;
    Ok(Some(Candidates { source: WindowSource::Waiting(waiting), of: 0, list }))
}

struct Wanted {
    planned: Planned,
    attempts: u16,
    possibly_twice: bool,
}

fn look_up(
    view: &mut impl View,
    checks: &Checks,
    wanted: &[Wanted],
    person: bool,
) -> Attempt<Vec<Candidate>> {
    let targets: Vec<TargetNo> = wanted.iter().map(|wanted| wanted.planned.target).collect();
    let mut rows = HashMap::with_capacity(targets.len());
    read_rows(view, Table::Targets, &[], &targets, &mut |no, bytes| {
        rows.insert(no, decode::<TargetRow>(bytes)?);
        Ok(())
    })?;
    let mut members = HashSet::new();
    let by_topic: Vec<TargetNo> =
        wanted.iter().filter(|wanted| !wanted.planned.direct).map(|wanted| wanted.planned.target).collect();
    if !by_topic.is_empty() {
        for (topic, _) in &checks.topics {
            let left: Vec<_> = by_topic.iter().copied().filter(|no| !members.contains(no)).collect();
            if left.is_empty() {
                break;
            }
            read_rows(view, Table::Subscriptions, &key![topic.0], &left, &mut |no, _| {
                members.insert(no);
                Ok(())
            })?;
        }
    }
    let forbidding = Forbidding::read(view, &targets)?;
    // Few messages have anybody who was moved: the others pay for one look.
    let moves = !view.keys(Table::Moves, beginning(&key![checks.lane.message.0]), 1)?.is_empty();
    let mut users: HashMap<UserNo, Option<User>> = HashMap::new();
    let mut list = Vec::with_capacity(wanted.len());
    for Wanted { planned, attempts, possibly_twice } in wanted {
        let moved = if moves {
            let key = of_key(checks.lane.message, planned.target);
            let moved = view.get(Table::Moves, &key, decode::<Moved>)?.transpose()?;
            moved.filter(|moved| moved.from != checks.lane.provider)
        } else {
            None
        };
        let Some(row) = rows.get(&planned.target) else {
            list.push(Candidate {
                target: planned.target,
                direct: planned.direct,
                identifier: IdentifierNo(0),
                address: String::new(),
                skip: Some(SkipReason::TargetDeleted),
                attempts: *attempts,
                possibly_twice: *possibly_twice,
                moved,
                person: None,
            });
            continue;
        };
        let target = &row.target;
        let skip = if row.blocked {
            Some(SkipReason::UserBlocked)
        } else if target.channel != checks.channel {
            Some(SkipReason::WrongType)
        } else if !planned.direct && !members.contains(&planned.target) {
            Some(SkipReason::Unsubscribed)
        } else if let Some(cause) = forbidding.of(view, &checks.topics, *planned)? {
            Some(cause.skip())
        } else if target.expired {
            Some(SkipReason::TargetExpired)
        } else {
            None
        };
        let person = if person && skip.is_none() {
            let user = match users.entry(target.user_no) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => entry.insert(
                    view.get(Table::Users, &target.user_no.0.to_be_bytes(), decode::<User>)?.transpose()?,
                ),
            };
            user.as_ref().map(|user| {
                Arc::new(CandidatePerson {
                    user_id: user.id.to_string(),
                    name: user.name.clone(),
                    email: user.email.clone().unwrap_or_default(),
                    phone: user.phone.clone().unwrap_or_default(),
                    prefs: user.prefs.clone(),
                    target_id: target.id.to_string(),
                    target_name: target.name.clone(),
                })
            })
        } else {
            None
        };
        list.push(Candidate {
            target: planned.target,
            direct: planned.direct,
            identifier: target.identifier_no,
            address: target.identifier.clone(),
            skip,
            attempts: *attempts,
            possibly_twice: *possibly_twice,
            moved,
            person,
        });
    }
    Ok(list)
}

/// Reads the rows of some numbers: in one range where they lie close together,
/// one by one where they do not.
pub(super) fn read_rows(
    view: &mut impl View,
    table: Table,
    prefix: &[u8],
    numbers: &[TargetNo],
    found: &mut dyn FnMut(TargetNo, &[u8]) -> Attempt<()>,
) -> Attempt<()> {
    let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else { return Ok(()) };
    let full = |no: TargetNo| {
        let mut key = prefix.to_vec();
        key.extend_from_slice(&no.0.to_be_bytes());
        key
    };
    if numbers.is_sorted() && (last.0 - first.0) / DENSE <= numbers.len() as u64 {
        let mut left = numbers.iter().copied().peekable();
        let span = (Bound::Included(full(*first)), Bound::Included(full(*last)));
        return view.scan(table, span, Order::Ascending, &mut |key, value| {
            let no = TargetNo(number_at(key, prefix.len()));
            while left.next_if(|wanted| *wanted < no).is_some() {}
            if left.next_if_eq(&no).is_some() {
                found(no, value)?;
            }
            Ok(left.peek().is_some())
        });
    }
    for no in numbers {
        view.get(table, &full(*no), |value| found(*no, value))?.transpose()?;
    }
    Ok(())
}
