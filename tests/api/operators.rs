//! Herald's own: finding, persons, imports, switches, the audit.

use crate::world::{World, kind, person, topic};
use herald::client::{Steps, body_from};
use herald::wire::delivery::DeliveryRequest;
use herald::wire::transfer::{FoundKind, ImportProgress, ImportRequest};
use serde_json::json;

async fn end(mut steps: Steps<ImportProgress>) -> ImportProgress {
    let mut last = None;
    while let Some(step) = steps.next().await.unwrap() {
        last = Some(step);
    }
    last.unwrap()
}

#[tokio::test]
async fn whatever_bears_a_word_is_found() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    for (words, expected) in [
        ("ana", vec![FoundKind::User]),
        ("news", vec![FoundKind::Topic]),
        ("ana-t", vec![FoundKind::Target]),
        ("Ana@Example.com", vec![FoundKind::User, FoundKind::Target]),
        ("Topic", vec![FoundKind::Topic]),
        ("nothing-like-it", vec![]),
    ] {
        let found = client.find(words).await.unwrap();
        let kinds: Vec<_> = found.found.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, expected, "{words}");
    }
}

#[tokio::test]
async fn a_person_is_shown_and_forgotten() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    person(&client, "bo").await;
    topic(&client, "news", &["bo", "ana"]).await;
    let export = client.export_person("ana@example.com").await.unwrap();
    assert_eq!((export.users.len(), export.targets.len()), (1, 1));
    let topics: Vec<_> =
        export.subscriptions.iter().map(|subscription| subscription.topic_id.as_str()).collect();
    assert_eq!(topics, ["news"]);
    assert!(client.erase_person("ana@example.com").await.unwrap().count > 0);
    assert_eq!(kind(client.user("ana").await), "user_not_found");
    assert_eq!(kind(client.erase_person("ana@example.com").await), "general_not_found");
    assert_eq!(client.topic("news").await.unwrap().email_total, 1);
    let audit = client.audit(None, None, 100).await.unwrap();
    let text = serde_json::to_string(&audit).unwrap();
    assert!(text.contains("person.erase") && !text.contains("ana@example.com"), "{text}");
}

#[tokio::test]
async fn imports_repeat_without_effect_and_can_be_undone() {
    let world = World::new().await;
    let client = world.client();
    let file = "userId;E-Mail;Name\nana;ana@example.com;Ana\nbo;bo@example.com;Bo\n";
    let dry = ImportRequest { dry_run: true, ..ImportRequest::default() };
    let tried = end(client.import(&dry, body_from(file)).await.unwrap()).await;
    assert_eq!((tried.rows, tried.id.as_str(), tried.done), (2, "", true), "{tried:?}");
    assert_eq!(world.get("/v1/users").await.1["total"], 0);
    let request = ImportRequest {
        source: "people.csv".into(),
        topic: Some("news".parse().unwrap()),
        ..ImportRequest::default()
    };
    let first = end(client.import(&request, body_from(file)).await.unwrap()).await;
    assert_eq!((first.counts.users, first.counts.topics, first.counts.subscriptions), (2, 1, 2), "{first:?}");
    let second = end(client.import(&request, body_from(file)).await.unwrap()).await;
    assert_eq!((second.counts.users, second.counts.unchanged), (0, 2), "{second:?}");
    assert_eq!(client.imports().await.unwrap().imports.len(), 2);
    let undone = client.undo_import(&first.id).await.unwrap();
    assert!(undone.undone.is_some());
    assert_eq!(world.get("/v1/users").await.1["total"], 0);
    assert_eq!(kind(client.undo_import(&first.id).await), "general_not_allowed_now");
    assert_eq!(kind(client.undo_import("nothing").await), "import_not_found");
    let broken = end(client.import(&ImportRequest::default(), body_from("")).await.unwrap()).await;
    assert!(!broken.done && broken.error.contains("empty"), "{broken:?}");
    let bad = ImportRequest { map: "mail=E-Mail".into(), ..ImportRequest::default() };
    assert!(client.import(&bad, body_from(file)).await.is_err());
}

#[tokio::test]
async fn sending_stops_and_goes_on() {
    let world = World::new().await;
    let client = world.client().operator("mira");
    let stopped = client.stop_sending().await.unwrap();
    assert_eq!(stopped.stopped.unwrap().by, "mira");
    assert!(stopped.needs_you.iter().any(|need| need.text.contains("mira")));
    assert!(client.resume_sending().await.unwrap().stopped.is_none());
    let audit = client.audit(None, None, 10).await.unwrap();
    assert!(audit.entries.iter().all(|entry| entry.actor.name == "mira" && entry.actor.from == "process"));
    assert_eq!(audit.entries.len(), 2);
}

#[tokio::test]
async fn an_empty_log_says_so() {
    let world = World::new().await;
    let client = world.client();
    let page = client.deliveries(&DeliveryRequest::default()).await.unwrap();
    assert!(page.deliveries.is_empty() && page.next.is_none() && !page.cut_short);
    let filtered =
        DeliveryRequest { filter: Some("outcome=permanent since=1h".into()), ..DeliveryRequest::default() };
    assert!(client.deliveries(&filtered).await.unwrap().deliveries.is_empty());
    let wrong = DeliveryRequest { filter: Some("outcme=x".into()), ..DeliveryRequest::default() };
    assert_eq!(client.deliveries(&wrong).await.unwrap_err().status(), Some(400));
    assert!(
        client.waiting(&herald::wire::delivery::WaitingRequest::default()).await.unwrap().waiting.is_empty()
    );
    assert_eq!(world.post("/v1/herald/waiting/decide", json!({"decision": "release"})).await.0, 400);
    let settings = client.settings().await.unwrap();
    assert!(settings.iter().any(|row| row.name == "send.undo" && row.value == "10s"));
}
