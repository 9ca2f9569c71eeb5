//! APNs against a service that is as strict as the real one, and against golden requests.

use super::account::{account, recipient, registry, rendition, send, verdicts};
use super::fcm::{everything, push};
use super::golden::{Caught, Http2Peer, assert_golden};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herald::domain::channel::Channel;
use herald::domain::content::{Content, Priority, PushContent, SmsContent};
use herald::domain::delivery::Stage as At;
use herald::domain::time::Timestamp;
use herald::providers::adapter::Verdict::{
    Accepted, Permanent, Refused, TargetExpired, Transient, Uncertain,
};
use herald::providers::adapter::{Adapter, Adapters as _, Recipient, Rendition};
use herald::sandbox::push::{APNS_KEY, APNS_KEY_ID, APNS_TEAM, APNS_TOPIC};
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn sandbox() -> Sandbox {
    Sandbox::builder().http("127.0.0.1:0".parse().unwrap()).start().await.unwrap()
}

fn connect(addr: std::net::SocketAddr, change: Option<(&str, &str)>) -> Arc<dyn Adapter> {
    let endpoint = format!("\"http://{addr}/apns\"");
    let mut credentials = vec![
        ("authKey", APNS_KEY),
        ("authKeyId", APNS_KEY_ID),
        ("teamId", APNS_TEAM),
        ("bundleId", APNS_TOPIC),
    ];
    if let Some((name, value)) = change {
        credentials.iter_mut().filter(|(own, _)| *own == name).for_each(|own| own.1 = value);
    }
    let account = account("apns", Channel::Push, &[("endpoint", endpoint.as_str())], &credentials);
    registry().connect(&account, Channel::Push).unwrap()
}

fn adapter(sandbox: &Sandbox) -> Arc<dyn Adapter> {
    connect(sandbox.http_addr().unwrap(), None)
}

fn hello() -> Rendition {
    push(PushContent { title: Some("Hello".to_owned()), ..PushContent::default() })
}

/// A device whose token begins with this number.
fn device(n: u32) -> Recipient {
    recipient(&format!("{n:08x}{}", "ab".repeat(28)))
}

fn devices(count: u32) -> Vec<Recipient> {
    (1..=count).map(device).collect()
}

fn silent() -> PushContent {
    PushContent {
        data: Some(r#"{"sync":"now"}"#.to_owned()),
        content_available: true,
        priority: Priority::High,
        ..PushContent::default()
    }
}

#[tokio::test]
async fn golden_requests() {
    let peer = Http2Peer::answering(200, "").await;
    let adapter = connect(peer.addr, None);
    for content in [everything(), silent()] {
        let mut rendition = push(content);
        rendition.expires = Some(Timestamp(1_800_000_000_500));
        assert_eq!(verdicts(&send(&*adapter, &rendition, devices(1)).await), [Accepted]);
    }
    let requests: Vec<_> = peer.caught().iter().map(Caught::written).collect();
    assert_golden("apns", &requests);
}

/// The token as Apple documents it, its signature verified against the public half of the key.
#[tokio::test]
async fn the_provider_token_is_signed_and_shared() {
    let peer = Http2Peer::answering(200, "").await;
    let adapter = connect(peer.addr, None);
    send(&*adapter, &hello(), devices(40)).await;
    let caught = peer.caught();
    assert_eq!((caught.len(), peer.connections()), (40, 1), "one connection");
    let token = caught[0].header("authorization").strip_prefix("bearer ").unwrap();
    assert!(caught.iter().all(|one| one.header("authorization").ends_with(token)), "one token");
    let parts: Vec<_> = token.split('.').collect();
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(json(parts[0]), json!({"alg": "ES256", "kid": APNS_KEY_ID, "typ": "JWT"}));
    let claims = json(parts[1]);
    assert_eq!(claims["iss"], APNS_TEAM);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(claims["iat"].as_u64().unwrap()) < 60);
    // An uncompressed point is the last 65 bytes of a PKCS #8 key that openssl wrote.
    let der = PrivatePkcs8KeyDer::from_pem_slice(APNS_KEY.as_bytes()).unwrap();
    let der = der.secret_pkcs8_der();
    let public = &der[der.len() - 65..];
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature)
        .unwrap();
}

#[tokio::test]
async fn notifications_arrive_once_each() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let answers = send(&*adapter, &hello(), devices(64)).await;
    for answer in &answers {
        assert_eq!(answer.verdict, Accepted, "{answer:?}");
        assert_eq!(answer.provider_id.len(), 36, "the apns-id");
    }
    assert_eq!((sandbox.record().arrivals(), sandbox.record().summary().duplicated), (64, 0));
    assert_eq!(sandbox.push_tokens().1, 1);
    // A background push, and everything at once, pass the strict service.
    for content in [silent(), everything()] {
        assert_eq!(verdicts(&send(&*adapter, &push(content), devices(1)).await), [Accepted]);
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let rule = |n: u32, reason: &str| RecipientRule {
        reason: Some(reason.to_owned()),
        ..RecipientRule::reject(format!("{n:08x}*"))
    };
    sandbox
        .faults()
        .http
        .change(|plan| {
            plan.recipients = vec![
                rule(1, "Unregistered"),
                rule(2, "ExpiredToken"),
                rule(3, "BadDeviceToken"),
                rule(4, "DeviceTokenNotForTopic"),
                rule(5, "TooManyRequests"),
            ];
        })
        .unwrap();
    let mut to = devices(6);
    to.push(recipient("not-hexadecimal"));
    let answers = send(&*adapter, &hello(), to).await;
    assert_eq!(
        verdicts(&answers),
        [TargetExpired, TargetExpired, TargetExpired, Refused, Transient, Accepted, Permanent]
    );
    assert_eq!(answers[3].stage, At::Recipient, "it speaks of one recipient");
    assert_eq!(sandbox.record().arrivals(), 1);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_wrong_environment_does_not_kill_tokens() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let bad = RecipientRule { reason: Some("BadDeviceToken".to_owned()), ..RecipientRule::reject("*") };
    sandbox.faults().http.change(|plan| plan.recipients = vec![bad]).unwrap();
    let answers = send(&*adapter, &hello(), devices(60)).await;
    let expired = answers.iter().filter(|answer| answer.verdict == TargetExpired).count();
    assert_eq!(expired, 20, "no more than that while not one token was good");
    assert!(answers.iter().any(|answer| answer.text.contains("environment")));
    // One good token says that it is the right environment.
    sandbox.faults().http.clear();
    assert_eq!(verdicts(&send(&*adapter, &hello(), devices(1)).await), [Accepted]);
    let bad = RecipientRule { reason: Some("BadDeviceToken".to_owned()), ..RecipientRule::reject("*") };
    sandbox.faults().http.change(|plan| plan.recipients = vec![bad]).unwrap();
    let answers = send(&*adapter, &hello(), devices(30)).await;
    assert!(verdicts(&answers).iter().all(|said| *said == TargetExpired));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn faults_of_the_service() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let reply = |code, text: &str| Effect::Reply {
        code,
        text: Some(text.to_owned()),
        retry_after: None,
        reason: None,
    };
    for (effect, verdict, arrives) in [
        (reply(429, "TooManyProviderTokenUpdates"), Transient, false),
        (reply(500, "InternalServerError"), Transient, false),
        (reply(503, "Shutdown"), Transient, false),
        (reply(403, "InvalidProviderToken"), Refused, false),
        (reply(403, "ExpiredProviderToken"), Transient, false),
        (reply(413, "PayloadTooLarge"), Permanent, false),
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
    }
    sandbox.faults().http.clear();
    // Apple asks to wait a quarter of an hour after an error of its own.
    let rules = vec![Rule { at: Stage::Request, when: When::Next(1), effect: Effect::reply(503) }];
    sandbox.faults().http.change(|plan| plan.rules = rules).unwrap();
    let answers = send(&*adapter, &hello(), devices(1)).await;
    assert_eq!(answers[0].retry_after, Some(Duration::from_mins(15)));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn an_account_that_is_not_known_stops_the_provider() {
    let sandbox = sandbox().await;
    let addr = sandbox.http_addr().unwrap();
    for change in [("authKeyId", "ANOTHERKEY"), ("teamId", "ANOTHERTEA"), ("bundleId", "org.example.other")] {
        let adapter = connect(addr, Some(change));
        let answers = send(&*adapter, &hello(), devices(1)).await;
        assert_eq!(answers[0].verdict, Refused, "{change:?}: {answers:?}");
        let report = adapter.test().await;
        assert!(!report.ok && !report.dialogue.is_empty(), "{change:?}");
    }
    assert!(adapter(&sandbox).test().await.ok);
    assert_eq!(sandbox.record().arrivals(), 0);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_is_too_big_or_reserved_is_not_sent() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox);
    let with = |size: usize| push(PushContent { title: Some("x".repeat(size)), ..PushContent::default() });
    // {"aps":{"alert":{"title":"…"}}} has 31 bytes besides.
    let most = 4096 - r#"{"aps":{"alert":{"title":""}}}"#.len();
    assert!(adapter.compile(&with(most + 1)).is_err());
    assert_eq!(verdicts(&send(&*adapter, &with(most), devices(1)).await), [Accepted]);
    let aps = PushContent { data: Some(r#"{"aps":{}}"#.to_owned()), ..everything() };
    assert!(adapter.compile(&push(aps)).is_err());
    let sms = rendition(Content::Sms(SmsContent { content: "x".to_owned() }));
    assert!(adapter.compile(&sms).is_err());
    sandbox.shutdown().await;
}
