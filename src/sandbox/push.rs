//! The push services: FCM, APNs and Web Push, as strict as the real ones.
//!
//! Accounts are fixed and known to everybody ([`fcm_account`], [`APNS_KEY`]): their keys open
//! nothing but a sandbox. Each rule names its source where it is checked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::faults::{Effect, ServerFaults};
use super::headers;
use super::record::{Kind, Note, Record};

mod apns;
mod fcm;
mod jwt;
mod webpush;

/// The project of the sandbox's FCM.
pub const FCM_PROJECT: &str = "herald-sandbox";
/// Who the sandbox's service account is.
const FCM_EMAIL: &str = "push@herald-sandbox.iam.gserviceaccount.com";
const FCM_KEY_ID: &str = "5a4d0b0e";
const FCM_KEY: &str = include_str!("push/fcm.pem");

/// The key that the sandbox's APNs knows, as a `.p8` file.
pub const APNS_KEY: &str = include_str!("push/apns.pem");
/// The id of [`APNS_KEY`].
pub const APNS_KEY_ID: &str = "SANDBOXKEY";
/// The team that [`APNS_KEY`] belongs to.
pub const APNS_TEAM: &str = "SANDBOXTEA";
/// The application that the team may send for.
pub const APNS_TOPIC: &str = "org.example.sandbox";

/// The service account's key file for a sandbox at this origin, such as `http://127.0.0.1:8025`.
pub fn fcm_account(origin: &str) -> String {
    json!({
        "type": "service_account",
        "project_id": FCM_PROJECT,
        "private_key_id": FCM_KEY_ID,
        "private_key": FCM_KEY,
        "client_email": FCM_EMAIL,
        "token_uri": format!("{origin}/fcm/token"),
    })
    .to_string()
}

/// A pair of VAPID keys that anybody may use, from RFC 8291, appendix A: Web Push knows no accounts.
pub const VAPID_PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
/// The private half of [`VAPID_PUBLIC`].
pub const VAPID_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

/// The fields of a provider of each push service at a sandbox at this origin, as the API takes them.
pub fn accounts(origin: &str) -> Value {
    json!({
        "fcm": {"serviceAccountJSON": fcm_account(origin), "endpoint": format!("{origin}/fcm")},
        "apns": {
            "authKey": APNS_KEY,
            "authKeyId": APNS_KEY_ID,
            "teamId": APNS_TEAM,
            "bundleId": APNS_TOPIC,
            "endpoint": format!("{origin}/apns"),
        },
        "webpush": {
            "publicKey": VAPID_PUBLIC,
            "privateKey": VAPID_PRIVATE,
            "subject": "mailto:push@sender.example",
        },
    })
}

/// What the services remember.
#[derive(Debug, Default)]
pub(super) struct PushState {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Access tokens that were granted, with the second in which each ends.
    granted: Vec<(String, i64)>,
    grants: u64,
    /// Provider tokens, with the second in which each was first seen.
    seen: Vec<(String, i64)>,
    /// Provider tokens seen.
    provider_tokens: u64,
}

impl PushState {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many access tokens were granted, and how many different provider tokens came.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.grants, inner.provider_tokens)
    }

    /// Access tokens that were granted are no longer taken.
    pub(super) fn revoke(&self) {
        self.lock().granted.clear();
    }
}

/// What a service needs to answer.
pub(super) struct Desk<'a> {
    pub(super) state: &'a PushState,
    pub(super) faults: &'a ServerFaults,
    pub(super) record: &'a Record,
}

/// A request whose body has been read.
pub(super) struct Asked<'a> {
    head: &'a Parts,
    body: &'a [u8],
}

/// An answer in a service's own shape.
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn retry_after(self, seconds: Option<u32>) -> Self {
        match seconds {
            Some(seconds) => self.with(RETRY_AFTER.as_str(), seconds.to_string()),
            None => self,
        }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A service of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushService {
    /// Google's token endpoint.
    Grant,
    /// FCM.
    Fcm,
    /// APNs.
    Apns,
    /// A browser's push service.
    WebPush,
}

impl PushService {
    /// The service that a path belongs to.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path == "/fcm/token" {
            Some(Self::Grant)
        } else if path.starts_with("/fcm/v1/projects/") && path.ends_with("/messages:send") {
            Some(Self::Fcm)
        } else if path.starts_with("/apns/") {
            Some(Self::Apns)
        } else if path.starts_with("/webpush/") {
            Some(Self::WebPush)
        } else {
            None
        }
    }

    /// Whether it speaks HTTP/2 and nothing else.
    pub(super) fn wants_http2(self) -> bool {
        self == Self::Apns
    }

    /// The largest body that is read at all.
    pub(super) const MOST: usize = 64 * 1024;

    /// The answer to a request.
    pub(super) fn answer(self, desk: &Desk<'_>, fault: Option<&Effect>, head: &Parts, body: &[u8]) -> Reply {
        let fault = match fault {
            Some(Effect::Reply { code, text, retry_after, .. }) => {
                Some((*code, text.as_deref(), *retry_after))
            }
            _ => None,
        };
        let asked = Asked { head, body };
        match self {
            Self::Grant => match fault {
                Some((code, text, wait)) => fcm::grant_fault(code, text).retry_after(wait),
                None => fcm::grant(desk, &asked),
            },
            Self::Fcm => match fault {
                Some((code, text, wait)) => fcm::fault(code, text).retry_after(wait),
                None => fcm::send(desk, &asked),
            },
            Self::Apns => match fault {
                Some((code, text, wait)) => apns::fault(code, text).retry_after(wait),
                None => apns::send(desk, &asked),
            },
            Self::WebPush => match fault {
                Some((code, text, wait)) => webpush::fault(code, text).retry_after(wait),
                None => webpush::send(desk, &asked),
            },
        }
    }
}

impl Asked<'_> {
    fn path(&self) -> &str {
        self.head.uri.path()
    }

    fn is_post(&self) -> bool {
        self.head.method == Method::POST
    }

    fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A header that is there once and is text.
    fn header(&self, name: &str) -> Option<&str> {
        headers::once(&self.head.headers, name)
    }

    /// The credentials of a scheme; its name counts in any case.
    fn authorization(&self, scheme: &str) -> Option<&str> {
        headers::credentials(&self.head.headers, scheme)
    }

    /// What kind of body it says it is, without parameters.
    fn content_type(&self) -> String {
        headers::essence(&self.head.headers)
    }

    /// Where the client thinks the sandbox is.
    fn origin(&self) -> String {
        let host = self.header(HOST.as_str()).unwrap_or_default();
        let authority = self.head.uri.authority().map_or(host, |authority| authority.as_str());
        format!("http://{authority}")
    }
}

impl Desk<'_> {
    /// Records a notification that was accepted; its number.
    fn arrived(&self, recipient: &str, reference: &str, content: &[u8]) -> u64 {
        let note = Note { recipient, reference, size: content.len() };
        self.record.notes(Kind::Push, &[note], |_| content.to_vec())
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// A UUID in capitals or small letters.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}
