//! Who of a message has not been tried yet.

use super::answer::{Answered, ok};
use super::call::Call;
use super::deliveries::MOST;
use crate::domain::ids::{MessageId, RunNo};
use crate::domain::plan::{LaneCursor, WindowSource};
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::wire::message::{Untried, UntriedPage};

/// Where a page ended: the lane, and the place in it.
fn place(text: &str) -> Outcome<(usize, LaneCursor)> {
    let mut numbers = text.split('.').map(|part| part.parse::<u32>().ok());
    let mut next =
        || numbers.next().flatten().ok_or_else(|| Invalid::value("after", "Value must be a `next`"));
    let (lane, run, offset) = (next()?, next()?, next()?);
    Ok((lane as usize, LaneCursor { run: RunNo(run), offset }))
}

/// A page of the recipients of a message whom nobody has claimed, in the order of its plan.
pub(crate) async fn page(call: Call) -> Answered {
    call.only_query(&["after", "limit"])?;
    let limit = call.number::<usize>("limit")?.unwrap_or(100).clamp(1, MOST);
    let store = call.engine().store();
    let message = store.message(&call.id::<MessageId>("messageId")?).await?;
    let lanes = store.lanes_of(message.no).await?;
    let planned = store.plan_cursor(message.no).await?.done;
    let (first, mut from) = match call.query("after") {
        Some(text) => place(text)?,
        None => (0, lanes.first().map(|lane| lane.cursor).unwrap_or_default()),
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
            next = Some(format!("{at}.{}.{}", from.run.0, from.offset));
            break;
        }
    }
    let targets = store.targets_by_no(&numbers).await?;
    let untried = targets
        .into_iter()
        .flatten()
        .map(|target| Untried { target_id: target.id, address: target.identifier })
        .collect();
    ok(&UntriedPage { untried, next, planned })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back() {
        let (lane, cursor) = place("2.70000.5").unwrap();
        assert_eq!((lane, cursor), (2, LaneCursor { run: RunNo(70_000), offset: 5 }));
        for bad in ["", "1", "1.2", "a.b.c", "1.2.99999999999"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
