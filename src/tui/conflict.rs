//! What somebody else has changed meanwhile, in words.

use crate::domain::zone::Zone;
use serde_json::Value;

use super::watch::Standing;
use super::{sanitize, show};
use crate::wire::error::{Difference, StaleRecord};

/// Who changed it, and when: `bo changed it at 14:02:11`.
pub fn who(record: &StaleRecord, zone: Zone) -> String {
    let by = record.by.as_deref().filter(|by| !by.is_empty()).unwrap_or("somebody else");
    let at = record.at.map(|at| format!(" at {}", show::clock(at, zone))).unwrap_or_default();
    format!("{} changed it{at}", sanitize::line(by))
}

/// A field as it is now, short enough for a line.
pub fn field(difference: &Difference) -> String {
    let now = match &difference.now {
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("“{}”", sanitize::fit(&sanitize::line(text), 60)),
        Value::Null => "empty".to_owned(),
        Value::Array(items) => format!("{} of them", items.len()),
        other => sanitize::fit(&sanitize::line(&other.to_string()), 60).into_owned(),
    };
    format!("{} is now {now}", sanitize::line(&difference.field))
}

/// All of it in a sentence or two.
pub fn told(record: &StaleRecord, zone: Zone) -> String {
    let fields: Vec<String> = record.difference.iter().take(3).map(field).collect();
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
    use crate::domain::time::Timestamp;
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
            ],
        };
        let text = told(&record, Zone::UTC);
        assert!(text.starts_with("bo␛ changed it at 14:02:11: subject is now “Other"), "{text}");
        assert!(text.contains("topics is now 2 of them. Nothing was done"), "{text}");
        assert!(!text.chars().any(crate::domain::sanitize::is_unsafe), "{text}");
    }
}
