//! The sandbox's servers, spoken to over real connections.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/certificates.rs"]
mod certificates;
#[path = "sandbox/client.rs"]
mod client;
#[path = "sandbox/control.rs"]
mod control;
#[path = "sandbox/gateways.rs"]
mod gateways;
#[path = "sandbox/http.rs"]
mod http;
#[path = "sandbox/push.rs"]
mod push;
#[path = "sandbox/services.rs"]
mod services;
#[path = "sandbox/smtp.rs"]
mod smtp;
#[path = "sandbox/smtp_faults.rs"]
mod smtp_faults;
#[path = "sandbox/tls.rs"]
mod tls;
