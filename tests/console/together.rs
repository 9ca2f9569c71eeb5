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

/// Keys that open a dialog, the dialog's title, what somebody else does meanwhile, and
/// what the dialog then says.
type Dialog = (&'static str, &'static str, fn(&mut World), &'static str);

/// A topic, a target, a provider, the routing: each dialog over it.
const DIALOGS: &[Dialog] = &[
    ("2 D", "Delete the topic", rename_topic, "it is called “Other”"),
    ("2 e", "Rename the topic", rename_topic, "bo changed it at 14:05:25 while you read"),
    ("2 s", "Subscribe to news", rename_topic, "it is called “Other”"),
    ("2 i", "Import people", delete_topic, "bo deleted it at 14:05:25 while you read"),
    ("2 D", "Delete the topic", delete_topic, "bo deleted it at 14:05:25"),
    ("2 enter U", "Take reader0@example.com off", leave_topic, "It is not there any more"),
    ("3 e", "Edit reader0@example.com", readdress, "it is moved@example.com"),
    ("3 D", "Delete reader0@example.com?", readdress, "it is moved@example.com"),
    ("4 e", "Edit main", change_provider, "changed while you read"),
    ("4 D", "Delete the provider main?", change_provider, "changed while you read"),
    ("4 O", "Take main out of use?", change_provider, "changed while you read"),
    ("4 t", "Test main", change_provider, "changed while you read"),
    ("4 F", "While main is down", reroute, "changed while you read"),
    ("4 C", "Numbers by country", reroute, "changed while you read"),
    ("0 ! s", "Stop all sending?", stop_sending, "it is stopped now"),
];

fn rename_topic(world: &mut World) {
    let topic = &mut world.topics[0];
    "Other".clone_into(&mut topic.name);
    topic.revision = topic.revision.next();
    topic.updated_at = super::world::at(-5);
    world.changed.insert("topic/news".to_owned(), "bo".to_owned());
}

fn delete_topic(world: &mut World) {
    world.topics.remove(0);
    world.changed.insert("topic/news".to_owned(), "bo".to_owned());
}

fn leave_topic(world: &mut World) {
    world.targets.remove(0);
}

fn readdress(world: &mut World) {
    let target = &mut world.targets[0];
    "moved@example.com".clone_into(&mut target.identifier);
    target.revision = target.revision.next();
}

fn change_provider(world: &mut World) {
    world.provider_revision += 1;
}

fn reroute(world: &mut World) {
    world.routing.order.push("backup".parse().unwrap());
}

fn stop_sending(world: &mut World) {
    let stopped = serde_json::json!({ "by": "bo", "since": "2026-11-20T14:05:25Z" });
    world.overview.stopped = serde_json::from_value(stopped).unwrap();
}

#[test]
fn every_dialog_says_what_another_has_changed_and_confirms_nothing() {
    paused(async {
        for (keys, title, change, says) in DIALOGS {
            let api = Api::new(World::busy());
            let mut seat = Seat::at(&api, 120, 40);
            seat.shows("Needs you").await;
            seat.press(&keys[..1]).await;
            while seat.frame(std::time::Duration::from_secs(1)).await {}
            seat.press(keys[1..].trim()).await;
            seat.shows(title).await;
            while seat.frame(std::time::Duration::from_secs(1)).await {}
            api.change(change);
            seat.shows(says).await;
            let before = [Method::POST, Method::PATCH, Method::DELETE].map(|method| api.count(&method, "/"));
            seat.type_text("delete").await;
            seat.press("enter").await;
            seat.press("enter").await;
            while seat.frame(std::time::Duration::from_secs(1)).await {}
            let after = [Method::POST, Method::PATCH, Method::DELETE].map(|method| api.count(&method, "/"));
            assert_eq!(before, after, "{keys}: it was confirmed all the same");
            seat.shows(says).await;
        }
    });
}

#[test]
fn a_dialog_about_many_watches_all_of_them_in_few_questions() {
    paused(async {
        let mut world = World::busy();
        world.topics.extend((0..100).map(|n| super::world::topic(&format!("topic{n:03}"), 1, 0, 0)));
        let api = Api::new(world);
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("2").await;
        seat.shows("news").await;
        while seat.frame(std::time::Duration::from_secs(1)).await {}
        seat.press("* D").await;
        seat.shows("topics?").await;
        while seat.frame(std::time::Duration::from_secs(1)).await {}
        let before = api.calls();
        // The last of those that are marked.
        api.change(|world| {
            let topic = &mut world.topics[50];
            "Other".clone_into(&mut topic.name);
            topic.revision = topic.revision.next();
        });
        seat.shows("One of them was changed while you read: it is called “Other”").await;
        assert!(api.calls() - before < 12, "{} questions", api.calls() - before);
        seat.type_text("60\n").await;
        while seat.frame(std::time::Duration::from_secs(1)).await {}
        assert_eq!(api.count(&Method::DELETE, "/v1/messaging/topics"), 0);
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
fn what_another_changes_while_one_writes_is_said_at_once() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("November newsletter").await;
        seat.press("j j j e").await;
        seat.shows("Draft").await;
        // Bo takes it, saves, and this console has typed nothing yet.
        api.change(|world| {
            let draft = world.messages.iter_mut().find(|one| one.state == State::Draft).unwrap();
            draft.revision = draft.revision.next();
        });
        seat.shows("while you write: before it is saved or sent you choose whose counts").await;
        // A review would be of what is not there any more: it asks first.
        api.stale(true);
        seat.press("alt-r").await;
        seat.shows("bo changed it at 14:02:11; alt-g keeps yours").await;
        seat.hides("Send “").await;
    });
}

#[test]
fn a_pace_goes_when_nothing_is_answered_for_any_more() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("sending 1 at 1,180/s").await;
        // The last has come in, and no event follows when its pace has faded.
        api.quietly(|world| {
            world.overview.rate = 0.0;
            world.overview.providers.iter_mut().for_each(|provider| provider.rate = 0.0);
        });
        seat.hides("1,180/s").await;
        let asked = api.count(&Method::GET, "/v1/herald/overview");
        while seat.frame(std::time::Duration::from_secs(40)).await {}
        assert_eq!(api.count(&Method::GET, "/v1/herald/overview"), asked, "and then nothing is asked");
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
        seat.shows("being sent: 1 message, 18,864 people still to come").await;
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
        // Together, not one by one.
        let together = api.bodies(&Method::POST, "/v1/herald/topics/made/targets");
        assert_eq!(together, [serde_json::json!({ "targets": ["target1", "target2"] })]);
        assert_eq!(api.count(&Method::POST, "/v1/messaging/topics/made/subscribers"), 0);
        let draft = api.bodies(&Method::PATCH, "/v1/messaging/messages/email/copy1");
        assert_eq!(draft[0]["topics"], serde_json::json!(["made"]));
        assert_eq!(api.count(&Method::POST, "/v1/herald/messages/68a1f0c2d3e4f5/cancel"), 1);
    });
}
