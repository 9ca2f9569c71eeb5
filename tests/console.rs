//! The console: how its screens look, and how it goes from one to the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "console/commands.rs"]
mod commands;
#[path = "console/files.rs"]
mod files;
#[path = "console/flows.rs"]
mod flows;
#[path = "console/more.rs"]
mod more;
#[path = "console/numbers.rs"]
mod numbers;
#[path = "console/pictures.rs"]
mod pictures;
#[path = "console/readme.rs"]
mod readme;
#[path = "console/screens.rs"]
mod screens;
#[path = "console/seat.rs"]
mod seat;
#[path = "console/service.rs"]
mod service;
#[path = "console/speed.rs"]
mod speed;
#[path = "console/together.rs"]
mod together;
#[path = "console/world.rs"]
mod world;
