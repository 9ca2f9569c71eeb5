//! What can be typed after `herald`.

pub mod alert;
pub mod draft;
pub mod errors;
mod suppression;
pub mod webhook;

pub use suppression::{AddSuppressions, ListSuppressions, SuppressionAction, UndoSuppressions};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub use self::routing::RoutingAction;

mod routing;

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
#[derive(Debug, Subcommand)]
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

/// `herald serve`
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Listen on TCP too, for applications; beyond loopback with TLS or behind a proxy
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The certificate chain for TLS, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// The certificate's private key, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Trust the proxy with this address to do TLS and to say for whom it asks
    #[arg(long, value_name = "ADDR")]
    pub behind_proxy: Option<String>,
    /// Where devices and recipients reach this API, as `https://HOST/v1`
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// In a session of its own, as a console that leaves starts it
    #[arg(long, hide = true)]
    pub detached: bool,
}

impl Serve {
    /// What its flags set.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let flags = [
            ("listen", &self.listen),
            ("tls.cert", &self.tls_cert),
            ("tls.key", &self.tls_key),
            ("behind_proxy", &self.behind_proxy),
            ("api.public_url", &self.public_url),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

/// `herald demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the directory and its data in this place instead of a throw-away one
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// No screen: print what happens until the first message is sent, then end
    #[arg(long)]
    pub headless: bool,
}

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

/// `herald message …`
#[derive(Debug, Subcommand)]
pub enum MessageAction {
    /// List, newest first
    List(Listing),
    /// Everything about one
    Show {
        /// Its id
        id: String,
    },
    /// Who would get it, through which provider, who is left out, how long it takes
    Preview {
        /// Its id
        id: String,
    },
    /// Send a draft now
    Send {
        /// Its id
        id: String,
        /// The number of recipients that you expect; more, and it is held
        #[arg(long, value_name = "COUNT")]
        confirm: Option<u64>,
        /// Send mail to topics although it carries no link to leave them
        #[arg(long)]
        without_unsubscribe: bool,
    },
    /// Give it a time, or another one
    Schedule {
        /// Its id
        id: String,
        /// Send mail to topics although it carries no link to leave them
        #[arg(long)]
        without_unsubscribe: bool,
        /// When: `tomorrow 9am Berlin`, `in 2h` …
        #[arg(long)]
        at: String,
    },
    /// Back to draft
    Unschedule {
        /// Its id
        id: String,
    },
    /// Stop it while it is being sent
    Pause {
        /// Its id
        id: String,
    },
    /// Let it go on
    Resume {
        /// Its id
        id: String,
    },
    /// Release a held one
    Release {
        /// Its id
        id: String,
    },
    /// End it: who has not been tried will not be
    Cancel {
        /// Its id
        id: String,
    },
    /// Try the failed recipients once more: of a message, or of all that pass a filter
    Retry {
        /// Its id
        #[arg(required_unless_present = "filter", conflicts_with = "filter")]
        id: Option<String>,
        /// Through this provider; else through those that a new plan chooses
        #[arg(long, value_name = "ID", conflicts_with = "filter")]
        provider: Option<String>,
        /// Those deliveries that pass: provider=twilio outcome=failed since=1h
        #[arg(long)]
        filter: Option<String>,
        /// How it is confirmed.
        #[command(flatten)]
        how: Operate,
    },
    /// A new draft with the same content and audience
    Duplicate {
        /// Its id
        id: String,
    },
    /// Who got it and who did not
    Deliveries {
        /// Its id
        id: String,
        /// The page.
        #[command(flatten)]
        page: Listing,
    },
    /// Delete it
    Delete {
        /// Its id
        id: String,
    },
}

/// `herald topic …`
#[derive(Debug, Subcommand)]
pub enum TopicAction {
    /// List
    List(Listing),
    /// Make one
    Create {
        /// Its id
        id: String,
        /// Its name; else the id
        #[arg(long)]
        name: Option<String>,
    },
    /// One topic and its counts
    Show {
        /// Its id
        id: String,
    },
    /// Rename
    Rename {
        /// Its id
        id: String,
        /// The new name
        name: String,
    },
    /// Its subscribers
    Subscribers {
        /// Its id
        id: String,
        /// The page.
        #[command(flatten)]
        page: Listing,
    },
    /// Subscribe a target
    Subscribe {
        /// The topic's id
        id: String,
        /// The target, by id or address
        target: String,
    },
    /// End a subscription
    Unsubscribe {
        /// The topic's id
        id: String,
        /// The target, by id or address
        target: String,
    },
    /// Delete it and its subscriptions
    Delete {
        /// Its id
        id: String,
    },
}

/// `herald user …`
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// List
    List(Listing),
    /// Make one, with targets for the addresses given
    Create {
        /// Its id
        id: String,
        /// The name
        #[arg(long)]
        name: Option<String>,
        /// The mail address
        #[arg(long)]
        email: Option<String>,
        /// The phone number, as +49…
        #[arg(long)]
        phone: Option<String>,
    },
    /// One user with targets
    Show {
        /// Its id
        id: String,
    },
    /// Send nothing to this user any more
    Block {
        /// Its id
        id: String,
    },
    /// Lift that
    Unblock {
        /// Its id
        id: String,
    },
    /// Delete it, its targets and their subscriptions
    Delete {
        /// Its id
        id: String,
    },
}

/// `herald target …`
#[derive(Debug, Subcommand)]
pub enum TargetAction {
    /// List
    List(Listing),
    /// Make one
    Create {
        /// Its id
        id: String,
        /// The user's id
        #[arg(long)]
        user: String,
        /// email, sms or push
        #[arg(long = "type", value_parser = ["email", "sms", "push"])]
        channel: String,
        /// The address, number or token
        #[arg(long)]
        address: String,
        /// The provider to pin it to
        #[arg(long)]
        provider: Option<String>,
    },
    /// Change it; the same address again says that it exists after all
    Set {
        /// Its id or address
        target: String,
        /// Another address, number or token
        #[arg(long)]
        address: Option<String>,
        /// The provider to pin it to; empty unpins
        #[arg(long)]
        provider: Option<String>,
        /// A name
        #[arg(long)]
        name: Option<String>,
    },
    /// What was sent to it, or not and why, by id or address
    Show {
        /// Its id or address
        target: String,
        /// How many deliveries
        #[arg(long, short = 'n', default_value_t = 25)]
        limit: usize,
    },
    /// Delete it
    Delete {
        /// Its id or address
        target: String,
    },
}

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
    },
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
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str();
                assert!(!name.contains("password") && !name.contains("secret"), "{name}");
            }
        }
    }
}
