//! The table of settings.

use super::Setting;
use super::access::{Addresses, Grants};
use super::value::{Bytes, Country, LogLevel, Secret, SettingValue};
use crate::domain::channel::Channel;
use crate::domain::zone::Zone;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

macro_rules! settings {
    ($($name:literal $field:ident: $type:ty = $default:literal, $unit:literal, $help:literal;)*) => {
        /// Every setting with its value.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $(#[doc = $help] pub $field: $type,)*
            pub(super) origins: Vec<super::load::Origin>,
        }

        /// The table.
        pub const SETTINGS: &[Setting] = &[
            $(Setting {
                name: $name,
                shape: <$type as SettingValue>::SHAPE,
                default: $default,
                unit: $unit,
                help: $help,
            },)*
        ];

        impl Settings {
            /// Reads every setting through `find`, which says the text of a row and where it stood.
            pub(super) fn read<E>(
                mut find: impl FnMut(&'static Setting) -> Result<(String, super::load::Origin), E>,
                bad: impl Fn(&'static Setting, &str, &super::load::Origin) -> E,
            ) -> Result<Self, E> {
                let mut origins = Vec::with_capacity(SETTINGS.len());
                let mut rows = SETTINGS.iter();
                $(
                    let row = rows.next().expect("the table has a row for every field");
                    let (text, origin) = find(row)?;
                    let $field = <$type as SettingValue>::read(&text).ok_or_else(|| bad(row, &text, &origin))?;
                    origins.push(origin);
                )*
                Ok(Self { $($field,)* origins })
            }

            /// Every value as it would be written, in the order of the table.
            pub(super) fn written(&self) -> Vec<String> {
                vec![$(SettingValue::write(&self.$field),)*]
            }
        }
    };
}

settings! {
    "data_dir" data_dir: Option<PathBuf> = "", "", "Where everything is kept; the platform's data directory if not set";
    "listen" listen: Option<SocketAddr> = "", "", "Address and port of the HTTP API; only the socket if not set";
    "socket" socket: Option<PathBuf> = "", "", "Path of the Unix socket; in the data directory if not set";
    "tls.cert" tls_cert: Option<PathBuf> = "", "", "PEM file of the certificate chain for the HTTP API on TCP; read again on SIGHUP";
    "tls.key" tls_key: Option<PathBuf> = "", "", "PEM file of the certificate's private key; read again on SIGHUP";
    "behind_proxy" behind_proxy: Addresses = "", "", "Addresses of the proxies in front of the HTTP API: only they may connect without TLS from other machines, and only their X-Forwarded-For is believed";
    "access.users" access_users: Grants = "", "", "Users of this machine who may use the socket, with their scopes: mira=messages.read+topics.read, deploy=*; needs a `socket` that they can reach";
    "access.groups" access_groups: Grants = "", "", "The same for groups of this machine";
    "label" label: String = "", "", "Name of this installation in the console's header, such as PROD";
    "console.theme" console_theme: String = "auto", "", "Theme of the console: a shipped one's name, or that of a file under themes/ beside the configuration; auto: dark or light, as the terminal says";
    "console.keymap" console_keymap: String = "default", "", "Keymap of the console: default, vim or emacs; keymap.toml beside the configuration is layered over it";
    "console.mouse" console_mouse: bool = "false", "", "Whether the console takes the mouse; text is then selected with shift held";
    "console.read_only" console_read_only: bool = "false", "", "Whether the console only looks";
    "log.level" log_level: LogLevel = "info", "", "How much Herald says of itself";
    "log.json" log_json: bool = "false", "", "Say it as one JSON object a line";
    "operator.zone" operator_zone: Option<Zone> = "", "", "IANA time zone in which times are shown and understood; if not set, that of the environment's TZ, else UTC";
    "import.country" import_country: Option<Country> = "", "", "Country of phone numbers without a country code, such as DE";
    "store.cache" cache: Bytes = "64MiB", "", "Memory for the store's cache";
    "store.commit_interval" commit_interval: Duration = "20ms", "", "At most this long are writes gathered before a commit";
    "store.file_cap" file_cap: Bytes = "10GiB", "", "The largest that uploaded files may be together; 0: no limit";
    "store.file_size" file_size: Bytes = "30MiB", "", "The largest that one uploaded file may be";
    "store.upload_age" upload_age: Duration = "1d", "", "An upload that was not finished is given up when nothing was heard of it for so long";
    "retention.log" retention_log: Duration = "90d", "", "How long rows of the delivery log are kept";
    "retention.log_size" retention_log_size: Bytes = "20GiB", "", "How large the delivery log may grow; the oldest rows go first";
    "retention.audit" retention_audit: Duration = "365d", "", "How long audit entries are kept";
    "retention.files" retention_files: Duration = "0s", "", "How long uploaded files are kept that no draft, scheduled or sending message names; 0: until somebody deletes them";
    "retention.messages" retention_messages: Duration = "365d", "", "How long messages are kept after they have ended";
    "send.attachments" attachments: Bytes = "25MiB", "", "The largest that the attachments of one mail may be together";
    "send.window" window: Option<u32> = "", "recipients", "At most so many recipients of a provider are claimed without a recorded outcome, which is what a kill can put in doubt; by the provider's speed if not set";
    "send.attempts_email" attempts_email: u16 = "12", "attempts", "How often a mail is tried in all";
    "send.attempts_push" attempts_push: u16 = "6", "attempts", "How often a notification is tried in all";
    "send.attempts_sms" attempts_sms: u16 = "5", "attempts", "How often a text message is tried in all";
    "send.retry_cap" retry_cap: Duration = "1h", "", "The longest wait between two attempts";
    "send.late_hold" late_hold: Duration = "6h", "", "A message that was due longer ago than this, while nothing ran, is held; 0: never";
    "send.growth_percent" growth_percent: u64 = "5", "%", "A confirmed message is held when its plan exceeds the confirmed number by more than this";
    "send.growth_recipients" growth_recipients: u64 = "2", "recipients", "By so many a plan may exceed the confirmed number in any case";
    "send.undo" undo: Duration = "10s", "", "How long sending from the console, or by a command at a terminal, can be undone; 0: not at all";
    "send.drain" drain: Duration = "30s", "", "How long a stop waits for what is in flight";
    "lifetime.email" lifetime_email: Duration = "3d", "", "How long after its due time a mail may still be sent";
    "lifetime.push" lifetime_push: Duration = "1d", "", "How long after its due time a notification may still be sent";
    "lifetime.sms" lifetime_sms: Duration = "4h", "", "How long after its due time a text message may still be sent";
    "outgoing.allow_private" allow_private: bool = "false", "", "Whether hosts and URLs that came in over TCP may be loopback, link-local or private";
    "outgoing.timeout" outgoing_timeout: Duration = "30s", "", "How long a delivery service may take to answer";
    "alerts.webhook" alerts_webhook: Secret = "", "", "URL to which alerts and their ends are posted as JSON";
    "alerts.command" alerts_command: Secret = "", "", "Program and arguments, with spaces between, that is told of alerts and their ends as JSON on standard input";
    "alerts.oldest" alerts_oldest: Duration = "15m", "", "How long recipients may wait before there is an alert";
    "alerts.failure_percent" alerts_failure_percent: u64 = "20", "%", "So much of a provider's answers in a minute may be refusals before there is an alert";
    "alerts.disk_percent" alerts_disk_percent: u64 = "5", "%", "So much of the disk must be free, else there is an alert";
    "alerts.receipts" alerts_receipts: Duration = "1h", "", "How long a provider that is set up for receipts may accept messages without any before there is an alert";
    "api.body_limit" body_limit: Bytes = "2MiB", "", "The largest body of a request, imports excepted";
    "api.public_url" public_url: String = "", "", "Where devices and recipients reach this API, as `https://HOST/v1`: links to images of notifications, and those in mail to topics with which recipients leave them, begin with it";
    "api.clear_credentials" clear_credentials: bool = "false", "", "Show credentials of providers in clear to every key with providers.read, as Appwrite does";
    "api.timeout" api_timeout: Duration = "30s", "", "How long a request may take, streams excepted";
    "api.header_timeout" api_header_timeout: Duration = "15s", "", "How long a connection may take for the headers of its next request";
    "api.body_timeout" api_body_timeout: Duration = "15s", "", "How long a connection on TCP may take for the next piece of a body, or to take the next piece of an answer";
    "api.connections" api_connections: u32 = "20000", "connections", "How many connections each of socket and TCP may have at a time; more wait";
    "api.rate" api_rate: u32 = "0", "requests/s", "How many requests a second each key may make; 0: no limit";
    "api.burst" api_burst: u32 = "100", "requests", "How many requests a key may make at once before its rate applies";
    "api.read_only" api_read_only: bool = "false", "", "Whether the API refuses whatever changes something; receipts, and recipients who leave, are taken all the same";
}

impl Settings {
    /// How long after its due time a message of this type may still be sent.
    pub fn lifetime(&self, channel: Channel) -> Duration {
        match channel {
            Channel::Email => self.lifetime_email,
            Channel::Sms => self.lifetime_sms,
            Channel::Push => self.lifetime_push,
        }
    }

    /// After which lateness a message is held; `None`: never.
    pub fn late_after(&self) -> Option<Duration> {
        (!self.late_hold.is_zero()).then_some(self.late_hold)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::load(&super::Sources::default())
            .expect("every default of the table is readable, as a test shows")
    }
}
