//! `herald message …`.

use super::{Listing, Operate};
use clap::Subcommand;

/// `herald message …`
#[derive(Debug, Subcommand)]
pub enum MessageAction {
    /// List, newest first
    List(Listing),
    /// Everything about one
    Show {
        /// Its id
        id: String,
    },
    /// Who would get it, through which provider, who is left out, how long it takes
    Preview {
        /// Its id
        id: String,
    },
    /// Send a draft now
    Send {
        /// Its id
        id: String,
        /// The number of recipients that you expect; more, and it is held
        #[arg(long, value_name = "COUNT")]
        confirm: Option<u64>,
        /// Send mail to topics although it carries no link to leave them
        #[arg(long)]
        without_unsubscribe: bool,
    },
    /// Give it a time, or another one
    Schedule {
        /// Its id
        id: String,
        /// Send mail to topics although it carries no link to leave them
        #[arg(long)]
        without_unsubscribe: bool,
        /// When: `tomorrow 9am Berlin`, `in 2h` …
        #[arg(long)]
        at: String,
    },
    /// Back to draft
    Unschedule {
        /// Its id
        id: String,
    },
    /// Stop it while it is being sent
    Pause {
        /// Its id
        id: String,
    },
    /// Let it go on
    Resume {
        /// Its id
        id: String,
    },
    /// Hold a scheduled one while it is edited; from whoever edits it now, too
    Hold {
        /// Its id
        id: String,
    },
    /// Release a held one
    Release {
        /// Its id
        id: String,
    },
    /// End it: who has not been tried will not be
    Cancel {
        /// Its id
        id: String,
    },
    /// Try the failed recipients once more: of a message, or of all that pass a filter
    Retry {
        /// Its id
        #[arg(required_unless_present = "filter", conflicts_with = "filter")]
        id: Option<String>,
        /// Through this provider; else through those that a new plan chooses
        #[arg(long, value_name = "ID", conflicts_with = "filter")]
        provider: Option<String>,
        /// Those deliveries that pass: provider=twilio outcome=failed since=1h
        #[arg(long)]
        filter: Option<String>,
        /// How it is confirmed.
        #[command(flatten)]
        how: Operate,
    },
    /// A draft for those whom a paused message has not been tried for; it ends for them
    Correct {
        /// The paused message's id
        id: String,
    },
    /// A draft for those who have been accepted, such as a correction
    FollowUp {
        /// The message's id
        id: String,
    },
    /// A new draft with the same content and audience
    Duplicate {
        /// Its id
        id: String,
    },
    /// Who got it and who did not
    Deliveries {
        /// Its id
        id: String,
        /// The page.
        #[command(flatten)]
        page: Listing,
    },
    /// Delete it
    Delete {
        /// Its id
        id: String,
    },
}
