//! Messages by command, against a running engine and without one.

use super::house::{House, PATIENCE, Serve};
use super::sink::{self, Sink};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herald::sandbox::{Effect, RecipientRule, Rule, Stage, When};
use herald::wire::message::State;
use std::time::Duration;

const PEOPLE: usize = 20;

async fn scene(house: &House) -> (Sink, Serve) {
    let engine = house.serve().await;
    let sink = Sink::start(house).await;
    let client = house.client();
    sink.mail_provider(&client, sink::narrow()).await;
    let addresses: Vec<_> = (0..PEOPLE).map(sink::address).collect();
    sink::people(&client, "email", &addresses).await;
    (sink, engine)
}

fn mail<'a>(id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "send",
        "email",
        "--id",
        id,
        "--topic",
        "all",
        "--subject",
        "News of the day",
        "--body",
        "Hello",
    ];
    args.extend(more);
    args
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_from_draft_to_log() {
    let house = House::new();
    house.run(["message", "list"]).shows("no messages");
    let (sink, engine) = scene(&house).await;
    house.run(mail("m", &["--draft"])).shows("m draft");
    house.run(mail("m", &["--draft"])).fails(4, "");
    house.run(mail("x", &["--draft", "--wait"])).fails(2, "--wait");
    house.run(["message", "preview", "m"]).shows("20 people").shows("mail");
    house.run(["message", "schedule", "m", "--at", "tomorrow 9am Berlin"]).shows("scheduled");
    house.run(["why", "m"]).shows("scheduled");
    house.run(["message", "unschedule", "m"]).shows("draft");
    house.run(["message", "pause", "m"]).fails(4, "");
    house.run(["message", "send", "m", "--confirm", "20"]).ok();
    let client = house.client();
    sink::is(&client, "m", State::Sent).await;
    assert_eq!(sink.record().arrivals() as usize, PEOPLE);
    house.run(["message", "list"]).shows("News of the day").shows("20/20");
    house.run(["message", "list", "-f", "status=sent", "--json"]).json();
    house.run(["message", "show", "m"]).shows("accepted 20");
    assert_eq!(house.run(["message", "show", "m", "--json"]).json()["message"]["state"], "sent");
    house.run(["message", "show", "nobody"]).fails(3, "nobody");
    house.run(["message", "deliveries", "m"]).shows("accepted").shows("p0@d0.example");
    house.run(["message", "retry", "m"]).fails(4, "");
    house.run(["message", "cancel", "m"]).fails(4, "");
    house.run(["why", "m"]).ok();
    house.run(["why", "nobody"]).fails(3, "nobody");
    house.run(["find", "m"]).shows("News of the day");
    let log = house.run(["log", "--json", "-n", "100"]);
    let rows: Vec<serde_json::Value> =
        log.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), PEOPLE);
    assert!(rows.iter().all(|row| row["outcome"] == "accepted" && row["messageId"] == "m"));
    house.run(["log", "--to", "p3@d3.example", "--since", "1h"]).shows("p3@d3.example");
    house.run(["log", "--filter", "outcome=accpeted"]).fails(4, "accpeted");
    let id = sink.books()["p3@d3.example"][0].clone();
    house.run(["find", &id]).shows("p3@d3.example");
    house.run(["target", "show", "p3@d3.example"]).shows("accepted");
    house.run(["target", "list"]).shows("accepted 20");
    let list = house.run(["target", "list", "--json"]).json();
    assert_eq!(list["targets"][0]["lastOutcome"]["outcome"], "accepted");

    house.run(["message", "duplicate", "m", "--json"]).json();
    house.run(["message", "list", "-f", "status=draft"]).shows("News of the day");
    house.run(["message", "delete", "m"]).ok();
    house.run(["message", "delete", "m"]).fails(3, "m");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_resume_and_cancel_in_the_middle() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    let client = house.client();
    sink.mail(|plan| plan.latency.fixed_ms = 150);
    house.run(["provider", "set", "mail", "-o", "concurrency=1", "-o", "window=2"]).ok();
    house.run(mail("m", &[])).ok();
    sink.has(2).await;
    house.run(["message", "pause", "m", "--as", "ops"]).shows("paused");
    house.run(["why", "m"]).shows("ops");
    let paused = sink::wait_for(&client, "m", PATIENCE, |m| m.progress.in_flight() == 0).await;
    assert!((paused.progress.accepted as usize) < PEOPLE);
    let before = sink.record().arrivals();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sink.record().arrivals(), before, "paused is paused");
    house.run(["message", "resume", "m"]).ok();
    sink.has(before + 2).await;
    house.run(["message", "cancel", "m"]).shows("cancelled");
    let ended = sink::wait_for(&client, "m", PATIENCE, |m| m.progress.in_flight() == 0).await;
    assert_eq!(ended.state, State::Cancelled);
    assert!(ended.progress.cancelled > 0);
    assert_eq!(ended.progress.accepted, sink.record().arrivals());
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_end_says_by_its_code_whether_everybody_was_accepted() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    house.run(mail("all", &["--wait"])).shows("accepted 20");
    sink.mail(|plan| plan.recipients = vec![RecipientRule::reject("p3@*")]);
    let some = house.run(mail("some", &["--wait", "--json"]));
    some_failed(&some);
    house.run(mail("grown", &["--wait", "--confirm", "3"])).fails(5, "20 people");
    house.run(["message", "release", "grown"]).ok();
    sink.mail(|plan| plan.recipients.clear());
    // Refused as a mailbox that is not there: nobody writes there again until somebody says so.
    house.run(["message", "retry", "some"]).fails(4, "on the suppression list");
    house.run(["suppression", "remove", "p3@d3.example"]).ok();
    house.run(["message", "retry", "some"]).shows("1 recipient is tried again");
    sink::is(&house.client(), "some", State::Sent).await;
    house
        .run(["send", "email", "--to", "ghost@a.example", "--subject", "s", "--body", "b"])
        .fails(3, "ghost");
    house.run(mail("x", &["--expires", "soon"])).fails(2, "soon");
    engine.kill();
}

fn some_failed(said: &super::house::Said) {
    assert_eq!(said.code, Some(5), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["progress"]["accepted"], &json["progress"]["failed"]), (&19.into(), &1.into()));
    assert!(said.err.contains("1 person was not accepted"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_messages_and_notifications() {
    let house = House::new();
    let engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.sms_provider(&house.client(), sink::narrow()).await;
    house.run(["user", "create", "ada", "--phone", "+4915112345678"]).ok();
    house.run(["send", "sms", "--user", "ada", "--text", "Hello", "--wait"]).shows("accepted 1");
    assert_eq!(sink.record().recipient("+4915112345678"), 1);
    let nobody = house.run(["send", "push", "--user", "ada", "--title", "Hello", "--wait"]);
    assert_eq!(nobody.code, Some(5), "{nobody:?}");
    house.run(["send", "push", "--user", "ada", "--title", "x", "--data", "[1]"]).fails(2, "--data");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_body_from_a_file_and_from_standard_input() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    let file = house.file("body.html", "<p>From a file</p>");
    let to = ["send", "email", "--subject", "s", "--to", "p1@d1.example", "--wait", "--body-file"];
    house.run(to.into_iter().chain([file.to_str().unwrap(), "--html"])).ok();
    house.run_with(to.into_iter().chain(["-"]), b"From standard input").ok();
    let kept: String = sink
        .record()
        .last(2)
        .iter()
        .map(|mail| String::from_utf8_lossy(&mail.content).into_owned())
        .collect();
    assert!(kept.contains("<p>From a file</p>") && kept.contains("From standard input"), "{kept}");
    house.run(to.into_iter().chain(["not-there.html"])).fails(1, "not-there.html");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_attached_from_disk() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    let prices = house.file("prices.csv", "tea,3\ncoffee,4\n");
    let note = house.file("note.txt", "read me");
    let to =
        ["send", "email", "--id", "m", "--to", "p1@d1.example", "--subject", "s", "--body", "b", "--wait"];
    let attach = |files: &[&str]| {
        to.iter()
            .copied()
            .chain(files.iter().flat_map(|file| ["--attach", file]))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    house.run(attach(&[prices.to_str().unwrap(), "not-there.pdf"])).fails(2, "not-there.pdf");
    house.run(["message", "show", "m"]).fails(3, "m");
    let files = [prices.to_str().unwrap(), note.to_str().unwrap()];
    house.run(attach(&files)).shows("accepted 1");
    let mail = String::from_utf8_lossy(&sink.record().last(1)[0].content).into_owned();
    for (name, content) in [("prices.csv", "tea,3\ncoffee,4\n"), ("note.txt", "read me")] {
        let there = mail.contains(content) || mail.contains(&STANDARD.encode(content));
        assert!(there && mail.contains(&format!("filename=\"{name}\"")), "{name} is not in {mail}");
    }
    let shown = house.run(["message", "show", "m", "--json"]).json();
    assert_eq!(shown["message"]["data"]["attachments"].as_array().unwrap().len(), 2, "{shown}");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_for_the_rest_and_a_message_for_those_who_got_it() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    let client = house.client();
    sink.mail(|plan| plan.latency.fixed_ms = 150);
    house.run(["provider", "set", "mail", "-o", "concurrency=1", "-o", "window=2"]).ok();
    house.run(["message", "correct", "m"]).fails(3, "m");
    house.run(mail("m", &["--draft"])).ok();
    house.run(["message", "follow-up", "m"]).fails(1, "nobody fits");
    house.run(["message", "send", "m"]).ok();
    sink.has(2).await;
    house.run(["message", "correct", "m"]).fails(1, "pause it first");
    house.run(["message", "pause", "m"]).ok();
    let paused = sink::wait_for(&client, "m", PATIENCE, |m| m.progress.in_flight() == 0).await;
    // A pause takes back who is at hand: that one was claimed, and not tried either.
    let (got, rest) = (paused.progress.accepted, paused.progress.untouched() + paused.progress.retrying);
    assert!(got > 0 && rest > 0 && got + rest == PEOPLE as u64, "{:?}", paused.progress);
    sink.mail(|plan| plan.latency.fixed_ms = 0);

    let reached = house.run(["message", "follow-up", "m", "--json"]).json();
    assert_eq!(
        (&reached["state"], &reached["data"]["subject"]),
        (&"draft".into(), &"News of the day".into())
    );
    let corrected = house.run(["message", "correct", "m", "--json"]).json();
    assert_eq!(sink::is(&client, "m", State::Cancelled).await.progress.cancelled, rest, "it ends for them");
    assert_eq!(sink.record().arrivals(), got, "a draft sends nothing");

    for (draft, people) in [(&reached, got), (&corrected, rest)] {
        let id = draft["$id"].as_str().unwrap();
        house.run(["message", "preview", id]).shows(&format!("{people} people"));
        house.run(["message", "send", id, "--confirm", &people.to_string()]).ok();
        assert_eq!(sink::is(&client, id, State::Sent).await.progress.accepted, people);
    }
    let books = sink.books();
    assert_eq!(books.len(), PEOPLE, "everybody has one");
    let twice = books.values().filter(|copies| copies.len() == 2).count() as u64;
    assert_eq!(twice, got, "those who had got it have the one that follows too");
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue() {
    let house = House::new();
    let (sink, engine) = scene(&house).await;
    house.run(["queue", "show"]).shows("nobody waits");
    house.run(["queue", "list"]).shows("nobody waits");
    house.run(["provider", "pause", "mail"]).ok();
    house.run(mail("m", &[])).ok();
    sink::wait_for(&house.client(), "m", PATIENCE, |message| message.progress.planned as usize == PEOPLE)
        .await;
    house.run(["queue", "show"]).shows("mail").shows("20");
    house.run(["queue", "show", "--json"]).json();
    house.run(["queue", "release", "--why", "uncertain"]).fails(3, "nobody");
    house.run(["queue", "release", "--message", "nobody"]).fails(3, "");
    house.run(["provider", "resume", "mail"]).ok();
    sink::is(&house.client(), "m", State::Sent).await;
    assert_eq!(sink.record().arrivals() as usize, PEOPLE);
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_the_log() {
    let house = House::new();
    let (_sink, engine) = scene(&house).await;
    house.run(mail("before", &["--wait"])).ok();
    let mut log = house.spawn(["log", "-f", "--json", "-n", "5"]);
    let rows = |said: String| said.lines().filter(|line| line.starts_with('{')).count();
    assert!(super::house::until(PATIENCE, || rows(log.said()) == 5), "{}", log.said());
    house.run(mail("after", &["--wait"])).ok();
    assert!(super::house::until(PATIENCE, || rows(log.said()) == 5 + PEOPLE), "{}", log.said());
    assert_eq!(log.said().matches("\"messageId\":\"after\"").count(), PEOPLE, "each row once");
    log.signal(rustix::process::Signal::INT);
    assert!(log.ends(PATIENCE).success());
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_can_be_undone_for_a_while() {
    let house = House::new().set("send.undo", "1h");
    let engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    sink::people(&house.client(), "email", &["ada@a.example".to_owned()]).await;
    let mail = |id: &str, more: &[&str]| {
        let common = ["send", "email", "--topic", "all", "--subject", "s", "--body", "b", "--id"];
        house.run(common.iter().chain(&[id]).chain(more))
    };
    let said = mail("calm", &["--undo"]);
    assert!(said.code == Some(0) && format!("{said:?}").contains("unschedule calm"), "{said:?}");
    house.run(["why", "calm"]).shows("undo");
    house.run(["message", "unschedule", "calm"]).shows("draft");
    mail("quick", &[]).ok();
    let sent = sink::is_over(&house.client(), "quick", PATIENCE).await;
    assert_eq!(sent.progress.accepted, 1);
    assert_eq!(sink.books().len(), 1);
    engine.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_deliveries_are_retried_through_another_provider() {
    let house = House::new();
    let engine = house.serve().await;
    let sink = Sink::start(&house).await;
    sink.mail_provider(&house.client(), sink::narrow()).await;
    sink::people(&house.client(), "email", &["ada@a.example".to_owned()]).await;
    let text = house.run(["provider", "list", "--json"]).json().to_string();
    assert!(text.contains("mail"), "{text}");
    sink.mail(|plan| {
        plan.rules = vec![Rule { at: Stage::Rcpt, when: When::Next(1), effect: Effect::reply(554) }];
    });
    sink::send_mail(&house.client(), "news", None).await;
    let failed = sink::is_over(&house.client(), "news", PATIENCE).await;
    assert_eq!(failed.progress.failed, 1);
    house.run(["message", "retry", "news", "--provider", "nobody"]).fails(3, "nobody");
    house.run(["message", "retry", "news", "--provider", "mail"]).shows("1 recipient is tried again");
    let done =
        sink::wait_for(&house.client(), "news", PATIENCE, |message| message.progress.accepted == 1).await;
    assert_eq!(done.progress.failed, 0);
    engine.kill();
}
