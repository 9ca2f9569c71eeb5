//! A copy that is taken while sending, and what a restored one does.

use super::house::{House, PATIENCE};
use super::sink::{self, Sink, address};
use herald::wire::message::State;
use std::time::Duration;

const PEOPLE: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_while_sending_opens_and_sends_nothing_until_released() {
    let house = House::new();
    let engine = house.serve().await;
    let client = house.client();
    let sink = Sink::start(&house).await;
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses: Vec<_> = (0..PEOPLE).map(address).collect();
    sink::people(&client, "email", &addresses).await;
    sink.mail(|plan| plan.latency.fixed_ms = 20);
    sink::send_mail(&client, "news", None).await;
    let later = house.run([
        "send",
        "email",
        "--id",
        "later",
        "--topic",
        "all",
        "--subject",
        "Later",
        "--body",
        "x",
        "--at",
        "in 3s",
    ]);
    later.ok();
    sink.has(100).await;
    let copies: Vec<_> = (0..3).map(|n| house.path(&format!("copy-{n}"))).collect();
    for copy in &copies {
        let before = sink.record().arrivals();
        house.run(["backup", copy.to_str().unwrap()]).ok();
        sink.has(before + 20).await;
    }
    assert!((sink.record().arrivals() as usize) < PEOPLE, "the copies were taken while sending");
    let again = house.run(["backup", copies[0].to_str().unwrap()]);
    assert_ne!(again.code, Some(0), "a copy is never written over another");
    engine.kill();
    let before = sink.record().arrivals();
    // The key is kept apart from the copies, as `herald backup` says.
    let key = house.data().join("store").join("sealing.key");

    for (n, copy) in copies.iter().enumerate() {
        let house = House::new();
        house.run(["restore", copy.to_str().unwrap()]).ok();
        std::fs::copy(&key, house.data().join("store").join("sealing.key")).unwrap();
        let engine = house.serve().await;
        let client = house.client();
        let overview = client.overview().await.unwrap();
        assert!(overview.restored.is_some(), "it knows that it is a copy");
        assert_eq!(overview.store.users as usize, PEOPLE);
        // Past the due time of `later`.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(sink.record().arrivals(), before, "a restored copy sends nothing by itself");
        let news = client.message("news").await.unwrap();
        assert!(!news.state.is_over(), "{:?}", news.state);
        assert!(news.progress.accepted >= 1 && (news.progress.accepted as usize) < PEOPLE);
        let log = house.run(["log", "--message", "news", "-n", "5", "--json"]);
        assert!(log.ok().lines().count() == 5, "its log can be read: {}", log.out);
        if n == copies.len() - 1 {
            // Released, it sends to whoever had nothing when the copy was taken.
            house.run(["resume-sending"]).ok();
            house.run(["message", "cancel", "later"]).ok();
            if client.message("news").await.unwrap().state == State::Held {
                house.run(["message", "release", "news"]).ok();
            }
            let message = sink::is_over(&client, "news", PATIENCE).await;
            assert_eq!(message.state, State::Sent, "{:?}", message.delivery_errors);
            assert!(sink.record().missing_recipients(addresses.clone()).is_empty());
        }
        engine.kill();
    }
}
