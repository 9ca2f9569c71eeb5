//! What the benches share: a sink in a process of its own, a store with people in it on a
//! real disk, how busy the machine was with others, and how figures are printed.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench fails by panicking, reports by printing, and uses what it needs of this"
)]

pub mod figures;
pub mod machine;
pub mod mta;
pub mod sink;
pub mod world;

/// A size of a bench, which the environment may change.
pub fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(default)
}
