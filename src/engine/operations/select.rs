//! For whom an operation is.

mod planned;
mod waiting;

use super::{Found, Set, is_past};
use crate::domain::channel::Channel;
use crate::domain::delivery::{LogRow, Outcome as Delivered};
use crate::domain::filter::Filter;
use crate::domain::ids::{MessageNo, ProviderNo, TargetNo, WaitNo};
use crate::domain::message::Message;
use crate::domain::plan::{BatchKey, WaitReason};
use crate::domain::provider::Provider;
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::domain::zone::Zone;
use crate::engine::Engine;
use crate::engine::audience::named_targets;
use crate::engine::choice::Choice;
use crate::engine::usecases::log_filter::narrow;
use crate::engine::usecases::names::Names;
use crate::engine::usecases::{Outcome, Refusal};
use crate::store::StoreError;
use crate::store::dispatch::{WaitingFilter, WaitingRow};
use crate::store::documents::{Again, CountedAs, PlannedSet};
use crate::store::history::LogQuery;
use crate::store::page::Order;
use crate::wire::delivery::Delivery;
use crate::wire::fields;
use crate::wire::operation::{CreateOperation, OperationAction, OperationPreview};
use crate::wire::preview::LeftOut;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The most deliveries of one operation.
const MOST: u64 = 1_000_000;
/// Rows of the log that are looked at together.
const PAGE: usize = 1000;
/// Those who wait, of one step.
const STEP: usize = 4096;
/// Deliveries that a preview shows.
const SAMPLE: usize = 10;

/// Why somebody who fits is left out.
mod left_out {
    pub(super) const UNCERTAIN: &str = "may have got it already: left out unless asked for";
    pub(super) const BATCH: &str = "in doubt together with others who do not fit";
    pub(super) const LATE: &str = "past their deadline";
    pub(super) const SENDING: &str = "their message is still being sent";
    pub(super) const CANCELLED: &str = "their message was cancelled";
    pub(super) const OVER: &str = "over already";
    pub(super) const HELD: &str = "held already";
    pub(super) const NOT_HELD: &str = "not held";
    pub(super) const TYPE: &str = "of another type than the provider";
    pub(super) const PINNED: &str = "device tokens of another service";
    pub(super) const THERE: &str = "with this provider already";
}

/// A message, and what is looked up for it once.
struct Known {
    message: Message,
    waiting: HashMap<TargetNo, WaitingRow>,
    /// Named directly; `None`: everybody is.
    named: Option<BTreeSet<TargetNo>>,
    /// Members of batches that go again under their key, by key.
    keyed: HashMap<BatchKey, usize>,
}

async fn known(engine: &Engine, no: MessageNo) -> Outcome<Option<Known>> {
    let store = engine.store();
    let message = match store.message_by_no(no).await {
        Ok(message) => message,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut waiting = HashMap::new();
    let mut keyed = HashMap::new();
    if !message.state.is_over() {
        let filter = WaitingFilter { message: Some(no), ..WaitingFilter::default() };
        let mut after = None;
        loop {
            let rows = store.waiting(filter.clone(), after, STEP).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.waiting.no.0);
            for row in rows {
                if let Some(key) = row.waiting.batch {
                    *keyed.entry(key).or_default() += 1;
                }
                waiting.insert(row.waiting.target, row);
            }
        }
    }
    let named = if message.topics.is_empty() { None } else { Some(named_targets(&**store, &message).await?) };
    Ok(Some(Known { message, waiting, named, keyed }))
}

/// What is done about a delivery.
enum Verdict {
    /// It waits under this number.
    Waits(WaitNo, Option<BatchKey>),
    /// It is over, and is tried again.
    Over(Again),
    /// It fits, and is left out.
    LeftOut(&'static str),
    /// The row is not what the delivery stands at.
    Passed,
}

struct Chosen {
    run: u16,
    waiting: Vec<(WaitNo, Option<BatchKey>)>,
    again: Vec<Again>,
    planned: Vec<PlannedSet>,
    keyed: HashMap<BatchKey, usize>,
}

impl Chosen {
    /// Nobody of a message yet.
    fn of(known: &Known) -> Self {
        Self {
            run: known.message.run,
            waiting: Vec::new(),
            again: Vec::new(),
            planned: Vec::new(),
            keyed: known.keyed.clone(),
        }
    }
}

/// What has been found so far: by rows of the log, among those who wait, in the plan.
#[derive(Default)]
struct SoFar {
    /// What is known of each message; `None`: it is gone.
    messages: HashMap<MessageNo, Option<Known>>,
    seen: HashSet<(MessageNo, TargetNo)>,
    chosen: BTreeMap<MessageNo, Chosen>,
    tally: Tally,
}

/// How many are in, and how many are left out for which reason.
#[derive(Default)]
struct Tally {
    left: BTreeMap<&'static str, u64>,
    preview: OperationPreview,
}

impl SoFar {
    /// Looks a message up once.
    async fn learn(&mut self, engine: &Engine, no: MessageNo) -> Outcome<()> {
        if let Entry::Vacant(entry) = self.messages.entry(no) {
            entry.insert(known(engine, no).await?);
        }
        Ok(())
    }
}

impl Tally {
    /// Somebody fits and is left out.
    fn leave_out(&mut self, why: &'static str) {
        *self.left.entry(why).or_default() += 1;
    }

    /// Somebody is in.
    fn note(&mut self, delivery: Delivery) -> Outcome<()> {
        let preview = &mut self.preview;
        preview.count += 1;
        preview.uncertain += u64::from(delivery.outcome == Delivered::Uncertain);
        preview.oldest = Some(preview.oldest.map_or(delivery.at, |at| at.min(delivery.at)));
        preview.newest = Some(preview.newest.map_or(delivery.at, |at| at.max(delivery.at)));
        if preview.sample.len() < SAMPLE {
            preview.sample.push(delivery);
        }
        if preview.count > MOST {
            return Err(Refusal::not_now(format!(
                "More than {MOST} deliveries fit: narrow the filter, by message, provider or time"
            )));
        }
        Ok(())
    }
}

struct Search<'a> {
    engine: &'a Engine,
    asked: &'a CreateOperation,
    to: Option<&'a Provider>,
    choice: Arc<Choice>,
    now: Timestamp,
}

/// Looks for them, the newest row of the log first.
pub(super) async fn select(
    engine: &Engine,
    asked: &CreateOperation,
    to: Option<&Provider>,
    zone: Zone,
) -> Outcome<Found> {
    let filter = Filter::parse(&asked.filter).and_then(|filter| filter.check(&fields::DELIVERIES, zone));
    let filter = filter.map_err(|error| Invalid::value("filter", error.to_string()))?;
    if filter.is_everything() {
        return Err(
            Invalid::value("filter", "an operation needs a filter, such as provider=main since=1h").into()
        );
    }
    let now = engine.now();
    let mut query =
        LogQuery { order: Order::Descending, limit: PAGE, scan: 1_000_000, ..LogQuery::default() };
    if !narrow(engine, &filter, &mut query, now).await? {
        let preview = OperationPreview::default();
        return Ok(Found { planned: Vec::new(), sets: Vec::new(), preview });
    }
    let open = |outcome: &Delivered| {
        // Whoever came back was accepted: that delivery is not one that can be tried again.
        (outcome.is_failure() && !outcome.is_receipt())
            || matches!(outcome, Delivered::Uncertain | Delivered::Expired)
    };
    query.outcomes = if query.outcomes.is_empty() {
        Delivered::ALL.into_iter().filter(open).collect()
    } else {
        query.outcomes.iter().copied().filter(open).collect()
    };
    // Rows of the log say what has become of attempts, and not whether somebody waits now.
    let mut more = filter.required("status").is_none() && !query.outcomes.is_empty();
    let by_waiting = filter.required("outcome").is_none();
    let choice = engine.core.choice().await?;
    let search = Search { engine, asked, to, choice, now };
    let mut so_far = SoFar::default();
    if by_waiting {
        // First: older rows of the log say nothing of somebody who is planned again.
        search.planned(&filter, &query, &mut so_far).await?;
    }
    while more {
        let page = engine.store().log(query.clone()).await?;
        so_far.tally.preview.scanned += page.scanned.max(page.rows.len() as u64);
        let mut names = Names::new(engine).await?;
        let shown = names.deliveries(engine, page.rows.clone()).await?;
        for (row, delivery) in page.rows.iter().zip(shown) {
            if !filter.passes(&delivery, now) || !so_far.seen.insert((row.message, row.target)) {
                continue;
            }
            so_far.learn(engine, row.message).await?;
            let Some(Some(known)) = so_far.messages.get(&row.message) else { continue };
            let verdict = search.verdict(row, known, &names).await?;
            let of_message = || Chosen::of(known);
            match verdict {
                Verdict::Waits(no, key) => {
                    so_far.chosen.entry(row.message).or_insert_with(of_message).waiting.push((no, key));
                }
                Verdict::Over(again) => {
                    so_far.chosen.entry(row.message).or_insert_with(of_message).again.push(again);
                }
                Verdict::LeftOut(why) => {
                    so_far.tally.leave_out(why);
                    continue;
                }
                Verdict::Passed => continue,
            }
            so_far.tally.note(delivery)?;
        }
        query.after = page.next;
        more = page.next.is_some();
    }
    if by_waiting {
        search.waiting(&filter, &query, &mut so_far).await?;
    }
    let SoFar { chosen, tally: Tally { mut left, mut preview }, .. } = so_far;
    let (planned, sets) = pack(chosen, &mut preview, &mut left);
    preview.left_out =
        left.into_iter().map(|(reason, count)| LeftOut { reason: reason.to_owned(), count }).collect();
    Ok(Found { planned, sets, preview })
}

/// Sets of bounded size. A batch that goes again under its key is in as a whole, or not at all.
fn pack(
    chosen: BTreeMap<MessageNo, Chosen>,
    preview: &mut OperationPreview,
    left: &mut BTreeMap<&'static str, u64>,
) -> (Vec<(MessageNo, PlannedSet)>, Vec<Set>) {
    let mut planned = Vec::new();
    let mut sets = Vec::new();
    for (message, mut chosen) in chosen {
        let mut members: HashMap<BatchKey, usize> = HashMap::new();
        for key in chosen.waiting.iter().filter_map(|(_, key)| *key) {
            *members.entry(key).or_default() += 1;
        }
        let before = chosen.waiting.len();
        chosen.waiting.retain(|(_, key)| key.is_none_or(|key| members.get(&key) == chosen.keyed.get(&key)));
        let cut = (before - chosen.waiting.len()) as u64;
        if cut > 0 {
            *left.entry(left_out::BATCH).or_default() += cut;
            preview.count -= cut;
            preview.uncertain = preview.uncertain.saturating_sub(cut);
        }
        let to_plan = chosen.planned.len();
        planned.extend(chosen.planned.into_iter().map(|set| (message, set)));
        if chosen.waiting.is_empty() && chosen.again.is_empty() {
            preview.messages += u64::from(to_plan > 0);
            continue;
        }
        preview.messages += 1;
        // Members of one batch stay in one step.
        chosen.waiting.sort_unstable_by_key(|(no, key)| (*key, *no));
        let mut set = Set { message, waiting: Vec::new(), again: None };
        let mut last: Option<BatchKey> = None;
        for (no, key) in chosen.waiting {
            if set.waiting.len() >= STEP && (key.is_none() || key != last) {
                sets.push(std::mem::replace(&mut set, Set { message, waiting: Vec::new(), again: None }));
            }
            last = key;
            set.waiting.push(no);
        }
        if !chosen.again.is_empty() {
            // A message is opened once: who of it is tried again is one step.
            set.again = Some((chosen.run, chosen.again));
        }
        sets.push(set);
    }
    (planned, sets)
}

impl Search<'_> {
    async fn verdict(&self, row: &LogRow, known: &Known, names: &Names) -> Outcome<Verdict> {
        let message = &known.message;
        if let Some(waits) = known.waiting.get(&row.target) {
            // An older attempt than the one for which it waits says nothing of it.
            let newest = waits.waiting.attempts == row.attempt && row.detail.retry_at.is_some();
            return Ok(if newest { self.of_waiting(waits, known, names) } else { Verdict::Passed });
        }
        if row.detail.retry_at.is_some() || !self.is_newest(row).await? {
            return Ok(Verdict::Passed);
        }
        Ok(match (&message.state, self.asked.action) {
            (MessageState::Failed, OperationAction::Retry | OperationAction::FailOver) => {
                self.of_ended(row, known, names)
            }
            (MessageState::Failed | MessageState::Sent, _) => Verdict::LeftOut(left_out::OVER),
            (MessageState::Cancelled { .. }, _) => Verdict::LeftOut(left_out::CANCELLED),
            _ => Verdict::LeftOut(left_out::SENDING),
        })
    }

    /// Whether nothing has happened to a delivery since this row.
    async fn is_newest(&self, row: &LogRow) -> Outcome<bool> {
        let message = row.message;
        let query = LogQuery {
            target: Some(row.target),
            only: Some(Arc::new(move |found: &LogRow| found.message == message)),
            order: Order::Descending,
            limit: 1,
            scan: 100_000,
            ..LogQuery::default()
        };
        let found = self.engine.store().log(query).await?;
        Ok(found.rows.first().is_some_and(|newest| newest.seq == row.seq))
    }

    fn of_waiting(&self, row: &WaitingRow, known: &Known, names: &Names) -> Verdict {
        let waiting = &row.waiting;
        let held = row.due == Timestamp::NEVER;
        match self.asked.action {
            OperationAction::Hold if held => return Verdict::LeftOut(left_out::HELD),
            OperationAction::Release if !held => return Verdict::LeftOut(left_out::NOT_HELD),
            OperationAction::FailOver => {
                if let Some(why) =
                    self.cannot_take(known.message.channel(), waiting.target, row.lane.provider, names)
                {
                    return Verdict::LeftOut(why);
                }
            }
            _ => {}
        }
        let doubtful =
            matches!(waiting.why, WaitReason::Uncertain | WaitReason::InDoubt) || waiting.batch.is_some();
        // Holding what is in doubt sends nothing: everything else may send it twice, or not at all.
        if doubtful && !self.asked.uncertain {
            return Verdict::LeftOut(left_out::UNCERTAIN);
        }
        if self.asked.action != OperationAction::Cancel && is_past(known.message.expires_at, self.now) {
            return Verdict::LeftOut(left_out::LATE);
        }
        Verdict::Waits(waiting.no, waiting.batch)
    }

    fn of_ended(&self, row: &LogRow, known: &Known, names: &Names) -> Verdict {
        let message = &known.message;
        if row.outcome == Delivered::Expired || is_past(message.expires_at, self.now) {
            return Verdict::LeftOut(left_out::LATE);
        }
        let counted =
            if row.outcome == Delivered::Uncertain { CountedAs::Uncertain } else { CountedAs::Failed };
        if counted == CountedAs::Uncertain && !self.asked.uncertain {
            return Verdict::LeftOut(left_out::UNCERTAIN);
        }
        let channel = message.channel();
        let provider = if let Some(to) = self.to {
            if let Some(why) = self.cannot_take(channel, row.target, row.provider, names) {
                return Verdict::LeftOut(why);
            }
            to.no
        } else {
            let target = names.target(row.target);
            let pinned = target.and_then(|target| target.provider.as_ref());
            self.choice.choose(channel, pinned, target.map_or("", |target| &target.identifier))
        };
        let direct = known.named.as_ref().is_none_or(|named| named.contains(&row.target));
        Verdict::Over(Again { target: row.target, direct, provider, counted, lane: row.provider })
    }

    /// Why the provider to fail over to cannot take somebody, if it cannot.
    fn cannot_take(
        &self,
        channel: Channel,
        target: TargetNo,
        from: ProviderNo,
        names: &Names,
    ) -> Option<&'static str> {
        let to = self.to?;
        if to.channel != channel {
            return Some(left_out::TYPE);
        }
        if to.no == from {
            return Some(left_out::THERE);
        }
        let pinned = names.target(target).and_then(|target| target.provider.as_ref());
        let own = pinned.and_then(|id| self.choice.all().iter().find(|provider| provider.id == *id));
        // A token of one push service never goes to another.
        let foreign =
            channel == Channel::Push && pinned.is_some() && own.is_none_or(|own| own.kind != to.kind);
        foreign.then_some(left_out::PINNED)
    }
}
