//! A method for each call of the API.

mod drafts;
mod files;
mod journey;
mod messages;
mod operations;
mod people;
mod providers;
mod routing;
mod suppressions;
mod topics;
mod webhooks;
mod whole;

use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// A segment of a path, with everything escaped that is not plain.
fn segment(text: impl AsRef<str>) -> String {
    let mut out = String::new();
    for byte in text.as_ref().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path with parameters.
fn with_pairs(path: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// The fields of a request as parameters; each must be a plain value.
fn pairs(request: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(request) else { return Vec::new() };
    fields
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect()
}

/// A cursor and a limit as parameters.
fn pairs_of(after: Option<&str>, limit: usize) -> Vec<(String, String)> {
    let after = after.map(|after| ("after".to_owned(), after.to_owned()));
    after.into_iter().chain([("limit".to_owned(), limit.to_string())]).collect()
}
