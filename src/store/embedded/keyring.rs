//! Keys that were asked for, so that a request does not look into the file for who sends it.

use crate::store::catalog::ApiKey;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most keys that are held.
const MOST: usize = 4096;

/// Keys by the hash of their secret, as of the last commit that touched any.
#[derive(Debug, Default)]
pub(super) struct Keyring(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    /// One more with each commit that touched keys.
    age: u64,
    keys: HashMap<[u8; 32], Arc<ApiKey>>,
}

impl Keyring {
    /// The key, if it is held; and of which age what is looked up now would be.
    pub(super) fn find(&self, hash: &[u8; 32]) -> (Option<Arc<ApiKey>>, u64) {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (held.keys.get(hash).map(Arc::clone), held.age)
    }

    /// Holds a key that was looked up, unless keys were touched since: it may be gone.
    pub(super) fn hold(&self, key: Arc<ApiKey>, age: u64) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.age != age {
            return;
        }
        if held.keys.len() >= MOST {
            held.keys.clear();
        }
        held.keys.insert(key.hash, key);
    }

    /// Forgets all: keys were touched.
    pub(super) fn forget(&self) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.age += 1;
        held.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::KeyId;
    use crate::domain::time::Timestamp;

    #[test]
    fn what_was_looked_up_before_a_change_is_not_held_after_it() {
        let ring = Keyring::default();
        let key = Arc::new(ApiKey {
            id: KeyId::new("k").unwrap(),
            name: "k".into(),
            hash: [1; 32],
            scopes: Vec::new(),
            expires: None,
            created: Timestamp(0),
            accessed: None,
        });
        let (none, age) = ring.find(&key.hash);
        assert!(none.is_none());
        ring.forget();
        ring.hold(Arc::clone(&key), age);
        assert!(ring.find(&key.hash).0.is_none());
        let (_, age) = ring.find(&key.hash);
        ring.hold(Arc::clone(&key), age);
        assert!(ring.find(&key.hash).0.is_some());
        ring.forget();
        assert!(ring.find(&key.hash).0.is_none());
    }
}
