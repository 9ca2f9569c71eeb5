//! Telesign's messaging, as documented at
//! <https://developer.telesign.com/enterprise/reference/sendsms>; codes by
//! <https://developer.telesign.com/enterprise/docs/all-status-and-error-codes>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401, 30006 | no credentials, or wrong ones |
//! | 404 | another path |
//! | 400, 12000, 12009 and 12017 | no number, text or type (all of them, when the content type is not that of a form) |
//! | 400, 11017 and 11009 | a type other than OTP, ARN and MKT; more than 1,600 characters |
//! | 400, 11000 | a number that is none (E.164 without the plus) |

use http::Method;
use serde_json::json;

use super::asked::field;
use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Telesign;

const LONGEST: usize = 1600;

impl Service for Telesign {
    fn kind(&self) -> &'static str {
        "telesign"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if (asked.method.clone(), asked.path) != (Method::POST, "/v1/messaging") {
            return self.refuse(404, Some("10000"), "Not found");
        }
        if !asked.basic().is_some_and(|(user, key)| !user.is_empty() && key == house.token) {
            return self.refuse(401, Some("30006"), "Invalid Authorization header");
        }
        self.send(house, &asked.form().unwrap_or_default())
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code: i64 = code.and_then(|code| code.parse().ok()).unwrap_or(match status {
            401 | 403 => 30006,
            _ => 500,
        });
        Reply::json(
            status,
            &json!({"reference_id": null, "status": {"code": code, "description": text}, "errors": []}),
        )
    }
}

impl Telesign {
    fn send(&self, house: &House<'_>, form: &[(String, String)]) -> Reply {
        let given = |name: &str| field(form, name).filter(|value| !value.is_empty()).unwrap_or_default();
        let (number, text) = (given("phone_number"), given("message"));
        let bad = |code: &str, text: &str| self.refuse(400, Some(code), text);
        for (name, missing) in [("phone_number", "12000"), ("message", "12009"), ("message_type", "12017")] {
            if given(name).is_empty() {
                return bad(missing, &format!("Missing required parameter {name}"));
            }
        }
        if !["OTP", "ARN", "MKT"].contains(&given("message_type")) {
            return bad("11017", "Invalid value for parameter message_type");
        }
        if text.chars().count() > LONGEST {
            return bad("11009", "Invalid value for parameter message");
        }
        let to = format!("+{number}");
        if !validate::phone(&to) {
            return bad("11000", "Invalid value for parameter phone_number");
        }
        if let Some(rejection) = house.rejects(&to) {
            return self.refuse(
                400,
                Some(rejection.reason.as_deref().unwrap_or("11001")),
                "Invalid phone number",
            );
        }
        if let Err(wait) = house.admit(1) {
            return self.refuse(429, None, "Rate limit exceeded").after(wait);
        }
        let content = json!({"to": number, "from": given("sender_id"), "text": text});
        let parcel = Parcel { to, reference: given("external_id").to_owned(), size: text.len(), content };
        let first = house.take(Kind::Sms, &[parcel]);
        Reply::json(
            200,
            &json!({
                "reference_id": format!("{first:032X}"),
                "external_id": given("external_id"),
                "status": {"code": 290, "description": "Message in progress"},
            }),
        )
    }
}
