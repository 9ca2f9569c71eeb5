//! A notification as FCM's message resource.

use crate::providers::adapter::{CompileError, Recipient};
use crate::providers::push::{Notice, as_texts};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Keys and values of notification and data together, in bytes (FCM's `ErrorCode`, message too big).
const MOST: usize = 4096;
/// FCM keeps a message four weeks at most (`AndroidConfig.ttl`).
const KEEPS: Duration = Duration::from_hours(28 * 24);
/// What a test asks: validate, do not send. The token is no device's.
pub(super) const PROBE: &str = r#"{"validate_only":true,"message":{"token":"probe","data":{"probe":"1"}}}"#;

#[derive(Serialize)]
struct Request<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<Notification<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    data: &'a Map<String, Value>,
    android: Android<'a>,
    apns: Apns<'a>,
    webpush: WebPush,
}

#[derive(Serialize)]
struct Notification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

#[derive(Serialize)]
struct Android<'a> {
    priority: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<AndroidNotification<'a>>,
}

#[derive(Serialize)]
struct AndroidNotification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    tag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    click_action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
}

#[derive(Serialize)]
struct Apns<'a> {
    headers: Map<String, Value>,
    payload: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    fcm_options: Option<FcmOptions<'a>>,
}

#[derive(Serialize)]
struct FcmOptions<'a> {
    image: &'a str,
}

#[derive(Serialize)]
struct WebPush {
    headers: Map<String, Value>,
}

/// Refuses what FCM would refuse of everybody, and makes the data texts.
pub(super) fn check(mut notice: Notice) -> Result<Notice, CompileError> {
    for name in notice.data.keys() {
        // `Message.data`: reserved words.
        let reserved = matches!(name.as_str(), "from" | "message_type")
            || name.starts_with("google")
            || name.starts_with("gcm");
        if reserved {
            return Err(CompileError(format!("FCM keeps the data key {name} for itself: rename it")));
        }
    }
    notice.data = as_texts(&notice.data);
    if !notice.personal {
        let size = size(&notice, notice.title.as_deref(), notice.body.as_deref());
        if size > MOST {
            return Err(CompileError(too_big(size)));
        }
    }
    Ok(notice)
}

fn size(notice: &Notice, title: Option<&str>, body: Option<&str>) -> usize {
    let texts = [("title", title), ("body", body), ("image", notice.image.as_deref())];
    let shown: usize = texts.iter().filter_map(|(name, text)| text.map(|text| name.len() + text.len())).sum();
    let data: usize =
        notice.data.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    shown + data
}

fn too_big(size: usize) -> String {
    format!("the notification has {size} bytes of texts and data; FCM takes {MOST}")
}

/// The body of a request to one recipient.
pub(super) fn body(notice: &Notice, recipient: &Recipient) -> Result<Vec<u8>, String> {
    let (title, body) = notice.texts(recipient);
    if notice.personal {
        let size = size(notice, title, body);
        if size > MOST {
            return Err(too_big(size));
        }
    }
    // Without a deadline FCM's own four weeks apply.
    let ttl = notice.expires.map(|_| notice.ttl(KEEPS));
    // Nothing to show is a data message: the application alone decides what becomes of it.
    let shows = title.is_some() || body.is_some();
    // A repeat of this message to this device takes the first one's place.
    let tag = notice.tag.as_deref().unwrap_or(&recipient.reference);
    let notification = shows.then_some(Notification { title, body, image: notice.image.as_deref() });
    let request = Request {
        message: Message {
            token: &recipient.address,
            notification,
            data: &notice.data,
            android: Android {
                priority: if notice.high() { "HIGH" } else { "NORMAL" },
                ttl: ttl.map(|ttl| format!("{ttl}s")),
                notification: shows.then_some(AndroidNotification {
                    icon: notice.icon.as_deref(),
                    color: notice.color.as_deref(),
                    sound: notice.sound.as_deref(),
                    tag,
                    click_action: notice.action.as_deref(),
                    notification_count: notice.badge,
                }),
            },
            apns: apns(notice, shows, tag),
            webpush: WebPush { headers: webpush(notice, ttl) },
        },
    };
    Ok(serde_json::to_vec(&request).expect("texts and maps with text keys are valid JSON"))
}

fn apns<'a>(notice: &'a Notice, shows: bool, tag: &str) -> Apns<'a> {
    let mut headers = Map::new();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), Value::String(value));
    let shows = shows || notice.badge.is_some() || notice.apple_sound().is_some();
    set("apns-push-type", if shows { "alert" } else { "background" }.to_owned());
    // Apple: 5 is the only priority for a background push.
    set("apns-priority", if notice.high() && shows { "10" } else { "5" }.to_owned());
    if let Some(expires) = notice.expires {
        set("apns-expiration", (expires.0 / 1000).max(0).to_string());
    }
    if tag.len() <= 64 {
        set("apns-collapse-id", tag.to_owned());
    }
    let mut aps = Map::new();
    if notice.content_available || !shows {
        aps.insert("content-available".to_owned(), json!(1));
    }
    if let Some(badge) = notice.badge {
        aps.insert("badge".to_owned(), json!(badge));
    }
    if let Some(sound) = notice.apple_sound() {
        aps.insert("sound".to_owned(), sound);
    }
    if let Some(action) = &notice.action {
        aps.insert("category".to_owned(), json!(action));
    }
    if notice.image.is_some() {
        aps.insert("mutable-content".to_owned(), json!(1));
    }
    let fcm_options = notice.image.as_deref().map(|image| FcmOptions { image });
    Apns { headers, payload: json!({ "aps": aps }), fcm_options }
}

fn webpush(notice: &Notice, ttl: Option<u64>) -> Map<String, Value> {
    let urgency = if notice.high() { "high" } else { "normal" };
    let urgency = Some(("Urgency", urgency.to_owned()));
    let ttl = ttl.map(|ttl| ("TTL", ttl.to_string()));
    let headers = urgency.into_iter().chain(ttl);
    headers.map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}
