//! What a call can fail with.

use super::transport::TransportError;
use crate::wire::ErrorBody;
use http::StatusCode;

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody could be reached, or the line broke.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The API refused.
    #[error("{message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// For programs, such as `message_not_found`.
        kind: String,
        /// For people.
        message: String,
        /// How the record stands, if somebody else has changed it meanwhile.
        stale: Option<Box<crate::wire::error::StaleRecord>>,
    },
    /// The request could not be made.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// The answer is not what it should be: another version answers.
    #[error("the answer was not understood ({0}): does another version of Herald run?")]
    Answer(String),
}

/// The client's results.
pub type Result<T, E = ClientError> = std::result::Result<T, E>;

impl ClientError {
    pub(super) fn of_body(status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(error) => Self::Api {
                status: status.as_u16(),
                kind: error.kind,
                message: error.message,
                stale: error.stale,
            },
            Err(_) => Self::Api {
                status: status.as_u16(),
                kind: "general_unknown".into(),
                message: format!("the answer was {status} without a reason"),
                stale: None,
            },
        }
    }

    /// The HTTP status, if the API answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The error's type, such as `message_not_found`; empty if the API did not answer.
    pub fn kind(&self) -> &str {
        match self {
            Self::Api { kind, .. } => kind,
            _ => "",
        }
    }

    /// Whether nobody could be reached, or the line broke: worth trying again.
    pub fn is_transport(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// How the record stands, if somebody else has changed it meanwhile.
    pub fn stale(&self) -> Option<&crate::wire::error::StaleRecord> {
        match self {
            Self::Api { stale, .. } => stale.as_deref(),
            _ => None,
        }
    }

    /// Whether somebody else changed the record meanwhile.
    pub fn is_stale(&self) -> bool {
        self.kind() == "general_stale"
    }
}
