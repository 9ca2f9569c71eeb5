//! Gateways that nobody here has heard of, described in the provider's options.

use super::account::{account, recipient, registry, rendition, send, verdicts};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent, SmsContent};
use herald::providers::adapter::Verdict::{Accepted, Permanent, Refused, Transient, Uncertain};
use herald::providers::adapter::{Adapter, Adapters as _, Rendition};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// A gateway with this answer to everything; what came to it.
async fn gateway(status: u16, answer: &'static str) -> (String, Seen) {
    let seen = Seen::default();
    let service =
        any(move |State(seen): State<Seen>, method: axum::http::Method, headers, body: String| async move {
            seen.lock().unwrap().push((method.to_string(), headers, body));
            (StatusCode::from_u16(status).unwrap(), answer)
        });
    let router = Router::new().fallback_service(service.with_state(Arc::clone(&seen)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v9/send?tenant=a", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, seen)
}

fn connect(channel: Channel, url: &str, options: &[(&str, &str)]) -> Arc<dyn Adapter> {
    let texts: Vec<_> = options
        .iter()
        .chain([&("endpoint", url)])
        .map(|(name, value)| (*name, serde_json::to_string(value).unwrap()))
        .collect();
    let options: Vec<_> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let account = account("http", channel, &options, &[("secret", "s3cr3t")]);
    registry().connect(&account, channel).unwrap()
}

fn sms() -> Rendition {
    rendition(Content::Sms(SmsContent { content: "Say \"hi\"\n& bye".to_owned() }))
}

#[tokio::test]
async fn one_recipient_in_json() {
    let (url, seen) = gateway(200, r#"{"status":"ok","message":{"id":42}}"#).await;
    let adapter = connect(
        Channel::Sms,
        &url,
        &[
            ("method", "PUT"),
            ("headers", r#"{"X-Key": "key {{ secret }}", "X-Reference": "{{ recipient.reference }}"}"#),
            ("body", r#"{"to": {{ recipient.to }}, "text": {{ recipient.body }}}"#),
            ("successPath", "/status"),
            ("successValue", "ok|queued"),
            ("idPath", "/message/id"),
        ],
    );
    let answers =
        send(&*adapter, &sms(), vec![recipient("+4915112345678"), recipient("+4915112345679")]).await;
    assert_eq!(verdicts(&answers), [Accepted, Accepted]);
    assert_eq!(answers[0].provider_id, "42");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    let (method, headers, body) = &seen[0];
    assert_eq!(method, "PUT");
    assert_eq!(
        (&headers["x-key"], &headers["content-type"]),
        (&"key s3cr3t".parse().unwrap(), &"application/json".parse().unwrap())
    );
    assert_eq!(headers["x-reference"], "-4915112345678");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({"to": "+4915112345678", "text": "Say \"hi\"\n& bye"}));
    let report = adapter.test().await;
    assert!(report.ok && report.dialogue.iter().all(|line| !line.text.contains("s3cr3t")));
    assert_eq!(adapter.train(), registry().requests.train);
}

#[tokio::test]
async fn a_batch_with_a_result_for_each() {
    let answer = r#"{"results":[{"state":"sent","id":"a"},{"state":"blocked"}]}"#;
    let (url, seen) = gateway(202, answer).await;
    let adapter = connect(
        Channel::Sms,
        &url,
        &[
            (
                "body",
                r#"{"messages": [{% for one in recipients %}{"to": {{ one.to }}}{% if not loop.last %},{% endif %}{% endfor %}]}"#,
            ),
            ("batch", "3"),
            ("resultsPath", "/results"),
            ("successPath", "/state"),
            ("successValue", "sent"),
            ("idPath", "/id"),
        ],
    );
    let to = ["+4911", "+4922", "+4933", "+4944"].map(recipient).to_vec();
    let answers = send(&*adapter, &sms(), to).await;
    // Who is not in the answer may have been taken.
    assert_eq!(verdicts(&answers), [Accepted, Permanent, Uncertain, Accepted]);
    assert_eq!(answers[0].provider_id, "a");
    let bodies: Vec<Value> =
        seen.lock().unwrap().iter().map(|(_, _, body)| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(bodies[0]["messages"].as_array().unwrap().len(), 3);
    assert_eq!(bodies[1], json!({"messages": [{"to": "+4944"}]}));
}

#[tokio::test]
async fn a_form_and_a_mail() {
    let (url, seen) = gateway(200, "queued").await;
    let adapter = connect(
        Channel::Email,
        &url,
        &[
            ("contentType", "application/x-www-form-urlencoded"),
            ("body", "to={{ recipient.to }}&subject={{ recipient.subject }}&key={{ secret }}"),
        ],
    );
    let mail = EmailContent {
        subject: "50 % & more".to_owned(),
        content: "x".to_owned(),
        ..EmailContent::default()
    };
    let answers =
        send(&*adapter, &rendition(Content::Email(mail)), vec![recipient("ana+b@example.com")]).await;
    assert_eq!(verdicts(&answers), [Accepted]);
    assert_eq!(seen.lock().unwrap()[0].2, "to=ana%2Bb%40example.com&subject=50+%25+%26+more&key=s3cr3t");
}

#[tokio::test]
async fn refusals_go_by_their_status() {
    for (status, verdict) in [
        (400, Permanent),
        (401, Refused),
        (404, Refused),
        (429, Transient),
        (503, Transient),
        (502, Uncertain),
        (302, Refused),
    ] {
        let (url, _) = gateway(status, "no").await;
        let adapter = connect(Channel::Sms, &url, &[("body", "{{ recipient.to }}")]);
        assert_eq!(verdicts(&send(&*adapter, &sms(), vec![recipient("+4911")]).await), [verdict], "{status}");
    }
    // A success that is not JSON where JSON was promised.
    let (url, _) = gateway(200, "hello").await;
    let adapter = connect(Channel::Sms, &url, &[("body", "x"), ("idPath", "/id")]);
    assert_eq!(verdicts(&send(&*adapter, &sms(), vec![recipient("+4911")]).await), [Uncertain]);
}

#[tokio::test]
async fn a_description_that_makes_no_request_is_refused() {
    let connected = |options: &[(&str, &str)]| {
        let texts: Vec<_> = options
            .iter()
            .chain([&("endpoint", "http://127.0.0.1:9/")])
            .map(|(name, value)| (*name, serde_json::to_string(value).unwrap()))
            .collect();
        let options: Vec<_> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        registry().connect(&account("http", Channel::Sms, &options, &[]), Channel::Sms).map(|_| ())
    };
    assert!(connected(&[("body", "x")]).is_ok());
    for options in [
        &[("body", "{{ recipient. }}")][..],
        &[("body", "x"), ("headers", "[1]")],
        &[("body", "x"), ("headers", r#"{"Host": "other"}"#)],
        &[("body", "x"), ("headers", r#"{"a b": "x"}"#)],
        &[("body", "x"), ("idPath", "id")],
        &[("body", "x"), ("batch", "0")],
        &[("body", "x"), ("batch", "5"), ("idPath", "/id")],
        &[("body", "x"), ("method", "DELETE")],
        &[("body", "{{ nothing }}")],
        &[],
        &[("method", "GET")],
        &[("method", "GET"), ("query", "a=1"), ("body", "x")],
        &[("method", "GET"), ("query", "{{ recipient. }}")],
        &[("body", "x"), ("path", "{{ to }}")],
        &[("body", "x"), ("successStatus", "200|many")],
        &[("body", "x"), ("recipientPath", "/to")],
        &[("body", "x"), ("successValue", "ok")],
        &[("body", "x"), ("successPattern", "(")],
        &[("body", "x"), ("successPattern", "OK"), ("successPath", "/ok")],
        &[("body", "x"), ("codePattern", "E"), ("codePath", "/code")],
        &[("body", "x"), ("meanings", r#"{"lost": [400]}"#)],
        &[("body", "x"), ("meanings", r#"{"retry": [42]}"#)],
        &[("body", "x"), ("meanings", r#"{"retry": [429], "permanent": [429]}"#)],
    ] {
        assert!(connected(options).is_err(), "{options:?}");
    }
    // What a template lacks is found before anybody is sent to.
    let adapter = connect(Channel::Sms, "http://127.0.0.1:9/", &[("body", "{{ message.nothing }}")]);
    assert!(adapter.compile(&sms()).is_err());
}
