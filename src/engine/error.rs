//! What the engine can refuse.

use crate::domain::ids::IdError;
use crate::domain::state::TransitionError;
use crate::domain::validate::Invalid;
use crate::providers::adapter::AccountError;
use crate::store::StoreError;

/// Why the engine did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value from the door breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// An adapter cannot be made from the account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// What was asked does not go with the state of things, and why.
    #[error("{0}")]
    Refused(String),
}

impl From<TransitionError> for EngineError {
    fn from(error: TransitionError) -> Self {
        Self::Store(StoreError::Transition(error))
    }
}

/// The engine's results.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;
