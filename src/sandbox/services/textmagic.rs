//! Textmagic's messages, as documented at <https://docs.textmagic.com/#tag/Outbound-Messages>.
//!
//! | status | refused |
//! | --- | --- |
//! | 401 | no user name, no key, or a wrong one |
//! | 404, 405 | another path or method |
//! | 400 | no text or no number (both, when the content type is neither that of a form nor JSON); a number that is none; more than 1,000 |
//!
//! One number that is refused fails the request.

use http::Method;
use serde_json::json;

use super::asked::field;
use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Textmagic;

const MOST: usize = 1000;

impl Service for Textmagic {
    fn kind(&self) -> &'static str {
        "textmagic"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let named = asked.header("x-tm-username").is_some_and(|name| !name.is_empty());
        if !named || asked.header("x-tm-key") != Some(house.token) {
            return self.refuse(401, None, "Unauthorized");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/api/v2/user") => Reply::json(200, &json!({"id": 1, "status": "A"})),
            (Method::POST, "/api/v2/messages") => self.send(house, &asked.form().unwrap_or_default()),
            (_, "/api/v2/user" | "/api/v2/messages") => self.refuse(405, None, "Method Not Allowed"),
            _ => self.refuse(404, None, "Not Found"),
        }
    }

    fn refuse(&self, status: u16, _code: Option<&str>, text: &str) -> Reply {
        Reply::json(status, &json!({"code": status, "message": text, "errors": null}))
    }
}

impl Textmagic {
    fn send(&self, house: &House<'_>, form: &[(String, String)]) -> Reply {
        let given = |name: &str| field(form, name).filter(|value| !value.is_empty());
        let (Some(text), Some(phones)) = (given("text"), given("phones")) else {
            return self.refuse(400, None, "Validation Failed");
        };
        let phones: Vec<String> = phones.split(',').map(|phone| format!("+{phone}")).collect();
        let bad = |phone: &String| !validate::phone(phone) || house.rejects(phone).is_some();
        if phones.len() > MOST || phones.iter().any(bad) {
            return self.refuse(400, None, "Validation Failed");
        }
        if let Err(wait) = house.admit(phones.len()) {
            return self.refuse(429, None, "Too Many Requests").after(wait);
        }
        let parcel = |phone: &String| Parcel {
            to: phone.clone(),
            reference: String::new(),
            size: text.len(),
            content: json!({"to": phone[1..], "from": given("from"), "text": text}),
        };
        let parcels: Vec<Parcel> = phones.iter().map(parcel).collect();
        let number = house.take(Kind::Sms, &parcels);
        let kind = if parcels.len() == 1 { "message" } else { "session" };
        let href = format!("/api/v2/{kind}s/{number}");
        Reply::json(201, &json!({"id": number.to_string(), "href": href, "type": kind}))
    }
}
