//! `herald sandbox`.

use clap::Args;
use std::path::PathBuf;

/// `herald sandbox`
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Where the SMTP server listens; port 0: any
    #[arg(long, default_value = "127.0.0.1:2525", value_name = "ADDR:PORT")]
    pub smtp: String,
    /// Where the HTTP server listens; port 0: any
    #[arg(long, default_value = "127.0.0.1:2526", value_name = "ADDR:PORT")]
    pub http: String,
    /// The token of the HTTP side and of its control; else one is made and printed
    #[arg(long, env = "HERALD_SANDBOX_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The seed of faults that happen by rate
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A line per arrival goes to this file
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Latency of every answer, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency: u64,
}
