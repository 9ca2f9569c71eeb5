//! `herald provider order|countries|failover`

use clap::Subcommand;

/// How recipients are shared out among providers.
#[derive(Debug, Subcommand)]
pub enum RoutingAction {
    /// In which order providers are chosen; with ids, put these first
    Order {
        /// Providers, the first one first
        ids: Vec<String>,
    },
    /// Which numbers go through which provider; with rules, add or change those
    Countries {
        /// Rules: +49=PROVIDER, or +49= to take one away. The longest prefix that fits counts
        #[arg(value_name = "PREFIX=PROVIDER")]
        rules: Vec<String>,
    },
    /// Whether it hands its recipients to the next provider while it is down or misconfigured
    Failover {
        /// Its id
        id: String,
        /// Those of messages to topics or more than 100 named: `yes`, `no`, or until when (`in 2h`, `14:00`)
        #[arg(long, value_name = "WORDS")]
        bulk: Option<String>,
        /// Those of messages straight to a few: `yes`, `no`, or until when
        #[arg(long, value_name = "WORDS")]
        direct: Option<String>,
    },
}
