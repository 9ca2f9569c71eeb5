//! Inforu's SMS, as documented at <https://apidoc.inforu.co.il/>. Refusals come with HTTP 200
//! and a status.
//!
//! | status | refused |
//! | --- | --- |
//! | -2 | no token under the scheme `Basic`, or a wrong one |
//! | -9 | no text · -6: no recipient · -18: none that is a number |
//! | -20 | a sender that is a number of more than 14 digits · -21: a name of more than 11 characters |
//!
//! Another path is 404. One number that is refused fails the request.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Inforu;

impl Service for Inforu {
    fn kind(&self) -> &'static str {
        "inforu"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if (asked.method.clone(), asked.path) != (Method::POST, "/api/v2/SMS/SendSms") {
            return self.refuse(404, None, "Not found");
        }
        if asked.scheme("Basic") != Some(house.token) {
            return self.refuse(200, Some("-2"), "Bad user name or password");
        }
        self.send(house, &asked.json().unwrap_or_default()["Data"])
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code: i64 = code.and_then(|code| code.parse().ok()).unwrap_or(-1);
        Reply::json(status, &json!({"StatusId": code, "StatusDescription": text}))
    }
}

impl Inforu {
    fn send(&self, house: &House<'_>, data: &Value) -> Reply {
        let bad = |code: &str, text: &str| self.refuse(200, Some(code), text);
        let text = data["Message"].as_str().unwrap_or_default();
        if text.is_empty() {
            return bad("-9", "Message text does not exist");
        }
        let all = data["Recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
        if all.is_empty() {
            return bad("-6", "Recipients data does not exist");
        }
        let from = data["Settings"]["Sender"].as_str().unwrap_or_default();
        let digits = from.bytes().all(|b| b.is_ascii_digit());
        if digits && from.len() > 14 {
            return bad("-20", "Invalid sender number");
        }
        if !digits && from.len() > 11 {
            return bad("-21", "Invalid sender name");
        }
        let mut parcels = Vec::with_capacity(all.len());
        for one in all {
            let to = one["Phone"].as_str().unwrap_or_default();
            if !validate::phone(to) || house.rejects(to).is_some() {
                return bad("-18", "No valid recipients");
            }
            let content = json!({"to": to, "from": from, "text": text});
            parcels.push(Parcel { to: to.to_owned(), reference: String::new(), size: text.len(), content });
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let number = house.take(Kind::Sms, &parcels);
        let answer = json!({
            "StatusId": 1,
            "StatusDescription": "Success",
            "RequestId": format!("sandbox-{number}"),
            "Data": {"Recipients": parcels.len()},
        });
        Reply::json(200, &answer)
    }
}
