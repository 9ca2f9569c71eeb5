//! The engine's behaviour, on the real store in memory, with scripted providers, under
//! virtual time and from seeds.

#[path = "engine/world.rs"]
mod world;

#[path = "engine/sending.rs"]
mod sending;
