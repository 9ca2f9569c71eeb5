//! What the push services share: a notification in one shape, and what a lost exchange means.

use super::adapter::{Answer, CompileError, Recipient, Rendition, Verdict};
use crate::domain::content::{Content, Priority};
use crate::domain::delivery::Stage;
use crate::domain::time::Timestamp;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest answer that is kept, in bytes.
const KEPT: usize = 2048;

/// A notification, checked and ready to be written in a service's shape.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    /// Title; a recipient's rendering may replace it.
    pub title: Option<String>,
    /// Body; a recipient's rendering may replace it.
    pub body: Option<String>,
    /// Custom data.
    pub data: Map<String, Value>,
    /// Click action or category.
    pub action: Option<String>,
    /// The image's URL, where the content names one.
    pub image: Option<String>,
    /// Icon resource.
    pub icon: Option<String>,
    /// Sound resource.
    pub sound: Option<String>,
    /// Icon colour.
    pub color: Option<String>,
    /// What a newer notification replaces.
    pub tag: Option<String>,
    /// Badge count.
    pub badge: Option<u32>,
    /// Wakes the application.
    pub content_available: bool,
    /// Sounds even when the device is silent.
    pub critical: bool,
    /// Delivery priority.
    pub priority: Priority,
    /// When the message expires; the service need not keep it longer.
    pub expires: Option<Timestamp>,
    /// Whether recipients have renderings of their own.
    pub personal: bool,
}

impl Notice {
    /// Reads a rendition.
    pub fn compile(rendition: &Rendition) -> Result<Self, CompileError> {
        let Content::Push(push) = &rendition.content else {
            return Err(CompileError("this provider delivers push only".to_owned()));
        };
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let data = match text(&push.data) {
            None => Map::new(),
            Some(data) => serde_json::from_str(&data).map_err(|_| {
                CompileError("the notification's data is not a JSON object: mend it".to_owned())
            })?,
        };
        let notice = Self {
            title: text(&push.title),
            body: text(&push.body),
            data,
            action: text(&push.action),
            // Where no device could fetch it there is nothing to say.
            image: push.image.as_ref().map(|image| image.url.clone()).filter(|url| !url.is_empty()),
            icon: text(&push.icon),
            sound: text(&push.sound),
            color: text(&push.color),
            tag: text(&push.tag),
            badge: push.badge,
            content_available: push.content_available,
            critical: push.critical,
            priority: push.priority,
            expires: rendition.expires,
            personal: rendition.personal,
        };
        if notice.title.is_none() && notice.body.is_none() && notice.data.is_empty() && !notice.silent() {
            return Err(CompileError("the notification has no title, no body and no data".to_owned()));
        }
        Ok(notice)
    }

    /// Whether it wakes the application and shows nothing.
    pub fn silent(&self) -> bool {
        self.content_available && self.title.is_none() && self.body.is_none()
    }

    /// Whether it is to be delivered at once.
    pub fn high(&self) -> bool {
        self.priority == Priority::High
    }

    /// Title and body for a recipient.
    pub fn texts<'a>(&'a self, recipient: &'a Recipient) -> (Option<&'a str>, Option<&'a str>) {
        let filled = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        match &recipient.rendered {
            None => (self.title.as_deref(), self.body.as_deref()),
            Some(rendered) => (
                rendered.subject.as_deref().and_then(filled).or(self.title.as_deref()),
                // The body's template is rendered also where there was none.
                filled(&rendered.body),
            ),
        }
    }

    /// Seconds that the service may keep it: until the message expires, `most` at most.
    pub fn ttl(&self, most: Duration) -> u64 {
        let Some(expires) = self.expires else { return most.as_secs() };
        let left = expires.0.saturating_sub(now_ms()).max(0) / 1000;
        (left as u64).min(most.as_secs())
    }

    /// The sound as Apple's services want it: a name, or for a critical alert an object.
    pub fn apple_sound(&self) -> Option<Value> {
        let name = self.sound.as_deref();
        if self.critical {
            let name = name.unwrap_or("default");
            return Some(serde_json::json!({"critical": 1, "name": name, "volume": 1.0}));
        }
        name.map(Value::from)
    }
}

/// Data as texts, for services that take nothing else: a text stays as it is, the rest is its JSON.
pub fn as_texts(data: &Map<String, Value>) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    data.iter().map(|(name, value)| (name.clone(), Value::String(text(value)))).collect()
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// A UUID made from a reference, in the shape of version 8: the same for every attempt.
pub fn uuid_of(reference: &str) -> String {
    let hash = digest(&SHA256, reference.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What an answer says, at most 2 KiB of it; never nothing.
pub fn shown(status: u16, body: &Bytes) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return Cow::Owned(format!("HTTP {status}"));
    }
    Cow::Owned(text[..text.floor_char_boundary(KEPT)].to_owned())
}

/// The answer for content that was compiled for another adapter: nothing that an operator can mend.
pub fn misdirected() -> Answer {
    Answer::new(Verdict::Permanent, Stage::Local, 0, "the content was not compiled for this provider")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn data_becomes_texts() {
        let data = json!({"a": "x", "b": 1, "c": true, "d": {"e": [1, "y"]}, "f": null});
        let Value::Object(data) = data else { unreachable!("an object") };
        assert_eq!(
            Value::Object(as_texts(&data)),
            json!({"a": "x", "b": "1", "c": "true", "d": "{\"e\":[1,\"y\"]}", "f": "null"})
        );
    }

    #[test]
    fn the_same_reference_is_the_same_uuid() {
        let uuid = uuid_of("a.1.2");
        assert_eq!(uuid, uuid_of("a.1.2"));
        assert_ne!(uuid, uuid_of("a.1.3"));
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "8");
    }

    #[test]
    fn it_is_kept_until_it_expires() {
        let month = Duration::from_hours(24 * 28);
        assert_eq!(Notice::default().ttl(month), month.as_secs());
        let soon = Notice { expires: Some(Timestamp(now_ms() + 90_000)), ..Notice::default() };
        assert!((85..=90).contains(&soon.ttl(month)));
        let past = Notice { expires: Some(Timestamp(5)), ..Notice::default() };
        assert_eq!(past.ttl(month), 0);
    }
}
