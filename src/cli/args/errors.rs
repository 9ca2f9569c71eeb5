//! `herald errors`

use clap::Args;

/// Which failures are grouped.
#[derive(Debug, Args)]
pub struct Errors {
    /// Of one message
    #[arg(long, value_name = "ID")]
    pub message: Option<String>,
    /// Of one provider
    #[arg(long, value_name = "ID")]
    pub provider: Option<String>,
    /// Of so many hours, up to 720
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub hours: u64,
}
