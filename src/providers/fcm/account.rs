//! The service account: its key, and the access tokens that it is exchanged for.

use crate::domain::delivery::Stage;
use crate::providers::adapter::{Account, AccountError, Answer, Verdict};
use crate::providers::http::{Head, HttpClient, HttpError, Requests};
use crate::providers::jwt::Signer;
use crate::providers::push::{now_ms, shown};
use bytes::Bytes;
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Google's token endpoint, where the service account names none.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// What the access token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// An assertion may live an hour at most.
const LIFE_S: i64 = 3600;
/// A token is renewed this long before it ends.
const SPARE: Duration = Duration::from_mins(10);

/// The fields of the file that Google gives.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default)]
    token_uri: String,
}

/// A service account, and the way to its access tokens.
#[derive(Debug)]
pub(super) struct ServiceAccount {
    pub(super) project: String,
    email: String,
    key_id: String,
    token_uri: String,
    signer: Signer,
    client: HttpClient,
    head: Head,
}

/// Why there is no access token. Nothing has been sent to anybody.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum GrantError {
    /// The key does not sign.
    #[error("the service account's private key {0}")]
    Key(String),
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Google says no.
    #[error("{text}")]
    Refused { status: u16, text: String, retry_after: Option<Duration> },
}

impl GrantError {
    /// What it means for a recipient.
    pub(super) fn answer(&self) -> Answer {
        let text = format!("no access token: {self}");
        match self {
            Self::Key(_) => Answer::new(Verdict::Refused, Stage::Authentication, 0, text),
            Self::Http(HttpError::Dial(error)) => Answer::new(error.verdict(), Stage::Connect, 0, text),
            // What was lost is a token, not a message.
            Self::Http(_) => Answer::new(Verdict::Transient, Stage::Connect, 0, text),
            Self::Refused { status, retry_after, .. } => {
                let later = matches!(status, 408 | 425 | 429 | 200..=299 | 500..);
                let verdict = if later { Verdict::Transient } else { Verdict::Refused };
                let mut answer = Answer::new(verdict, Stage::Authentication, *status, text);
                answer.retry_after = *retry_after;
                answer
            }
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl ServiceAccount {
    pub(super) fn read(
        account: &Account,
        tls: &Arc<ClientConfig>,
        requests: Requests,
    ) -> Result<Self, AccountError> {
        const FIELD: &str = "serviceAccountJSON";
        let text = account.required_secret(FIELD)?;
        let unusable = |problem: String| account.invalid(FIELD, problem);
        // The parser's own message could quote the key.
        let file: KeyFile = serde_json::from_str(text.expose_secret()).map_err(|error| {
            unusable(format!("is not the JSON of a service account (line {})", error.line()))
        })?;
        let lacks = |name: &str| unusable(format!("has no {name}: give the whole file as Google made it"));
        for (name, value) in [
            ("project_id", &file.project_id),
            ("client_email", &file.client_email),
            ("private_key", &file.private_key),
        ] {
            if value.is_empty() {
                return Err(lacks(name));
            }
        }
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
        if !file.project_id.chars().all(usable) {
            return Err(unusable("has a project_id that cannot stand in a path".to_owned()));
        }
        let signer = Signer::rsa_pem(&file.private_key)
            .map_err(|error| unusable(format!("has a private_key that {error}")))?;
        let token_uri = if file.token_uri.is_empty() { TOKEN_URI.to_owned() } else { file.token_uri };
        let bad_uri = |problem: String| unusable(format!("has a token_uri that {problem}"));
        let url = Url::parse(&token_uri).map_err(|_| bad_uri("is no URL".to_owned()))?;
        let mut base = url.clone();
        base.set_path("");
        base.set_query(None);
        let client =
            HttpClient::new(&base, Arc::clone(tls), account.allow_private, requests).map_err(&bad_uri)?;
        let head = client.head(url.path(), "application/x-www-form-urlencoded", []).map_err(bad_uri)?;
        Ok(Self {
            project: file.project_id,
            email: file.client_email,
            key_id: file.private_key_id,
            token_uri,
            signer,
            client,
            head,
        })
    }

    /// The request for a token as it is shown; the assertion is not.
    pub(super) fn shown(&self) -> String {
        format!("POST {} (assertion of {}: ••••)", self.token_uri, self.email)
    }

    /// Exchanges an assertion for an access token, and how long it is to be used.
    pub(super) async fn grant(&self) -> Result<(String, Duration), GrantError> {
        let now = now_ms() / 1000;
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + LIFE_S,
        });
        let kid = Some(self.key_id.as_str()).filter(|kid| !kid.is_empty());
        let assertion =
            self.signer.token(kid, &claims).map_err(|error| GrantError::Key(error.to_string()))?;
        let body =
            format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
        let answer = self.client.line().request(&self.head, None, Bytes::from(body)).await?;
        let status = answer.status.as_u16();
        let refused = |text: String| GrantError::Refused { status, text, retry_after: answer.retry_after };
        if status != 200 {
            return Err(refused(shown(status, &answer.body).into_owned()));
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| refused("the answer holds no access token".to_owned()))?;
        let life = Duration::from_secs(granted.expires_in);
        Ok((granted.access_token, life.saturating_sub(SPARE).max(life / 2)))
    }
}
