//! Who of a message has not been tried yet.

use super::answer::{Answered, ok};
use super::call::Call;
use super::deliveries::MOST;
use crate::domain::ids::{MessageId, RunNo};
use crate::domain::plan::{LaneCursor, WaitReason, Waiting, WindowSource};
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::store::dispatch::WaitingFilter;
use crate::wire::message::{Untried, UntriedPage};
use std::fmt;

/// The most of those who wait that one page looks at.
const LOOK: usize = 20_000;

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the plan: the lane, and the place in it.
    Plan(usize, LaneCursor),
    /// Among those who wait: after this number.
    Waiting(Option<u64>),
}

impl Place {
    fn read(text: &str) -> Outcome<Self> {
        let bad = || Invalid::value("after", "Value must be a `next`");
        if let Some(number) = text.strip_prefix("w.") {
            return Ok(Self::Waiting(Some(number.parse().map_err(|_| bad())?)));
        }
        let mut numbers = text.split('.').map(|part| part.parse::<u32>().ok());
        let mut next = || numbers.next().flatten().ok_or_else(bad);
        let (lane, run, offset) = (next()?, next()?, next()?);
        Ok(Self::Plan(lane as usize, LaneCursor { run: RunNo(run), offset }))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(lane, cursor) => write!(f, "{lane}.{}.{}", cursor.run.0, cursor.offset),
            Self::Waiting(after) => write!(f, "w.{}", after.unwrap_or_default()),
        }
    }
}

/// Whether somebody who waits was put back before anything was sent.
fn is_untried(waiting: &Waiting) -> bool {
    let put_back = matches!(waiting.why, WaitReason::Retry | WaitReason::ProviderRefuses);
    put_back && waiting.attempts == 0 && !waiting.possibly_twice
}

/// A page of the recipients of a message whom nobody has tried: those of its plan that are not
/// claimed, in the order of the plan, and those who were claimed and put back.
pub(crate) async fn page(call: Call) -> Answered {
    call.only_query(&["after", "limit"])?;
    let limit = call.number::<usize>("limit")?.unwrap_or(100).clamp(1, MOST);
    let store = call.engine().store();
    let message = store.message(&call.id::<MessageId>("messageId")?).await?;
    let lanes = store.lanes_of(message.no).await?;
    let planned = store.plan_cursor(message.no).await?.done;
    let (first, mut from, waiting) = match call.query("after").map(Place::read).transpose()? {
        Some(Place::Plan(lane, cursor)) => (lane, cursor, None),
        Some(Place::Waiting(after)) => (lanes.len(), LaneCursor::default(), after),
        None => (0, lanes.first().map(|lane| lane.cursor).unwrap_or_default(), None),
    };
    let mut numbers = Vec::new();
    let mut next = None;
    for (at, lane) in lanes.iter().enumerate().skip(first) {
        if at > first {
            from = lane.cursor;
        }
        // What was claimed since the page before is not untried any more.
        from = from.max(lane.cursor);
        while numbers.len() < limit {
            let left = limit - numbers.len();
            let Some(found) = store.candidates(lane.key, from, left, false).await? else { break };
            let WindowSource::Plan { run, offset, len } = found.source else { break };
            if len == 0 {
                break;
            }
            from = LaneCursor { run, offset: offset + len };
            numbers.extend(found.list.into_iter().filter(|one| one.skip.is_none()).map(|one| one.target));
        }
        if numbers.len() >= limit {
            next = Some(Place::Plan(at, from));
            break;
        }
    }
    if next.is_none() {
        let filter = WaitingFilter { message: Some(message.no), ..WaitingFilter::default() };
        let rows = store.waiting(filter, waiting, LOOK).await?;
        let full = rows.len() == LOOK;
        let mut after = waiting;
        for row in &rows {
            if numbers.len() >= limit {
                next = Some(Place::Waiting(after));
                break;
            }
            after = Some(row.waiting.no.0);
            numbers.extend(is_untried(&row.waiting).then_some(row.waiting.target));
        }
        if full && next.is_none() {
            next = Some(Place::Waiting(after));
        }
    }
    let targets = store.targets_by_no(&numbers).await?;
    let untried = targets
        .into_iter()
        .flatten()
        .map(|target| Untried { target_id: target.id, address: target.identifier })
        .collect();
    ok(&UntriedPage { untried, next: next.map(|place| place.to_string()), planned })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        for place in [
            Place::Plan(2, LaneCursor { run: RunNo(70_000), offset: 5 }),
            Place::Waiting(Some(70_000_000_000)),
        ] {
            assert_eq!(Place::read(&place.to_string()).unwrap(), place);
        }
        for bad in ["", "1", "1.2", "a.b.c", "1.2.99999999999", "w", "w.", "w.x"] {
            assert!(Place::read(bad).is_err(), "{bad}");
        }
    }
}
