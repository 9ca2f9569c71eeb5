//! The Adapter trait and one file per delivery service.
//!
//! [`registry`] makes adapters from accounts. What several adapters share has a
//! module of its own: [`account`] reads options and credentials, [`resolve`] and
//! [`dial`] open connections, [`tls`] decides whom to trust, [`http`] and [`http2`]
//! are our HTTP clients. [`service`] is what all services over HTTP have in common,
//! so that the file of a service says only how its requests look and, in a table of
//! [`meaning`]s, what its answers mean. [`letter`], [`text`] and [`push`] are what
//! mail, text messages and notifications have in common; [`jwt`] signs tokens and
//! [`token`] keeps them.

pub mod account;
pub mod adapter;
pub mod apns;
pub mod clickatell;
pub mod custom;
pub mod dial;
pub mod fast2sms;
pub mod fcm;
pub mod http;
pub mod http2;
pub mod infobip;
pub mod inforu;
pub mod jwt;
pub mod letter;
pub mod mailgun;
pub mod meaning;
pub mod msg91;
pub mod multipart;
pub mod outgoing;
pub mod plivo;
pub mod push;
pub mod receipts;
pub mod registry;
pub mod resend;
pub mod resolve;
pub mod retry_after;
pub mod sandbox;
pub mod sendgrid;
pub mod service;
pub mod ses;
pub mod seven;
pub mod sigv4;
pub mod sinch;
pub mod smtp;
pub mod telesign;
pub mod telnyx;
pub mod text;
pub mod textmagic;
pub mod tls;
pub mod token;
pub mod twilio;
pub mod vonage;
pub mod webpush;
