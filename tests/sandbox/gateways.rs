//! As `services`, for the gateways that send text messages alone.

use super::client::TOKEN;
use super::services::{FORM, JSON, Row, basic, changed, check, form};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn telnyx() {
    let body = json!({"from": "+15005550006", "to": "+4915112345678", "text": "t"});
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let good = Row::new("/v2/messages", &headers, body.to_string());
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 400, says, |row| row.body = changed(&body, edit));
    check(
        "telnyx",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "10009", |row| row.header("authorization", "Bearer x")),
            good.but("another path", 404, "10005", |row| row.path = "/v2".to_owned()),
            good.but("not JSON", 400, "10015", |row| row.header("content-type", FORM)),
            with("no from", "40305", |b| b["from"] = Value::Null),
            with("a name alone", "40313", |b| b["from"] = json!("Herald")),
            with("to is none", "40310", |b| b["to"] = json!("4915112345678")),
            with("no text", "40316", |b| b["text"] = json!("")),
        ],
    )
    .await;
}

#[tokio::test]
async fn plivo() {
    let body = json!({"src": "15005550006", "dst": "4915112345678<4915112345679", "text": "t"});
    let auth = basic("MA1", TOKEN);
    let headers = [("authorization", auth.as_str()), ("content-type", JSON)];
    let mut good = Row::new("/v1/Account/MA1/Message/", &headers, body.to_string());
    (good.status, good.says) = (202, "message_uuid");
    let with = |what, edit: fn(&mut Value)| good.but(what, 400, "", |row| row.body = changed(&body, edit));
    check(
        "plivo",
        vec![
            good.clone(),
            good.but("good", 202, "\"invalid_number\":[\"1\"]", |row| {
                row.body = changed(&body, |b| b["dst"] = json!("4915112345678<1"));
            }),
            good.but("a wrong token", 401, "", |row| row.header("authorization", &basic("MA1", "x"))),
            good.but("another account", 401, "", |row| row.path = "/v1/Account/MA2/Message/".to_owned()),
            good.but("another path", 404, "", |row| row.path = "/v1/Account/MA1".to_owned()),
            good.but("another method", 405, "", |row| row.method = Method::PUT),
            good.but("not JSON", 400, "", |row| row.header("content-type", FORM)),
            with("no src", |b| b["src"] = Value::Null),
            with("no dst", |b| b["dst"] = Value::Null),
            with("no text", |b| b["text"] = Value::Null),
            with("no number is one", |b| b["dst"] = json!("1<2")),
            with("too many", |b| b["dst"] = json!(vec!["4915112345678"; 1001].join("<"))),
            with("too long", |b| b["text"] = json!("x".repeat(1601))),
        ],
    )
    .await;
}

#[tokio::test]
async fn sinch() {
    let body = json!({"from": "Herald", "to": ["4915112345678"], "body": "b"});
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let mut good = Row::new("/xms/v1/plan/batches", &headers, body.to_string());
    good.status = 201;
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 400, says, |row| row.body = changed(&body, edit));
    let constraint = "syntax_constraint_violation";
    check(
        "sinch",
        vec![
            good.clone(),
            good.but("a wrong token", 401, "", |row| row.header("authorization", "Bearer x")),
            good.but("another path", 404, "", |row| row.path = "/xms/v1/plan".to_owned()),
            good.but("not JSON", 400, "syntax_invalid_json", |row| row.header("content-type", FORM)),
            with("nobody", constraint, |b| b["to"] = json!([])),
            with("too many", constraint, |b| b["to"] = json!(vec!["4915112345678"; 1001])),
            with("no body", constraint, |b| b["body"] = json!("")),
            with("too long", constraint, |b| b["body"] = json!("x".repeat(2001))),
            with("a long value", constraint, |b| {
                b["parameters"] = json!({"a": {"default": "x".repeat(1601)}});
            }),
            with("a wrong number", "syntax_invalid_parameter_format", |b| b["to"] = json!(["nobody"])),
        ],
    )
    .await;
}

#[tokio::test]
async fn infobip() {
    let message = json!({"from": "Herald", "destinations": [{"to": "4915112345678"}], "text": "t"});
    let body = json!({ "messages": [message] });
    let app = format!("App {TOKEN}");
    let headers = [("authorization", app.as_str()), ("content-type", JSON)];
    let mut good = Row::new("/sms/2/text/advanced", &headers, body.to_string());
    good.says = "PENDING";
    let with = |what, edit: fn(&mut Value)| {
        good.but(what, 400, "BAD_REQUEST", |row| row.body = changed(&body, edit))
    };
    check(
        "infobip",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "UNAUTHORIZED", |row| row.header("authorization", "App x")),
            good.but("another path", 404, "", |row| row.path = "/sms".to_owned()),
            good.but("not JSON", 400, "BAD_REQUEST", |row| row.header("content-type", FORM)),
            with("messages is no array", |b| b["messages"] = b["messages"][0].clone()),
            with("no message", |b| b["messages"] = json!([])),
            with("too many", |b| b["messages"] = vec![b["messages"][0].clone(); 1001].into()),
            with("no text", |b| b["messages"][0]["text"] = Value::Null),
            with("no destination", |b| b["messages"][0]["destinations"] = json!([])),
            good.but("a wrong number", 200, "REJECTED_DESTINATION", |row| {
                row.body = changed(&body, |b| b["messages"][0]["destinations"][0]["to"] = json!("1"));
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn clickatell() {
    let body = json!({"messages": [{"channel": "sms", "to": "4915112345678", "content": "c"}]});
    let mut good =
        Row::new("/v1/message", &[("authorization", TOKEN), ("content-type", JSON)], body.to_string());
    good.status = 202;
    let with = |what, status, says, edit: fn(&mut Value)| {
        good.but(what, status, says, |row| row.body = changed(&body, edit))
    };
    check(
        "clickatell",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "\"code\":1", |row| row.header("authorization", "x")),
            good.but("another path", 400, "\"code\":41", |row| row.path = "/v1".to_owned()),
            good.but("another method", 400, "\"code\":42", |row| row.method = Method::PUT),
            good.but("not JSON", 400, "\"code\":21", |row| row.header("content-type", FORM)),
            with("no message", 400, "\"code\":21", |b| b["messages"] = json!([])),
            with("too many", 400, "\"code\":22", |b| {
                b["messages"] = vec![b["messages"][0].clone(); 101].into();
            }),
            with("another channel", 207, "\"code\":23", |b| b["messages"][0]["channel"] = json!("smoke")),
            with("no content", 207, "\"code\":23", |b| b["messages"][0]["content"] = json!("")),
            with("a wrong number", 207, "\"code\":25", |b| b["messages"][0]["to"] = json!("1")),
        ],
    )
    .await;
}

#[tokio::test]
async fn seven() {
    let fields = [("to", "4915112345678"), ("from", "Herald"), ("text", "t")];
    let headers = [("x-api-key", TOKEN), ("content-type", FORM)];
    let good = Row::new("/api/sms", &headers, form(&fields, "", None));
    let with = |what, says, name: &str, value: &str| {
        good.but(what, 200, says, |row| row.body = form(&fields, name, Some(value)))
    };
    check(
        "seven",
        vec![
            good.but("good", 200, "\"100\"", |_| {}),
            good.but("a wrong key", 200, "\"900\"", |row| row.header("x-api-key", "x")),
            good.but("another path", 404, "", |row| row.path = "/api".to_owned()),
            good.but("not a form", 200, "\"301\"", |row| row.header("content-type", JSON)),
            with("a long name", "\"201\"", "from", "a very long name"),
            with("nobody", "\"301\"", "to", ""),
            with("too many", "\"301\"", "to", &vec!["4915112345678"; 1001].join(",")),
            with("a wrong number", "\"202\"", "to", "1"),
            with("no text", "\"305\"", "text", ""),
            with("too long", "\"401\"", "text", &"x".repeat(1521)),
        ],
    )
    .await;
}

#[tokio::test]
async fn inforu() {
    let body = json!({"Data": {
        "Message": "m",
        "Recipients": [{"Phone": "+972501234567"}],
        "Settings": {"Sender": "Herald"},
    }});
    let auth = format!("Basic {TOKEN}");
    let headers = [("authorization", auth.as_str()), ("content-type", JSON)];
    let good = Row::new("/api/v2/SMS/SendSms", &headers, body.to_string());
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 200, says, |row| row.body = changed(&body, edit));
    check(
        "inforu",
        vec![
            good.but("good", 200, "\"StatusId\":1", |_| {}),
            good.but("a wrong token", 200, "\"StatusId\":-2", |row| row.header("authorization", "Basic x")),
            good.but("another path", 404, "", |row| row.path = "/api".to_owned()),
            with("no text", "\"StatusId\":-9", |b| b["Data"]["Message"] = json!("")),
            with("nobody", "\"StatusId\":-6", |b| b["Data"]["Recipients"] = json!([])),
            with("a wrong number", "\"StatusId\":-18", |b| b["Data"]["Recipients"][0]["Phone"] = json!("1")),
            with("a long number", "\"StatusId\":-20", |b| {
                b["Data"]["Settings"]["Sender"] = json!("123456789012345");
            }),
            with("a long name", "\"StatusId\":-21", |b| {
                b["Data"]["Settings"]["Sender"] = json!("a very long name");
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn fast2sms() {
    let body =
        json!({"route": "q", "message": "m", "language": "english", "numbers": "9812345678", "flash": "0"});
    let good = Row::new("/dev/bulkV2", &[("authorization", TOKEN), ("content-type", JSON)], body.to_string());
    let with =
        |what, says, edit: fn(&mut Value)| good.but(what, 400, says, |row| row.body = changed(&body, edit));
    check(
        "fast2sms",
        vec![
            good.clone(),
            good.but("a wrong key", 401, "412", |row| row.header("authorization", "x")),
            good.but("another path", 404, "", |row| row.path = "/dev".to_owned()),
            with("no route", "403", |b| b["route"] = Value::Null),
            with("an unknown route", "408", |b| b["route"] = json!("z")),
            with("no message", "402", |b| b["message"] = json!("")),
            with("dlt without a sender", "401", |b| b["route"] = json!("dlt")),
            with("other letters", "417", |b| b["message"] = json!("\u{43f}")),
            with("no numbers", "405", |b| b["numbers"] = json!("")),
            with("too many", "405", |b| b["numbers"] = json!(vec!["9812345678"; 1001].join(","))),
            with("a wrong number", "411", |b| b["numbers"] = json!("919812345678")),
        ],
    )
    .await;
}

/// The gateway of no service, as it is by default.
#[tokio::test]
async fn custom() {
    let message = json!({"to": "+4915112345678", "text": "t", "reference": "r"});
    let body = json!({ "messages": [message] });
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let mut good = Row::new("/messages", &headers, body.to_string());
    good.says = "\"state\":\"accepted\"";
    let with = |what, status, says, edit: fn(&mut Value)| {
        good.but(what, status, says, |row| row.body = changed(&body, edit))
    };
    check(
        "http",
        vec![
            good.clone(),
            good.but("a wrong token", 401, "header", |row| row.header("authorization", "Bearer x")),
            good.but("two tokens", 401, "header", |row| {
                row.headers.push(("authorization", bearer.clone()));
            }),
            good.but("another path", 404, "path", |row| row.path = "/message".to_owned()),
            good.but("another method", 405, "method", |row| row.method = Method::PUT),
            good.but("another type", 415, "type", |row| row.header("content-type", FORM)),
            good.but("broken JSON", 400, "malformed", |row| row.body = "{".to_owned()),
            with("no list", 400, "malformed", |b| b["messages"] = Value::Null),
            with("something beside the list", 400, "malformed", |b| b["more"] = json!(1)),
            with("nobody", 413, "many", |b| b["messages"] = json!([])),
            with("too many", 413, "many", |b| b["messages"] = vec![b["messages"][0].clone(); 101].into()),
            with("no recipient", 400, "malformed", |b| b["messages"][0]["to"] = Value::Null),
            with("no text", 400, "malformed", |b| b["messages"][0]["text"] = json!("")),
            with("no reference", 400, "malformed", |b| b["messages"][0]["reference"] = json!(7)),
            with("an unknown field", 400, "malformed", |b| b["messages"][0]["colour"] = json!("red")),
            with("a wrong number", 200, "\"state\":\"refused\"", |b| b["messages"][0]["to"] = json!("1")),
        ],
    )
    .await;
}
