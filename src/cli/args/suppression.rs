//! `herald suppression …`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What an operator can do with the suppression list.
#[derive(Debug, Subcommand)]
pub enum SuppressionAction {
    /// List, newest first
    List(ListSuppressions),
    /// Put addresses on the list
    Add(AddSuppressions),
    /// Take something off the list: a record by its id, or everything of an address
    Remove {
        /// Ids or addresses
        #[arg(required = true, value_name = "ID|ADDRESS")]
        what: Vec<String>,
    },
    /// Take back all that a cause did between two times; without --yes, say what that would be
    Undo(UndoSuppressions),
}

/// The words for causes.
const CAUSES: [&str; 4] = ["hard_bounce", "complaint", "unsubscribe", "manual"];

/// Which part of the list.
#[derive(Debug, Args)]
pub struct ListSuppressions {
    /// An address: all of its records, also where the address was erased from them
    #[arg(value_name = "ADDRESS")]
    pub address: Option<String>,
    /// For this cause
    #[arg(long, value_parser = CAUSES)]
    pub cause: Option<String>,
    /// email, sms or push
    #[arg(long = "type", value_parser = ["email", "sms", "push"])]
    pub channel: Option<String>,
    /// As this provider said
    #[arg(long, value_name = "ID")]
    pub provider: Option<String>,
    /// From this topic
    #[arg(long, value_name = "ID")]
    pub topic: Option<String>,
    /// Beginnings of words of the address or the note
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// From then on, in words: `yesterday 9am`, `2026-12-01 09:00`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Until then
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// How many
    #[arg(long, short = 'n', default_value_t = 25)]
    pub limit: usize,
    /// Continue after this number, as the end of the page before says
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<u64>,
}

/// Which addresses.
#[derive(Debug, Args)]
pub struct AddSuppressions {
    /// The addresses
    #[arg(required_unless_present = "file", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// A file of them, one a line or the first column of a CSV; `-` is standard input
    #[arg(long = "from", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// email, sms or push; as they look, if not given
    #[arg(long = "type", value_parser = ["email", "sms", "push"])]
    pub channel: Option<String>,
    /// Why
    #[arg(long, default_value = "manual", value_parser = CAUSES)]
    pub cause: String,
    /// Of an unsubscribe: from which topic (repeatable); else from every one
    #[arg(long = "topic", value_name = "ID")]
    pub topics: Vec<String>,
    /// A note
    #[arg(long, default_value = "")]
    pub note: String,
}

/// What is undone.
#[derive(Debug, Args)]
pub struct UndoSuppressions {
    /// The cause
    #[arg(long, value_parser = CAUSES)]
    pub cause: String,
    /// Through this provider alone
    #[arg(long, value_name = "ID")]
    pub provider: Option<String>,
    /// From then on, in words: `today 9am`, `2026-12-01 09:00`
    #[arg(long, value_name = "WHEN")]
    pub from: String,
    /// Until then; else until now
    #[arg(long, value_name = "WHEN")]
    pub to: Option<String>,
    /// Do it
    #[arg(long, conflicts_with = "confirm")]
    pub yes: bool,
    /// Do it if it is so many
    #[arg(long, value_name = "COUNT")]
    pub confirm: Option<u64>,
    /// Why, for the audit and the list of operations
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}
