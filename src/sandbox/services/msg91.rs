//! MSG91's flow, as documented at <https://docs.msg91.com/sms/send-sms>; codes by
//! <https://help.msg91.com/article/286-what-are-different-sms-api-error-codes>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401, 207 | no `authkey`, or a wrong one |
//! | 404 | another path |
//! | 400, 400 | no template · 103: no sender · 101: no recipient, or more than 100 |
//! | 400, 202 | a number that is none (E.164 without the plus) |
//!
//! One number that is refused fails the request.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Msg91;

const MOST: usize = 100;

impl Service for Msg91 {
    fn kind(&self) -> &'static str {
        "msg91"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if (asked.method.clone(), asked.path) != (Method::POST, "/api/v5/flow") {
            return self.refuse(404, None, "Not found");
        }
        if asked.header("authkey") != Some(house.token) {
            return self.refuse(401, Some("207"), "Unauthorized");
        }
        match asked.json() {
            Some(body) => self.send(house, &body),
            None => self.refuse(400, Some("400"), "The body is not JSON"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        // What the account is refused for comes in another shape than what the message is.
        if matches!(status, 401 | 403) {
            let code = code.unwrap_or("207");
            let (own, api) = (status.to_string(), code);
            return Reply::json(
                status,
                &json!({"status": "fail", "hasError": true, "errors": text, "code": own, "apiError": api}),
            );
        }
        let mut body = json!({"type": "error", "message": text});
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        Reply::json(status, &body)
    }
}

impl Msg91 {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let bad = |code: &str, text: &str| self.refuse(400, Some(code), text);
        let given = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let Some(template) = given("template_id") else { return bad("400", "Template ID Missing") };
        let Some(sender) = given("sender") else { return bad("103", "Sender ID missing") };
        let all = body["recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
        if all.is_empty() || all.len() > MOST {
            return bad("101", "Mobile no. missing");
        }
        let mut parcels = Vec::with_capacity(all.len());
        for one in all {
            let mobile = one["mobiles"].as_str().unwrap_or_default();
            let to = format!("+{mobile}");
            if !validate::phone(&to) || house.rejects(&to).is_some() {
                return bad("202", "Invalid mobile no.");
            }
            let reference = one["CRQID"].as_str().unwrap_or_default().to_owned();
            let text = one["content"].as_str().unwrap_or_default();
            let content = json!({"to": mobile, "from": sender, "template": template, "text": text});
            parcels.push(Parcel { to, reference, size: text.len(), content });
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let number = house.take(Kind::Sms, &parcels);
        Reply::json(200, &json!({"type": "success", "message": format!("{number:024x}")}))
    }
}
