//! FCM against a service that is as strict as the real one, and against golden requests.

use super::account::{account, recipient, registry, rendition, send, verdicts};
use super::golden::{Http2Peer, assert_golden};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, Priority, PushContent};
use herald::domain::delivery::Stage as At;
use herald::domain::time::Timestamp;
use herald::providers::adapter::Verdict::{
    Accepted, Permanent, Refused, TargetExpired, Transient, Uncertain,
};
use herald::providers::adapter::{Adapter, Adapters as _, Recipient, Rendered, Rendition};
use herald::sandbox::push::fcm_account;
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn sandbox() -> Sandbox {
    Sandbox::builder().http("127.0.0.1:0".parse().unwrap()).start().await.unwrap()
}

fn connect(endpoint: &str, service_account: &str) -> Arc<dyn Adapter> {
    let endpoint = format!("\"{endpoint}\"");
    let account = account(
        "fcm",
        Channel::Push,
        &[("endpoint", endpoint.as_str())],
        &[("serviceAccountJSON", service_account)],
    );
    registry().connect(&account, Channel::Push).unwrap()
}

fn adapter(sandbox: &Sandbox) -> Arc<dyn Adapter> {
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    connect(&format!("{origin}/fcm"), &fcm_account(&origin))
}

pub fn push(content: PushContent) -> Rendition {
    rendition(Content::Push(Box::new(content)))
}

fn hello() -> Rendition {
    push(PushContent {
        title: Some("Hello".to_owned()),
        body: Some("Good morning.".to_owned()),
        ..PushContent::default()
    })
}

fn devices(count: usize) -> Vec<Recipient> {
    (0..count).map(|n| recipient(&format!("device-token-{n:06}"))).collect()
}

/// Every field of the dialect.
pub fn everything() -> PushContent {
    PushContent {
        title: Some("Ünicode".to_owned()),
        body: Some("Two\nlines".to_owned()),
        data: Some(r#"{"text":"x","number":7,"flag":true,"list":[1,"a"]}"#.to_owned()),
        action: Some("OPEN".to_owned()),
        image: Some("bucket:file https://images.example.com/a.png".to_owned().try_into().unwrap()),
        icon: Some("ic_bell".to_owned()),
        sound: Some("bell".to_owned()),
        color: Some("#102030".to_owned()),
        tag: Some("orders".to_owned()),
        badge: Some(3),
        content_available: true,
        critical: true,
        priority: Priority::High,
    }
}

#[tokio::test]
async fn golden_requests() {
    let sandbox = sandbox().await;
    let peer = Http2Peer::answering(200, r#"{"name":"projects/p/messages/1"}"#).await;
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    let adapter = connect(&format!("http://{}", peer.addr), &fcm_account(&origin));
    let silent = PushContent {
        data: Some(r#"{"sync":"now"}"#.to_owned()),
        content_available: true,
        priority: Priority::Normal,
        ..PushContent::default()
    };
    for content in [everything(), silent] {
        let answers = send(&*adapter, &push(content), devices(1)).await;
        assert_eq!(verdicts(&answers), [Accepted]);
        assert_eq!(answers[0].provider_id, "projects/p/messages/1");
    }
    let requests: Vec<_> = peer.caught().iter().map(super::golden::Caught::written).collect();
    assert_golden("fcm", &requests);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_train_goes_over_one_connection_with_one_access_token() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    for _ in 0..2 {
        let answers = send(&*adapter, &hello(), devices(64)).await;
        for answer in &answers {
            assert_eq!(answer.verdict, Accepted, "{answer:?}");
            assert!(answer.provider_id.starts_with("projects/herald-sandbox/messages/"));
        }
    }
    assert_eq!(sandbox.record().arrivals(), 128);
    assert!(sandbox.record().missing_recipients(devices(64).iter().map(|to| &to.address)).is_empty());
    assert_eq!(sandbox.push_tokens().0, 1, "one access token for all");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn requests_share_connections() {
    let sandbox = sandbox().await;
    let peer = Http2Peer::answering(200, r#"{"name":"n"}"#).await;
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    let adapter = connect(&format!("http://{}", peer.addr), &fcm_account(&origin));
    send(&*adapter, &hello(), devices(64)).await;
    send(&*adapter, &hello(), devices(64)).await;
    assert_eq!((peer.caught().len(), peer.connections()), (128, 1));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn an_access_token_that_is_no_longer_taken_is_renewed_once() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    assert_eq!(verdicts(&send(&*adapter, &hello(), devices(1)).await), [Accepted]);
    sandbox.revoke_push_tokens();
    assert!(verdicts(&send(&*adapter, &hello(), devices(20)).await).iter().all(|said| *said == Accepted));
    assert_eq!(sandbox.push_tokens().0, 2);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let rule = |matches: &str, reason: &str| RecipientRule {
        reason: Some(reason.to_owned()),
        ..RecipientRule::reject(matches)
    };
    sandbox
        .faults()
        .http
        .change(|plan| {
            plan.recipients = vec![
                rule("gone-*", "UNREGISTERED"),
                rule("foreign-*", "SENDER_ID_MISMATCH"),
                rule("apple-*", "THIRD_PARTY_AUTH_ERROR"),
                rule("many-*", "QUOTA_EXCEEDED"),
                rule("later-*", "UNAVAILABLE"),
                rule("odd-*", "INVALID_ARGUMENT"),
            ];
        })
        .unwrap();
    let to = ["gone", "foreign", "apple", "many", "later", "odd", "good"]
        .map(|name| recipient(&format!("{name}-device-token-1")));
    let mut to = to.to_vec();
    to.push(recipient("short"));
    to.push(recipient(&"ab".repeat(32)));
    to.push(recipient("{\"endpoint\":\"https://push.example\"}"));
    let answers = send(&*adapter, &hello(), to).await;
    assert_eq!(
        verdicts(&answers),
        [
            TargetExpired,
            Refused,
            Refused,
            Transient,
            Transient,
            Permanent,
            Accepted,
            Permanent,
            Permanent,
            Permanent
        ]
    );
    // They speak of one recipient each: none of them stops the provider by itself.
    assert!(answers[1].stage == At::Recipient && answers[2].stage == At::Recipient);
    assert_eq!(answers[3].retry_after, Some(Duration::from_mins(1)), "Google's wait where none is named");
    assert_eq!(sandbox.record().arrivals(), 1);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn faults_of_the_service() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let reply = |code, retry_after| Effect::Reply { code, text: None, retry_after, reason: None };
    for (effect, verdict, arrives) in [
        (reply(429, Some(7)), Transient, false),
        (reply(500, None), Transient, false),
        (reply(503, Some(3)), Transient, false),
        (Effect::Reset, Uncertain, false),
        (Effect::LoseAnswer, Uncertain, true),
        (Effect::CutAnswer, Uncertain, true),
    ] {
        let rules = vec![Rule { at: Stage::Request, when: When::Next(1), effect: effect.clone() }];
        sandbox.faults().http.change(|plan| plan.rules = rules).unwrap();
        sandbox.record().clear();
        let answers = send(&*adapter, &hello(), devices(1)).await;
        assert_eq!(verdicts(&answers), [verdict], "{effect:?}: {answers:?}");
        assert_eq!(sandbox.record().arrivals(), u64::from(arrives), "{effect:?}");
        if let Effect::Reply { retry_after: Some(seconds), .. } = effect {
            assert_eq!(answers[0].retry_after, Some(Duration::from_secs(seconds.into())));
        }
    }
    sandbox.faults().http.clear();
    assert_eq!(verdicts(&send(&*adapter, &hello(), devices(1)).await), [Accepted]);
    sandbox.faults().http.change(|plan| plan.suspended = true).unwrap();
    let answers = send(&*adapter, &hello(), devices(1)).await;
    assert_eq!((answers[0].verdict, answers[0].stage), (Refused, At::Authentication));
    sandbox.shutdown().await;
}

/// What the real service refuses of an assertion, the sandbox refuses; for us it is misconfigured.
#[tokio::test]
async fn a_service_account_that_is_not_known_stops_the_provider() {
    let sandbox = sandbox().await;
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    let mut file: Value = serde_json::from_str(&fcm_account(&origin)).unwrap();
    for (field, value) in [
        ("client_email", "somebody@else.iam.gserviceaccount.com".to_owned()),
        ("project_id", "another-project".to_owned()),
    ] {
        let before = std::mem::replace(&mut file[field], json!(value));
        let adapter = connect(&format!("{origin}/fcm"), &file.to_string());
        let answers = send(&*adapter, &hello(), devices(1)).await;
        assert_eq!((answers[0].verdict, answers[0].stage), (Refused, At::Authentication), "{field}");
        assert!(!adapter.test().await.ok, "{field}");
        file[field] = before;
    }
    let report = connect(&format!("{origin}/fcm"), &file.to_string()).test().await;
    assert!(report.ok, "{report:?}");
    assert!(report.dialogue.iter().all(|line| !line.text.contains("PRIVATE") && !line.text.contains("ya29")));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_is_too_big_or_reserved_is_not_sent() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let data = |data: Value| push(PushContent { data: Some(data.to_string()), ..PushContent::default() });
    assert!(adapter.compile(&data(json!({"k": "x".repeat(4095)}))).is_ok());
    assert!(adapter.compile(&data(json!({"k": "x".repeat(4096)}))).is_err());
    for name in ["from", "gcm", "google.thing", "message_type"] {
        assert!(adapter.compile(&data(json!({name: "x"}))).is_err(), "{name}");
    }
    assert!(adapter.compile(&data(json!(["no", "object"]))).is_err());
    assert!(adapter.compile(&push(PushContent::default())).is_err(), "nothing to say");
    // The largest is taken.
    let answers = send(&*adapter, &data(json!({"k": "x".repeat(4095)})), devices(1)).await;
    assert_eq!(verdicts(&answers), [Accepted]);
    // A rendering that is too big is that recipient's end alone.
    let mut hello = hello();
    hello.personal = true;
    let mut to = devices(2);
    to[0].rendered = Some(Box::new(Rendered { subject: Some("Hi Ana".to_owned()), body: "x".repeat(5000) }));
    to[1].rendered = Some(Box::new(Rendered { subject: Some("Hi Bo".to_owned()), body: "y".to_owned() }));
    assert_eq!(verdicts(&send(&*adapter, &hello, to).await), [Permanent, Accepted]);
    let kept = sandbox.record().last(1).pop().unwrap();
    let sent: Value = serde_json::from_slice(&kept.content).unwrap();
    assert_eq!(sent["message"]["notification"], json!({"title": "Hi Bo", "body": "y"}));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_deadline_is_the_services_too() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let mut hello = hello();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    hello.expires = Some(Timestamp(now as i64 + 3_600_500));
    assert_eq!(verdicts(&send(&*adapter, &hello, devices(1)).await), [Accepted]);
    let kept = sandbox.record().last(1).pop().unwrap();
    let sent: Value = serde_json::from_slice(&kept.content).unwrap();
    let ttl: u64 =
        sent["message"]["android"]["ttl"].as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
    assert!((3590..=3600).contains(&ttl), "{ttl}");
    let expiration: i64 =
        sent["message"]["apns"]["headers"]["apns-expiration"].as_str().unwrap().parse().unwrap();
    assert_eq!(expiration, hello.expires.unwrap().0 / 1000);
    sandbox.shutdown().await;
}
