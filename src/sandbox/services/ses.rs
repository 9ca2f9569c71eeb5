//! Amazon SES's bulk sending, as documented at
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html>; common
//! refusals by <https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html>.
//! The secret access key is the token. Limits and statuses are those of Amazon's own description
//! of the API (`sesv2` 2019-09-27), which its SDKs are made from.
//!
//! | status, type | refused |
//! | --- | --- |
//! | 403 `MissingAuthenticationTokenException` | no signature |
//! | 403 `InvalidSignatureException` | a signature that is wrong, or of another service, or whose time is more than 5 minutes away, or that does not cover `host` and `x-amz-date` |
//! | 404 `UnknownOperationException` | another path |
//! | 400 `SerializationException` | broken JSON |
//! | 400 `BadRequestException` | no sender, or one that is no address; no entry, or more than 50; no template; template data that is no JSON object, or longer than 262,144 characters; a tag of other characters than letters, digits, `_` and `-`; more than 15 headers |
//! | 200, status `INVALID_PARAMETER` | an entry whose address is none |

use chrono::Utc;
use http::Method;
use serde_json::{Map, Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::receipts::CERTIFICATE;
use crate::sandbox::record::Kind;

mod signature;

#[derive(Debug)]
pub(super) struct Ses;

const MOST: usize = 50;
const LONGEST: usize = 262_144;
const HEADERS: usize = 15;

impl Service for Ses {
    fn kind(&self) -> &'static str {
        "ses"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        // Not of SES itself: what SNS has on a host of its own, for everybody.
        if asked.method == Method::GET && asked.path == "/sns.pem" {
            return Reply::new(200, "application/x-pem-file", CERTIFICATE);
        }
        if let Err(problem) = signature::check(asked, house.token, "ses", Utc::now()) {
            return self.refuse(403, Some(problem.name()), "The request is not signed as it must be.");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/v2/email/account") => {
                Reply::json(200, &json!({"SendingEnabled": true, "ProductionAccessEnabled": true}))
            }
            (Method::POST, "/v2/email/outbound-bulk-emails") => match asked.json() {
                Some(body) => match read(house, &body) {
                    Ok(entries) => self.send(house, entries),
                    Err(text) => self.refuse(400, None, &text),
                },
                None => self.refuse(400, Some("SerializationException"), "The body is not JSON."),
            },
            _ => self.refuse(404, Some("UnknownOperationException"), "Unknown operation."),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let name = code.unwrap_or(match status {
            401 | 403 => "AccessDeniedException",
            404 => "NotFoundException",
            429 => "TooManyRequestsException",
            400..=499 => "BadRequestException",
            _ => "InternalServiceErrorException",
        });
        let origin = "http://internal.amazon.com/coral/com.amazonaws.services.ses/";
        Reply::json(status, &json!({ "message": text })).with("x-amzn-errortype", &format!("{name}:{origin}"))
    }
}

/// A letter, or the address that is none.
type Entry = Result<Parcel, String>;

impl Ses {
    fn send(&self, house: &House<'_>, entries: Vec<Entry>) -> Reply {
        if let Err(wait) = house.admit(entries.len()) {
            return self.refuse(429, None, "Maximum sending rate exceeded.").after(wait);
        }
        let mut parcels = Vec::new();
        let statuses: Vec<bool> =
            entries.into_iter().map(|entry| entry.map(|parcel| parcels.push(parcel)).is_ok()).collect();
        let mut number = house.take(Kind::Email, &parcels);
        let results: Vec<Value> = statuses
            .into_iter()
            .map(|good| {
                if !good {
                    return json!({"Status": "INVALID_PARAMETER", "Error": "Invalid address"});
                }
                number += 1;
                json!({"Status": "SUCCESS", "MessageId": format!("{:016x}-sandbox-000000", number - 1)})
            })
            .collect();
        Reply::json(200, &json!({ "BulkEmailEntryResults": results }))
    }
}

fn read(house: &House<'_>, body: &Value) -> Result<Vec<Entry>, String> {
    let from = body["FromEmailAddress"].as_str().unwrap_or_default();
    let bare = from.rsplit_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>'));
    if !validate::email(bare) {
        return Err("Missing or invalid FromEmailAddress.".to_owned());
    }
    let entries = body["BulkEmailEntries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() || entries.len() > MOST {
        return Err("BulkEmailEntries must have 1 to 50 members.".to_owned());
    }
    let template = &body["DefaultContent"]["Template"];
    let content = &template["TemplateContent"];
    if !content["Subject"].is_string() || !(content["Text"].is_string() || content["Html"].is_string()) {
        return Err("The template needs a subject and a text or HTML part.".to_owned());
    }
    let defaults = data(&template["TemplateData"])?;
    let files: Vec<&Value> = template["Attachments"]
        .as_array()
        .map(|all| all.iter().map(|file| &file["FileName"]).collect())
        .unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let to = entry["Destination"]["ToAddresses"].as_array().map(Vec::as_slice).unwrap_or_default();
            let [to] = to else {
                return Err("The sandbox takes one ToAddress for each entry.".to_owned());
            };
            let to = to.as_str().unwrap_or_default();
            let headers = entry["ReplacementHeaders"].as_array().map(Vec::as_slice).unwrap_or_default();
            if headers.len() > HEADERS {
                return Err("An entry may have 15 headers.".to_owned());
            }
            let tags = entry["ReplacementTags"].as_array().map(Vec::as_slice).unwrap_or_default();
            let word = |text: &Value| {
                text.as_str().is_some_and(|text| {
                    (1..=256).contains(&text.len())
                        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                })
            };
            if !tags.iter().all(|tag| word(&tag["Name"]) && word(&tag["Value"])) {
                return Err("A tag has characters that it may not have.".to_owned());
            }
            let mut own = defaults.clone();
            let replacement =
                &entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"];
            if !replacement.is_null() {
                own.extend(data(replacement)?);
            }
            if !validate::email(to) || house.rejects(to).is_some() {
                return Ok(Err(to.to_owned()));
            }
            let part = |name: &str| content[name].as_str().map(|text| filled(text, &own));
            let reference = tags.iter().find(|tag| tag["Name"] == "reference").map(|tag| &tag["Value"]);
            Ok(Ok(Parcel {
                to: to.to_owned(),
                reference: reference.and_then(Value::as_str).unwrap_or_default().to_owned(),
                size: part("Text").map_or(0, |t| t.len()) + part("Html").map_or(0, |t| t.len()),
                content: json!({
                    "to": to,
                    "from": from,
                    "replyTo": body["ReplyToAddresses"],
                    "subject": part("Subject"),
                    "text": part("Text"),
                    "html": part("Html"),
                    "headers": headers,
                    "attachments": files,
                }),
            }))
        })
        .collect()
}

/// Template data: a JSON object in a text.
fn data(value: &Value) -> Result<Map<String, Value>, String> {
    let text = value.as_str().ok_or("TemplateData is missing.")?;
    if text.chars().count() > LONGEST {
        return Err("TemplateData is too long.".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("TemplateData is not a JSON object: {error}"))
}

/// A template with its data put in, once and unescaped.
fn filled(template: &str, data: &Map<String, Value>) -> String {
    let (mut out, mut rest) = (String::with_capacity(template.len()), template);
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = from.split_once("}}") else {
            out.push_str("{{");
            rest = from;
            continue;
        };
        out.push_str(data.get(name.trim()).and_then(Value::as_str).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}
