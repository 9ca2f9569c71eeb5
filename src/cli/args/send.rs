//! `herald send …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `herald send …`
#[derive(Debug, Subcommand)]
pub enum Send {
    /// A mail
    Email(SendEmail),
    /// A text message
    Sms(SendSms),
    /// A notification
    Push(SendPush),
}

impl Send {
    /// What every `send` has.
    pub fn common(&self) -> &SendCommon {
        match self {
            Self::Email(mail) => &mail.common,
            Self::Sms(sms) => &sms.common,
            Self::Push(push) => &push.common,
        }
    }
}

/// What every `send` has.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct SendCommon {
    /// The message's id; else one is made
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// A topic whose subscribers get it (repeatable)
    #[arg(long = "topic", value_name = "ID")]
    pub topics: Vec<String>,
    /// A user who gets it (repeatable)
    #[arg(long = "user", value_name = "ID")]
    pub users: Vec<String>,
    /// A target, by id or address, that gets it (repeatable)
    #[arg(long = "target", alias = "to", value_name = "ID|ADDRESS")]
    pub targets: Vec<String>,
    /// Keep it as a draft
    #[arg(long, conflicts_with_all = ["at", "wait"])]
    pub draft: bool,
    /// Start at once, with no time to undo it; a script's sends do so unless --undo is given
    #[arg(long, conflicts_with_all = ["at", "draft", "undo"])]
    pub now: bool,
    /// Leave the time of the setting `send.undo` to take it back, as at a terminal
    #[arg(long, conflicts_with_all = ["at", "draft"])]
    pub undo: bool,
    /// When: `tomorrow 9am Berlin`, `in 2h`, `2026-12-01 09:00` …
    #[arg(long, value_name = "WORDS")]
    pub at: Option<String>,
    /// Too late when this long after its time: `4h`, `3d`
    #[arg(long, value_name = "SPAN")]
    pub expires: Option<String>,
    /// Braces in the content are variables
    #[arg(long)]
    pub variables: bool,
    /// Show progress until it is over; exit code 5 if anybody was not accepted
    #[arg(long)]
    pub wait: bool,
    /// The number of recipients that you expect; more, and it is held
    #[arg(long, value_name = "COUNT")]
    pub confirm: Option<u64>,
    /// Send mail to topics although it carries no link to leave them (see the setting `api.public_url`)
    #[arg(long)]
    pub without_unsubscribe: bool,
}

/// `herald send email`
#[derive(Debug, Args)]
pub struct SendEmail {
    /// The subject
    #[arg(long)]
    pub subject: String,
    /// The body
    #[arg(long, conflicts_with = "body_file", required_unless_present = "body_file")]
    pub body: Option<String>,
    /// The body from a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub body_file: Option<PathBuf>,
    /// The body is HTML
    #[arg(long)]
    pub html: bool,
    /// A target that gets a copy and is named in Cc (repeatable)
    #[arg(long, value_name = "ID")]
    pub cc: Vec<String>,
    /// A target that gets a copy and is named nowhere (repeatable)
    #[arg(long, value_name = "ID")]
    pub bcc: Vec<String>,
    /// A file of this machine to attach (repeatable); it is kept with the message
    #[arg(long = "attach", value_name = "FILE")]
    pub attach: Vec<PathBuf>,
    /// What every `send` has.
    #[command(flatten)]
    pub common: SendCommon,
}

/// `herald send sms`
#[derive(Debug, Args)]
pub struct SendSms {
    /// The text
    #[arg(long, alias = "text")]
    pub body: String,
    /// What every `send` has.
    #[command(flatten)]
    pub common: SendCommon,
}

/// `herald send push`
#[derive(Debug, Args)]
pub struct SendPush {
    /// The title
    #[arg(long)]
    pub title: Option<String>,
    /// The body
    #[arg(long)]
    pub body: Option<String>,
    /// Custom data, a JSON object
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
    /// Click action or category
    #[arg(long)]
    pub action: Option<String>,
    /// Badge count
    #[arg(long)]
    pub badge: Option<u32>,
    /// normal or high
    #[arg(long, value_parser = ["normal", "high"])]
    pub priority: Option<String>,
    /// What every `send` has.
    #[command(flatten)]
    pub common: SendCommon,
}
