//! `herald user …` and `herald target …`.

use super::Listing;
use clap::Subcommand;

/// `herald user …`
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// List
    List(Listing),
    /// Make one, with targets for the addresses given
    Create {
        /// Its id
        id: String,
        /// The name
        #[arg(long)]
        name: Option<String>,
        /// The mail address
        #[arg(long)]
        email: Option<String>,
        /// The phone number, as +49…
        #[arg(long)]
        phone: Option<String>,
    },
    /// One user with targets
    Show {
        /// Its id
        id: String,
    },
    /// Send nothing to this user any more
    Block {
        /// Its id
        id: String,
    },
    /// Lift that
    Unblock {
        /// Its id
        id: String,
    },
    /// Delete it, its targets and their subscriptions
    Delete {
        /// Its id
        id: String,
    },
}

/// `herald target …`
#[derive(Debug, Subcommand)]
pub enum TargetAction {
    /// List
    List(Listing),
    /// Make one
    Create {
        /// Its id
        id: String,
        /// The user's id
        #[arg(long)]
        user: String,
        /// email, sms or push
        #[arg(long = "type", value_parser = ["email", "sms", "push"])]
        channel: String,
        /// The address, number or token
        #[arg(long)]
        address: String,
        /// The provider to pin it to
        #[arg(long)]
        provider: Option<String>,
    },
    /// Change it; the same address again says that it exists after all
    Set {
        /// Its id or address
        target: String,
        /// Another address, number or token
        #[arg(long)]
        address: Option<String>,
        /// The provider to pin it to; empty unpins
        #[arg(long)]
        provider: Option<String>,
        /// A name
        #[arg(long)]
        name: Option<String>,
    },
    /// What was sent to it, or not and why, by id or address
    Show {
        /// Its id or address
        target: String,
        /// How many deliveries
        #[arg(long, short = 'n', default_value_t = 25)]
        limit: usize,
    },
    /// Delete it
    Delete {
        /// Its id or address
        target: String,
    },
}
