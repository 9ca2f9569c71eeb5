//! The console: a terminal UI written on the client alone.

pub mod action;
pub mod keymap;
pub mod sanitize;
pub mod theme;
pub mod term;
