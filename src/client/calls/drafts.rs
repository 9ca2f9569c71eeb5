//! Drafts that a composer saves by itself, and who else is here.

use super::segment;
use crate::client::{Client, Result};
use crate::wire::draft::{Presence, SaveDraft, SavedDraft, SavedDraftList};
use http::Method;
use serde_json::json;

const DRAFTS: &str = "/v1/herald/drafts";

impl Client {
    /// The operator's own drafts, the newest first.
    pub async fn drafts(&self) -> Result<SavedDraftList> {
        self.get(DRAFTS).await
    }

    /// A draft.
    pub async fn draft(&self, id: impl AsRef<str> + Send) -> Result<SavedDraft> {
        self.get(&format!("{DRAFTS}/{}", segment(id))).await
    }

    /// Saves a draft under an id that the composer chooses.
    pub async fn save_draft(&self, id: impl AsRef<str> + Send, save: &SaveDraft) -> Result<SavedDraft> {
        self.send(Method::PUT, &format!("{DRAFTS}/{}", segment(id)), save).await
    }

    /// Deletes a draft.
    pub async fn delete_draft(&self, id: impl AsRef<str> + Send) -> Result<()> {
        self.send_only(Method::DELETE, &format!("{DRAFTS}/{}", segment(id)), &json!({})).await
    }

    /// Who follows the event stream now.
    pub async fn presence(&self) -> Result<Presence> {
        self.get("/v1/herald/presence").await
    }
}
