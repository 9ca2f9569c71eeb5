//! Reads an account's options and credentials, with errors that name the field.

use super::adapter::{Account, AccountError};
use crate::domain::validate;
use secrecy::{ExposeSecret, SecretString};

impl Account {
    /// A credential or option as text; empty ones count as not set. Numbers and
    /// flags are given in their JSON form.
    pub fn text(&self, field: &str) -> Option<String> {
        let text = match self.credentials.get(field) {
            Some(secret) => secret.expose_secret().to_owned(),
            None => match serde_json::from_str(self.provider.options.get(field)?).ok()? {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => return None,
                other => other.to_string(),
            },
        };
        if text.is_empty() { None } else { Some(text) }
    }

    /// As [`Account::text`], and it must be set.
    pub fn required(&self, field: &str) -> Result<String, AccountError> {
        self.text(field).ok_or_else(|| AccountError::Missing {
            provider: self.provider.id.to_string(),
            field: field.to_owned(),
        })
    }

    /// A secret that must be set.
    pub fn required_secret(&self, field: &str) -> Result<SecretString, AccountError> {
        match self.credentials.get(field) {
            Some(secret) if !secret.expose_secret().is_empty() => Ok(secret.clone()),
            _ => {
                Err(AccountError::Missing { provider: self.provider.id.to_string(), field: field.to_owned() })
            }
        }
    }

    /// A text that goes into a header: one line, no control characters.
    pub fn line(&self, field: &str) -> Result<Option<String>, AccountError> {
        match self.text(field) {
            Some(text) if text.chars().any(char::is_control) => {
                Err(self.invalid(field, "contains a line break or control character"))
            }
            text => Ok(text),
        }
    }

    /// A flag, or `default` when it is not set.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool, AccountError> {
        match self.text(field).as_deref() {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(_) => Err(self.invalid(field, "is neither true nor false")),
        }
    }

    /// A TCP port, or `default` when it is not set.
    pub fn port(&self, field: &str, default: u16) -> Result<u16, AccountError> {
        match self.text(field) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => Ok(port),
                _ => Err(self.invalid(field, "is not a port from 1 to 65535")),
            },
        }
    }

    /// A mail address, if it is set.
    pub fn email(&self, field: &str) -> Result<Option<String>, AccountError> {
        match self.text(field) {
            Some(text) if !validate::email(&text) => Err(self.invalid(field, "is not a mail address")),
            text => Ok(text),
        }
    }

    /// The error for a field that is set to something unusable.
    pub fn invalid(&self, field: &str, problem: impl Into<String>) -> AccountError {
        AccountError::Invalid {
            provider: self.provider.id.to_string(),
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::channel::Channel;
    use crate::domain::ids::{ProviderId, ProviderNo, Revision};
    use crate::domain::provider::{Door, Limits, Provider};
    use crate::domain::time::Timestamp;

    /// An account with options as JSON values and credentials as text.
    pub(crate) fn account(
        kind: &str,
        channel: Channel,
        options: &[(&str, &str)],
        credentials: &[(&str, &str)],
    ) -> Account {
        let provider = Provider {
            no: ProviderNo(1),
            id: ProviderId::new("main").unwrap(),
            name: "Main".to_owned(),
            kind: kind.to_owned(),
            channel,
            enabled: true,
            options: options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            credentials: std::collections::BTreeMap::new(),
            limits: Limits::default(),
            hold: None,
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision::default(),
            door: Door::Network,
            guard: None,
        };
        let credentials =
            credentials.iter().map(|&(name, value)| (name.to_owned(), SecretString::from(value))).collect();
        Account { provider, credentials, allow_private: true, receipts_url: None }
    }

    #[test]
    fn fields_come_from_both_sides() {
        let options = [("autoTLS", "false"), ("port", "2525"), ("fromName", "\"A\\nB\""), ("empty", "\"\"")];
        let account =
            account("smtp", Channel::Email, &options, &[("host", "mx.example.com"), ("password", "")]);
        assert_eq!(account.required("host").unwrap(), "mx.example.com");
        assert!(!account.flag("autoTLS", true).unwrap());
        assert_eq!(account.port("port", 587).unwrap(), 2525);
        assert_eq!(account.port("other", 587).unwrap(), 587);
        assert_eq!(account.text("empty"), None);
        assert!(account.line("fromName").is_err());
        let error = account.required_secret("password").unwrap_err().to_string();
        assert_eq!(error, "provider main has no password: set it, then enable the provider");
    }
}
