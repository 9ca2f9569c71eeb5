//! The control API: what a bench or a script asks of a sandbox in another process.

use super::client::{Talk, Web, both};
use serde_json::{Value, json};

#[tokio::test]
async fn the_accounts_of_the_push_services_are_handed_out() {
    let sandbox = both().start().await.unwrap();
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    for web in [Web::control(&sandbox), Web::sending(&sandbox)] {
        let accounts = web.get("/control/accounts").await.json();
        assert_eq!(accounts["fcm"]["endpoint"], format!("{origin}/fcm"));
        assert!(accounts["apns"]["authKey"].as_str().unwrap().contains("PRIVATE KEY"));
        assert!(accounts["webpush"]["publicKey"].is_string());
    }
}

#[tokio::test]
async fn faults_are_set_and_read_over_http() {
    let sandbox = both().start().await.unwrap();
    for web in [Web::control(&sandbox), Web::sending(&sandbox)] {
        let plan = json!({
            "latency": {"fixedMs": 1},
            "rules": [{"at": "rcpt", "when": {"next": 1},
                       "effect": {"reply": {"code": 452, "text": "4.2.2 Full"}}}],
        });
        let answer = web.call("PUT", "/control/faults/smtp", &plan).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut talk = Talk::greeted(&sandbox).await;
        talk.expect("MAIL FROM:<a@example.test>", "250").await;
        talk.expect("RCPT TO:<b@example.test>", "452 4.2.2 Full").await;
        talk.expect("RCPT TO:<b@example.test>", "250").await;
        let read = web.get("/control/faults").await.json();
        assert_eq!(read["smtp"]["latency"], json!({"fixedMs": 1, "jitterMs": 0}));
        assert_eq!(read["smtp"]["rules"], plan["rules"]);
        assert_eq!(read["http"]["rules"], json!([]));
        let counts = web.get("/control/faults/smtp/counts").await.json();
        assert!(counts["refused"].as_u64().unwrap() >= 1);
        let cleared = web.call("DELETE", "/control/faults/smtp", &Value::Null).await;
        assert_eq!(cleared.json()["rules"], json!([]));
        web.call("POST", "/control/faults/smtp/disconnect", &Value::Null).await;
        assert_eq!(talk.rest().await.unwrap_or_default(), "");
    }
}

#[tokio::test]
async fn faults_do_not_reach_the_control_address() {
    let sandbox = both().start().await.unwrap();
    let web = Web::control(&sandbox);
    let plan = json!({"refuseConnections": true, "suspended": true});
    assert_eq!(web.call("PUT", "/control/faults/http", &plan).await.status, 200);
    let answer = web.call("DELETE", "/control/faults/http", &Value::Null).await;
    assert_eq!(answer.status, 200);
    // And it sends nothing.
    assert_eq!(web.sms(&["+4915112345678"]).await.status, 404);
}

#[tokio::test]
async fn the_record_is_asked_over_http() {
    let sandbox = both().start().await.unwrap();
    let web = Web::control(&sandbox);
    let mut talk = Talk::greeted(&sandbox).await;
    for id in ["1@h", "2@h", "2@h"] {
        talk.mail(&["b@example.test"], id).await;
    }
    Web::sending(&sandbox).sms(&["+4915112345678"]).await;

    let summary = web.get("/control/record").await.json();
    assert_eq!(summary["arrivals"], 4);
    assert_eq!(summary["recipients"], 2);
    assert_eq!(summary["duplicated"], 1);
    assert_eq!(summary["surplus"], 1);
    assert!(summary["firstMs"].as_u64() <= summary["lastMs"].as_u64());
    assert!(summary["firstMs"].as_u64().unwrap() > 1_700_000_000_000);

    let count = async |query: &str| {
        let answer = web.get(&format!("/control/record/count?{query}")).await;
        answer.json()["count"].clone()
    };
    assert_eq!(count("recipient=b%40example.test").await, 3);
    assert_eq!(count("recipient=%2B4915112345678").await, 1);
    assert_eq!(count("reference=%3C2@h%3E").await, 2);
    assert_eq!(count("reference=none").await, 0);

    let copies = web.get("/control/record/copies").await.json();
    assert_eq!(copies, json!([{"reference": "2@h", "count": 2}]));
    let sets = json!({"recipients": ["b@example.test", "z@example.test"], "references": ["1@h", "9@h"]});
    let missing = web.call("POST", "/control/record/missing", &sets).await.json();
    assert_eq!(missing, json!({"recipients": ["z@example.test"], "references": ["9@h"]}));
    let seconds = web.get("/control/record/seconds").await.json();
    let sum: u64 = seconds.as_array().unwrap().iter().map(|s| s["arrivals"].as_u64().unwrap()).sum();
    assert_eq!(sum, 4);
    let most = web.get("/control/record/most?windowMs=3600000").await.json();
    assert_eq!(most["most"], 4);
    let last = web.get("/control/record/last?n=2").await.json();
    assert_eq!(last[0]["reference"], "2@h");
    assert_eq!(last[1]["kind"], "sms");
    assert_eq!(last.as_array().unwrap().len(), 2);

    web.call("DELETE", "/control/record", &Value::Null).await;
    assert_eq!(web.get("/control/record").await.json()["arrivals"], 0);
}

#[tokio::test]
async fn control_wants_the_token_and_knows_its_routes() {
    let sandbox = both().start().await.unwrap();
    let web = Web::control(&sandbox);
    let wrong = web.anonymous("GET", "/control/record");
    for wrong in [wrong.try_clone().unwrap(), wrong.bearer_auth("other")] {
        assert_eq!(Web::take(wrong).await.unwrap().status, 401);
    }
    for path in ["/control", "/control/x", "/control/faults/ftp", "/control/record/x", "/controls"] {
        assert_eq!(web.get(path).await.status, 404, "{path}");
    }
    for (method, path) in [
        ("POST", "/control/record"),
        ("GET", "/control/record/missing"),
        ("PUT", "/control/record/copies"),
        ("GET", "/control/faults/smtp/disconnect"),
        ("POST", "/control/faults/smtp"),
    ] {
        let answer = web.call(method, path, &Value::Null).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.header("allow").is_some());
    }
    for body in [json!({"latencyy": 1}), json!({"limit": {"perSecond": 0, "burst": 1}}), json!(1)] {
        let answer = web.call("PUT", "/control/faults/http", &body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(web.get("/control/record/count").await.status, 400);
    assert_eq!(web.get("/control/record/last?n=x").await.status, 400);
}

#[tokio::test]
async fn the_gateway_is_described_over_http() {
    let sandbox = both().start().await.unwrap();
    let web = Web::control(&sandbox);
    let first = web.get("/control/gateway").await.json();
    assert_eq!(
        (&first["method"], &first["path"], &first["most"]),
        (&json!("POST"), &json!("/messages"), &json!(100))
    );
    let own = json!({"method": "PUT", "messages": null, "answer": "{results}", "taken": "OK {id}"});
    let answer = web.call("PUT", "/control/gateway", &own).await;
    assert_eq!((answer.status, answer.json()["method"].clone()), (200, json!("PUT")));
    // What it lacks is as at first.
    assert_eq!(answer.json()["path"], "/messages");
    for bad in [json!({"colour": "red"}), json!({"status": 42}), json!("x")] {
        assert_eq!(web.call("PUT", "/control/gateway", &bad).await.status, 400, "{bad}");
    }
    assert_eq!(web.call("POST", "/control/gateway", &own).await.status, 405);
    assert_eq!(web.call("DELETE", "/control/gateway", &Value::Null).await.json(), first);
}
