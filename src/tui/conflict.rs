//! What somebody else has changed meanwhile, in words.

use crate::domain::zone::Zone;
use serde_json::Value;

use super::watch::Standing;
use super::{sanitize, show};
use crate::domain::time::Timestamp;
use crate::wire::error::{Difference, StaleRecord};

/// Who changed it, and when: `bo changed it at 14:02:11`.
pub fn who(record: &StaleRecord, zone: Zone) -> String {
    let by = record.by.as_deref().filter(|by| !by.is_empty()).unwrap_or("somebody else");
    let at = record.at.map(|at| format!(" at {}", show::clock(at, zone))).unwrap_or_default();
    format!("{} changed it{at}", sanitize::line(by))
}

/// A field as it is now, short enough for a line.
pub fn field(difference: &Difference, zone: Zone) -> String {
    let time = difference.now.as_str().filter(|_| difference.field.ends_with("At"));
    let now = match (&difference.now, time.and_then(Timestamp::parse)) {
        (_, Some(at)) => show::exact(at, zone),
        (Value::String(text), _) if text.is_empty() => "empty".to_owned(),
        (Value::String(text), _) => format!("“{}”", sanitize::fit(&sanitize::line(text), 60)),
        (Value::Null, _) => "empty".to_owned(),
        (Value::Array(items), _) => format!("{} of them", items.len()),
        (other, _) => sanitize::fit(&sanitize::line(&other.to_string()), 60).into_owned(),
    };
    format!("{} is now {now}", in_words(&sanitize::line(&difference.field)))
}

/// A field's name in the API as people say it: `scheduledAt` is `scheduled at`.
fn in_words(field: &str) -> String {
    let mut words = String::with_capacity(field.len() + 4);
    for letter in field.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// The message that is being written has been changed by somebody else.
pub fn overtaken(now: &Standing, me: &str, zone: Zone) -> String {
    let did = match &now.by {
        Some(_) => did(now, me, "changed it", zone),
        None => "It was changed".to_owned(),
    };
    format!("{did}, while you write: before it is saved or sent you choose whose counts.")
}

/// All of it in a sentence or two.
pub fn told(record: &StaleRecord, zone: Zone) -> String {
    let fields: Vec<String> = record.difference.iter().take(3).map(|one| field(one, zone)).collect();
    let what = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
    format!("{}{what}. Nothing was done: look again, then decide.", who(record, zone))
}

/// What an open dialog is about has been changed: the one thing, or one of many.
pub fn changed(now: &Standing, one: bool, me: &str, zone: Zone) -> String {
    let (it, capital) = if one { ("it", "It") } else { ("one of them", "One of them") };
    let is = if now.is.is_empty() { String::new() } else { format!(": it {}", now.is) };
    match &now.by {
        Some(_) => {
            format!(
                "{} while you read{is}. Nothing was done; esc, and look again.",
                did(now, me, &format!("changed {it}"), zone)
            )
        }
        None => format!("{capital} was changed while you read{is}. Nothing was done; esc, and look again."),
    }
}

/// What an open dialog is about is there no longer: the one thing, or one of many.
pub fn gone(now: &Standing, one: bool, me: &str, zone: Zone) -> String {
    let (it, capital) = if one { ("it", "It") } else { ("one of them", "One of them") };
    match &now.by {
        Some(_) => {
            let did = did(now, me, &format!("deleted {it}"), zone);
            format!("{did} while you read. Nothing was done; esc goes back.")
        }
        None => format!("{capital} is not there any more. Nothing was done; esc goes back."),
    }
}

fn did(now: &Standing, me: &str, what: &str, zone: Zone) -> String {
    let by = now.by.as_deref().unwrap_or_default();
    let by = if by == me { "You have".to_owned() } else { sanitize::line(by).into_owned() };
    let at = now.at.map(|at| format!(" at {}", show::clock(at, zone))).unwrap_or_default();
    format!("{by} {what}{at}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Revision;
    use serde_json::json;

    #[test]
    fn it_says_who_when_and_what() {
        let record = StaleRecord {
            revision: Revision(7),
            by: Some("bo\u{1b}".to_owned()),
            at: Timestamp::parse("2026-11-20T14:02:11Z"),
            difference: vec![
                Difference { field: "subject".to_owned(), now: json!("Other\u{202e}") },
                Difference { field: "topics".to_owned(), now: json!(["a", "b"]) },
                Difference { field: "scheduledAt".to_owned(), now: json!("2026-11-23T16:48:01.000+00:00") },
            ],
        };
        let text = told(&record, Zone::UTC);
        assert!(text.starts_with("bo␛ changed it at 14:02:11: subject is now “Other"), "{text}");
        assert!(text.contains("topics is now 2 of them, scheduled at is now "), "{text}");
        assert!(!text.contains("+00:00"), "{text}");
        assert!(!text.chars().any(crate::domain::sanitize::is_unsafe), "{text}");
    }
}
