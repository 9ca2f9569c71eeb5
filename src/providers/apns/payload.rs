//! A notification as Apple's payload (“Generating a remote notification”).

use crate::providers::adapter::{CompileError, Recipient};
use crate::providers::push::Notice;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The largest payload of an ordinary notification, in bytes.
const MOST: usize = 4096;

#[derive(Serialize)]
struct Payload<'a> {
    aps: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    // Custom keys stand beside `aps`.
    #[serde(flatten)]
    data: &'a Map<String, Value>,
}

/// Refuses what APNs would refuse of everybody.
pub(super) fn check(notice: Notice) -> Result<Notice, CompileError> {
    if notice.data.contains_key("aps") {
        return Err(CompileError("Apple keeps the data key aps for itself: rename it".to_owned()));
    }
    if !notice.personal {
        let (_, bytes) = written(&notice, notice.title.as_deref(), notice.body.as_deref());
        fits(&bytes).map_err(CompileError)?;
    }
    Ok(notice)
}

/// The payload for one recipient, and whether it shows anything.
pub(super) fn body(notice: &Notice, recipient: &Recipient) -> Result<(bool, Vec<u8>), String> {
    let (title, body) = notice.texts(recipient);
    let (shows, bytes) = written(notice, title, body);
    fits(&bytes)?;
    Ok((shows, bytes))
}

fn fits(bytes: &[u8]) -> Result<(), String> {
    let size = bytes.len();
    if size <= MOST { Ok(()) } else { Err(format!("the payload has {size} bytes; APNs takes {MOST}")) }
}

fn written(notice: &Notice, title: Option<&str>, body: Option<&str>) -> (bool, Vec<u8>) {
    let mut aps = Map::new();
    let mut alert = Map::new();
    for (name, text) in [("title", title), ("body", body)] {
        if let Some(text) = text {
            alert.insert(name.to_owned(), json!(text));
        }
    }
    let sound = notice.apple_sound();
    let shows = !alert.is_empty() || notice.badge.is_some() || sound.is_some();
    if !alert.is_empty() {
        aps.insert("alert".to_owned(), Value::Object(alert));
    }
    if let Some(badge) = notice.badge {
        aps.insert("badge".to_owned(), json!(badge));
    }
    if let Some(sound) = sound {
        aps.insert("sound".to_owned(), sound);
    }
    if let Some(action) = &notice.action {
        aps.insert("category".to_owned(), json!(action));
    }
    // A push that shows nothing must wake the application.
    if notice.content_available || !shows {
        aps.insert("content-available".to_owned(), json!(1));
    }
    let image = notice.image.as_deref().filter(|_| !notice.data.contains_key("image"));
    if image.is_some() {
        // The application's extension fetches it.
        aps.insert("mutable-content".to_owned(), json!(1));
    }
    let payload = Payload { aps, image, data: &notice.data };
    (shows, serde_json::to_vec(&payload).expect("maps with text keys are valid JSON"))
}
