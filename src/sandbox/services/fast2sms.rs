//! Fast2SMS's bulk route, as documented at <https://docs.fast2sms.com/reference/quick-sms-api>
//! and <https://docs.fast2sms.com/reference/dlt-sms>; codes by
//! <https://docs.fast2sms.com/reference/error-code-list>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401, 412 | no key, or a wrong one |
//! | 404 | another path |
//! | 400, 403 and 408 | no route, or an unknown one · 402: no message |
//! | 400, 401 | the route `dlt` without a sender id |
//! | 400, 417 | letters beyond GSM's in the language `english` |
//! | 400, 405 | no numbers, or more than 1,000 · 411: one that has not ten digits |
//!
//! One number that is refused fails the request.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::gsm::Alphabet;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Fast2Sms;

const MOST: usize = 1000;

impl Service for Fast2Sms {
    fn kind(&self) -> &'static str {
        "fast2sms"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if asked.header("authorization") != Some(house.token) {
            return self.refuse(401, Some("412"), "Invalid Authentication, Check Authorization Key");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/dev/wallet") => Reply::json(200, &json!({"return": true, "wallet": "10.00"})),
            (Method::POST, "/dev/bulkV2") => self.send(house, &asked.json().unwrap_or_default()),
            _ => self.refuse(404, None, "Not found"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let mut body = json!({"return": false, "message": text});
        if let Some(code) = code.and_then(|code| code.parse::<i64>().ok()) {
            body["status_code"] = json!(code);
        }
        Reply::json(status, &body)
    }
}

impl Fast2Sms {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let given = |name: &str| body[name].as_str().unwrap_or_default();
        let bad = |code: &str, text: &str| self.refuse(400, Some(code), text);
        let text = match given("route") {
            "" => return bad("403", "Route Missing"),
            "q" => given("message"),
            "dlt" if given("sender_id").is_empty() => return bad("401", "Sender ID Missing"),
            "dlt" if given("message").is_empty() => return bad("402", "Message Text Missing"),
            "dlt" => given("variables_values"),
            _ => return bad("408", "Invalid Route"),
        };
        if text.is_empty() {
            return bad("402", "Message Text Missing");
        }
        if given("language") == "english" && Alphabet::of(text) == Alphabet::Ucs2 {
            return bad("417", "Use english letters or change language to unicode");
        }
        let all: Vec<&str> = given("numbers").split(',').filter(|number| !number.is_empty()).collect();
        if all.is_empty() || all.len() > MOST {
            return bad("405", "Numbers Missing");
        }
        let mut parcels = Vec::with_capacity(all.len());
        for number in all {
            let to = format!("+91{number}");
            let mobile = number.len() == 10 && number.bytes().all(|b| b.is_ascii_digit());
            if !mobile || house.rejects(&to).is_some() {
                return bad("411", "Invalid Numbers");
            }
            let content = json!({"to": number, "from": given("sender_id"), "text": text});
            parcels.push(Parcel { to, reference: String::new(), size: text.len(), content });
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let number = house.take(Kind::Sms, &parcels);
        let answer = json!({"return": true, "request_id": format!("sandbox{number:08x}"), "message": ["SMS sent successfully."]});
        Reply::json(200, &answer)
    }
}
