//! What can be typed after `herald`.

pub mod alert;
pub mod draft;
pub mod errors;
pub mod guard;
mod key;
mod message;
mod provider;
mod queue;
mod routing;
mod sandbox;
mod send;
mod serve;
mod suppression;
mod topic;
mod transfer;
mod user;
pub mod webhook;

pub use key::KeyAction;
pub use message::MessageAction;
pub use provider::{ProviderAction, Values};
pub use queue::{Operate, OperateOn, QueueAction, QueueFilter, QueueHow, WaitWord};
pub use routing::RoutingAction;
pub use sandbox::SandboxArgs;
pub use send::{Send, SendCommon, SendEmail, SendPush, SendSms};
pub use serve::{Demo, Serve};
pub use suppression::{AddSuppressions, ListSuppressions, SuppressionAction, UndoSuppressions};
pub use topic::TopicAction;
pub use transfer::{Backup, Export, Import, Log, PersonAction};
pub use user::{TargetAction, UserAction};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// An operations console for messaging: email, SMS and push.
///
/// Without a command: the console. If an engine runs in this data directory, it
/// attaches to it; else it runs the engine itself.
#[derive(Debug, Parser)]
#[command(name = "herald", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing: the console.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Documented in `--help`, in the manual page and in the README.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 failed · 2 wrong usage · 3 not found · 4 refused (state, conflict, validation) · \
5 somebody was not accepted (send --wait, doctor found faults) · 6 no engine or no access · 130 interrupted";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The data directory
    #[arg(long, global = true, env = "HERALD_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file
    #[arg(long, global = true, env = "HERALD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who you are, for the audit; else your login
    #[arg(long = "as", global = true, env = "HERALD_AS", value_name = "OPERATOR")]
    pub operator: Option<String>,
    /// The console only looks
    #[arg(long, global = true)]
    pub read_only: bool,
    /// A setting, as in the configuration file (see `herald doctor --settings`)
    #[arg(long = "set", global = true, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Print JSON instead of text, where there is something to print
    #[arg(long, global = true)]
    pub json: bool,
}

/// A command.
///
/// The options of a command are built when it is given: the console needs none of them to start.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Run the engine and the API without a screen
    Serve(Serve),
    /// Try it: the console on a throw-away directory with sample data and providers on loopback
    Demo(Demo),
    /// Write a message and draft, schedule or send it
    Send {
        /// The type.
        #[command(subcommand)]
        what: Send,
    },
    /// Messages: list, show, pause, cancel, retry, …
    Message {
        /// What to do.
        #[command(subcommand)]
        action: MessageAction,
    },
    /// Topics and their subscribers
    Topic {
        /// What to do.
        #[command(subcommand)]
        action: TopicAction,
    },
    /// Users
    User {
        /// What to do.
        #[command(subcommand)]
        action: UserAction,
    },
    /// Targets: the ways to reach users
    Target {
        /// What to do.
        #[command(subcommand)]
        action: TargetAction,
    },
    /// Addresses that are not written to, and why
    Suppression {
        /// What to do.
        #[command(subcommand)]
        action: SuppressionAction,
    },
    /// Providers: accounts with delivery services
    Provider {
        /// What to do.
        #[command(subcommand)]
        action: ProviderAction,
    },
    /// API keys
    Key {
        /// What to do.
        #[command(subcommand)]
        action: KeyAction,
    },
    /// Who waits, and why
    Queue {
        /// What to do.
        #[command(subcommand)]
        action: QueueAction,
    },
    /// Read people in from a CSV or NDJSON file
    Import(Import),
    /// Write people out as CSV or NDJSON
    Export(Export),
    /// The delivery log
    Log(Log),
    /// Failures, grouped by cause
    Errors(errors::Errors),
    /// Endpoints that are told when a message ends
    Webhook {
        /// What to do.
        #[command(subcommand)]
        action: webhook::WebhookAction,
    },
    /// What needs an operator, and who is told of it
    Alert {
        /// What to do.
        #[command(subcommand)]
        action: alert::AlertAction,
    },
    /// Your own saved drafts of the composer
    Draft {
        /// What to do.
        #[command(subcommand)]
        action: draft::DraftAction,
    },
    /// One sentence on why a message stands where it stands
    Why {
        /// A message's id
        id: String,
    },
    /// Find whatever bears this id, address, Message-ID or provider's id
    Find {
        /// What to look for
        text: String,
    },
    /// Stop all sending, at once, until it is lifted
    StopSending,
    /// Lift the stop
    ResumeSending,
    /// Everything that is held of a person
    Person {
        /// What to do.
        #[command(subcommand)]
        action: PersonAction,
    },
    /// Copy everything, consistently, while running
    Backup(Backup),
    /// Put a copy in place of an empty data directory; sending is held until you release it
    Restore {
        /// The copy
        dir: PathBuf,
    },
    /// Fake providers on loopback, with faults
    Sandbox(SandboxArgs),
    /// Check the installation, each fault with its remedy
    Doctor {
        /// Print every setting, its value, and where the value comes from
        #[arg(long)]
        settings: bool,
    },
    /// The description of the API for tools, as JSON (`OpenAPI` 3.1)
    Openapi,
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The manual page
    Man,
}

/// A page of a list.
#[derive(Debug, Clone, Args)]
pub struct Listing {
    /// The filter language: `status=failed and since=1h`
    #[arg(long, short, value_name = "FILTER")]
    pub filter: Option<String>,
    /// How many
    #[arg(long, short = 'n', default_value_t = 25)]
    pub limit: usize,
    /// Continue after this id
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn secrets_never_stand_on_the_command_line() {
        fn look(command: &clap::Command, seen: &mut usize) {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str();
                let secret = name.contains("password") || name.contains("secret");
                // `…_from` names the file that a secret is in.
                assert!(!secret || name.ends_with("_from"), "{name}");
                *seen += 1;
            }
            command.get_subcommands().for_each(|command| look(command, seen));
        }
        let mut command = Cli::command();
        command.build();
        let mut seen = 0;
        look(&command, &mut seen);
        assert!(seen > 300, "only {seen} options were looked at");
    }
}
