//! A write transaction: one group of operations that commit together.
//!
//! Rows that a group touches again and again (a message's state, a lane, the
//! counts, a topic's totals) are kept decoded and written once, at the end,
//! together with the indexes that follow from them.

use super::fail::{Attempt, Fail};
use super::record::{Cause, Chore, Counts, LaneRow, StateRow, decode, encode, encode_padded};
use super::table::{Span, Table, View, Visit, get_from, key};
use super::tree::{self, TreeMut};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{MessageNo, TargetNo, TopicNo};
use crate::domain::message::Progress;
use crate::domain::plan::LaneKey;
use crate::domain::topic::Totals;
use crate::store::RecordKind;
use crate::store::history::{Changes, Flags};
use crate::store::page::Order;
use redb::WriteTransaction;
use std::collections::{BTreeMap, HashMap};

/// The record of counts.
pub(super) const COUNTS: &[u8] = b"counts";
/// The record of switches.
pub(super) const FLAGS: &[u8] = b"flags";

/// Causes of failure that are kept apart for a message.
const MOST_CAUSES: usize = 100;

/// A row in memory, and what of it stands in the file.
#[derive(Debug)]
struct Cached<T> {
    stored: Option<T>,
    row: T,
    dirty: bool,
}

/// Parts that a group has touched; see [`Changes`].
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "one for each field of Changes")]
pub(super) struct Touched {
    pub(super) people: bool,
    pub(super) topics: bool,
    pub(super) providers: bool,
    pub(super) messages: bool,
    pub(super) schedule: bool,
    pub(super) plans: bool,
    pub(super) documents: bool,
    /// Keys; nobody is told of them.
    pub(super) keys: bool,
}

impl Touched {
    /// Counts one commit.
    pub(super) fn count(self, changes: &mut Changes) {
        changes.commits += 1;
        changes.people += u64::from(self.people);
        changes.topics += u64::from(self.topics);
        changes.providers += u64::from(self.providers);
        changes.messages += u64::from(self.messages);
        changes.schedule += u64::from(self.schedule);
        changes.plans += u64::from(self.plans);
        changes.documents += u64::from(self.documents);
    }
}

/// One group.
pub(super) struct Tx<'t> {
    txn: &'t WriteTransaction,
    tables: [Option<Box<dyn TreeMut + 't>>; Table::COUNT],
    /// Numbers and totals.
    pub(super) counts: Counts,
    /// What has changed.
    pub(super) touched: Touched,
    /// The reserve is given up: only what must be recorded is written.
    pub(super) tight: bool,
    states: HashMap<MessageNo, Cached<StateRow>>,
    lanes: HashMap<LaneKey, Cached<LaneRow>>,
    totals: HashMap<TopicNo, Totals>,
    causes: HashMap<MessageNo, Vec<Cause>>,
    flags: Option<Flags>,
    /// Rows for the log.
    pub(super) log: super::rows::Rows,
    /// What is to be kept of the log, if that was said.
    pub(super) keep: Option<crate::store::log::Retention>,
    writes: u64,
}

impl<'t> Tx<'t> {
    /// Begins a group.
    pub(super) fn begin(txn: &'t WriteTransaction, tight: bool, log: super::rows::Rows) -> Attempt<Self> {
        let mut tx = Self {
            txn,
            tables: [const { None }; Table::COUNT],
            counts: Counts::default(),
            touched: Touched::default(),
            tight,
            states: HashMap::new(),
            lanes: HashMap::new(),
            totals: HashMap::new(),
            causes: HashMap::new(),
            flags: None,
            log,
            keep: None,
            writes: 0,
        };
        tx.counts = tx.get(Table::Meta, COUNTS, decode)?.transpose()?.unwrap_or_default();
        Ok(tx)
    }

    fn table(&mut self, table: Table) -> Attempt<&mut (dyn TreeMut + 't)> {
        let slot = &mut self.tables[table as usize];
        if slot.is_none() {
            *slot = Some(tree::write(self.txn, table)?);
        }
        Ok(slot.as_deref_mut().expect("it was opened above"))
    }

    /// How many writes there were; an operation that fails with more than
    /// before has left something half done.
    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// Writes bytes.
    pub(super) fn put_raw(&mut self, table: Table, key: &[u8], value: &[u8]) -> Attempt<()> {
        self.writes += 1;
        self.table(table)?.put(key, value)
    }

    /// Writes a record.
    pub(super) fn put<T: serde::Serialize>(&mut self, table: Table, key: &[u8], record: &T) -> Attempt<()> {
        self.put_raw(table, key, &encode(record))
    }

    /// Removes a row; says whether there was one.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) -> Attempt<bool> {
        self.writes += 1;
        self.table(table)?.remove(key)
    }

    /// Removes every row of a span.
    pub(super) fn remove_span(&mut self, table: Table, span: &Span) -> Attempt<()> {
        self.writes += 1;
        self.table(table)?.remove_span(span)
    }

    /// A record.
    pub(super) fn record<T: serde::de::DeserializeOwned>(
        &mut self,
        table: Table,
        key: &[u8],
    ) -> Attempt<Option<T>> {
        self.get(table, key, decode)?.transpose()
    }

    // --- rows that are kept

    fn load_state(&mut self, no: MessageNo) -> Attempt<bool> {
        if !self.states.contains_key(&no) {
            let Some(row) = self.get(Table::States, &no.0.to_be_bytes(), decode::<StateRow>)?.transpose()?
            else {
                return Ok(false);
            };
            self.states.insert(no, Cached { stored: Some(row.clone()), row, dirty: false });
        }
        Ok(true)
    }

    /// Where a message stands.
    pub(super) fn state(&mut self, no: MessageNo) -> Attempt<&StateRow> {
        if !self.load_state(no)? {
            return Err(Fail::missing(RecordKind::Message, no));
        }
        Ok(&self.states[&no].row)
    }

    /// Where a message stands, to change it. Its indexes follow.
    pub(super) fn state_mut(&mut self, no: MessageNo) -> Attempt<&mut StateRow> {
        if !self.load_state(no)? {
            return Err(Fail::missing(RecordKind::Message, no));
        }
        self.writes += 1;
        self.touched.messages = true;
        let cached = self.states.get_mut(&no).expect("it was loaded above");
        cached.dirty = true;
        Ok(&mut cached.row)
    }

    /// The state of a new message.
    pub(super) fn new_state(&mut self, no: MessageNo, row: StateRow) {
        self.writes += 1;
        self.touched.messages = true;
        self.states.insert(no, Cached { stored: None, row, dirty: true });
    }

    /// The row was taken off the schedule together with others.
    pub(super) fn took_off_schedule(&mut self, no: MessageNo) {
        if let Some(stored) = self.states.get_mut(&no).and_then(|cached| cached.stored.as_mut()) {
            stored.scheduled_at = None;
            stored.updated = crate::domain::time::Timestamp(OFF_SCHEDULE);
        }
    }

    /// Removes a message's state, with its place in every index.
    pub(super) fn remove_state(&mut self, no: MessageNo) -> Attempt<()> {
        self.flush_states()?;
        let Some(row) = self.record::<StateRow>(Table::States, &no.0.to_be_bytes())? else { return Ok(()) };
        self.states.remove(&no);
        self.touched.messages = true;
        self.unindex_state(no, &row)?;
        self.remove(Table::States, &no.0.to_be_bytes())?;
        Ok(())
    }

    fn unindex_state(&mut self, no: MessageNo, row: &StateRow) -> Attempt<()> {
        let code = row.state.code();
        self.counts.states[usize::from(code)] = self.counts.states[usize::from(code)].saturating_sub(1);
        self.remove(Table::ByState, &key![code, no.0])?;
        if let Some(due) = row.due().filter(|due| due.0 != OFF_SCHEDULE) {
            self.touched.schedule = true;
            self.remove(Table::Schedule, &key![due, no.0])?;
        }
        Ok(())
    }

    /// Writes changed states and their indexes.
    pub(super) fn flush_states(&mut self) -> Attempt<()> {
        let mut dirty: Vec<_> = self.states.iter().filter(|(_, c)| c.dirty).map(|(no, _)| *no).collect();
        dirty.sort_unstable();
        // One table after the other, each in ascending order: neighbours share pages.
        let mut gone = Vec::new();
        let mut come = Vec::new();
        for no in &dirty {
            let cached = self.states.get_mut(no).expect("the key was listed");
            let bytes = encode_padded(&cached.row);
            let old = cached.stored.replace(cached.row.clone());
            let new = (cached.row.state.code(), cached.row.due());
            cached.dirty = false;
            self.put_raw(Table::States, &no.0.to_be_bytes(), &bytes)?;
            let old = old.map(|row| (row.state.code(), row.due()));
            if old != Some(new) {
                gone.extend(old.map(|old| (old.0, *no, old.1, new)));
                come.push((new.0, *no, new.1, old));
            }
        }
        gone.sort_unstable();
        come.sort_unstable();
        for (code, no, due, new) in gone {
            if code != new.0 {
                self.counts.states[usize::from(code)] =
                    self.counts.states[usize::from(code)].saturating_sub(1);
                self.remove(Table::ByState, &key![code, no.0])?;
            }
            if let Some(due) = due.filter(|due| Some(*due) != new.1 && due.0 != OFF_SCHEDULE) {
                self.touched.schedule = true;
                self.remove(Table::Schedule, &key![due, no.0])?;
            }
        }
        for (code, no, due, old) in come {
            if old.is_none_or(|old| old.0 != code) {
                self.counts.states[usize::from(code)] += 1;
                self.put_raw(Table::ByState, &key![code, no.0], &[])?;
            }
            if let Some(due) = due.filter(|due| old.is_none_or(|old| old.1 != Some(*due))) {
                self.touched.schedule = true;
                self.put_raw(Table::Schedule, &key![due, no.0], &[])?;
            }
        }
        Ok(())
    }

    fn load_lane(&mut self, lane: LaneKey) -> Attempt<()> {
        if !self.lanes.contains_key(&lane) {
            let stored = self
                .get(Table::Lanes, &key![lane.message.0, lane.provider.0], decode::<LaneRow>)?
                .transpose()?;
            let row = stored.clone().unwrap_or_default();
            self.lanes.insert(lane, Cached { stored, row, dirty: false });
        }
        Ok(())
    }

    /// A lane; an empty one where there is none yet.
    pub(super) fn lane(&mut self, lane: LaneKey) -> Attempt<&LaneRow> {
        self.load_lane(lane)?;
        Ok(&self.lanes[&lane].row)
    }

    /// A lane, to change it. Counts are changed with [`Tx::adjust`].
    pub(super) fn lane_mut(&mut self, lane: LaneKey) -> Attempt<&mut LaneRow> {
        self.load_lane(lane)?;
        self.writes += 1;
        let cached = self.lanes.get_mut(&lane).expect("it was loaded above");
        cached.dirty = true;
        Ok(&mut cached.row)
    }

    /// Changes the counts of a lane and of its message alike, so that the
    /// message's stay the sum of its lanes'.
    pub(super) fn adjust(&mut self, lane: LaneKey, change: impl Fn(&mut Progress)) -> Attempt<()> {
        change(&mut self.lane_mut(lane)?.progress);
        change(&mut self.state_mut(lane.message)?.progress);
        Ok(())
    }

    /// All lanes of a message.
    pub(super) fn lanes_of(&mut self, message: MessageNo) -> Attempt<Vec<LaneKey>> {
        self.flush_lanes()?;
        let keys = self.keys(Table::Lanes, super::table::beginning(&key![message.0]), usize::MAX)?;
        Ok(keys
            .iter()
            .map(|key| LaneKey {
                message,
                provider: crate::domain::ids::ProviderNo(super::table::short_at(key, 8)),
            })
            .collect())
    }

    /// Removes a lane.
    pub(super) fn remove_lane(&mut self, lane: LaneKey) -> Attempt<()> {
        self.lanes.remove(&lane);
        self.remove(Table::Lanes, &key![lane.message.0, lane.provider.0])?;
        self.remove(Table::OpenLanes, &key![lane.provider.0, lane.message.0])?;
        Ok(())
    }

    fn flush_lanes(&mut self) -> Attempt<()> {
        let mut dirty: Vec<_> = self.lanes.iter().filter(|(_, c)| c.dirty).map(|(lane, _)| *lane).collect();
        dirty.sort_unstable();
        for lane in dirty {
            let cached = self.lanes.get_mut(&lane).expect("the key was listed");
            let bytes = encode_padded(&cached.row);
            let open = cached.row.is_open();
            let was_open = cached.stored.replace(cached.row.clone()).is_some_and(|row| row.is_open());
            cached.dirty = false;
            self.put_raw(Table::Lanes, &key![lane.message.0, lane.provider.0], &bytes)?;
            let open_key = key![lane.provider.0, lane.message.0];
            if open && !was_open {
                self.put_raw(Table::OpenLanes, &open_key, &[])?;
            } else if was_open && !open {
                self.remove(Table::OpenLanes, &open_key)?;
            }
        }
        Ok(())
    }

    /// A topic's totals, to change them.
    pub(super) fn totals_mut(&mut self, topic: TopicNo) -> Attempt<&mut Totals> {
        self.writes += 1;
        self.touched.topics = true;
        if !self.totals.contains_key(&topic) {
            let totals = self.record(Table::Totals, &topic.0.to_be_bytes())?.unwrap_or_default();
            self.totals.insert(topic, totals);
        }
        Ok(self.totals.get_mut(&topic).expect("it was inserted above"))
    }

    /// Forgets a topic's totals.
    pub(super) fn remove_totals(&mut self, topic: TopicNo) -> Attempt<()> {
        self.totals.remove(&topic);
        self.remove(Table::Totals, &topic.0.to_be_bytes())?;
        Ok(())
    }

    /// Notes why a recipient of a message failed.
    pub(super) fn note_cause(&mut self, message: MessageNo, text: &str, target: TargetNo) -> Attempt<()> {
        self.writes += 1;
        if !self.causes.contains_key(&message) {
            let causes = self.record(Table::Causes, &message.0.to_be_bytes())?.unwrap_or_default();
            self.causes.insert(message, causes);
        }
        let causes = self.causes.get_mut(&message).expect("it was inserted above");
        let text = clip(text);
        if let Some(cause) = causes.iter_mut().find(|cause| cause.text == text) {
            cause.count += 1;
        } else if causes.len() < MOST_CAUSES {
            causes.push(Cause { text: text.to_owned(), count: 1, first: target });
        }
        Ok(())
    }

    /// Takes the causes of a message, the most frequent first.
    pub(super) fn take_causes(&mut self, message: MessageNo) -> Attempt<Vec<Cause>> {
        let mut causes = match self.causes.remove(&message) {
            Some(causes) => causes,
            None => self.record(Table::Causes, &message.0.to_be_bytes())?.unwrap_or_default(),
        };
        self.remove(Table::Causes, &message.0.to_be_bytes())?;
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        Ok(causes)
    }

    /// The switches.
    pub(super) fn flags(&mut self) -> Attempt<&mut Flags> {
        if self.flags.is_none() {
            self.flags = Some(self.record(Table::Meta, FLAGS)?.unwrap_or_default());
        }
        Ok(self.flags.as_mut().expect("it was set above"))
    }

    // --- what many operations write

    /// Writes an audit entry.
    pub(super) fn audit(&mut self, entry: &AuditEntry) -> Attempt<()> {
        if let Some(once) = entry.actor.once {
            super::once::claim(self, once, entry)?;
        }
        self.counts.audit += 1;
        let no = self.counts.audit;
        self.put(Table::Audit, &no.to_be_bytes(), entry)?;
        self.put_raw(Table::AuditOf, &key![entry.resource.as_str(), 0u8, no], &[])
    }

    /// Promises work that is done in steps.
    pub(super) fn chore(&mut self, chore: &Chore) -> Attempt<()> {
        self.counts.chore += 1;
        self.counts.chores += 1;
        let no = self.counts.chore;
        self.put(Table::Chores, &no.to_be_bytes(), chore)
    }

    /// Writes what is kept.
    pub(super) fn finish(&mut self) -> Attempt<()> {
        self.flush_lanes()?;
        self.flush_states()?;
        let mut totals: Vec<_> = self.totals.drain().collect();
        totals.sort_unstable_by_key(|(topic, _)| *topic);
        for (topic, totals) in totals {
            self.put(Table::Totals, &topic.0.to_be_bytes(), &totals)?;
        }
        let causes: BTreeMap<_, _> = self.causes.drain().collect();
        for (message, causes) in causes {
            self.put(Table::Causes, &message.0.to_be_bytes(), &causes)?;
        }
        self.counts.group += 1;
        let counts = encode(&self.counts);
        self.put_raw(Table::Meta, COUNTS, &counts)
    }
}

/// Stands for a due time whose row is no longer on the schedule.
const OFF_SCHEDULE: i64 = i64::MIN;

/// The beginning of a cause: enough for people, bounded for the store.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(500);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl View for Tx<'_> {
    fn get<R>(&mut self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Attempt<Option<R>> {
        get_from(self.table(table)?, key, read)
    }

    fn scan(&mut self, table: Table, span: Span, order: Order, visit: Visit<'_>) -> Attempt<()> {
        self.table(table)?.scan(&span, order, visit)
    }

    fn len(&mut self, table: Table) -> Attempt<u64> {
        self.table(table)?.len()
    }
}
