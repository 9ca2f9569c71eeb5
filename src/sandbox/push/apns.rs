//! APNs with token authentication.
//!
//! Sources: Apple, “Sending notification requests to APNs”, “Establishing a token-based connection
//! to APNs”, “Handling notification responses from APNs”.

use std::sync::OnceLock;

use http::HeaderName;
use ring::signature::ECDSA_P256_SHA256_FIXED;
use serde_json::{Value, json};

use super::jwt::Token;
use super::{APNS_KEY, APNS_KEY_ID, APNS_TEAM, APNS_TOPIC, Asked, Desk, Reply, is_uuid, now};
use crate::domain::hex::hex;
use crate::providers::jwt::Signer;

/// The largest payload, in bytes.
const MOST: usize = 4096;
/// A provider token's life, in seconds.
const LIFE: i64 = 3600;
/// A provider token should be renewed no sooner, in seconds.
const RENEW: i64 = 20 * 60;
/// So many new provider tokens are borne within that time; Apple names no figure.
const NEW_TOKENS: usize = 5;
/// The push types of the documentation.
const TYPES: [&str; 11] = [
    "alert",
    "background",
    "controls",
    "location",
    "voip",
    "complication",
    "fileprovider",
    "mdm",
    "liveactivity",
    "pushtotalk",
    "widgets",
];

fn public_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| Signer::ecdsa_pem(APNS_KEY).map(|key| key.public().to_vec()).unwrap_or_default())
}

fn refused(status: u16, reason: &str) -> Reply {
    Reply::new(status, &json!({ "reason": reason }))
}

pub(super) fn fault(code: u16, text: Option<&str>) -> Reply {
    let reason = text.unwrap_or(match code {
        400 => "BadDeviceToken",
        403 => "InvalidProviderToken",
        410 => "Unregistered",
        413 => "PayloadTooLarge",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    });
    refused(code, reason)
}

/// Whether the provider token is good; the reason if not.
fn check_token(desk: &Desk<'_>, text: &str) -> Result<(), (u16, &'static str)> {
    const BAD: (u16, &str) = (403, "InvalidProviderToken");
    let token = Token::read(text).ok_or(BAD)?;
    if token.header("kid") != APNS_KEY_ID
        || token.claim("iss") != APNS_TEAM
        || !token.is_signed("ES256", &ECDSA_P256_SHA256_FIXED, public_key())
    {
        return Err(BAD);
    }
    let (issued, now) = (token.time("iat").ok_or(BAD)?, now());
    if issued > now + 60 {
        return Err(BAD);
    }
    if issued < now - LIFE {
        return Err((403, "ExpiredProviderToken"));
    }
    let mut state = desk.state.lock();
    if state.seen.iter().any(|(held, _)| held == text) {
        return Ok(());
    }
    state.seen.retain(|(_, since)| now - since < RENEW);
    if state.seen.len() >= NEW_TOKENS {
        return Err((429, "TooManyProviderTokenUpdates"));
    }
    state.seen.push((text.to_owned(), now));
    state.provider_tokens += 1;
    Ok(())
}

/// Sends a notification.
pub(super) fn send(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    match check(desk, asked) {
        Err((status, reason)) => refused(status, reason),
        Ok(()) => deliver(desk, asked),
    }
}

fn check(desk: &Desk<'_>, asked: &Asked<'_>) -> Result<(), (u16, &'static str)> {
    if !asked.is_post() {
        return Err((405, "MethodNotAllowed"));
    }
    let own = asked.headers().keys().filter(|name| name.as_str().starts_with("apns-"));
    if own.map(HeaderName::as_str).any(|name| asked.headers().get_all(name).iter().count() > 1) {
        return Err((400, "DuplicateHeaders"));
    }
    let token = asked.authorization("bearer").ok_or((403, "MissingProviderToken"))?;
    check_token(desk, token)?;
    if desk.faults.suspended() {
        return Err((403, "Forbidden"));
    }
    let topic = asked.header("apns-topic").ok_or((400, "MissingTopic"))?;
    if topic != APNS_TOPIC {
        return Err((400, "TopicDisallowed"));
    }
    // Required for watchOS 6 and later, recommended everywhere: the sandbox requires it.
    let push_type = asked.header("apns-push-type").unwrap_or_default();
    if !TYPES.contains(&push_type) {
        return Err((400, "InvalidPushType"));
    }
    match (asked.header("apns-priority"), push_type) {
        (None | Some("5" | "1"), _) => {}
        // “For background notifications, using 10 is an error.”
        (Some("10"), kind) if kind != "background" => {}
        _ => return Err((400, "BadPriority")),
    }
    if asked.header("apns-expiration").is_some_and(|text| text.parse::<u64>().is_err()) {
        return Err((400, "BadExpirationDate"));
    }
    if asked.header("apns-collapse-id").is_some_and(|id| id.len() > 64) {
        return Err((400, "BadCollapseId"));
    }
    if asked.header("apns-id").is_some_and(|id| !is_uuid(id)) {
        return Err((400, "BadMessageId"));
    }
    if asked.body.len() > MOST {
        return Err((413, "PayloadTooLarge"));
    }
    let payload: Value = serde_json::from_slice(asked.body).map_err(|_| (400, "PayloadEmpty"))?;
    let aps = payload["aps"].as_object().ok_or((400, "PayloadEmpty"))?;
    if aps.is_empty() {
        return Err((400, "PayloadEmpty"));
    }
    // A background push wakes the application and shows nothing.
    let shows = ["alert", "badge", "sound"].iter().any(|name| aps.contains_key(*name));
    if push_type == "background" && (shows || aps.get("content-available") != Some(&json!(1))) {
        return Err((400, "InvalidPushType"));
    }
    Ok(())
}

fn deliver(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    let Some(device) = asked.path().strip_prefix("/apns/3/device/") else {
        return refused(404, "BadPath");
    };
    if device.is_empty() {
        return refused(400, "MissingDeviceToken");
    }
    let is_token = (64..=200).contains(&device.len())
        && device.len().is_multiple_of(2)
        && device.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_token || device.bytes().all(|byte| byte == b'0') {
        return refused(400, "BadDeviceToken");
    }
    if let Err(wait) = desk.faults.admit(1) {
        let seconds = wait.as_secs_f64().ceil() as u32;
        return refused(429, "TooManyRequests").retry_after(Some(seconds.max(1)));
    }
    if let Some(rejection) = desk.faults.rejects(device) {
        return match rejection.reason.as_deref().unwrap_or("Unregistered") {
            reason @ ("Unregistered" | "ExpiredToken") => {
                let since = (now() - 86_400) * 1000;
                Reply::new(410, &json!({"reason": reason, "timestamp": since}))
            }
            "TooManyRequests" => refused(429, "TooManyRequests"),
            reason => refused(400, reason),
        };
    }
    let reference = asked.header("apns-collapse-id").unwrap_or_default();
    let number = desk.arrived(device, reference, asked.body);
    let made = hex(&u128::from(number).to_be_bytes());
    let made = format!("{}-{}-{}-{}-{}", &made[..8], &made[8..12], &made[12..16], &made[16..20], &made[20..]);
    let id = asked.header("apns-id").map_or(made, str::to_owned);
    Reply::empty(200).with("apns-id", id)
}
