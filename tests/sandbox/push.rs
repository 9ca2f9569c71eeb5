//! The push services refuse what the real ones refuse. Every rule has a row with its source.

use super::client::both;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herald::providers::jwt::Signer;
use herald::sandbox::Sandbox;
use herald::sandbox::push::{APNS_KEY, APNS_KEY_ID, APNS_TEAM, APNS_TOPIC, fcm_account};
use reqwest::{Client, RequestBuilder, Version};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const DEVICE: &str = "11aa22bb33cc44dd55ee66ff77008899aabbccddeeff00112233445566778899";

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

async fn start() -> (Sandbox, Client, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = both().start().await.unwrap();
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    (sandbox, client, origin)
}

async fn take(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

/// An assertion for an access token, with some claims changed.
fn assertion(origin: &str, changed: &Value) -> String {
    let file: Value = serde_json::from_str(&fcm_account(origin)).unwrap();
    let mut claims = json!({
        "iss": file["client_email"],
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": file["token_uri"],
        "iat": now(),
        "exp": now() + 3600,
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    Signer::rsa_pem(file["private_key"].as_str().unwrap()).unwrap().token(None, &claims).unwrap()
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn grant(client: &Client, origin: &str, grant: &str, assertion: &str) -> (u16, Value) {
    let form = [("grant_type", grant), ("assertion", assertion)];
    take(client.post(format!("{origin}/fcm/token")).form(&form)).await
}

/// Source: Google, “Using OAuth 2.0 for server to server applications” (claims, error codes); RFC 7523.
#[tokio::test]
async fn access_tokens_are_granted_for_good_assertions_only() {
    let (sandbox, client, origin) = start().await;
    for (changed, error) in [
        (json!({"iss": "nobody@example.iam.gserviceaccount.com"}), "invalid_grant"),
        (json!({"aud": "https://oauth2.googleapis.com/token"}), "invalid_grant"),
        (json!({"iat": now() - 7200, "exp": now() - 3600}), "invalid_grant"),
        (json!({"exp": now() + 3700}), "invalid_grant"),
        (json!({"iat": now() + 900, "exp": now() + 1800}), "invalid_grant"),
        (json!({"exp": null}), "invalid_grant"),
        (json!({"scope": "https://www.googleapis.com/auth/drive"}), "invalid_scope"),
    ] {
        let (status, answer) = grant(&client, &origin, GRANT, &assertion(&origin, &changed)).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{changed}");
    }
    let good = assertion(&origin, &json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[9] ^= 1;
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(grant(&client, &origin, GRANT, &forged).await.1["error"], "invalid_grant");
    assert_eq!(grant(&client, &origin, GRANT, "no.token").await.1["error"], "invalid_grant");
    assert_eq!(grant(&client, &origin, "password", &good).await.1["error"], "unsupported_grant_type");
    let json = client.post(format!("{origin}/fcm/token")).json(&json!({"grant_type": GRANT}));
    assert_eq!(take(json).await.1["error"], "invalid_request");
    assert_eq!(sandbox.push_tokens().0, 0);
    let (status, answer) = grant(&client, &origin, GRANT, &good).await;
    assert_eq!((status, answer["token_type"].as_str()), (200, Some("Bearer")));
    sandbox.shutdown().await;
}

fn message(changed: &Value) -> Value {
    let mut message = json!({"token": "device-token-000001", "notification": {"title": "Hi"}});
    for (name, value) in changed.as_object().unwrap() {
        message[name] = value.clone();
    }
    json!({ "message": message })
}

/// Sources: the FCM REST reference: `projects.messages` (fields, limits), `ErrorCode` (400, 401, 403).
#[tokio::test]
async fn fcm_refuses_what_the_reference_does_not_allow() {
    let (sandbox, client, origin) = start().await;
    let (_, answer) = grant(&client, &origin, GRANT, &assertion(&origin, &json!({}))).await;
    let token = answer["access_token"].as_str().unwrap();
    let url = format!("{origin}/fcm/v1/projects/herald-sandbox/messages:send");
    let send = |body: Value| take(client.post(&url).bearer_auth(token).json(&body));
    for (changed, field) in [
        (json!({"title": "x"}), "message"),
        (json!({"topic": "news"}), "message"),
        (json!({"notification": {"title": 5}}), "message.notification.title"),
        (json!({"notification": {"sound": "x"}}), "message.notification"),
        (json!({"data": {"k": 12}}), "message.data[0].value"),
        (json!({"data": {"from": "x"}}), "message.data"),
        (json!({"data": {"google.x": "x"}}), "message.data"),
        (json!({"android": {"priority": "URGENT"}}), "message.android.priority"),
        (json!({"android": {"ttl": "60"}}), "message.android.ttl"),
        (json!({"android": {"ttl": "2419201s"}}), "message.android.ttl"),
        (json!({"android": {"notification": {"color": "red"}}}), "message.android.notification.color"),
        (json!({"android": {"notification": {"badge": 1}}}), "message.android.notification"),
        (
            json!({"android": {"notification": {"notification_count": "1"}}}),
            "message.android.notification.notification_count",
        ),
        (json!({"apns": {"headers": {"apns-priority": 10}}}), "message.apns.headers.apns-priority"),
        (json!({"apns": {"payload": {"alert": "x"}}}), "message.apns.payload"),
        (json!({"webpush": {"headers": {"TTL": 5}}}), "message.webpush.headers.TTL"),
    ] {
        let (status, answer) = send(message(&changed)).await;
        let error = &answer["error"];
        assert_eq!((status, error["status"].as_str()), (400, Some("INVALID_ARGUMENT")), "{changed}");
        assert_eq!(error["details"][0]["fieldViolations"][0]["field"], field, "{changed}");
    }
    for changed in [json!({"token": "short"}), json!({"data": {"k": "x".repeat(4096)}})] {
        let (status, answer) = send(message(&changed)).await;
        let own = &answer["error"]["details"][0]["errorCode"];
        assert_eq!((status, own.as_str()), (400, Some("INVALID_ARGUMENT")), "{changed}");
    }
    let none = take(client.post(&url).json(&message(&json!({})))).await;
    assert_eq!((none.0, none.1["error"]["status"].as_str()), (401, Some("UNAUTHENTICATED")));
    let other = url.replace("herald-sandbox", "another");
    let other = take(client.post(&other).bearer_auth(token).json(&message(&json!({})))).await;
    assert_eq!((other.0, other.1["error"]["status"].as_str()), (403, Some("PERMISSION_DENIED")));
    let text = client.post(&url).bearer_auth(token).body(message(&json!({})).to_string());
    assert_eq!(take(text).await.0, 400, "the content type is JSON");
    let mut dry = message(&json!({}));
    dry["validate_only"] = json!(true);
    assert_eq!(send(dry).await.0, 200);
    assert_eq!(sandbox.record().arrivals(), 0);
    assert_eq!(send(message(&json!({}))).await.0, 200);
    assert_eq!(sandbox.record().arrivals(), 1);
    sandbox.revoke_push_tokens();
    assert_eq!(send(message(&json!({}))).await.0, 401, "an access token that was revoked");
    sandbox.shutdown().await;
}

fn provider_token(kid: &str, changed: &Value) -> String {
    let mut claims = json!({"iss": APNS_TEAM, "iat": now()});
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    Signer::ecdsa_pem(APNS_KEY).unwrap().token(Some(kid), &claims).unwrap()
}

/// Provider token, headers, body; the status and the reason.
type Row<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, u16, &'a str);

/// Sources: Apple, “Establishing a token-based connection to APNs” (token), “Sending notification
/// requests to APNs” (headers, size), “Pushing background updates to your app” (priority), and
/// “Handling notification responses from APNs” (reasons).
#[tokio::test]
async fn apns_refuses_what_apple_refuses() {
    let (sandbox, client, origin) = start().await;
    let token = provider_token(APNS_KEY_ID, &json!({}));
    let url = format!("{origin}/apns/3/device/{DEVICE}");
    let alert = json!({"aps": {"alert": "x"}}).to_string();
    let wake = json!({"aps": {"content-available": 1}}).to_string();
    let plain = [("apns-topic", APNS_TOPIC), ("apns-push-type", "alert")];
    let ask = |url: &str, token: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = client.post(url).body(body.to_owned());
        if !token.is_empty() {
            request = request.header("authorization", format!("bearer {token}"));
        }
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    let big = json!({"aps": {"alert": "x".repeat(4096)}}).to_string();
    let long = "x".repeat(65);
    let with = |more: &[(&'static str, &'static str)]| [&plain[..], more].concat();
    let rows: Vec<Row<'_>> = vec![
        ("", plain.to_vec(), &alert, 403, "MissingProviderToken"),
        (&token, vec![("apns-push-type", "alert")], &alert, 400, "MissingTopic"),
        (
            &token,
            vec![("apns-topic", "org.other"), ("apns-push-type", "alert")],
            &alert,
            400,
            "TopicDisallowed",
        ),
        (&token, vec![("apns-topic", APNS_TOPIC)], &alert, 400, "InvalidPushType"),
        (
            &token,
            vec![("apns-topic", APNS_TOPIC), ("apns-push-type", "loud")],
            &alert,
            400,
            "InvalidPushType",
        ),
        (&token, with(&[("apns-priority", "7")]), &alert, 400, "BadPriority"),
        (&token, with(&[("apns-expiration", "soon")]), &alert, 400, "BadExpirationDate"),
        (&token, [&plain[..], &[("apns-collapse-id", long.as_str())]].concat(), &alert, 400, "BadCollapseId"),
        (&token, with(&[("apns-id", "7")]), &alert, 400, "BadMessageId"),
        (&token, with(&[("apns-priority", "5"), ("apns-priority", "5")]), &alert, 400, "DuplicateHeaders"),
        (&token, plain.to_vec(), "", 400, "PayloadEmpty"),
        (&token, plain.to_vec(), "{\"aps\":{}}", 400, "PayloadEmpty"),
        (&token, plain.to_vec(), &big, 413, "PayloadTooLarge"),
        (
            &token,
            vec![("apns-topic", APNS_TOPIC), ("apns-push-type", "background"), ("apns-priority", "10")],
            &wake,
            400,
            "BadPriority",
        ),
        (
            &token,
            vec![("apns-topic", APNS_TOPIC), ("apns-push-type", "background"), ("apns-priority", "5")],
            &alert,
            400,
            "InvalidPushType",
        ),
    ];
    for (token, headers, body, status, reason) in rows {
        let (found, answer) = take(ask(&url, token, &headers, body)).await;
        assert_eq!((found, answer["reason"].as_str()), (status, Some(reason)), "{headers:?}");
    }
    for (bad, reason) in [
        ("no.token.really".to_owned(), "InvalidProviderToken"),
        (provider_token("OTHERKEYID", &json!({})), "InvalidProviderToken"),
        (provider_token(APNS_KEY_ID, &json!({"iss": "OTHERTEAMS"})), "InvalidProviderToken"),
        (provider_token(APNS_KEY_ID, &json!({"iat": null})), "InvalidProviderToken"),
        (provider_token(APNS_KEY_ID, &json!({"iat": now() + 600})), "InvalidProviderToken"),
        (provider_token(APNS_KEY_ID, &json!({"iat": now() - 3700})), "ExpiredProviderToken"),
        (format!("{}AA", &token[..token.len() - 2]), "InvalidProviderToken"),
    ] {
        let (status, answer) = take(ask(&url, &bad, &plain, &alert)).await;
        assert_eq!((status, answer["reason"].as_str()), (403, Some(reason)), "{bad}");
    }
    for device in ["zz", "11aa", &"0".repeat(64)] {
        let (status, answer) =
            take(ask(&format!("{origin}/apns/3/device/{device}"), &token, &plain, &alert)).await;
        assert_eq!((status, answer["reason"].as_str()), (400, Some("BadDeviceToken")), "{device}");
    }
    assert_eq!(
        take(ask(&format!("{origin}/apns/3/other"), &token, &plain, &alert)).await.1["reason"],
        "BadPath"
    );
    let get = client.get(&url).header("authorization", format!("bearer {token}"));
    assert_eq!(take(get).await, (405, json!({"reason": "MethodNotAllowed"})));
    assert_eq!(sandbox.record().arrivals(), 0);
    assert_eq!(take(ask(&url, &token, &plain, &alert)).await.0, 200);
    // Provider tokens that are made anew too often.
    let mut reasons = Vec::new();
    for n in 0..8 {
        let fresh = provider_token(APNS_KEY_ID, &json!({"iat": now() - n}));
        reasons.push(take(ask(&url, &fresh, &plain, &alert)).await);
    }
    assert!(reasons.contains(&(429, json!({"reason": "TooManyProviderTokenUpdates"}))), "{reasons:?}");
    sandbox.shutdown().await;
}

/// Source: Apple, “Sending notification requests to APNs”: HTTP/2 is the protocol.
#[tokio::test]
async fn apns_speaks_no_http_1() {
    let (sandbox, _, origin) = start().await;
    let old = Client::builder().no_proxy().http1_only().build().unwrap();
    let token = provider_token(APNS_KEY_ID, &json!({}));
    let request = old
        .post(format!("{origin}/apns/3/device/{DEVICE}"))
        .header("authorization", format!("bearer {token}"))
        .header("apns-topic", APNS_TOPIC)
        .header("apns-push-type", "alert")
        .body(json!({"aps": {"alert": "x"}}).to_string());
    assert!(request.send().await.is_err(), "the connection ends without an answer");
    // FCM takes both.
    let answer = old.post(format!("{origin}/fcm/token")).form(&[("a", "b")]).send().await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_11, 400));
    sandbox.shutdown().await;
}

/// Sources: RFC 8030, 5 (TTL, Urgency, Topic) and 7.2 (size); RFC 8188, 2.1, and RFC 8291, 4 (the
/// header of the body); RFC 8292, 2 and 3 (token, its life and audience).
#[tokio::test]
async fn web_push_refuses_what_the_rfcs_do_not_allow() {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    let (sandbox, client, origin) = start().await;
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
    let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let other = URL_SAFE_NO_PAD.encode(Signer::ecdsa_pem(APNS_KEY).unwrap().public());
    let vapid = |changed: &Value| {
        let mut claims = json!({"aud": origin, "exp": now() + 3600, "sub": "mailto:a@sender.example"});
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT"})), part(&claims));
        let signature = key.sign(&random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let body = |size: usize| {
        let mut body = vec![7; 16];
        body.extend_from_slice(&4096u32.to_be_bytes());
        body.push(65);
        body.push(4);
        body.resize(size, 9);
        body
    };
    let good = format!("vapid t={}, k={public}", vapid(&json!({})));
    let plain = [("ttl", "60"), ("content-encoding", "aes128gcm")];
    let ask = |authorization: &str, headers: &[(&str, &str)], body: Vec<u8>| {
        let mut request = client.post(format!("{origin}/webpush/ana")).body(body);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        async move { take(request).await.0 }
    };
    for (headers, status) in [
        (vec![("content-encoding", "aes128gcm")], 400),
        (vec![("ttl", "soon"), ("content-encoding", "aes128gcm")], 400),
        ([&plain[..], &[("urgency", "urgent")]].concat(), 400),
        ([&plain[..], &[("topic", "no spaces please")]].concat(), 400),
        ([&plain[..], &[("topic", "a23456789012345678901234567890123")]].concat(), 400),
        (vec![("ttl", "60")], 415),
        (vec![("ttl", "60"), ("content-encoding", "aesgcm")], 415),
    ] {
        assert_eq!(ask(&good, &headers, body(200)).await, status, "{headers:?}");
    }
    assert_eq!(ask(&good, &plain, body(4097)).await, 413);
    for broken in [vec![], body(86), vec![0; 200]] {
        assert_eq!(ask(&good, &plain, broken).await, 400, "no header of RFC 8188");
    }
    assert_eq!(ask("", &plain, body(200)).await, 401);
    assert_eq!(ask("Bearer x", &plain, body(200)).await, 401);
    assert_eq!(ask(&format!("vapid t={}", vapid(&json!({}))), &plain, body(200)).await, 401);
    for changed in [
        json!({"aud": "https://push.example"}),
        json!({"exp": now() - 1}),
        json!({"exp": now() + 86_400 + 60}),
        json!({"exp": null}),
        json!({"sub": "somebody"}),
    ] {
        let bad = format!("vapid t={}, k={public}", vapid(&changed));
        assert_eq!(ask(&bad, &plain, body(200)).await, 403, "{changed}");
    }
    let foreign = format!("vapid t={}, k={other}", vapid(&json!({})));
    assert_eq!(ask(&foreign, &plain, body(200)).await, 403, "signed with another key");
    assert_eq!(sandbox.record().arrivals(), 0);
    assert_eq!(ask(&good, &plain, body(4096)).await, 201);
    assert_eq!(sandbox.record().recipient("ana"), 1);
    sandbox.shutdown().await;
}
