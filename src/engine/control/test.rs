//! Trying a provider: talking to its service, and one message to somebody who waits for it.

use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::content::{Content, EmailContent, PushContent, SmsContent};
use crate::domain::ids::ProviderId;
use crate::domain::person::canonical_address;
use crate::domain::provider::Provider;
use crate::domain::validate::{self, Invalid};
use crate::engine::Engine;
use crate::engine::dispatch::sheets;
use crate::engine::error::{EngineError, Result};
use crate::providers::adapter::{
    Adapter, Answer, Batch, DialogueLine, Recipient, Rendition, TestReport, Verdict,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a service may take to answer a test: whoever asked waits no longer than half a minute.
const PATIENCE: Duration = Duration::from_secs(25);

/// What is found where nothing came back.
fn silence() -> TestReport {
    TestReport {
        ok: false,
        refused: false,
        dialogue: Vec::new(),
        finding: format!(
            "No answer within {} s: check host and port, and whether a firewall swallows what is sent.",
            PATIENCE.as_secs()
        ),
    }
}

/// What a try of a provider found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The conversation, and what it means.
    pub report: TestReport,
    /// Whether the service took the message; `None`: none was sent.
    pub sent: Option<bool>,
}

/// The address in canonical form, if it is one of this type.
fn address(channel: Channel, to: &str) -> Result<String> {
    let address = canonical_address(channel, to.trim());
    let (good, rule) = match channel {
        Channel::Email => (validate::email(&address), "a mail address"),
        Channel::Sms => (validate::phone(&address), "a phone number with its country code"),
        Channel::Push => (validate::device_token(&address), "a device token"),
    };
    if good { Ok(address) } else { Err(Invalid::value("to", format!("Value must be {rule}")).into()) }
}

/// What a test message says.
fn content(provider: &Provider, at: &str) -> Content {
    let subject = format!("Test of the provider {}", provider.name);
    let body =
        format!("Herald sent this at {at} through its provider {}, to see whether it arrives.", provider.id);
    match provider.channel {
        Channel::Email => Content::Email(EmailContent { subject, content: body, ..EmailContent::default() }),
        Channel::Sms => Content::Sms(SmsContent { content: body }),
        Channel::Push => Content::Push(Box::new(PushContent {
            title: Some(subject),
            body: Some(body),
            ..PushContent::default()
        })),
    }
}

/// Hands one message to the service, and what it says to it.
async fn send(adapter: &Arc<dyn Adapter>, content: Content, to: String, reference: String) -> Answer {
    let rendition = Rendition { content, personal: false, cc: Vec::new(), files: Vec::new(), expires: None };
    let lost = |verdict, text: String| Answer::new(verdict, crate::domain::delivery::Stage::Local, 0, text);
    let compiled = match adapter.compile(&rendition) {
        Ok(compiled) => compiled,
        Err(error) => return lost(Verdict::Permanent, error.to_string()),
    };
    let recipient = Recipient { address: to, reference, rendered: None, unsubscribe: None };
    let batch = Batch { compiled, recipients: vec![recipient], key: None };
    let heard = Mutex::new(None);
    let mut answers = |_: usize, answer: Answer| {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    };
    adapter.send(&batch, &mut answers).await;
    let heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    heard.unwrap_or_else(|| lost(Verdict::Uncertain, "the answer was lost".to_owned()))
}

/// In one sentence: what became of the message.
fn finding(answer: &Answer) -> String {
    let text = answer.text.lines().next().unwrap_or_default();
    match answer.verdict {
        Verdict::Accepted => "The service took the test message: look whether it arrives.".to_owned(),
        Verdict::Transient => format!("The service puts the test message off: {text}."),
        Verdict::Permanent => format!("The service does not take the test message: {text}."),
        Verdict::TargetExpired => format!("The service knows no such address: {text}."),
        Verdict::Refused => format!("The service refuses us: {text}."),
        Verdict::Uncertain => format!("Nobody knows whether the test message went out: {text}."),
    }
}

impl Engine {
    /// Talks to the service without sending to anybody; with `to`, hands it one test message for
    /// this address when that went well. The message is no delivery: it stands in no log but the
    /// audit, which does not name the address, and counts for no quota.
    pub async fn test_provider(&self, by: &Actor, id: &ProviderId, to: Option<&str>) -> Result<Tried> {
        let provider = self.core.store.provider(id).await?;
        let to = to.map(|to| address(provider.channel, to)).transpose()?;
        if to.is_some() && self.core.stopped() {
            return Err(EngineError::Refused("All sending is stopped, test messages too".to_owned()));
        }
        let link = sheets::connect(&self.core, &provider).await?;
        let report = tokio::time::timeout(PATIENCE, link.adapter.test()).await;
        let mut tried = Tried { report: report.unwrap_or_else(|_| silence()), sent: None };
        if let Some(to) = to.filter(|_| tried.report.ok) {
            let audit = self.entry(
                by,
                "provider.test",
                format_args!("provider/{id}"),
                format!("a test message sent through “{}”", provider.name),
            );
            self.core.store.append_audit(audit).await?;
            let content = content(&provider, &self.now().to_string());
            let ours = DialogueLine { ours: true, text: format!("a test message to {to}") };
            tried.report.dialogue.push(ours);
            let answer = send(&link.adapter, content, to, format!("test-{}", self.new_id())).await;
            let code = if answer.code > 0 { answer.code.to_string() } else { String::new() };
            // A mail server's answer begins with its code.
            let said = if answer.text.starts_with(&code) {
                answer.text.clone()
            } else {
                format!("{code} {}", answer.text)
            };
            let lines = said.lines().map(|line| DialogueLine { ours: false, text: line.to_owned() });
            tried.report.dialogue.extend(lines);
            tried.report.finding = finding(&answer);
            tried.report.ok = answer.verdict == Verdict::Accepted;
            tried.sent = Some(tried.report.ok);
        }
        link.adapter.close().await;
        Ok(tried)
    }
}
