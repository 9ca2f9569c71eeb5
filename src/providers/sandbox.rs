//! The adapter for the sandbox's HTTP side, which plays an SMS and a push service.
//!
//! `POST {endpoint}/send/sms` or `/send/push` with a bearer token and, when the
//! batch has one, an `idempotency-key`; the body names 1 to 100 recipients, the
//! answer has one result for each.

pub mod payload;

use self::payload::CompiledPayload;
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::{Head, HttpAnswer, HttpClient, HttpError, Requests};
use super::tls;
use crate::domain::channel::Channel;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// The header that makes a repeated request harmless.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest answer that is kept, in bytes.
const KEPT: usize = 2048;

/// The adapter for the sandbox.
#[derive(Debug)]
pub struct Sandbox {
    kind: &'static Kind,
    channel: Channel,
    client: HttpClient,
    head: Head,
    batch: bool,
    train: usize,
    from: Option<String>,
    shown: String,
}

impl Sandbox {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(
        account: &Account,
        kind: &'static Kind,
        channel: Channel,
        requests: Requests,
    ) -> Result<Self, AccountError> {
        let endpoint = account.required("endpoint")?;
        let url = Url::parse(&endpoint).map_err(|error| account.invalid("endpoint", error.to_string()))?;
        let unusable = |problem: String| account.invalid("endpoint", problem);
        let token = account.required_secret("token")?;
        let tls = tls::client_config(None).map_err(|error| unusable(error.to_string()))?;
        let client = HttpClient::new(&url, tls, account.allow_private, requests).map_err(unusable)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| account.invalid("token", "has characters that a header cannot carry"))?;
        bearer.set_sensitive(true);
        let path = format!("/send/{channel}");
        let head = client.head(&path, "application/json", [(AUTHORIZATION, bearer)]).map_err(unusable)?;
        let batch = account.flag("batch", false)?;
        let shown = format!("POST {}{path}", endpoint.trim_end_matches('/'));
        let from = account.line("from")?;
        Ok(Self { kind, channel, client, head, batch, train: requests.train, from, shown })
    }
}

#[async_trait]
impl Adapter for Sandbox {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        if self.batch { self.kind.batch as usize } else { self.train }
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        if rendition.content.channel() != self.channel {
            return Err(CompileError(format!("this provider delivers {} only", self.channel)));
        }
        Ok(Arc::new(CompiledPayload::compile(&rendition.content, self.from.as_deref())?))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        let Some(content) = batch.compiled.downcast_ref::<CompiledPayload>() else {
            for place in 0..batch.recipients.len() {
                let text = "the content was not compiled for the sandbox";
                answers(place, Answer::new(Verdict::Permanent, Stage::Local, 0, text));
            }
            return;
        };
        let size = if self.batch { self.kind.batch as usize } else { 1 };
        let mut line = self.client.line();
        let mut first = 0;
        while let Some(rest) = batch.recipients.get(first..).filter(|rest| !rest.is_empty()) {
            let (body, taken) = content.body(&rest[..size.min(rest.len())]);
            let recipients = &rest[..taken];
            let key = batch.key.and_then(|key| {
                // The first recipient's reference makes the key the request's own.
                let own = recipients.first()?.reference.as_str();
                let key = format!("herald-{}-{}-{}-{own}", key.window, key.batch, key.used.0);
                HeaderValue::from_str(&key).ok()
            });
            let started = Instant::now();
            let result = line.request(&self.head, key.map(|key| (KEY, key)), Bytes::from(body)).await;
            let latency = started.elapsed();
            for (place, mut answer) in judge(&result, recipients).into_iter().enumerate() {
                answer.latency = latency;
                answers(first + place, answer);
            }
            first += taken;
        }
    }

    async fn test(&self) -> TestReport {
        // No recipients: the sandbox checks the token, finds the list empty and sends nothing.
        let body = Bytes::from_static(b"{\"recipients\":[]}");
        let mut dialogue = vec![
            DialogueLine { ours: true, text: self.shown.clone() },
            DialogueLine { ours: true, text: "authorization: Bearer ••••".to_owned() },
            DialogueLine { ours: true, text: String::from_utf8_lossy(&body).into_owned() },
        ];
        let mut refused = false;
        let (ok, finding) = match self.client.line().request(&self.head, None, body).await {
            Ok(answer) => {
                dialogue.push(DialogueLine { ours: false, text: format!("HTTP {}", answer.status) });
                dialogue.extend(
                    shown(&answer).lines().map(|line| DialogueLine { ours: false, text: line.to_owned() }),
                );
                refused = matches!(answer.status.as_u16(), 401 | 403);
                match answer.status.as_u16() {
                    200 | 400 | 422 => (true, "The sandbox answers and takes the token.".to_owned()),
                    401 | 403 => (false, "The sandbox does not take the token: check it.".to_owned()),
                    404 | 405 => {
                        (false, "Something else than the sandbox answers: check the endpoint.".to_owned())
                    }
                    300..=399 => (
                        false,
                        "The endpoint redirects, which is not followed: give the final address.".to_owned(),
                    ),
                    429 => (false, "The sandbox asks to wait: try again later.".to_owned()),
                    status => (false, format!("The sandbox answers with HTTP {status}: try again later.")),
                }
            }
            Err(error) => (false, format!("The sandbox does not answer: {error}.")),
        };
        TestReport { ok, refused, dialogue, finding }
    }

    async fn close(&self) {
        self.client.close();
    }
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    results: Vec<One<'a>>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    to: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    status: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    id: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    code: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    message: std::borrow::Cow<'a, str>,
}

/// What a request's result means for each of its recipients.
fn judge(result: &Result<HttpAnswer, HttpError>, recipients: &[Recipient]) -> Vec<Answer> {
    let all = |answer: Answer| vec![answer; recipients.len()];
    let answer = match result {
        Ok(answer) => answer,
        Err(HttpError::Dial(error)) => {
            return all(Answer::new(error.verdict(), Stage::Connect, 0, error.to_string()));
        }
        Err(error @ HttpError::NotSent(_)) => {
            return all(Answer::new(Verdict::Transient, Stage::Connect, 0, error.to_string()));
        }
        Err(error @ HttpError::AnswerLost(_)) => {
            return all(Answer::new(Verdict::Uncertain, Stage::Response, 0, error.to_string()));
        }
    };
    let code = answer.status.as_u16();
    if answer.status != StatusCode::OK {
        let (verdict, stage) = by_status(code);
        let mut answered = Answer::new(verdict, stage, code, shown(answer));
        answered.retry_after = answer.retry_after;
        return all(answered);
    }
    let read = answer.whole.then(|| serde_json::from_slice::<Results<'_>>(&answer.body).ok()).flatten();
    let Some(read) = read else {
        let text = "the answer cannot be read; the messages may have been taken";
        return all(Answer::new(Verdict::Uncertain, Stage::Response, code, text));
    };
    recipients
        .iter()
        .enumerate()
        .map(|(place, recipient)| {
            // In the order of the request, unless it says otherwise.
            let one = read
                .results
                .get(place)
                .filter(|one| one.to == recipient.address)
                .or_else(|| read.results.iter().find(|one| one.to == recipient.address));
            match one {
                Some(one) => by_result(one, code, answer.retry_after),
                None => Answer::new(
                    Verdict::Uncertain,
                    Stage::Response,
                    code,
                    "the answer does not name this recipient; the message may have been taken",
                ),
            }
        })
        .collect()
}

/// What a status other than 200 says of everybody in the request.
fn by_status(code: u16) -> (Verdict, Stage) {
    match code {
        401 | 403 => (Verdict::Refused, Stage::Authentication),
        408 | 425 | 429 | 500..=599 => (Verdict::Transient, Stage::Response),
        // Not the service that was meant, or a redirect, which is not followed.
        300..=399 | 404 | 405 => (Verdict::Refused, Stage::Response),
        // Taken, but in a way that is not in the contract.
        200..=299 => (Verdict::Uncertain, Stage::Response),
        // 409, the idempotency key was used for something else, and the rest: this content is not taken.
        _ => (Verdict::Permanent, Stage::Content),
    }
}

fn by_result(one: &One<'_>, code: u16, retry_after: Option<Duration>) -> Answer {
    let text = match (one.code.as_ref(), one.message.as_ref()) {
        ("", "") => one.status.to_string(),
        ("", text) | (text, "") => text.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let mut answer = Answer::new(Verdict::Permanent, Stage::Recipient, code, cut(&text));
    match (one.status.as_ref(), one.code.as_ref()) {
        ("accepted", _) => {
            answer.verdict = Verdict::Accepted;
            answer.stage = Stage::Response;
            cut(&one.id).clone_into(&mut answer.provider_id);
        }
        ("rejected", "unregistered") => answer.verdict = Verdict::TargetExpired,
        ("rejected", "temporarily_unavailable") => {
            answer.verdict = Verdict::Transient;
            answer.retry_after = retry_after;
        }
        ("rejected", _) => {}
        _ => answer.verdict = Verdict::Uncertain,
    }
    answer
}

fn shown(answer: &HttpAnswer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = body.trim();
    if body.is_empty() { format!("HTTP {}", answer.status) } else { cut(body).to_owned() }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEPT)]
}
