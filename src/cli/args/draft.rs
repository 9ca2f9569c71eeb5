//! `herald draft …`

use clap::Subcommand;
use std::path::PathBuf;

/// What can be done to your own saved drafts of the composer.
#[derive(Debug, Subcommand)]
pub enum DraftAction {
    /// Your drafts, the newest first
    List,
    /// What a draft holds, as JSON
    Show {
        /// Its id
        id: String,
    },
    /// Save a JSON object as a draft
    Save {
        /// Its id
        id: String,
        /// The file; `-` is standard input
        file: PathBuf,
        /// Refuse unless the draft still has this revision; 0: unless there is none yet
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// Delete a draft
    Delete {
        /// Its id
        id: String,
    },
}
