//! The Adapter trait and one file per delivery service.
//!
//! [`registry`] makes adapters from accounts. What several adapters share has a
//! module of its own: [`account`] reads options and credentials, [`resolve`] and
//! [`dial`] open connections, [`tls`] decides whom to trust, [`http`] is our HTTP
//! client. [`smtp`] and [`sandbox`] are services.

pub mod account;
pub mod adapter;
pub mod dial;
pub mod http;
pub mod registry;
pub mod resolve;
pub mod retry_after;
pub mod sandbox;
pub mod smtp;
pub mod tls;
