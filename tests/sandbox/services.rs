//! The services refuse what the real ones refuse: for each rule a request that is good but
//! for that. The sources stand with the rules, in the documentation of each service's module.

use super::client::{TOKEN, both};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use herald::providers::sigv4::{Signed, Signer};
use reqwest::{Client, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// A request, and what the service makes of it.
#[derive(Clone)]
pub struct Row {
    pub what: &'static str,
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub status: u16,
    /// Stands in the answer's body, or in its header for the type of an error.
    pub says: &'static str,
}

impl Row {
    pub fn new(path: &str, headers: &[(&'static str, &str)], body: impl Into<String>) -> Self {
        Self {
            what: "good",
            method: Method::POST,
            path: path.to_owned(),
            headers: headers.iter().map(|&(name, value)| (name, value.to_owned())).collect(),
            body: body.into(),
            status: 200,
            says: "",
        }
    }

    /// The same request but for one thing, which is refused so.
    pub fn but(
        &self,
        what: &'static str,
        status: u16,
        says: &'static str,
        edit: impl FnOnce(&mut Self),
    ) -> Self {
        let mut row = Self { what, status, says, ..self.clone() };
        edit(&mut row);
        row
    }

    pub fn header(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.push((name, value.to_owned()));
    }
}

/// A form with one field set, or removed.
pub fn form(fields: &[(&str, &str)], name: &str, value: Option<&str>) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(fields.iter().filter(|&&(own, _)| own != name));
    if let Some(value) = value {
        out.append_pair(name, value);
    }
    out.finish()
}

/// JSON with one thing changed.
pub fn changed(body: &Value, edit: impl FnOnce(&mut Value)) -> String {
    let mut body = body.clone();
    edit(&mut body);
    body.to_string()
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

pub async fn check(kind: &str, rows: Vec<Row>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = both().start().await.unwrap();
    let origin = format!("http://{}/{kind}", sandbox.http_addr().unwrap());
    let client = Client::builder().no_proxy().build().unwrap();
    for row in rows {
        let before = sandbox.record().arrivals();
        let mut request = client.request(row.method, format!("{origin}{}", row.path)).body(row.body);
        for (name, value) in row.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let error = answer.headers().get("x-amzn-errortype").map(|v| v.to_str().unwrap().to_owned());
        let text = answer.text().await.unwrap() + &error.unwrap_or_default();
        assert_eq!(status, row.status, "{kind}, {}: {text}", row.what);
        assert!(text.contains(row.says), "{kind}, {}: {text} does not say {}", row.what, row.says);
        let arrived = sandbox.record().arrivals() - before;
        assert_eq!(arrived > 0, row.what == "good", "{kind}, {}: {arrived} arrived", row.what);
    }
    sandbox.shutdown().await;
}

/// What a service's module says that it refuses: the statuses, and how many rules there are.
fn rules(docs: &str) -> (BTreeSet<u16>, usize) {
    let mut statuses = BTreeSet::new();
    let mut count = 0;
    let rows = docs.lines().filter_map(|line| line.strip_prefix("//! | "));
    for row in rows.filter(|row| !row.starts_with("status") && !row.starts_with("---")) {
        let (first, refused) = row.split_once(" | ").unwrap();
        let numbers = first.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 3);
        statuses.extend(numbers.map(|number| number.parse::<u16>().unwrap()));
        count += refused.split([';', '·']).count();
    }
    (statuses, count)
}

/// Every service that is played says what it refuses and where that is documented, and for each rule
/// there is a request in these tests.
#[test]
fn every_refusal_has_a_source_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let tests =
        read(&root.join("tests/sandbox/services.rs")) + &read(&root.join("tests/sandbox/gateways.rs"));
    let mut seen = 0;
    for entry in std::fs::read_dir(root.join("src/sandbox/services")).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // What they share, and the gateway that follows a description of its tests' own.
        if path.extension().is_none() || ["asked", "multipart", "custom"].contains(&kind.as_str()) {
            continue;
        }
        seen += 1;
        let text = read(&path);
        let docs: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let docs = docs.join("\n");
        assert!(docs.contains("<https://"), "{kind} names no source");
        let (statuses, count) = rules(&docs);
        assert!(count > 0, "{kind} has no table of what it refuses");
        let begin =
            tests.find(&format!("async fn {kind}() {{")).unwrap_or_else(|| panic!("{kind} has no test"));
        let test = &tests[begin..];
        let test = &test[..test.find("\n}\n").unwrap()];
        let helper = if kind == "ses" { &tests[tests.find("async fn ses_row").unwrap()..begin] } else { "" };
        let asked = test.matches("good.but(").count()
            + test.matches("with(").count()
            + test.matches("ses_row(").count()
            + test.matches("ses_at(").count();
        assert!(asked >= count, "{kind}: {asked} requests for {count} rules");
        for status in statuses {
            let word = status.to_string();
            assert!(
                test.contains(&word) || helper.contains(&word),
                "{kind}: nothing is refused with {status}"
            );
        }
    }
    assert!(seen >= 17, "{seen} services");
}

#[tokio::test]
async fn twilio() {
    const SID: &str = "AC0123456789abcdef0123456789abcdef";
    let fields = [("To", "+4915112345678"), ("From", "+15005550006"), ("Body", "Hello")];
    let path = format!("/2010-04-01/Accounts/{SID}/Messages.json");
    let auth = basic(SID, TOKEN);
    let mut good =
        Row::new(&path, &[("authorization", &auth), ("content-type", FORM)], form(&fields, "", None));
    (good.status, good.says) = (201, "\"sid\":\"SM");
    let with = |what, says, name: &str, value: Option<&str>| {
        good.but(what, 400, says, |row| row.body = form(&fields, name, value))
    };
    let mut rows = vec![
        good.clone(),
        good.but("a wrong token", 401, "20003", |row| row.header("authorization", &basic(SID, "x"))),
        good.but("another account", 401, "20003", |row| row.path = row.path.replace("AC01", "AC02")),
        good.but("no such path", 404, "20404", |row| row.path = "/2010-04-01/Messages".to_owned()),
        good.but("not a form", 400, "21604", |row| row.header("content-type", JSON)),
        with("no To", "21604", "To", None),
        with("To is no number", "21211", "To", Some("4915112345678")),
        with("no From", "21603", "From", None),
        with("From is none", "21212", "From", Some("a very long name")),
        with("From is To", "21266", "From", Some("+4915112345678")),
        with("no Body", "21602", "Body", None),
    ];
    rows.push(with("too long", "21617", "Body", Some(&"x".repeat(1601))));
    check("twilio", rows).await;
}

#[tokio::test]
async fn mailgun() {
    let fields = [("from", "a@mg.example.com"), ("to", "b@example.com"), ("subject", "s"), ("text", "t")];
    let auth = basic("api", TOKEN);
    let headers = [("authorization", auth.as_str()), ("content-type", FORM)];
    let good = Row::new("/v3/mg.example.com/messages", &headers, form(&fields, "", None));
    let with = |what, says, name: &str, value: Option<&str>| {
        good.but(what, 400, says, |row| row.body = form(&fields, name, value))
    };
    let many = (0..1001).fold(form(&fields, "to", None), |mut body, n| {
        let _ = write!(body, "&to=p{n}%40example.com");
        body
    });
    check(
        "mailgun",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "Forbidden", |row| row.header("authorization", &basic("api", "x"))),
            good.but("a wrong user", 401, "", |row| row.header("authorization", &basic("me", TOKEN))),
            good.but("no domain", 404, "Domain not found", |row| row.path = "/v3/mg/messages".to_owned()),
            good.but("no such path", 404, "", |row| row.path = "/v3/mg.example.com".to_owned()),
            good.but("not a form", 400, "form", |row| row.header("content-type", JSON)),
            with("no from", "from", "from", None),
            with("from is none", "from", "from", Some("nobody")),
            with("no to", "to", "to", None),
            with("to is none", "to", "to", Some("b@example.com,nobody")),
            with("no text", "Need at least one of", "text", None),
            with("variables are none", "recipient-variables", "recipient-variables", Some("[1]")),
            good.but("too many", 400, "1000", |row| row.body = many),
        ],
    )
    .await;
}

#[tokio::test]
async fn sendgrid() {
    let body = json!({
        "from": {"email": "a@example.com"},
        "personalizations": [{"to": [{"email": "b@example.com"}], "subject": "s"}],
        "content": [{"type": "text/plain", "value": "t"}],
    });
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let mut good = Row::new("/v3/mail/send", &headers, body.to_string());
    good.status = 202;
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 400, says, |row| row.body = changed(&body, edit));
    check(
        "sendgrid",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "", |row| row.header("authorization", "Bearer x")),
            good.but("another path", 404, "", |row| row.path = "/v3/mail".to_owned()),
            good.but("another method", 405, "", |row| row.method = Method::PUT),
            good.but("no Accept", 406, "Accept", |row| row.header("accept", "")),
            good.but("another type", 415, "", |row| row.header("content-type", FORM)),
            good.but("broken JSON", 400, "", |row| row.body = "{".to_owned()),
            with("no from", "from.email", |b| b["from"] = Value::Null),
            with("no personalization", "personalizations", |b| b["personalizations"] = json!([])),
            with("no to", "personalizations.0.to", |b| b["personalizations"][0]["to"] = json!([])),
            with("to is none", "personalizations.0.to.0.email", |b| {
                b["personalizations"][0]["to"][0]["email"] = json!("nobody");
            }),
            with("twice", "unique", |b| {
                let one = b["personalizations"][0].clone();
                b["personalizations"] = json!([one.clone(), one]);
            }),
            with("too many", "1000", |b| {
                let one = b["personalizations"][0].clone();
                b["personalizations"] = vec![one; 1001].into();
            }),
            with("no subject", "subject", |b| b["personalizations"][0]["subject"] = Value::Null),
            with("no content", "content", |b| b["content"] = json!([])),
            with("an empty part", "at least one character", |b| b["content"][0]["value"] = json!("")),
            with("text behind HTML", "order", |b| {
                let text = b["content"][0].clone();
                b["content"] = json!([{"type": "text/html", "value": "h"}, text]);
            }),
            with("a reserved header", "reserved", |b| {
                b["personalizations"][0]["headers"] = json!({"Reply-To": "c@example.com"});
            }),
            good.but("too large", 413, "", |row| row.body = "x".repeat((30 << 20) + 1)),
            with("long substitutions", "10000", |b| {
                b["personalizations"][0]["substitutions"] = json!({"-a-": "x".repeat(10_000)});
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn resend() {
    let mail = json!({"from": "a@example.com", "to": ["b@example.com"], "subject": "s", "text": "t"});
    let body = json!([mail]);
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let good = Row::new("/emails/batch", &headers, body.to_string());
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 422, says, |row| row.body = changed(&body, edit));
    check(
        "resend",
        vec![
            good.clone(),
            good.but("no key", 401, "missing_api_key", |row| row.headers.retain(|h| h.0 != "authorization")),
            good.but("a wrong key", 403, "invalid_api_key", |row| row.header("authorization", "Bearer x")),
            good.but("another path", 404, "not_found", |row| row.path = "/mails".to_owned()),
            good.but("another method", 405, "method_not_allowed", |row| row.method = Method::PUT),
            good.but("broken JSON", 422, "validation_error", |row| row.body = "[".to_owned()),
            good.but("a long key", 400, "invalid_idempotency_key", |row| {
                row.header("idempotency-key", &"k".repeat(257));
            }),
            with("no from", "missing_required_field", |b| b[0]["from"] = Value::Null),
            with("from is none", "from", |b| b[0]["from"] = json!("nobody")),
            with("no to", "missing_required_field", |b| b[0]["to"] = Value::Null),
            with("to is none", "validation_error", |b| b[0]["to"] = json!(["nobody"])),
            with("too many to", "50", |b| b[0]["to"] = json!(vec!["b@example.com"; 51])),
            with("no subject", "missing_required_field", |b| b[0]["subject"] = json!("")),
            with("no text", "missing_required_field", |b| b[0]["text"] = Value::Null),
            with("a file in a batch", "Attachments", |b| b[0]["attachments"] = json!([{"filename": "f"}])),
            with("too many", "100", |b| *b = json!(vec![b[0].clone(); 101])),
            good.but("good", 200, "\"id\"", |row| row.header("idempotency-key", "k")),
            good.but("the key again for something else", 409, "invalid_idempotent_request", |row| {
                row.header("idempotency-key", "k");
                row.body = changed(&body, |b| b[0]["subject"] = json!("other"));
            }),
            good.but("the same again", 200, "\"id\"", |row| row.header("idempotency-key", "k")),
        ],
    )
    .await;
}

/// As if signed for the address that it goes to.
async fn ses_row(body: &Value, status: u16, says: &str, edit: impl FnOnce(&mut Signer, &mut TimeDelta)) {
    ses_at("/v2/email/outbound-bulk-emails", &body.to_string(), status, says, edit).await;
}

async fn ses_at(
    path: &str,
    body: &str,
    status: u16,
    says: &str,
    edit: impl FnOnce(&mut Signer, &mut TimeDelta),
) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = both().start().await.unwrap();
    let host = sandbox.http_addr().unwrap().to_string();
    let path = &format!("/ses{path}");
    let (mut signer, mut late) = (
        Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: SecretString::from(TOKEN),
            region: "eu-central-1".to_owned(),
            service: "ses",
        },
        TimeDelta::zero(),
    );
    edit(&mut signer, &mut late);
    let headers = [("content-type", JSON), ("host", host.as_str())];
    let request = Signed { method: "POST", path, query: "", headers: &headers, body: body.as_bytes() };
    let (time, authorization) = signer.sign(request, Utc::now() + late);
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(format!("http://{host}{path}"))
        .header("content-type", JSON)
        .header("x-amz-date", time)
        .header("authorization", authorization)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    let got = answer.status().as_u16();
    let error = answer.headers().get("x-amzn-errortype").map(|v| v.to_str().unwrap().to_owned());
    let text = answer.text().await.unwrap() + &error.unwrap_or_default();
    assert_eq!(got, status, "{text}");
    assert!(text.contains(says), "{text} does not say {says}");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn ses() {
    let body = json!({
        "FromEmailAddress": "a@example.com",
        "DefaultContent": {"Template": {
            "TemplateContent": {"Subject": "{{s}}", "Text": "t"},
            "TemplateData": "{\"s\":\"x\"}",
        }},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": ["b@example.com"]}}],
    });
    let same = |_: &mut Signer, _: &mut TimeDelta| {};
    ses_row(&body, 200, "SUCCESS", same).await;
    ses_row(&body, 403, "InvalidSignature", |signer, _| signer.secret_key = SecretString::from("x")).await;
    ses_row(&body, 403, "InvalidSignature", |signer, _| signer.service = "email").await;
    ses_row(&body, 403, "InvalidSignature", |_, late| *late = TimeDelta::minutes(-6)).await;
    let with = |edit: fn(&mut Value)| {
        let mut body = body.clone();
        edit(&mut body);
        body
    };
    let bad = "BadRequestException";
    ses_row(&with(|b| b["FromEmailAddress"] = Value::Null), 400, bad, same).await;
    ses_row(&with(|b| b["BulkEmailEntries"] = json!([])), 400, bad, same).await;
    let many = |b: &mut Value| b["BulkEmailEntries"] = vec![b["BulkEmailEntries"][0].clone(); 51].into();
    ses_row(&with(many), 400, bad, same).await;
    ses_row(&with(|b| b["DefaultContent"] = Value::Null), 400, bad, same).await;
    let data = |b: &mut Value| b["DefaultContent"]["Template"]["TemplateData"] = json!("[]");
    ses_row(&with(data), 400, bad, same).await;
    let tag =
        |b: &mut Value| b["BulkEmailEntries"][0]["ReplacementTags"] = json!([{"Name": "a", "Value": "b.c"}]);
    ses_row(&with(tag), 400, bad, same).await;
    let nobody = |b: &mut Value| b["BulkEmailEntries"][0]["Destination"]["ToAddresses"] = json!(["nobody"]);
    ses_row(&with(nobody), 200, "\"INVALID_PARAMETER\"", same).await;
    let headers = |b: &mut Value| {
        let sixteen: Vec<_> = (0..16).map(|n| json!({"Name": format!("X-{n}"), "Value": "v"})).collect();
        b["BulkEmailEntries"][0]["ReplacementHeaders"] = sixteen.into();
    };
    ses_row(&with(headers), 400, bad, same).await;
    ses_row(&with(|b| b["FromEmailAddress"] = json!("nobody")), 400, bad, same).await;
    ses_at("/v2/email", "{}", 404, "UnknownOperation", same).await;
    ses_at("/v2/email/outbound-bulk-emails", "{", 400, "Serialization", same).await;
    let unsigned = Row::new("/v2/email/outbound-bulk-emails", &[("content-type", JSON)], body.to_string());
    let missing = unsigned.but("unsigned", 403, "MissingAuthenticationToken", |_| {});
    check("ses", vec![missing]).await;
}

#[tokio::test]
async fn vonage() {
    let fields =
        [("api_key", "k"), ("api_secret", TOKEN), ("from", "Herald"), ("to", "4915112345678"), ("text", "t")];
    let mut good = Row::new("/sms/json", &[("content-type", FORM)], form(&fields, "", None));
    good.says = "\"status\":\"0\"";
    let with = |what, says, name: &str, value: Option<&str>| {
        good.but(what, 200, says, |row| row.body = form(&fields, name, value))
    };
    check(
        "vonage",
        vec![
            good.clone(),
            good.but("not a form", 200, "\"2\"", |row| row.header("content-type", JSON)),
            good.but("another path", 404, "", |row| row.path = "/sms".to_owned()),
            with("no text", "\"2\"", "text", None),
            with("no from", "\"2\"", "from", None),
            with("to is none", "\"3\"", "to", Some("+4915112345678")),
            with("an unknown type", "\"3\"", "type", Some("smoke")),
            with("a wrong secret", "\"4\"", "api_secret", Some("x")),
            with("from is none", "\"15\"", "from", Some("a very long name")),
        ],
    )
    .await;
}

#[tokio::test]
async fn msg91() {
    let body = json!({"template_id": "t", "sender": "s", "recipients": [{"mobiles": "919812345678", "content": "c"}]});
    let good = Row::new("/api/v5/flow", &[("authkey", TOKEN), ("content-type", JSON)], body.to_string());
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 400, says, |row| row.body = changed(&body, edit));
    check(
        "msg91",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "\"apiError\":\"207\"", |row| row.header("authkey", "x")),
            good.but("another path", 404, "", |row| row.path = "/api/v5".to_owned()),
            good.but("not JSON", 400, "\"400\"", |row| row.header("content-type", FORM)),
            with("no template", "\"400\"", |b| b["template_id"] = Value::Null),
            with("no sender", "\"103\"", |b| b["sender"] = Value::Null),
            with("nobody", "\"101\"", |b| b["recipients"] = json!([])),
            with("too many", "\"101\"", |b| b["recipients"] = vec![b["recipients"][0].clone(); 101].into()),
            with("no number", "\"202\"", |b| b["recipients"][0]["mobiles"] = json!("+919812345678")),
        ],
    )
    .await;
}

#[tokio::test]
async fn telesign() {
    let fields = [("phone_number", "4915112345678"), ("message", "m"), ("message_type", "ARN")];
    let auth = basic("customer", TOKEN);
    let headers = [("authorization", auth.as_str()), ("content-type", FORM)];
    let mut good = Row::new("/v1/messaging", &headers, form(&fields, "", None));
    good.says = "290";
    let with = |what, says, name: &str, value: Option<&str>| {
        good.but(what, 400, says, |row| row.body = form(&fields, name, value))
    };
    let long = "x".repeat(1601);
    check(
        "telesign",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "30006", |row| row.header("authorization", &basic("customer", "x"))),
            good.but("another path", 404, "", |row| row.path = "/v1".to_owned()),
            good.but("not a form", 400, "12000", |row| row.header("content-type", JSON)),
            with("no number", "12000", "phone_number", None),
            with("a wrong number", "11000", "phone_number", Some("+4915112345678")),
            with("no message", "12009", "message", None),
            with("no type", "12017", "message_type", None),
            with("another type", "11017", "message_type", Some("SMOKE")),
            with("too long", "11009", "message", Some(&long)),
        ],
    )
    .await;
}

#[tokio::test]
async fn textmagic() {
    let fields = [("text", "t"), ("phones", "4915112345678"), ("from", "4915112345679")];
    let headers = [("x-tm-username", "me"), ("x-tm-key", TOKEN), ("content-type", FORM)];
    let mut good = Row::new("/api/v2/messages", &headers, form(&fields, "", None));
    good.status = 201;
    let with = |what, name: &str, value: Option<&str>| {
        good.but(what, 400, "Validation Failed", |row| row.body = form(&fields, name, value))
    };
    let many = vec!["4915112345678"; 1001].join(",");
    check(
        "textmagic",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "", |row| row.header("x-tm-key", "x")),
            good.but("no user", 401, "", |row| row.headers.retain(|h| h.0 != "x-tm-username")),
            good.but("another path", 404, "", |row| row.path = "/api/v2".to_owned()),
            good.but("another method", 405, "", |row| row.method = Method::PUT),
            with("no text", "text", None),
            with("no numbers", "phones", None),
            with("a wrong number", "phones", Some("4915112345678,nobody")),
            with("too many", "phones", Some(&many)),
        ],
    )
    .await;
}
