//! The command line: parses it and starts whatever a command needs.

pub mod args;
pub mod commands;
pub mod failure;
pub mod instance;
pub mod output;
