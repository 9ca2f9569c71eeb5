//! Apple Push Notification service, with token authentication.
//!
//! One request for each device token, many at the same time over kept HTTP/2 connections. Sources:
//! Apple, “Sending notification requests to APNs”, “Establishing a token-based connection to APNs”,
//! “Generating a remote notification”, “Handling notification responses from APNs”.

mod answer;
mod payload;

use self::answer::{Told, told};
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::Requests;
use super::http2::Http2Client;
use super::jwt::{JwtError, Signer};
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
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use url::Url;

/// The service for applications from the store.
const PRODUCTION: &str = "https://api.push.apple.com";
/// The service for applications under development.
const DEVELOPMENT: &str = "https://api.sandbox.push.apple.com";
/// Apple allows about a thousand streams on a connection.
const STREAMS: usize = 500;
/// Recipients that a worker takes together.
const TRAIN: usize = 64;
/// A provider token lives an hour and may be renewed every 20 minutes at most.
const RENEW_AFTER: Duration = Duration::from_mins(50);
/// See [`RENEW_AFTER`].
const RENEW_LEAST: Duration = Duration::from_mins(20);
/// So many bad tokens and not one good one say that the environment is the wrong one.
const BAD_AT_FIRST: u32 = 20;

const TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const ID: HeaderName = HeaderName::from_static("apns-id");
const COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");

/// What APNs' refusals mean.
pub const MEANINGS: &[Meaning] = answer::MEANINGS;

/// The adapter for APNs.
#[derive(Debug)]
pub struct Apns {
    kind: &'static Kind,
    client: Http2Client,
    topic: HeaderValue,
    team: String,
    key_id: String,
    signer: Signer,
    tokens: TokenKeeper,
    shown: String,
    /// Bad device tokens in a row with no accepted one before; `u32::MAX` once one was accepted.
    bad: AtomicU32,
}

impl Apns {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(account: &Account, kind: &'static Kind, requests: Requests) -> Result<Self, AccountError> {
        let key = account.required_secret("authKey")?;
        let key_id = account.required("authKeyId")?;
        let team = account.required("teamId")?;
        let bundle = account.required("bundleId")?;
        let topic = HeaderValue::from_str(&bundle)
            .map_err(|_| account.invalid("bundleId", "has characters that a header cannot carry"))?;
        let signer = Signer::ecdsa_pem(key.expose_secret())
            .map_err(|error| account.invalid("authKey", error.to_string()))?;
        let usual = if account.flag("sandbox", false)? { DEVELOPMENT } else { PRODUCTION };
        let endpoint = account.text("endpoint").unwrap_or_else(|| usual.to_owned());
        let unusable = |problem: String| account.invalid("endpoint", problem);
        let url = Url::parse(&endpoint).map_err(|error| unusable(error.to_string()))?;
        let tls = tls::client_config(account.text("ca").as_deref())
            .map_err(|error| account.invalid("ca", error.to_string()))?;
        let client =
            Http2Client::new(&url, &tls, account.allow_private, requests, STREAMS).map_err(unusable)?;
        Ok(Self {
            kind,
            client,
            topic,
            team,
            key_id,
            signer,
            tokens: TokenKeeper::default(),
            shown: endpoint.trim_end_matches('/').to_owned(),
            bad: AtomicU32::new(0),
        })
    }

    async fn token(&self) -> Result<Arc<str>, JwtError> {
        self.tokens
            .get(|| async {
                let claims = json!({"iss": self.team, "iat": push::now_ms() / 1000});
                Ok((self.signer.token(Some(&self.key_id), &claims)?, RENEW_AFTER))
            })
            .await
    }

    async fn post(&self, device: &str, token: &str, mut headers: HeaderMap, body: Bytes) -> Told {
        let mut bearer = HeaderValue::from_str(&format!("bearer {token}"))
            .expect("a compact token has letters, digits, - _ and .");
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        match self.client.post(&format!("/3/device/{device}"), headers, body).await {
            Ok(answer) => told(&answer),
            Err(error) => Told::of(meaning::unanswered(&error)),
        }
    }

    /// Sends once more where the provider token has grown too old under way.
    async fn post_renewed(&self, device: &str, headers: HeaderMap, body: Bytes) -> Answer {
        let unsigned = |error: JwtError| {
            let text = format!("the key {error}");
            Answer::new(Verdict::Transient, Stage::Authentication, 0, text)
        };
        let token = match self.token().await {
            Ok(token) => token,
            Err(error) => return unsigned(error),
        };
        let first = self.post(device, &token, headers.clone(), body.clone()).await;
        if !first.token_expired || !self.tokens.renew(&token, RENEW_LEAST).await {
            return first.answer;
        }
        match self.token().await {
            Ok(token) => self.post(device, &token, headers, body).await.answer,
            Err(error) => unsigned(error),
        }
    }

    fn headers(&self, notice: &Notice, recipient: &Recipient, shows: bool) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(TOPIC, self.topic.clone());
        headers.insert(PUSH_TYPE, HeaderValue::from_static(if shows { "alert" } else { "background" }));
        // A background push has priority 5 and no other.
        let priority = if notice.high() && shows { "10" } else { "5" };
        headers.insert(PRIORITY, HeaderValue::from_static(priority));
        if let Some(expires) = notice.expires {
            headers.insert(EXPIRATION, HeaderValue::from((expires.0 / 1000).max(0)));
        }
        if let Ok(id) = HeaderValue::from_str(&push::uuid_of(&recipient.reference)) {
            headers.insert(ID, id);
        }
        // At most 64 bytes. A repeat of this message to this device takes the first one's place.
        let tag = notice.tag.as_deref().filter(|tag| tag.len() <= 64).unwrap_or(&recipient.reference);
        if let Ok(tag) = HeaderValue::from_str(tag) {
            headers.insert(COLLAPSE_ID, tag);
        }
        headers
    }

    async fn send_one(&self, notice: &Notice, recipient: &Recipient) -> Answer {
        let device = &recipient.address;
        if device.is_empty() || !device.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let text = "this is not a device token of Apple: hexadecimal digits are wanted";
            return Answer::new(Verdict::Permanent, Stage::Recipient, 0, text);
        }
        let (shows, body) = match payload::body(notice, recipient) {
            Ok(made) => made,
            Err(problem) => return Answer::new(Verdict::Permanent, Stage::Content, 0, problem),
        };
        let started = Instant::now();
        let headers = self.headers(notice, recipient, shows);
        let mut answer = self.post_renewed(device, headers, Bytes::from(body)).await;
        answer.latency = started.elapsed();
        self.doubt(answer)
    }

    /// A bad token is a dead one, unless not a single good one was seen: then it is rather the wrong
    /// environment or key, and nobody is to be struck off for that.
    fn doubt(&self, mut answer: Answer) -> Answer {
        match answer.verdict {
            Verdict::Accepted => self.bad.store(u32::MAX, Ordering::Relaxed),
            Verdict::TargetExpired if answer.code == 400 => {
                let before = self.bad.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bad| {
                    Some(if bad == u32::MAX { bad } else { (bad + 1).min(u32::MAX - 1) })
                });
                if before.is_ok_and(|bad| (BAD_AT_FIRST..u32::MAX).contains(&bad)) {
                    answer.verdict = Verdict::Refused;
                    answer.text.push_str(
                        " (and not one good token so far: check whether the tokens are of this environment, \
                         production or sandbox)",
                    );
                }
            }
            _ => {}
        }
        answer
    }
}

#[async_trait]
impl Adapter for Apns {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        TRAIN
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        Ok(Arc::new(payload::check(Notice::compile(rendition)?)?))
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
        // No device has this token: APNs judges the provider token first, then finds the device's bad.
        let device = "0".repeat(64);
        let line = |ours: bool, text: String| DialogueLine { ours, text };
        let mut dialogue = vec![
            line(true, format!("POST {}/3/device/{device}", self.shown)),
            line(true, format!("authorization: bearer •••• (team {}, key {})", self.team, self.key_id)),
        ];
        let mut headers = HeaderMap::new();
        headers.insert(TOPIC, self.topic.clone());
        headers.insert(PUSH_TYPE, HeaderValue::from_static("alert"));
        let body = Bytes::from_static(b"{\"aps\":{\"alert\":\"test\"}}");
        let answer = self.post_renewed(&device, headers, body).await;
        dialogue.push(line(false, format!("HTTP {}: {}", answer.code, answer.text)));
        let (ok, finding) = match answer.verdict {
            Verdict::Accepted | Verdict::TargetExpired => (
                true,
                "APNs takes the key; the token of the test is no device's, as it should be.".to_owned(),
            ),
            Verdict::Refused => (
                false,
                format!("APNs refuses us ({}): check key, key id, team id and bundle id.", answer.text),
            ),
            _ => (false, format!("APNs does not answer as it should: {}.", answer.text)),
        };
        TestReport { ok, refused: answer.verdict == Verdict::Refused, dialogue, finding }
    }

    async fn close(&self) {
        self.client.close();
    }
}
