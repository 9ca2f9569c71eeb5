//! What providers are called: people know `main`, not `660f2981b21b85653773`.

use super::sanitize;
use crate::domain::ids::ProviderId;
use crate::wire::provider::ProviderHealth;

/// The names of the providers that there are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a>(&'a [ProviderHealth]);

impl<'a> Names<'a> {
    /// Those of these providers.
    pub fn of(providers: &'a [ProviderHealth]) -> Self {
        Self(providers)
    }

    /// A provider's name; its id where it has none, or another has the same.
    pub fn provider(self, id: &ProviderId) -> String {
        let named = |name: &str| self.0.iter().filter(|one| one.name == name).count();
        match self.0.iter().find(|one| one.id == *id) {
            Some(one) if !one.name.trim().is_empty() && named(&one.name) == 1 => {
                sanitize::line(&one.name).into_owned()
            }
            _ => id.to_string(),
        }
    }

    /// The same, or nothing.
    pub fn any(self, id: Option<&ProviderId>) -> String {
        id.map(|id| self.provider(id)).unwrap_or_default()
    }
}
