//! Herald: an operations console for messaging.
//!
//! Start here. The crate is one package in layers; a module imports only from
//! those above it in this list (`tests/layers.rs` enforces it):
//!
//! ```text
//! domain               types and rules; pure
//!   wire, settings     the API's request and response types; the settings table
//!     store            the Store trait, and redb behind it
//!     providers        the Adapter trait, one file per delivery service
//!       sandbox        servers that play the services, with faults
//!       engine         scheduler, plan, dispatch, retry, limits, health, events
//!         api          HTTP: Appwrite's dialect and our extensions
//!   client             a typed client on `wire`, over any transport
//!     tui              the console, written on `client` alone
//! cli                  commands; starts whatever a command needs
//! ```
//!
//! The way of a message: the API validates a request and asks the engine to
//! create the message; the store writes it with its schedule in one
//! transaction. The scheduler claims what is due. The planner writes down who
//! gets it, through which provider, in packed runs. A dispatcher per provider
//! claims a window of a run in the journal, and only when that claim is durable
//! hands the recipients to the adapter. Every attempt becomes one row of the
//! delivery log, in the commit that also claims the next window. When nothing is
//! left to try, the message ends as sent or failed, with the causes.

pub mod api;
pub mod cli;
pub mod client;
pub mod domain;
pub mod engine;
pub mod providers;
pub mod sandbox;
pub mod settings;
pub mod store;
pub mod tui;
pub mod wire;

/// Requests, plans and commits pass from the threads that make them to the store's
/// writer and back, which costs the C library's allocator its locks: with this one a
/// create over HTTP takes a quarter less of the processor (`cargo bench --bench http`).
/// `.cargo/config.toml` says how it is set.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
