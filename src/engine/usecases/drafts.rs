//! Drafts that a composer saves by itself, per operator.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::ids::{DraftId, Revision};
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::store::documents::{DocumentChange, Shelf};
use crate::store::page::Order;
use crate::wire::ErrorType;
use crate::wire::draft::{SaveDraft, SavedDraft, SavedDraftList};
use std::time::Duration;

/// The largest draft, in bytes.
const LARGEST: usize = 256 << 10;
/// The most drafts of one operator.
const MOST: usize = 200;
/// How long a draft is kept after it was last saved.
pub(crate) const KEPT: Duration = Duration::from_hours(24 * 30);

/// What keys of an operator's drafts begin with. A name may have any character, and
/// none of them may lead into somebody else's drafts.
fn prefix(by: &Actor) -> String {
    let owner = by.key.as_deref().unwrap_or(&by.name);
    let kind = if by.key.is_some() { 'k' } else { 'o' };
    format!("{kind}{}/", url::form_urlencoded::byte_serialize(owner.as_bytes()).collect::<String>())
}

fn missing(id: &DraftId) -> Refusal {
    Refusal::new(ErrorType::DraftNotFound, format!("There is no draft {id} of yours"))
}

fn decode(bytes: &[u8]) -> Result<SavedDraft, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(format!("a draft: {error}")))
}

impl Engine {
    /// Saves a draft; what was saved under its id before is replaced.
    pub async fn save_draft(&self, by: &Actor, id: &DraftId, save: SaveDraft) -> Outcome<SavedDraft> {
        let key = format!("{}{id}", prefix(by));
        let now = self.now();
        let before = self.store().document(Shelf::Drafts, &key).await?;
        let old = before.as_deref().map(decode).transpose()?;
        let revision = old.as_ref().map_or(Revision(0), |old| old.revision);
        if save.revision.is_some_and(|expected| expected != revision) {
            return Err(Refusal::new(
                ErrorType::Stale,
                format!("Draft {id} was saved elsewhere meanwhile (revision {revision}): look at it again"),
            ));
        }
        let draft = SavedDraft {
            id: id.clone(),
            created_at: old.as_ref().map_or(now, |old| old.created_at),
            updated_at: now,
            revision: revision.next(),
            document: save.document,
        };
        let bytes = serde_json::to_vec(&draft)
            .map_err(|error| Invalid::value("document", format!("it cannot be kept: {error}")))?;
        if bytes.len() > LARGEST {
            return Err(Invalid::value("document", "Value must be a JSON object of at most 256 KiB").into());
        }
        if old.is_none() && self.drafts(by).await?.drafts.len() >= MOST {
            return Err(Refusal::not_now(format!("You have {MOST} drafts already: delete some of them")));
        }
        let change = DocumentChange::put(Shelf::Drafts, key, bytes);
        let change = match before {
            Some(before) => change.expecting(before),
            None => change.fresh(),
        };
        match self.store().write_documents(vec![change], None).await {
            Err(StoreError::Moved) => Err(Refusal::new(
                ErrorType::Stale,
                format!("Draft {id} was saved elsewhere meanwhile: look at it again"),
            )),
            result => {
                result?;
                Ok(draft)
            }
        }
    }

    /// A draft of this operator.
    pub async fn draft(&self, by: &Actor, id: &DraftId) -> Outcome<SavedDraft> {
        let found = self.store().document(Shelf::Drafts, &format!("{}{id}", prefix(by))).await?;
        Ok(decode(&found.ok_or_else(|| missing(id))?)?)
    }

    /// An operator's drafts, the newest first.
    pub async fn drafts(&self, by: &Actor) -> Outcome<SavedDraftList> {
        let found = self.store().documents(Shelf::Drafts, &prefix(by), None, Order::Ascending, MOST).await?;
        let mut drafts: Vec<_> = found.iter().map(|(_, bytes)| decode(bytes)).collect::<Result<_, _>>()?;
        drafts.sort_by_key(|draft| std::cmp::Reverse(draft.updated_at));
        Ok(SavedDraftList { drafts })
    }

    /// Deletes a draft of this operator.
    pub async fn delete_draft(&self, by: &Actor, id: &DraftId) -> Outcome<()> {
        self.draft(by, id).await?;
        let change = DocumentChange::remove(Shelf::Drafts, format!("{}{id}", prefix(by)));
        Ok(self.store().write_documents(vec![change], None).await?)
    }

    /// Removes drafts that were last saved long ago.
    pub(crate) async fn sweep_drafts(&self) -> Outcome<()> {
        let oldest = self.now().minus(KEPT);
        let mut after: Option<String> = None;
        loop {
            let page =
                self.store().documents(Shelf::Drafts, "", after.as_deref(), Order::Ascending, 100).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, bytes) in page {
                if decode(&bytes).is_ok_and(|draft| draft.updated_at >= oldest) {
                    continue;
                }
                let gone = DocumentChange::remove(Shelf::Drafts, key).expecting(bytes);
                match self.store().write_documents(vec![gone], None).await {
                    Err(StoreError::Moved) => {}
                    result => result?,
                }
            }
        }
    }
}
