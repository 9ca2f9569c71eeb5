//! Any gateway that takes HTTP, described in the provider's options: method, URL, headers, a
//! template for the body, and where success and the message's id stand in the answer.
//!
//! Templates are minijinja's. They see `recipients` (each with `to`, `reference`, `subject`,
//! `body`, `unsubscribe`), `recipient` (the first of them), `secret`, and `message` (`subject`,
//! `body`, `html`, `data`, whatever the type has). In a body of JSON every value is written as
//! JSON, quotes included; in a form it is percent-encoded; in XML and HTML it is escaped.

mod answer;
mod template;

use self::answer::Reading;
use self::template::{Escape, Template};
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::{Head, HttpClient, Requests};
use super::meaning;
use super::push;
use super::tls;
use crate::domain::channel::Channel;
use crate::domain::content::Content;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use url::Url;

/// Headers that are ours to set.
const OURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "content-type"];

/// The adapter for a described gateway.
#[derive(Debug)]
pub struct Custom {
    kind: &'static Kind,
    channel: Channel,
    client: HttpClient,
    head: Head,
    content_type: HeaderValue,
    headers: Vec<(HeaderName, Template)>,
    body: Template,
    secret: Option<SecretString>,
    batch: usize,
    train: usize,
    reading: Reading,
    shown: String,
}

/// Content as the templates see it.
#[derive(Debug)]
struct Filled {
    message: Value,
    subject: Option<String>,
    body: String,
}

impl Custom {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(
        account: &Account,
        kind: &'static Kind,
        channel: Channel,
        requests: Requests,
    ) -> Result<Self, AccountError> {
        let endpoint = account.required("endpoint")?;
        let unusable = |problem: String| account.invalid("endpoint", problem);
        let url = Url::parse(&endpoint).map_err(|error| unusable(error.to_string()))?;
        let mut base = url.clone();
        base.set_path("");
        base.set_query(None);
        let tls = tls::client_config(account.text("ca").as_deref())
            .map_err(|error| account.invalid("ca", error.to_string()))?;
        let client = HttpClient::new(&base, tls, account.allow_private, requests).map_err(unusable)?;
        let method = match account.text("method").as_deref() {
            None | Some("POST") => Method::POST,
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some(_) => return Err(account.invalid("method", "is none of POST, PUT, PATCH")),
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let head = client.bare(method.clone(), path, []).map_err(unusable)?;
        let content_type = account.line("contentType")?.unwrap_or_else(|| "application/json".to_owned());
        let escape = Escape::of(&content_type);
        let content_type = HeaderValue::from_str(&content_type)
            .map_err(|_| account.invalid("contentType", "has characters that a header cannot carry"))?;
        let body = Template::new(&account.required("body")?, escape)
            .map_err(|error| account.invalid("body", error.to_string()))?;
        let headers = headers(account)?;
        let batch = match account.text("batch") {
            None => 1,
            Some(text) => match text.parse() {
                Ok(count @ 1..=1000) => count,
                _ => return Err(account.invalid("batch", "is not a number from 1 to 1000")),
            },
        };
        let reading = Reading::new(account, batch)?;
        let secret = account.required_secret("secret").ok();
        let shown = format!("{method} {endpoint}");
        Ok(Self {
            kind,
            channel,
            client,
            head,
            content_type,
            headers,
            body,
            secret,
            batch,
            train: requests.train.max(batch),
            reading,
            shown,
        })
    }

    /// The values of a request to these recipients.
    fn values(&self, content: &Filled, recipients: &[Recipient]) -> Value {
        let one = |recipient: &Recipient| {
            let (subject, body) = match &recipient.rendered {
                Some(own) => (own.subject.as_ref().or(content.subject.as_ref()), &own.body),
                None => (content.subject.as_ref(), &content.body),
            };
            json!({
                "to": recipient.address,
                "reference": recipient.reference,
                "subject": subject,
                "body": body,
                "unsubscribe": recipient.unsubscribe,
            })
        };
        let recipients: Vec<_> = recipients.iter().map(one).collect();
        json!({
            "recipient": recipients.first(),
            "recipients": recipients,
            "message": content.message,
            "secret": self.secret.as_ref().map(ExposeSecret::expose_secret),
        })
    }

    fn request(&self, values: &Value) -> Result<(Vec<(HeaderName, HeaderValue)>, Bytes), String> {
        let mut headers = vec![(CONTENT_TYPE, self.content_type.clone())];
        for (name, template) in &self.headers {
            let text = template.render(values).map_err(|error| format!("header {name}: {error}"))?;
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| format!("header {name} has characters that a header cannot carry"))?;
            value.set_sensitive(true);
            headers.push((name.clone(), value));
        }
        let body = self.body.render(values).map_err(|error| format!("body: {error}"))?;
        Ok((headers, Bytes::from(body)))
    }
}

/// The headers of the options: a JSON object of templates.
fn headers(account: &Account) -> Result<Vec<(HeaderName, Template)>, AccountError> {
    const FIELD: &str = "headers";
    let Some(text) = account.text(FIELD) else { return Ok(Vec::new()) };
    let given: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|_| account.invalid(FIELD, "is not a JSON object of names and values"))?;
    given
        .iter()
        .map(|(name, value)| {
            let bad = |problem: &str| account.invalid(FIELD, format!("{name} {problem}"));
            if OURS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(bad("is set by Herald: leave it out"));
            }
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("is no header's name"))?;
            let text = value.as_str().ok_or_else(|| bad("has a value that is no text"))?;
            let template = Template::new(text, Escape::None).map_err(|error| bad(&error.to_string()))?;
            Ok((header, template))
        })
        .collect()
}

#[async_trait]
impl Adapter for Custom {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        self.train
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        let channel = rendition.content.channel();
        if channel != self.channel {
            return Err(CompileError(format!("this provider delivers {} only", self.channel)));
        }
        let (message, subject, body) = match &rendition.content {
            Content::Email(mail) => {
                if !mail.attachments.is_empty() {
                    return Err(CompileError("a described gateway takes no attachments".to_owned()));
                }
                let message = json!({"subject": mail.subject, "body": mail.content, "html": mail.html});
                (message, Some(mail.subject.clone()), mail.content.clone())
            }
            Content::Sms(sms) => (json!({"body": sms.content}), None, sms.content.clone()),
            Content::Push(content) => {
                let mut message = serde_json::to_value(content).unwrap_or_default();
                let notice = push::Notice::compile(rendition)?;
                message["data"] = Value::Object(notice.data);
                message["image"] = json!(notice.image);
                message["subject"] = json!(content.title);
                (message, content.title.clone(), content.body.clone().unwrap_or_default())
            }
        };
        let compiled = Filled { message, subject, body };
        // What fails for a made-up recipient fails for everybody.
        let nobody = Recipient {
            address: "+15005550006".to_owned(),
            reference: "reference".to_owned(),
            rendered: None,
            unsubscribe: None,
        };
        self.request(&self.values(&compiled, &[nobody])).map_err(CompileError)?;
        Ok(Arc::new(compiled))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        let Some(content) = batch.compiled.downcast_ref::<Filled>() else {
            (0..batch.recipients.len()).for_each(|place| answers(place, push::misdirected()));
            return;
        };
        let mut line = self.client.line();
        for (n, recipients) in batch.recipients.chunks(self.batch).enumerate() {
            let started = Instant::now();
            let told = match self.request(&self.values(content, recipients)) {
                Ok((headers, body)) => match line.request(&self.head, headers, body).await {
                    Ok(answer) => self.reading.read(&answer, recipients.len()),
                    Err(error) => vec![meaning::unanswered(&error); recipients.len()],
                },
                Err(problem) => {
                    vec![Answer::new(Verdict::Permanent, Stage::Content, 0, problem); recipients.len()]
                }
            };
            for (place, mut answer) in told.into_iter().enumerate() {
                answer.latency = started.elapsed();
                answers(n * self.batch + place, answer);
            }
        }
    }

    async fn test(&self) -> TestReport {
        let content = Filled { message: json!({"body": "test"}), subject: None, body: "test".to_owned() };
        let nobody = Recipient {
            address: "+15005550006".to_owned(),
            reference: "reference".to_owned(),
            rendered: None,
            unsubscribe: None,
        };
        let mut values = self.values(&content, &[nobody]);
        if self.secret.is_some() {
            values["secret"] = json!("••••");
        }
        let mut dialogue = vec![DialogueLine { ours: true, text: self.shown.clone() }];
        let body = self.body.render(&values);
        let (ok, finding) = match &body {
            Ok(_) => (
                true,
                "The description makes a request. Nothing was sent: what the gateway says to it shows with \
                 the first message, so send a test message."
                    .to_owned(),
            ),
            Err(error) => (false, format!("The template of the body makes no request: {error}.")),
        };
        let text = body.unwrap_or_default();
        dialogue.extend(text.lines().map(|line| DialogueLine { ours: true, text: line.to_owned() }));
        TestReport { ok, dialogue, finding }
    }

    async fn close(&self) {
        self.client.close();
    }
}
