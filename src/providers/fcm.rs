//! Firebase Cloud Messaging, HTTP v1.
//!
//! One request for each device token, many at the same time over kept HTTP/2 connections, with an
//! access token that a service account's key pays for. Sources: the FCM REST reference
//! (`projects.messages`, `ErrorCode`) and Google's OAuth 2.0 for service accounts.

mod account;
mod answer;
mod message;

use self::account::{GrantError, ServiceAccount};
use self::answer::{Told, told};
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::Requests;
use super::http2::Http2Client;
use super::meaning::{self, Meaning};
use super::push::{self, Notice};
use super::tls;
use super::token::TokenKeeper;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Where FCM is, unless the provider says otherwise.
const ENDPOINT: &str = "https://fcm.googleapis.com";
/// Google's servers take 100 streams on a connection; a few less leave room for late answers.
const STREAMS: usize = 90;
/// Recipients that a worker takes together.
const TRAIN: usize = 64;

/// What FCM's refusals mean.
pub const MEANINGS: &[Meaning] = answer::MEANINGS;

/// The adapter for FCM.
#[derive(Debug)]
pub struct Fcm {
    kind: &'static Kind,
    client: Http2Client,
    account: ServiceAccount,
    path: String,
    shown: String,
    tokens: TokenKeeper,
}

impl Fcm {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(account: &Account, kind: &'static Kind, requests: Requests) -> Result<Self, AccountError> {
        let endpoint = account.text("endpoint").unwrap_or_else(|| ENDPOINT.to_owned());
        let unusable = |problem: String| account.invalid("endpoint", problem);
        let url = Url::parse(&endpoint).map_err(|error| unusable(error.to_string()))?;
        let own = account.text("ca");
        let tls =
            tls::client_config(own.as_deref()).map_err(|error| account.invalid("ca", error.to_string()))?;
        let service = ServiceAccount::read(account, &tls, requests)?;
        let client =
            Http2Client::new(&url, &tls, account.allow_private, requests, STREAMS).map_err(unusable)?;
        let path = format!("/v1/projects/{}/messages:send", service.project);
        let shown = format!("POST {}{path}", endpoint.trim_end_matches('/'));
        Ok(Self { kind, client, account: service, path, shown, tokens: TokenKeeper::default() })
    }

    async fn token(&self) -> Result<Arc<str>, GrantError> {
        self.tokens.get(|| self.account.grant()).await
    }

    async fn post(&self, token: &str, body: Bytes) -> Told {
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {token}")) else {
            let text = "the access token cannot stand in a header";
            return Told::of(Answer::new(Verdict::Transient, Stage::Authentication, 0, text));
        };
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        match self.client.post(&self.path, headers, body).await {
            Ok(answer) => told(&answer),
            Err(error) => Told::of(meaning::unanswered(&error)),
        }
    }

    /// Sends to one recipient. An access token that FCM no longer takes is renewed once.
    async fn send_one(&self, notice: &Notice, recipient: &Recipient) -> Answer {
        let started = Instant::now();
        if is_elsewheres(&recipient.address) {
            let text = "this is a token of another push service: give its target that service's provider";
            return Answer::new(Verdict::Permanent, Stage::Recipient, 0, text);
        }
        let mut answer = match message::body(notice, recipient) {
            Ok(body) => self.send_body(Bytes::from(body)).await,
            Err(problem) => Answer::new(Verdict::Permanent, Stage::Content, 0, problem),
        };
        answer.latency = started.elapsed();
        answer
    }

    async fn send_body(&self, body: Bytes) -> Answer {
        let token = match self.token().await {
            Ok(token) => token,
            Err(error) => return error.answer(),
        };
        let first = self.post(&token, body.clone()).await;
        if !first.token_refused || !self.tokens.renew(&token, Duration::ZERO).await {
            return first.answer;
        }
        match self.token().await {
            Ok(token) => self.post(&token, body).await.answer,
            Err(error) => error.answer(),
        }
    }
}

/// Whether a token is plainly Apple's (64 hexadecimal digits) or a browser's subscription (JSON):
/// it is not Google's to see.
fn is_elsewheres(token: &str) -> bool {
    token.starts_with('{') || token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[async_trait]
impl Adapter for Fcm {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        TRAIN
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        let notice = Notice::compile(rendition)?;
        Ok(Arc::new(message::check(notice)?))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        let Some(notice) = batch.compiled.downcast_ref::<Notice>() else {
            (0..batch.recipients.len()).for_each(|place| answers(place, push::misdirected()));
            return;
        };
        let mut under_way: FuturesUnordered<_> = batch
            .recipients
            .iter()
            .enumerate()
            .map(|(place, recipient)| async move { (place, self.send_one(notice, recipient).await) })
            .collect();
        while let Some((place, answer)) = under_way.next().await {
            answers(place, answer);
        }
    }

    async fn test(&self) -> TestReport {
        let mut dialogue = vec![DialogueLine { ours: true, text: self.account.shown() }];
        let finish = |dialogue, ok, refused, finding: String| TestReport { ok, refused, dialogue, finding };
        let token = match self.account.grant().await {
            Ok((token, _)) => token,
            Err(error) => {
                dialogue.push(DialogueLine { ours: false, text: error.to_string() });
                let finding = format!("Google gives no access token: {error}.");
                return finish(dialogue, false, error.answer().verdict == Verdict::Refused, finding);
            }
        };
        dialogue
            .push(DialogueLine { ours: false, text: "HTTP 200, an access token ••••".to_owned() });
        // Only validated, and to nobody: FCM says whether the account may send for the project.
        dialogue.push(DialogueLine { ours: true, text: self.shown.clone() });
        dialogue.push(DialogueLine { ours: true, text: message::PROBE.to_owned() });
        let told = self.post(&token, Bytes::from_static(message::PROBE.as_bytes())).await;
        let lines = told.answer.text.lines().map(|line| DialogueLine { ours: false, text: line.to_owned() });
        dialogue.extend(lines);
        let (ok, finding) = match (told.answer.verdict, told.answer.code) {
            // The probe's token is no device's: that FCM says so means that it took the rest.
            (Verdict::Accepted | Verdict::Permanent | Verdict::TargetExpired, _) => {
                (true, format!("FCM takes messages for project {}.", self.account.project))
            }
            (Verdict::Refused, 404) => {
                (false, format!("FCM knows no project {}: check the service account.", self.account.project))
            }
            (Verdict::Refused, _) => (
                false,
                "FCM refuses the service account: give it the role Firebase Cloud Messaging API Admin, \
                 and enable the FCM API in its project."
                    .to_owned(),
            ),
            _ => (false, format!("FCM does not answer as it should: {}.", told.answer.text)),
        };
        finish(dialogue, ok, told.answer.verdict == Verdict::Refused, finding)
    }

    async fn close(&self) {
        self.client.close();
    }
}
