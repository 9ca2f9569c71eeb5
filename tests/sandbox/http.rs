//! The protocol for text messages and notifications, and its faults.

use std::time::{Duration, Instant};

use super::client::{Answer, Web, both, sms};
use herald::sandbox::{
    Effect, FaultPlan, Kind, Latency, Limit, RecipientRule, Rule, Sandbox, Stage, Trickle, When,
};
use serde_json::{Value, json};

async fn with(plan: FaultPlan) -> (Sandbox, Web) {
    let sandbox = both().start().await.unwrap();
    sandbox.faults().http.set(plan).unwrap();
    let web = Web::sending(&sandbox);
    (sandbox, web)
}

fn rule(at: Stage, when: When, effect: Effect) -> FaultPlan {
    FaultPlan { rules: vec![Rule { at, when, effect }], ..FaultPlan::default() }
}

async fn keyed(web: &Web, key: &str, body: &Value) -> reqwest::Result<Answer> {
    let request = web.request("POST", "/send/sms");
    Web::take(request.header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn text_messages_and_notifications_arrive() {
    let (sandbox, web) = with(FaultPlan::default()).await;
    let answer = web.sms(&["+4915112345678", "12", "+4915112345679"]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let results = &answer.json()["results"];
    assert_eq!(results[0]["to"], "+4915112345678");
    assert_eq!(results[0]["status"], "accepted");
    assert_eq!(results[1]["status"], "rejected");
    assert_eq!(results[1]["code"], "invalid_number");
    assert_eq!(results[2]["status"], "accepted");
    assert_ne!(results[0]["id"], results[2]["id"]);

    let body = json!({"recipients": [
        {"to": "a \"token\"", "reference": "p1", "title": "Hi", "body": "you", "data": {"k": "v"}},
        {"to": "", "reference": "p2", "title": "Hi"},
    ]});
    let results = web.call("POST", "/send/push", &body).await.json();
    assert_eq!(results["results"][0]["to"], "a \"token\"");
    assert_eq!(results["results"][0]["status"], "accepted");
    assert_eq!(results["results"][1]["code"], "invalid_token");

    let summary = sandbox.record().summary();
    assert_eq!((summary.sms, summary.push, summary.email), (2, 1, 0));
    assert_eq!(sandbox.record().reference("r+4915112345678"), 1);
    assert_eq!(sandbox.record().recipient("12"), 0);
    let last = sandbox.record().last(1).remove(0);
    assert_eq!((last.kind, last.reference.as_str()), (Kind::Push, "p1"));
    let content: Value = serde_json::from_slice(&last.content).unwrap();
    assert_eq!(content, body["recipients"][0]);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_records_nothing() {
    let (sandbox, web) = with(FaultPlan::default()).await;
    let good = sms(&["+4915112345678"]);
    let post = |path: &str| web.request("POST", path);
    let many = vec!["+4915112345678"; 101];
    let cases = [
        (post("/send/sms").json(&json!({})), 400, "malformed"),
        (post("/send/sms").json(&json!({"recipients": []})), 400, "malformed"),
        (post("/send/sms").json(&sms(&many)), 400, "malformed"),
        (post("/send/push").json(&good), 400, "malformed"),
        (post("/send/sms").body(good.to_string()), 400, "malformed"),
        (post("/send/sms").header("content-type", "text/plain").body(good.to_string()), 400, "malformed"),
        (post("/send/sms").header("idempotency-key", "").json(&good), 400, "malformed"),
        (post("/send/sms").json(&"x".repeat(1024 * 1024)), 413, "too_large"),
        (web.anonymous("POST", "/send/sms").bearer_auth("other").json(&good), 401, "unauthorized"),
        (post("/send/fax").json(&good), 404, "not_found"),
        (web.anonymous("POST", "/send/sms").json(&good), 401, "unauthorized"),
        (web.request("POST", "/send/sms").bearer_auth("other").json(&good), 401, "unauthorized"),
        (web.request("GET", "/send/sms"), 405, "method_not_allowed"),
    ];
    for (request, status, code) in cases {
        let answer = Web::take(request).await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
    }
    assert_eq!(sandbox.record().arrivals(), 0);
    let hundred = vec!["+4915112345678"; 100];
    assert_eq!(web.sms(&hundred).await.status, 200);
    assert_eq!(sandbox.record().arrivals(), 100);
}

#[tokio::test]
async fn a_key_counts_once() {
    let (sandbox, web) = with(FaultPlan::default()).await;
    let body = sms(&["+4915112345678", "12"]);
    let first = keyed(&web, "k", &body).await.unwrap();
    let again = keyed(&web, "k", &body).await.unwrap();
    assert_eq!((again.status, &again.text), (200, &first.text));
    let other = keyed(&web, "k", &sms(&["+4915112345679"])).await.unwrap();
    assert_eq!((other.status, other.code().as_str()), (409, "idempotency_mismatch"));
    assert_eq!(sandbox.record().arrivals(), 1);
    // Another key, and no key at all, are other requests.
    assert_ne!(keyed(&web, "l", &body).await.unwrap().text, first.text);
    web.call("POST", "/send/sms", &body).await;
    assert_eq!(sandbox.record().arrivals(), 3);
}

#[tokio::test]
async fn a_lost_answer_is_had_again_by_its_key() {
    for effect in [Effect::LoseAnswer, Effect::CutAnswer] {
        let (sandbox, web) = with(rule(Stage::Request, When::Next(1), effect)).await;
        let body = sms(&["+4915112345678"]);
        keyed(&web, "k", &body).await.unwrap_err();
        assert_eq!(sandbox.record().arrivals(), 1);
        let answer = keyed(&web, "k", &body).await.unwrap();
        assert_eq!(answer.json()["results"][0]["status"], "accepted");
        assert_eq!(sandbox.record().arrivals(), 1);
        assert_eq!(sandbox.faults().http.counts().answers_lost, 1);
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_request_records_nothing() {
    let (sandbox, web) = with(rule(Stage::Request, When::Next(1), Effect::Reset)).await;
    let body = sms(&["+4915112345678"]);
    keyed(&web, "k", &body).await.unwrap_err();
    assert_eq!(sandbox.record().arrivals(), 0);
    assert_eq!(keyed(&web, "k", &body).await.unwrap().status, 200);
    assert_eq!(sandbox.record().arrivals(), 1);
}

#[tokio::test]
async fn refusals_say_what_a_sender_needs() {
    let refusal = |code, retry_after| Effect::Reply { code, text: None, retry_after, reason: None };
    for (effect, status, code, retry_after) in [
        (refusal(429, Some(7)), 429, "rate_limited", Some("7")),
        (refusal(429, None), 429, "rate_limited", Some("1")),
        (refusal(500, None), 500, "internal", None),
        (refusal(503, Some(2)), 503, "unavailable", Some("2")),
        (refusal(502, None), 502, "failed", None),
        (refusal(403, None), 403, "suspended", None),
        (refusal(422, None), 422, "refused", None),
    ] {
        let (sandbox, web) = with(rule(Stage::Request, When::Next(1), effect)).await;
        let answer = web.sms(&["+4915112345678"]).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("retry-after"), retry_after);
        assert_eq!(sandbox.record().arrivals(), 0);
        assert_eq!(web.sms(&["+4915112345678"]).await.status, 200);
    }
}

#[tokio::test]
async fn a_rate_of_refusals_is_about_that_rate() {
    let (sandbox, web) = with(rule(Stage::Request, When::Rate(0.3), Effect::reply(503))).await;
    let mut refused = 0;
    for _ in 0..300 {
        refused += u64::from(web.sms(&["+4915112345678"]).await.status == 503);
    }
    assert!((60..120).contains(&refused), "{refused} of 300 at 0.3");
    assert_eq!(sandbox.faults().http.counts().refused, refused);
    assert_eq!(sandbox.record().arrivals(), 300 - refused);
}

#[tokio::test]
async fn an_account_is_suspended_from_now_on() {
    let (sandbox, web) = with(FaultPlan::default()).await;
    assert_eq!(web.sms(&["+4915112345678"]).await.status, 200);
    sandbox.faults().http.change(|p| p.suspended = true).unwrap();
    for _ in 0..2 {
        let answer = web.sms(&["+4915112345678"]).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "suspended"));
    }
    assert_eq!(sandbox.faults().http.counts().suspended, 2);
    assert_eq!(sandbox.record().arrivals(), 1);
}

#[tokio::test]
async fn recipients_are_rejected_with_the_reason_given() {
    let (sandbox, web) = with(FaultPlan {
        recipients: vec![
            RecipientRule {
                reason: Some("opted_out".to_owned()),
                text: Some("Said STOP.".to_owned()),
                ..RecipientRule::reject("+4917*")
            },
            RecipientRule::reject("gone-*"),
        ],
        ..FaultPlan::default()
    })
    .await;
    let results = web.sms(&["+4917112345678", "+4915112345678"]).await.json();
    assert_eq!(results["results"][0]["code"], "opted_out");
    assert_eq!(results["results"][0]["message"], "Said STOP.");
    assert_eq!(results["results"][1]["status"], "accepted");
    let body = json!({"recipients": [{"to": "gone-1", "reference": "p", "title": "x"}]});
    let results = web.call("POST", "/send/push", &body).await.json();
    assert_eq!(results["results"][0]["code"], "unregistered");
    assert_eq!(sandbox.record().arrivals(), 1);
}

#[tokio::test]
async fn recipients_above_the_limit_are_refused_and_counted() {
    let (sandbox, web) =
        with(FaultPlan { limit: Some(Limit { per_second: 0.1, burst: 3 }), ..FaultPlan::default() }).await;
    let number = "+4915112345678";
    assert_eq!(web.sms(&[number; 2]).await.status, 200);
    let answer = web.sms(&[number; 2]).await;
    assert_eq!(answer.status, 429);
    // One is left of the burst; the other is earned in ten seconds.
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((9..=10).contains(&wait), "{wait}");
    // What was refused cost nothing.
    assert_eq!(web.sms(&[number]).await.status, 200);
    assert_eq!(web.sms(&[number]).await.status, 429);
    let counts = sandbox.faults().http.counts();
    assert_eq!((counts.limited, counts.limited_recipients), (2, 3));
    assert_eq!(sandbox.record().arrivals(), 3);
}

#[tokio::test]
async fn answers_are_late_and_slow() {
    let (sandbox, web) =
        with(FaultPlan { latency: Latency { fixed_ms: 40, jitter_ms: 0 }, ..FaultPlan::default() }).await;
    let before = Instant::now();
    web.sms(&["+4915112345678"]).await;
    assert!(before.elapsed() >= Duration::from_millis(40));
    sandbox
        .faults()
        .http
        .set(FaultPlan { trickle: Some(Trickle { bytes: 32, every_ms: 5 }), ..FaultPlan::default() })
        .unwrap();
    let before = Instant::now();
    let answer = web.sms(&["+4915112345678"]).await;
    assert_eq!(answer.json()["results"][0]["status"], "accepted");
    // Head and body have well over 4 times 32 bytes.
    assert!(before.elapsed() >= Duration::from_millis(20));
}

#[tokio::test]
async fn a_refused_connection_can_be_told_from_a_refused_request() {
    let (sandbox, web) = with(rule(Stage::Connect, When::Next(1), Effect::Reset)).await;
    let request = web.request("POST", "/send/sms").json(&sms(&["+4915112345678"]));
    Web::take(request).await.unwrap_err();
    assert_eq!(web.sms(&["+4915112345678"]).await.status, 200);
    assert_eq!(sandbox.faults().http.counts().reset, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_used_many_times_at_once_counts_once() {
    let (sandbox, web) = with(FaultPlan::default()).await;
    let body = sms(&["+4915112345678"]);
    let mut tasks = tokio::task::JoinSet::new();
    for key in 0..4 {
        for _ in 0..8 {
            let (web, body) = (web.clone(), body.clone());
            tasks.spawn(async move { (key, keyed(&web, &key.to_string(), &body).await.unwrap()) });
        }
    }
    let mut answers = std::collections::HashMap::new();
    for (key, answer) in tasks.join_all().await {
        assert_eq!(answer.status, 200);
        let first = answers.entry(key).or_insert_with(|| answer.text.clone());
        assert_eq!(*first, answer.text);
    }
    assert_eq!(sandbox.record().arrivals(), 4);
}
