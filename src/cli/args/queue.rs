//! `herald queue …`: who waits, and operations over deliveries.

use clap::{Args, Subcommand, ValueEnum};

/// `herald queue …`
#[derive(Debug, Subcommand)]
pub enum QueueAction {
    /// What waits: by provider and reason, with the oldest and the next try
    Show,
    /// Who waits
    List {
        /// Of one message
        #[arg(long)]
        message: Option<String>,
        /// Of one provider
        #[arg(long)]
        provider: Option<String>,
        /// For one reason
        #[arg(long, value_enum)]
        why: Option<WaitWord>,
        /// How many
        #[arg(long, short = 'n', default_value_t = 25)]
        limit: usize,
    },
    /// Send to those who are held or uncertain now
    Release(QueueFilter),
    /// End the deliveries of those who wait as failed
    GiveUp(QueueFilter),
    /// Try those again whose deliveries pass a filter
    Retry(OperateOn),
    /// Let those wait, until they are released, whose deliveries pass a filter
    Hold(OperateOn),
    /// End those as failed who wait and whose deliveries pass a filter
    Cancel(OperateOn),
    /// Send through another provider to those whose deliveries pass a filter
    FailOver {
        /// The provider
        #[arg(long, value_name = "PROVIDER")]
        to: String,
        /// To whom.
        #[command(flatten)]
        on: OperateOn,
    },
    /// Let a previewed operation begin
    Confirm {
        /// The operation's id
        id: String,
        /// The number of deliveries that its preview showed
        count: u64,
    },
    /// Operations over deliveries, newest first
    Operations {
        /// How many
        #[arg(long, short = 'n', default_value_t = 25)]
        limit: usize,
    },
    /// An operation, and how far it has come
    Operation {
        /// Its id
        id: String,
    },
    /// End an operation; what it has done stays done
    CancelOperation {
        /// Its id
        id: String,
    },
}

/// Deliveries that pass a filter.
#[derive(Debug, Args)]
pub struct OperateOn {
    /// Which deliveries: provider=twilio outcome=failed since=1h
    #[arg(long)]
    pub filter: String,
    /// How it is confirmed.
    #[command(flatten)]
    pub how: Operate,
}

/// How an operation over deliveries is confirmed. Without `--confirm` and
/// `--yes` it is only shown.
#[derive(Debug, Args)]
pub struct Operate {
    /// Those whose answer was lost, too: they may get it twice
    #[arg(long)]
    pub uncertain: bool,
    /// Why, for the audit
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Begin if exactly so many deliveries are found
    #[arg(long, value_name = "COUNT", conflicts_with = "yes")]
    pub confirm: Option<u64>,
    /// Begin, however many are found
    #[arg(long)]
    pub yes: bool,
}

/// Which of those who wait. At least one must be given.
#[derive(Debug, Args)]
#[group(skip)]
pub struct QueueFilter {
    /// Of one message
    #[arg(long)]
    pub message: Option<String>,
    /// Of one provider
    #[arg(long)]
    pub provider: Option<String>,
    /// For one reason
    #[arg(long, value_enum)]
    pub why: Option<WaitWord>,
    /// Those deliveries that pass, shown before it is done: provider=twilio since=1h
    #[arg(
        long,
        conflicts_with_all = ["message", "provider", "why"],
        required_unless_present_any = ["message", "provider", "why"]
    )]
    pub filter: Option<String>,
    /// How it is confirmed.
    #[command(flatten)]
    pub how: QueueHow,
}

/// How a decision by a filter is confirmed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct QueueHow {
    /// Those whose answer was lost, too; with `--filter`
    #[arg(long, requires = "filter")]
    pub uncertain: bool,
    /// Why, for the audit; with `--filter`
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Begin if exactly so many deliveries are found; with `--filter`
    #[arg(long, value_name = "COUNT", conflicts_with = "yes", requires = "filter")]
    pub confirm: Option<u64>,
    /// Begin, however many are found; with `--filter`
    #[arg(long, requires = "filter")]
    pub yes: bool,
}

impl From<QueueHow> for Operate {
    fn from(how: QueueHow) -> Self {
        Self { uncertain: how.uncertain, reason: how.reason, confirm: how.confirm, yes: how.yes }
    }
}

/// Why somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitWord {
    /// For another attempt
    Retry,
    /// In doubt after a crash, sent again
    InDoubt,
    /// The answer was lost, held for a decision
    Uncertain,
    /// The provider refuses us
    ProviderRefuses,
    /// Held by an operator
    Held,
}
