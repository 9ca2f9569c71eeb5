//! From screen to screen, by the real loop, against the API.

use std::time::Duration;

use herald::domain::delivery::Outcome;
use herald::tui::runtime::Exit;
use herald::tui::term::TermEvent;
use http::Method;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::{World, delivery};

#[test]
fn digits_go_through_the_tabs() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 100, 30);
        seat.shows("Needs you").await;
        seat.shows("backup refuses us").await;
        for (key, text) in [
            ("1", "November newsletter"),
            ("2", "The customers"),
            ("3", "reader4@example.com"),
            ("4", "refuses us"),
            ("5", "550 5.1.1 no such user"),
            ("0", "Causes, one hour"),
        ] {
            seat.press(key).await;
            seat.shows(text).await;
        }
        assert_eq!(seat.quit().await, Exit::Quit);
    });
}

#[test]
fn a_mail_is_written_reviewed_sent_and_taken_back() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 100, 30);
        seat.shows("Needs you").await;
        seat.press("c").await;
        seat.shows("The news").await;
        seat.press("enter tab").await;
        seat.type_text("Winter news").await;
        seat.press("tab").await;
        seat.type_text("Dear reader,\nit is cold.").await;
        seat.shows("draft saved").await;
        assert_eq!(api.count(&Method::POST, "/v1/messaging/messages/email"), 1);
        seat.press("alt-r").await;
        seat.shows("Send “Winter news” to 49,788 people?").await;
        // The key that opened it, and enter alone, send nothing.
        seat.press("enter").await;
        seat.shows("Type 49788.").await;
        seat.type_text("49788").await;
        seat.press("enter").await;
        seat.shows("takes it back").await;
        let sent = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/new1");
        let sent = sent.last().unwrap();
        assert_eq!((&sent["draft"], &sent["confirmed"]), (&false.into(), &49_788.into()));
        assert_eq!(sent["undo"], 10);
        seat.press("u").await;
        seat.shows("it is a draft again").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/new1/undo"), 1);
    });
}

#[test]
fn what_is_written_survives_esc_and_hanging_up() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.shows("Needs you").await;
        seat.press("c tab").await;
        seat.type_text("Half a thought").await;
        seat.shows("Half a thought").await;
        seat.press("esc").await;
        seat.shows("Kept in this console").await;
        // What the API would not take for a draft is not sent to it.
        assert_eq!(api.count(&Method::POST, "/v1/messaging/messages"), 0);
        seat.press("c").await;
        seat.shows("Half a thought").await;
        seat.type_text(" more").await;
        seat.press("tab").await;
        seat.type_text("And its text").await;
        seat.shows("And its text").await;
        assert_eq!(seat.hang_up().await, Exit::HungUp);
        let saved = api.bodies(&Method::POST, "/v1/messaging/messages/email");
        assert_eq!(saved.last().unwrap()["subject"], "Half a thought more");
    });
}

#[test]
fn no_single_key_cancels_or_deletes() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        for key in ["X", "D", "R", "s", "t"] {
            seat.press(key).await;
            seat.press("enter").await;
            seat.press("esc esc").await;
        }
        seat.press("X").await;
        seat.shows("Cancel “November newsletter”?").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e4f5/cancel"), 0);
        assert_eq!(api.count(&Method::DELETE, "/v1"), 0);
        seat.type_text("cancel\n").await;
        seat.shows("what was accepted stays accepted").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e4f5/cancel"), 1);
    });
}

#[test]
fn live_goes_with_the_log_and_holds_still_without_losing_rows() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 30);
        seat.press("5").await;
        seat.shows("reader19@example.com").await;
        api.change(|world| world.log.push(delivery(20, -1, Outcome::Accepted)));
        seat.shows("reader20@example.com").await;
        seat.press("space").await;
        seat.shows("paused").await;
        api.change(|world| world.log.extend((21..31).map(|n| delivery(n, 0, Outcome::Permanent))));
        seat.shows("10 new · none dropped").await;
        assert!(!seat.text().contains("reader21@example.com"));
        seat.press("end").await;
        seat.shows("reader30@example.com").await;
        for n in 20..31 {
            assert!(seat.text().contains(&format!("reader{n}@example.com")), "row {n} was lost");
        }
    });
}

#[test]
fn idle_it_asks_nothing_and_draws_nothing() {
    paused(async {
        let mut world = World::busy();
        world.overview.states.processing = 0;
        world.overview.rate = 0.0;
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 80, 24);
        seat.shows("Needs you").await;
        seat.shows("backup refuses us").await;
        // Half a minute past the minute: the clock has nothing new to say until the next.
        while seat.frame(Duration::from_secs(5)).await {}
        let (bytes, calls) = (seat.bytes.len(), api.calls());
        while seat.frame(Duration::from_secs(15)).await {}
        assert_eq!((seat.bytes.len(), api.calls()), (bytes, calls));
        // A minute later the times are others; that is all.
        assert!(seat.frame(Duration::from_mins(1)).await);
        assert_eq!(api.calls(), calls);
        assert!(seat.bytes.len() - bytes < 600, "{} bytes", seat.bytes.len() - bytes);
    });
}

#[test]
fn a_storm_of_changes_is_a_few_questions() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        while seat.frame(Duration::from_millis(900)).await {}
        let before = api.calls();
        for _ in 0..100 {
            api.change(|world| world.messages[0].progress.accepted += 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while seat.frame(Duration::from_millis(900)).await {}
        // Two seconds, four refreshes a second, three questions each.
        let asked = api.calls() - before;
        assert!(asked <= 10 * 4, "{asked} questions");
        seat.shows("31,012").await;
    });
}

#[test]
fn a_filter_that_is_wrong_leaves_the_list_and_says_why() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 100, 30);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("/").await;
        seat.type_text("statsu=failed\n").await;
        seat.shows("status").await;
        assert!(seat.text().contains("November newsletter"));
        assert!(seat.text().contains("/statsu=failed"));
        seat.press("esc").await;
        seat.hides("statsu").await;
    });
}

#[test]
fn a_paste_is_text_and_never_a_command() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 100, 30);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.send(TermEvent::Paste("X\ncancel\nq".to_owned())).await;
        seat.shows("What is pasted goes into a field").await;
        seat.press("c tab tab").await;
        seat.send(TermEvent::Paste("two\nlines\u{1b}[2J".to_owned())).await;
        seat.shows("lines[2J").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald"), 0);
    });
}

#[test]
fn an_engine_that_goes_away_is_said_and_comes_back() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 100, 30);
        seat.shows("backup refuses us").await;
        api.down(true);
        seat.shows("nobody answers").await;
        // What was known stays.
        assert!(seat.text().contains("backup refuses us"));
        api.down(false);
        seat.hides("nobody answers").await;
    });
}

#[test]
fn an_empty_store_says_what_to_do_first() {
    paused(async {
        let api = Api::new(World::empty());
        let mut seat = Seat::at(&api, 80, 24);
        seat.shows("Add a provider").await;
        seat.press("4").await;
        seat.shows("No providers yet. a adds one").await;
        seat.press("a").await;
        seat.shows("Which service delivers?").await;
        seat.press("enter").await;
        seat.shows("New provider: SMTP").await;
        seat.press("esc 3 a").await;
        seat.shows("New person").await;
    });
}

#[test]
fn ten_thousand_people_are_pasted_into_a_topic() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("2").await;
        seat.shows("news").await;
        seat.press("s").await;
        seat.shows("Subscribe to news").await;
        let list: Vec<String> = (0..10_000)
            .map(|n| match n % 1000 {
                0 => format!("nobody{n}@example.com"),
                1 => format!("known{n}@example.com"),
                _ => format!("reader{n}@example.com"),
            })
            .collect();
        seat.send(TermEvent::Paste(list.join("\n"))).await;
        seat.shows("10,000 · … reader9999@example.com").await;
        seat.press("enter").await;
        seat.shows("subscribe: 9,980 ok · 10 skipped · 10 failed").await;
        // What went wrong stands first.
        seat.shows("nobody0@example.com   no target has this address").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/topics/news/targets"), 20);
        seat.press("R").await;
        seat.shows("subscribe: 0 ok · 10 failed").await;
        let again = api.bodies(&Method::POST, "/v1/herald/topics/news/targets");
        assert_eq!(again.len(), 21);
        assert_eq!(again[20]["who"].as_array().unwrap().len(), 10);
    });
}

#[test]
fn people_are_found_by_typing_and_picked_into_a_topic() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.press("2").await;
        seat.shows("news").await;
        seat.press("s").await;
        seat.type_text("reader").await;
        seat.shows("▸   target reader0@example.com").await;
        seat.press("down enter").await;
        seat.hides("target reader0").await;
        seat.shows("reader1@example.com").await;
        // What is picked stands for itself; the next is looked for.
        seat.type_text("read").await;
        seat.shows("✓ target reader1@example.com").await;
        seat.press("enter").await;
        seat.hides("target reader0").await;
        seat.shows("reader0@example.com, reader1@example.com").await;
        seat.press("enter").await;
        seat.shows("subscribe: 2 ok · 0 failed").await;
        let sent = api.bodies(&Method::POST, "/v1/herald/topics/news/targets");
        assert_eq!(sent[0]["who"], serde_json::json!(["reader1@example.com", "reader0@example.com"]));
    });
}

#[test]
fn one_person_is_typed_into_a_topic() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.press("2").await;
        seat.shows("news").await;
        seat.press("s").await;
        seat.type_text("ana@example.com").await;
        seat.shows("ana@example.com").await;
        seat.press("enter").await;
        seat.shows("ana@example.com is subscribed to news.").await;
        let sent = api.bodies(&Method::POST, "/v1/herald/topics/news/targets");
        assert_eq!(sent[0]["who"], serde_json::json!(["ana@example.com"]));
    });
}
