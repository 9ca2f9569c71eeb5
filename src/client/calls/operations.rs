//! Operations over deliveries.

use super::{pairs_of, segment, with_pairs};
use crate::client::{Client, Result};
use crate::wire::operation::{ConfirmOperation, CreateOperation, Operation, OperationList};
use http::Method;
use serde_json::json;

const OPERATIONS: &str = "/v1/herald/operations";

impl Client {
    /// Looks for whom an operation would be. Nothing is done before
    /// [`Client::confirm_operation`].
    pub async fn preview_operation(&self, asked: &CreateOperation) -> Result<Operation> {
        self.send(Method::POST, OPERATIONS, asked).await
    }

    /// Lets a previewed operation begin. `count` is the number that was shown.
    pub async fn confirm_operation(&self, id: impl AsRef<str> + Send, count: u64) -> Result<Operation> {
        let path = format!("{OPERATIONS}/{}/confirm", segment(id));
        self.send(Method::POST, &path, &ConfirmOperation { count }).await
    }

    /// Ends an operation; what it has done stays done.
    pub async fn cancel_operation(&self, id: impl AsRef<str> + Send) -> Result<Operation> {
        self.send(Method::POST, &format!("{OPERATIONS}/{}/cancel", segment(id)), &json!({})).await
    }

    /// An operation, and how far it has come.
    pub async fn operation(&self, id: impl AsRef<str> + Send) -> Result<Operation> {
        self.get(&format!("{OPERATIONS}/{}", segment(id))).await
    }

    /// Operations, newest first, at most `limit` (up to 100), after one of them.
    pub async fn operations(&self, after: Option<&str>, limit: usize) -> Result<OperationList> {
        self.get(&with_pairs(OPERATIONS, &pairs_of(after, limit))).await
    }
}
