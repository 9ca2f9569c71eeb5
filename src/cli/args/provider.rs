//! `herald provider …`.

use super::RoutingAction;
use super::guard::Guard;
use clap::{Args, Subcommand};

/// `herald provider …`
#[derive(Debug, Subcommand)]
pub enum ProviderAction {
    /// List, with health
    List,
    /// Make one
    Create {
        /// The kind: smtp, sandbox, …
        kind: String,
        /// Its id
        id: String,
        /// Its name; else the id
        #[arg(long)]
        name: Option<String>,
        /// What it delivers, where the kind delivers more than one: email, sms or push
        #[arg(long = "type", value_parser = ["email", "sms", "push"])]
        channel: Option<String>,
        /// Options and limits
        #[command(flatten)]
        values: Values,
        /// With smtp: host, port, encryption and published limits of a service: gmail, google-workspace,
        /// google-relay, microsoft-365, icloud, postmark, sparkpost, sendgrid-smtp, resend-smtp
        #[arg(long, value_name = "SERVICE")]
        preset: Option<String>,
        /// Leave it disabled
        #[arg(long)]
        disabled: bool,
        /// When its bulk is stopped
        #[command(flatten)]
        guard: Guard,
    },
    /// One provider; secrets are masked
    Show {
        /// Its id
        id: String,
    },
    /// Change it
    Set {
        /// Its id
        id: String,
        /// Options and limits
        #[command(flatten)]
        values: Values,
        /// Take a new key without asking the service whether it takes it
        #[arg(long)]
        unchecked: bool,
        /// When its bulk is stopped
        #[command(flatten)]
        guard: Guard,
    },
    /// Put the key back that was replaced in the last 24 hours
    Rollback {
        /// Its id
        id: String,
    },
    /// Let new plans choose it
    Enable {
        /// Its id
        id: String,
    },
    /// Let no new plan choose it; what is planned goes to another
    Disable {
        /// Its id
        id: String,
    },
    /// Stop it; who waits, waits
    Pause {
        /// Its id
        id: String,
    },
    /// Let it go on, also after it refused us
    Resume {
        /// Its id
        id: String,
    },
    /// Talk to it without sending to anybody; with --to, send one real test message
    Test {
        /// Its id
        id: String,
        /// The address, number or token that gets a test message if the service takes us
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Delete it
    Delete {
        /// Its id
        id: String,
    },
    /// Who comes first, and who steps in
    #[command(flatten)]
    Routing(RoutingAction),
}

/// Fields of a provider.
#[derive(Debug, Clone, Args)]
pub struct Values {
    /// An option, a credential that is no secret, or a limit (perSecond, perHour, perDay, concurrency)
    #[arg(long = "option", short = 'o', value_name = "NAME=VALUE")]
    pub options: Vec<String>,
    /// A secret from a file; `-` is standard input. Secrets are never taken from the command line
    #[arg(long = "set-from", value_name = "NAME=FILE")]
    pub set_from: Vec<String>,
}
