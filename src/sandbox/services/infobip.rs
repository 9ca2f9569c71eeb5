//! Infobip's SMS, as documented at
//! <https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages>; statuses by
//! <https://www.infobip.com/docs/essentials/response-status-and-error-codes>.
//!
//! | status | refused |
//! | --- | --- |
//! | 401 `UNAUTHORIZED` | no key under the scheme `App`, or a wrong one |
//! | 404 | another path |
//! | 400 `BAD_REQUEST` | a body that is not JSON; `messages` that is no array, or empty, or of more than 1,000; a message without a text or a destination |
//! | 200, group 5, id 52 | a message to a number that is none |

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Infobip;

const MOST: usize = 1000;

impl Service for Infobip {
    fn kind(&self) -> &'static str {
        "infobip"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if asked.scheme("App") != Some(house.token) {
            return self.refuse(401, None, "Invalid login details");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/account/1/balance") => {
                Reply::json(200, &json!({"balance": 10.0, "currency": "EUR"}))
            }
            (Method::POST, "/sms/2/text/advanced") => self.send(house, &asked.json().unwrap_or_default()),
            _ => self.refuse(404, None, "Not found"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code = code.unwrap_or(match status {
            401 => "UNAUTHORIZED",
            403 => "FORBIDDEN",
            404 => "NOT_FOUND",
            429 => "TOO_MANY_REQUESTS",
            400..=499 => "BAD_REQUEST",
            _ => "GENERAL_ERROR",
        });
        Reply::json(status, &json!({"requestError": {"serviceException": {"messageId": code, "text": text}}}))
    }
}

impl Infobip {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let all = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        if all.is_empty() || all.len() > MOST {
            return self.refuse(400, None, "messages must be an array of 1 to 1000");
        }
        let mut numbers = Vec::with_capacity(all.len());
        for one in all {
            let destinations = one["destinations"].as_array().map(Vec::as_slice).unwrap_or_default();
            let (Some(to), Some(_)) = (
                destinations.first().and_then(|one| one["to"].as_str()).filter(|_| destinations.len() == 1),
                one["text"].as_str().filter(|text| !text.is_empty()),
            ) else {
                return self.refuse(400, None, "a message needs a destination and a text");
            };
            numbers.push(to.trim_start_matches('+'));
        }
        if let Err(wait) = house.admit(all.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let good: Vec<bool> = numbers
            .iter()
            .map(|number| format!("+{number}"))
            .map(|to| validate::phone(&to) && house.rejects(&to).is_none())
            .collect();
        let accepted = all.iter().zip(&numbers).zip(&good).filter(|&(_, &good)| good);
        let parcels: Vec<Parcel> = accepted
            .map(|((one, number), _)| Parcel {
                to: format!("+{number}"),
                reference: one["callbackData"].as_str().unwrap_or_default().to_owned(),
                size: one["text"].as_str().map_or(0, str::len),
                content: json!({"to": number, "from": one["from"], "text": one["text"]}),
            })
            .collect();
        let mut next = house.take(Kind::Sms, &parcels);
        let messages: Vec<Value> = numbers
            .iter()
            .zip(good)
            .map(|(number, good)| {
                let status = if good {
                    json!({"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED", "description": "Message sent to next instance"})
                } else {
                    json!({"groupId": 5, "groupName": "REJECTED", "id": 52, "name": "REJECTED_DESTINATION", "description": "Invalid destination address."})
                };
                let id = format!("sandbox{next:016x}");
                next += u64::from(good);
                json!({"to": number, "status": status, "messageId": if good { id } else { String::new() }})
            })
            .collect();
        Reply::json(200, &json!({"bulkId": "sandbox", "messages": messages}))
    }
}
