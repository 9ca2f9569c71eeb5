//! `herald alert …`

use clap::Subcommand;

/// What can be done about alerts.
#[derive(Debug, Subcommand)]
pub enum AlertAction {
    /// Open alerts, with what was changed just before each
    List,
    /// Tell the webhook and the command of the settings that this is a test
    Test,
}
