//! Accounts, batches and collected answers.

use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent};
use herald::domain::ids::{ProviderId, ProviderNo, Revision};
use herald::domain::provider::{Limits, Provider};
use herald::domain::time::Timestamp;
use herald::providers::adapter::{Account, Adapter, Adapters, Answer, Batch, Recipient, Rendition, Verdict};
use herald::providers::http::Requests;
use herald::providers::registry::Registry;
use herald::providers::smtp::Sessions;
use herald::providers::smtp::session::Timeouts;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Long enough that nothing is late by accident, short enough to wait for.
pub const SHORT: Duration = Duration::from_millis(400);

/// The registry with time limits that a test can wait for.
pub fn registry() -> Registry {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        greeting: Duration::from_secs(5),
        command: Duration::from_secs(5),
        data: Duration::from_secs(5),
        end: Duration::from_secs(5),
    };
    Registry {
        sessions: Sessions { timeouts, ..Sessions::default() },
        requests: Requests { deadline: Duration::from_secs(5), ..Requests::default() },
    }
}

/// As [`registry`], giving up soon.
pub fn hasty() -> Registry {
    let mut registry = registry();
    let limits = &mut registry.sessions.timeouts;
    (limits.greeting, limits.command, limits.data, limits.end) = (SHORT, SHORT, SHORT, SHORT);
    registry.requests.deadline = SHORT;
    registry
}

/// An account; values of options are JSON.
pub fn account(
    kind: &str,
    channel: Channel,
    options: &[(&str, &str)],
    credentials: &[(&str, &str)],
) -> Account {
    let text = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Account {
        provider: Provider {
            no: ProviderNo(1),
            id: ProviderId::new("main").unwrap(),
            name: "Main".to_owned(),
            kind: kind.to_owned(),
            channel,
            enabled: true,
            options: options.iter().map(text).collect(),
            credentials: BTreeMap::new(),
            limits: Limits::default(),
            hold: None,
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision::default(),
            door: herald::domain::provider::Door::Network,
            guard: None,
        },
        credentials: credentials
            .iter()
            .map(|&(name, value)| (name.to_owned(), SecretString::from(value)))
            .collect(),
        allow_private: true,
        receipts_url: None,
    }
}

/// A mail account at a peer, with further options and credentials.
pub fn mail_account(addr: SocketAddr, options: &[(&str, &str)], credentials: &[(&str, &str)]) -> Account {
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let mut all = vec![("fromEmail", "\"news@sender.example\"")];
    all.extend_from_slice(options);
    let mut secrets = vec![("host", host.as_str()), ("port", port.as_str())];
    secrets.extend_from_slice(credentials);
    account("smtp", Channel::Email, &all, &secrets)
}

/// A mail adapter at a peer.
pub fn smtp(registry: Registry, addr: SocketAddr) -> Arc<dyn Adapter> {
    registry.connect(&mail_account(addr, &[], &[]), Channel::Email).unwrap()
}

/// A recipient whose reference is made from its address.
pub fn recipient(address: &str) -> Recipient {
    let reference = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Recipient { address: address.to_owned(), reference, rendered: None, unsubscribe: None }
}

/// A mail's content.
pub fn mail(subject: &str, content: &str, html: bool) -> Rendition {
    let mail = EmailContent {
        subject: subject.to_owned(),
        content: content.to_owned(),
        html,
        ..EmailContent::default()
    };
    rendition(Content::Email(mail))
}

/// Content that is the same for all.
pub fn rendition(content: Content) -> Rendition {
    Rendition { content, personal: false, cc: vec![], files: vec![], expires: None }
}

/// Sends and checks that there is exactly one answer for each recipient.
pub async fn send(adapter: &dyn Adapter, rendition: &Rendition, recipients: Vec<Recipient>) -> Vec<Answer> {
    let compiled = adapter.compile(rendition).unwrap();
    send_batch(adapter, &Batch { compiled, recipients, key: None }).await
}

/// As [`send`], for a batch.
pub async fn send_batch(adapter: &dyn Adapter, batch: &Batch) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = vec![None; batch.recipients.len()];
    let mut put = |place: usize, answer: Answer| {
        assert!(answers[place].replace(answer).is_none(), "two answers for recipient {place}");
    };
    tokio::time::timeout(Duration::from_mins(1), adapter.send(batch, &mut put)).await.expect("send ends");
    answers.into_iter().map(|answer| answer.expect("an answer for everybody")).collect()
}

/// Sends a small mail to addresses.
pub async fn send_to(adapter: &dyn Adapter, addresses: &[&str]) -> Vec<Answer> {
    let recipients = addresses.iter().map(|address| recipient(address)).collect();
    send(adapter, &mail("Hello", "Good morning.\n", false), recipients).await
}

/// The verdicts of answers.
pub fn verdicts(answers: &[Answer]) -> Vec<Verdict> {
    answers.iter().map(|answer| answer.verdict).collect()
}
