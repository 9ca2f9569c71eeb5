//! What Apple's answers mean, by status and reason (“Handling notification responses from APNs”).

use crate::domain::delivery::Stage;
use crate::providers::adapter::{Answer, Verdict};
use crate::providers::http2::Http2Answer;
use crate::providers::meaning::{self, Meaning, gone, row, wait};
use crate::providers::push::shown;
use serde::Deserialize;
use std::time::Duration;

/// What Apple's reasons mean.
pub(super) const MEANINGS: &[Meaning] = &[
    gone(410, ""),
    gone(400, "BadDeviceToken"),
    // Another application's token: this recipient's end, and the account's where they are many.
    row(400, "DeviceTokenNotForTopic", Verdict::Refused, Stage::Recipient),
    row(400, "TopicDisallowed", Verdict::Refused, Stage::Recipient),
    row(400, "BadTopic", Verdict::Refused, Stage::Recipient),
    row(400, "MissingTopic", Verdict::Refused, Stage::Recipient),
    // Renewed and sent again; where that is too soon, later.
    row(403, "ExpiredProviderToken", Verdict::Transient, Stage::Authentication),
    // Too many to this one device.
    row(429, "", Verdict::Transient, Stage::Recipient),
    wait(429, "TooManyProviderTokenUpdates"),
    wait(500, "InternalServerError"),
    wait(503, "ServiceUnavailable"),
    wait(503, "Shutdown"),
];

/// Apple asks to wait a quarter of an hour after an error of its own.
const SERVER_WAIT: Duration = Duration::from_mins(15);

/// An answer, and whether the provider token has grown too old.
pub(super) struct Told {
    pub(super) answer: Answer,
    pub(super) token_expired: bool,
}

impl Told {
    pub(super) fn of(answer: Answer) -> Self {
        Self { answer, token_expired: false }
    }
}

#[derive(Default, Deserialize)]
struct Failed {
    #[serde(default)]
    reason: String,
}

/// What an answer means for its recipient.
pub(super) fn told(answer: &Http2Answer) -> Told {
    let code = answer.status.as_u16();
    let id = answer.header("apns-id");
    if code == 200 {
        let mut taken = Answer::new(Verdict::Accepted, Stage::Response, code, "HTTP 200");
        id.clone_into(&mut taken.provider_id);
        return Told::of(taken);
    }
    let reason = serde_json::from_slice::<Failed>(&answer.body).unwrap_or_default().reason;
    let (verdict, stage) = meaning::find(MEANINGS, code, &reason);
    let text = if reason.is_empty() { shown(code, &answer.body).into_owned() } else { reason.clone() };
    let mut said = Answer::new(verdict, stage, code, text);
    let own = matches!((code, reason.as_str()), (500 | 503, "InternalServerError" | "ServiceUnavailable"));
    said.retry_after = answer.retry_after().or(own.then_some(SERVER_WAIT));
    Told { answer: said, token_expired: code == 403 && reason == "ExpiredProviderToken" }
}
