//! Random stories against what must always be true. Each story is at least 50 operations long, with
//! crashes, clock jumps and providers that misbehave among them, and ends with everything mended.
//!
//! `HERALD_MODEL_SECONDS`: how long stories are told; without it, a few are told.

use crate::world::{
    Dice, Reply, Sent, World, accept, actor, add, create, crowd, draft, edit, log, provider, refuse, sleep,
    until,
};
use herald::domain::channel::{Channel, InDoubt};
use herald::domain::delivery::{Outcome, Stage};
use herald::domain::ids::{MessageId, ProviderId, TopicId};
use herald::domain::message::Message;
use herald::domain::plan::{Again, WaitReason};
use herald::domain::state::{Event, MessageState};
use herald::domain::time::Timestamp;
use herald::engine::Engine;
use herald::providers::adapter::Verdict;
use herald::store::dispatch::{Decision, WaitingFilter};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What is known of a message beside the store.
#[derive(Debug, Clone)]
struct Known {
    due: Timestamp,
    deadline: Timestamp,
    policy: InDoubt,
    /// Somebody released its uncertain recipients: they may get a second copy.
    released: bool,
    cancelled: Option<usize>,
    /// Somebody had it tried once more, whatever the clock said of its time.
    reopened: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Send,
    Schedule,
    Pause,
    Resume,
    Cancel,
    Retry,
    Release,
    PauseProvider,
    ResumeProvider,
    Disable,
    Enable,
    Stop,
    Lift,
    Behave,
    Wait,
    Jump,
    Crash,
    HandOver,
}

const OPERATIONS: [Operation; 18] = [
    Operation::Send,
    Operation::Schedule,
    Operation::Pause,
    Operation::Resume,
    Operation::Cancel,
    Operation::Retry,
    Operation::Release,
    Operation::PauseProvider,
    Operation::ResumeProvider,
    Operation::Disable,
    Operation::Enable,
    Operation::Stop,
    Operation::Lift,
    Operation::Behave,
    Operation::Wait,
    Operation::Jump,
    Operation::Crash,
    Operation::HandOver,
];

struct Story {
    world: World,
    dice: Dice,
    known: BTreeMap<String, Known>,
    told: Vec<String>,
    covered: BTreeSet<Operation>,
    /// Answers get lost, or engines crash: copies are possible where the policy resends.
    doubtful: bool,
}

/// How providers behave from now on.
fn script(mood: u64) -> impl FnMut(&Sent) -> Reply + Send + 'static {
    let mut dice = Dice(mood.wrapping_mul(77) + 5);
    move |_| {
        let mut reply = match (mood % 7, dice.below(10)) {
            (1, 0..3) => refuse(Verdict::Transient, Stage::Recipient, 450, "4.2.0 greylisted"),
            (2, 0..2) => refuse(Verdict::Permanent, Stage::Recipient, 550, "5.1.0 no"),
            (3, 0..2) => refuse(Verdict::Uncertain, Stage::Content, 0, "connection lost"),
            (4, _) => refuse(Verdict::Transient, Stage::Connect, 0, "connection refused"),
            (5, 0) => refuse(Verdict::Refused, Stage::Authentication, 535, "5.7.8 no"),
            (6, _) => refuse(Verdict::Permanent, Stage::Content, 554, "5.7.1 blocked"),
            _ => accept(),
        };
        reply.after = Duration::from_millis(5 + dice.below(200));
        reply
    }
}

enum After {
    Live,
    Die,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        // The deadline is checked when a train leaves: with one recipient each, that is when it is sent.
        world.train = 1;
        world.config.breaker_cap = Duration::from_secs(30);
        world.config.retry_cap = Duration::from_mins(10);
        Self {
            world,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9) + 1),
            known: BTreeMap::new(),
            told: Vec::new(),
            covered: BTreeSet::new(),
            doubtful: false,
        }
    }

    fn tell(mut self, operations: usize) -> BTreeSet<Operation> {
        let mut first = true;
        let mut left = operations;
        while left > 0 {
            // A life: from a start to a crash or a hand-over.
            let mut story = self;
            let world = std::mem::replace(&mut story.world, World::new(0));
            let (story, told) = world.live(async |engine| {
                if first {
                    story.set_up(&world, &engine).await;
                }
                let mut told = 0;
                while told < left {
                    told += 1;
                    let end = story.operate(&world, &engine).await;
                    story.check(&world, &engine).await;
                    if matches!(end, After::Die) {
                        break;
                    }
                }
                (story, told)
            });
            self = story;
            self.world = world;
            first = false;
            left -= told;
        }
        self.finish()
    }

    async fn set_up(&mut self, world: &World, engine: &Engine) {
        for name in ["a", "b"] {
            add(engine, provider(name, "smtp", Channel::Email)).await;
            edit(engine, name, |provider| {
                provider.limits.window = Some(32);
                provider.limits.concurrency = Some(4);
            })
            .await;
        }
        crowd(engine, "all", 0..120).await;
        crowd(engine, "few", 100..130).await;
        world.post.script(script(0));
    }

    fn pick(&mut self) -> Option<String> {
        let names: Vec<_> = self.known.keys().cloned().collect();
        (!names.is_empty()).then(|| names[self.dice.below(names.len() as u64) as usize].clone())
    }

    async fn operate(&mut self, world: &World, engine: &Engine) -> After {
        let mut operation = OPERATIONS[self.dice.below(OPERATIONS.len() as u64) as usize];
        if self.known.len() < 2 {
            operation = Operation::Send;
        }
        self.covered.insert(operation);
        self.told.push(format!("{operation:?} at {}", engine.now()));
        let one = |dice: &mut Dice| ProviderId::new(["a", "b"][dice.below(2) as usize]).unwrap();
        match operation {
            Operation::Send | Operation::Schedule => self.create(engine, operation).await,
            Operation::Pause | Operation::Resume | Operation::Cancel | Operation::Retry => {
                self.change(world, engine, operation).await;
            }
            Operation::Release => {
                if let Some(name) = self.pick() {
                    self.known.get_mut(&name).unwrap().released = true;
                    let id = MessageId::new(&name).unwrap();
                    engine.decide_uncertain(&id, Decision::Release, &actor()).await.unwrap();
                }
            }
            Operation::PauseProvider => {
                let id = one(&mut self.dice);
                engine.pause_provider(&id, &actor()).await.unwrap();
                self.quiet(world, engine, Some(&id)).await;
            }
            Operation::ResumeProvider => {
                drop(engine.resume_provider(&one(&mut self.dice), &actor()).await.unwrap());
            }
            Operation::Disable => {
                drop(edit(engine, one(&mut self.dice).as_str(), |provider| provider.enabled = false).await);
            }
            Operation::Enable => {
                drop(edit(engine, one(&mut self.dice).as_str(), |provider| provider.enabled = true).await);
            }
            Operation::Stop => {
                engine.stop_sending(&actor()).await.unwrap();
                self.quiet(world, engine, None).await;
            }
            Operation::Lift => drop(engine.resume_sending(&actor()).await.unwrap()),
            Operation::Behave => {
                let mood = self.dice.below(70);
                self.doubtful |= mood % 7 == 3;
                self.told.push(format!("mood {}", mood % 7));
                world.post.script(script(mood));
            }
            Operation::Wait => {
                let longest = [100, 3_000, 60_000, 900_000][self.dice.below(4) as usize];
                tokio::time::sleep(Duration::from_millis(self.dice.below(longest))).await;
            }
            Operation::Jump => {
                let hours = [1, -1, 24, -24][self.dice.below(4) as usize];
                world.clock.jump(hours * 3_600);
                self.told.push(format!("jumped {hours} h"));
            }
            Operation::Crash => {
                tokio::time::sleep(Duration::from_millis(self.dice.below(500))).await;
                self.doubtful = true;
                return After::Die;
            }
            Operation::HandOver => {
                let drained = engine.hand_over(Duration::from_secs(30)).await.unwrap();
                assert!(drained.clean, "every answer comes within a second: {:#?}", self.told);
                return After::Die;
            }
        }
        tokio::time::sleep(Duration::from_millis(self.dice.below(300))).await;
        After::Live
    }

    async fn create(&mut self, engine: &Engine, operation: Operation) {
        let name = format!("m{}", self.known.len());
        let mut message = draft(engine, &name, Channel::Email);
        message.topics = vec![TopicId::new(["all", "few"][self.dice.below(2) as usize]).unwrap()];
        let due = match operation {
            Operation::Schedule => engine.now().plus(Duration::from_secs(self.dice.below(4_000))),
            _ => engine.now(),
        };
        let deadline = due.plus(Duration::from_secs([20_000, 300_000][self.dice.below(2) as usize]));
        let policy = if self.dice.below(2) == 0 { InDoubt::Hold } else { InDoubt::Resend };
        message.scheduled_at = Some(due);
        message.expires_at = Some(deadline);
        message.in_doubt = Some(policy);
        create(engine, message).await;
        self.known
            .insert(name, Known { due, deadline, policy, released: false, cancelled: None, reopened: false });
    }

    /// Pause, resume, cancel and retry do what the state machine says, and nothing else.
    async fn change(&mut self, world: &World, engine: &Engine, operation: Operation) {
        let Some(name) = self.pick() else { return };
        let id = MessageId::new(&name).unwrap();
        let before = engine.store().message(&id).await.unwrap();
        let by = actor().name;
        let (event, result) = match operation {
            Operation::Pause => (Event::Pause { by, at: engine.now() }, engine.pause(&id, &actor()).await),
            Operation::Resume => (Event::Resume, engine.resume(&id, &actor()).await),
            Operation::Cancel => (Event::Cancel { by }, engine.cancel(&id, &actor()).await),
            _ => (Event::Reopen(Again::default()), engine.retry(&id, Again::default(), &actor()).await),
        };
        let expected = before.state.apply(event);
        match (&expected, &result) {
            (Ok(state), Ok(now)) => assert_eq!(now.state.as_str(), state.as_str()),
            // Past its deadline nobody is tried.
            (Ok(MessageState::Processing), Err(_)) if operation == Operation::Retry => {
                assert!(before.expires_at.unwrap() <= engine.now());
            }
            (Err(_), Err(_)) => {}
            other => panic!("{name}: {operation:?} {other:?} from {before:?}\n{:#?}", self.told),
        }
        self.told.push(format!("{name}: {}", if result.is_ok() { "done" } else { "refused" }));
        if result.is_ok() && operation == Operation::Retry {
            self.known.get_mut(&name).unwrap().reopened = true;
        }
        if result.is_ok() && matches!(operation, Operation::Pause | Operation::Cancel) {
            // What is claimed finishes.
            sleep(20.0).await;
            let sent = world.post.tried().iter().filter(|sent| sent.headline == name).count();
            sleep(20.0).await;
            let later = world.post.tried().iter().filter(|sent| sent.headline == name).count();
            assert_eq!(sent, later, "{name} goes on: {:#?}", self.told);
            if operation == Operation::Cancel {
                self.known.get_mut(&name).unwrap().cancelled = Some(later);
            }
        }
    }

    /// Nothing goes through a provider (or through any) once what is in flight has finished.
    async fn quiet(&mut self, world: &World, _: &Engine, provider: Option<&ProviderId>) {
        let count = || {
            let through = |sent: &&Sent| provider.is_none_or(|provider| provider.as_str() == sent.provider);
            world.post.tried().iter().filter(through).count()
        };
        sleep(2.0).await;
        let sent = count();
        sleep(30.0).await;
        assert_eq!(sent, count(), "{provider:?} goes on: {:#?}", self.told);
    }

    /// What must be true at any time.
    async fn check(&mut self, world: &World, engine: &Engine) {
        if engine.store().flags().await.is_err() {
            // Handed over: the store is closed.
            return;
        }
        for (name, known) in &self.known {
            let message = engine.store().message(&MessageId::new(name).unwrap()).await.unwrap();
            let p = message.progress;
            let known_fates =
                p.accepted + p.failed + p.skipped + p.expired + p.retrying + p.held + p.uncertain;
            assert!(known_fates <= p.claimed, "{name}: {p:?} {:#?}", self.told);
            assert!(p.claimed + p.cancelled <= p.planned, "{name}: {p:?} {:#?}", self.told);
            let tried: Vec<_> =
                world.post.tried().into_iter().filter(|sent| sent.headline == *name).collect();
            let started = message.started_at.is_some_and(|at| at >= known.due);
            assert!(tried.is_empty() || known.reopened || started, "{name} was early: {:#?}", self.told);
            assert!(
                tried.iter().all(|sent| sent.at <= known.deadline),
                "{name} was sent late: {:#?}",
                self.told
            );
            let once = !self.doubtful || (known.policy == InDoubt::Hold && !known.released);
            for (address, copies) in world.post.copies(name) {
                assert!(copies == 1 || !once, "{name}: {address} got {copies}: {:#?}", self.told);
            }
            if let Some(count) = known.cancelled {
                assert_eq!(tried.len(), count, "{name} was cancelled: {:#?}", self.told);
            }
        }
    }

    /// Everything is mended: everything ends, and adds up.
    fn finish(mut self) -> BTreeSet<Operation> {
        let world = std::mem::replace(&mut self.world, World::new(0));
        world.post.script(script(0));
        world.live(async |engine| {
            engine.resume_sending(&actor()).await.unwrap();
            for name in ["a", "b"] {
                edit(&engine, name, |provider| provider.enabled = true).await;
                engine.resume_provider(&ProviderId::new(name).unwrap(), &actor()).await.unwrap();
            }
            for name in self.known.keys() {
                let id = MessageId::new(name).unwrap();
                if matches!(engine.store().message(&id).await.unwrap().state, MessageState::Paused { .. }) {
                    engine.resume(&id, &actor()).await.unwrap();
                }
            }
            for name in self.known.keys() {
                let id = MessageId::new(name).unwrap();
                until("everything ends", async || {
                    let now = engine.store().message(&id).await.unwrap();
                    if now.progress.undecided > 0 {
                        let filter = WaitingFilter {
                            message: Some(now.no),
                            provider: None,
                            why: Some(WaitReason::Uncertain),
                        };
                        let uncertain = engine.store().waiting(filter.clone(), None, 1).await.unwrap();
                        if !uncertain.is_empty() {
                            engine.decide(filter, Decision::GiveUp, &actor(), "test").await.unwrap();
                        }
                    }
                    sleep(5.0).await;
                    now.state.is_over()
                })
                .await;
            }
            self.check(&world, &engine).await;
            assert!(engine.store().open_windows().await.unwrap().is_empty());
            for name in self.known.keys() {
                let message = engine.store().message(&MessageId::new(name).unwrap()).await.unwrap();
                self.adds_up(&world, &engine, name, &message).await;
            }
        });
        self.covered
    }

    async fn adds_up(&self, world: &World, engine: &Engine, name: &str, message: &Message) {
        let p = message.progress;
        let told = &self.told;
        let over = p.accepted + p.failed + p.skipped + p.expired + p.uncertain + p.cancelled;
        assert_eq!(over, p.planned, "{name}: {p:?} {told:#?}");
        let rows = log(engine, name).await;
        let accepted: BTreeSet<_> =
            rows.iter().filter(|row| row.outcome == Outcome::Accepted).map(|row| row.target).collect();
        let rows_accepted = rows.iter().filter(|row| row.outcome == Outcome::Accepted).count() as u64;
        assert_eq!((accepted.len() as u64, rows_accepted), (p.accepted, p.accepted), "{name}: {told:#?}");
        let copies = world.post.copies(name);
        assert!(copies.len() as u64 >= p.accepted, "{name}: accepted is what a service took");
        let possibly: BTreeSet<_> =
            rows.iter().filter(|row| row.outcome == Outcome::Uncertain).map(|row| row.target).collect();
        let twice = copies.values().filter(|count| **count > 1).count();
        assert!(twice <= possibly.len(), "{name}: two copies, and nobody says so: {told:#?}");
        if message.state == MessageState::Sent {
            assert_eq!(p.accepted + p.skipped, p.planned, "{name}");
        }
    }
}

#[test]
fn stories() {
    let seconds = std::env::var("HERALD_MODEL_SECONDS").ok().and_then(|text| text.parse().ok());
    let first = std::env::var("HERALD_MODEL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1u64);
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(10));
    let mut covered = BTreeSet::new();
    let mut seed = first;
    while seed < first + 4 || Instant::now() < end {
        eprintln!("story {seed}: HERALD_MODEL_SEED={seed}");
        covered.extend(Story::new(seed).tell(50 + (seed % 30) as usize));
        seed += 1;
    }
    assert_eq!(covered.len(), OPERATIONS.len(), "every operation is told: {covered:?}");
}
