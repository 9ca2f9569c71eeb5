//! `herald topic …`.

use super::Listing;
use clap::Subcommand;
use std::path::PathBuf;

/// `herald topic …`
#[derive(Debug, Subcommand)]
pub enum TopicAction {
    /// List
    List(Listing),
    /// Make one
    Create {
        /// Its id
        id: String,
        /// Its name; else the id
        #[arg(long)]
        name: Option<String>,
    },
    /// One topic and its counts
    Show {
        /// Its id
        id: String,
    },
    /// Rename
    Rename {
        /// Its id
        id: String,
        /// The new name
        name: String,
    },
    /// Its subscribers
    Subscribers {
        /// Its id
        id: String,
        /// The page.
        #[command(flatten)]
        page: Listing,
    },
    /// Subscribe people, and say who is not and why
    Subscribe {
        /// The topic's id
        id: String,
        /// Addresses, numbers with their country, ids of targets, or ids of users with all their targets
        #[arg(required_unless_present = "file", value_name = "WHO")]
        who: Vec<String>,
        /// A file of them, one a line or with a comma between; `-` is standard input
        #[arg(long = "from", visible_alias = "file", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// End a subscription
    Unsubscribe {
        /// The topic's id
        id: String,
        /// The target by id or address, or the subscription by its id
        target: String,
    },
    /// Delete it and its subscriptions
    Delete {
        /// Its id
        id: String,
    },
}
