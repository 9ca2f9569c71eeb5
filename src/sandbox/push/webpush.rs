//! A browser's push service.
//!
//! Sources: RFC 8030 (the protocol), RFC 8188 and RFC 8291 (the encryption), RFC 8292 (VAPID).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::ECDSA_P256_SHA256_FIXED;
use serde_json::json;

use super::jwt::Token;
use super::{Asked, Desk, Reply, now};

/// What a push service must take, and this one takes no more (RFC 8030, 7.2).
const MOST: usize = 4096;
/// Salt, record size, length of the key id, and a point as the key id (RFC 8188, 2.1; RFC 8291, 4).
const HEADER: usize = 16 + 4 + 1 + 65;
/// A token may live a day (RFC 8292, 2).
const LONGEST: i64 = 24 * 3600;

fn refused(status: u16, text: &str) -> Reply {
    Reply::new(status, &json!({"code": status, "message": text}))
}

pub(super) fn fault(code: u16, text: Option<&str>) -> Reply {
    refused(code, text.unwrap_or("Injected by the sandbox."))
}

/// Takes a message for a subscription.
pub(super) fn send(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    match check(desk, asked) {
        Err((status, text)) => refused(status, text),
        Ok(()) => deliver(desk, asked),
    }
}

fn check(desk: &Desk<'_>, asked: &Asked<'_>) -> Result<(), (u16, &'static str)> {
    if !asked.is_post() {
        return Err((405, "POST is wanted"));
    }
    let vapid = asked.authorization("vapid").ok_or((401, "Missing VAPID authorization"))?;
    check_vapid(asked, vapid)?;
    if desk.faults.suspended() {
        return Err((403, "This application server is not welcome"));
    }
    // RFC 8030, 5.2: a request without TTL is refused.
    let ttl = asked.header("ttl").ok_or((400, "Missing TTL header"))?;
    if ttl.parse::<u32>().is_err() {
        return Err((400, "Invalid TTL header"));
    }
    // RFC 8030, 5.3.
    if !matches!(asked.header("urgency"), None | Some("very-low" | "low" | "normal" | "high")) {
        return Err((400, "Invalid Urgency header"));
    }
    // RFC 8030, 5.4: 32 characters of the URL and filename safe alphabet.
    let is_topic = |text: &str| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if asked.header("topic").is_some_and(|topic| !is_topic(topic)) {
        return Err((400, "Invalid Topic header"));
    }
    if asked.body.len() > MOST {
        return Err((413, "Payload too large"));
    }
    if asked.header("content-encoding") != Some("aes128gcm") {
        return Err((415, "Content-Encoding aes128gcm is wanted"));
    }
    let record = asked.body.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let whole = asked.body.len() >= HEADER + 17
        && asked.body[20] == 65
        && asked.body[21] == 4
        && record.is_some_and(|size| size as usize >= asked.body.len() - HEADER);
    if !whole {
        return Err((400, "Invalid aes128gcm body: one record and a P-256 point as the key id are wanted"));
    }
    Ok(())
}

/// RFC 8292, 2 and 3.
fn check_vapid(asked: &Asked<'_>, vapid: &str) -> Result<(), (u16, &'static str)> {
    const BAD: (u16, &str) = (403, "Invalid VAPID token");
    let part = |name: &str| vapid.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (Some(text), Some(key)) = (part("t="), part("k=")) else {
        return Err((401, "The VAPID authorization has no t or no k"));
    };
    let key = URL_SAFE_NO_PAD.decode(key).map_err(|_| BAD)?;
    let token = Token::read(text).ok_or(BAD)?;
    if !token.is_signed("ES256", &ECDSA_P256_SHA256_FIXED, &key) {
        return Err(BAD);
    }
    if token.claim("aud") != asked.origin() {
        return Err((403, "The VAPID token is for another audience"));
    }
    let (now, ends) = (now(), token.time("exp").ok_or(BAD)?);
    if ends <= now || ends > now + LONGEST {
        return Err((403, "The VAPID token has expired, or lives longer than a day"));
    }
    let subject = token.claim("sub");
    if !subject.starts_with("mailto:") && !subject.starts_with("https:") {
        return Err((403, "The VAPID token names nobody to contact"));
    }
    Ok(())
}

fn deliver(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    let subscription = asked.path().trim_start_matches("/webpush/");
    if let Err(wait) = desk.faults.admit(1) {
        let seconds = wait.as_secs_f64().ceil() as u32;
        return refused(429, "Too many requests").retry_after(Some(seconds.max(1)));
    }
    if let Some(rejection) = desk.faults.rejects(subscription) {
        let code = match rejection.reason.as_deref() {
            Some("404") => 404,
            Some("429") => 429,
            Some("500") => 500,
            _ => 410,
        };
        return refused(code, rejection.text.as_deref().unwrap_or("No such subscription"));
    }
    let topic = asked.header("topic").unwrap_or_default();
    let number = desk.arrived(subscription, topic, asked.body);
    // RFC 8030, 5: 201 and where the message is.
    Reply::empty(201).with("location", format!("{}/webpush/message/{number:x}", asked.origin()))
}
