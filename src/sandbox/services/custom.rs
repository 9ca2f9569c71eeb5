//! A gateway that nobody here has heard of: what it takes, and how it answers, is as it is
//! described by [`Gateway`] (`PUT /control/gateway`). Its rules are the description's and no
//! service's; it shares no code with the adapter for such gateways.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 404 `path` | another path |
//! | 405 `method` | another method |
//! | 401 `header` | a header of the description that is missing, there twice, or has another value |
//! | 415 `type` | another content type |
//! | 400 `malformed` | a body that is not of that type; a field that is missing, empty or no text; one that the description does not name |
//! | 413 `many` | more recipients than it takes, or none |
//!
//! A recipient who is none, or whom a fault rejects, is refused in the answer's own way.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

/// Where a gateway's fields stand in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fields {
    /// In a JSON object, or in the objects of a list.
    #[default]
    Json,
    /// In a form.
    Form,
    /// In the URL's query.
    Query,
}

/// What the sandbox's gateway takes, and how it answers.
///
/// In texts of answers `{id}` stands for the message's id, `{to}` for its recipient,
/// `{reference}` for its reference and `{code}` for the code of its refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Gateway {
    /// What it delivers.
    pub kind: Kind,
    /// The one method it takes.
    pub method: String,
    /// The one path below `/http`; a last part of `{to}` is the recipient.
    pub path: String,
    /// Headers that must be there, each once; `{token}` stands for the sandbox's token.
    pub headers: BTreeMap<String, String>,
    /// Where the fields stand.
    pub fields: Fields,
    /// JSON: the name of the list of messages; none: the body is one message.
    pub messages: Option<String>,
    /// The most messages in a request.
    pub most: usize,
    /// The recipient's field; unused where the path has it.
    pub to: String,
    /// The text's field.
    pub text: String,
    /// The reference's field, if there is one.
    pub reference: Option<String>,
    /// Fields that may be there beside these.
    pub further: Vec<String>,
    /// The status of an answer.
    pub status: u16,
    /// The body of an answer; `{results}` stands for the results, with commas between.
    pub answer: String,
    /// The result of a message that was taken.
    pub taken: String,
    /// The result of a message that was not.
    pub refused: String,
}

impl Default for Gateway {
    /// A list of messages in JSON, a bearer token, a result for each.
    fn default() -> Self {
        Self {
            kind: Kind::Sms,
            method: "POST".to_owned(),
            path: "/messages".to_owned(),
            headers: BTreeMap::from([("authorization".to_owned(), "Bearer {token}".to_owned())]),
            fields: Fields::Json,
            messages: Some("messages".to_owned()),
            most: 100,
            to: "to".to_owned(),
            text: "text".to_owned(),
            reference: Some("reference".to_owned()),
            further: Vec::new(),
            status: 200,
            answer: "{\"results\":[{results}]}".to_owned(),
            taken: "{\"to\":\"{to}\",\"state\":\"accepted\",\"id\":\"{id}\"}".to_owned(),
            refused: "{\"to\":\"{to}\",\"state\":\"refused\",\"code\":\"{code}\"}".to_owned(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Custom;

type Message = Map<String, Value>;

impl Service for Custom {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let gateway = house.gateway;
        let bad = |status: u16, code: &str, text: &str| self.refuse(status, Some(code), text);
        let in_path = match gateway.path.strip_suffix("{to}") {
            None if asked.path == gateway.path => None,
            Some(start) if asked.path.starts_with(start) => {
                let part = &asked.path[start.len()..];
                if part.contains('/') {
                    return bad(404, "path", "no such path");
                }
                let read = url::form_urlencoded::parse(part.replace('+', "%2B").as_bytes())
                    .next()
                    .map_or_else(String::new, |(to, _)| to.into_owned());
                Some(read)
            }
            _ => return bad(404, "path", "no such path"),
        };
        if asked.method.as_str() != gateway.method {
            return bad(405, "method", "another method is wanted");
        }
        for (name, value) in &gateway.headers {
            if asked.header(name) != Some(value.replace("{token}", house.token).as_str()) {
                return bad(401, "header", &format!("{name} is not as it must be"));
            }
        }
        let messages = match read(gateway, asked) {
            Ok(messages) => messages,
            Err((status, code, text)) => return bad(status, code, text),
        };
        if messages.is_empty() || messages.len() > gateway.most {
            return bad(413, "many", "too many messages, or none");
        }
        let mut parcels = Vec::with_capacity(messages.len());
        for message in &messages {
            match parcel(gateway, message, in_path.as_deref()) {
                Ok(parcel) => parcels.push(parcel),
                Err(text) => return bad(400, "malformed", text),
            }
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "too many requests").after(wait);
        }
        take(house, parcels)
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code = code.map_or_else(|| status.to_string(), str::to_owned);
        Reply::json(status, &json!({"error": {"code": code, "message": text}}))
    }

    fn sends(&self, _method: &Method, _path: &str) -> bool {
        true
    }
}

/// Takes the messages that can be taken, and answers as described.
fn take(house: &House<'_>, parcels: Vec<Parcel>) -> Reply {
    let gateway = house.gateway;
    let good = |to: &str| match gateway.kind {
        Kind::Sms => validate::phone(to),
        Kind::Email => validate::email(to),
        Kind::Push => !to.is_empty(),
    };
    let judged: Vec<(Parcel, Option<String>)> = parcels
        .into_iter()
        .map(|parcel| {
            let rejected = house.rejects(&parcel.to).map(|it| it.reason.unwrap_or("unreachable".into()));
            let code = rejected.or_else(|| (!good(&parcel.to)).then(|| "invalid".to_owned()));
            (parcel, code)
        })
        .collect();
    let mut results = Vec::with_capacity(judged.len());
    let mut taken = Vec::with_capacity(judged.len());
    for (parcel, code) in judged {
        let text = if code.is_some() { &gateway.refused } else { &gateway.taken };
        let text = text
            .replace("{to}", &parcel.to)
            .replace("{reference}", &parcel.reference)
            .replace("{code}", code.as_deref().unwrap_or_default());
        results.push((text, code.is_none()));
        if code.is_none() {
            taken.push(parcel);
        }
    }
    let mut next = house.take(gateway.kind, &taken);
    let results: Vec<String> = results
        .into_iter()
        .map(|(text, taken)| {
            let text = text.replace("{id}", &format!("gw-{next}"));
            next += u64::from(taken);
            text
        })
        .collect();
    let body = gateway.answer.replace("{results}", &results.join(","));
    let content_type = if body.starts_with(['{', '[']) { "application/json" } else { "text/plain" };
    Reply::new(gateway.status, content_type, body)
}

/// The messages of a request, as objects of fields.
fn read(gateway: &Gateway, asked: &Asked<'_>) -> Result<Vec<Message>, (u16, &'static str, &'static str)> {
    let object = |pairs: Vec<(String, String)>| {
        let mut message = Message::new();
        for (name, value) in pairs {
            if message.insert(name, value.into()).is_some() {
                return Err((400, "malformed", "a field stands twice"));
            }
        }
        Ok(vec![message])
    };
    match gateway.fields {
        Fields::Query => {
            if !asked.body.is_empty() {
                return Err((400, "malformed", "no body is wanted"));
            }
            let query = asked.uri.query().unwrap_or_default();
            object(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
        }
        Fields::Form => object(asked.form().ok_or((415, "type", "a form is wanted"))?),
        Fields::Json if asked.content_type() != "application/json" => {
            Err((415, "type", "application/json is wanted"))
        }
        Fields::Json => {
            let Some(Value::Object(mut body)) = asked.json() else {
                return Err((400, "malformed", "the body is no JSON object"));
            };
            let Some(name) = &gateway.messages else { return Ok(vec![body]) };
            let list = match body.remove(name) {
                Some(Value::Array(list)) if body.keys().all(|name| gateway.further.contains(name)) => list,
                _ => return Err((400, "malformed", "the list of messages is missing, or not alone")),
            };
            let all: Option<Vec<Message>> = list
                .into_iter()
                .map(|one| if let Value::Object(one) = one { Some(one) } else { None })
                .collect();
            all.ok_or((400, "malformed", "a message is no JSON object"))
        }
    }
}

fn parcel(gateway: &Gateway, message: &Message, in_path: Option<&str>) -> Result<Parcel, &'static str> {
    let text = |name: &str| {
        let text = message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or("a field is missing, or is no text")
    };
    let to = in_path.map_or_else(|| text(&gateway.to), Ok)?;
    let reference = gateway.reference.as_deref().map(text).transpose()?.unwrap_or_default();
    let known = |name: &String| {
        (in_path.is_none() && *name == gateway.to)
            || *name == gateway.text
            || gateway.reference.as_ref() == Some(name)
            || gateway.further.contains(name)
    };
    if !message.keys().all(known) {
        return Err("a field is there that nobody knows");
    }
    let body = text(&gateway.text)?;
    Ok(Parcel {
        to: to.to_owned(),
        reference: reference.to_owned(),
        size: body.len(),
        content: json!({"to": to, "text": body, "message": message}),
    })
}
