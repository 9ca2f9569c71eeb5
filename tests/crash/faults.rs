//! A service that is down, slow, refuses, resets and loses its answers: what becomes of everybody.

use super::house::{House, PATIENCE, Serve};
use super::sink::{self, Sink, address, last_rows, with_outcome};
use herald::client::Client;
use herald::domain::channel::InDoubt;
use herald::domain::delivery::Outcome;
use herald::domain::provider::Limits;
use herald::domain::reason::Why;
use herald::sandbox::{Effect, RecipientRule, Rule, Stage, When};
use herald::wire::message::State;
use std::collections::BTreeSet;

const PEOPLE: usize = 60;

struct Scene {
    house: House,
    sink: Sink,
    _engine: Serve,
    client: Client,
    addresses: Vec<String>,
}

async fn scene() -> Scene {
    let house = House::new().set("outgoing.timeout", "5s");
    let sink = Sink::start(&house).await;
    let engine = house.serve().await;
    let client = house.client();
    let limits = Limits { concurrency: Some(4), ..sink::narrow() };
    sink.mail_provider(&client, limits).await;
    let addresses: Vec<_> = (0..PEOPLE).map(address).collect();
    sink::people(&client, "email", &addresses).await;
    Scene { house, sink, _engine: engine, client, addresses }
}

impl Scene {
    /// Everybody has exactly one mail, and Herald says the same.
    async fn everybody_has_one(&self) {
        let message = sink::is_over(&self.client, "news", PATIENCE).await;
        assert_eq!(message.state, State::Sent, "{:?}", message.delivery_errors);
        assert_eq!(message.progress.accepted as usize, PEOPLE);
        let books = self.sink.books();
        for address in &self.addresses {
            assert_eq!(books.get(address).map(Vec::len), Some(1), "{address}");
        }
        let rows = last_rows(&self.client, "news").await;
        assert_eq!(with_outcome(&rows, &[Outcome::Accepted]).len(), PEOPLE);
    }
}

fn always(at: Stage, effect: Effect) -> Rule {
    Rule { at, when: When::Always, effect }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn down_and_up_again() {
    let scene = scene().await;
    scene.sink.mail(|plan| plan.refuse_connections = true);
    sink::send_mail(&scene.client, "news", None).await;
    // It says why it stands, and goes on trying.
    sink::wait_for(&scene.client, "news", PATIENCE, |message| {
        message.state == State::Processing
            && message
                .why
                .as_ref()
                .is_some_and(|why| matches!(why.why, Why::Retry { .. } | Why::Breaker { .. }))
    })
    .await;
    assert_eq!(scene.sink.record().arrivals(), 0);
    scene.sink.mail(|plan| plan.refuse_connections = false);
    scene.everybody_has_one().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow() {
    let scene = scene().await;
    scene.sink.mail(|plan| (plan.latency.fixed_ms, plan.latency.jitter_ms) = (100, 100));
    sink::send_mail(&scene.client, "news", None).await;
    scene.everybody_has_one().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusing_for_a_while() {
    let scene = scene().await;
    scene.sink.mail(|plan| plan.rules = vec![always(Stage::Rcpt, Effect::reply(450))]);
    sink::send_mail(&scene.client, "news", None).await;
    let all_wait = |progress: herald::domain::message::Progress| progress.retrying as usize == PEOPLE;
    sink::wait_for(&scene.client, "news", PATIENCE, |message| all_wait(message.progress)).await;
    assert_eq!(scene.sink.record().arrivals(), 0);
    scene.sink.mail(|plan| plan.rules.clear());
    scene.everybody_has_one().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusing_some_for_good() {
    let scene = scene().await;
    scene.sink.mail(|plan| plan.recipients = vec![RecipientRule::reject("*@d3.example")]);
    sink::send_mail(&scene.client, "news", None).await;
    let message = sink::is_over(&scene.client, "news", PATIENCE).await;
    assert_eq!(message.state, State::Failed);
    let (gone, kept): (BTreeSet<_>, BTreeSet<_>) =
        scene.addresses.iter().cloned().partition(|address| address.ends_with("@d3.example"));
    let books = scene.sink.books();
    assert_eq!(books.keys().cloned().collect::<BTreeSet<_>>(), kept);
    assert!(books.values().all(|copies| copies.len() == 1));
    let rows = last_rows(&scene.client, "news").await;
    assert_eq!(with_outcome(&rows, &[Outcome::Accepted]), kept);
    assert_eq!(with_outcome(&rows, &[Outcome::Permanent, Outcome::TargetExpired]), gone);
    let one = rows.values().find(|row| gone.contains(&row.address)).unwrap();
    assert_eq!(one.code, 550, "the service's answer is kept: {one:?}");
    assert!(!message.delivery_errors.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_suspended_in_mid_send() {
    let scene = scene().await;
    scene.sink.mail(|plan| plan.latency.fixed_ms = 30);
    sink::send_mail(&scene.client, "news", None).await;
    scene.sink.has(10).await;
    scene.sink.mail(|plan| plan.suspended = true);
    let refused = sink::wait_for(&scene.client, "news", PATIENCE, |message| {
        message.why.as_ref().is_some_and(|why| matches!(why.why, Why::ProviderRefuses { .. }))
            && message.progress.in_flight() == 0
    })
    .await;
    assert_eq!(refused.progress.failed, 0, "nobody failed for what speaks of us: {:?}", refused.progress);
    let before = scene.sink.record().arrivals();
    assert_eq!(refused.progress.accepted, before);
    assert!((before as usize) < PEOPLE);
    // The account is well again, and the operator says so.
    scene.sink.mail(|plan| plan.suspended = false);
    scene.house.run(["provider", "resume", "mail"]).ok();
    scene.everybody_has_one().await;
}

async fn resetting_at(stages: &[Stage]) {
    for &at in stages {
        let scene = scene().await;
        scene.sink.mail(|plan| plan.rules = vec![Rule { at, when: When::Next(6), effect: Effect::Reset }]);
        sink::send_mail(&scene.client, "news", Some(InDoubt::Resend)).await;
        scene.everybody_has_one().await;
        assert_eq!(scene.sink.sandbox.faults().smtp.counts().reset, 6, "{at:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resetting_in_the_middle() {
    resetting_at(&[Stage::Connect, Stage::Mail, Stage::Data]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_after_acceptance_with_resend() {
    let scene = scene().await;
    let lost = Rule { at: Stage::Content, when: When::Next(5), effect: Effect::LoseAnswer };
    scene.sink.mail(|plan| plan.rules = vec![lost]);
    sink::send_mail(&scene.client, "news", Some(InDoubt::Resend)).await;
    let message = sink::is_over(&scene.client, "news", PATIENCE).await;
    assert_eq!(message.state, State::Sent);
    let books = scene.sink.books();
    let twice: BTreeSet<_> =
        books.iter().filter(|(_, copies)| copies.len() == 2).map(|(address, _)| address.clone()).collect();
    assert_eq!(twice.len(), 5, "those whose answer was lost have two, and nobody else: {twice:?}");
    assert!(books.values().all(|copies| copies.len() <= 2 && copies.iter().all(|id| id == &copies[0])));
    assert_eq!(books.len(), PEOPLE);
    let rows = last_rows(&scene.client, "news").await;
    let said: BTreeSet<_> =
        rows.values().filter(|row| row.possibly_twice).map(|row| row.address.clone()).collect();
    assert_eq!(said, twice, "the log says who may have it twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_after_acceptance_with_hold() {
    for effect in [Effect::LoseAnswer, Effect::CutAnswer] {
        let scene = scene().await;
        let lost = Rule { at: Stage::Content, when: When::Next(5), effect };
        scene.sink.mail(|plan| plan.rules = vec![lost]);
        sink::send_mail(&scene.client, "news", Some(InDoubt::Hold)).await;
        let message = sink::comes_to_rest(&scene.client, "news", PATIENCE).await;
        let why = message.why.map(|why| why.why);
        assert_eq!(why, Some(Why::HeldUncertain { count: 5 }), "{:?}", message.progress);
        assert_eq!((message.progress.undecided, message.progress.accepted), (5, PEOPLE as u64 - 5));
        let books = scene.sink.books();
        assert!(books.len() == PEOPLE && books.values().all(|copies| copies.len() == 1));
        scene.house.run(["why", "news"]).shows("needs a decision");
        // The operator knows that they have it, and ends it.
        scene
            .house
            .run(["queue", "give-up", "--message", "news", "--why", "uncertain"])
            .shows("5 recipients");
        let message = sink::is_over(&scene.client, "news", PATIENCE).await;
        assert_eq!(message.state, State::Failed, "{:?}", message.progress);
        assert_eq!(scene.sink.record().arrivals() as usize, PEOPLE);
    }
}
