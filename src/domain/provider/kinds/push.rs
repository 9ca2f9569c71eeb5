//! Services that deliver notifications.

use super::{CA, ENDPOINT, Kind, Proof, Shape, credential, option, secret};
use crate::domain::channel::Channel;

pub(super) const FCM: Kind = Kind {
    name: "fcm",
    title: "Firebase Cloud Messaging",
    channels: &[Channel::Push],
    fields: &[
        secret("serviceAccountJSON", "The service account's key file, as Google made it", true, Shape::Json),
        ENDPOINT,
        CA,
    ],
    batch: 1,
    concurrency: 8,
    // 600,000 a minute for a project, unless Google has granted more.
    rate: Some(10_000.0),
    request: None,
    text: None,
    idempotency: None,
    check: "an access token, then POST …/messages:send with validate_only",
    receipts: &[],
    proof: Proof::None,
    source: "https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages",
    adapter: true,
};

pub(super) const APNS: Kind = Kind {
    name: "apns",
    title: "Apple Push Notification service",
    channels: &[Channel::Push],
    fields: &[
        secret("authKey", "The key's .p8 file", true, Shape::Pem),
        credential("authKeyId", "The key's id, 10 characters", true, Shape::Text(64)),
        credential("teamId", "The team's id, 10 characters", true, Shape::Text(64)),
        credential("bundleId", "The application's bundle id: the topic", true, Shape::Text(255)),
        option("sandbox", "true: applications under development", false, Shape::Flag),
        ENDPOINT,
        CA,
    ],
    batch: 1,
    concurrency: 8,
    rate: None,
    request: Some(4096),
    text: None,
    idempotency: None,
    check: "POST /3/device/ with a token of zeros, which is no device's",
    receipts: &[],
    proof: Proof::None,
    source: "https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns",
    adapter: true,
};

pub(super) const WEBPUSH: Kind = Kind {
    name: "webpush",
    title: "Web Push",
    channels: &[Channel::Push],
    fields: &[
        credential("publicKey", "VAPID public key, as browsers subscribe with it", true, Shape::Text(128)),
        secret("privateKey", "VAPID private key, 32 bytes in URL-safe base64", true, Shape::Text(128)),
        credential("subject", "Whom push services may contact: mailto:… or https:…", true, Shape::Text(256)),
        CA,
    ],
    batch: 1,
    concurrency: 8,
    rate: None,
    request: Some(4096),
    text: None,
    idempotency: None,
    check: "none: the key pair is tried, and every subscription names a service of its own",
    receipts: &[],
    proof: Proof::None,
    source: "https://www.rfc-editor.org/rfc/rfc8030, rfc8291, rfc8292",
    adapter: true,
};
