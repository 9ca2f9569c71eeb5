//! Live: the delivery log as it grows. Paused, nothing is lost: the log has it.

mod rates;
mod view;

use std::collections::VecDeque;

pub use view::{HINTS, view};

use super::distance;
use crate::domain::time::Timestamp;
use crate::tui::action::Action;
use crate::tui::message::{Fetch, Slot};
use crate::tui::runtime::Request;
use crate::tui::state::{Focus, Parts, State};
use crate::tui::{show, view as layout};
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use crate::wire::operation::OperationAction;

/// Rows that are kept.
const ROWS: usize = 2_000;
/// Rows of the first page, and of one after a gap.
const FIRST: usize = 200;
/// Rows asked for at once while following.
const BATCH: usize = 1_000;
/// Who follows is never further behind than this: what lies between is passed
/// over, and said so.
const BEHIND: u64 = 4_000;
/// Rows in a second above which they are one line.
const BUSY: usize = 50;

/// A line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The row at this place.
    Row(usize),
    /// The rows from this place on, so many: a second's, without its failures.
    Second(usize, usize),
}

/// The live tab.
#[derive(Debug, Default)]
pub struct Live {
    /// The rows, oldest first.
    pub rows: VecDeque<Delivery>,
    /// How they are shown.
    pub lines: Vec<Line>,
    /// Which of them.
    pub filter: String,
    /// Which half has the keys.
    pub focus: Focus,
    /// The line that is selected; nothing: following.
    pub selected: Option<usize>,
    /// Since when it is held still.
    pub held_since: Option<Timestamp>,
    /// The row that the log will write next, as the events say it.
    pub head: u64,
    /// Where it was when it was held still.
    pub held_at: u64,
    /// Rows that were passed over, since nobody could have read them.
    pub passed: u64,
    /// The cursor to go on after; nothing: at the beginning.
    after: Option<u64>,
    /// Whether the first page has come.
    pub begun: bool,
    /// Only so many of the newest rows were looked at for the filter.
    pub searched: Option<u64>,
    /// Nothing is older than what is held.
    at_start: bool,
}

impl Live {
    /// Whether it goes with the log.
    pub fn follows(&self) -> bool {
        self.selected.is_none()
    }

    /// The delivery that is selected, or the newest.
    pub fn current(&self) -> Option<&Delivery> {
        let line = match self.selected {
            Some(at) => self.lines.get(at)?,
            None => self.lines.last()?,
        };
        match *line {
            Line::Row(at) | Line::Second(at, _) => self.rows.get(at),
        }
    }

    /// Rows that came while it was held still.
    pub fn unseen(&self) -> u64 {
        if self.follows() { 0 } else { self.head.saturating_sub(self.held_at) }
    }

    fn arrange(&mut self) {
        self.lines = arrange(&self.rows);
    }
}

/// Groups the rows of busy seconds into a line each; failures keep their own.
fn arrange(rows: &VecDeque<Delivery>) -> Vec<Line> {
    let mut lines = Vec::with_capacity(rows.len());
    let mut at = 0;
    while at < rows.len() {
        let second = rows[at].at.0.div_euclid(1000);
        let len = rows.iter().skip(at).take_while(|row| row.at.0.div_euclid(1000) == second).count();
        if len > BUSY {
            lines.push(Line::Second(at, len));
            let bad = (at..at + len).filter(|at| !show::is_good(rows[*at].outcome));
            lines.extend(bad.map(Line::Row));
        } else {
            lines.extend((at..at + len).map(Line::Row));
        }
        at += len;
    }
    lines
}

fn request(state: &State) -> DeliveryRequest {
    let filter = &state.live.filter;
    DeliveryRequest { filter: (!filter.is_empty()).then(|| filter.clone()), ..DeliveryRequest::default() }
}

/// The newest rows, and where the log goes on.
fn ask_newest(state: &mut State) {
    let request = DeliveryRequest { limit: Some(FIRST), ..request(state) };
    state.ask(Slot::Live, Fetch::Deliveries(request));
}

/// Asks for what is new.
pub fn ask(state: &mut State, parts: Parts) {
    if !parts.log || !state.live.follows() {
        return;
    }
    match state.live.after {
        _ if !state.live.begun => ask_newest(state),
        Some(after) if state.live.head > after + BEHIND => ask_newest(state),
        after => {
            let request =
                DeliveryRequest { after, ascending: Some(true), limit: Some(BATCH), ..request(state) };
            state.ask(Slot::Live, Fetch::Deliveries(request));
        }
    }
}

/// Forgets all: another log, or another filter.
pub fn reset(state: &mut State) {
    let live = &mut state.live;
    *live = Live {
        filter: std::mem::take(&mut live.filter),
        head: live.head,
        focus: live.focus,
        ..Live::default()
    };
}

/// Takes note of how far the log has come.
pub fn heard(state: &mut State, log: u64) {
    state.live.head = log;
}

/// Takes rows in.
pub fn take(state: &mut State, request: &DeliveryRequest, page: DeliveryPage) {
    let live = &mut state.live;
    if request.filter.as_deref().unwrap_or_default() != live.filter {
        return;
    }
    live.head = live.head.max(page.head);
    if request.ascending == Some(true) {
        let behind = page.next;
        let last = page.deliveries.last().map(|row| row.seq);
        // Without a next page, everything up to the head has been looked at.
        live.after = behind.or_else(|| page.head.checked_sub(1)).or(last).max(live.after);
        let newest = live.rows.back().map(|row| row.seq);
        live.rows.extend(page.deliveries.into_iter().filter(|row| newest.is_none_or(|seq| row.seq > seq)));
        if behind.is_some() {
            state.changed.log = true;
            if !state.resting {
                state.resting = true;
                let after = crate::tui::state::REFRESH;
                state.request(Request::Timer { id: crate::tui::state::timer::REFRESH, after });
            }
        }
    } else {
        let newest = live.rows.back().map(|row| row.seq);
        let first = page.deliveries.last().map(|row| row.seq);
        if let (Some(newest), Some(first)) = (newest, first)
            && live.filter.is_empty()
        {
            live.passed += first.saturating_sub(newest + 1);
        }
        live.at_start = page.next.is_none();
        live.searched = page.cut_short.then_some(page.scanned);
        live.rows = page.deliveries.into_iter().rev().collect();
        live.after = page.head.checked_sub(1);
        live.begun = true;
    }
    let live = &mut state.live;
    while live.rows.len() > ROWS {
        live.rows.pop_front();
        live.at_start = false;
    }
    live.arrange();
}

/// Takes rows from before what is held.
pub fn take_older(state: &mut State, page: DeliveryPage) {
    let live = &mut state.live;
    let before = live.lines.len();
    live.at_start = page.next.is_none();
    for row in page.deliveries {
        if live.rows.front().is_none_or(|first| row.seq < first.seq) && live.rows.len() < ROWS * 2 {
            live.rows.push_front(row);
        }
    }
    live.arrange();
    let added = live.lines.len().saturating_sub(before);
    live.selected = live.selected.map(|at| at + added);
}

fn hold(state: &mut State) {
    let live = &mut state.live;
    if live.selected.is_none() {
        live.selected = Some(live.lines.len().saturating_sub(1));
        live.held_since = Some(Timestamp::from_utc(state.now));
        live.held_at = live.head;
    }
}

fn release(state: &mut State) {
    state.live.selected = None;
    state.live.held_since = None;
    ask(state, Parts::ALL);
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = layout::list_rows(state);
    match action {
        Action::Follow if state.live.follows() => hold(state),
        Action::Follow | Action::End => release(state),
        Action::Back if state.live.focus == Focus::List && !state.live.follows() => release(state),
        Action::Open => {
            hold(state);
            state.set_focus(Focus::Detail);
        }
        Action::RetryThese => operate(state, OperationAction::Retry),
        Action::CancelThese => operate(state, OperationAction::Cancel),
        Action::HoldThese => operate(state, OperationAction::Hold),
        Action::NextFailure | Action::PreviousFailure => find_failure(state, action == Action::NextFailure),
        Action::Copy => {
            if let Some(row) = state.live.current() {
                let text = show::sentence(row, state.zone, state.names());
                state.request(Request::Copy(text));
            }
        }
        Action::CopyCommand => {
            let filter = &state.live.filter;
            let text = if filter.is_empty() {
                "herald log -f".to_owned()
            } else {
                format!("herald log -f --filter '{}'", filter.replace('\'', r"'\''"))
            };
            state.request(Request::Copy(text));
        }
        Action::Why => match state.live.current() {
            Some(row) => {
                let text = show::sentence(row, state.zone, state.names());
                state.say(text);
            }
            None => state.say("Nothing is selected."),
        },
        _ => {
            let Some(by) = distance(action, height) else { return false };
            hold(state);
            let last = state.live.lines.len().saturating_sub(1);
            let at = state.live.selected.unwrap_or(last).saturating_add_signed(by).min(last);
            state.live.selected = Some(at);
            ask_older(state, at, height);
        }
    }
    true
}

/// Something to all that the filter finds; without one it would be everybody.
fn operate(state: &mut State, action: OperationAction) {
    let filter = state.live.filter.trim();
    if filter.is_empty() {
        state.say("Filter the log first: it is done to all that the filter finds.");
        return;
    }
    let filter = match action {
        OperationAction::Retry => format!("({filter}) {}", super::review::NOT_REACHED),
        _ => filter.to_owned(),
    };
    super::review::open_operation(state, action, filter, None, false);
}

fn ask_older(state: &mut State, at: usize, height: usize) {
    let first = state.live.rows.front().map(|row| row.seq);
    if at < height && !state.live.at_start && first.is_some() && state.live.rows.len() < ROWS * 2 {
        let request = DeliveryRequest { after: first, limit: Some(FIRST), ..request(state) };
        state.ask(Slot::Older, Fetch::Deliveries(request));
    }
}

fn find_failure(state: &mut State, forward: bool) {
    // Who follows stands behind the newest row: the next failure is before it.
    let followed = state.live.follows();
    let forward = forward && !followed;
    hold(state);
    let live = &state.live;
    let at = if followed { live.lines.len() } else { live.selected.unwrap_or(0) };
    let bad = |line: &Line| match line {
        Line::Row(row) => !show::is_good(live.rows[*row].outcome),
        Line::Second(..) => false,
    };
    let found = if forward {
        live.lines.iter().enumerate().skip(at + 1).find(|(_, line)| bad(line))
    } else {
        live.lines.iter().enumerate().take(at).rev().find(|(_, line)| bad(line))
    };
    match found.map(|(at, _)| at) {
        Some(at) => state.live.selected = Some(at),
        None => state.say("No other failure among the rows that are loaded; / filters the whole log."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::{Outcome, Stage};

    fn row(seq: u64, at: i64, outcome: Outcome) -> Delivery {
        Delivery {
            seq,
            at: Timestamp(at),
            message_id: None,
            headline: String::new(),
            channel: None,
            target_id: None,
            user_id: None,
            address: String::new(),
            provider_id: None,
            outcome,
            attempt: 1,
            run: 1,
            code: 250,
            answer: String::new(),
            service_id: String::new(),
            stage: Stage::Content,
            skip: None,
            latency_us: 0,
            possibly_twice: false,
            retry_at: None,
            moved: None,
            planned_provider_id: None,
        }
    }

    #[test]
    fn a_busy_second_is_one_line_and_its_failures_their_own() {
        let mut rows: VecDeque<Delivery> =
            (0..60).map(|n| row(n, 5_000 + n as i64, Outcome::Accepted)).collect();
        rows[7].outcome = Outcome::Permanent;
        rows.push_back(row(60, 6_000, Outcome::Accepted));
        assert_eq!(arrange(&rows), [Line::Second(0, 60), Line::Row(7), Line::Row(60)]);
    }
}
