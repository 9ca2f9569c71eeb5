//! Stops that are meant: SIGTERM in the middle of a send, and `stop-sending`.

use super::house::{House, PATIENCE};
use super::sink::{self, Sink, address};
use herald::domain::reason::Why;
use herald::wire::message::State;
use rustix::process::Signal;
use std::time::Duration;

const PEOPLE: usize = 600;

async fn scene(house: &House) -> Sink {
    let sink = Sink::start(house).await;
    let client = house.client();
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses: Vec<_> = (0..PEOPLE).map(address).collect();
    sink::people(&client, "email", &addresses).await;
    sink.mail(|plan| plan.latency.fixed_ms = 20);
    sink
}

async fn everybody_has_one(house: &House, sink: &Sink) {
    let message = sink::is_over(&house.client(), "news", PATIENCE).await;
    assert_eq!((message.state, message.progress.accepted as usize), (State::Sent, PEOPLE));
    let books = sink.books();
    assert_eq!(books.len(), PEOPLE, "nobody is missing");
    let twice: Vec<_> = books.iter().filter(|(_, copies)| copies.len() != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_what_is_in_flight_and_loses_nothing() {
    let house = House::new();
    let mut engine = house.serve().await;
    let sink = scene(&house).await;
    sink::send_mail(&house.client(), "news", None).await;
    for (round, which) in [Signal::TERM, Signal::INT, Signal::TERM].into_iter().enumerate() {
        sink.has(sink.record().arrivals() + 80).await;
        assert!((sink.record().arrivals() as usize) < PEOPLE, "the stop came in the middle");
        engine.signal(which);
        let status = engine.ends(PATIENCE);
        assert!(status.success(), "{status}\n{}", engine.said());
        assert!(!house.socket().exists(), "the socket is gone with the engine");
        let after = sink.record().arrivals();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(sink.record().arrivals(), after, "nothing comes after the end");
        engine = house.serve().await;
        let message = house.client().message("news").await.unwrap();
        assert_eq!(
            message.progress.uncertain, 0,
            "round {round}: nobody is in doubt: {:?}",
            message.progress
        );
    }
    everybody_has_one(&house, &sink).await;
    assert!(engine.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_sending_survives_restarts_and_kills() {
    let house = House::new();
    let mut engine = house.serve().await;
    let sink = scene(&house).await;
    let client = house.client();
    sink::send_mail(&client, "news", None).await;
    sink.has(50).await;
    house.run(["stop-sending"]).shows("stopped");
    let stopped =
        sink::wait_for(&client, "news", PATIENCE, |message| message.progress.in_flight() == 0).await;
    assert!(matches!(stopped.why.map(|why| why.why), Some(Why::Stopped { .. })));
    let before = sink.record().arrivals();
    assert!((before as usize) < PEOPLE);
    for kill in [true, false] {
        if kill {
            engine.kill();
        } else {
            assert!(engine.terminate().success());
        }
        engine = house.serve().await;
        let overview = client.overview().await.unwrap();
        assert!(overview.stopped.is_some(), "it stays stopped");
        // Longer than any pause between two looks at the queue.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(sink.record().arrivals(), before, "nothing is sent while stopped");
    }
    house.run(["resume-sending"]).ok();
    everybody_has_one(&house, &sink).await;
    engine.kill();
}
