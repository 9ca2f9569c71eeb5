//! What adapters do, seen from the other side of real connections.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "providers/account.rs"]
mod account;
#[path = "providers/apns.rs"]
mod apns;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/certificates.rs"]
mod certificates;
#[path = "providers/custom.rs"]
mod custom;
#[path = "providers/dkim.rs"]
mod dkim;
#[path = "providers/fcm.rs"]
mod fcm;
#[path = "providers/gateway.rs"]
mod gateway;
#[path = "providers/golden.rs"]
mod golden;
#[path = "providers/http.rs"]
mod http;
#[path = "providers/mime.rs"]
mod mime;
#[path = "providers/peer.rs"]
mod peer;
#[path = "providers/receipts.rs"]
mod receipts;
#[path = "providers/requests.rs"]
mod requests;
#[path = "providers/runs.rs"]
mod runs;
#[path = "providers/sandbox.rs"]
mod sandbox;
#[path = "providers/services.rs"]
mod services;
#[path = "providers/smtp_content.rs"]
mod smtp_content;
#[path = "providers/smtp_faults.rs"]
mod smtp_faults;
#[path = "providers/smtp_lost.rs"]
mod smtp_lost;
#[path = "providers/smtp_postfix.rs"]
mod smtp_postfix;
#[path = "providers/smtp_replies.rs"]
mod smtp_replies;
#[path = "providers/smtp_sessions.rs"]
mod smtp_sessions;
#[path = "providers/smtp_tls.rs"]
mod smtp_tls;
#[path = "providers/table.rs"]
mod table;
#[path = "providers/tokens.rs"]
mod tokens;
#[path = "providers/webpush.rs"]
mod webpush;
