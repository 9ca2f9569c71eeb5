//! `herald topic …`.

use super::Listing;
use clap::Subcommand;

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
    /// Subscribe a target
    Subscribe {
        /// The topic's id
        id: String,
        /// The target, by id or address
        target: String,
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
