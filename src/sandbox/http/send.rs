//! Requests to send: read strictly, answered recipient by recipient.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HttpServer;
use crate::sandbox::record::{Kind, Note};

/// Recipients of one request.
const MAX_RECIPIENTS: usize = 100;
/// The longest reference, in bytes.
const MAX_REFERENCE: usize = 256;
/// The longest device token, in bytes.
const MAX_TOKEN: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<R> {
    recipients: Vec<R>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sms<'a> {
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Push<'a> {
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    reference: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<BTreeMap<String, Value>>,
}

/// The recipients of a request that is well formed.
#[derive(Debug)]
pub(super) enum Batch<'a> {
    Sms(Vec<Sms<'a>>),
    Push(Vec<Push<'a>>),
}

/// Why a recipient is not accepted.
struct Rejected<'a> {
    code: Cow<'a, str>,
    message: Cow<'a, str>,
}

impl<'a> Batch<'a> {
    /// Reads a body; the error says what is malformed.
    pub(super) fn parse(kind: Kind, body: &'a [u8]) -> Result<Self, String> {
        let batch = match kind {
            Kind::Push => Self::Push(recipients(body)?),
            Kind::Sms | Kind::Email => Self::Sms(recipients(body)?),
        };
        let count = batch.len();
        if !(1..=MAX_RECIPIENTS).contains(&count) {
            return Err(format!("A request has 1 to {MAX_RECIPIENTS} recipients, not {count}."));
        }
        for index in 0..count {
            let reference = batch.address(index).1;
            if reference.is_empty() || reference.len() > MAX_REFERENCE {
                return Err(format!("recipients[{index}].reference must have 1 to {MAX_REFERENCE} bytes."));
            }
            if batch.size(index) == 0 {
                return Err(format!("recipients[{index}] has nothing to say."));
            }
        }
        Ok(batch)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Sms(all) => all.len(),
            Self::Push(all) => all.len(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Sms(_) => Kind::Sms,
            Self::Push(_) => Kind::Push,
        }
    }

    /// Address and reference of a recipient.
    fn address(&self, index: usize) -> (&str, &str) {
        match self {
            Self::Sms(all) => (&all[index].to, &all[index].reference),
            Self::Push(all) => (&all[index].to, &all[index].reference),
        }
    }

    /// The bytes of what a recipient is told.
    fn size(&self, index: usize) -> usize {
        match self {
            Self::Sms(all) => all[index].text.len(),
            Self::Push(all) => {
                let push = &all[index];
                let length = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |t| t.len());
                length(&push.title) + length(&push.body) + push.data.as_ref().map_or(0, BTreeMap::len)
            }
        }
    }

    fn json(&self, index: usize) -> Vec<u8> {
        let json = match self {
            Self::Sms(all) => serde_json::to_vec(&all[index]),
            Self::Push(all) => serde_json::to_vec(&all[index]),
        };
        // What came from JSON goes back into it.
        json.unwrap_or_default()
    }

    /// Why the address can never be reached, if so.
    fn invalid(&self, to: &str) -> Option<Rejected<'static>> {
        let rejected =
            |code, message| Some(Rejected { code: Cow::Borrowed(code), message: Cow::Borrowed(message) });
        match self {
            Self::Sms(_) if !is_e164(to) => {
                rejected("invalid_number", "This is not a phone number in E.164.")
            }
            Self::Push(_) if to.is_empty() || to.len() > MAX_TOKEN => {
                rejected("invalid_token", "This is not a device token.")
            }
            Self::Sms(_) | Self::Push(_) => None,
        }
    }

    /// Accepts and rejects, records what is accepted, and writes the answer.
    pub(super) fn send(&self, server: &HttpServer) -> Bytes {
        let mut verdicts = Vec::with_capacity(self.len());
        let mut notes = Vec::with_capacity(self.len());
        let mut accepted = Vec::with_capacity(self.len());
        for index in 0..self.len() {
            let (to, reference) = self.address(index);
            let verdict = self.invalid(to).or_else(|| {
                server.faults.rejects(to).map(|rejection| {
                    let (code, message) = match self {
                        Self::Sms(_) => ("invalid_number", "This number cannot be reached."),
                        Self::Push(_) => ("unregistered", "This device is no longer registered."),
                    };
                    Rejected {
                        code: rejection.reason.map_or(code.into(), Cow::Owned),
                        message: rejection.text.map_or(message.into(), Cow::Owned),
                    }
                })
            });
            if verdict.is_none() {
                notes.push(Note { recipient: to, reference, size: self.size(index) });
                accepted.push(index);
            }
            verdicts.push(verdict);
        }
        let mut number = if notes.is_empty() {
            0
        } else {
            let content = |n: usize| self.json(accepted[n]);
            server.record.notes(self.kind(), &notes, content)
        };
        let mut body = Vec::with_capacity(32 + 96 * self.len());
        body.extend_from_slice(b"{\"results\":[");
        for (index, verdict) in verdicts.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(b"{\"to\":");
            string(&mut body, self.address(index).0);
            if let Some(rejected) = verdict {
                body.extend_from_slice(b",\"status\":\"rejected\",\"code\":");
                string(&mut body, &rejected.code);
                body.extend_from_slice(b",\"message\":");
                string(&mut body, &rejected.message);
                body.push(b'}');
            } else {
                // A Vec takes everything.
                let _ = write!(body, ",\"status\":\"accepted\",\"id\":\"sb{number:014x}\"}}");
                number += 1;
            }
        }
        body.extend_from_slice(b"]}");
        body.into()
    }
}

fn recipients<'a, R: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<R>, String> {
    serde_json::from_slice::<Request<R>>(body)
        .map(|request| request.recipients)
        .map_err(|error| format!("The body is malformed: {error}"))
}

/// A string as JSON.
fn string(body: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a Vec takes everything.
    let _ = serde_json::to_writer(body, text);
}

/// A plus, a digit that is not 0, and up to 14 more (ITU-T E.164).
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, right) in [
            ("+4915112345678", true),
            ("+12", true),
            ("4915112345678", false),
            ("+0915112345678", false),
            ("+1234567890123456", false),
            ("+49 151", false),
            ("+", false),
            ("", false),
        ] {
            assert_eq!(is_e164(number), right, "{number}");
        }
    }

    #[test]
    fn bodies_are_read_strictly() {
        let sms = |body: &str| Batch::parse(Kind::Sms, body.as_bytes()).map(|b| b.len());
        assert_eq!(sms(r#"{"recipients":[{"to":"+491","reference":"r","text":"\u00e4"}]}"#), Ok(1));
        for body in [
            "",
            "{}",
            r#"{"recipients":[]}"#,
            r#"{"recipients":[{"to":"+491","reference":"r"}]}"#,
            r#"{"recipients":[{"to":"+491","text":"x"}]}"#,
            r#"{"recipients":[{"to":"+491","reference":"","text":"x"}]}"#,
            r#"{"recipients":[{"to":"+491","reference":"r","text":""}]}"#,
            r#"{"recipients":[{"to":"+491","reference":"r","text":"x","more":1}]}"#,
            r#"{"recipients":[{"to":"+491","reference":"r","text":"x"}],"more":1}"#,
            r#"{"recipients":[{"to":"+491","reference":"r","text":"x"}]} x"#,
            r#"{"recipients":[{"to":1,"reference":"r","text":"x"}]}"#,
        ] {
            assert!(sms(body).is_err(), "{body}");
        }
        let push = |body: &str| Batch::parse(Kind::Push, body.as_bytes()).map(|b| b.len());
        assert_eq!(
            push(
                r#"{"recipients":[{"to":"t","reference":"r","title":"x","body":"y","data":{"a":1}},
                                  {"to":"t","reference":"r","data":{"a":"b"}}]}"#
            ),
            Ok(2)
        );
        assert!(push(r#"{"recipients":[{"to":"t","reference":"r"}]}"#).is_err());
        assert!(push(r#"{"recipients":[{"to":"t","reference":"r","data":[]}]}"#).is_err());
    }
}
