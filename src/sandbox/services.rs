//! The delivery services that the HTTP side plays, each below its kind's name: the
//! endpoint of Twilio is `http://ADDRESS/twilio`. They refuse what the real service
//! refuses, in its words and codes. The secret of each is the sandbox's token. What of a service is
//! unconfirmed stands in the documentation of its adapter, and is played here all the same.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

pub(super) use self::asked::Asked;
pub use self::custom::{Fields, Gateway};
use super::faults::{Rejection, ServerFaults};
use super::http::Answers;
use super::record::{Kind, Note, Record};

mod asked;
mod clickatell;
mod custom;
mod fast2sms;
mod infobip;
mod inforu;
mod mailgun;
mod msg91;
mod multipart;
mod plivo;
mod resend;
mod sendgrid;
mod ses;
mod seven;
mod sinch;
mod telesign;
mod telnyx;
mod textmagic;
mod twilio;
mod vonage;

/// The largest body that any of the services takes, in bytes.
pub(super) const MAX_BODY: usize = 40 * 1024 * 1024;

/// The services, by kind.
const SERVICES: &[&dyn Service] = &[
    &clickatell::Clickatell,
    &custom::Custom,
    &fast2sms::Fast2Sms,
    &infobip::Infobip,
    &inforu::Inforu,
    &mailgun::Mailgun,
    &msg91::Msg91,
    &plivo::Plivo,
    &resend::Resend,
    &sendgrid::SendGrid,
    &ses::Ses,
    &seven::Seven,
    &sinch::Sinch,
    &telesign::Telesign,
    &telnyx::Telnyx,
    &textmagic::Textmagic,
    &twilio::Twilio,
    &vonage::Vonage,
];

/// One service.
pub(super) trait Service: Sync {
    /// The name of its row in the table of kinds.
    fn kind(&self) -> &'static str;

    /// Answers a request.
    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply;

    /// A refusal in the service's shape: with the code that is given, or with the one
    /// that the service gives for the status.
    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply;

    /// Whether a request sends messages, so that faults at its stage hit it.
    fn sends(&self, method: &Method, _path: &str) -> bool {
        method == Method::POST
    }
}

/// The service that a path belongs to, and the path below it.
pub(super) fn find(path: &str) -> Option<(&'static dyn Service, &str)> {
    let (name, _) = path.strip_prefix('/')?.split_once('/')?;
    let service = SERVICES.iter().find(|service| service.kind() == name)?;
    Some((*service, &path[1 + name.len()..]))
}

/// What a service has at hand.
pub(super) struct House<'a> {
    /// The secret of every account.
    pub(super) token: &'a str,
    pub(super) faults: &'a ServerFaults,
    pub(super) record: &'a Record,
    /// Answers by idempotency key.
    pub(super) answers: &'a Answers,
    /// How the gateway of no service is described.
    pub(super) gateway: &'a Gateway,
}

/// A message to one recipient.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) to: String,
    pub(super) reference: String,
    /// The bytes of its texts.
    pub(super) size: usize,
    /// As the recipient would see it.
    pub(super) content: Value,
}

impl House<'_> {
    /// Whether a rule rejects this recipient.
    pub(super) fn rejects(&self, to: &str) -> Option<Rejection> {
        self.faults.rejects(to)
    }

    /// Asks the rate limit for so many recipients.
    pub(super) fn admit(&self, count: usize) -> Result<(), Duration> {
        self.faults.admit(count as u32)
    }

    /// Takes messages; the number of the first, from 1.
    pub(super) fn take(&self, kind: Kind, parcels: &[Parcel]) -> u64 {
        if parcels.is_empty() {
            return 0;
        }
        let note = |parcel: &'_ Parcel| -> (String, String, usize) {
            (parcel.to.clone(), parcel.reference.clone(), parcel.size)
        };
        let owned: Vec<_> = parcels.iter().map(note).collect();
        let notes: Vec<Note<'_>> = owned
            .iter()
            .map(|(recipient, reference, size)| Note { recipient, reference, size: *size })
            .collect();
        self.record.notes(kind, &notes, |n| parcels[n].content.to_string().into_bytes())
    }
}

/// An answer before it is an HTTP response.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Reply {
    /// JSON with this status.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// A body with this status.
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body: body.into(),
        }
    }

    /// With one more header; a value that no header can bear is left out.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// With `Retry-After` in whole seconds, and never too few.
    pub(super) fn after(mut self, wait: Duration) -> Self {
        let seconds = (wait.as_secs_f64().ceil() as u64).max(1);
        self.headers.push((RETRY_AFTER, seconds.into()));
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}
