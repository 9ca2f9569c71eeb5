//! Answers, all of them JSON.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

/// An answer before it is an HTTP response.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// Seconds of `Retry-After`.
    pub(super) retry_after: Option<u64>,
    /// The methods of `Allow`.
    pub(super) allow: Option<&'static str>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorText<'a>,
}

#[derive(Serialize)]
struct ErrorText<'a> {
    code: &'a str,
    message: &'a str,
}

impl Answer {
    pub(super) fn ok(body: Bytes) -> Self {
        Self { status: StatusCode::OK, body, retry_after: None, allow: None }
    }

    pub(super) fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::ok(body.into()),
            Err(error) => Self::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error.to_string()),
        }
    }

    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = ErrorBody { error: ErrorText { code, message } };
        Self {
            status,
            // Two strings always serialise.
            body: serde_json::to_vec(&body).unwrap_or_default().into(),
            retry_after: None,
            allow: None,
        }
    }

    pub(super) fn malformed(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "unauthorized", "The bearer token is missing or wrong.")
    }

    pub(super) fn not_allowed(methods: &'static str) -> Self {
        Self {
            allow: Some(methods),
            ..Self::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take this method.",
            )
        }
    }

    pub(super) fn rate_limited(wait: Duration) -> Self {
        Self {
            // Whole seconds, and never too few.
            retry_after: Some((wait.as_secs_f64().ceil() as u64).max(1)),
            ..Self::error(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many recipients; try again later.",
            )
        }
    }

    /// What a fault answers.
    pub(super) fn fault(code: u16, text: Option<&str>, retry_after: Option<u32>) -> Self {
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let name = match code {
            400 => "malformed",
            401 => "unauthorized",
            403 => "suspended",
            429 => "rate_limited",
            500 => "internal",
            503 => "unavailable",
            _ if status.is_client_error() => "refused",
            _ => "failed",
        };
        let text = text.or(status.canonical_reason()).unwrap_or("The request failed.");
        Self {
            retry_after: retry_after.map(u64::from).or((code == 429).then_some(1)),
            ..Self::error(status, name, text)
        }
    }
}
