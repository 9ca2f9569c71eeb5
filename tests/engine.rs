//! The engine's behaviour, on the real store in memory, with scripted providers, under
//! virtual time and from seeds.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]
// The table's effects are matched as the table lists them.
#![allow(clippy::single_match_else)]

#[path = "engine/world.rs"]
mod world;

#[path = "engine/answers.rs"]
mod answers;
#[path = "engine/crash.rs"]
mod crash;
#[path = "engine/erasures.rs"]
mod erasures;
#[path = "engine/failover.rs"]
mod failover;
#[path = "engine/limits.rs"]
mod limits;
#[path = "engine/model.rs"]
mod model;
#[path = "engine/modes.rs"]
mod modes;
#[path = "engine/operate.rs"]
mod operate;
#[path = "engine/operations.rs"]
mod operations;
#[path = "engine/operators.rs"]
mod operators;
#[path = "engine/receipts.rs"]
mod receipts;
#[path = "engine/schedule.rs"]
mod schedule;
#[path = "engine/sending.rs"]
mod sending;
#[path = "engine/suppressed.rs"]
mod suppressed;
#[path = "engine/table.rs"]
mod table;
#[path = "engine/told.rs"]
mod told;
#[path = "engine/unclaimed.rs"]
mod unclaimed;
