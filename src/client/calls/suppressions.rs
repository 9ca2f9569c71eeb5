//! The suppression list.

use super::{pairs, segment, with_pairs};
use crate::client::{Client, Result};
use crate::wire::suppression::{
    AddedSuppressions, CreateSuppressions, Suppression, SuppressionList, SuppressionParameters,
    UndoSuppressions, UndoneSuppressions,
};
use http::Method;
use serde_json::json;

const SUPPRESSIONS: &str = "/v1/herald/suppressions";

impl Client {
    /// A page of the list, newest first.
    pub async fn suppressions(&self, asked: &SuppressionParameters) -> Result<SuppressionList> {
        self.get(&with_pairs(SUPPRESSIONS, &pairs(asked))).await
    }

    /// A record.
    pub async fn suppression(&self, id: impl AsRef<str> + Send) -> Result<Suppression> {
        self.get(&format!("{SUPPRESSIONS}/{}", segment(id))).await
    }

    /// Puts addresses on the list.
    pub async fn suppress(&self, asked: &CreateSuppressions) -> Result<AddedSuppressions> {
        self.send(Method::POST, SUPPRESSIONS, asked).await
    }

    /// Takes a record off the list.
    pub async fn lift_suppression(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{SUPPRESSIONS}/{}", segment(id)), &json!({})).await
    }

    /// Takes back all that a cause did between two times, or says what that would be.
    pub async fn undo_suppressions(&self, asked: &UndoSuppressions) -> Result<UndoneSuppressions> {
        self.send(Method::POST, &format!("{SUPPRESSIONS}/undo"), asked).await
    }
}
