//! What an answer says in few words: services wrap a sentence in a page of JSON.

use serde_json::Value;
use std::borrow::Cow;

/// Where services put the name of a fault, the most exact first.
const NAMES: [&str; 5] = ["errorCode", "reason", "code", "status", "name"];
/// Where they put the sentence about it.
const SENTENCES: [&str; 7] =
    ["message", "error_description", "description", "detail", "title", "errorMessage", "error"];

/// The name and the sentence of an answer in JSON; any other answer as it is.
pub fn gist(answer: &str) -> Cow<'_, str> {
    let text = answer.trim();
    if !text.starts_with(['{', '[']) {
        return Cow::Borrowed(answer);
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Cow::Borrowed(answer) };
    let name = NAMES.iter().find_map(|key| find(&value, key));
    let sentence = SENTENCES.iter().find_map(|key| find(&value, key));
    match (name, sentence) {
        (Some(name), Some(sentence)) if !same(name, sentence) => Cow::Owned(format!("{name}: {sentence}")),
        (_, Some(one)) | (Some(one), None) => Cow::Owned(one.to_owned()),
        (None, None) => Cow::Borrowed(answer),
    }
}

fn same(name: &str, sentence: &str) -> bool {
    sentence.to_lowercase().contains(&name.to_lowercase())
}

/// The first text under a key, however deep.
fn find<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    match value {
        Value::Object(map) => {
            let here = map.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            here.or_else(|| map.values().find_map(|value| find(value, key)))
        }
        Value::Array(list) => list.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_json_is_said_in_words() {
        let gone = r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND",
            "details":[{"@type":"a.b/c","errorCode":"UNREGISTERED"}]}}"#;
        for (answer, said) in [
            (gone, "UNREGISTERED: Requested entity was not found."),
            (r#"{"error":{"code":"unauthorized","message":"Unauthorized"}}"#, "Unauthorized"),
            (r#"{"reason":"BadDeviceToken"}"#, "BadDeviceToken"),
            (
                r#"{"errors":[{"message":"The from address is not verified"}]}"#,
                "The from address is not verified",
            ),
            (r#"{"code":21211,"message":"Invalid 'To' Phone Number"}"#, "Invalid 'To' Phone Number"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"error":"cut o"#, r#"{"error":"cut o"#),
            ("550 5.1.1 no such user", "550 5.1.1 no such user"),
        ] {
            assert_eq!(gist(answer), said);
        }
    }
}
