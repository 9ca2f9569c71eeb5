//! Web Push: browsers' push services, with VAPID.
//!
//! A target's identifier is the subscription as the browser gives it (`JSON.stringify` of a
//! `PushSubscription`). It names its own push service, so that one provider speaks to many; what
//! goes wrong at one of them speaks of its recipients alone. Sources: RFC 8030 (the protocol),
//! RFC 8291 (the encryption), RFC 8292 (VAPID).
//!
//! The service worker gets JSON: `title`, `body`, `data`, `action`, `image`, `icon`, `tag`,
//! `badge`, each only if the message has it.

mod encrypt;
mod subscription;

use self::subscription::Subscription;
use super::adapter::{
    Account, AccountError, Adapter, Answer, Answers, Batch, CompileError, Compiled, DialogueLine, Recipient,
    Rendition, TestReport, Verdict,
};
use super::http::{HttpError, Requests};
use super::http2::{Http2Answer, Http2Client};
use super::jwt::{JwtError, Signer};
use super::meaning::{self, Meaning, gone, row};
use super::push::{self, Notice};
use super::tls;
use super::token::TokenKeeper;
use crate::domain::delivery::Stage;
use crate::domain::provider::Kind;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A push service keeps a message four weeks at most, and says so where it keeps it shorter.
const KEEPS: Duration = Duration::from_hours(28 * 24);
/// A VAPID token may live a day (RFC 8292, 2); half of that suffices.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
/// A token is used this long.
const TOKEN_USE: Duration = Duration::from_hours(11);
/// Requests at the same time on one connection.
const STREAMS: usize = 90;
/// Recipients that a worker takes together.
const TRAIN: usize = 64;
/// The most push services that connections are kept to.
const SERVICES: usize = 64;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// What the refusals of push services mean (RFC 8030, 5 and 7.3). Whatever one of them says, it
/// speaks of its own subscriptions: the address came with the target.
pub const MEANINGS: &[Meaning] = &[
    gone(404, ""),
    gone(410, ""),
    row(400, "", Verdict::Permanent, Stage::Recipient),
    row(401, "", Verdict::Refused, Stage::Recipient),
    row(403, "", Verdict::Refused, Stage::Recipient),
    row(405, "", Verdict::Permanent, Stage::Recipient),
    row(413, "", Verdict::Permanent, Stage::Content),
    row(429, "", Verdict::Transient, Stage::Recipient),
    row(500, "", Verdict::Transient, Stage::Recipient),
    row(503, "", Verdict::Transient, Stage::Recipient),
];

/// The adapter for Web Push.
#[derive(Debug)]
pub struct WebPush {
    kind: &'static Kind,
    signer: Signer,
    public: String,
    subject: String,
    tls: Arc<ClientConfig>,
    allow_private: bool,
    requests: Requests,
    services: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug)]
struct Kept {
    service: Arc<PushService>,
    used: Instant,
}

/// One push service: connections to it, and the token for it.
#[derive(Debug)]
struct PushService {
    client: Http2Client,
    tokens: TokenKeeper,
}

impl WebPush {
    /// Makes the adapter from an account. Nothing is connected yet.
    pub fn new(account: &Account, kind: &'static Kind, requests: Requests) -> Result<Self, AccountError> {
        let public = account.required("publicKey")?;
        let private = account.required_secret("privateKey")?;
        let subject = account.required("subject")?;
        let bytes = |field: &str, text: &str| {
            URL_SAFE_NO_PAD
                .decode(text.trim().trim_end_matches('='))
                .map_err(|_| account.invalid(field, "is not in the URL-safe base64 alphabet"))
        };
        let point = bytes("publicKey", &public)?;
        let signer = Signer::ecdsa_raw(&bytes("privateKey", private.expose_secret())?, &point)
            .map_err(|error| account.invalid("privateKey", error.to_string()))?;
        if !subject.starts_with("mailto:") && !subject.starts_with("https:") {
            return Err(account.invalid("subject", "is neither mailto:… nor https:… (RFC 8292, 2.1)"));
        }
        let tls = tls::client_config(account.text("ca").as_deref())
            .map_err(|error| account.invalid("ca", error.to_string()))?;
        Ok(Self {
            kind,
            signer,
            public: URL_SAFE_NO_PAD.encode(point),
            subject,
            tls,
            allow_private: account.allow_private,
            requests,
            services: Mutex::new(HashMap::new()),
        })
    }

    /// The push service of a subscription; the one that was not used for longest makes room.
    fn service(&self, subscription: &Subscription) -> Result<Arc<PushService>, String> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = services.get_mut(&subscription.origin) {
            kept.used = Instant::now();
            return Ok(Arc::clone(&kept.service));
        }
        if services.len() >= SERVICES
            && let Some(oldest) =
                services.iter().min_by_key(|(_, kept)| kept.used).map(|(origin, _)| origin.clone())
        {
            services.remove(&oldest);
        }
        let client =
            Http2Client::new(&subscription.base, &self.tls, self.allow_private, self.requests, STREAMS)?;
        let service = Arc::new(PushService { client, tokens: TokenKeeper::default() });
        let kept = Kept { service: Arc::clone(&service), used: Instant::now() };
        services.insert(subscription.origin.clone(), kept);
        Ok(service)
    }

    async fn authorization(&self, service: &PushService, origin: &str) -> Result<HeaderValue, JwtError> {
        let token = service
            .tokens
            .get(|| async {
                let ends = push::now_ms() / 1000 + TOKEN_LIFE.as_secs() as i64;
                let claims = json!({"aud": origin, "exp": ends, "sub": self.subject});
                Ok((self.signer.token(None, &claims)?, TOKEN_USE))
            })
            .await?;
        let mut value = HeaderValue::from_str(&format!("vapid t={token}, k={}", self.public))
            .map_err(|_| JwtError::Signing)?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn send_one(&self, notice: &Notice, recipient: &Recipient) -> Answer {
        let started = Instant::now();
        let mut answer = match self.try_one(notice, recipient).await {
            Ok(answer) | Err(answer) => answer,
        };
        answer.latency = started.elapsed();
        answer
    }

    async fn try_one(&self, notice: &Notice, recipient: &Recipient) -> Result<Answer, Answer> {
        let of_recipient = |text: String| Answer::new(Verdict::Permanent, Stage::Recipient, 0, text);
        let subscription =
            Subscription::read(&recipient.address, self.allow_private).map_err(of_recipient)?;
        let plain = payload(notice, recipient);
        let body = encrypt::encrypt(&subscription.point, &subscription.auth, &plain)
            .map_err(|error| Answer::new(Verdict::Permanent, error.stage(), 0, error.to_string()))?;
        let service = self.service(&subscription).map_err(of_recipient)?;
        let authorization = self
            .authorization(&service, &subscription.origin)
            .await
            .map_err(|error| Answer::new(Verdict::Transient, Stage::Local, 0, format!("the key {error}")))?;
        let headers = headers(notice, recipient, authorization);
        Ok(match service.client.post(&subscription.path, headers, Bytes::from(body)).await {
            Ok(answer) => told(&answer),
            Err(error) => lost(&error),
        })
    }
}

/// What an answer means for its recipient.
fn told(answer: &Http2Answer) -> Answer {
    let code = answer.status.as_u16();
    // 201, and 202 where a receipt is wanted (RFC 8030, 5 and 5.1); some services answer 200.
    if matches!(code, 200..=202) {
        let mut taken = Answer::new(Verdict::Accepted, Stage::Response, code, format!("HTTP {code}"));
        meaning::cut(answer.header("location")).clone_into(&mut taken.provider_id);
        return taken;
    }
    let (verdict, stage) = meaning::find(MEANINGS, code, "");
    let mut said = Answer::new(verdict, stage, code, push::shown(code, &answer.body));
    said.retry_after = answer.retry_after();
    said
}

/// A service that cannot be reached is that subscription's trouble: nobody else's address is at it.
fn lost(error: &HttpError) -> Answer {
    let mut answer = meaning::unanswered(error);
    if answer.stage == Stage::Connect {
        answer.stage = Stage::Recipient;
        if answer.verdict == Verdict::Refused {
            answer.verdict = Verdict::Permanent;
        }
    }
    answer
}

fn headers(notice: &Notice, recipient: &Recipient, authorization: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
    headers.insert(TTL, HeaderValue::from(notice.ttl(KEEPS)));
    headers.insert(URGENCY, HeaderValue::from_static(if notice.high() { "high" } else { "normal" }));
    // At most 32 characters of the URL-safe alphabet. A repeat of this message that comes before
    // the first was delivered takes its place.
    let tag = notice.tag.as_deref().unwrap_or(&recipient.reference);
    let topic = URL_SAFE_NO_PAD.encode(&digest(&SHA256, tag.as_bytes()).as_ref()[..24]);
    if let Ok(topic) = HeaderValue::from_str(&topic) {
        headers.insert(TOPIC, topic);
    }
    headers
}

/// What the service worker gets.
fn payload(notice: &Notice, recipient: &Recipient) -> Vec<u8> {
    let (title, body) = notice.texts(recipient);
    let mut shown = Map::new();
    let texts = [
        ("title", title),
        ("body", body),
        ("action", notice.action.as_deref()),
        ("image", notice.image.as_deref()),
        ("icon", notice.icon.as_deref()),
        ("tag", notice.tag.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shown.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(badge) = notice.badge {
        shown.insert("badge".to_owned(), json!(badge));
    }
    if !notice.data.is_empty() {
        shown.insert("data".to_owned(), Value::Object(notice.data.clone()));
    }
    Value::Object(shown).to_string().into_bytes()
}

#[async_trait]
impl Adapter for WebPush {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        TRAIN
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        let notice = Notice::compile(rendition)?;
        if !notice.personal {
            let nobody = Recipient {
                address: String::new(),
                reference: String::new(),
                rendered: None,
                unsubscribe: None,
            };
            let size = payload(&notice, &nobody).len();
            encrypt::fits(size).map_err(|error| CompileError(error.to_string()))?;
        }
        Ok(Arc::new(notice))
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
        // There is nobody to ask: every subscription has a service of its own.
        let claims = json!({"aud": "https://push.example", "exp": 0, "sub": self.subject});
        let text = format!("vapid t=••••, k={}", self.public);
        match self.signer.token(None, &claims) {
            Ok(_) => TestReport {
                ok: true,
                refused: false,
                dialogue: vec![DialogueLine { ours: true, text }],
                finding:
                    "The key pair signs. Whether a browser's push service takes it shows with the first \
                          message: its subscriptions must have been made with this public key."
                        .to_owned(),
            },
            Err(error) => TestReport {
                ok: false,
                refused: true,
                dialogue: Vec::new(),
                finding: format!("The key {error}."),
            },
        }
    }

    async fn close(&self) {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
