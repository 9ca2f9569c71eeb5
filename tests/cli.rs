//! The real binary, as people and scripts use it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a test says is read when it fails")]

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/certificates.rs"]
mod certificates;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/engine.rs"]
mod engine;
#[path = "cli/handover.rs"]
mod handover;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/house.rs"]
mod house;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/sending.rs"]
mod sending;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/sink.rs"]
mod sink;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/terminal.rs"]
mod terminal;
#[path = "cli/usage.rs"]
mod usage;
