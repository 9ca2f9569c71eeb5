//! The console: a terminal UI written on the client alone.

pub mod action;
pub mod keymap;
pub mod runtime;
pub mod sanitize;
pub mod term;
pub mod theme;
