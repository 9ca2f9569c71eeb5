//! Twilio's Messages resource, as documented at
//! <https://www.twilio.com/docs/messaging/api/message-resource>; refusals by the codes
//! of <https://www.twilio.com/docs/api/errors>.
//!
//! | code | refused |
//! | --- | --- |
//! | 20003 | credentials that are missing or wrong, or not those of the account in the path |
//! | 20404 | an account or path that does not exist |
//! | 21602 | no body · 21617: more than 1,600 characters |
//! | 21603 | neither `From` nor `MessagingServiceSid` · 21212: a `From` that can be none |
//! | 21604 | no `To` (so too when the content type is not that of a form) · 21211: not a number |
//! | 21266 | `To` and `From` are the same |

use http::Method;
use serde_json::json;

use super::asked::field;
use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Twilio;

/// Characters of a body.
const LONGEST: usize = 1600;

impl Service for Twilio {
    fn kind(&self) -> &'static str {
        "twilio"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let missing = || self.refuse(404, Some("20404"), "The requested resource was not found");
        let Some(rest) = asked.path.strip_prefix("/2010-04-01/Accounts/") else {
            return missing();
        };
        let (sid, list) = match rest.split_once('/') {
            None => (rest.strip_suffix(".json").unwrap_or_default(), false),
            Some((sid, "Messages.json")) => (sid, true),
            Some(_) => return missing(),
        };
        let known = asked.basic().is_some_and(|(user, token)| user == sid && token == house.token);
        if !known {
            return self.refuse(401, Some("20003"), "Authenticate");
        }
        if !is_sid(sid, "AC") {
            return missing();
        }
        match (asked.method.clone(), list) {
            (Method::GET, false) => Reply::json(200, &json!({"sid": sid, "status": "active"})),
            (Method::POST, true) => self.create(house, asked, sid),
            _ => self.refuse(405, Some("20004"), "Method not allowed"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let usual = match status {
            401 => 20003,
            403 => 20403,
            404 => 20404,
            429 => 20429,
            500 => 20500,
            503 => 20503,
            _ => 20001,
        };
        let code = code.and_then(|code| code.parse().ok()).unwrap_or(usual);
        let more = format!("https://www.twilio.com/docs/errors/{code}");
        Reply::json(status, &json!({"code": code, "message": text, "more_info": more, "status": status}))
    }
}

impl Twilio {
    fn create(&self, house: &House<'_>, asked: &Asked<'_>, sid: &str) -> Reply {
        // Without a form there are no parameters.
        let form = asked.form().unwrap_or_default();
        let given = |name: &str| field(&form, name).filter(|value| !value.is_empty());
        let bad = |code: &str, text: &str| self.refuse(400, Some(code), text);
        let Some(to) = given("To") else {
            return bad("21604", "A 'To' phone number is required.");
        };
        if !validate::phone(to) {
            return bad("21211", &format!("Invalid 'To' Phone Number: {to}"));
        }
        match (given("From"), given("MessagingServiceSid")) {
            (None, None) => return bad("21603", "A 'From' phone number is required."),
            (_, Some(service)) if !is_sid(service, "MG") => {
                return bad("21701", "The messaging service does not exist.");
            }
            (Some(from), _) if from == to => {
                return bad("21266", "'To' and 'From' number cannot be the same");
            }
            (Some(from), _) if !is_sender(from) => {
                return bad("21212", &format!("Invalid From Number: {from}"));
            }
            _ => {}
        }
        let Some(body) = given("Body") else {
            return bad("21602", "Message body is required.");
        };
        if body.chars().count() > LONGEST {
            return bad("21617", "The concatenated message body exceeds the 1600 character limit");
        }
        if let Some(rejection) = house.rejects(to) {
            let text =
                rejection.text.unwrap_or_else(|| format!("'To' number: {to}, is not a valid mobile number"));
            return bad(rejection.reason.as_deref().unwrap_or("21614"), &text);
        }
        if let Err(wait) = house.admit(1) {
            return self.refuse(429, None, "Too Many Requests").after(wait);
        }
        let content = json!({"to": to, "from": given("From").or(given("MessagingServiceSid")), "text": body});
        let parcel = Parcel { to: to.to_owned(), reference: String::new(), size: body.len(), content };
        let number = house.take(Kind::Sms, &[parcel]);
        Reply::json(
            201,
            &json!({
                "sid": format!("SM{number:032x}"),
                "account_sid": sid,
                "to": to,
                "from": given("From"),
                "messaging_service_sid": given("MessagingServiceSid"),
                "body": body,
                "status": if given("MessagingServiceSid").is_some() { "accepted" } else { "queued" },
                "num_segments": crate::domain::gsm::segments(body).to_string(),
                "error_code": null,
                "error_message": null,
            }),
        )
    }
}

/// Two letters and 32 hexadecimal digits.
fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A number, a short code, or a name of at most 11 characters with a letter in it.
fn is_sender(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    validate::phone(text)
        || (digits && (3..=8).contains(&text.len()))
        || (text.len() <= 11 && text.bytes().any(|b| b.is_ascii_alphabetic()))
}
