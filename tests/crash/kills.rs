//! `kill -9`, every time in the middle of a send.

use super::house::{House, PATIENCE, Serve};
use super::sink::{self, Sink, WINDOW, address, last_rows, number, waiting, with_outcome};
use herald::cli::output::grouped;
use herald::client::Client;
use herald::domain::channel::InDoubt;
use herald::domain::delivery::Outcome;
use herald::domain::plan::WaitReason;
use herald::sandbox::{Effect, FaultPlan, RecipientRule, Rule, Stage, When};
use herald::wire::delivery::DeliveryRequest;
use herald::wire::message::{Message, State};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often the engine is killed: 20 times, or as the environment says.
fn kills() -> usize {
    std::env::var("HERALD_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

/// Even numbers from a seed, so that a run can be had again.
struct Dice(u64);

impl Dice {
    /// From 1 to `most`.
    fn roll(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + (self.0 >> 33) % most
    }
}

/// One recipient in two hundred has an address that is refused for good.
fn refused(n: usize) -> bool {
    n % 200 == 7
}

fn rule(at: Stage, rate: f64, effect: Effect) -> Rule {
    Rule { at, when: When::Rate(rate), effect }
}

/// What goes wrong with mail all the time.
fn mail_faults(plan: &mut FaultPlan) {
    plan.rules = vec![
        rule(Stage::Rcpt, 0.01, Effect::reply(450)),
        rule(Stage::Content, 0.01, Effect::reply(451)),
        rule(Stage::Mail, 0.005, Effect::Reset),
        rule(Stage::Content, 0.005, Effect::LoseAnswer),
    ];
    plan.recipients = vec![RecipientRule::reject("*@gone.example")];
}

/// What goes wrong with requests all the time.
fn request_faults(plan: &mut FaultPlan) {
    plan.rules = vec![
        rule(Stage::Request, 0.02, Effect::reply(503)),
        rule(Stage::Request, 0.005, Effect::Reset),
        rule(Stage::Request, 0.005, Effect::LoseAnswer),
    ];
    plan.recipients = vec![RecipientRule::reject("+491511999*")];
}

fn mail_people(count: usize) -> Vec<String> {
    (0..count).map(|n| if refused(n) { format!("p{n}@gone.example") } else { address(n) }).collect()
}

fn phones(count: usize) -> Vec<String> {
    (0..count).map(|n| number(if refused(n) { 9_990_000 + n / 200 } else { n })).collect()
}

/// Kills the engine again and again while it sends: each time after it has got a random number
/// of people further, and while many are left. Ends with an engine that runs.
async fn kill_in_the_send(
    house: &House,
    sink: &Sink,
    mut engine: Serve,
    people: usize,
    kills: usize,
) -> Serve {
    let client = house.client();
    let mut dice = Dice(0x5eed);
    let share = (people * 3 / 5 / kills).max(1) as u64;
    for kill in 0..kills {
        let before = sink.record().arrivals();
        let further = before + dice.roll(share);
        let came = sink.record().wait_for(further, PATIENCE).await;
        let now = sink.record().summary();
        assert!(came, "cycle {kill}: stands at {now:?}, {:?}\n{}", client.overview().await, engine.said());
        assert!(
            (now.recipients as usize) < people * 9 / 10,
            "cycle {kill} is no kill inside the send: {now:?}"
        );
        engine.kill();
        engine = house.serve().await;
    }
    engine
}

/// What the books say of a message after the kills, and what Herald says.
struct Ending {
    message: Message,
    client: Client,
}

async fn ended(house: &House, id: &str, people: usize) -> Ending {
    let client = house.client();
    let message = sink::comes_to_rest(&client, id, Duration::from_mins(2)).await;
    let progress = message.progress;
    assert_eq!(progress.planned as usize, people, "everybody was planned, once");
    assert_eq!(
        progress.planned,
        progress.accepted + progress.failed + progress.skipped + progress.expired + progress.uncertain,
        "the counts add up: {progress:?}"
    );
    Ending { message, client }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resend_misses_nobody_and_copies_are_known_by_their_message_id() {
    let (people, kills) = (20_000, kills());
    let house = House::new();
    let sink = Sink::start(&house).await;
    let engine = house.serve().await;
    let client = house.client();
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses = mail_people(people);
    sink::people(&client, "email", &addresses).await;
    sink.mail(|plan| {
        mail_faults(plan);
        plan.latency.fixed_ms = 15;
    });
    sink::send_mail(&client, "news", Some(InDoubt::Resend)).await;
    let engine = kill_in_the_send(&house, &sink, engine, people, kills).await;
    sink.mail(|plan| plan.latency.fixed_ms = 0);
    let Ending { message, client } = ended(&house, "news", people).await;

    let gone: BTreeSet<_> = addresses.iter().filter(|a| a.ends_with("@gone.example")).cloned().collect();
    let books = sink.books();
    let missing: Vec<_> =
        addresses.iter().filter(|a| !gone.contains(*a) && !books.contains_key(*a)).collect();
    assert!(missing.is_empty(), "{} are missing: {:?}", missing.len(), &missing[..missing.len().min(5)]);
    assert!(gone.iter().all(|address| !books.contains_key(address)));
    let mut ids = BTreeSet::new();
    for (address, copies) in &books {
        let own: BTreeSet<_> = copies.iter().collect();
        assert!(own.len() == 1 && !copies[0].is_empty(), "{address} has several Message-IDs: {own:?}");
        assert!(ids.insert(copies[0].clone()), "{address} has another's Message-ID");
    }
    let counts = sink.sandbox.faults().smtp.counts();
    let surplus = sink.record().summary().surplus;
    let lost = counts.answers_lost + counts.reset;
    println!("{kills} kills: {surplus} copies, of which at most {lost} by lost answers");
    assert!(surplus > 0, "no kill put anybody in doubt, so this shows nothing");
    assert!(surplus <= u64::from(WINDOW) * kills as u64 + lost, "{surplus} copies by {kills} kills");

    let rows = last_rows(&client, "news").await;
    assert_eq!(rows.len(), people);
    assert_eq!(with_outcome(&rows, &[Outcome::Permanent, Outcome::TargetExpired]), gone);
    assert_eq!(message.progress.accepted as usize, people - gone.len(), "{:?}", message.progress);
    assert_eq!(message.state, State::Failed, "somebody did not get it, so it is not called sent");
    engine.kill();
}

/// Nobody has two; whoever has none is shown as uncertain, failed or expired.
async fn nobody_twice(sink: &Sink, ending: &Ending, id: &str, addresses: &[String]) -> BTreeSet<String> {
    let Ending { client, message } = ending;
    let books = sink.books();
    let twice: Vec<_> = books.iter().filter(|(_, copies)| copies.len() > 1).collect();
    if let Some((address, _)) = twice.first() {
        let request = DeliveryRequest { address: Some((*address).clone()), ..DeliveryRequest::default() };
        let rows = client.deliveries(&request).await.unwrap().deliveries;
        panic!("{} have two, such as {address}: {rows:#?}", twice.len());
    }
    let uncertain = waiting(client, id, WaitReason::Uncertain).await;
    let rows = last_rows(client, id).await;
    let failed = with_outcome(
        &rows,
        &[Outcome::Permanent, Outcome::TargetExpired, Outcome::Expired, Outcome::Uncertain],
    );
    let silent: Vec<_> = addresses
        .iter()
        .filter(|a| !books.contains_key(*a) && !uncertain.contains(*a) && !failed.contains(*a))
        .collect();
    assert!(silent.is_empty(), "{} have none and nobody says so: {:?}", silent.len(), silent.first());
    assert_eq!(uncertain.len() as u64, message.progress.undecided);
    let accepted = with_outcome(&rows, &[Outcome::Accepted]);
    let untrue: Vec<_> = accepted.iter().filter(|address| !books.contains_key(*address)).collect();
    assert!(untrue.is_empty(), "{} are called accepted and have nothing", untrue.len());
    uncertain
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hold_sends_no_text_message_twice() {
    let (people, kills) = (20_000, kills());
    let house = House::new();
    let sink = Sink::start(&house).await;
    let engine = house.serve().await;
    let client = house.client();
    sink.sms_provider(&client, sink::narrow()).await;
    let addresses = phones(people);
    sink::people(&client, "phone", &addresses).await;
    sink.http(|plan| {
        request_faults(plan);
        plan.latency.fixed_ms = 25;
    });
    sink::send_sms(&client, "codes", None).await;
    let engine = kill_in_the_send(&house, &sink, engine, people, kills).await;
    sink.http(|plan| plan.latency.fixed_ms = 0);
    let ending = ended(&house, "codes", people).await;
    let uncertain = nobody_twice(&sink, &ending, "codes", &addresses).await;
    println!("{kills} kills: {} uncertain", uncertain.len());
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hold_sends_no_mail_twice_and_asks_the_operator() {
    let kills = (kills() / 4).max(3);
    // Each kill holds up to a window of people: enough of them for all kills.
    let people = (kills * 2 * WINDOW as usize).max(4_000);
    let house = House::new();
    let sink = Sink::start(&house).await;
    let engine = house.serve().await;
    let client = house.client();
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses = mail_people(people);
    sink::people(&client, "email", &addresses).await;
    sink.mail(|plan| {
        mail_faults(plan);
        plan.latency.fixed_ms = 15;
    });
    sink::send_mail(&client, "news", Some(InDoubt::Hold)).await;
    let engine = kill_in_the_send(&house, &sink, engine, people, kills).await;
    sink.mail(|plan| plan.latency.fixed_ms = 0);
    let ending = ended(&house, "news", people).await;
    let uncertain = nobody_twice(&sink, &ending, "news", &addresses).await;
    assert!(!uncertain.is_empty(), "no kill put anybody in doubt, so this shows nothing");
    let counts = sink.sandbox.faults().smtp.counts();
    let most = u64::from(WINDOW) * kills as u64 + counts.answers_lost + counts.reset;
    assert!(uncertain.len() as u64 <= most, "{} are uncertain by {kills} kills", uncertain.len());

    // The operator lets them go: now everybody has it, and only they may have it twice.
    let had: BTreeSet<_> = sink.books().into_keys().collect();
    sink.mail(|plan| plan.rules.clear());
    let said = house.run(["queue", "release", "--message", "news", "--why", "uncertain"]);
    said.shows(&format!("{} recipients", grouped(uncertain.len() as u64)));
    let gone = addresses.iter().filter(|a| a.ends_with("@gone.example")).count();
    sink::wait_for(&ending.client, "news", PATIENCE, |message| {
        message.state.is_over() && message.progress.accepted + message.progress.failed == people as u64
    })
    .await;
    let books = sink.books();
    assert_eq!(books.len(), people - gone);
    for (address, copies) in &books {
        let most = if uncertain.contains(address) && had.contains(address) { 2 } else { 1 };
        assert!(copies.len() <= most, "{address} has {}", copies.len());
        assert!(copies.iter().all(|id| id == &copies[0]), "copies of {address} bear one Message-ID");
    }
    engine.kill();
}
