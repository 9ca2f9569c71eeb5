//! A message on its way, seen through the API: a real engine, and the sandbox at the other end.

use crate::world::{World, kind, person, topic};
use herald::client::Client;
use herald::domain::delivery::Outcome;
use herald::domain::reason::Why;
use herald::sandbox::{FaultPlan, RecipientRule, Sandbox};
use herald::wire::delivery::DeliveryRequest;
use herald::wire::message::{Envelope, Message, Retry, State, WriteEmail};
use herald::wire::overview::Concern;
use herald::wire::suppression::SuppressionParameters;
use herald::wire::transfer::FoundKind;
use serde_json::json;
use std::time::Duration;

/// How long anything here may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Two people, a topic of both, a provider on the sandbox that refuses the second.
pub async fn ready() -> (World, Client, Sandbox) {
    let world = World::sending().await;
    let client = world.client().operator("mira");
    person(&client, "ana").await;
    person(&client, "bo").await;
    topic(&client, "news", &["ana", "bo"]).await;
    let sandbox = Sandbox::builder().smtp("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let refused = RecipientRule {
        code: 554,
        text: Some("5.2.1 mailbox is disabled".into()),
        ..RecipientRule::reject("bo@*")
    };
    let plan = FaultPlan { recipients: vec![refused], ..FaultPlan::default() };
    sandbox.faults().smtp.set(plan).unwrap();
    let body = json!({
        "providerId": "main", "name": "Main", "host": "127.0.0.1", "port": sandbox.smtp_addr().unwrap().port(),
        "encryption": "none", "autoTLS": false, "fromEmail": "news@example.com", "enabled": true
    });
    let (status, provider) = world.post("/v1/messaging/providers/smtp", body).await;
    assert_eq!((status, &provider["enabled"]), (201, &json!(true)));
    (world, client, sandbox)
}

async fn send(client: &Client, id: &str) -> Message {
    let mail = WriteEmail {
        envelope: Envelope {
            message_id: Some(id.into()),
            topics: Some(vec!["news".into()]),
            ..Envelope::default()
        },
        subject: Some("November".into()),
        content: Some("Hello".into()),
        ..WriteEmail::default()
    };
    client.create_email(&mail).await.unwrap()
}

/// Looks again with each event, until the message is as it should be.
pub async fn until(client: &Client, id: &str, done: impl Fn(&Message) -> bool) -> Message {
    let watch = async {
        let mut events = client.events();
        loop {
            let message = client.message(id).await.unwrap();
            if done(&message) {
                return message;
            }
            events.next().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, watch).await.unwrap()
}

#[tokio::test]
async fn what_became_of_each_is_told() {
    let (world, client, sandbox) = ready().await;
    send(&client, "m").await;
    let message = until(&client, "m", |message| message.state.is_over()).await;
    assert_eq!((message.state, message.delivered_total), (State::Failed, 1));
    assert!(
        message.delivery_errors.iter().any(|cause| cause.contains("554")),
        "{:?}",
        message.delivery_errors
    );
    assert!(message.why.is_none() && message.delivered_at.is_some());
    assert_eq!(message.providers, ["main".parse().unwrap()]);

    let of_message = DeliveryRequest { message: Some("m".parse().unwrap()), ..DeliveryRequest::default() };
    assert_eq!(client.deliveries(&of_message).await.unwrap().deliveries.len(), 2);
    let refused =
        DeliveryRequest { filter: Some("outcome=permanent since=1h".into()), ..DeliveryRequest::default() };
    let page = client.deliveries(&refused).await.unwrap();
    let [row] = &page.deliveries[..] else { panic!("{page:?}") };
    assert_eq!((row.outcome, row.code, row.address.as_str()), (Outcome::Permanent, 554, "bo@example.com"));
    assert_eq!((row.headline.as_str(), row.provider_id.as_ref().unwrap().as_str()), ("November", "main"));
    for filter in ["to~bo@", "provider=main code>=500", "message=m outcome!=accepted", "target=bo-t"] {
        let request = DeliveryRequest { filter: Some(filter.into()), ..DeliveryRequest::default() };
        let found = client.deliveries(&request).await.unwrap();
        assert_eq!(found.deliveries, page.deliveries, "{filter}");
    }
    for filter in ["target=nobody", "message=x", "code=999"] {
        let request = DeliveryRequest { filter: Some(filter.into()), ..DeliveryRequest::default() };
        assert!(client.deliveries(&request).await.unwrap().deliveries.is_empty(), "{filter}");
    }
    // The address alone leads to its rows: none of anybody else's is looked at.
    for (filter, found) in
        [("to=Bo@Example.com", 1), ("to=bo@example.com outcome=accepted", 0), ("to=nobody@example.com", 0)]
    {
        let request = DeliveryRequest { filter: Some(filter.into()), ..DeliveryRequest::default() };
        let page = client.deliveries(&request).await.unwrap();
        assert_eq!((page.deliveries.len(), page.cut_short), (found, false), "{filter}");
        assert!(page.scanned <= 1, "{filter}: {page:?}");
    }
    let to_ana = DeliveryRequest { address: Some("Ana@Example.com".into()), ..DeliveryRequest::default() };
    let rows = client.deliveries(&to_ana).await.unwrap().deliveries;
    assert_eq!((rows.len(), rows[0].outcome), (1, Outcome::Accepted));

    let mail = String::from_utf8_lossy(&sandbox.record().last(1)[0].content).into_owned();
    let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
    let found = client.find(id).await.unwrap();
    let kinds: Vec<_> = found.found.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [FoundKind::Message, FoundKind::Target, FoundKind::Delivery], "{id}");

    let overview = client.overview().await.unwrap();
    let cause = &overview.causes[0];
    assert_eq!((cause.code, cause.count, cause.spans.iter().sum::<u32>()), (554, 1, 1), "{cause:?}");
    assert_eq!(overview.states.failed, 1);
    let detail = client.message_detail("m").await.unwrap();
    assert_eq!((detail.planned, detail.lanes.len(), detail.lanes[0].progress.failed), (true, 1, 1));
    let why = client.why("bo-t").await.unwrap();
    assert!(why.sentence.contains("hard bounce") && why.sentence.contains("554"), "{}", why.sentence);
    let export = client.export_person("bo@example.com").await.unwrap();
    assert_eq!(export.deliveries.len(), 1);
    drop(world);
}

#[tokio::test]
async fn who_failed_is_tried_again() {
    let (_world, client, sandbox) = ready().await;
    send(&client, "m").await;
    until(&client, "m", |message| message.state.is_over()).await;
    let dry = client.retry_message("m", &Retry { dry_run: true, ..Retry::default() }).await.unwrap();
    let left: Vec<_> = dry.left_out.iter().map(|left| (left.reason.as_str(), left.count)).collect();
    assert_eq!((dry.recipients, left), (0, vec![("on the suppression list: hard bounce", 1)]));
    sandbox.faults().smtp.clear();
    // The service said that the mailbox is disabled, which has suppressed it.
    let listed = client.suppressions(&SuppressionParameters::default()).await.unwrap().suppressions;
    assert_eq!((listed.len(), listed[0].address.as_str()), (1, "bo@example.com"));
    client.lift_suppression(&listed[0].id).await.unwrap();
    let dry = client.retry_message("m", &Retry { dry_run: true, ..Retry::default() }).await.unwrap();
    assert_eq!((dry.recipients, dry.left_out.len()), (1, 0));
    client.retry_message("m", &Retry::default()).await.unwrap();
    let message = until(&client, "m", |message| message.state == State::Sent).await;
    assert_eq!((message.delivered_total, message.run), (2, 2));
    assert_eq!(
        (sandbox.record().recipient("ana@example.com"), sandbox.record().recipient("bo@example.com")),
        (1, 1)
    );
    assert_eq!(kind(client.retry_message("m", &Retry::default()).await), "general_not_allowed_now");
}

#[tokio::test]
async fn a_paused_provider_is_named_and_waits() {
    let (_world, client, sandbox) = ready().await;
    sandbox.faults().smtp.clear();
    client.pause_provider("main").await.unwrap();
    send(&client, "m").await;
    let paused = |message: &Message| matches!(message.why.as_ref().map(|reason| &reason.why), Some(Why::ProviderPaused { by, .. }) if by == "mira");
    let message = until(&client, "m", |message| message.progress.planned == 2 && paused(message)).await;
    assert_eq!(message.state, State::Processing);
    let overview = client.overview().await.unwrap();
    assert_eq!(overview.needs_you[0].concern, Concern::ProviderPaused);
    assert_eq!((overview.waiting, overview.providers[0].queued), (2, 2));
    client.resume_provider("main").await.unwrap();
    until(&client, "m", |message| message.state == State::Sent).await;
    assert_eq!(sandbox.record().arrivals(), 2);
}

#[tokio::test]
async fn a_provider_is_tested_without_sending() {
    let (_world, client, sandbox) = ready().await;
    let report = client.test_provider("main").await.unwrap();
    assert!(report.ok && !report.dialogue.is_empty(), "{report:?}");
    assert_eq!(sandbox.record().arrivals(), 0);
}

#[tokio::test]
async fn stopping_all_sending_holds_what_is_due() {
    let (_world, client, sandbox) = ready().await;
    sandbox.faults().smtp.clear();
    client.stop_sending().await.unwrap();
    send(&client, "m").await;
    let stopped = |message: &Message| {
        matches!(message.why.as_ref().map(|reason| &reason.why), Some(Why::Stopped { .. }))
    };
    until(&client, "m", stopped).await;
    assert_eq!(sandbox.record().arrivals(), 0);
    client.resume_sending().await.unwrap();
    until(&client, "m", |message| message.state == State::Sent).await;
}

#[tokio::test]
async fn a_test_message_goes_to_one_address_and_leaves_no_trace_of_it() {
    let (world, client, sandbox) = ready().await;
    let report = client.send_test("main", "Somebody@example.com".into()).await.unwrap();
    assert_eq!((report.ok, report.sent), (true, Some(true)), "{report:?}");
    assert_eq!(sandbox.record().arrivals(), 1);
    let said = serde_json::to_string(&report.dialogue).unwrap();
    assert!(said.contains("MAIL FROM") && said.contains("a test message to somebody@example.com"), "{said}");
    let audit = serde_json::to_string(&client.audit(Some("provider/main"), None, 10).await.unwrap()).unwrap();
    assert!(audit.contains("provider.test") && !audit.contains("somebody"), "{audit}");

    let refused = client.send_test("main", "bo@example.com".into()).await.unwrap();
    assert_eq!((refused.ok, refused.sent), (false, Some(false)), "{refused:?}");
    assert!(refused.finding.contains("5.2.1 mailbox is disabled"), "{}", refused.finding);
    let (status, error) = world.post("/v1/herald/providers/main/test", json!({"to": "+4915112345678"})).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")));
    client.stop_sending().await.unwrap();
    assert!(client.send_test("main", "somebody@example.com".into()).await.is_err());
    assert!(client.test_provider("main").await.unwrap().ok, "it may be talked to all the same");
    assert_eq!(sandbox.record().arrivals(), 1);
}
