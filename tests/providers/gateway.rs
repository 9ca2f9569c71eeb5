//! Described gateways against the sandbox's, which takes what its own description says and
//! nothing else; and their requests, written down.

use super::account::{account, hasty, recipient, registry, rendition, send, verdicts};
use super::requests::{next, shown};
use super::services::{TOKEN, faults, stands};
use herald::domain::channel::Channel;
use herald::domain::content::{Attachment, Content, EmailContent, SmsContent};
use herald::providers::adapter::Verdict::{
    Accepted, Permanent, Refused, TargetExpired, Transient, Uncertain,
};
use herald::providers::adapter::{Adapter, Adapters as _, Batch, Recipient, Rendered, Rendition};
use herald::providers::registry::Registry;
use herald::sandbox::{Effect, Fields, Gateway, Kind, RecipientRule, Sandbox};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

type Options = &'static [(&'static str, &'static str)];

/// What the sandbox's gateway is by default, described to Herald.
const BATCH: Options = &[
    ("path", "/messages"),
    ("headers", r#"{"Authorization": "Bearer {{ secret }}"}"#),
    (
        "body",
        r#"{"messages": [{% for one in recipients %}{"to": {{ one.to }}, "text": {{ one.body }}, "reference": {{ one.reference }}}{% if not loop.last %},{% endif %}{% endfor %}]}"#,
    ),
    ("batch", "100"),
    ("resultsPath", "/results"),
    ("recipientPath", "/to"),
    ("successPath", "/state"),
    ("successValue", "accepted"),
    ("idPath", "/id"),
    ("codePath", "/code"),
    ("meanings", r#"{"expired": ["gone"], "retry": ["busy"], "misconfigured": [402]}"#),
];

/// One message a request, all in the URL; the answer is a text.
const GET: Options = &[
    ("method", "GET"),
    ("path", "send/{{ recipient.to }}"),
    ("query", "text={{ recipient.body }}&ref={{ recipient.reference }}&key={{ secret }}"),
    ("successPattern", "^OK (gw-[0-9]+)$"),
    ("codePattern", "^ERR ([a-z]+)$"),
    ("meanings", r#"{"expired": ["gone"], "retry": ["busy"], "misconfigured": [402]}"#),
];

fn get_gateway() -> Gateway {
    Gateway {
        method: "GET".to_owned(),
        path: "/send/{to}".to_owned(),
        headers: BTreeMap::new(),
        fields: Fields::Query,
        messages: None,
        most: 1,
        text: "text".to_owned(),
        reference: Some("ref".to_owned()),
        further: vec!["key".to_owned()],
        answer: "{results}".to_owned(),
        taken: "OK {id}".to_owned(),
        refused: "ERR {code}".to_owned(),
        ..Gateway::default()
    }
}

/// One mail a request, as a form with HTTP's Basic scheme; the answer is JSON.
const FORM: Options = &[
    ("path", "mail"),
    ("contentType", "application/x-www-form-urlencoded"),
    ("headers", r#"{"Authorization": "Basic {{ ('herald:' ~ secret) | base64 }}"}"#),
    (
        "body",
        "to={{ recipient.to }}&subject={{ recipient.subject }}&html={{ recipient.body }}&text={{ recipient.text }}",
    ),
    ("idPath", "/id"),
    ("codePath", "/code"),
    (
        "meanings",
        r#"{"permanent": ["unreachable"], "expired": ["gone"], "retry": ["busy"], "misconfigured": [402]}"#,
    ),
];

fn form_gateway() -> Gateway {
    Gateway {
        kind: Kind::Email,
        path: "/mail".to_owned(),
        // `herald:a-token` in base64.
        headers: BTreeMap::from([("authorization".to_owned(), "Basic aGVyYWxkOmEtdG9rZW4=".to_owned())]),
        fields: Fields::Form,
        messages: None,
        most: 1,
        text: "html".to_owned(),
        reference: None,
        further: vec!["subject".to_owned(), "text".to_owned()],
        answer: "{results}".to_owned(),
        taken: "{\"id\":\"{id}\"}".to_owned(),
        refused: "{\"code\":\"{code}\"}".to_owned(),
        ..Gateway::default()
    }
}

/// Every shape of gateway: a name, Herald's description, the sandbox's, and what it delivers.
fn gateways() -> [(&'static str, Options, Gateway, Channel); 3] {
    [
        ("a batch in JSON", BATCH, Gateway::default(), Channel::Sms),
        ("a GET", GET, get_gateway(), Channel::Sms),
        ("a form", FORM, form_gateway(), Channel::Email),
    ]
}

async fn sandbox(gateway: Gateway) -> Sandbox {
    let any = "127.0.0.1:0".parse().unwrap();
    let sandbox = Sandbox::builder().http(any).token(TOKEN).keep(2000).start().await.unwrap();
    sandbox.set_gateway(gateway);
    sandbox
}

fn connect(
    registry: Registry,
    channel: Channel,
    endpoint: &str,
    options: &[(&str, &str)],
) -> Arc<dyn Adapter> {
    let texts: Vec<_> = options
        .iter()
        .copied()
        .chain([("endpoint", endpoint)])
        .map(|(name, value)| (name, serde_json::to_string(value).unwrap()))
        .collect();
    let options: Vec<_> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let account = account("http", channel, &options, &[("secret", TOKEN)]);
    registry.connect(&account, channel).unwrap()
}

fn at(registry: Registry, sandbox: &Sandbox, channel: Channel, options: &[(&str, &str)]) -> Arc<dyn Adapter> {
    connect(registry, channel, &format!("http://{}/http", sandbox.http_addr().unwrap()), options)
}

fn content(channel: Channel) -> Rendition {
    rendition(match channel {
        Channel::Email => Content::Email(EmailContent {
            subject: "Grüße & mehr".to_owned(),
            content: "<p>Good <b>morning</b>, 100 %</p>".to_owned(),
            html: true,
            ..EmailContent::default()
        }),
        _ => Content::Sms(SmsContent { content: "Good morning & \"100 %\"\n+ more".to_owned() }),
    })
}

fn people(channel: Channel, count: usize) -> Vec<Recipient> {
    let address = |n| match channel {
        Channel::Email => format!("person+{n}@example.com"),
        _ => format!("+4915{n:08}"),
    };
    (0..count).map(|n| recipient(&address(n))).collect()
}

#[tokio::test]
async fn everybody_gets_their_own_text_once() {
    for (name, options, gateway, channel) in gateways() {
        let sandbox = sandbox(gateway).await;
        let adapter = at(registry(), &sandbox, channel, options);
        // More than a batch, where there are any.
        let mut to = people(channel, 103);
        for (n, one) in to.iter_mut().enumerate() {
            let subject = (channel == Channel::Email).then(|| format!("For {n}"));
            one.rendered =
                Some(Box::new(Rendered { subject, body: format!("{n}: {{{{to}}}} %20 & \"ünï\"") }));
        }
        let personal = Rendition { personal: true, ..content(channel) };
        let answers = send(&*adapter, &personal, to.clone()).await;
        let mut ids: Vec<_> = answers.iter().map(|answer| answer.provider_id.clone()).collect();
        assert!(answers.iter().all(|answer| answer.verdict == Accepted), "{name}: {answers:?}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 103, "{name}: an id for each");
        assert_eq!(sandbox.record().arrivals(), 103, "{name}");
        let kept = sandbox.record().last(200);
        for (n, one) in to.iter().enumerate() {
            assert_eq!(sandbox.record().recipient(&one.address), 1, "{name}");
            let own = kept.iter().find(|kept| kept.recipients == [one.address.as_str()]).unwrap();
            let own: Value = serde_json::from_slice(&own.content).unwrap();
            assert_eq!(own["text"], format!("{n}: {{{{to}}}} %20 & \"ünï\""), "{name}");
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn codes_mean_what_the_description_says() {
    for (name, options, gateway, channel) in gateways() {
        let sandbox = sandbox(gateway).await;
        let adapter = at(registry(), &sandbox, channel, options);
        let to = people(channel, 5);
        let rule = |n: usize, reason: Option<&str>| RecipientRule {
            reason: reason.map(str::to_owned),
            ..RecipientRule::reject(&to[n].address)
        };
        let rules = vec![rule(1, Some("gone")), rule(2, Some("busy")), rule(3, None)];
        sandbox.faults().http.change(|plan| plan.recipients = rules).unwrap();
        let answers = send(&*adapter, &content(channel), to.clone()).await;
        let wanted = [Accepted, TargetExpired, Transient, Permanent, Accepted];
        assert_eq!(verdicts(&answers), wanted, "{name}: {answers:?}");
        assert_eq!(sandbox.record().arrivals(), 2, "{name}");
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn faults_by_gateways() {
    for (name, options, gateway, channel) in gateways() {
        let mut all = faults();
        let reply = |code| Effect::Reply { code, text: None, retry_after: None, reason: None };
        all.push(super::services::fault("402 as described", reply(402), &[Refused], false));
        for fault in all {
            let sandbox = sandbox(gateway.clone()).await;
            let adapter = at(registry(), &sandbox, channel, options);
            let cell = format!("{} × {name}", fault.name);
            stands(&sandbox, &*adapter, fault, &content(channel), people(channel, 4), &cell).await;
            sandbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_uncertain() {
    for (name, options, gateway, channel) in gateways() {
        let sandbox = sandbox(gateway).await;
        let adapter = at(hasty(), &sandbox, channel, options);
        sandbox.faults().http.change(|plan| plan.latency.fixed_ms = 60_000).unwrap();
        let answers = send(&*adapter, &content(channel), people(channel, 1)).await;
        assert_eq!(verdicts(&answers), [Uncertain], "{name}");
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_narrowed_down() {
    // This gateway names nobody: one number that is none, and it refuses all of them.
    let gateway = Gateway { most: 7, ..Gateway::default() };
    let sandbox = sandbox(gateway).await;
    let adapter = at(registry(), &sandbox, Channel::Sms, BATCH);
    // 413 for more than seven.
    let answers = send(&*adapter, &content(Channel::Sms), people(Channel::Sms, 30)).await;
    assert!(answers.iter().all(|answer| answer.verdict == Accepted), "{answers:?}");
    assert_eq!(sandbox.record().arrivals(), 30);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn attachments_go_where_the_description_has_them() {
    let file = Attachment {
        bucket: "b".to_owned(),
        file: "f".to_owned(),
        name: "a.txt".to_owned(),
        mime: "text/plain".to_owned(),
        digest: String::new(),
        size: 3,
    };
    let mail = EmailContent { subject: "s".to_owned(), attachments: vec![file], ..EmailContent::default() };
    let with_file = Rendition { files: vec![Arc::from(&b"abc"[..])], ..rendition(Content::Email(mail)) };
    let endpoint = "http://127.0.0.1:9/";
    let silent = connect(registry(), Channel::Email, endpoint, &[("body", "{{ recipient.to }}")]);
    assert!(silent.compile(&with_file).is_err(), "a file would be lost");
    let body = "{\"files\": [{% for file in message.attachments %}{{ file.content }}{% endfor %}]}";
    let speaking = connect(registry(), Channel::Email, endpoint, &[("body", body)]);
    assert!(speaking.compile(&with_file).is_ok());
}

#[tokio::test]
async fn requests_of_described_gateways_are_as_written() {
    const XML: Options = &[
        ("path", "/v2"),
        ("contentType", "text/xml; charset=utf-8"),
        ("headers", r#"{"X-Signature": "{{ secret }}-{{ recipient.reference }}"}"#),
        (
            "body",
            "<sms>{% for one in recipients %}<to id=\"{{ one.reference }}\">{{ one.to | replace('+', '') }}</to>{% endfor %}<text>{{ message.body }}</text></sms>",
        ),
        ("batch", "10"),
    ];
    let described = [
        ("a batch in JSON", BATCH, Channel::Sms),
        ("a GET", GET, Channel::Sms),
        ("a form", FORM, Channel::Email),
        ("a batch in XML", XML, Channel::Sms),
    ];
    let mut now = String::from("# source: the descriptions in tests/providers/gateway.rs\n");
    for (name, options, channel) in described {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/api?tenant=a", listener.local_addr().unwrap());
        let adapter = connect(registry(), channel, &endpoint, options);
        let compiled = adapter.compile(&content(channel)).unwrap();
        let batch = Batch { compiled, recipients: people(channel, 2), key: None };
        let mut ignore = |_, _| {};
        let (head, body) = tokio::select! {
            request = next(&listener) => request,
            () = adapter.send(&batch, &mut ignore) => panic!("{name}: sent nothing"),
        };
        let _ = write!(now, "\n## {name}\n\n{}", shown(&head, &body));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/golden/http.txt");
    if std::env::var_os("HERALD_UPDATE").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    assert_eq!(now, std::fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
}
