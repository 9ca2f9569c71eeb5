//! How recipients are shared out among providers.

use crate::domain::ids::ProviderId;
use crate::domain::routing::{Allowance, MoveReason, PrefixRule};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Changes the rules. What is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteRouting {
    /// Providers in order; those that are not named come behind, as they stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<ProviderId>>,
    /// All rules for countries: the longest prefix that a number begins with counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Vec<PrefixRule>>,
}

/// Says what a provider hands to the next one while it is down or misconfigured. What is not given stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteFailover {
    /// Recipients of messages to topics, or to more than a hundred who are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk: Option<Allowance>,
    /// Recipients of messages straight to a few users and targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct: Option<Allowance>,
}

/// What a provider hands on, and to whom it does now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailoverState {
    /// Recipients of messages to topics, or to more than a hundred who are named.
    pub bulk: Allowance,
    /// Recipients of messages straight to a few users and targets.
    pub direct: Allowance,
    /// Its recipients go through another now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<HandingOn>,
}

/// A provider's recipients go through another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandingOn {
    /// Through which.
    pub to: ProviderId,
    /// Why.
    pub why: MoveReason,
    /// Since when.
    pub since: Timestamp,
    /// When the permission ends; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Those of messages to topics do.
    pub bulk: bool,
    /// Those of messages straight to people do.
    pub direct: bool,
}

impl fmt::Display for HandingOn {
    /// Without the subject: "its recipients go through …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match (self.bulk, self.direct) {
            (true, false) => "its recipients of bulk",
            (false, true) => "its direct recipients",
            _ => "its recipients",
        };
        write!(f, "{which} go through {} since {}", self.to, self.since)?;
        match self.until {
            Some(until) => write!(f, ", until {until} at the latest"),
            None => Ok(()),
        }
    }
}
