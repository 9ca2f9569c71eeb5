//! Herald's own: finding, persons, imports, switches, the audit.

use crate::world::{World, kind, person, topic};
use herald::client::{Client, Steps, body_from};
use herald::wire::delivery::DeliveryRequest;
use herald::wire::draft::SaveDraft;
use herald::wire::operation::{CreateOperation, OperationAction};
use herald::wire::transfer::{Erasure, FoundKind, ImportProgress, ImportRequest};
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

/// Forgets somebody, and waits until it is over.
async fn erased(client: &Client, address: &str) -> Erasure {
    let mut erasure = client.erase_person(address).await.unwrap();
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while !erasure.is_over() {
        assert!(tokio::time::Instant::now() < until, "{erasure:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        erasure = client.erasure(&erasure.id).await.unwrap();
    }
    assert_eq!(client.erasures().await.unwrap().erasures[0], erasure);
    erasure
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
    assert!(erased(&client, "ana@example.com").await.count > 0);
    assert_eq!(kind(client.user("ana").await), "user_not_found");
    assert_eq!(kind(client.erase_person("ana@example.com").await), "general_not_found");
    assert_eq!(client.topic("news").await.unwrap().email_total, 1);
    let audit = client.audit(None, None, 100).await.unwrap();
    let text = serde_json::to_string(&audit).unwrap();
    assert!(text.contains("person.erase") && !text.contains("ana@example.com"), "{text}");
}

#[tokio::test]
async fn texts_that_quote_a_person_forget_it_too() {
    let world = World::new().await;
    let client = world.client();
    let user = json!({"userId": "ana", "name": "Ana Lovelace", "email": "ana@example.com"});
    assert_eq!(world.post("/v1/users", user).await.0, 201);
    topic(&client, "news", &[]).await;
    let mail = json!({
        "messageId": "m", "subject": "For Ana Lovelace", "content": "x", "topics": ["news"], "draft": true
    });
    assert_eq!(world.post("/v1/messaging/messages/email", mail).await.0, 201);
    let draft = json!({"to": ["ANA@example.com"], "body": "Dear ana lovelace"});
    let save = SaveDraft { document: draft.as_object().unwrap().clone(), revision: None };
    client.save_draft("d", &save).await.unwrap();
    let asked = CreateOperation {
        action: OperationAction::Retry,
        filter: "to=ana@example.com".into(),
        provider_id: None,
        uncertain: false,
        reason: "Ana Lovelace called".into(),
    };
    let operation = client.preview_operation(&asked).await.unwrap();
    let before = serde_json::to_string(&client.audit(None, None, 100).await.unwrap()).unwrap();
    assert!(before.contains("Ana Lovelace"), "there is something to forget: {before}");
    erased(&client, "ana@example.com").await;
    let left = [
        serde_json::to_string(&client.audit(None, None, 100).await.unwrap()).unwrap(),
        serde_json::to_string(&client.draft("d").await.unwrap()).unwrap(),
        serde_json::to_string(&client.operation(&operation.id).await.unwrap()).unwrap(),
        serde_json::to_string(&client.find("ana@example.com").await.unwrap()).unwrap(),
    ];
    for text in left {
        let text = text.to_lowercase();
        assert!(!text.contains("ana@example.com") && !text.contains("lovelace"), "{text}");
    }
}

#[tokio::test]
async fn a_pasted_list_is_subscribed_to_a_topic() {
    let world = World::new().await;
    let client = world.client();
    topic(&client, "news", &[]).await;
    let list = "ana@example.com\nbo@example.com\nnot an address\n";
    let steps = client.subscribe_many("news", &ImportRequest::default(), body_from(list)).await.unwrap();
    let last = end(steps).await;
    assert_eq!((last.counts.subscriptions, last.refused, last.done), (2, 1, true), "{last:?}");
    assert_eq!(client.topic("news").await.unwrap().email_total, 2);
    let lines = "{\"email\": \"bo@example.com\"}\n{\"email\": \"cy@example.com\"}\n";
    let steps = client.subscribe_many("news", &ImportRequest::default(), body_from(lines)).await.unwrap();
    assert_eq!(end(steps).await.counts.subscriptions, 1);
    assert!(client.subscribe_many("other", &ImportRequest::default(), body_from(list)).await.is_err());
}

#[tokio::test]
async fn targets_are_subscribed_together() {
    let world = World::new().await;
    let client = world.client();
    let list = "ana@example.com\nbo@example.com\n";
    topic(&client, "news", &[]).await;
    topic(&client, "offers", &[]).await;
    end(client.subscribe_many("news", &ImportRequest::default(), body_from(list)).await.unwrap()).await;
    let page = client.targets(&herald::wire::query::ListRequest::newest(10)).await.unwrap();
    let mut ids: Vec<_> = page.into_items().into_iter().map(|target| target.id).collect();
    ids.push("nobody".parse().unwrap());
    let done = client.subscribe_targets("offers", ids.clone()).await.unwrap();
    assert_eq!((done.subscribed, done.known, done.missing), (2, 0, 1));
    let again = client.subscribe_targets("offers", ids).await.unwrap();
    assert_eq!((again.subscribed, again.known, again.missing), (0, 2, 1));
    assert_eq!(client.topic("offers").await.unwrap().email_total, 2);
    assert_eq!(kind(client.subscribe_targets("offers", Vec::new()).await), "general_argument_invalid");
    assert!(client.subscribe_targets("other", vec!["nobody".parse().unwrap()]).await.is_err());
}

#[tokio::test]
async fn whoever_is_named_is_subscribed_and_the_rest_have_a_reason() {
    let world = World::new().await;
    let client = world.client();
    topic(&client, "news", &[]).await;
    let people = "userId,email,phone\nana,ana@example.com,+4930123456\nbo,bo@example.com,\n";
    end(client.import(&ImportRequest::default(), body_from(people)).await.unwrap()).await;
    let target = |filter: &str| herald::wire::query::ListRequest::newest(1).filtered(filter);
    let bo = client.targets(&target("address=bo@example.com")).await.unwrap().into_items().remove(0);
    let gone = client.targets(&target("address=\"+4930123456\"")).await.unwrap().into_items().remove(0);
    let who = [
        "ANA@example.com",
        "+49 (30) 123-456",
        "ana",
        bo.id.as_str(),
        "cy@example.com",
        "0171 5551234",
        "Bo B.",
    ];
    let done = client.subscribe_anyone("news", who.map(str::to_owned).to_vec()).await.unwrap();
    let rows: Vec<_> = done
        .rows
        .iter()
        .map(|row| (row.who.as_str(), row.subscribed, row.known, row.reason.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("ANA@example.com", 1, 0, ""),
            ("+49 (30) 123-456", 1, 0, ""),
            ("ana", 0, 2, ""),
            (bo.id.as_str(), 1, 0, ""),
            ("cy@example.com", 0, 0, "no target has this address"),
            ("0171 5551234", 0, 0, "a number begins with + and its country; no target or user has this id"),
            ("Bo B.", 0, 0, "no target or user has this id, and nobody this address"),
        ]
    );
    assert_eq!((done.subscribed, done.known, done.missing), (3, 2, 3));
    let news = client.topic("news").await.unwrap();
    assert_eq!((news.email_total, news.sms_total), (2, 1));
    client.delete_target("ana", &gone.id).await.unwrap();
    let done = client.subscribe_anyone("news", vec!["+4930123456".to_owned()]).await.unwrap();
    assert_eq!(done.rows[0].reason, "its target was deleted");
    let many = vec!["x@example.com".to_owned(); 1001];
    assert_eq!(kind(client.subscribe_anyone("news", many).await), "general_argument_invalid");
    assert!(client.subscribe_anyone("other", vec!["ana".to_owned()]).await.is_err());
}

/// A file that breaks off behind so many bytes.
fn breaks_off(text: &str) -> herald::client::Body {
    let pieces: Vec<Result<hyper::body::Frame<bytes::Bytes>, std::io::Error>> = vec![
        Ok(hyper::body::Frame::data(bytes::Bytes::from(text.to_owned()))),
        Err(std::io::Error::new(std::io::ErrorKind::Interrupted, "stopped by you")),
    ];
    herald::client::Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)))
}

#[tokio::test]
async fn an_import_that_is_stopped_tells_what_is_in_and_goes_on_with_the_same_file() {
    let world = World::new().await;
    let client = world.client();
    let rows: Vec<String> = (0..6000).map(|n| format!("reader{n}@example.com\n")).collect();
    let whole = format!("email\n{}", rows.concat());
    // In the middle of a row: half an address is nobody.
    let begun = format!("email\n{}reader7", rows[..5000].concat());
    let stopped = end(client.import(&ImportRequest::default(), breaks_off(&begun)).await.unwrap()).await;
    assert!(!stopped.done && stopped.error.contains("broke off"), "{stopped:?}");
    let made = stopped.counts.users;
    assert!(made > 0 && made <= 5000 && stopped.rows == made, "what is told is what is there: {stopped:?}");
    assert_eq!(client.imports().await.unwrap().imports[0].counts.users, made);
    let again = end(client.import(&ImportRequest::default(), body_from(whole)).await.unwrap()).await;
    assert_eq!((again.counts.users, again.counts.unchanged, again.rows), (6000 - made, made, 6000));
    assert_eq!(world.get("/v1/users").await.1["total"], 6000);
}

#[tokio::test]
async fn a_file_goes_only_while_no_message_names_it() {
    let world = World::new().await;
    let client = world.client();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.txt");
    std::fs::write(&path, "1,99").unwrap();
    let file = client.bring_file(&path).await.unwrap();
    let at = format!("{}:{}", file.bucket_id, file.id);
    let mail = |files: Vec<String>| herald::wire::message::WriteEmail {
        envelope: herald::wire::message::Envelope {
            message_id: Some("unique()".into()),
            draft: Some(true),
            ..Default::default()
        },
        subject: Some("Prices".into()),
        content: Some("As of today".into()),
        attachments: Some(files),
        ..Default::default()
    };
    let draft = client.create_email(&mail(vec![at.clone()])).await.unwrap();
    assert_eq!(client.discard_brought(std::slice::from_ref(&at)).await.unwrap(), 0);
    let copy = client.duplicate_message(&draft.id).await.unwrap();
    // The draft is thrown away; its copy keeps the file.
    client.throw_away(&draft.id).await.unwrap();
    assert_eq!(client.file(&file.bucket_id, &file.id).await.unwrap().size_original, 4);
    client.throw_away(&copy.id).await.unwrap();
    assert_eq!(kind(client.file(&file.bucket_id, &file.id).await), "storage_file_not_found");
    // What is gone already is no error, and what others put there stays.
    assert_eq!(client.discard_brought(&[at, "attachments:terms".into()]).await.unwrap(), 0);
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

#[tokio::test]
async fn messages_files_and_imports_forget_a_person_and_what_is_left_is_said() {
    let world = World::new().await;
    let client = world.client();
    let user = json!({"userId": "ana", "name": "Ana Lovelace", "email": "ana@example.com"});
    assert_eq!(world.post("/v1/users", user).await.0, 201);
    topic(&client, "news", &[]).await;
    let mail = |id: &str, more: serde_json::Value| {
        let mut mail = json!({
            "messageId": id, "subject": "For ANA Lovelace", "content": "Write to ana@example.com", "topics": ["news"]
        });
        mail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mail
    };
    for (id, more) in [("draft", json!({"draft": true})), ("later", json!({"scheduledAt": "2099-01-01"}))] {
        assert_eq!(world.post("/v1/messaging/messages/email", mail(id, more)).await.0, 201);
    }
    assert_eq!(
        world.post("/v1/messaging/topics", json!({"topicId": "ana", "name": "Ana Lovelace"})).await.0,
        201
    );
    let list = "email,name\nana@example.com,Ana Lovelace\nno address of Ana Lovelace,\n";
    let asked = ImportRequest { source: "ana@example.com.csv".into(), ..ImportRequest::default() };
    end(client.import(&asked, body_from(list)).await.unwrap()).await;

    let erased = erased(&client, "ana@example.com").await;
    let left = erased.left.join("\n");
    assert!(left.contains("message later") && left.contains("topic ana"), "{left}");
    assert!(!left.contains("message draft") && !left.contains("ana@example.com"), "{left}");
    let clean = [
        serde_json::to_string(&client.message("draft").await.unwrap()).unwrap(),
        serde_json::to_string(&client.imports().await.unwrap()).unwrap(),
    ];
    for text in clean {
        let text = text.to_lowercase();
        assert!(text.contains("(erased)"), "{text}");
        assert!(!text.contains("ana@example.com") && !text.contains("lovelace"), "{text}");
    }
    let later = serde_json::to_string(&client.message("later").await.unwrap()).unwrap();
    assert!(later.contains("Lovelace"), "what is still to be sent says what its author wrote");
}
