//! What FCM's answers mean, by status and error code (FCM's `ErrorCode` and error reference).

use crate::domain::delivery::Stage;
use crate::providers::adapter::{Answer, Verdict};
use crate::providers::http2::Http2Answer;
use crate::providers::meaning::{self, Meaning, gone, recipient, row, wait};
use crate::providers::push::shown;
use serde::Deserialize;
use std::time::Duration;

/// Stands for an error that names the field of the device token.
const TOKEN: &str = "message.token";

/// What FCM's own codes mean; `INVALID_ARGUMENT` as FCM's code speaks of the device token, because
/// the request's other fields are the same for everybody and are named where they are wrong.
pub(super) const MEANINGS: &[Meaning] = &[
    gone(404, "UNREGISTERED"),
    // Another project's token, or no key of Apple's at Google: this recipient's end, and the
    // account's where they are many.
    row(403, "SENDER_ID_MISMATCH", Verdict::Refused, Stage::Recipient),
    row(401, "THIRD_PARTY_AUTH_ERROR", Verdict::Refused, Stage::Recipient),
    recipient(400, "INVALID_ARGUMENT"),
    recipient(400, TOKEN),
    wait(429, "QUOTA_EXCEEDED"),
    wait(503, "UNAVAILABLE"),
    wait(500, "INTERNAL"),
];

/// Google asks for a minute where a 429 names no time.
const QUOTA_WAIT: Duration = Duration::from_mins(1);

/// An answer, and whether it speaks of the access token.
pub(super) struct Told {
    pub(super) answer: Answer,
    pub(super) token_refused: bool,
}

impl Told {
    pub(super) fn of(answer: Answer) -> Self {
        Self { answer, token_refused: false }
    }
}

#[derive(Deserialize)]
struct Accepted {
    name: String,
}

#[derive(Default, Deserialize)]
struct Failed {
    error: Failure,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    details: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    #[serde(rename = "@type")]
    sort: String,
    #[serde(rename = "errorCode")]
    code: String,
    #[serde(rename = "fieldViolations")]
    violations: Vec<Violation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Violation {
    field: String,
}

/// What an answer means for its recipient.
pub(super) fn told(answer: &Http2Answer) -> Told {
    let code = answer.status.as_u16();
    if code == 200 {
        let Ok(accepted) = serde_json::from_slice::<Accepted>(&answer.body) else {
            let text = "the answer cannot be read; the message may have been taken";
            return Told::of(Answer::new(Verdict::Uncertain, Stage::Response, code, text));
        };
        let mut taken = Answer::new(Verdict::Accepted, Stage::Response, code, accepted.name.clone());
        taken.provider_id = accepted.name;
        return Told::of(taken);
    }
    let failed = serde_json::from_slice::<Failed>(&answer.body).unwrap_or_default().error;
    let fcm = failed.details.iter().find(|detail| detail.sort.ends_with("google.firebase.fcm.v1.FcmError"));
    let fcm = fcm.map_or("", |detail| detail.code.as_str());
    let speaks_of_the_token =
        failed.details.iter().flat_map(|detail| &detail.violations).any(|violation| violation.field == TOKEN);
    let named = if speaks_of_the_token { TOKEN } else { fcm };
    let (verdict, stage) = meaning::find(MEANINGS, code, named);
    let mut said = Answer::new(verdict, stage, code, shown(code, &answer.body));
    said.retry_after = answer.retry_after().or((code == 429).then_some(QUOTA_WAIT));
    Told { answer: said, token_refused: code == 401 && fcm.is_empty() }
}
