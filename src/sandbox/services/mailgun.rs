//! Mailgun's messages, as documented at
//! <https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages>
//! and, for recipient variables, at
//! <https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending>.
//!
//! | status | refused |
//! | --- | --- |
//! | 401 | credentials that are missing or wrong; the body is not JSON |
//! | 404 | another path, or a domain that can be none |
//! | 400 | no `from` or `to`, or one that is no address; more than 1,000 recipients; none of `text`, `html` and `template`; recipient variables that are no JSON object; neither a form nor one with files |
//!
//! One recipient that is refused fails the request.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Mailgun;

/// Recipients of one request.
const MOST: usize = 1000;
/// Bytes of one request.
const LARGEST: usize = 25 * 1024 * 1024;

impl Service for Mailgun {
    fn kind(&self) -> &'static str {
        "mailgun"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let path: Vec<&str> = asked.path.split('/').collect();
        let ["", "v3", domain, "messages"] = path[..] else {
            return Reply::new(404, "text/plain", "404 page not found");
        };
        if !asked.basic().is_some_and(|(user, key)| user == "api" && key == house.token) {
            return self.refuse(401, None, "Forbidden");
        }
        if asked.method != Method::POST {
            return self.refuse(405, None, "Method not allowed");
        }
        if !domain.contains('.') {
            return self.refuse(404, None, &format!("Domain not found: {domain}"));
        }
        if asked.body.len() > LARGEST {
            return self.refuse(413, None, "Request Entity Too Large");
        }
        let Some(form) = Form::read(asked) else {
            return self.refuse(400, None, "the request is not a form");
        };
        self.send(house, domain, &form)
    }

    fn refuse(&self, status: u16, _code: Option<&str>, text: &str) -> Reply {
        match status {
            401 => Reply::new(401, "text/plain", text.to_owned()),
            _ => Reply::json(status, &json!({ "message": text })),
        }
    }
}

/// The fields of a request, and the names of its files.
struct Form {
    fields: Vec<(String, String)>,
    files: Vec<String>,
}

impl Form {
    fn read(asked: &Asked<'_>) -> Option<Self> {
        if let Some(fields) = asked.form() {
            return Some(Self { fields, files: Vec::new() });
        }
        let (mut fields, mut files) = (Vec::new(), Vec::new());
        for part in asked.multipart()? {
            match part.file {
                Some(name) if part.name == "attachment" || part.name == "inline" => files.push(name),
                Some(_) => return None,
                None => fields.push((part.name, String::from_utf8(part.content).ok()?)),
            }
        }
        Some(Self { fields, files })
    }

    fn get(&self, name: &str) -> Option<&str> {
        super::asked::field(&self.fields, name).filter(|value| !value.is_empty())
    }

    /// The addresses of a field, which may be there several times, with commas.
    fn addresses(&self, name: &str) -> Option<Vec<String>> {
        self.fields
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(|one| address(one.trim()))
            .collect()
    }
}

/// The address of `Name <address>` or of an address alone.
fn address(text: &str) -> Option<String> {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => text,
    };
    validate::email(bare).then(|| bare.to_owned())
}

impl Mailgun {
    fn send(&self, house: &House<'_>, domain: &str, form: &Form) -> Reply {
        let bad = |text: &str| self.refuse(400, None, text);
        let not_one =
            |name: &str| bad(&format!("{name} parameter is not a valid address. please check documentation"));
        match form.get("from").map(|from| from.rsplit_once('<').map_or(from, |(_, rest)| rest)) {
            None => return bad("from parameter is missing"),
            Some(from) if !validate::email(from.trim_end_matches('>')) => return not_one("from"),
            Some(_) => {}
        }
        let Some(to) = form.addresses("to") else { return not_one("to") };
        if to.is_empty() {
            return bad("to parameter is missing");
        }
        if to.len() > MOST {
            return bad("to parameter has more than 1000 recipients");
        }
        if !["text", "html", "template", "amp-html"].iter().any(|name| form.get(name).is_some()) {
            return bad("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified");
        }
        let variables = match form.get("recipient-variables").map(serde_json::from_str::<Value>) {
            None => None,
            Some(Ok(Value::Object(variables))) => Some(variables),
            Some(_) => return bad("recipient-variables parameter is not a valid JSON object"),
        };
        if to.iter().any(|to| house.rejects(to).is_some()) {
            return not_one("to");
        }
        if let Err(wait) = house.admit(to.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let parcels: Vec<Parcel> = to
            .iter()
            .map(|one| {
                let own = variables.as_ref().map(|all| all.get(one).and_then(Value::as_object));
                let seen = match &own {
                    Some(_) => one.clone(),
                    // Without variables everybody sees everybody.
                    None => to.join(", "),
                };
                let fill = |text: &str| filled(text, own.flatten());
                let mut content = Map::new();
                content.insert("to".to_owned(), seen.into());
                for (name, value) in &form.fields {
                    if name != "to" && name != "recipient-variables" {
                        content.insert(name.clone(), fill(value).into());
                    }
                }
                content.insert("attachments".to_owned(), json!(form.files));
                let id = form.get("h:Message-Id").map(&fill).unwrap_or_default();
                let size =
                    ["text", "html"].iter().filter_map(|name| form.get(name)).map(|t| fill(t).len()).sum();
                Parcel {
                    to: one.clone(),
                    reference: id.trim_start_matches('<').trim_end_matches('>').to_owned(),
                    size,
                    content: Value::Object(content),
                }
            })
            .collect();
        let number = house.take(Kind::Email, &parcels);
        let id = format!("<sandbox.{number}@{domain}>");
        Reply::json(200, &json!({"id": id, "message": "Queued. Thank you."}))
    }
}

/// A text with a recipient's variables put in, once: what they hold is not looked at again.
fn filled(text: &str, variables: Option<&Map<String, Value>>) -> String {
    const START: &str = "%recipient.";
    let Some(variables) = variables else { return text.to_owned() };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(START) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let name = from[START.len()..].split_once('%').map(|(name, _)| name);
        if let Some((name, value)) = name.and_then(|name| Some((name, variables.get(name)?))) {
            out.push_str(value.as_str().unwrap_or(&value.to_string()));
            rest = &from[START.len() + name.len() + 1..];
        } else {
            out.push_str(START);
            rest = &from[START.len()..];
        }
    }
    out.push_str(rest);
    out
}
