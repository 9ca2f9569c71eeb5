//! Providers: masked credentials, and who may be given them.

use crate::world::World;
use herald::wire::key::CreateKey;
use herald::wire::query::ListRequest;
use http::Method;
use serde_json::{Value, json};

const SMTP: &str = "/v1/messaging/providers/smtp";

#[tokio::test]
async fn credentials_come_back_masked() {
    let world = World::new().await;
    let body = json!({
        "providerId": "main", "name": "Main", "host": "mx.example.com", "port": 2525, "username": "u",
        "password": "correct horse battery", "encryption": "tls", "autoTLS": true, "fromEmail": "a@example.com",
        "enabled": true, "limits": {"perSecond": 10}
    });
    let (status, provider) = world.post(SMTP, body).await;
    assert_eq!(status, 201, "{provider}");
    assert_eq!(
        provider["credentials"],
        json!({"host": "mx.example.com", "port": 2525, "username": "u", "password": "••••tery"})
    );
    assert_eq!(
        (&provider["enabled"], &provider["type"], &provider["provider"]),
        (&json!(true), &json!("email"), &json!("smtp"))
    );
    assert_eq!(provider["options"]["fromEmail"], "a@example.com");
    assert_eq!(provider["limits"]["perSecond"], 10.0);
    let whole = format!("{provider}{}", world.get("/v1/herald/audit").await.1);
    assert!(!whole.contains("correct horse"), "a secret was shown");

    let (status, same) =
        world.patch(&format!("{SMTP}/main"), json!({"password": "••••tery", "name": "M"})).await;
    assert_eq!((status, &same["credentials"]["password"]), (200, &json!("••••tery")));
    let (status, error) = world.patch(&format!("{SMTP}/main"), json!({"password": "••••1234"})).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")));
}

#[tokio::test]
async fn a_new_host_does_not_get_the_old_password() {
    let world = World::new().await;
    let body = json!({"providerId": "main", "name": "Main", "host": "mx.example.com", "password": "correct horse battery", "fromEmail": "a@example.com", "enabled": true});
    world.post(SMTP, body).await;
    let (status, moved) = world.patch(&format!("{SMTP}/main"), json!({"host": "mx.example.org"})).await;
    assert_eq!((status, moved["credentials"].get("password"), &moved["enabled"]), (200, None, &json!(false)));
}

#[tokio::test]
async fn what_enabling_needs() {
    let world = World::new().await;
    let (status, provider) = world
        .post(SMTP, json!({"providerId": "p", "name": "P", "host": "mx.example.com", "enabled": true}))
        .await;
    assert_eq!((status, &provider["enabled"]), (201, &json!(false)));
    let (status, error) = world.patch(&format!("{SMTP}/p"), json!({"enabled": true})).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("provider_missing_credentials")));
    let (status, _) =
        world.patch(&format!("{SMTP}/p"), json!({"enabled": true, "fromEmail": "a@example.com"})).await;
    assert_eq!(status, 200);
    assert_eq!(world.post(SMTP, json!({"providerId": "q", "name": "Q"})).await.0, 400);
    let (_, error) =
        world.post(SMTP, json!({"providerId": "p", "name": "P", "host": "mx.example.com"})).await;
    assert_eq!(error["type"], "provider_already_exists");
    let (_, error) = world.patch("/v1/messaging/providers/sandbox/p", json!({"name": "x"})).await;
    assert_eq!(error["type"], "provider_incorrect_type");
    let bad = json!({"providerId": "l", "name": "L", "host": "mx.example.com", "limits": {"perSecond": 0}});
    assert_eq!(world.post(SMTP, bad).await.0, 400);
}

#[tokio::test]
async fn the_sandbox_says_its_type() {
    let world = World::new().await;
    let path = "/v1/messaging/providers/sandbox";
    let body = json!({"providerId": "s", "name": "S", "endpoint": "http://127.0.0.1:9", "token": "a long token 1", "enabled": true});
    assert_eq!(world.post(path, body.clone()).await.0, 400, "it delivers two types");
    let mut typed = body;
    typed["type"] = json!("sms");
    let (status, provider) = world.post(path, typed).await;
    assert_eq!((status, &provider["type"], &provider["enabled"]), (201, &json!("sms"), &json!(true)));
    let (_, paused) = world.post("/v1/herald/providers/s/pause", json!({})).await;
    assert_eq!(paused["hold"]["reason"], "provider_paused");
    let (_, overview) = world.get("/v1/herald/overview").await;
    assert_eq!(overview["needsYou"][0]["concern"], "provider_paused");
    let (_, resumed) = world.post("/v1/herald/providers/s/resume", json!({})).await;
    assert!(resumed.get("hold").is_none());
    assert_eq!(world.raw(Method::DELETE, "/v1/messaging/providers/s", "{}").await.0, 204);
}

#[tokio::test]
async fn credentials_in_clear_need_a_scope_made_for_it() {
    let world = World::new().await;
    let body = json!({"providerId": "main", "name": "Main", "host": "mx.example.com", "password": "correct horse battery", "fromEmail": "a@example.com"});
    world.post(SMTP, body).await;
    for (scopes, shown) in [
        (vec!["providers.read"], "••••tery"),
        (vec!["providers.read", "credentials.read"], "correct horse battery"),
    ] {
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        let request = CreateKey { name: "k".into(), scopes: Some(scopes), ..CreateKey::default() };
        let secret = world.client().create_key(&request).await.unwrap().secret;
        let client = world.client().key(secret.into());
        assert_eq!(client.provider("main").await.unwrap().credentials["password"], shown);
        assert_eq!(
            client.providers(&ListRequest::default()).await.unwrap().items()[0].credentials["password"],
            shown
        );
    }
    let audit = world.get("/v1/herald/audit").await.1.to_string();
    assert!(!audit.contains("correct horse"), "a secret was written down");
}

#[tokio::test]
async fn a_gateway_whose_description_makes_no_request_is_refused_at_the_door() {
    let world = World::new().await;
    let path = "/v1/messaging/providers/http";
    let with = |name: &str, value: Value| {
        let mut body = json!({
            "providerId": "p",
            "name": "x",
            "type": "sms",
            "endpoint": "https://gateway.example/send",
            "body": "{\"to\": {{ recipient.to }}}",
        });
        body[name] = value;
        body
    };
    for (name, value) in [
        ("body", json!("{{ recipient. }}")),
        ("body", json!("{{ receiver.to }}")),
        ("body", json!("")),
        ("headers", json!({"X-A": "{{ }}"})),
        ("headers", json!({"Host": "other.example"})),
        ("idPath", json!("id")),
        ("meanings", json!({"retry": "429"})),
        ("method", json!("GET")),
    ] {
        let (status, error) = world.post(path, with(name, value.clone())).await;
        assert_eq!(status, 400, "{name}: {value}: {error}");
        let text = error["message"].as_str().unwrap();
        assert!(text.contains(name) || name == "method", "{text}");
    }
    let (status, _) = world.post(path, with("idPath", json!("/id"))).await;
    assert_eq!(status, 201);
    let (status, _) = world.patch(&format!("{path}/p"), json!({"body": "{{ nobody }}"})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn order_countries_and_who_steps_in() {
    let world = World::new().await;
    for (id, kind) in [("a", "twilio"), ("b", "twilio"), ("m", "smtp")] {
        let body = json!({"providerId": id, "name": id, "host": "127.0.0.1", "accountSid": "AC1", "authToken": "a long token 12"});
        let mut body = body;
        let unknown: &[&str] = if kind == "smtp" { &["accountSid", "authToken"] } else { &["host"] };
        for name in unknown {
            body.as_object_mut().unwrap().remove(*name);
        }
        assert_eq!(world.post(&format!("/v1/messaging/providers/{kind}"), body).await.0, 201);
    }
    let path = "/v1/herald/routing";
    let (status, routing) = world.patch(path, json!({"order": ["b"]})).await;
    assert_eq!((status, &routing["order"]), (200, &json!(["b", "a", "m"])));
    let rules = json!([{"prefix": "+49", "providerId": "a"}]);
    assert_eq!(world.patch(path, json!({"prefixes": rules.clone()})).await.0, 200);
    for bad in [
        json!({"prefixes": [{"prefix": "49", "providerId": "a"}]}),
        json!({"prefixes": [{"prefix": "+49", "providerId": "m"}]}),
        json!({"prefixes": [{"prefix": "+49", "providerId": "nobody"}]}),
        json!({"order": ["a", "a"]}),
    ] {
        assert_eq!(world.patch(path, bad.clone()).await.0, 400, "{bad}");
    }
    let over = json!({"bulk": {"allowed": true, "until": "2001-01-01T00:00:00.000+00:00"}});
    assert_eq!(world.post("/v1/herald/providers/a/failover", over).await.0, 400);
    let (status, _) =
        world.post("/v1/herald/providers/a/failover", json!({"direct": {"allowed": true}})).await;
    assert_eq!(status, 200);
    let (_, now) = world.get(path).await;
    assert_eq!(now["prefixes"], rules);
    assert_eq!(now["failover"]["a"], json!({"bulk": {"allowed": false}, "direct": {"allowed": true}}));
    let (_, list) = world.get("/v1/herald/providers").await;
    assert_eq!((&list[0]["id"], &list[1]["failover"]["direct"]["allowed"]), (&json!("b"), &json!(true)));
    assert_eq!(world.raw(Method::DELETE, "/v1/messaging/providers/a", "{}").await.0, 204);
    let (_, now) = world.get(path).await;
    assert_eq!((&now["prefixes"], &now["failover"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn a_new_mail_server_on_the_internet_starts_slowly() {
    let world = World::new().await;
    for (id, host, rate) in [("out", "mx.example.com", json!(5.0)), ("in", "127.0.0.1", json!(null))] {
        let body = json!({"providerId": id, "name": id, "host": host, "fromEmail": "a@example.com", "enabled": true});
        let (_, provider) = world.post(SMTP, body).await;
        assert_eq!(provider["limits"]["perSecond"], rate);
        assert_eq!(provider["slowStart"].as_bool().unwrap_or(false), id == "out");
    }
    let (_, raised) = world.patch(&format!("{SMTP}/out"), json!({"limits": {"perSecond": 50}})).await;
    assert!(raised.get("slowStart").is_none());
}

#[tokio::test]
async fn a_key_that_cannot_be_checked_asks_first() {
    let world = World::new().await;
    let path = "/v1/messaging/providers/http";
    let body = json!({
        "providerId": "own", "name": "Own", "type": "sms", "endpoint": "http://127.0.0.1:9/send",
        "body": "{}", "secret": "the first secret", "enabled": true
    });
    let (status, made) = world.post(path, body).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("{path}/own");
    let (status, error) = world.patch(&path, json!({"secret": "the second secret"})).await;
    assert_eq!((status, &error["type"]), (400, &json!("provider_key_unchecked")));
    let (status, now) = world.patch(&path, json!({"secret": "the second secret", "unchecked": true})).await;
    assert_eq!(status, 200, "{now}");
    assert!(now["rollbackUntil"].is_string());
    let (status, back) = world.post("/v1/herald/providers/own/rollback", json!({})).await;
    assert_eq!((status, &back["credentials"]["secret"]), (200, &json!("••••cret")));
    // Nobody answers there: that says nothing of the key.
    let path = "/v1/messaging/providers/twilio";
    let body = json!({
        "providerId": "t", "name": "T", "accountSid": "AC1", "authToken": "the first token", "from": "+4930123456",
        "endpoint": "http://127.0.0.1:9", "enabled": true
    });
    assert_eq!(world.post(path, body).await.0, 201);
    let (status, now) = world.patch(&format!("{path}/t"), json!({"authToken": "the second token"})).await;
    assert_eq!(status, 200, "{now}");
    let audit = world.get("/v1/herald/audit").await.1.to_string();
    assert!(audit.contains("could not be checked") && !audit.contains("second token"), "{audit}");
}

#[tokio::test]
async fn a_preset_fills_in_what_is_not_given() {
    let world = World::new().await;
    let (_, presets) = world.get("/v1/herald/presets").await;
    assert!(presets.as_array().unwrap().iter().any(|preset| preset["name"] == "gmail"));
    let body = json!({"providerId": "g", "name": "G", "preset": "microsoft-365", "fromEmail": "a@example.com", "limits": {"perHour": 100}});
    let (status, made) = world.post(SMTP, body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["credentials"]["host"], &made["options"]["encryption"]),
        (&json!("smtp.office365.com"), &json!("tls"))
    );
    assert_eq!(
        (&made["limits"]["perSecond"], &made["limits"]["perHour"], &made["limits"]["perDay"]),
        (&json!(0.5), &json!(100), &json!(10_000))
    );
    let bad = json!({"providerId": "h", "name": "H", "preset": "nobody", "host": "mx.example.com"});
    assert_eq!(world.post(SMTP, bad).await.0, 400);
}
