//! How a command fails: a sentence that says what to do, and an exit code.

use super::instance::InstanceError;
use crate::client::ClientError;
use crate::domain::ids::IdError;
use crate::settings::SettingsError;
use std::io;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something did not work.
    #[error("{0}")]
    Failed(String),
    /// What was typed cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The state of things, a conflict or a rule forbids it.
    #[error("{0}")]
    Refused(String),
    /// It was done, and somebody was not accepted, or a check found faults.
    #[error("{0}")]
    Incomplete(String),
    /// There is no engine to talk to, or it does not let us in.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody pressed ctrl-c.
    #[error("interrupted")]
    Interrupted,
    /// The same, and it ended in order.
    #[error("{0}")]
    Stopped(String),
}

impl Failure {
    /// The exit code, as `herald --help` lists them.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Refused(_) => 4,
            Self::Incomplete(_) => 5,
            Self::Unreachable(_) => 6,
            Self::Interrupted | Self::Stopped(_) => 130,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let text = error.to_string();
        match error.status() {
            None if error.is_transport() => Self::Unreachable(text),
            Some(404) => Self::NotFound(text),
            Some(401 | 403) => Self::Unreachable(text),
            Some(400..=499) => Self::Refused(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<InstanceError> for Failure {
    fn from(error: InstanceError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The result of a command.
pub type Outcome<T = ()> = Result<T, Failure>;
