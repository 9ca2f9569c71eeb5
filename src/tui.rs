//! The console: a terminal UI written on the client alone.
//!
//! Elm's shape: what happens comes as a [`message::Msg`], [`update`] changes the
//! [`state::State`] and says what is to be done as [`message::Effect`]s, and
//! [`view`] draws the state. Both are pure; [`effects`] talks to the API through
//! the client, on the console's own runtime. [`console::run`] is the entrance.

pub mod action;
pub mod command_line;
mod conflict;
pub mod console;
pub mod effects;
pub mod keymap;
pub mod message;
pub mod names;
pub mod reading;
pub mod request;
pub mod runtime;
pub mod sanitize;
pub mod screens;
pub mod show;
pub mod state;
pub mod term;
pub mod theme;
pub mod update;
pub mod view;
pub mod watch;
pub mod widgets;
