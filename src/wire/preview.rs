//! What would happen: before sending, and before retrying.

use crate::domain::ids::{ProviderId, TargetId, TopicId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who would get a message now, through what, and how long it takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// How many it is planned for: the number to confirm. Who is suppressed is among them,
    /// and is left out when it is sent.
    pub recipients: u64,
    /// Memberships of the type before anybody is left out or merged.
    pub in_audience: u64,
    /// By topic.
    pub topics: Vec<TopicShare>,
    /// Named more than once, and sent one copy.
    pub duplicates: u64,
    /// Who is left out, by reason.
    pub left_out: Vec<LeftOut>,
    /// By provider.
    pub providers: Vec<ProviderShare>,
    /// Seconds from start to end at the providers' limits, if they are known.
    pub seconds: Option<f64>,
    /// Of the recipients: those who are on the suppression list.
    #[serde(default)]
    pub suppressed: u64,
    /// It is mail to topics, and carries no link to leave them: the setting `api.public_url` does
    /// not say where recipients reach this API.
    #[serde(default)]
    pub without_unsubscribe: bool,
    /// How it looks for some recipients.
    pub samples: Vec<Sample>,
    /// The count is of the first so many only: there are more.
    pub cut_short: bool,
}

/// A topic's part of an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicShare {
    /// Which.
    pub topic_id: TopicId,
    /// Its name.
    pub name: String,
    /// Subscribers of the type.
    pub count: u64,
}

/// Who is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Why, in words.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// A provider's part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderShare {
    /// Which; absent: nobody of the type is enabled.
    pub provider_id: Option<ProviderId>,
    /// Its name.
    pub name: String,
    /// How many get it through this one: whoever is left out is not among them.
    pub recipients: u64,
    /// In how many requests.
    pub batches: u64,
    /// Seconds at its limits, if they are known.
    pub seconds: Option<f64>,
    /// Of text messages: the beginnings of numbers that a rule sends through it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
}

/// How it looks for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Who.
    pub target_id: TargetId,
    /// The address.
    pub address: String,
    /// Subject or title.
    pub subject: String,
    /// Body.
    pub body: String,
    /// Why it cannot be rendered for this recipient; empty: it can.
    pub problem: String,
}

/// Who would be tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryPreview {
    /// How many would be tried again, or are, when it was not a dry run.
    pub recipients: u64,
    /// Who is left out, by reason.
    pub left_out: Vec<LeftOut>,
}
