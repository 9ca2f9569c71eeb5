//! The console as the engine: several of them, quitting, losing the line, and a kill at
//! every step of handing over.

use super::house::{House, PATIENCE, signal, until};
use super::sink::{self, Sink};
use super::terminal::Terminal;
use herald::wire::message::State;
use rustix::process::Signal;
use std::time::Duration;

const PEOPLE: usize = 400;

/// People, a provider, and a sink that takes its time.
async fn prepared(house: &House) -> Sink {
    let sink = Sink::start(house).await;
    let engine = house.serve().await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    let addresses: Vec<_> = (0..PEOPLE).map(sink::address).collect();
    sink::people(&house.client(), "email", &addresses).await;
    assert!(engine.terminate().success());
    sink.mail(|plan| plan.latency.fixed_ms = 50);
    sink
}

/// A console that is the engine.
async fn console(house: &House) -> Terminal {
    let none: [&str; 0] = [];
    let terminal = Terminal::open(house, none);
    assert!(until(PATIENCE, || house.instance().holder() == Some(terminal.pid())), "{}", terminal.text());
    let client = house.client();
    let began = std::time::Instant::now();
    while client.health().await.is_err() {
        assert!(began.elapsed() < PATIENCE, "{}", terminal.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminal
}

/// Leaves; what is still to go out is named first.
fn quit(terminal: &mut Terminal) {
    terminal.types("q");
    let asked = until(PATIENCE, || !terminal.lives() || terminal.text().contains("Leave Herald?"));
    assert!(asked, "{}", terminal.text());
    if terminal.lives() {
        terminal.types("\r");
    }
}

/// Waits until a process that is not this one is the engine; its id.
fn successor(house: &House, of: u32) -> u32 {
    let instance = house.instance();
    let other = |holder: &u32| *holder != of;
    assert!(until(PATIENCE, || instance.holder().as_ref().is_some_and(other)), "nobody took over");
    instance.holder().filter(other).unwrap()
}

/// The session of a process.
fn session(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap().parse().unwrap()
}

async fn everybody_has_one(house: &House, sink: &Sink) {
    sink.mail(|plan| plan.latency.fixed_ms = 0);
    let message = sink::is_over(&house.client(), "news", PATIENCE).await;
    assert_eq!((message.state, message.progress.accepted as usize), (State::Sent, PEOPLE));
    assert_eq!(sink.books().len(), PEOPLE);
    assert_eq!(sink.record().summary().surplus, 0, "nobody has two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quitting_in_the_middle_of_a_send_hands_over() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut terminal = console(&house).await;
    let pid = terminal.pid();
    sink::send_mail(&house.client(), "news", None).await;
    sink.has(40).await;
    quit(&mut terminal);
    assert!(terminal.ends().success(), "{}", terminal.text());
    let next = successor(&house, pid);
    assert_eq!(session(next), next, "it leads a session of its own");
    assert!((sink.record().arrivals() as usize) < PEOPLE, "it was in the middle");
    everybody_has_one(&house, &sink).await;
    assert_eq!(house.instance().holder(), Some(next));
    signal(next, Signal::TERM);
    assert!(until(PATIENCE, || house.instance().holder().is_none()), "it ends when it is told to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_line_in_the_middle_of_a_send_hands_over() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut terminal = console(&house).await;
    let pid = terminal.pid();
    sink::send_mail(&house.client(), "news", None).await;
    sink.has(40).await;
    terminal.hang_up();
    let next = successor(&house, pid);
    terminal.ends();
    assert_eq!(session(next), next, "it leads a session of its own");
    everybody_has_one(&house, &sink).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_to_send_nobody_is_left_behind() {
    for quits in [true, false] {
        let house = House::new();
        let mut terminal = console(&house).await;
        if quits {
            quit(&mut terminal);
        } else {
            terminal.hang_up();
        }
        terminal.ends();
        assert_eq!(house.instance().holder(), None, "by quitting: {quits}");
        assert!(!house.socket().exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_scheduled_for_later_is_handed_over_too() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut terminal = console(&house).await;
    let pid = terminal.pid();
    let later =
        ["send", "email", "--id", "news", "--topic", "all", "--subject", "s", "--body", "b", "--at", "in 6s"];
    house.run(later).ok();
    terminal.hang_up();
    successor(&house, pid);
    everybody_has_one(&house, &sink).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_lost_before_the_first_frame_hands_over_too() {
    let house = House::new();
    let sink = prepared(&house).await;
    let engine = house.serve().await;
    let later = [
        "send",
        "email",
        "--id",
        "news",
        "--topic",
        "all",
        "--subject",
        "s",
        "--body",
        "b",
        "--at",
        "in 10s",
    ];
    house.run(later).ok();
    assert!(engine.terminate().success());
    let none: [&str; 0] = [];
    let mut terminal = Terminal::open(&house, none);
    let pid = terminal.pid();
    assert!(until(PATIENCE, || house.instance().holder() == Some(pid)), "{}", terminal.text());
    signal(pid, Signal::HUP);
    successor(&house, pid);
    terminal.ends();
    everybody_has_one(&house, &sink).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_every_step_of_the_hand_over_loses_nobody() {
    let steps = [
        "handover.begin",
        "stop.drained",
        "stop.doors",
        "stop.closed",
        "handover.stopped",
        "handover.spawned",
        "handover.healthy",
    ];
    for step in steps {
        let house = House::new();
        let sink = prepared(&house).await;
        let house = house.environment("HERALD_TEST_KILL_AT", step);
        let mut terminal = console(&house).await;
        let pid = terminal.pid();
        sink::send_mail(&house.client(), "news", None).await;
        sink.has(40).await;
        terminal.hang_up();
        let status = terminal.ends();
        assert!(!status.success(), "{step} was not reached: {status}");
        assert!((sink.record().arrivals() as usize) < PEOPLE, "{step} was in the middle");
        let house = house.environment("HERALD_TEST_KILL_AT", "");
        if step == "handover.healthy" || step == "handover.spawned" {
            // Its line is gone and its leader killed before it has a session of its own: it stays.
            let next = successor(&house, pid);
            assert!(until(PATIENCE, || session(next) == next), "{step}: it leads a session of its own");
        }
        let instance = house.instance();
        let mut engine = None;
        until(Duration::from_secs(3), || instance.holder().is_some());
        if instance.holder().is_none() {
            engine = Some(house.serve().await);
        }
        sink.mail(|plan| plan.latency.fixed_ms = 0);
        let client = house.client();
        let began = std::time::Instant::now();
        while client.health().await.is_err() {
            assert!(began.elapsed() < PATIENCE, "{step}: no engine answers");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let message = sink::is_over(&client, "news", PATIENCE).await;
        assert_eq!((message.state, message.progress.accepted as usize), (State::Sent, PEOPLE), "{step}");
        assert_eq!(sink.books().len(), PEOPLE, "{step}: nobody is missing");
        let most = if step == "handover.begin" { u64::from(sink::WINDOW) } else { 0 };
        let surplus = sink.record().summary().surplus;
        assert!(surplus <= most, "{step}: {surplus} copies");
        drop(engine);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_engine_killed_as_soon_as_it_has_the_lock_loses_nobody() {
    let house = House::new();
    let sink = prepared(&house).await;
    let engine = house.serve().await;
    sink::send_mail(&house.client(), "news", None).await;
    sink.has(40).await;
    assert!(engine.terminate().success());
    let house = house.environment("HERALD_TEST_KILL_AT", "serve.locked");
    let killed = house.run(["serve"]);
    assert_eq!(killed.code, None, "{killed:?}");
    let house = house.environment("HERALD_TEST_KILL_AT", "");
    let engine = house.serve().await;
    everybody_has_one(&house, &sink).await;
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_handing_over_fails_the_console_goes_on() {
    let house = House::new();
    let sink = prepared(&house).await;
    // The new engine is told the same configuration file, which will be gone.
    let config = house.file("herald.toml", "label = \"TEST\"\n");
    let house = house.environment("HERALD_CONFIG", config.to_str().unwrap());
    let mut terminal = console(&house).await;
    sink::send_mail(&house.client(), "news", None).await;
    sink.has(40).await;
    std::fs::remove_file(&config).unwrap();
    quit(&mut terminal);
    everybody_has_one(&house, &sink).await;
    assert_eq!(house.instance().holder(), Some(terminal.pid()), "the console is still the engine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_wants_the_store_does_not_come_between() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut terminal = console(&house).await;
    let pid = terminal.pid();
    sink::send_mail(&house.client(), "news", None).await;
    sink.has(40).await;
    // Many that would open the store themselves if nobody held the lock.
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let grabbers: Vec<_> = (0..2)
        .map(|_| {
            let (instance, stop) = (house.instance(), std::sync::Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut taken = 0;
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    taken += usize::from(instance.try_lock().unwrap().is_some());
                }
                taken
            })
        })
        .collect();
    quit(&mut terminal);
    let ended = terminal.ends();
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    let taken: usize = grabbers.into_iter().map(|grabber| grabber.join().unwrap()).sum();
    assert!(ended.success(), "{}", terminal.text());
    assert_eq!(taken, 0, "the lock is never free");
    successor(&house, pid);
    everybody_has_one(&house, &sink).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_consoles_at_one_engine() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut engine = house.serve().await;
    let none: [&str; 0] = [];
    let mut terminals: Vec<_> = (0..3).map(|_| Terminal::open(&house, none)).collect();
    for terminal in &mut terminals {
        terminal.types("1");
    }
    sink::send_mail(&house.client(), "news", None).await;
    for terminal in &terminals {
        // The subject.
        terminal.shows("News");
    }
    assert_eq!(house.instance().holder(), Some(engine.pid()));
    quit(&mut terminals[0]);
    assert!(terminals[0].ends().success());
    terminals[1].hang_up();
    terminals[1].ends();
    assert!(engine.lives(), "a console that was attached leaves without the engine");
    assert!(terminals[2].lives());
    everybody_has_one(&house, &sink).await;

    // The engine dies and comes again: who is attached finds it.
    engine.kill();
    let engine = house.serve().await;
    let mail =
        ["send", "email", "--id", "two", "--topic", "all", "--subject", "Second edition", "--body", "b"];
    house.run(mail).ok();
    terminals[2].shows("Second edition");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_console_stays_when_the_first_hands_over() {
    let house = House::new();
    let sink = prepared(&house).await;
    let mut first = console(&house).await;
    let pid = first.pid();
    let none: [&str; 0] = [];
    let mut second = Terminal::open(&house, none);
    second.types("1");
    sink::send_mail(&house.client(), "news", None).await;
    second.shows("News");
    sink.has(40).await;
    quit(&mut first);
    assert!(first.ends().success());
    let next = successor(&house, pid);
    assert_ne!(next, second.pid(), "nobody becomes the engine by being attached");
    everybody_has_one(&house, &sink).await;
    let mail =
        ["send", "email", "--id", "two", "--topic", "all", "--subject", "Second edition", "--body", "b"];
    house.run(mail).ok();
    second.shows("Second edition");
    assert!(second.lives());
}
