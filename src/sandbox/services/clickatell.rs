//! Clickatell's One API, as documented at
//! <https://docs.clickatell.com/channels/one-api/one-api-reference/>; errors by
//! <https://www.clickatell.com/developers/api-documentation/one-api-error-messages/>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401, 1 | no key, or a wrong one |
//! | 400, 41 and 42 | another path or method |
//! | 400, 21 | a body that is not JSON, or without messages · 22: more than 100 |
//! | 207, message 23 | a channel other than `sms`, or no content · 25: a number that is none |

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Clickatell;

const MOST: usize = 100;

impl Service for Clickatell {
    fn kind(&self) -> &'static str {
        "clickatell"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if asked.header("authorization") != Some(house.token) {
            return self.refuse(401, None, "Invalid or missing Integration API Key");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/v1/balance") => Reply::json(200, &json!({"balance": 10.0, "currency": "EUR"})),
            (Method::POST, "/v1/message") => self.send(house, &asked.json().unwrap_or_default()),
            (_, "/v1/balance" | "/v1/message") => {
                self.refuse(400, Some("42"), "HTTP method is not supported")
            }
            _ => self.refuse(400, Some("41"), "Resource does not exist"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code: i64 = code.and_then(|code| code.parse().ok()).unwrap_or(match status {
            401 | 403 => 1,
            429 => 43,
            503 => 19,
            500..=599 => 18,
            _ => 21,
        });
        Reply::json(status, &json!({"messages": [], "error": {"code": code, "description": text}}))
    }
}

impl Clickatell {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let all = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        if all.is_empty() {
            return self.refuse(400, Some("21"), "Payload data is malformed");
        }
        if all.len() > MOST {
            return self.refuse(400, Some("22"), "Maximum messages per request payload exceeded");
        }
        if let Err(wait) = house.admit(all.len()) {
            return self.refuse(429, Some("43"), "Rate limit").after(wait);
        }
        let mut parcels = Vec::new();
        let mut errors = Vec::with_capacity(all.len());
        for one in all {
            let given = |name: &str| one[name].as_str().unwrap_or_default();
            let to = format!("+{}", given("to").trim_start_matches('+'));
            let error = if given("channel") != "sms" || given("content").is_empty() {
                Some((23, "Invalid or missing parameter"))
            } else if !validate::phone(&to) || house.rejects(&to).is_some() {
                Some((25, "Invalid recipient address"))
            } else {
                parcels.push(Parcel {
                    to,
                    reference: given("clientMessageId").to_owned(),
                    size: given("content").len(),
                    content: json!({"to": given("to"), "from": one["from"], "text": given("content")}),
                });
                None
            };
            errors.push(error);
        }
        let mut next = house.take(Kind::Sms, &parcels);
        let status = if errors.iter().any(Option::is_some) { 207 } else { 202 };
        let messages: Vec<Value> = all
            .iter()
            .zip(errors)
            .map(|(one, error)| {
                let accepted = error.is_none();
                next += u64::from(accepted);
                json!({
                    "apiMessageId": accepted.then(|| format!("{:032x}", next - 1)),
                    "accepted": accepted,
                    "to": one["to"],
                    "error": error.map(|(code, text)| json!({"code": code, "description": text})),
                })
            })
            .collect();
        Reply::json(status, &json!({"messages": messages, "error": null}))
    }
}
