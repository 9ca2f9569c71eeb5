//! What the real binary survives: kills, dead and lying services, full disks.
//! Counted at the other side, never in Herald's own log alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a test says is read when it fails")]

#[path = "crash/backup.rs"]
mod backup;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/erase.rs"]
mod erase;
#[path = "crash/faults.rs"]
mod faults;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/house.rs"]
mod house;
#[path = "crash/kills.rs"]
mod kills;
#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "support/sink.rs"]
mod sink;
#[path = "crash/stop.rs"]
mod stop;
