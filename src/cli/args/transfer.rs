//! What goes in and out as a whole: people, one person, a copy of everything.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `herald import`
#[derive(Debug, Args)]
pub struct Import {
    /// CSV or NDJSON; `-` is standard input
    #[arg(required_unless_present_any = ["undo", "list"])]
    pub file: Option<PathBuf>,
    /// A topic that everybody joins (repeatable); made where it is missing
    #[arg(long = "topic", value_name = "ID")]
    pub topics: Vec<String>,
    /// Which column of the file is which of ours: `email='E-Mail Adresse'`
    #[arg(long = "map", value_name = "OURS=THEIRS")]
    pub map: Vec<String>,
    /// The country of phone numbers without a prefix: DE, US, …
    #[arg(long, value_name = "CODE")]
    pub country: Option<String>,
    /// Read and report, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where refused lines go; else FILE.rejects.csv
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Take an import back, as far as nobody has used what it made
    #[arg(long, value_name = "IMPORT", conflicts_with = "file")]
    pub undo: Option<String>,
    /// The imports so far
    #[arg(long, conflicts_with_all = ["file", "undo"])]
    pub list: bool,
}

/// `herald export`
#[derive(Debug, Args)]
pub struct Export {
    /// Where to; `-` is standard output
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// Only subscribers of this topic
    #[arg(long, value_name = "ID")]
    pub topic: Option<String>,
    /// csv or ndjson; else by the file's name
    #[arg(long, value_parser = ["csv", "ndjson"])]
    pub format: Option<String>,
}

/// `herald log`
#[derive(Debug, Args)]
pub struct Log {
    /// Go on as it grows
    #[arg(short, long)]
    pub follow: bool,
    /// The filter language: `outcome!=accepted provider=main`
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Only to this address
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,
    /// Only of this message
    #[arg(long, value_name = "ID")]
    pub message: Option<String>,
    /// Not before: `1h`, `2026-11-20`, `yesterday 9am`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// How many, the newest
    #[arg(long, short = 'n', default_value_t = 50)]
    pub limit: usize,
}

/// `herald person …`
#[derive(Debug, Subcommand)]
pub enum PersonAction {
    /// Everything that is held of an address, as JSON
    Export {
        /// The address
        address: String,
    },
    /// Forget an address, in every place; counts stay
    Erase {
        /// The address
        address: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Do not wait for the end: it goes on by itself while an engine runs
        #[arg(long)]
        no_wait: bool,
    },
    /// How far the erasures are
    Erasures,
}

/// `herald backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// A directory that does not exist yet
    pub dir: PathBuf,
    /// Copy the sealing key too: whoever has the copy then has the credentials
    #[arg(long)]
    pub with_key: bool,
}
