//! Operations over deliveries: retry, cancel, hold, release and fail over, by a filter.
//!
//! An operation is asked for with a filter over the delivery log, answers with a
//! preview, and begins when it is confirmed with the number that the preview
//! showed. Whom it is for is fixed by the preview: it reaches nobody else,
//! however long it takes and whatever is sent meanwhile.

use super::delivery::Delivery;
use super::preview::LeftOut;
use crate::domain::ids::{OperationId, ProviderId};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operation does to each delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OperationAction {
    /// Tries it again: at once if it waits, in a new run of its message if it has failed.
    Retry,
    /// Ends it as it is; of those who wait.
    Cancel,
    /// Lets it wait until somebody releases it; of those who wait for a time.
    Hold,
    /// Lets it go; of those who are held.
    Release,
    /// Tries it again through another provider.
    FailOver,
    /// Takes addresses off the suppression list, all that a cause put on it between two times. It is
    /// begun by undoing suppressions, and listed here.
    Unsuppress,
}

impl OperationAction {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::FailOver => "fail over",
            Self::Unsuppress => "take off the suppression list",
        }
    }
}

/// What an operation is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateOperation {
    /// What.
    pub action: OperationAction,
    /// To whom: Herald's filter language over the delivery log, such as
    /// `provider=twilio outcome=failed since=1h`. A delivery is meant when its
    /// newest row passes.
    pub filter: String,
    /// Through which provider, to fail over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Whether those are meant, too, of whom nobody knows whether they got it: they may get it twice.
    #[serde(default)]
    pub uncertain: bool,
    /// Why, for the audit; up to 512 characters.
    #[serde(default)]
    pub reason: String,
}

/// What confirms an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmOperation {
    /// The number that the preview showed.
    pub count: u64,
}

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OperationState {
    /// Shown, and not confirmed. It lapses after an hour.
    Previewed,
    /// Confirmed, and on its way; also after a restart.
    Running,
    /// Through.
    Done,
    /// Ended by somebody before it was through.
    Cancelled,
}

/// Whom an operation is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationPreview {
    /// How many deliveries.
    pub count: u64,
    /// Of how many messages.
    pub messages: u64,
    /// How many of them may have been delivered already.
    pub uncertain: u64,
    /// When the newest attempt of the oldest of them was.
    pub oldest: Option<Timestamp>,
    /// When the newest attempt was.
    pub newest: Option<Timestamp>,
    /// Who fits the filter and is left out, by reason.
    pub left_out: Vec<LeftOut>,
    /// The newest of them.
    pub sample: Vec<Delivery>,
    /// Rows of the log that were looked at.
    pub scanned: u64,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: OperationId,
    /// What it does.
    pub action: OperationAction,
    /// To whom.
    pub filter: String,
    /// Through which provider, to fail over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Whether the uncertain are meant, too.
    pub uncertain: bool,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// How far it has come.
    pub state: OperationState,
    /// Whom it is for.
    pub preview: OperationPreview,
    /// When it was confirmed.
    pub confirmed: Option<Timestamp>,
    /// When it was over.
    pub finished: Option<Timestamp>,
    /// How many deliveries it has done.
    pub done: u64,
    /// How many had moved on by themselves since the preview, and were left alone.
    pub moved_on: u64,
}

impl Operation {
    /// Whether nothing of it is to come.
    pub fn is_over(&self) -> bool {
        matches!(self.state, OperationState::Done | OperationState::Cancelled)
    }
}

/// Operations, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationList {
    /// The operations.
    pub operations: Vec<Operation>,
    /// Continue after this one; absent: this was the end.
    pub next: Option<OperationId>,
}
