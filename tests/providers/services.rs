//! The adapters for services over HTTP, all of them alike, against the sandbox, which
//! plays those services strictly and keeps its own books.

use super::account::{account, hasty, recipient, registry, rendition, send, verdicts};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent, SmsContent};
use herald::domain::delivery::Stage as At;
use herald::domain::provider::{KINDS, Kind, kind};
use herald::providers::adapter::Verdict::{self, Accepted, Permanent, Refused, Transient, Uncertain};
use herald::providers::adapter::{Adapter, Adapters as _, Recipient, Rendered, Rendition};
use herald::providers::registry::{Registry, meanings};
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The secret of every account at the sandbox.
pub const TOKEN: &str = "a-token";

/// What an account of a kind needs beside its secret. Options are JSON.
struct Case {
    kind: &'static str,
    credentials: &'static [(&'static str, &'static str)],
    options: &'static [(&'static str, &'static str)],
}

const FROM: &[(&str, &str)] =
    &[("fromEmail", "\"news@sender.example\""), ("fromName", "\"The \\\"News\\\"\"")];

const NUMBER: &[(&str, &str)] = &[("from", "\"+15005550006\"")];
const NAME: &[(&str, &str)] = &[("from", "\"Herald\"")];

/// A case for every kind that the sandbox plays.
const CASES: &[Case] = &[
    Case {
        kind: "mailgun",
        credentials: &[("domain", "mg.sender.example"), ("isEuRegion", "false")],
        options: FROM,
    },
    Case { kind: "resend", credentials: &[], options: FROM },
    Case { kind: "sendgrid", credentials: &[], options: FROM },
    Case {
        kind: "twilio",
        credentials: &[("accountSid", "AC0123456789abcdef0123456789abcdef")],
        options: NUMBER,
    },
    Case {
        kind: "ses",
        credentials: &[("accessKey", "AKIDEXAMPLE"), ("region", "eu-central-1")],
        options: FROM,
    },
    Case { kind: "vonage", credentials: &[("apiKey", "abcd1234")], options: NAME },
    Case {
        kind: "msg91",
        credentials: &[("senderId", "HERALD"), ("templateId", "65f0c0ffee")],
        options: &[],
    },
    Case {
        kind: "telesign",
        credentials: &[("customerId", "FFFFFFFF-EEEE-DDDD-1234-AB1234567890")],
        options: NUMBER,
    },
    Case { kind: "textmagic", credentials: &[("username", "herald")], options: NUMBER },
    Case { kind: "sinch", credentials: &[("servicePlanId", "0123456789abcdef")], options: NUMBER },
    Case { kind: "plivo", credentials: &[("authId", "MA0123456789ABCDEFGH")], options: NUMBER },
    Case { kind: "infobip", credentials: &[("apiBaseUrl", "xxxxx.api.infobip.com")], options: NAME },
    Case { kind: "clickatell", credentials: &[], options: NUMBER },
    Case { kind: "telnyx", credentials: &[], options: NUMBER },
    Case { kind: "seven", credentials: &[], options: NAME },
    Case { kind: "inforu", credentials: &[], options: NAME },
    Case { kind: "fast2sms", credentials: &[], options: &[] },
];

/// The fields of a provider of one of these kinds, as the API takes them.
pub fn fields_of(
    name: &str,
    endpoint: &str,
    secret: &str,
) -> std::collections::BTreeMap<&'static str, Value> {
    let kind = kind(name).unwrap();
    let case = CASES.iter().find(|case| case.kind == name).expect("a case for every kind");
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut all: std::collections::BTreeMap<&'static str, Value> =
        case.options.iter().map(|(name, value)| (*name, read(value))).collect();
    all.extend(case.credentials.iter().map(|(name, value)| (*name, Value::from(*value))));
    all.extend(kind.fields.iter().filter(|field| field.secret).map(|field| (field.name, secret.into())));
    all.insert("endpoint", endpoint.into());
    all
}

/// The kinds that are spoken to over HTTP and take one secret; the push services, which sign
/// tokens, have tests of their own.
pub fn kinds() -> Vec<&'static Kind> {
    let here = |kind: &&Kind| kind.adapter && !kind.channels.contains(&Channel::Push);
    KINDS.iter().filter(here).filter(|kind| !meanings(kind.name).is_empty()).collect()
}

async fn sandbox() -> Sandbox {
    let any = "127.0.0.1:0".parse().unwrap();
    Sandbox::builder().http(any).token(TOKEN).keep(2000).start().await.unwrap()
}

/// An account of this kind at an endpoint.
pub fn adapter_at(registry: Registry, kind: &Kind, endpoint: &str, secret: &str) -> Arc<dyn Adapter> {
    let case = CASES.iter().find(|case| case.kind == kind.name).expect("a case for every kind");
    let endpoint = serde_json::to_string(endpoint).unwrap();
    let mut options = case.options.to_vec();
    options.push(("endpoint", &endpoint));
    let mut credentials = case.credentials.to_vec();
    credentials.extend(kind.fields.iter().filter(|field| field.secret).map(|field| (field.name, secret)));
    let account = account(kind.name, kind.channels[0], &options, &credentials);
    registry.connect(&account, kind.channels[0]).unwrap()
}

fn adapter(sandbox: &Sandbox, kind: &Kind, secret: &str) -> Arc<dyn Adapter> {
    adapter_with(registry(), sandbox, kind, secret)
}

fn adapter_with(registry: Registry, sandbox: &Sandbox, kind: &Kind, secret: &str) -> Arc<dyn Adapter> {
    let endpoint = format!("http://{}/{}", sandbox.http_addr().unwrap(), kind.name);
    adapter_at(registry, kind, &endpoint, secret)
}

fn people(channel: Channel, count: usize) -> Vec<Recipient> {
    let address = |n| match channel {
        Channel::Email => format!("person-{n}@example.com"),
        // Numbers of India's plan too: some services deliver there alone.
        Channel::Sms | Channel::Push => format!("+9198{n:08}"),
    };
    (0..count).map(|n| recipient(&address(n))).collect()
}

fn plain(channel: Channel) -> Rendition {
    rendition(match channel {
        Channel::Email => Content::Email(EmailContent {
            subject: "Grüße".to_owned(),
            content: "<p>Good <b>morning</b> & 100 %</p>".to_owned(),
            html: true,
            ..EmailContent::default()
        }),
        Channel::Sms | Channel::Push => {
            Content::Sms(SmsContent { content: "Good morning & 100 %".to_owned() })
        }
    })
}

fn kept(sandbox: &Sandbox, to: &str) -> Vec<Value> {
    let all = sandbox.record().last(2000);
    let of = all.iter().filter(|kept| kept.recipients == [to]);
    of.map(|kept| serde_json::from_slice(&kept.content).unwrap()).collect()
}

#[test]
fn every_kind_over_http_is_tried() {
    let kinds = kinds();
    assert!(!kinds.is_empty());
    for kind in kinds {
        assert!(CASES.iter().any(|case| case.kind == kind.name), "{} has no case", kind.name);
    }
    assert!(CASES.iter().all(|case| kind(case.kind).is_some()));
}

#[tokio::test]
async fn everybody_gets_one_copy_and_sees_nobody_else() {
    for kind in kinds() {
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, kind, TOKEN);
        // More than a batch, where that is not too many.
        let count = if kind.batch == 1 { 5 } else { kind.batch as usize + 3 };
        let to = people(kind.channels[0], count);
        let answers = send(&*adapter, &plain(kind.channels[0]), to.clone()).await;
        for (answer, to) in answers.iter().zip(&to) {
            assert_eq!(answer.verdict, Accepted, "{}: {answer:?}", kind.name);
            assert!(!answer.provider_id.is_empty(), "{}: an id", kind.name);
            assert_eq!(sandbox.record().recipient(&to.address), 1, "{}: {}", kind.name, to.address);
        }
        assert_eq!(sandbox.record().arrivals(), count as u64, "{}", kind.name);
        for one in to.iter().rev().take(5) {
            let content = kept(&sandbox, &one.address)[0].to_string();
            for other in to.iter().filter(|other| !one.address.contains(&other.address)) {
                assert!(!content.contains(&other.address[1..]), "{}: {content}", kind.name);
            }
            assert!(content.contains("morning") && content.contains("100 %"), "{}: {content}", kind.name);
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn cc_people_are_recipients_and_named_to_nobody() {
    for kind in kinds().into_iter().filter(|kind| kind.channels == [Channel::Email]) {
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, kind, TOKEN);
        let mut to = people(Channel::Email, 3);
        to.push(recipient("copy@example.com"));
        // These services send a copy to whoever a Cc names, with every recipient's: it is not set.
        let rendition = Rendition { cc: vec!["copy@example.com".to_owned()], ..plain(Channel::Email) };
        let answers = send(&*adapter, &rendition, to.clone()).await;
        assert_eq!(verdicts(&answers), [Accepted; 4], "{}: {answers:?}", kind.name);
        assert_eq!(sandbox.record().arrivals(), 4, "{}", kind.name);
        assert_eq!(sandbox.record().recipient("copy@example.com"), 1, "{}", kind.name);
        for one in &to[..3] {
            let content = kept(&sandbox, &one.address)[0].to_string();
            assert!(!content.contains("copy@example.com"), "{}: {content}", kind.name);
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn everybody_gets_their_own_text() {
    for kind in kinds() {
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, kind, TOKEN);
        let channel = kind.channels[0];
        let mut to = people(channel, 7);
        for (n, one) in to.iter_mut().enumerate() {
            // What looks like a service's own variable must arrive as it is.
            let body = format!("Hello {n}: {{{{name}}}} %recipient.text% -subject- 20 % & ünï");
            let subject = (channel == Channel::Email).then(|| format!("For {n}"));
            one.rendered = Some(Box::new(Rendered { subject, body }));
            if channel == Channel::Email {
                one.unsubscribe = Some(format!("https://herald.example/u/{n}"));
            }
        }
        let rendition = Rendition { personal: true, ..plain(channel) };
        let answers = send(&*adapter, &rendition, to.clone()).await;
        assert_eq!(verdicts(&answers), [Accepted; 7], "{}: {answers:?}", kind.name);
        for (n, one) in to.iter().enumerate() {
            let kept = kept(&sandbox, &one.address);
            assert_eq!(kept.len(), 1, "{}", kind.name);
            let content = kept[0].to_string();
            let body = &one.rendered.as_ref().unwrap().body;
            let inside = serde_json::to_string(body).unwrap();
            assert!(content.contains(inside.trim_matches('"')), "{}: {content}", kind.name);
            if channel == Channel::Email {
                assert!(content.contains(&format!("For {n}\"")), "{}: {content}", kind.name);
                assert!(
                    content.contains(&format!("<https://herald.example/u/{n}>")),
                    "{}: {content}",
                    kind.name
                );
                assert!(content.contains("List-Unsubscribe=One-Click"), "{}: {content}", kind.name);
            }
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn one_bad_recipient_fails_nobody_else() {
    for kind in kinds() {
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, kind, TOKEN);
        let mut to = people(kind.channels[0], 12);
        // One that no request can bear, one that the service does not take.
        to[3].address = "nobody".to_owned();
        sandbox
            .faults()
            .http
            .change(|plan| plan.recipients.push(RecipientRule::reject(&to[8].address)))
            .unwrap();
        let answers = send(&*adapter, &plain(kind.channels[0]), to.clone()).await;
        for (n, answer) in answers.iter().enumerate() {
            let arrived = sandbox.record().recipient(&to[n].address);
            if n == 3 || n == 8 {
                assert_eq!((answer.verdict, arrived), (Permanent, 0), "{}: {answer:?}", kind.name);
            } else {
                assert_eq!((answer.verdict, arrived), (Accepted, 1), "{} {n}: {answer:?}", kind.name);
            }
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn credentials_are_checked_without_sending() {
    for kind in kinds() {
        let sandbox = sandbox().await;
        let right = adapter(&sandbox, kind, TOKEN).test().await;
        assert!(right.ok, "{}: {} {:?}", kind.name, right.finding, right.dialogue);
        let wrong = adapter(&sandbox, kind, "another-secret");
        let report = wrong.test().await;
        assert!(!report.ok && report.finding.contains("credentials"), "{}: {}", kind.name, report.finding);
        assert!(!format!("{report:?} {wrong:?}", wrong = wrong.kind().name).contains("another-secret"));
        let answers = send(&*wrong, &plain(kind.channels[0]), people(kind.channels[0], 3)).await;
        assert_eq!(verdicts(&answers), [Refused; 3], "{}: {answers:?}", kind.name);
        assert_eq!(sandbox.record().arrivals(), 0, "{}", kind.name);
        sandbox.shutdown().await;
    }
}

/// A row of the matrix: what goes wrong, and what each recipient's answer is then.
pub struct Fault {
    pub name: &'static str,
    pub effect: Effect,
    pub verdicts: &'static [Verdict],
    /// Whether the message has arrived all the same.
    pub arrived: bool,
}

pub fn fault(name: &'static str, effect: Effect, verdicts: &'static [Verdict], arrived: bool) -> Fault {
    Fault { name, effect, verdicts, arrived }
}

pub fn faults() -> Vec<Fault> {
    let row = fault;
    let reply = |code, retry_after| Effect::Reply { code, text: None, retry_after, reason: None };
    vec![
        row("429", reply(429, Some(7)), &[Transient], false),
        row("500", reply(500, None), &[Transient], false),
        row("503", reply(503, Some(30)), &[Transient], false),
        row("502", reply(502, None), &[Uncertain], false),
        row("504", reply(504, None), &[Uncertain], false),
        row("401", reply(401, None), &[Refused], false),
        row("403", reply(403, None), &[Refused], false),
        row("reset", Effect::Reset, &[Transient, Uncertain], false),
        row("answer lost", Effect::LoseAnswer, &[Uncertain], true),
        row("answer cut", Effect::CutAnswer, &[Uncertain], true),
    ]
}

/// A send under a fault: each answer is as the fault's row says, and what may be tried again arrives
/// then, once.
pub async fn stands(
    sandbox: &Sandbox,
    adapter: &dyn Adapter,
    fault: Fault,
    content: &Rendition,
    to: Vec<Recipient>,
    cell: &str,
) {
    let asked = match &fault.effect {
        Effect::Reply { retry_after, .. } => retry_after.map(|s| Duration::from_secs(s.into())),
        _ => None,
    };
    let rule = Rule { at: Stage::Request, when: When::Always, effect: fault.effect };
    sandbox.faults().http.change(|plan| plan.rules = vec![rule]).unwrap();
    let answers = send(adapter, content, to.clone()).await;
    for (answer, to) in answers.iter().zip(&to) {
        assert!(fault.verdicts.contains(&answer.verdict), "{cell}: {answer:?}");
        assert_eq!(answer.retry_after, asked, "{cell}");
        assert_eq!(sandbox.record().recipient(&to.address), u32::from(fault.arrived), "{cell}");
    }
    sandbox.faults().http.clear();
    let again: Vec<_> =
        answers.iter().zip(to).filter(|(answer, _)| answer.verdict == Transient).map(|(_, to)| to).collect();
    let answers = send(adapter, content, again.clone()).await;
    assert!(answers.iter().all(|answer| answer.verdict == Accepted), "{cell}: {answers:?}");
    for to in again {
        assert_eq!(sandbox.record().recipient(&to.address), 1, "{cell}");
    }
}

#[tokio::test]
async fn faults_by_adapters() {
    for kind in kinds() {
        let channel = kind.channels[0];
        for fault in faults() {
            let sandbox = sandbox().await;
            let adapter = adapter(&sandbox, kind, TOKEN);
            let cell = format!("{} × {}", fault.name, kind.name);
            stands(&sandbox, &*adapter, fault, &plain(channel), people(channel, 4), &cell).await;
            sandbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_closed_port_and_an_answer_that_never_comes() {
    for kind in kinds() {
        let channel = kind.channels[0];
        let sandbox = sandbox().await;
        let adapter = adapter_with(hasty(), &sandbox, kind, TOKEN);
        sandbox.faults().http.change(|plan| plan.latency.fixed_ms = 60_000).unwrap();
        let answers = send(&*adapter, &plain(channel), people(channel, 1)).await;
        assert_eq!(verdicts(&answers), [Uncertain], "{}", kind.name);
        assert_eq!(sandbox.record().arrivals(), 1, "{}", kind.name);
        adapter.close().await;
        let adapter = adapter_with(registry(), &sandbox, kind, TOKEN);
        sandbox.shutdown().await;
        let answers = send(&*adapter, &plain(channel), people(channel, 2)).await;
        assert_eq!(verdicts(&answers), [Transient; 2], "{}", kind.name);
        assert!(answers.iter().all(|answer| answer.stage == At::Connect), "{}", kind.name);
    }
}

#[tokio::test]
async fn every_row_of_every_table_means_what_it_says() {
    for kind in kinds() {
        let channel = kind.channels[0];
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, kind, TOKEN);
        for row in meanings(kind.name) {
            let code = if row.status == 0 { 400 } else { row.status };
            let reason = (!row.code.is_empty()).then(|| row.code.to_owned());
            let effect = Effect::Reply { code, text: None, retry_after: None, reason };
            let rule = Rule { at: Stage::Request, when: When::Always, effect };
            sandbox.faults().http.change(|plan| plan.rules = vec![rule]).unwrap();
            let answers = send(&*adapter, &plain(channel), people(channel, 1)).await;
            assert_eq!(
                (answers[0].verdict, answers[0].stage, answers[0].code),
                (row.verdict, row.stage, code),
                "{}: {row:?}: {answers:?}",
                kind.name
            );
        }
        assert_eq!(sandbox.record().arrivals(), 0, "{}", kind.name);
        sandbox.shutdown().await;
    }
}
