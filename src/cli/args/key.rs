//! `herald key …`.

use clap::Subcommand;

/// `herald key …`
#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// List; secrets are not kept
    List,
    /// Make one; the secret is the last line printed, alone, and shown only now
    Create {
        /// Its name
        name: String,
        /// What it may do (repeatable); else those that Appwrite has for messages, users and files
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Until when: `in 90d`, `2027-01-01`
        #[arg(long, value_name = "WORDS")]
        expires: Option<String>,
    },
    /// Delete it: from now on it opens nothing
    Delete {
        /// Its id
        id: String,
    },
}
