//! The whole way of a receipt, over real connections: sent through the sandbox that plays the
//! service, accepted, a receipt signed as the service signs, the timeline, the suppression list,
//! and the next plan.

use crate::sending::until;
use crate::world::{World, person, topic};
use axum::body::Body;
use herald::api::{Peer, serve_tcp};
use herald::client::Client;
use herald::domain::channel::Channel;
use herald::domain::delivery::Outcome;
use herald::sandbox::Sandbox;
use herald::sandbox::receipts::{ReceiptOrder, sendgrid_public_key};
use herald::wire::delivery::{Delivery, DeliveryRequest};
use herald::wire::message::{Envelope, WriteEmail, WriteSms};
use herald::wire::person::CreateTarget;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What an account at the sandbox has, and with what its receipts are signed.
fn accounts() -> Vec<(&'static str, Value, String)> {
    let from = json!({"fromEmail": "news@sender.example"});
    let with = |mut more: Value| {
        for (name, value) in from.as_object().unwrap() {
            more[name] = value.clone();
        }
        more
    };
    let svix = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let arn = "arn:aws:sns:eu-central-1:123456789012:receipts";
    vec![
        (
            "mailgun",
            with(
                json!({"apiKey": "sandbox", "domain": "mg.sender.example", "isEuRegion": false, "webhookSigningKey": "signing-key-of-mailgun"}),
            ),
            "signing-key-of-mailgun".into(),
        ),
        (
            "sendgrid",
            with(json!({"apiKey": "sandbox", "webhookPublicKey": sendgrid_public_key()})),
            String::new(),
        ),
        ("resend", with(json!({"apiKey": "sandbox", "webhookSecret": svix})), svix.into()),
        (
            "ses",
            with(
                json!({"accessKey": "AKIDEXAMPLE", "secretKey": "sandbox", "region": "eu-central-1", "snsTopicArn": arn}),
            ),
            arn.into(),
        ),
        (
            "twilio",
            json!({"accountSid": "AC0123456789abcdef0123456789abcdef", "authToken": "sandbox", "from": "+15005550006", "receipts": true}),
            "sandbox".into(),
        ),
        (
            "plivo",
            json!({"authId": "MAXXXXXXXXXXXXXXXXXX", "authToken": "sandbox", "from": "+15005550006", "receipts": true}),
            "sandbox".into(),
        ),
        (
            "vonage",
            json!({"apiKey": "abcd1234", "apiSecret": "sandbox", "from": "Herald", "signatureSecret": "a-signature-secret"}),
            "a-signature-secret".into(),
        ),
    ]
}

async fn send(client: &Client, id: &str, channel: Channel) {
    let envelope =
        Envelope { message_id: Some(id.into()), topics: Some(vec!["news".into()]), ..Envelope::default() };
    if channel == Channel::Email {
        let subject = Some("November".into());
        let mail = WriteEmail { envelope, subject, content: Some("Hello".into()), ..WriteEmail::default() };
        client.create_email(&mail).await.unwrap();
    } else {
        let sms = WriteSms { envelope, content: Some("Hello".into()) };
        client.create_sms(&sms).await.unwrap();
    }
    until(client, id, |message| message.state.is_over()).await;
}

async fn rows(client: &Client, id: &str) -> Vec<Delivery> {
    let request = DeliveryRequest {
        message: Some(id.parse().unwrap()),
        ascending: Some(true),
        ..DeliveryRequest::default()
    };
    client.deliveries(&request).await.unwrap().deliveries
}

#[tokio::test]
async fn from_the_service_to_the_next_plan() {
    let sandbox = Sandbox::builder().http("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let at = sandbox.http_addr().unwrap();
    for (kind, mut fields, secret) in accounts() {
        let world = World::sending().await;
        let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let client = world.client();
        let channel = herald::domain::provider::kind(kind).unwrap().channels[0];
        person(&client, "ana").await;
        let mut address = "ana@example.com".to_owned();
        if channel == Channel::Sms {
            "+4915112345678".clone_into(&mut address);
            let phone = CreateTarget {
                target_id: "ana-p".into(),
                provider_type: Channel::Sms,
                identifier: address.clone(),
                provider_id: None,
                name: None,
            };
            client.create_target("ana", &phone).await.unwrap();
        }
        topic(&client, "news", &["ana"]).await;
        if channel == Channel::Sms {
            let body = json!({"subscriberId": "phone", "targetId": "ana-p"});
            assert_eq!(world.post("/v1/messaging/topics/news/subscribers", body).await.0, 201);
        }
        fields["providerId"] = "main".into();
        fields["name"] = "Main".into();
        fields["enabled"] = true.into();
        fields["endpoint"] = format!("http://{at}/{kind}").into();
        let (status, made) = world.post(&format!("/v1/messaging/providers/{kind}"), fields).await;
        assert_eq!((status, &made["enabled"]), (201, &json!(true)), "{kind} {made}");
        send(&client, "first", channel).await;
        let accepted = rows(&client, "first").await.remove(0);
        assert_eq!(accepted.outcome, Outcome::Accepted, "{kind}: {}", accepted.answer);
        assert!(!accepted.service_id.is_empty(), "{kind}");

        let order = ReceiptOrder {
            kind: kind.into(),
            url: format!("http://{}/v1/receipts/main", door.address().unwrap()),
            // What the world says it can be reached at.
            public: "https://push.example.com/v1/receipts/main".into(),
            secret,
            event: "bounced".into(),
            permanent: true,
            id: accepted.service_id.clone(),
            reference: String::new(),
            to: address.clone(),
            endpoint: format!("http://{at}/ses"),
        };
        let forged = ReceiptOrder { secret: "b3RoZXItc2VjcmV0LW9mLW91cnM=".into(), ..order.clone() };
        if kind != "sendgrid" {
            assert_eq!(forged.send().await, Ok(401), "{kind}");
        }
        assert_eq!(order.send().await, Ok(200), "{kind}");
        let strange = ReceiptOrder { id: "of-somebody-else".into(), ..order.clone() };
        assert_eq!(strange.send().await, Ok(200), "{kind}");
        let repeated = ReceiptOrder { ..order.clone() };
        assert_eq!(repeated.send().await, Ok(200), "{kind}");

        let told = rows(&client, "first").await;
        let outcomes: Vec<_> = told.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Outcome::Accepted, Outcome::Bounced], "{kind}");
        assert_eq!((&told[1].address, told[1].attempt), (&address, 1));
        let message = client.message("first").await.unwrap();
        assert_eq!(message.receipts.bounced, 1, "{kind}");
        assert_eq!((message.progress.accepted, message.progress.failed), (1, 0), "the dialect's counts stay");
        let (_, health) = world.get("/v1/herald/providers").await;
        let receipts = &health[0]["receipts"];
        let expected = u64::from(kind != "sendgrid");
        assert_eq!(
            (&receipts["recorded"], &receipts["unknown"], &receipts["refused"]),
            (&json!(1), &json!(1), &json!(expected)),
            "{kind}"
        );
        let metrics = crate::metrics::read(&world).await;
        for (line, count) in [
            (r#"receipts_total{provider="main",kind="bounced"}"#, 1),
            (r#"receipts_total{provider="main",kind="delivered"}"#, 0),
            (r#"receipts_passed_over_total{provider="main",reason="unknown"}"#, 1),
            (r#"receipts_passed_over_total{provider="main",reason="refused"}"#, expected),
        ] {
            assert_eq!(metrics.get(&format!("herald_{line}")), Some(&count), "{kind}: {line}");
        }
        // The next plan leaves the address out.
        send(&client, "second", channel).await;
        let second = rows(&client, "second").await;
        assert_eq!(second.iter().map(|row| row.outcome).collect::<Vec<_>>(), [Outcome::Skipped], "{kind}");
        door.close(std::time::Duration::from_secs(1)).await;
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_again() {
    let world = World::set(&[]).await;
    let ask = async |from: &str, path: &str| {
        let peer = Peer::tcp(format!("{from}:4711").parse().unwrap());
        let request = Request::post(path).body(Body::empty()).unwrap();
        let answer = world.api.for_peer(peer).oneshot(request).await.unwrap();
        (answer.status().as_u16(), answer.headers().get("retry-after").cloned())
    };
    for (path, most) in [("/v1/receipts/nobody", 30_000), ("/v1/herald/unsubscribe/x", 3_000)] {
        let mut refused = None;
        for n in 0..most {
            let (status, wait) = ask("203.0.113.9", path).await;
            if status == 429 {
                refused = Some((n, wait));
                break;
            }
            assert!(status == 404 || status == 400, "{path}: {status}");
        }
        let (n, wait) = refused.expect("nobody is let in without end");
        assert!(n >= 200 && wait.unwrap().to_str().unwrap().parse::<u64>().unwrap() >= 1, "{path}");
        assert_ne!(ask("203.0.113.10", path).await.0, 429, "{path}: each address has its own");
    }
    // Half an address of the sixth version is one house.
    let mut n = 0;
    while ask(&format!("[2001:db8::{:x}]", n % 1000), "/v1/herald/unsubscribe/x").await.0 != 429 {
        n += 1;
        assert!(n < 3000);
    }
    assert_ne!(ask("[2001:db8:0:1::1]", "/v1/herald/unsubscribe/x").await.0, 429);
}

#[tokio::test]
async fn the_door_is_open_and_nothing_gets_in() {
    let world = World::set(&[]).await;
    let (status, _) = world.post("/v1/receipts/nobody", json!({})).await;
    assert_eq!(status, 404);
    let fields =
        json!({"providerId": "main", "name": "Main", "host": "127.0.0.1", "fromEmail": "a@b.example"});
    assert_eq!(world.post("/v1/messaging/providers/smtp", fields).await.0, 201);
    let (status, refused) = world.post("/v1/receipts/main", json!({"events": []})).await;
    assert_eq!((status, &refused["type"]), (404, &json!("receipts_not_set_up")));
    let token = json!({"receiptToken": "0123456789abcdef"});
    assert_eq!(world.patch("/v1/messaging/providers/smtp/main", token).await.0, 200);
    for path in ["/v1/receipts/main", "/v1/receipts/main/0123456789abcdee"] {
        let (status, refused) = world.post(path, json!({"events": []})).await;
        assert_eq!((status, &refused["type"]), (401, &json!("receipt_refused")));
    }
    assert_eq!(world.post("/v1/receipts/main/0123456789abcdef", json!({"events": []})).await.0, 200);
    let large = "x".repeat(3 << 20);
    assert_eq!(world.post("/v1/receipts/main/0123456789abcdef", json!({ "events": large })).await.0, 413);
    // A secret is shown to nobody, and a rule of the guard is checked.
    let (_, shown) = world.get("/v1/messaging/providers/main").await;
    assert_eq!(shown["credentials"]["receiptToken"], json!("••••cdef"));
    assert_eq!(shown["guard"]["bouncePercent"], json!(5.0));
    let rule = json!({"guard": {"bouncePercent": 0}});
    assert_eq!(world.patch("/v1/messaging/providers/smtp/main", rule).await.0, 400);
    let rule = json!({"guard": {"bouncePercent": 2.5, "window": 500}});
    let (status, shown) = world.patch("/v1/messaging/providers/smtp/main", rule).await;
    assert_eq!(
        (status, &shown["guard"]["bouncePercent"], &shown["guard"]["window"]),
        (200, &json!(2.5), &json!(500))
    );
}
