//! Plivo's messages, as documented at
//! <https://www.plivo.com/docs/messaging/api/message/send-a-message/>.
//!
//! | status | refused |
//! | --- | --- |
//! | 401 | credentials that are missing or wrong, or not those of the account in the path |
//! | 404, 405 | another path or method |
//! | 400 | no `src`, `dst` or `text`; a content type other than JSON; more than 1,000 numbers or 1,600 characters; no number that is one |
//!
//! Numbers that are none are named in `invalid_number`; the others get their messages.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Plivo;

const MOST: usize = 1000;
const LONGEST: usize = 1600;

impl Service for Plivo {
    fn kind(&self) -> &'static str {
        "plivo"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let path: Vec<&str> = asked.path.split('/').collect();
        let (id, messages) = match path[..] {
            ["", "v1", "Account", id, ""] => (id, false),
            ["", "v1", "Account", id, "Message", ""] => (id, true),
            _ => return self.refuse(404, None, "not found"),
        };
        if !asked.basic().is_some_and(|(user, token)| user == id && token == house.token) {
            return Reply::new(401, "text/plain", "Could not verify your access level for that URL.");
        }
        match (asked.method.clone(), messages) {
            (Method::GET, false) => Reply::json(200, &json!({"auth_id": id, "cash_credits": "10.0"})),
            (Method::POST, true) => match asked.json() {
                Some(body) => self.send(house, &body),
                None => self.refuse(400, None, "the body is not JSON"),
            },
            _ => self.refuse(405, None, "method not allowed"),
        }
    }

    fn refuse(&self, status: u16, _code: Option<&str>, text: &str) -> Reply {
        Reply::json(status, &json!({"api_id": "00000000-0000-0000-0000-000000000000", "error": text}))
    }
}

impl Plivo {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let given = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let (Some(src), Some(dst), Some(text)) = (given("src"), given("dst"), given("text")) else {
            return self.refuse(400, None, "mandatory parameter is missing");
        };
        let all: Vec<String> =
            dst.split('<').map(|number| format!("+{}", number.trim_start_matches('+'))).collect();
        if all.len() > MOST || text.chars().count() > LONGEST {
            return self.refuse(400, None, "too many destinations, or too long a text");
        }
        let bad = |to: &String| !validate::phone(to) || house.rejects(to).is_some();
        let (invalid, good): (Vec<String>, Vec<String>) = all.into_iter().partition(bad);
        if good.is_empty() {
            return self.refuse(400, None, "no valid destination number");
        }
        if let Err(wait) = house.admit(good.len()) {
            return self.refuse(429, None, "too many requests").after(wait);
        }
        let parcel = |to: &String| Parcel {
            to: to.clone(),
            reference: String::new(),
            size: text.len(),
            content: json!({"to": to[1..], "from": src, "text": text}),
        };
        let parcels: Vec<Parcel> = good.iter().map(parcel).collect();
        let first = house.take(Kind::Sms, &parcels);
        let ids: Vec<String> =
            (first..).take(good.len()).map(|n| format!("db3ce55a-7f1d-11e1-8ea7-{n:012x}")).collect();
        let mut answer = json!({"message": "message(s) queued", "message_uuid": ids});
        if !invalid.is_empty() {
            answer["invalid_number"] = json!(invalid.iter().map(|to| &to[1..]).collect::<Vec<_>>());
        }
        Reply::json(202, &answer)
    }
}
