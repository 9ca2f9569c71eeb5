//! Several operators at one store: who is here, who edits what, and what changed meanwhile.

use herald::tui::runtime::Exit;
use herald::wire::message::State;
use http::Method;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::World;

#[test]
fn who_else_is_here_stands_in_the_header() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("TEST · op ").await;
        assert!(!seat.text().contains("(+"));
        api.change(|world| world.overview.present = World::together().overview.present);
        seat.shows("op (+bo, cy)").await;
        api.change(|world| world.overview.present.truncate(1));
        seat.hides("(+bo").await;
    });
}

#[test]
fn what_somebody_edits_is_held_and_taken_over_only_when_asked() {
    paused(async {
        let api = Api::new(World::together());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("bo edits").await;
        seat.press("j j").await;
        seat.shows("bo has been editing it").await;
        seat.press("e").await;
        seat.shows("Edit “Week 48” instead of them?").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages"), 0);
        seat.press("enter").await;
        seat.shows("Scheduled, held while you edit it").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e401/hold"), 1);
        seat.press("tab").await;
        seat.type_text("!").await;
        seat.shows("draft saved").await;
        // It stays held: only sending or scheduling lets it go.
        let saved = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/68a1f0c2d3e401");
        assert!(saved.last().unwrap()["draft"].is_null(), "{saved:?}");
    });
}

#[test]
fn a_dialog_about_what_has_changed_says_so_and_confirms_nothing() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("X").await;
        seat.shows("Cancel “November newsletter”?").await;
        api.change(|world| {
            world.messages[0].state = State::Paused;
            world.messages[0].why = None;
            world.messages[0].revision = world.messages[0].revision.next();
        });
        seat.shows("It was changed while you read: it is paused").await;
        seat.type_text("cancel\n").await;
        seat.press("esc").await;
        seat.hides("It was changed while you read").await;
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e4f5/cancel"), 0);
    });
}

#[test]
fn a_draft_that_another_changed_is_not_written_over_unasked() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("j j j e").await;
        seat.shows("Draft").await;
        api.stale(true);
        seat.press("tab").await;
        seat.type_text("x").await;
        seat.shows("bo changed it at 14:02:11; alt-g keeps yours").await;
        seat.shows("subject is now “Theirs”").await;
        let path = "/v1/messaging/messages/email/68a1f0c2d3e402";
        let tried = api.count(&Method::PATCH, path);
        // More typing is kept, and nothing is tried again by itself.
        seat.type_text("y").await;
        seat.press("alt-r").await;
        while seat.frame(std::time::Duration::from_secs(3)).await {}
        assert_eq!(api.count(&Method::PATCH, path), tried);
        api.stale(false);
        seat.press("alt-g").await;
        seat.shows("draft saved").await;
        let saved = api.bodies(&Method::PATCH, path);
        assert_eq!(saved.last().unwrap()["revision"], 9);
    });
}

#[test]
fn leaving_names_what_is_still_to_go_out() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::running(&api, 120, 40);
        seat.shows("backup refuses us").await;
        seat.press("q").await;
        seat.shows("Leave Herald?").await;
        seat.shows("being sent: 1 message, 9,132 people wait").await;
        seat.shows("“Week 48”, 31,000 people").await;
        seat.type_text("sto\n").await;
        seat.shows("Enter alone leaves").await;
        seat.press("esc").await;
        seat.hides("Leave Herald?").await;
        seat.press("q").await;
        seat.shows("Leave Herald?").await;
        seat.type_text("stop\n").await;
        assert_eq!(seat.ended().await, Exit::Stop);
        let mut seat = Seat::running(&api, 120, 40);
        seat.shows("backup refuses us").await;
        seat.press("q").await;
        seat.shows("Leave Herald?").await;
        seat.press("enter").await;
        assert_eq!(seat.ended().await, Exit::Quit);
    });
}

#[test]
fn what_is_being_written_is_kept_on_the_server_until_it_is_sent() {
    paused(async {
        let mut world = World::writing();
        world.recipients = Some(1);
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        // Another console of this operator has begun it; here it goes on.
        seat.press("g d").await;
        seat.shows("Half a thought from elsewhere").await;
        seat.press("enter").await;
        seat.shows("New message").await;
        seat.press("tab").await;
        seat.type_text("!").await;
        seat.frame(std::time::Duration::from_secs(2)).await;
        seat.shows("elsewhere!").await;
        while seat.frame(std::time::Duration::from_secs(2)).await {}
        let kept = api.bodies(&Method::PUT, "/v1/herald/drafts/form-1");
        assert_eq!(kept.last().unwrap()["revision"], 4);
        assert_eq!(kept.last().unwrap()["document"]["lines"][0], "Half a thought from elsewhere!");
        seat.press("backtab").await;
        seat.shows("The news").await;
        seat.press("enter alt-r").await;
        seat.shows("to 1 person?").await;
        seat.press("enter").await;
        seat.shows("takes it back").await;
        while seat.frame(std::time::Duration::from_secs(2)).await {}
        assert_eq!(api.count(&Method::DELETE, "/v1/herald/drafts/form-1"), 1);
    });
}

#[test]
fn a_paused_message_is_corrected_for_those_not_tried() {
    paused(async {
        let api = Api::new(World::paused());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("E").await;
        seat.shows("Correct “November newsletter” for").await;
        // The key that opened it, and enter, make nothing.
        seat.press("enter").await;
        seat.shows("Type ").await;
        assert_eq!(api.count(&Method::POST, "/v1/messaging/topics"), 0);
        let text = seat.text();
        let count = text.split("Type ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        seat.type_text(&format!("{count}\n")).await;
        seat.shows("The draft is for them alone").await;
        assert_eq!(api.count(&Method::POST, "/v1/messaging/topics/made/subscribers"), 2);
        let draft = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/copy1");
        assert_eq!(draft[0]["topics"], serde_json::json!(["made"]));
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e4f5/cancel"), 1);
    });
}
