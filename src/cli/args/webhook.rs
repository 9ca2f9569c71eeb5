//! `herald webhook …`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be done to endpoints that are told when a message ends.
#[derive(Debug, Subcommand)]
pub enum WebhookAction {
    /// All endpoints
    List,
    /// One endpoint, its secret masked
    Show {
        /// Its id
        id: String,
    },
    /// Create an endpoint; its secret is shown once
    Create {
        /// Its id; else one is made
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// What it is.
        #[command(flatten)]
        values: WebhookValues,
    },
    /// Change an endpoint; what is not named stays, but another URL needs a secret again
    Set {
        /// Its id
        id: String,
        /// What changes.
        #[command(flatten)]
        values: WebhookValues,
    },
    /// Tell it things again, also after Herald has disabled it
    Enable {
        /// Its id
        id: String,
    },
    /// Tell it nothing for now
    Disable {
        /// Its id
        id: String,
    },
    /// Tell it that this is a test
    Test {
        /// Its id
        id: String,
    },
    /// What it was told last, and what came of it
    Deliveries {
        /// Its id
        id: String,
    },
    /// Tell it one thing again
    Redeliver {
        /// Its id
        id: String,
        /// The id of what it was told
        delivery: String,
    },
    /// Delete an endpoint
    Delete {
        /// Its id
        id: String,
    },
}

/// What an endpoint is.
#[derive(Debug, Args)]
pub struct WebhookValues {
    /// Its name
    #[arg(long)]
    pub name: Option<String>,
    /// Where to; with a token in it, rather from a file
    #[arg(long, conflicts_with = "url_from")]
    pub url: Option<String>,
    /// The same from a file, so that it does not stand in the process list; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub url_from: Option<PathBuf>,
    /// A secret of your own for the signatures, from a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub secret_from: Option<PathBuf>,
    /// What it is told: message.sent, message.failed or message.cancelled (repeatable); else all
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<String>,
}
