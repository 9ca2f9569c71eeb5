//! Dispatch: one dispatcher for each provider claims windows of the plan, hands them to
//! workers, and records what became of everybody.
//!
//! The one rule: **nothing is sent before the commit that claims it has returned.**
//! A commit carries the outcomes of earlier windows and claims the next ones; while it
//! is under way, the window before it is being sent and the one after it is read.

pub(crate) mod desk;
mod dispatcher;
mod journal;
pub(crate) mod lanes;
mod look;
mod read;
mod reroute;
mod room;
pub(crate) mod sheets;
mod standing;
pub(crate) mod train;
mod verdicts;
mod worker;

use super::core::Core;
use desk::Desk;
use std::sync::Arc;

/// Runs the dispatcher of a desk until the engine closes.
pub(crate) async fn run(core: Arc<Core>, desk: Arc<Desk>) {
    dispatcher::Dispatcher::new(core, desk).run().await;
}
