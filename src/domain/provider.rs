//! Providers: accounts with delivery services, and the table of their kinds.

use super::channel::Channel;
use super::guard::{GUARD_OPTION, GuardRule, Tripped};
use super::ids::{ProviderId, ProviderNo, Revision};
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use self::kinds::{Field, KINDS, Kind, Proof, Receipt, Shape, kind};
pub use self::presets::{PRESETS, Preset, preset};

mod kinds;
mod presets;

/// An account with a delivery service. Credentials are not in it: the store
/// seals them and hands them out only to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// The store's number; the lowest enabled one of a channel is its default.
    pub no: ProviderNo,
    /// The id at the door.
    pub id: ProviderId,
    /// How it is called.
    pub name: String,
    /// Which service: a row of the table of kinds, by name.
    pub kind: String,
    /// What it delivers.
    pub channel: Channel,
    /// Whether new plans may choose it.
    pub enabled: bool,
    /// Options by name, as JSON values in text (`"fromEmail"` → `"\"a@b.example\""`).
    pub options: BTreeMap<String, String>,
    /// Names of the credentials that are set, with their masks (`••••1234`).
    pub credentials: BTreeMap<String, String>,
    /// How much may be sent, and how fast.
    pub limits: Limits,
    /// Stopped by an operator, or by the service refusing us.
    pub hold: Option<ProviderHold>,
    /// When the provider was created.
    pub created: Timestamp,
    /// When the provider was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
    /// Through which door its host or endpoint came.
    pub door: Door,
    /// The guard stopped its bulk. Not part of the record: the store keeps it apart.
    #[serde(skip)]
    pub guard: Option<Tripped>,
}

/// Through which door somebody gave a provider's host or endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Over TCP: it may name public addresses only, unless the settings allow others.
    #[default]
    Network,
    /// From this machine: the Unix socket, the command line or the console.
    Local,
}

impl Provider {
    /// The row of its kind.
    pub fn kind_row(&self) -> Option<&'static Kind> {
        kind(&self.kind)
    }

    /// Whether it is set up so that receipts of its service are taken.
    pub fn takes_receipts(&self) -> bool {
        let Some(field) = self.kind_row().and_then(|kind| kind.proof.field()) else { return false };
        self.credentials.get(field).is_some_and(|value| !value.is_empty())
            || self.options.get(field).is_some_and(|value| value == "true" || value == "\"true\"")
    }

    /// When its bulk is stopped before its service bans us.
    pub fn guard_rule(&self) -> GuardRule {
        self.options.get(GUARD_OPTION).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// An option's value, if it is set and is a text.
    pub fn option_text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.options.get(name)?).ok()
    }
}

/// Why a provider sends nothing although it is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProviderHold {
    /// An operator paused it.
    Paused {
        /// Who.
        by: String,
        /// When.
        since: Timestamp,
    },
    /// The service refuses us (credentials, account, reputation), so that trying
    /// on would only do harm.
    Refused {
        /// What it said.
        answer: String,
        /// When.
        since: Timestamp,
    },
    /// The service refuses our credentials, or we have none that it could be asked with: that says
    /// nothing of what it thinks of us as a sender.
    Misconfigured {
        /// What it said.
        answer: String,
        /// When.
        since: Timestamp,
    },
}

impl ProviderHold {
    /// What the service said and since when, if it is the service that does not want us.
    pub fn refusal(&self) -> Option<(&str, Timestamp)> {
        match self {
            Self::Paused { .. } => None,
            Self::Refused { answer, since } | Self::Misconfigured { answer, since } => Some((answer, *since)),
        }
    }
}

/// How much may go through a provider. `None`: no limit but the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Recipients a second.
    pub per_second: Option<f64>,
    /// Recipients in any hour.
    pub per_hour: Option<u64>,
    /// Recipients in any 24 hours.
    pub per_day: Option<u64>,
    /// Requests or sessions at the same time.
    pub concurrency: Option<u16>,
    /// The most recipients that are claimed without a recorded outcome: what a
    /// crash can put in doubt.
    pub window: Option<u32>,
}
