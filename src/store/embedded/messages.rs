//! Messages and their schedule.

use super::fail::{Attempt, Fail};
use super::record::{Body, Chore, StateRow, decode};
use super::table::{Table, View, beginning, key, number_at, time_at};
use super::tx::Tx;
use super::{ids, list};
use crate::domain::audit::AuditEntry;
use crate::domain::content::Content;
use crate::domain::ids::{MessageId, MessageNo, Revision, TargetNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::{LaneCursor, PlanCursor, RetryCursor};
use crate::domain::state::{Event, Hold, MessageState, TransitionError};
use crate::domain::time::Timestamp;
use crate::store::RecordKind;
use crate::store::messages::{Claimed, MessageFilter};
use crate::store::page::{Order, Page, PageRequest};
use std::ops::Bound;
use std::time::Duration;

/// What a message without a single recipient ends with; the dialect's words.
const NOBODY: &str = "No valid recipients found.";

/// A message by number, as a view has it.
pub(super) fn read(view: &mut impl View, no: MessageNo) -> Attempt<Message> {
    let row = view.get(Table::States, &no.0.to_be_bytes(), decode::<StateRow>)?.transpose()?;
    join(view, no, row.ok_or_else(|| Fail::missing(RecordKind::Message, no))?)
}

fn join(view: &mut impl View, no: MessageNo, row: StateRow) -> Attempt<Message> {
    let body = view.get(Table::Bodies, &no.0.to_be_bytes(), decode::<Body>)?.transpose()?;
    let body = body.ok_or_else(|| Fail::damaged(format!("message {no} has no content")))?;
    let errors = if row.errors {
        view.get(Table::Errors, &no.0.to_be_bytes(), decode)?.transpose()?.unwrap_or_default()
    } else {
        Vec::new()
    };
    Ok(body.join(no, row, errors))
}

/// A message as the group has made it so far.
pub(super) fn current(tx: &mut Tx<'_>, no: MessageNo) -> Attempt<Message> {
    let row = tx.state(no)?.clone();
    join(tx, no, row)
}

/// A message by id.
pub(super) fn by_id(view: &mut impl View, id: &MessageId) -> Attempt<Message> {
    let no = ids::resolve(view, RecordKind::Message, id.as_str())?;
    read(view, MessageNo(no))
}

fn state_of(message: &Message) -> StateRow {
    StateRow {
        state: message.state.clone(),
        channel: message.channel(),
        scheduled_at: message.scheduled_at,
        expires_at: message.expires_at,
        progress: Progress::default(),
        run: 0,
        started_at: None,
        finished_at: None,
        updated: message.updated,
        revision: message.revision,
        plan: PlanCursor::default(),
        errors: false,
        retry: RetryCursor::default(),
    }
}

/// Writes a message and its schedule.
pub(super) fn create(tx: &mut Tx<'_>, message: &Message, audit: &AuditEntry) -> Attempt<Message> {
    ids::check_free(tx, RecordKind::Message, message.id.as_str())?;
    if !matches!(message.state, MessageState::Draft | MessageState::Scheduled | MessageState::Held(_)) {
        let from = message.state.as_str();
        return Err(TransitionError { from, verb: "created" }.into());
    }
    tx.counts.message += 1;
    let no = MessageNo(tx.counts.message);
    let mut message = message.clone();
    message.no = no;
    message.revision = Revision(1);
    message.errors.clear();
    if matches!(message.state, MessageState::Scheduled) && message.scheduled_at.is_none() {
        message.scheduled_at = Some(message.created);
    }
    ids::assign(tx, RecordKind::Message, message.id.as_str(), no.0)?;
    tx.put(Table::Bodies, &no.0.to_be_bytes(), &Body::of(&message))?;
    let row = state_of(&message);
    message.progress = row.progress;
    message.run = row.run;
    (message.started_at, message.finished_at) = (None, None);
    tx.new_state(no, row);
    tx.audit(audit)?;
    Ok(message)
}

/// Replaces the content alone.
pub(super) fn rewrite(tx: &mut Tx<'_>, no: MessageNo, content: &Content) -> Attempt<()> {
    let key = no.0.to_be_bytes();
    // Whoever deleted it meanwhile has forgotten it too.
    let Some(mut body) = tx.record::<Body>(Table::Bodies, &key)? else { return Ok(()) };
    body.content = content.clone();
    tx.touched.messages = true;
    tx.put(Table::Bodies, &key, &body)
}

/// Targets in copy, which are part of a mail's audience.
fn copies(content: &Content) -> (&[crate::domain::ids::TargetId], &[crate::domain::ids::TargetId]) {
    match content {
        Content::Email(mail) => (&mail.cc, &mail.bcc),
        Content::Sms(_) | Content::Push(_) => (&[], &[]),
    }
}

/// Replaces what people edit.
pub(super) fn put(
    tx: &mut Tx<'_>,
    message: &Message,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Message> {
    let no = MessageNo(ids::resolve(tx, RecordKind::Message, message.id.as_str())?);
    let row = tx.state(no)?.clone();
    let open = |state: &MessageState| {
        matches!(state, MessageState::Draft | MessageState::Scheduled | MessageState::Held(_))
    };
    if !open(&row.state) || !open(&message.state) || row.progress.claimed > 0 {
        return Err(TransitionError { from: row.state.as_str(), verb: "edited" }.into());
    }
    Fail::unless(RecordKind::Message, row.revision, Some(expect))?;
    let old = tx.record::<Body>(Table::Bodies, &no.0.to_be_bytes())?;
    let old = old.ok_or_else(|| Fail::damaged(format!("message {no} has no content")))?;
    let same_audience = old.topics == message.topics
        && old.users == message.users
        && old.targets == message.targets
        && copies(&old.content) == copies(&message.content)
        && row.channel == message.channel();
    if !same_audience {
        while !super::chores::drop_plan(tx, no, 1000)? {}
        let row = tx.state_mut(no)?;
        row.plan = PlanCursor::default();
        row.progress = Progress::default();
    }
    let mut body = Body::of(message);
    body.created = old.created;
    body.created_by = old.created_by;
    tx.put(Table::Bodies, &no.0.to_be_bytes(), &body)?;
    let row = tx.state_mut(no)?;
    row.state = message.state.clone();
    row.channel = message.channel();
    row.scheduled_at = message.scheduled_at;
    row.expires_at = message.expires_at;
    row.updated = message.updated;
    row.revision = expect.next();
    if matches!(row.state, MessageState::Scheduled) && row.scheduled_at.is_none() {
        row.scheduled_at = Some(row.updated);
    }
    tx.audit(audit)?;
    current(tx, no)
}

/// Applies an event, with all that goes with it.
pub(super) fn transition(
    tx: &mut Tx<'_>,
    no: MessageNo,
    event: &Event,
    expect: Option<Revision>,
    at: Timestamp,
    audit: Option<&AuditEntry>,
) -> Attempt<Message> {
    let row = tx.state(no)?;
    let next = row.state.apply(event.clone())?;
    Fail::unless(RecordKind::Message, row.revision, expect)?;
    let row = tx.state_mut(no)?;
    row.state = next;
    row.revision = row.revision.next();
    if audit.is_some() {
        row.updated = at;
    }
    match event {
        Event::Schedule => {
            row.scheduled_at.get_or_insert(at);
        }
        // Due long ago is due now: it must not be held as late once more.
        Event::Release => row.scheduled_at = row.scheduled_at.max(Some(at)),
        Event::Claim => start(row, at),
        Event::Unschedule | Event::Hold(_) | Event::Pause { .. } | Event::Resume => {}
        Event::Cancel { .. } => {
            row.finished_at = Some(at);
            take_back(tx, no, |p, n| p.cancelled += n)?;
            end(tx, no, at, None)?;
        }
        Event::Finish { .. } => end(tx, no, at, None)?,
        Event::Expire => expire(tx, no, at)?,
        Event::Reopen(again) => {
            row.run += 1;
            row.retry = RetryCursor { again: *again, row: None };
            row.started_at = Some(at);
            row.finished_at = None;
            row.errors = false;
            row.plan.done = false;
            tx.remove(Table::Errors, &no.0.to_be_bytes())?;
        }
    }
    if matches!(event, Event::Claim) {
        finish_if_over(tx, no, at)?;
    }
    if let Some(audit) = audit {
        tx.audit(audit)?;
    }
    current(tx, no)
}

/// What goes with the end of a message whose deadline passed before it could start, or go on.
fn expire(tx: &mut Tx<'_>, no: MessageNo, at: Timestamp) -> Attempt<()> {
    take_back(tx, no, |p, n| {
        p.claimed += n;
        p.expired += n;
    })?;
    end(tx, no, at, Some("Expired before it was sent."))
}

fn start(row: &mut StateRow, at: Timestamp) {
    row.run = row.run.max(1);
    row.started_at.get_or_insert(at);
}

/// Takes back who was not tried and who waits. `count` counts so many of a lane's. Of whom nobody knows
/// whether they were sent to stays uncertain.
fn take_back(tx: &mut Tx<'_>, no: MessageNo, count: impl Fn(&mut Progress, u64)) -> Attempt<()> {
    let mut waited = false;
    for lane in tx.lanes_of(no)? {
        let row = tx.lane_mut(lane)?;
        row.cursor = LaneCursor { run: crate::domain::ids::RunNo(row.runs), offset: 0 };
        let (untouched, retrying, held) = {
            let p = &row.progress;
            (p.untouched(), p.retrying, p.held)
        };
        waited |= row.progress.waiting() > 0;
        tx.adjust(lane, |p| {
            p.claimed = p.claimed.saturating_sub(retrying + held);
            p.retrying -= retrying.min(p.retrying);
            p.held -= held.min(p.held);
            p.undecided = 0;
            count(p, untouched + retrying + held);
        })?;
    }
    if waited {
        tx.chore(&Chore::Waiting(no))?;
    }
    Ok(())
}

/// Notes that a message is over, and why.
pub(super) fn end(tx: &mut Tx<'_>, no: MessageNo, at: Timestamp, cause: Option<&str>) -> Attempt<()> {
    let mut errors: Vec<String> = cause.map(str::to_owned).into_iter().collect();
    let progress = tx.state(no)?.progress;
    let finished = matches!(tx.state(no)?.state, MessageState::Failed);
    if finished && progress.planned == 0 && errors.is_empty() {
        errors.push(NOBODY.to_owned());
    }
    for cause in tx.take_causes(no)? {
        if errors.len() == 100 {
            break;
        }
        let target = target_name(tx, cause.first)?;
        let others = match cause.count {
            0 | 1 => String::new(),
            2 => " and 1 other".to_owned(),
            n => format!(" and {} others", n - 1),
        };
        errors.push(format!("Failed sending to target {target}{others} with error: {}", cause.text));
    }
    if !errors.is_empty() {
        tx.put(Table::Errors, &no.0.to_be_bytes(), &errors)?;
    }
    let row = tx.state_mut(no)?;
    row.errors = !errors.is_empty();
    row.finished_at = Some(at);
    let run = row.run;
    super::documents::note_end(tx, no, run, at)
}

fn target_name(tx: &mut Tx<'_>, no: TargetNo) -> Attempt<String> {
    let row = tx.record::<super::record::TargetRow>(Table::Targets, &no.0.to_be_bytes())?;
    Ok(row.map_or_else(|| format!("number {no}"), |row| row.target.id.to_string()))
}

/// Ends a message whose plan is written and of which nothing is open.
pub(super) fn finish_if_over(tx: &mut Tx<'_>, no: MessageNo, at: Timestamp) -> Attempt<bool> {
    let row = tx.state(no)?;
    if !row.plan.done || !matches!(row.state, MessageState::Processing | MessageState::Paused { .. }) {
        return Ok(false);
    }
    let Some(verdict) = row.progress.verdict() else { return Ok(false) };
    let next = row.state.apply(Event::Finish { all_accepted: verdict == MessageState::Sent })?;
    let row = tx.state_mut(no)?;
    row.state = next;
    row.revision = row.revision.next();
    end(tx, no, at, None)?;
    Ok(true)
}

/// Deletes a message that is not being sent.
pub(super) fn delete(
    tx: &mut Tx<'_>,
    id: &MessageId,
    expect: Option<Revision>,
    audit: &AuditEntry,
) -> Attempt<()> {
    let no = MessageNo(ids::resolve(tx, RecordKind::Message, id.as_str())?);
    let row = tx.state(no)?;
    if matches!(row.state, MessageState::Processing | MessageState::Paused { .. }) {
        return Err(TransitionError { from: row.state.as_str(), verb: "deleted" }.into());
    }
    Fail::unless(RecordKind::Message, row.revision, expect)?;
    remove(tx, no, id)?;
    tx.audit(audit)
}

/// Removes a message with its plan.
pub(super) fn remove(tx: &mut Tx<'_>, no: MessageNo, id: &MessageId) -> Attempt<()> {
    ids::release(tx, RecordKind::Message, id.as_str())?;
    tx.remove_state(no)?;
    tx.take_causes(no)?;
    for table in [Table::Bodies, Table::Errors, Table::ReceiptCounts] {
        tx.remove(table, &no.0.to_be_bytes())?;
    }
    tx.chore(&Chore::Plan(no))
}

fn row_type(message: &Message) -> &'static str {
    message.channel().as_str()
}

/// What of a content is searched.
fn words(content: &Content) -> impl Iterator<Item = &str> {
    let (title, body) = match content {
        Content::Email(mail) => (Some(mail.subject.as_str()), Some(mail.content.as_str())),
        Content::Sms(sms) => (None, Some(sms.content.as_str())),
        Content::Push(push) => (push.title.as_deref(), push.body.as_deref()),
    };
    title.into_iter().chain(body)
}

/// A page of messages.
pub(super) fn page(
    view: &mut impl View,
    filter: &MessageFilter,
    request: &PageRequest<Message>,
    counts: &[u64; 8],
) -> Attempt<Page<Message>> {
    let load = |view: &mut _, no, _: &[u8]| read(view, MessageNo(no)).map(Some);
    let matches = |message: &Message, search: &str| {
        let texts = [message.id.as_str(), message.state.as_str(), row_type(message)];
        list::has_word(texts.into_iter().chain(words(&message.content)), search)
    };
    let order = request.order;
    if filter.states.is_empty() {
        let total = counts.iter().sum();
        let next = list::numbered(Table::States, Vec::new(), order);
        return list::page(view, request, Some(total), next, load, matches);
    }
    let total = filter.states.iter().filter_map(|code| counts.get(usize::from(*code))).sum();
    let mut lists: Vec<_> =
        filter.states.iter().map(|code| list::numbered(Table::ByState, vec![*code], order)).collect();
    let next = |view: &mut _, after, limit| {
        let mut rows: Vec<(u64, Vec<u8>)> = Vec::new();
        for list in &mut lists {
            rows.extend(list(view, after, limit)?);
        }
        rows.sort_unstable_by_key(|(no, _)| *no);
        if order == Order::Descending {
            rows.reverse();
        }
        rows.truncate(limit);
        Ok(rows)
    };
    list::page(view, request, Some(total), next, load, matches)
}

/// Takes due messages off the schedule.
pub(super) fn claim_due(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: usize,
    late_after: Option<Duration>,
) -> Attempt<Claimed> {
    let mut claimed = Claimed::default();
    if limit == 0 {
        return Ok(claimed);
    }
    tx.flush_states()?;
    let mut due: Vec<(Timestamp, MessageNo)> = Vec::new();
    let mut last = Vec::new();
    let mut next_due = None;
    tx.scan(Table::Schedule, super::table::everything(), Order::Ascending, &mut |key, _| {
        let at = time_at(key, 0);
        if at > now || due.len() == limit {
            next_due = Some(at);
            return Ok(false);
        }
        due.push((at, MessageNo(number_at(key, 8))));
        last.clear();
        last.extend_from_slice(key);
        Ok(true)
    })?;
    claimed.next_due = next_due;
    if due.is_empty() {
        return Ok(claimed);
    }
    // One removal of a range is many times cheaper than as many of one.
    tx.remove_span(Table::Schedule, &(Bound::Unbounded, Bound::Included(last)))?;
    tx.touched.schedule = true;
    for (at, no) in due {
        tx.state(no)?;
        tx.took_off_schedule(no);
        let row = tx.state_mut(no)?;
        row.revision = row.revision.next();
        if row.expires_at.is_some_and(|deadline| deadline <= now) {
            row.state = row.state.apply(Event::Expire)?;
            expire(tx, no, now)?;
            claimed.expired.push(current(tx, no)?);
        } else if late_after.is_some_and(|span| now.since(at) > span) {
            row.state = row.state.apply(Event::Hold(Hold::Late))?;
            claimed.held.push(current(tx, no)?);
        } else {
            row.state = row.state.apply(Event::Claim)?;
            start(row, now);
            // One that was held in mid-send may have nobody left.
            finish_if_over(tx, no, now)?;
            claimed.messages.push(current(tx, no)?);
        }
    }
    Ok(claimed)
}

/// The due time at the head of the schedule.
pub(super) fn next_due(view: &mut impl View) -> Attempt<Option<Timestamp>> {
    let head = view.keys(Table::Schedule, super::table::everything(), 1)?;
    Ok(head.first().map(|key| time_at(key, 0)))
}

/// The head of the schedule.
pub(super) fn upcoming(view: &mut impl View, limit: usize) -> Attempt<Vec<Message>> {
    let head = view.keys(Table::Schedule, super::table::everything(), limit)?;
    head.iter().map(|key| read(view, MessageNo(number_at(key, 8)))).collect()
}

/// Everything in some states.
pub(super) fn in_states(view: &mut impl View, states: &[&MessageState]) -> Attempt<Vec<Message>> {
    let mut messages = Vec::new();
    for state in states {
        for key in view.keys(Table::ByState, beginning(&key![state.code()]), usize::MAX)? {
            messages.push(read(view, MessageNo(number_at(&key, 1)))?);
        }
    }
    messages.sort_unstable_by_key(|message| message.no);
    Ok(messages)
}

/// Holds what is scheduled or processing, a step of it; says how many.
pub(super) fn hold_restored(tx: &mut Tx<'_>, at: Timestamp, limit: usize) -> Attempt<u64> {
    tx.flush_states()?;
    let mut held = 0;
    for state in [MessageState::Scheduled, MessageState::Processing] {
        for key in tx.keys(Table::ByState, beginning(&key![state.code()]), limit - held as usize)? {
            let row = tx.state_mut(MessageNo(number_at(&key, 1)))?;
            row.state = row.state.apply(Event::Hold(Hold::Restored))?;
            row.revision = row.revision.next();
            row.updated = at;
            held += 1;
        }
        tx.flush_states()?;
    }
    Ok(held)
}
