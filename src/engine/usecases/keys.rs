//! API keys: the secret is said once and kept as a hash.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::hex::hex;
use crate::domain::ids::KeyId;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::RecordKind;
use crate::store::catalog::ApiKey;
use crate::wire::ErrorType;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// How a secret begins: the dialect's word for a key of a project.
pub const KEY_PREFIX: &str = "standard_";

/// A key to be created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDraft {
    /// The id, or `unique()`.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// The hash under which a secret is kept. The prefix is no part of it, so that a
/// client may leave it out.
pub fn hash_secret(secret: &str) -> [u8; 32] {
    let bare = secret.strip_prefix(KEY_PREFIX).unwrap_or(secret);
    let hash = digest(&SHA256, bare.as_bytes());
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    std::hint::black_box(left.iter().zip(right).fold(0, |differ, (a, b)| differ | (a ^ b))) == 0
}

impl Engine {
    /// Creates a key; the secret is given to nobody else and never again.
    pub async fn create_key(&self, by: &Actor, draft: KeyDraft) -> Outcome<(ApiKey, SecretString)> {
        let mut random = [0u8; 32];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| Refusal::new(ErrorType::ServerError, "The system gives no random numbers"))?;
        let secret = format!("{KEY_PREFIX}{}", hex(&random));
        let id = KeyId::new(self.id_or_new(&draft.id))?;
        let key = ApiKey {
            id: id.clone(),
            name: draft.name,
            hash: hash_secret(&secret),
            scopes: draft.scopes,
            expires: draft.expires,
            created: self.now(),
            accessed: None,
        };
        let summary = format!("“{}” created: {}", key.name, key.scopes.join(", "));
        let audit = self.entry(by, "key.create", format_args!("key/{id}"), summary);
        self.store().create_key(key.clone(), audit).await?;
        Ok((key, SecretString::from(secret)))
    }

    /// The key with this secret, if there is one.
    pub async fn key_of(&self, secret: &str) -> Outcome<Option<Arc<ApiKey>>> {
        let hash = hash_secret(secret);
        let Some(key) = self.store().key_by_hash(hash).await? else { return Ok(None) };
        Ok(same(&key.hash, &hash).then_some(key))
    }

    /// Whether the last use of a key was noted more than a day ago.
    pub fn is_use_due(&self, key: &ApiKey) -> bool {
        key.accessed.is_none_or(|at| self.now().since(at) >= Duration::from_hours(24))
    }

    /// Notes that a key was used. Where that fails, its next use tries again.
    pub async fn note_key_use(&self, id: &KeyId) {
        if let Err(error) = self.store().touch_key(id, self.now()).await {
            tracing::debug!(%error, key = %id, "the use of a key was not noted");
        }
    }

    /// Deletes a key.
    pub async fn delete_key(&self, by: &Actor, id: &KeyId) -> Outcome<()> {
        let keys = self.store().keys().await?;
        let key = keys
            .iter()
            .find(|key| key.id == *id)
            .ok_or_else(|| Refusal::not_found(RecordKind::Key, id.as_str()))?;
        let audit = self.entry(by, "key.delete", format_args!("key/{id}"), format!("“{}” deleted", key.name));
        Ok(self.store().delete_key(id, audit).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_may_be_left_out() {
        assert_eq!(hash_secret("standard_abc"), hash_secret("abc"));
        assert_ne!(hash_secret("abc"), hash_secret("abd"));
        assert!(same(&hash_secret("abc"), &hash_secret("abc")));
        assert!(!same(&hash_secret("abc"), &hash_secret("abd")));
    }
}
