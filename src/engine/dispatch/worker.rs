//! Workers: each takes a train when the pace allows it, hands it to the adapter, and
//! hands in what became of everybody.

use super::desk::Desk;
use super::train::{Done, Item, Sheet, Sign, Train, base36, local};
use crate::domain::delivery::{LogDetail, Outcome, SkipReason, Stage, hide_address};
use crate::domain::plan::WaitReason;
use crate::domain::provider::Proof;
use crate::domain::receipt::Traced;
use crate::domain::time::Timestamp;
use crate::engine::core::{Core, lock};
use crate::engine::health::Tally;
use crate::engine::receipts;
use crate::engine::render::{RenderError, Templates};
use crate::engine::retry::{self, Attempted, Fate};
use crate::engine::streak;
use crate::providers::adapter::{Answer, Batch, Recipient, Rendered, Verdict};
use crate::store::dispatch::{Candidate, Next};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::time::Instant;

/// Answers are handed in at least so often while a train is under way.
const HAND_IN: Duration = Duration::from_millis(5);

/// Runs until the desk wants fewer workers, or the engine closes.
pub(crate) async fn work(core: Arc<Core>, desk: Arc<Desk>, slot: usize) {
    while let Some(train) = next(&core, &desk, slot).await {
        send(&core, &desk, train).await;
    }
    if let Some(alive) = lock(&desk.workers).get_mut(slot) {
        *alive = false;
    }
    desk.bell.notify_one();
}

/// The next train, when it may go.
async fn next(core: &Core, desk: &Desk, slot: usize) -> Option<Train> {
    let _turn = tokio::select! {
        biased;
        gate = desk.gate.lock() => gate,
        () = core.closing.cancelled() => return None,
    };
    loop {
        if slot >= desk.concurrency.load(SeqCst) || core.closing.is_cancelled() {
            // Whoever is next in line looks as well.
            desk.ready_bell.notify_one();
            return None;
        }
        if desk.at_hand() == 0 {
            if !desk.hungry.swap(true, SeqCst) {
                desk.bell.notify_one();
            }
            tokio::select! {
                biased;
                () = desk.ready_bell.notified() => {}
                () = core.closing.cancelled() => return None,
            }
            continue;
        }
        let opens = lock(&desk.pacer).opens();
        if opens > Instant::now() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(opens) => {}
                () = core.closing.cancelled() => return None,
            }
            continue;
        }
        if let Some(train) = desk.pop() {
            lock(&desk.pacer).take(train.items.len(), Instant::now());
            return Some(train);
        }
    }
}

/// What is left of a train while it is under way. Whoever has no answer when this goes
/// (the adapter forgot, panicked, or was given up) has a lost one.
struct Hand<'a> {
    core: &'a Core,
    desk: &'a Desk,
    train: Train,
    /// Whether each has an answer.
    answered: Vec<bool>,
    done: Vec<Done>,
    handed_in: Instant,
    began: Instant,
    tallies: [u64; 3],
    count: usize,
}

impl Hand<'_> {
    fn answer(&mut self, place: usize, answer: Answer) {
        let Some(answered) = self.answered.get_mut(place) else { return };
        if std::mem::replace(answered, true) {
            return;
        }
        let verdict = answer.verdict;
        let done = judge(self.core, &self.train, &self.train.items[place], answer);
        let tally = match verdict {
            Verdict::Accepted => Tally::Accepted,
            Verdict::Permanent | Verdict::TargetExpired => Tally::Failed,
            Verdict::Transient | Verdict::Refused | Verdict::Uncertain => Tally::Transient,
        };
        self.tallies[tally as usize] += 1;
        self.done.push(done);
        let now = Instant::now();
        // What went under one key is judged as a whole.
        if now - self.handed_in >= HAND_IN && self.train.key.is_none() {
            self.hand_in(now);
        }
    }

    /// A batch that is in doubt as a whole goes again under its key, whatever the policy: the service
    /// then takes it once. So does whoever was in doubt before and did not reach the service now, also
    /// when others of the train did: a service that takes one recipient a request has a key for each.
    fn keep_key(&mut self) {
        let Some(key) = self.train.key else { return };
        let again = key.window != self.train.window;
        let unknown = |done: &Done| {
            done.outcome.outcome == Outcome::Uncertain
                || (again && done.sign == Sign::Way && done.outcome.outcome == Outcome::Transient)
        };
        let whole = self.done.len() == self.answered.len() && self.done.iter().all(unknown);
        if !whole && !again {
            return;
        }
        let soon = self.core.clock.now().plus(Duration::from_secs(2));
        for done in self.done.iter_mut().filter(|done| unknown(done)) {
            let index = done.outcome.index;
            let Some(item) = self.train.items.iter().find(|item| item.index == index) else { continue };
            if let Next::Wait { due, waiting, .. } = &mut done.outcome.next {
                *due = soon;
                done.outcome.detail.retry_at = Some(soon);
                waiting.why = WaitReason::InDoubt;
                waiting.possibly_twice = item.candidate.possibly_twice;
                waiting.batch = Some(key);
            }
        }
    }

    fn hand_in(&mut self, now: Instant) {
        self.handed_in = now;
        self.desk.answer(&mut self.done);
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        for place in 0..self.answered.len() {
            if !self.answered[place] {
                let answer = Answer::new(Verdict::Uncertain, Stage::Response, 0, "no answer came");
                self.answer(place, answer);
            }
        }
        self.keep_key();
        let now = Instant::now();
        let answers = self.tallies.iter().sum::<u64>().max(1);
        let each = (now - self.began) / u32::try_from(answers).unwrap_or(u32::MAX);
        self.desk.health.note(self.core.clock.now().0, self.tallies, each);
        self.hand_in(now);
        self.desk.in_hand.fetch_sub(self.count, SeqCst);
        self.desk.bell.notify_one();
    }
}

async fn send(core: &Core, desk: &Desk, mut train: Train) {
    let count = train.items.len();
    let mut done = Vec::with_capacity(count);
    let now = core.clock.now();
    // Content that this provider cannot send has failed for everybody before anybody is asked.
    let ready = match (&train.sheet.compiled, &train.sheet.link) {
        (Ok(compiled), Some(link)) if !train.sheet.expired(now) => {
            Some((Arc::clone(compiled), Arc::clone(link)))
        }
        _ => None,
    };
    let Some((compiled, link)) = ready else {
        for item in &train.items {
            done.push(unsendable(&train, item, now));
        }
        desk.answer(&mut done);
        desk.in_hand.fetch_sub(count, SeqCst);
        desk.bell.notify_one();
        return;
    };
    let rendered = render(&mut train, &mut done, now).await;
    let recipients = recipients(&train, rendered);
    let answered = vec![false; recipients.len()];
    let batch = Batch { compiled, recipients, key: train.key };
    let began = Instant::now();
    let mut hand =
        Hand { core, desk, train, answered, done, handed_in: began, began, tallies: [0; 3], count };
    if batch.recipients.is_empty() {
        return;
    }
    let mut answers = |place: usize, answer: Answer| hand.answer(place, answer);
    let sending = AssertUnwindSafe(link.adapter.send(&batch, &mut answers)).catch_unwind();
    tokio::select! {
        biased;
        result = sending => if result.is_err() {
            tracing::error!(provider = desk.no.0, "an adapter panicked; what it had is uncertain");
        },
        () = core.giving_up.cancelled() => {}
    }
    drop(hand);
}

fn unsendable(train: &Train, item: &Item, now: Timestamp) -> Done {
    match &train.sheet.compiled {
        _ if train.sheet.expired(now) => {
            item.over(train.window, Outcome::Expired, local("its deadline passed"), now)
        }
        Err(problem) => item.over(train.window, Outcome::Permanent, local(problem.clone()), now),
        Ok(_) => item.put_back(train.window, now, WaitReason::Retry, now),
    }
}

/// With variables: a rendering for everybody, on a thread of its own. Who cannot have one has failed
/// and leaves the train.
async fn render(train: &mut Train, done: &mut Vec<Done>, now: Timestamp) -> Option<Vec<Rendered>> {
    let templates = Arc::clone(train.sheet.templates.as_ref()?);
    let (items, sheet) = (std::mem::take(&mut train.items), Arc::clone(&train.sheet));
    let work = tokio::task::spawn_blocking(move || {
        let each = items.into_iter().map(|item| {
            let link = sheet.unsubscribe(&item.candidate).unwrap_or_default();
            let result = one(&templates, &item.candidate, &link);
            (item, result)
        });
        each.collect::<Vec<_>>()
    });
    // Only a runtime that shuts down loses the thread; the journal then knows who is in doubt.
    let results = work.await.unwrap_or_default();
    let mut rendered = Vec::with_capacity(results.len());
    for (item, result) in results {
        match result {
            Ok(text) => {
                rendered.push(text);
                train.items.push(item);
            }
            Err(error) => {
                let skip = matches!(error, RenderError::Missing(_)).then_some(SkipReason::MissingVariable);
                let detail = LogDetail { skip, ..local(error.to_string()) };
                done.push(item.over(train.window, Outcome::Permanent, detail, now));
            }
        }
    }
    Some(rendered)
}

fn one(templates: &Templates, candidate: &Candidate, link: &str) -> Result<Rendered, RenderError> {
    let nobody = crate::store::dispatch::CandidatePerson::default();
    let person = candidate.person.as_deref().unwrap_or(&nobody);
    let rendering = AssertUnwindSafe(|| templates.render_with(person, &candidate.address, link));
    std::panic::catch_unwind(rendering)
        .unwrap_or_else(|_| Err(RenderError::Broken("the template engine failed".into())))
}

fn recipients(train: &Train, rendered: Option<Vec<Rendered>>) -> Vec<Recipient> {
    let mut rendered = rendered.map(Vec::into_iter);
    let each = train.items.iter().map(|item| {
        let mut reference = String::with_capacity(train.sheet.prefix.len() + 13);
        reference.push_str(&train.sheet.prefix);
        base36(item.candidate.target.0, &mut reference);
        Recipient {
            address: item.candidate.address.clone(),
            reference,
            rendered: rendered.as_mut().and_then(Iterator::next).map(Box::new),
            unsubscribe: train.sheet.unsubscribe(&item.candidate),
        }
    });
    each.collect()
}

/// What of an outcome counts for the guard, and how receipts find it.
fn trace(sheet: &Sheet, item: &Item, outcome: Outcome, id: &str) -> Traced {
    let Some(link) = &sheet.link else { return Traced::default() };
    let accepted = outcome == Outcome::Accepted;
    let over = accepted || matches!(outcome, Outcome::Permanent | Outcome::TargetExpired);
    let mut keys = Vec::new();
    if accepted && link.receipts {
        let address = &item.candidate.address;
        keys.extend((!id.is_empty()).then(|| receipts::key(id, address)));
        // Some services report under the Message-ID that they were given, and our own form may.
        if matches!(link.kind.proof, Proof::Mailgun | Proof::Token | Proof::Vonage) {
            let mut reference = sheet.prefix.clone();
            base36(item.candidate.target.0, &mut reference);
            keys.extend((reference != id).then(|| receipts::key(&reference, address)));
        }
    }
    Traced { counts: over && link.guarded, keys }
}

/// What an answer makes of a recipient.
fn judge(core: &Core, train: &Train, item: &Item, answer: Answer) -> Done {
    let sheet = &train.sheet;
    let now = core.clock.now();
    let attempt = item.attempt();
    let on = Attempted {
        channel: sheet.message.channel(),
        attempt,
        expires: sheet.message.expires_at,
        in_doubt: sheet.in_doubt,
        now,
    };
    let mut retry_at = None;
    let (outcome, next) = match retry::decide(&answer, &on, &core.config, &core.chance) {
        Fate::Over(outcome) => (outcome, Next::Over),
        Fate::Wait { outcome, due, why, possibly_twice } => {
            retry_at = Some(due);
            let mut waiting = item.waiting(attempt, why);
            waiting.possibly_twice |= possibly_twice;
            (outcome, Next::Wait { due, waiting, log: true })
        }
    };
    let way = retry::speaks_of_the_way(&answer);
    let lost = retry::broke_off(&answer);
    let sign = match answer.verdict {
        Verdict::Accepted => Sign::Accepted,
        Verdict::Permanent => Sign::Refusal,
        Verdict::Refused if retry::speaks_of_one(&answer) => Sign::Policy,
        Verdict::Refused => Sign::RefusesUs,
        Verdict::Transient | Verdict::Uncertain if way || lost => Sign::Way,
        Verdict::TargetExpired | Verdict::Transient | Verdict::Uncertain => Sign::Answered,
    };
    let place = if matches!(sign, Sign::Refusal | Sign::Policy) {
        streak::place(&item.candidate.address).into()
    } else {
        Box::default()
    };
    let pause = answer.retry_after.filter(|_| way && answer.verdict == Verdict::Transient);
    let detail = LogDetail {
        answer: hide_address(answer.text, &item.candidate.address),
        code: answer.code,
        provider_id: answer.provider_id,
        stage: answer.stage,
        skip: None,
        latency_us: u32::try_from(answer.latency.as_micros()).unwrap_or(u32::MAX),
        possibly_twice: false,
        retry_at,
        moved: None,
    };
    let traced = trace(sheet, item, outcome, &detail.provider_id);
    let mut outcome = item.outcome(attempt, outcome, detail, now, next);
    outcome.traced = traced;
    outcome.bounced = answer.bounced;
    Done { window: train.window, outcome, sign, place, pause }
}
