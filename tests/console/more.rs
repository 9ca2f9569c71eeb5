//! What an operator does: every type of message, people, providers, many at once,
//! and what is there again at the next start.

use std::time::Duration;

use herald::domain::delivery::Outcome;
use herald::tui::runtime::Exit;
use herald::wire::delivery::Delivery;
use herald::wire::message::State;
use http::Method;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::{World, delivery, message};

#[test]
fn a_text_message_counts_its_parts_and_one_recipient_is_one_key() {
    paused(async {
        let mut world = World::busy();
        world.recipients = Some(1);
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 100, 30);
        seat.shows("Needs you").await;
        seat.press("c backtab right").await;
        seat.press("tab").await;
        seat.shows("The customers").await;
        seat.press("down enter tab").await;
        seat.type_text("Your slot is at 18:00").await;
        seat.shows("1 part of GSM-7, 139 left").await;
        seat.press("alt-r").await;
        seat.shows("to 1 person?").await;
        seat.shows("Enter sends it").await;
        seat.press("enter").await;
        seat.shows("takes it back").await;
        let sent = api.bodies(&Method::PATCH, "/v1/messaging/messages/sms/new1");
        assert_eq!(sent.last().unwrap()["confirmed"], 1);
    });
}

#[test]
fn the_last_outcome_follows_the_log_and_is_no_order() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("3").await;
        seat.shows("refused 54 s ago").await;
        seat.shows("left out 52 s ago").await;
        api.change(|world| {
            let address = "reader3@example.com".to_owned();
            world.log.push(Delivery { address, ..delivery(20, -1, Outcome::Delivered) });
        });
        seat.shows("delivered 1 s ago").await;
        seat.hides("refused 54 s ago").await;
        seat.press("S end enter").await;
        seat.shows("an order by it would read it for everybody").await;
    });
}

#[test]
fn a_notification_has_its_fields_and_says_which_is_wrong() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("c backtab left").await;
        seat.press("tab").await;
        seat.shows("The news").await;
        seat.press("enter tab").await;
        seat.type_text("Lunch").await;
        seat.press("tab").await;
        seat.type_text("Soup").await;
        seat.shows("of 4,096 bytes").await;
        seat.press("alt-m").await;
        seat.shows("Badge").await;
        seat.press("tab").await;
        seat.type_text("[1]").await;
        seat.press("alt-r").await;
        seat.shows("a JSON object").await;
        for _ in 0..3 {
            seat.press("backspace").await;
        }
        seat.type_text("{\"a\":1}").await;
        seat.press("alt-r").await;
        seat.shows("Send “Lunch”").await;
        let saved = api.bodies(&Method::POST, "/v1/messaging/messages/push");
        assert_eq!(saved.last().unwrap()["data"], serde_json::json!({"a": 1}));
    });
}

#[test]
fn a_time_that_passes_while_a_review_is_read_is_confirmed_anew() {
    paused(async {
        let mut world = World::busy();
        world.recipients = Some(2);
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("c").await;
        seat.shows("The news").await;
        seat.press("enter tab").await;
        seat.type_text("Soon").await;
        seat.press("tab").await;
        seat.type_text("text").await;
        seat.press("tab").await;
        seat.type_text("in 30s").await;
        seat.press("alt-r").await;
        seat.shows("to 2 people?").await;
        tokio::time::sleep(Duration::from_secs(45)).await;
        seat.type_text("2\n").await;
        seat.shows("The time passed while you read").await;
        let before = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/new1");
        assert!(before.iter().all(|body| body["draft"] != false), "nothing was sent");
        seat.type_text("2\n").await;
        seat.shows("takes it back").await;
        let sent = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/new1");
        assert!(sent.last().unwrap()["scheduledAt"].is_null());
    });
}

#[test]
fn did_she_get_it_is_an_address_and_two_keys() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("g f").await;
        seat.type_text("reader1@example.com").await;
        seat.press("enter").await;
        seat.shows("y copies").await;
        seat.shows("was accepted by main on").await;
        // An address that is no target's any more has its history still.
        api.change(|world| world.targets.clear());
        seat.shows("is no target's address now").await;
        seat.shows("was accepted by main on").await;
        seat.press("y").await;
        seat.shows("Copied").await;
    });
}

#[test]
fn an_address_is_suppressed_and_written_to_again() {
    paused(async {
        let mut world = World::busy();
        world.suppressed = vec![super::world::bounced(1), super::world::bounced(2)];
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("g f").await;
        seat.type_text("reader1@example.com").await;
        seat.press("enter").await;
        // Did she get it: the answer says what stands in the way.
        seat.shows("suppressed: hard bounce").await;
        seat.press("B").await;
        seat.shows("Write to reader1@example.com again?").await;
        seat.shows("550 5.1.1 no such user").await;
        assert_eq!(api.count(&Method::DELETE, "/v1"), 0);
        seat.press("enter").await;
        seat.shows("is written to again").await;
        assert_eq!(api.count(&Method::DELETE, "/v1/herald/suppressions/sup1"), 1);
        seat.press("b").await;
        seat.shows("Send nothing more to reader1@example.com?").await;
        seat.press("enter").await;
        seat.shows("Nothing is sent to reader1@example.com any more").await;
        let added = api.bodies(&Method::POST, "/v1/herald/suppressions");
        assert_eq!(added.last().unwrap()["addresses"][0], "reader1@example.com");
        // The list as a whole, and what one cause did.
        seat.press("L").await;
        seat.shows("Not written to; enter takes one off").await;
        seat.shows("reader2@example.com").await;
        seat.press("enter").await;
        seat.shows("Write to reader2@example.com again?").await;
        seat.press("esc").await;
        seat.press("X").await;
        seat.shows("hard bounce, the last hour").await;
        seat.press("enter").await;
        seat.shows("Write to 1 person again?").await;
        seat.press("enter").await;
        seat.shows("Undone").await;
        let undone = api.bodies(&Method::POST, "/v1/herald/suppressions/undo");
        assert_eq!(
            (&undone[0]["count"], &undone.last().unwrap()["count"]),
            (&serde_json::Value::Null, &1.into())
        );
    });
}

#[test]
fn mail_without_a_link_to_leave_is_waived_or_not_sent() {
    paused(async {
        let mut world = World::busy();
        world.without_unsubscribe = true;
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        seat.press("c").await;
        seat.shows("The news").await;
        seat.press("enter tab").await;
        seat.type_text("Winter news").await;
        seat.press("tab").await;
        seat.type_text("Dear reader").await;
        seat.shows("draft saved").await;
        seat.press("alt-r").await;
        seat.shows("carries no link to leave its topics").await;
        seat.shows("--without-unsubscribe").await;
        seat.type_text("49788").await;
        seat.press("enter").await;
        seat.shows("enter again sends it without").await;
        assert_eq!(
            api.bodies(&Method::PATCH, "/v1/messaging/messages/email/new1")
                .iter()
                .filter(|body| body["draft"] == false)
                .count(),
            0
        );
        seat.press("enter").await;
        seat.shows("takes it back").await;
    });
}

#[test]
fn many_are_marked_and_done_one_by_one() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("j space space").await;
        seat.shows("2 marked").await;
        seat.press("D").await;
        seat.shows("Delete 2 messages?").await;
        assert_eq!(api.count(&Method::DELETE, "/v1"), 0);
        seat.type_text("2\n").await;
        seat.shows("Delete: 2 ok · 0 failed").await;
        assert_eq!(api.count(&Method::DELETE, "/v1/messaging/messages"), 2);
    });
}

#[test]
fn a_filter_of_the_log_is_retried_with_its_preview() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("5").await;
        seat.shows("reader19@example.com").await;
        seat.press("R").await;
        seat.shows("Filter the log first").await;
        seat.press("/").await;
        seat.type_text("provider=main\n").await;
        seat.press("R").await;
        seat.shows("Retry 30 people of 1 message?").await;
        seat.shows("182 past their deadline").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/operations/op1/confirm"), 0);
        seat.type_text("30\n").await;
        seat.shows("under way for 30 people").await;
        let confirmed = api.bodies(&Method::POST, "/v1/herald/operations/op1/confirm");
        assert_eq!(confirmed[0]["count"], 30);
    });
}

#[test]
fn a_view_and_a_theme_are_there_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("console.json");
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::kept(&api, 120, 40, Some(file.clone()));
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("/").await;
        seat.type_text("status=failed\n").await;
        seat.press("V").await;
        seat.shows("Save this view").await;
        seat.type_text("broken").await;
        seat.press("alt-s").await;
        seat.press(":").await;
        seat.type_text("theme contrast\n").await;
        seat.press("c").await;
        seat.shows("New message").await;
        seat.press("tab").await;
        seat.type_text("Half").await;
        seat.shows("Half").await;
        assert_eq!(seat.hang_up().await, Exit::HungUp);
    });
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["views"]["messages"]["broken"], "status=failed");
    assert_eq!(kept["theme"], "contrast");
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::kept(&api, 120, 40, Some(file.clone()));
        seat.shows("/status=failed").await;
        seat.shows("a draft waits, c opens it").await;
        seat.press("c").await;
        seat.shows("Half").await;
        seat.press("esc v").await;
        seat.shows("broken").await;
    });
}

#[test]
fn a_provider_is_edited_without_reading_its_credentials() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("4").await;
        seat.shows("refuses us").await;
        seat.press("e").await;
        seat.shows("••••1234").await;
        seat.press("tab tab tab tab").await;
        seat.type_text("new").await;
        seat.hides("••••1234").await;
        seat.press("alt-s").await;
        seat.shows("is changed").await;
        let sent = api.bodies(&Method::PATCH, "/v1/messaging/providers/smtp");
        assert_eq!(sent.last().unwrap()["password"], "new");
        assert!(sent.last().unwrap()["host"].is_null());
    });
}

#[test]
fn a_console_that_only_looks_changes_nothing() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::looking(&api, 100, 30);
        seat.shows("Needs you").await;
        for keys in ["c", "1 X", "D", "s", "4 t", "D", "e", "p", "! s"] {
            seat.press(keys).await;
            seat.shows("only looks").await;
        }
        seat.press("1").await;
        seat.shows("November newsletter").await;
        assert_eq!(api.count(&Method::POST, "/v1") + api.count(&Method::DELETE, "/v1"), 0);
    });
}

#[test]
fn a_provider_is_tested_with_a_real_message_only_to_an_address_that_is_typed() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("4").await;
        seat.shows("refuses us").await;
        seat.press("t").await;
        seat.shows("Test main").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/providers"), 0);
        seat.press("enter").await;
        seat.shows("235 2.7.0 Authentication successful").await;
        assert!(!seat.text().contains("took the test message"));
        seat.press("esc t").await;
        seat.shows("Test main").await;
        seat.type_text("me@example.com\n").await;
        seat.shows("The service took the test message").await;
        let asked = api.bodies(&Method::POST, "/v1/herald/providers/main/test");
        assert_eq!(asked[1], serde_json::json!({ "to": "me@example.com" }));
        assert!(asked[0]["to"].is_null());
    });
}

#[test]
fn the_footer_names_what_can_be_done_with_what_is_selected() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        // It is being sent: it can be paused, and neither sent nor retried.
        seat.shows("p pause   X cancel…").await;
        assert!(!seat.text().contains("R retry…"), "{}", seat.text());
        seat.press("j j j").await;
        seat.shows("e edit   s send…   t schedule…").await;
        assert!(!seat.text().contains("p pause"), "{}", seat.text());
        seat.press("2").await;
        seat.shows("s subscribe").await;
        seat.press("enter").await;
        seat.shows("U unsubscribe…").await;
    });
}

#[test]
fn what_is_wrong_with_a_filter_goes_with_it() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 80, 24);
        seat.press("1 /").await;
        seat.type_text("bogus=1\n").await;
        seat.shows("have no `bogus`").await;
        seat.press("esc").await;
        seat.hides("have no `bogus`").await;
    });
}

#[test]
fn an_order_that_cannot_be_served_leaves_the_list_as_it_was() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("3").await;
        seat.shows("reader0@example.com").await;
        seat.press("S j j enter").await;
        seat.shows("This order needs a filter that leaves at most 5,000 rows").await;
        seat.shows("reader0@example.com").await;
    });
}

#[test]
fn what_does_nothing_here_says_why_and_is_not_hinted_at() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        // It is being sent: it is paused, not sent.
        assert!(seat.text().contains("p pause"), "{}", seat.text());
        assert!(!seat.text().contains("s send"), "{}", seat.text());
        seat.press("s").await;
        seat.shows("It is being sent. A draft can be sent; d makes a draft like it.").await;
        seat.press("ctrl-p").await;
        seat.type_text("pause").await;
        seat.shows("Pauses the message; what is in flight finishes.").await;
        seat.shows("Pause works on Overview and Providers.").await;
        seat.press("esc ?").await;
        seat.shows("It is being sent. What has failed can be tried again.").await;
        seat.press("esc j j j").await;
        seat.shows("s send").await;
        assert!(!seat.text().contains("p pause"), "{}", seat.text());
    });
}

#[test]
fn a_lapsed_review_is_read_anew() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("2").await;
        seat.shows("The news").await;
        seat.press("D").await;
        seat.shows("Delete the topic “The news”?").await;
        seat.shows("enter confirm").await;
        api.change(|world| {
            let topic = &mut world.topics[0];
            "Other".clone_into(&mut topic.name);
            topic.revision = topic.revision.next();
        });
        seat.shows("it is called “Other”").await;
        seat.shows("ctrl-l refresh").await;
        assert!(!seat.text().contains("confirm"), "{}", seat.text());
        seat.press("ctrl-l").await;
        seat.shows("Delete the topic “Other”?").await;
        seat.type_text("delete").await;
        seat.shows("Esc goes back. delete").await;
        assert_eq!(api.count(&Method::DELETE, "/v1/messaging/topics/news"), 0);
        seat.press("enter").await;
        while seat.frame(Duration::from_secs(1)).await {}
        assert_eq!(api.count(&Method::DELETE, "/v1/messaging/topics/news"), 1);
    });
}

#[test]
fn what_can_be_done_to_a_message_follows_from_how_it_stands() {
    use herald::tui::action::Action;
    use herald::tui::screens::messages::can;
    let all = [
        State::Draft,
        State::Scheduled,
        State::Held,
        State::Processing,
        State::Paused,
        State::Sent,
        State::Failed,
        State::Cancelled,
    ];
    let [draft, scheduled, held, processing, paused, sent, failed, cancelled] = all;
    let table: [(Action, &[State]); 10] = [
        (Action::EditMessage, &[draft, scheduled, held]),
        (Action::SendMessage, &[draft, held]),
        (Action::ScheduleMessage, &[draft, scheduled, held]),
        (Action::MessagePause, &[processing]),
        (Action::MessageResume, &[held, paused]),
        (Action::ReleaseMessage, &[held]),
        (Action::CancelMessage, &[scheduled, held, processing, paused]),
        (Action::RetryMessage, &[failed, cancelled]),
        (Action::DeleteMessage, &[draft, scheduled, held, sent, failed, cancelled]),
        (Action::DuplicateMessage, &all),
    ];
    for (action, states) in table {
        for is in all {
            let message = message("68a1f0c2d3e401", is, "Week 48");
            assert_eq!(can(action, &message), states.contains(&is), "{action:?} while it is {is:?}");
        }
    }
}
