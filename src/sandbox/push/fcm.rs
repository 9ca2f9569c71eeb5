//! FCM, HTTP v1, and the token endpoint that goes with it.
//!
//! Sources: the REST reference of `projects.messages` and of `ErrorCode`; “Using OAuth 2.0 for
//! server to server applications”.

use std::sync::OnceLock;

use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use serde_json::{Map, Value, json};

use super::jwt::Token;
use super::{Asked, Desk, FCM_EMAIL, FCM_KEY, FCM_PROJECT, Reply, now};
use crate::providers::jwt::Signer;

/// The scope that `messages:send` asks for; the wider one does as well.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"];
/// A granted token's life, in seconds.
const LIFE: i64 = 3599;
/// The largest message (`ErrorCode`, message too big).
const MOST: usize = 4096;
/// Four weeks (`AndroidConfig.ttl`), in seconds.
const LONGEST: f64 = 28.0 * 86_400.0;

fn public_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| Signer::rsa_pem(FCM_KEY).map(|key| key.public().to_vec()).unwrap_or_default())
}

fn denied(error: &str, text: &str) -> Reply {
    Reply::new(400, &json!({"error": error, "error_description": text}))
}

pub(super) fn grant_fault(code: u16, text: Option<&str>) -> Reply {
    Reply::new(code, &json!({"error": "internal_failure", "error_description": text.unwrap_or("fault")}))
}

/// Grants an access token for an assertion (RFC 7523; Google's rules for its claims).
pub(super) fn grant(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    if !asked.is_post() || asked.content_type() != "application/x-www-form-urlencoded" {
        return denied("invalid_request", "Required parameter is missing: grant_type");
    }
    let (mut grant, mut assertion) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(asked.body) {
        match name.as_ref() {
            "grant_type" => grant = value.into_owned(),
            "assertion" => assertion = value.into_owned(),
            _ => {}
        }
    }
    if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return denied("unsupported_grant_type", &format!("Invalid grant_type: {grant}"));
    }
    let Some(token) = Token::read(&assertion) else {
        return denied("invalid_grant", "Bad Request");
    };
    let bad = |text: &str| denied("invalid_grant", text);
    if token.claim("iss") != FCM_EMAIL {
        return bad("Invalid grant: account not found");
    }
    if !token.is_signed("RS256", &RSA_PKCS1_2048_8192_SHA256, public_key()) {
        return bad("Invalid JWT Signature.");
    }
    if token.claim("aud") != format!("{}/fcm/token", asked.origin()) {
        return bad("Failed audience check.");
    }
    let (Some(issued), Some(ends)) = (token.time("iat"), token.time("exp")) else {
        return bad("Invalid JWT: iat and exp are required.");
    };
    let now = now();
    if issued > now + 300 || ends <= now || ends - issued > 3600 {
        return bad(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
             Check your iat and exp values in the JWT claim.",
        );
    }
    if !token.claim("scope").split(' ').any(|scope| SCOPES.contains(&scope)) {
        return denied("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
    }
    let mut state = desk.state.lock();
    state.grants += 1;
    let access = format!("ya29.sandbox-{}", state.grants);
    state.granted.push((access.clone(), now + LIFE));
    Reply::new(200, &json!({"access_token": access, "expires_in": LIFE, "token_type": "Bearer"}))
}

fn failed(code: u16, status: &str, text: &str, details: &Value) -> Reply {
    let mut error = json!({"code": code, "message": text, "status": status});
    if !details.is_null() {
        error["details"] = json!([details]);
    }
    Reply::new(code, &json!({ "error": error }))
}

/// A failure with FCM's own code.
fn fcm_failed(code: u16, status: &str, text: &str, own: &str) -> Reply {
    let detail = json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": own});
    failed(code, status, text, &detail)
}

/// A field that is wrong.
fn violation(field: &str, text: &str) -> Reply {
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": text}],
    });
    failed(400, "INVALID_ARGUMENT", text, &detail)
}

pub(super) fn fault(code: u16, text: Option<&str>) -> Reply {
    let (status, own) = match code {
        400 => ("INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        401 => ("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        403 => ("PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        404 => ("NOT_FOUND", "UNREGISTERED"),
        429 => ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        503 => ("UNAVAILABLE", "UNAVAILABLE"),
        _ => ("INTERNAL", "INTERNAL"),
    };
    fcm_failed(code, status, text.unwrap_or("Injected by the sandbox."), own)
}

/// Sends a message.
pub(super) fn send(desk: &Desk<'_>, asked: &Asked<'_>) -> Reply {
    if !asked.is_post() {
        return failed(404, "NOT_FOUND", "The requested URL was not found on this server.", &Value::Null);
    }
    let given = asked.authorization("Bearer").unwrap_or_default();
    let now = now();
    if !desk.state.lock().granted.iter().any(|(token, ends)| token == given && *ends > now) {
        let text = "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
                    cookie or other valid authentication credential.";
        return failed(401, "UNAUTHENTICATED", text, &Value::Null);
    }
    let project = asked.path().trim_start_matches("/fcm/v1/projects/").trim_end_matches("/messages:send");
    if project != FCM_PROJECT || desk.faults.suspended() {
        let text = "Permission 'cloudmessaging.messages.create' denied on the resource's project.";
        return failed(403, "PERMISSION_DENIED", text, &Value::Null);
    }
    if asked.content_type() != "application/json" {
        return failed(400, "INVALID_ARGUMENT", "Invalid JSON payload received.", &Value::Null);
    }
    let Ok(Value::Object(request)) = serde_json::from_slice::<Value>(asked.body) else {
        return failed(400, "INVALID_ARGUMENT", "Invalid JSON payload received.", &Value::Null);
    };
    if let Err(reply) = check(&request) {
        return reply;
    }
    let message = &request["message"];
    let token = message["token"].as_str().unwrap_or_default();
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    if token.len() < 16 || !token.bytes().all(usable) {
        let text = "The registration token is not a valid FCM registration token";
        return fcm_failed(400, "INVALID_ARGUMENT", text, "INVALID_ARGUMENT");
    }
    if let Err(wait) = desk.faults.admit(1) {
        let seconds = wait.as_secs_f64().ceil() as u32;
        return fault(429, Some("Quota exceeded.")).retry_after(Some(seconds.max(1)));
    }
    if let Some(rejection) = desk.faults.rejects(token) {
        let text = rejection.text.as_deref().unwrap_or("Requested entity was not found.");
        return match rejection.reason.as_deref().unwrap_or("UNREGISTERED") {
            "UNREGISTERED" => fcm_failed(404, "NOT_FOUND", text, "UNREGISTERED"),
            "SENDER_ID_MISMATCH" => fcm_failed(403, "PERMISSION_DENIED", text, "SENDER_ID_MISMATCH"),
            "THIRD_PARTY_AUTH_ERROR" => fcm_failed(401, "UNAUTHENTICATED", text, "THIRD_PARTY_AUTH_ERROR"),
            "QUOTA_EXCEEDED" => fcm_failed(429, "RESOURCE_EXHAUSTED", text, "QUOTA_EXCEEDED"),
            "UNAVAILABLE" => fcm_failed(503, "UNAVAILABLE", text, "UNAVAILABLE"),
            own => fcm_failed(400, "INVALID_ARGUMENT", text, own),
        };
    }
    if request.get("validate_only") == Some(&Value::Bool(true)) {
        return Reply::new(200, &json!({"name": format!("projects/{project}/messages/fake_message_id")}));
    }
    let reference = message["apns"]["headers"]["apns-collapse-id"].as_str().unwrap_or_default();
    let number = desk.arrived(token, reference, asked.body);
    Reply::new(200, &json!({"name": format!("projects/{project}/messages/0:{number:016x}")}))
}

type Checked = Result<(), Reply>;

/// The fields that `Message` has, and what is in them.
fn check(request: &Map<String, Value>) -> Checked {
    known("", request, &["validate_only", "message"])?;
    let message =
        object(request, "message")?.ok_or_else(|| violation("message", "Message is not provided."))?;
    known(
        "message",
        message,
        &[
            "name",
            "data",
            "notification",
            "android",
            "webpush",
            "apns",
            "fcm_options",
            "token",
            "topic",
            "condition",
        ],
    )?;
    let recipients = ["token", "topic", "condition"].iter().filter(|name| message.contains_key(**name));
    if recipients.count() != 1 {
        return Err(violation("message", "Exactly one of token, topic or condition is required"));
    }
    let mut size = 0;
    if let Some(data) = object(message, "data")? {
        for (at, (name, value)) in data.iter().enumerate() {
            let field = format!("message.data[{at}].value");
            let Value::String(text) = value else {
                let text = format!("Invalid value at '{field}' (TYPE_STRING), {value}");
                return Err(violation(&field, &text));
            };
            if name == "from"
                || name == "message_type"
                || name.starts_with("google")
                || name.starts_with("gcm")
            {
                return Err(violation("message.data", &format!("Invalid data payload key: {name}")));
            }
            size += name.len() + text.len();
        }
    }
    if let Some(notification) = object(message, "notification")? {
        known("message.notification", notification, &["title", "body", "image"])?;
        texts("message.notification", notification)?;
        size += notification
            .iter()
            .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
            .sum::<usize>();
    }
    if size > MOST {
        let text = "Message is too big";
        return Err(fcm_failed(400, "INVALID_ARGUMENT", text, "INVALID_ARGUMENT"));
    }
    if let Some(android) = object(message, "android")? {
        check_android(android)?;
    }
    if let Some(apns) = object(message, "apns")? {
        known("message.apns", apns, &["headers", "payload", "fcm_options", "live_activity_token"])?;
        if let Some(headers) = object(apns, "headers")? {
            texts("message.apns.headers", headers)?;
        }
        if let Some(payload) = object(apns, "payload")?
            && !payload.get("aps").is_some_and(Value::is_object)
        {
            return Err(violation("message.apns.payload", "The payload has no aps dictionary"));
        }
    }
    if let Some(webpush) = object(message, "webpush")? {
        known("message.webpush", webpush, &["headers", "data", "notification", "fcm_options"])?;
        if let Some(headers) = object(webpush, "headers")? {
            texts("message.webpush.headers", headers)?;
        }
    }
    Ok(())
}

fn check_android(android: &Map<String, Value>) -> Checked {
    known(
        "message.android",
        android,
        &[
            "collapse_key",
            "priority",
            "ttl",
            "restricted_package_name",
            "data",
            "notification",
            "fcm_options",
            "direct_boot_ok",
            "bandwidth_constrained_ok",
            "restricted_satellite_ok",
        ],
    )?;
    if let Some(priority) = android.get("priority")
        && !matches!(priority.as_str(), Some("NORMAL" | "HIGH" | "normal" | "high"))
    {
        return Err(violation("message.android.priority", "Invalid value (AndroidMessagePriority)"));
    }
    if let Some(ttl) = android.get("ttl") {
        let seconds = ttl.as_str().and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok());
        if !seconds.is_some_and(|seconds| (0.0..=LONGEST).contains(&seconds)) {
            return Err(violation("message.android.ttl", "Invalid ttl: seconds from 0s to 2419200s"));
        }
    }
    let Some(notification) = object(android, "notification")? else { return Ok(()) };
    known(
        "message.android.notification",
        notification,
        &[
            "title",
            "body",
            "icon",
            "color",
            "sound",
            "tag",
            "click_action",
            "body_loc_key",
            "body_loc_args",
            "title_loc_key",
            "title_loc_args",
            "channel_id",
            "ticker",
            "sticky",
            "event_time",
            "local_only",
            "notification_priority",
            "default_sound",
            "default_vibrate_timings",
            "default_light_settings",
            "vibrate_timings",
            "visibility",
            "notification_count",
            "light_settings",
            "image",
            "proxy",
        ],
    )?;
    if let Some(color) = notification.get("color") {
        let digits = color.as_str().and_then(|text| text.strip_prefix('#'));
        if !digits.is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(violation("message.android.notification.color", "Invalid color: #rrggbb is wanted"));
        }
    }
    match notification.get("notification_count") {
        Some(count) if count.as_u64().is_none_or(|count| count > i32::MAX as u64) => {
            Err(violation("message.android.notification.notification_count", "Invalid value (TYPE_INT32)"))
        }
        _ => Ok(()),
    }
}

/// An object below a name; nothing where there is none.
fn object<'a>(within: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Reply> {
    match within.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(violation(name, &format!("Invalid value at '{name}'"))),
    }
}

fn known(place: &str, object: &Map<String, Value>, names: &[&str]) -> Checked {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let text = format!(
                "Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
            );
            Err(violation(place, &text))
        }
    }
}

fn texts(place: &str, object: &Map<String, Value>) -> Checked {
    match object.iter().find(|(_, value)| !value.is_string()) {
        None => Ok(()),
        Some((name, value)) => {
            let field = format!("{place}.{name}");
            Err(violation(&field, &format!("Invalid value at '{field}' (TYPE_STRING), {value}")))
        }
    }
}
