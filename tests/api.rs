//! The API: the dialect and Herald's own, over every transport, on the real store in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/world.rs"]
mod world;

#[path = "api/checked.rs"]
mod checked;

#[path = "api/access.rs"]
mod access;
#[path = "api/audience.rs"]
mod audience;
#[path = "api/bad_input.rs"]
mod bad_input;
#[path = "api/doors.rs"]
mod doors;
#[path = "api/events.rs"]
mod events;
#[path = "api/full_disk.rs"]
mod full_disk;
#[path = "api/lists.rs"]
mod lists;
#[path = "api/messages.rs"]
mod messages;
#[path = "api/metrics.rs"]
mod metrics;
#[path = "api/once.rs"]
mod once;
#[path = "api/openapi.rs"]
mod openapi;
#[path = "api/operators.rs"]
mod operators;
#[path = "api/providers.rs"]
mod providers;
#[path = "api/receipts.rs"]
mod receipts;
#[path = "api/revisions.rs"]
mod revisions;
#[path = "api/sending.rs"]
mod sending;
#[path = "api/storage.rs"]
mod storage;
#[path = "api/suppressions.rs"]
mod suppressions;
#[path = "api/tcp.rs"]
mod tcp;
#[path = "api/transports.rs"]
mod transports;

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/certificates.rs"]
mod certificates;
