//! What all services over HTTP have in common: requests to as many as one may bear,
//! over kept connections; one answer for each recipient, whatever happens; a refusal
//! of a whole request narrowed down to whom it speaks of; the check of credentials.

use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::{Head, HttpAnswer, HttpClient, HttpError, Line, Requests};
use super::meaning::{self, Meaning};
use super::tls;
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// When so many recipients have been refused one by one, all alike and nobody was
/// taken, the refusal speaks of the content and not of them.
const ALIKE: usize = 8;

/// A request to some recipients.
#[derive(Debug)]
pub struct Made<'a> {
    /// Method, path and fixed headers.
    pub head: &'a Head,
    /// Headers of this request alone.
    pub further: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// To how many of the recipients it is: the first so many, at least one.
    pub taken: usize,
}

impl<'a> Made<'a> {
    /// A request to so many recipients without headers of its own.
    pub fn new(head: &'a Head, body: impl Into<Bytes>, taken: usize) -> Self {
        Self { head, further: HeaderMap::new(), body: body.into(), taken }
    }
}

/// What an answer says of the recipients of its request.
#[derive(Debug)]
pub enum Judged {
    /// The same of everybody.
    All(Answer),
    /// Of each, in the order of the request.
    Each(Vec<Answer>),
}

/// How one service looks on the wire, and what its answers mean.
pub trait Protocol: Debug + Send + Sync + 'static {
    /// Content as it is compiled for this service.
    type Content: Send + Sync + 'static;

    /// What the service's refusals mean.
    const MEANINGS: &'static [Meaning];

    /// Compiles content once.
    fn compile(&self, rendition: &Rendition) -> Result<Self::Content, CompileError>;

    /// Refuses a recipient whom no request can bear, before there is a request.
    fn check(&self, content: &Self::Content, recipient: &Recipient) -> Result<(), Answer>;

    /// The request to the first of these recipients, of whom there is at least one
    /// and at most the kind's batch.
    fn request(&self, content: &Self::Content, to: &[&Recipient], key: Option<BatchKey>) -> Made<'_>;

    /// What an answer says.
    fn judge(&self, answer: &HttpAnswer, to: &[&Recipient]) -> Judged;

    /// The cheap call that shows whether the service takes our credentials. It sends
    /// nothing to anybody.
    fn probe(&self) -> Made<'_>;

    /// What the answer to [`Protocol::probe`] says, as [`Protocol::judge`] says it.
    fn judge_probe(&self, answer: &HttpAnswer) -> Answer {
        if answer.status.is_success() {
            meaning::accepted(answer, "", "")
        } else {
            meaning::refused(Self::MEANINGS, answer, "")
        }
    }
}

/// The adapter for a service over HTTP.
#[derive(Debug)]
pub struct Service<P> {
    kind: &'static Kind,
    protocol: P,
    client: HttpClient,
    train: usize,
    /// When the next request may go, where the service publishes a rate.
    next: Mutex<Instant>,
}

/// What a protocol is made from: the account, and the client for its endpoint.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The row of the table of kinds.
    pub kind: &'static Kind,
    /// The account.
    pub account: &'a Account,
    /// The client, for the heads of requests.
    pub client: &'a HttpClient,
}

impl Opening<'_> {
    /// A header value from a secret: never printed.
    pub fn secret_header(&self, field: &str, text: &str) -> Result<HeaderValue, AccountError> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| self.account.invalid(field, "has characters that a header cannot carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The value of `authorization` for a scheme and a secret, such as `Bearer`.
    pub fn bearer(&self, scheme: &str, field: &str) -> Result<HeaderValue, AccountError> {
        let secret = self.account.required_secret(field)?;
        self.secret_header(field, &format!("{scheme} {}", secret.expose_secret()))
    }

    /// The value of `authorization` for HTTP's Basic scheme (RFC 7617).
    pub fn basic(&self, user: &str, password: &SecretString) -> Result<HeaderValue, AccountError> {
        use base64::Engine as _;
        let pair = zeroize::Zeroizing::new(format!("{user}:{}", password.expose_secret()));
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
        self.secret_header("credentials", &format!("Basic {encoded}"))
    }

    /// The head of requests with a body.
    pub fn head(
        &self,
        path: &str,
        content_type: &'static str,
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Head, AccountError> {
        self.client.head(path, content_type, further).map_err(|problem| self.unusable(problem))
    }

    /// The head of GET requests.
    pub fn get(
        &self,
        path: &str,
        further: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Head, AccountError> {
        let head = self.client.bare(http::Method::GET, path, further);
        head.map_err(|problem| self.unusable(problem))
    }

    fn unusable(&self, problem: String) -> AccountError {
        self.account.invalid("endpoint", problem)
    }
}

impl<P: Protocol> Service<P> {
    /// Makes the adapter: a client for the account's endpoint, or for `base` if it
    /// has none, and the protocol on it. Nothing is connected yet.
    pub fn new(
        account: &Account,
        kind: &'static Kind,
        requests: Requests,
        base: &str,
        protocol: impl FnOnce(&Opening<'_>) -> Result<P, AccountError>,
    ) -> Result<Self, AccountError> {
        let unusable = |problem: String| account.invalid("endpoint", problem);
        let endpoint = account.text("endpoint").unwrap_or_else(|| base.to_owned());
        let url = Url::parse(&endpoint).map_err(|error| unusable(error.to_string()))?;
        let authority = account.text("ca");
        let tls = tls::client_config(authority.as_deref())
            .map_err(|error| account.invalid("ca", error.to_string()))?;
        let client = HttpClient::new(&url, tls, account.allow_private, requests).map_err(unusable)?;
        let protocol = protocol(&Opening { kind, account, client: &client })?;
        Ok(Self { kind, protocol, client, train: requests.train, next: Mutex::new(Instant::now()) })
    }

    /// Waits for the next request's turn.
    async fn turn(&self) {
        let Some(rate) = self.kind.rate else { return };
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + Duration::from_secs_f64(1.0 / rate);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    async fn exchange(
        &self,
        line: &mut Line<'_>,
        made: &mut Made<'_>,
    ) -> (Result<HttpAnswer, HttpError>, Duration) {
        self.turn().await;
        let (further, body) = (std::mem::take(&mut made.further), std::mem::take(&mut made.body));
        let further = further.into_iter().filter_map(|(name, value)| Some((name?, value)));
        let started = Instant::now();
        let result = line.request(made.head, further, body).await;
        (result, started.elapsed())
    }

    async fn drain(&self, content: &P::Content, batch: &Batch, answers: Answers<'_>) {
        let mut line = self.client.line();
        let mut queue = Vec::with_capacity(batch.recipients.len());
        for (place, recipient) in batch.recipients.iter().enumerate() {
            match self.protocol.check(content, recipient) {
                Ok(()) => queue.push((place, recipient)),
                Err(answer) => answers(place, answer),
            }
        }
        // What is next is at the end: parts of the queue, and whether they are narrowed down.
        let mut parts = vec![&queue[..]];
        let mut culprits = Culprits::default();
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if let Some(answer) = &culprits.verdict {
                for &(place, _) in part {
                    answers(place, answer.clone());
                }
                continue;
            }
            let most = part.len().min(self.kind.batch as usize);
            let to: Vec<&Recipient> = part[..most].iter().map(|&(_, recipient)| recipient).collect();
            let mut made = self.protocol.request(content, &to, batch.key);
            let taken = made.taken.clamp(1, most);
            let to = &to[..taken];
            let (now, later) = part.split_at(taken);
            parts.push(later);
            let (result, latency) = self.exchange(&mut line, &mut made).await;
            let judged = match result {
                Ok(answer) => self.protocol.judge(&answer, to),
                Err(error) => Judged::All(meaning::unanswered(&error)),
            };
            let each = match judged {
                Judged::All(answer) if taken > 1 && speaks_of_some(&answer) => {
                    // Somebody or something in it cannot be sent: find out who.
                    let (first, second) = now.split_at(taken / 2);
                    parts.push(second);
                    parts.push(first);
                    culprits.narrowing = true;
                    continue;
                }
                Judged::All(answer) => vec![answer; taken],
                Judged::Each(each) if each.len() == taken => each,
                Judged::Each(_) => {
                    let text = "the answer does not fit the request; the messages may have been taken";
                    vec![Answer::new(Verdict::Uncertain, Stage::Response, 0, text); taken]
                }
            };
            culprits.count(&each);
            for (&(place, _), mut answer) in now.iter().zip(each) {
                answer.latency = latency;
                answers(place, answer);
            }
        }
    }
}

/// Whether the refusal of a whole request may speak of only some in it.
pub(super) fn speaks_of_some(answer: &Answer) -> bool {
    let refused = matches!(answer.verdict, Verdict::Permanent | Verdict::TargetExpired);
    refused && matches!(answer.stage, Stage::Recipient | Stage::Content)
}

/// Recipients that were refused one by one while a refused request is narrowed down.
#[derive(Debug, Default)]
pub(super) struct Culprits {
    /// Whether a request was refused as a whole.
    pub(super) narrowing: bool,
    taken: bool,
    alike: usize,
    last: Option<Answer>,
    /// Set when it is not the recipients: the answer for all that are left.
    pub(super) verdict: Option<Answer>,
}

impl Culprits {
    /// Takes note of answers.
    pub(super) fn count(&mut self, each: &[Answer]) {
        self.taken |= each.iter().any(|answer| !speaks_of_some(answer));
        if !self.narrowing {
            return;
        }
        for answer in each {
            let same = self.last.as_ref().is_some_and(|last| {
                (last.code, last.stage, &last.text) == (answer.code, answer.stage, &answer.text)
            });
            self.alike = if same { self.alike + 1 } else { 1 };
            self.last = Some(answer.clone());
        }
        if !self.taken && self.alike >= ALIKE {
            self.verdict = self.last.take();
        }
    }
}

#[async_trait]
impl<P: Protocol> Adapter for Service<P> {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        if self.kind.batch > 1 { self.kind.batch as usize } else { self.train }
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        let channel = rendition.content.channel();
        if !self.kind.channels.contains(&channel) {
            return Err(CompileError(format!(
                "providers of kind {} do not deliver {channel}",
                self.kind.name
            )));
        }
        Ok(Arc::new(self.protocol.compile(rendition)?))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        match batch.compiled.downcast_ref::<P::Content>() {
            Some(content) => self.drain(content, batch, answers).await,
            None => {
                for place in 0..batch.recipients.len() {
                    let text = format!("the content was not compiled for {}", self.kind.title);
                    answers(place, Answer::new(Verdict::Permanent, Stage::Local, 0, text));
                }
            }
        }
    }

    async fn test(&self) -> TestReport {
        let mut made = self.protocol.probe();
        let ours = |text: String| DialogueLine { ours: true, text };
        let theirs = |text: &str| DialogueLine { ours: false, text: text.to_owned() };
        // Without the query: some services want their credentials there.
        let mut dialogue = vec![
            ours(format!("{} {}", made.head.method(), made.head.uri().path())),
            ours(format!("host: {}", self.client.authority().to_str().unwrap_or_default())),
        ];
        let (result, _) = self.exchange(&mut self.client.line(), &mut made).await;
        let title = self.kind.title;
        let (ok, refused, finding) = match result {
            Ok(answer) => {
                dialogue.push(theirs(&format!("HTTP {}", answer.status)));
                dialogue.extend(meaning::shown(&answer).lines().map(theirs));
                let judged = self.protocol.judge_probe(&answer);
                let refused = judged.verdict == Verdict::Refused && judged.stage == Stage::Authentication;
                (judged.verdict == Verdict::Accepted, refused, finding(title, &judged))
            }
            Err(error) => (false, false, format!("{title} does not answer: {error}.")),
        };
        TestReport { ok, refused, dialogue, finding }
    }

    async fn close(&self) {
        self.client.close();
    }
}

/// In one sentence: what the answer to a probe most likely means, and what to do.
fn finding(title: &str, answer: &Answer) -> String {
    match (answer.verdict, answer.stage, answer.code) {
        (Verdict::Accepted, ..) => format!("{title} answers and takes the credentials."),
        (Verdict::Refused, Stage::Authentication, _) => {
            format!("{title} does not take the credentials: check them, and what they are allowed to do.")
        }
        (Verdict::Refused, Stage::Sender, _) => {
            format!("{title} does not let this account send as the sender: check the sender's settings.")
        }
        (Verdict::Refused, _, 300..=399) => {
            "The endpoint redirects, which is not followed: give the final address.".to_owned()
        }
        (Verdict::Refused, ..) => format!("{title} does not know this account or path: check the endpoint."),
        (Verdict::Transient, _, 429) => format!("{title} asks to wait: try again later."),
        (_, _, code) => format!("{title} answers with HTTP {code}: try again later."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_are_all_alike_end_the_search() {
        let bad = |text: &str| Answer::new(Verdict::Permanent, Stage::Content, 400, text);
        let mut culprits = Culprits { narrowing: true, ..Culprits::default() };
        for _ in 1..ALIKE {
            culprits.count(&[bad("no")]);
            assert!(culprits.verdict.is_none());
        }
        culprits.count(&[bad("no")]);
        assert!(culprits.verdict.is_some());

        let mut culprits = Culprits { narrowing: true, ..Culprits::default() };
        culprits.count(&[Answer::new(Verdict::Accepted, Stage::Response, 200, "")]);
        for _ in 0..3 * ALIKE {
            culprits.count(&[bad("no")]);
        }
        assert!(culprits.verdict.is_none(), "somebody was taken: it is not the content");

        let mut culprits = Culprits::default();
        culprits.count(&[Answer::new(Verdict::Accepted, Stage::Response, 200, "")]);
        culprits.narrowing = true;
        for _ in 0..3 * ALIKE {
            culprits.count(&[bad("no")]);
        }
        assert!(culprits.verdict.is_none(), "somebody was taken before");
    }
}
