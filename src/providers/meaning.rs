//! What a service's answers mean, as a table of statuses and codes, never by words
//! in a text.

use super::adapter::{Answer, Recipient, Verdict};
use super::http::{HttpAnswer, HttpError};
use crate::domain::delivery::Stage;
use crate::domain::plan::BatchKey;
use http::HeaderValue;
use serde_json::Value;

/// The longest answer that is kept, in bytes.
const KEPT: usize = 2048;

/// One row: an answer with this status and this code of the service's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The HTTP status; 0 is any.
    pub status: u16,
    /// The service's own code; empty is any.
    pub code: &'static str,
    /// What it means for the recipient, or for all of the request.
    pub verdict: Verdict,
    /// Of whom it speaks.
    pub stage: Stage,
}

/// A row in short.
pub const fn row(status: u16, code: &'static str, verdict: Verdict, stage: Stage) -> Meaning {
    Meaning { status, code, verdict, stage }
}

/// The address does not exist any more.
pub const fn gone(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::TargetExpired, Stage::Recipient)
}

/// This recipient cannot be sent to.
pub const fn recipient(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::Permanent, Stage::Recipient)
}

/// This content cannot be sent.
pub const fn content(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::Permanent, Stage::Content)
}

/// The service does not know us, or does not let us do this.
pub const fn credentials(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::Refused, Stage::Authentication)
}

/// The service does not let us send as this sender.
pub const fn sender(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::Refused, Stage::Sender)
}

/// The service asks us to wait.
pub const fn wait(status: u16, code: &'static str) -> Meaning {
    row(status, code, Verdict::Transient, Stage::Response)
}

/// Verdict and stage by the table: a row for the status and the code, else for the
/// code alone, else for the status alone, else by what statuses mean everywhere.
pub fn find(table: &[Meaning], status: u16, code: &str) -> (Verdict, Stage) {
    let has_code = |row: &&Meaning| !row.code.is_empty() && row.code == code;
    let found = (table.iter().filter(has_code).find(|row| row.status == status))
        .or_else(|| table.iter().filter(has_code).find(|row| row.status == 0))
        .or_else(|| table.iter().find(|row| row.code.is_empty() && row.status == status));
    found.map_or_else(|| by_status(status), |row| (row.verdict, row.stage))
}

/// What a status other than that of success says (RFC 9110, 15), where the service
/// says nothing of its own.
pub fn by_status(status: u16) -> (Verdict, Stage) {
    match status {
        401 | 403 => (Verdict::Refused, Stage::Authentication),
        // Something in front of the service has passed the request on and lost the answer;
        // or it was taken, but not in a way that the service documents.
        502 | 504 | 200..=299 => (Verdict::Uncertain, Stage::Response),
        408 | 425 | 429 | 500..=599 => (Verdict::Transient, Stage::Response),
        // Not the service that was meant, or a redirect, which is not followed.
        300..=399 | 404 | 405 => (Verdict::Refused, Stage::Response),
        _ => (Verdict::Permanent, Stage::Content),
    }
}

/// The answer for everybody in a request that got none.
pub fn unanswered(error: &HttpError) -> Answer {
    match error {
        HttpError::Dial(error) => Answer::new(error.verdict(), Stage::Connect, 0, error.to_string()),
        HttpError::NotSent(_) => Answer::new(Verdict::Transient, Stage::Connect, 0, error.to_string()),
        HttpError::AnswerLost(_) => Answer::new(Verdict::Uncertain, Stage::Response, 0, error.to_string()),
    }
}

/// The answer for everybody in a request that was refused as a whole: by the table,
/// with the text of the service and the wait that it asks for.
pub fn refused(table: &[Meaning], answer: &HttpAnswer, code: &str) -> Answer {
    let status = answer.status.as_u16();
    let (verdict, stage) = find(table, status, code);
    let mut answered = Answer::new(verdict, stage, status, shown(answer));
    answered.retry_after = answer.retry_after;
    answered
}

/// The answer for one recipient that the service took under this id.
pub fn accepted(answer: &HttpAnswer, id: &str, text: impl Into<String>) -> Answer {
    let mut accepted = Answer::new(Verdict::Accepted, Stage::Response, answer.status.as_u16(), text);
    cut(id).clone_into(&mut accepted.provider_id);
    accepted
}

/// The answer when a success cannot be read: the messages may have been taken.
pub fn unreadable(answer: &HttpAnswer) -> Answer {
    let text = "the answer cannot be read; the messages may have been taken";
    Answer::new(Verdict::Uncertain, Stage::Response, answer.status.as_u16(), text)
}

/// The body as JSON, if it is whole and is JSON.
pub fn json(answer: &HttpAnswer) -> Option<Value> {
    answer.whole.then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

/// A value of JSON as a code or id: a text, or a number in digits; else empty.
pub fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// What an answer says, for people.
pub fn shown(answer: &HttpAnswer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = body.trim();
    if body.is_empty() { format!("HTTP {}", answer.status) } else { cut(body).to_owned() }
}

/// As much of a text as is kept.
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEPT)]
}

/// The idempotency key of one request: of the batch, and of the request's own place
/// and length in it, so that a part of a batch never bears the whole batch's key.
pub fn request_key(key: BatchKey, recipients: &[&Recipient]) -> Option<HeaderValue> {
    let first = recipients.first()?.reference.as_str();
    let count = recipients.len();
    let text = format!("herald-{}-{}-{}-{first}-{count}", key.window, key.batch, key.used.0);
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_nearest_row_counts() {
        let table = [
            credentials(400, ""),
            gone(400, "21610"),
            wait(0, "20429"),
            content(0, "21610"),
            sender(409, ""),
        ];
        let verdict = |status, code| find(&table, status, code).0;
        assert_eq!(verdict(400, "21610"), Verdict::TargetExpired);
        assert_eq!(verdict(500, "21610"), Verdict::Permanent);
        assert_eq!(verdict(400, "20429"), Verdict::Transient);
        assert_eq!(verdict(400, "1"), Verdict::Refused);
        assert_eq!(find(&table, 409, ""), (Verdict::Refused, Stage::Sender));
        assert_eq!(find(&table, 422, ""), (Verdict::Permanent, Stage::Content));
    }

    proptest! {
        /// No answer but a success may ever read as one.
        #[test]
        fn no_refusal_reads_as_accepted(status in 100u16..600, code in "[a-z0-9]{0,5}") {
            prop_assert_ne!(find(&[], status, &code).0, Verdict::Accepted);
        }
    }
}
