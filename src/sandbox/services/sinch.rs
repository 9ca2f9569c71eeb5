//! Sinch's batches, as documented at
//! <https://developers.sinch.com/docs/sms/api-reference/sms/batches/sendsms>; refusals by
//! <https://developers.sinch.com/docs/sms/api-reference/status-codes>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401 | no bearer token, or a wrong one; without a body |
//! | 404 | another path |
//! | 400 `syntax_invalid_json` | a body that is not JSON |
//! | 400 `syntax_constraint_violation` | no `to`, or more than 1,000; no body, or more than 2,000 characters; a parameter's value of more than 1,600 |
//! | 400 `syntax_invalid_parameter_format` | a number that is none |
//!
//! One number that is refused fails the request.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Sinch;

const MOST: usize = 1000;
const LONGEST: usize = 2000;
const PARAMETER: usize = 1600;

impl Service for Sinch {
    fn kind(&self) -> &'static str {
        "sinch"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let path: Vec<&str> = asked.path.split('/').collect();
        let ["", "xms", "v1", _plan, "batches"] = path[..] else {
            return self.refuse(404, None, "Not found");
        };
        if asked.scheme("Bearer") != Some(house.token) {
            return self.refuse(401, None, "");
        }
        match *asked.method {
            Method::GET => Reply::json(200, &json!({"count": 0, "page": 0, "batches": []})),
            Method::POST => match asked.json() {
                Some(body) => self.send(house, &body),
                None => self.refuse(400, Some("syntax_invalid_json"), "The body is not JSON"),
            },
            _ => self.refuse(405, None, "Method not allowed"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        match (status, code) {
            (401 | 404 | 405 | 429 | 500..=599, None) => Reply::new(status, "text/plain", ""),
            (_, code) => {
                let code = code.unwrap_or("syntax_constraint_violation");
                Reply::json(status, &json!({"code": code, "text": text}))
            }
        }
    }
}

impl Sinch {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let wrong = |text: &str| self.refuse(400, None, text);
        let to = body["to"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = body["body"].as_str().unwrap_or_default();
        if to.is_empty() || to.len() > MOST {
            return wrong("to must have 1 to 1000 elements");
        }
        if text.is_empty() || text.chars().count() > LONGEST {
            return wrong("body must have 1 to 2000 characters");
        }
        let values =
            body["parameters"].as_object().into_iter().flatten().filter_map(|(_, all)| all.as_object());
        let long = |value: &Value| value.as_str().is_none_or(|value| value.chars().count() > PARAMETER);
        if values.flat_map(|all| all.values()).any(long) {
            return wrong("a parameter must have at most 1600 characters");
        }
        let mut parcels = Vec::with_capacity(to.len());
        for one in to {
            let bare = one.as_str().unwrap_or_default().trim_start_matches('+');
            let to = format!("+{bare}");
            if !validate::phone(&to) || house.rejects(&to).is_some() {
                return self.refuse(400, Some("syntax_invalid_parameter_format"), "to: invalid number");
            }
            let mut seen = text.to_owned();
            for (name, all) in body["parameters"].as_object().into_iter().flatten() {
                let value = all[bare].as_str().or_else(|| all["default"].as_str()).unwrap_or_default();
                seen = seen.replace(&format!("${{{name}}}"), value);
            }
            let content = json!({"to": bare, "from": body["from"], "text": seen});
            parcels.push(Parcel { to, reference: String::new(), size: text.len(), content });
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "").after(wait);
        }
        let number = house.take(Kind::Sms, &parcels);
        Reply::json(201, &json!({"id": format!("01SANDBOX{number:017X}"), "to": to, "type": "mt_text"}))
    }
}
