//! Any gateway that takes HTTP, described in the provider's options: method, URL, headers, a
//! template for the body, and where success and the message's id stand in the answer.
//!
//! Templates are minijinja's. They see `recipients` (each with `to`, `reference`, `subject`,
//! `body`, `text`, `unsubscribe`), `recipient` (the first of them), `secret`, and `message`
//! (`subject`, `body`, `html`, `data`, whatever the type has; a mail's `attachments`, each with
//! `name`, `mime` and `content` in base64). In a body of JSON every value is written as JSON,
//! quotes included; in a form, a path and a query it is percent-encoded; in XML and HTML it is
//! escaped. Beside minijinja's filters there is `base64`.
//!
//! An answer's status says what became of the request, unless the options say more: which
//! statuses are read (`successStatus`), where the results of a batch are (`resultsPath`, a list in
//! the order of the request or with `recipientPath`, or an object by recipient), what means
//! success (`successPath` and `successValue`, or `successPattern` for text), where the id is
//! (`idPath`) and where the code of a refusal is (`codePath`, or `codePattern`). `meanings` says
//! what statuses and codes mean: `{"expired": [410, "GONE"], "retry": ["BUSY"]}`; what has none
//! means what it means everywhere ([`meaning::by_status`]), and a refusal in an answer that is
//! read is for good. A batch that is refused as a whole is narrowed down to whom it speaks of.

mod answer;
mod template;

use self::answer::{Reading, Told};
use self::template::{Escape, Template};
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::{Head, HttpClient, Line, Requests};
use super::meaning;
use super::push;
use super::service::{Culprits, speaks_of_some};
use super::smtp::mime::plain_text;
use super::tls;
use crate::domain::channel::Channel;
use crate::domain::content::Content;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Headers that are ours to set.
const OURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "content-type"];

/// The adapter for a described gateway.
#[derive(Debug)]
pub struct Custom {
    kind: &'static Kind,
    channel: Channel,
    client: HttpClient,
    method: Method,
    /// The endpoint's own path and query.
    own: (String, Option<String>),
    path: Option<Template>,
    query: Option<Template>,
    content_type: HeaderValue,
    headers: Vec<(HeaderName, Template)>,
    /// None with GET.
    body: Option<Template>,
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
    /// Whether the body is HTML.
    html: bool,
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
            Some("GET") => Method::GET,
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some(_) => return Err(account.invalid("method", "is none of GET, POST, PUT, PATCH")),
        };
        let own = (url.path().to_owned(), url.query().map(str::to_owned));
        let template = |field: &str, escape: Escape| {
            let text = account.text(field);
            text.map(|text| Template::new(&text, escape).map_err(|problem| account.invalid(field, problem)))
                .transpose()
        };
        let (path, query) = (template("path", Escape::Component)?, template("query", Escape::Component)?);
        let content_type = account.line("contentType")?.unwrap_or_else(|| "application/json".to_owned());
        let escape = Escape::of(&content_type);
        let content_type = HeaderValue::from_str(&content_type)
            .map_err(|_| account.invalid("contentType", "has characters that a header cannot carry"))?;
        let body = template("body", escape)?;
        match (&method, &body) {
            (&Method::GET, Some(_)) => {
                return Err(account.invalid("body", "goes with no GET: use query, or another method"));
            }
            (&Method::GET, None) if path.is_none() && query.is_none() => {
                return Err(account.invalid("query", "is not set: a GET says all in its URL"));
            }
            (&Method::GET, None) | (_, Some(_)) => {}
            (_, None) => {
                account.required("body")?;
            }
        }
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
            method,
            own,
            path,
            query,
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
            let mut values = json!({
                "to": recipient.address,
                "reference": recipient.reference,
                "subject": subject,
                "body": body,
                "unsubscribe": recipient.unsubscribe,
            });
            values["text"] = if content.html { plain_text(body).into() } else { body.clone().into() };
            values
        };
        let recipients: Vec<_> = recipients.iter().map(one).collect();
        json!({
            "recipient": recipients.first(),
            "recipients": recipients,
            "message": content.message,
            "secret": self.secret.as_ref().map(ExposeSecret::expose_secret),
        })
    }

    /// Path and query of a request.
    fn target(&self, values: &Value) -> Result<String, String> {
        let filled = |template: &Option<Template>, name: &str| {
            let filled = template.as_ref().map(|template| template.render(values)).transpose();
            filled.map_err(|error| format!("{name}: {error}"))
        };
        let mut target = self.own.0.clone();
        if let Some(more) = filled(&self.path, "path")? {
            let more = more.trim();
            if more.split('/').any(|part| matches!(part, "." | "..")) {
                return Err("path: has a part of dots alone, which means another path".to_owned());
            }
            let joint = if target.ends_with('/') || more.starts_with('/') { "" } else { "/" };
            target = match (target.strip_suffix('/'), more.starts_with('/')) {
                (Some(bare), true) => format!("{bare}{more}"),
                _ => format!("{target}{joint}{more}"),
            };
        }
        let more = filled(&self.query, "query")?;
        let parts = [self.own.1.as_deref(), more.as_deref().map(str::trim)];
        let query: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        Ok(target)
    }

    /// A request: its head and its body.
    fn request(&self, values: &Value) -> Result<(Head, Bytes), String> {
        let mut headers = Vec::with_capacity(1 + self.headers.len());
        if self.body.is_some() {
            headers.push((CONTENT_TYPE, self.content_type.clone()));
        }
        for (name, template) in &self.headers {
            let text = template.render(values).map_err(|error| format!("header {name}: {error}"))?;
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| format!("header {name} has characters that a header cannot carry"))?;
            value.set_sensitive(true);
            headers.push((name.clone(), value));
        }
        let body = match &self.body {
            Some(body) => body.render(values).map_err(|error| format!("body: {error}"))?,
            None => String::new(),
        };
        let head = self.client.bare(self.method.clone(), &self.target(values)?, headers)?;
        Ok((head, Bytes::from(body)))
    }

    /// What the gateway says of these recipients, and how long it took.
    async fn ask(&self, line: &mut Line<'_>, content: &Filled, to: &[Recipient]) -> (Told, Duration) {
        let started = Instant::now();
        let told = match self.request(&self.values(content, to)) {
            Ok((head, body)) => match line.request(&head, [], body).await {
                Ok(answer) => self.reading.read(&answer, to),
                Err(error) => Told::All(meaning::unanswered(&error)),
            },
            Err(problem) => Told::All(Answer::new(Verdict::Permanent, Stage::Content, 0, problem)),
        };
        (told, started.elapsed())
    }
}

/// Somebody who is nobody: what fails for them fails for everybody.
fn nobody() -> Recipient {
    Recipient {
        address: "+15005550006".to_owned(),
        reference: "reference".to_owned(),
        rendered: None,
        unsubscribe: None,
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
            let template = Template::new(text, Escape::None).map_err(|problem| bad(&problem))?;
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
        let filled = match &rendition.content {
            Content::Email(mail) => {
                let names = |template: &Template| template.named(true).contains("message.attachments");
                if !mail.attachments.is_empty() && !self.body.as_ref().is_some_and(names) {
                    let problem = "the description of this gateway says nothing of message.attachments";
                    return Err(CompileError(problem.to_owned()));
                }
                let files = mail.attachments.iter().zip(&rendition.files).map(|(file, content)| {
                    json!({"name": file.name, "mime": file.mime, "content": STANDARD.encode(content)})
                });
                let files: Vec<_> = files.collect();
                let message = json!({
                    "subject": mail.subject,
                    "body": mail.content,
                    "html": mail.html,
                    "attachments": files,
                });
                let (subject, body) = (Some(mail.subject.clone()), mail.content.clone());
                Filled { message, subject, body, html: mail.html }
            }
            Content::Sms(sms) => Filled {
                message: json!({"body": sms.content}),
                subject: None,
                body: sms.content.clone(),
                html: false,
            },
            Content::Push(content) => {
                let mut message = serde_json::to_value(content).unwrap_or_default();
                let notice = push::Notice::compile(rendition)?;
                message["data"] = Value::Object(notice.data);
                message["image"] = json!(notice.image);
                message["subject"] = json!(content.title);
                let (subject, body) = (content.title.clone(), content.body.clone().unwrap_or_default());
                Filled { message, subject, body, html: false }
            }
        };
        self.request(&self.values(&filled, &[nobody()])).map_err(CompileError)?;
        Ok(Arc::new(filled))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        let Some(content) = batch.compiled.downcast_ref::<Filled>() else {
            (0..batch.recipients.len()).for_each(|place| answers(place, push::misdirected()));
            return;
        };
        let mut line = self.client.line();
        // What is next is at the end: ranges of places.
        let all = batch.recipients.len();
        let starts: Vec<_> = (0..all).step_by(self.batch).rev().collect();
        let mut parts: Vec<_> = starts.into_iter().map(|from| from..(from + self.batch).min(all)).collect();
        let mut culprits = Culprits::default();
        while let Some(part) = parts.pop() {
            if let Some(answer) = &culprits.verdict {
                part.for_each(|place| answers(place, answer.clone()));
                continue;
            }
            let (told, latency) = self.ask(&mut line, content, &batch.recipients[part.clone()]).await;
            let each = match told {
                Told::All(answer) if part.len() > 1 && speaks_of_some(&answer) => {
                    let middle = part.start + part.len() / 2;
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                    culprits.narrowing = true;
                    continue;
                }
                Told::All(answer) => vec![answer; part.len()],
                Told::Each(each) => each,
            };
            culprits.count(&each);
            for (place, mut answer) in part.zip(each) {
                answer.latency = latency;
                answers(place, answer);
            }
        }
    }

    async fn test(&self) -> TestReport {
        let content =
            Filled { message: json!({"body": "test"}), subject: None, body: "test".to_owned(), html: false };
        let mut values = self.values(&content, &[nobody()]);
        if self.secret.is_some() {
            values["secret"] = json!("••••");
        }
        let ours = |text: &str| DialogueLine { ours: true, text: text.to_owned() };
        let mut dialogue = vec![ours(&self.shown)];
        let body = self.body.as_ref().map(|body| body.render(&values)).transpose();
        let made = self.target(&values).and_then(|target| Ok((target, body?)));
        let (ok, finding) = match &made {
            Ok(_) => (
                true,
                "The description makes a request. Nothing was sent: what the gateway says to it shows with \
                 the first message, so send a test message."
                    .to_owned(),
            ),
            Err(error) => (false, format!("The description makes no request: {error}.")),
        };
        if let Ok((target, body)) = made {
            dialogue.push(ours(&format!("{} {target}", self.method)));
            dialogue.extend(body.unwrap_or_default().lines().map(ours));
        }
        TestReport { ok, refused: false, dialogue, finding }
    }

    async fn close(&self) {
        self.client.close();
    }
}
