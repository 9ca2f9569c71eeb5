//! Providers: fields by the table of kinds, credentials that are never shown.

use super::error::{Outcome, Refusal};
use super::key_change;
use super::slow_start;
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::guard::{GUARD_OPTION, GuardRule};
use crate::domain::ids::{ProviderId, ProviderNo, Revision};
use crate::domain::provider::{Door, Field, Kind, Limits, Provider, Shape};
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::providers::adapter::{Account, AccountError};
use crate::wire::ErrorType;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;

/// Stands for the characters of a secret that are not shown.
pub const MASK: char = '•';

/// What is shown of a secret: its last four characters if it is long enough that
/// they tell nothing.
pub fn mask(secret: &str) -> String {
    let length = secret.chars().count();
    let tail: String = if length >= 12 { secret.chars().skip(length - 4).collect() } else { String::new() };
    format!("{MASK}{MASK}{MASK}{MASK}{tail}")
}

/// What creates and changes share; on a change, what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProviderEdit {
    /// The name.
    pub name: Option<String>,
    /// Whether it may be chosen.
    pub enabled: Option<bool>,
    /// Which type, for kinds with more than one.
    pub channel: Option<Channel>,
    /// How much may go through it.
    pub limits: Option<Limits>,
    /// When its bulk is stopped.
    pub guard: Option<GuardRule>,
    /// Values by field, checked against their shape. An empty text counts as not given.
    pub fields: BTreeMap<&'static str, Value>,
    /// Refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
    /// Through which door the request came.
    pub door: Door,
    /// A new key is taken without asking the service.
    pub unchecked: bool,
}

/// Whether a change of this field may send the credentials to somebody else.
fn is_where(field: &Field) -> bool {
    matches!(field.name, "host" | "endpoint" | "ca" | "encryption" | "autoTLS")
}

/// A value as the text that is sealed.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A sealed text, as the API shows it when it is no secret.
pub fn shown(field: &Field, text: &str) -> Value {
    match field.shape {
        Shape::Port => text.parse::<u16>().map_or_else(|_| text.into(), Value::from),
        Shape::Flag => (text == "true").into(),
        _ => text.into(),
    }
}

/// Whether a field says which machine is connected to.
fn is_host(field: &Field) -> bool {
    matches!(field.name, "host" | "port" | "endpoint")
}

type Credentials = BTreeMap<String, SecretString>;

/// Puts the given values into a provider. Says whether credentials changed, and
/// which secrets had to be forgotten because their receiver has changed.
fn merge(
    kind: &Kind,
    provider: &mut Provider,
    credentials: &mut Credentials,
    fields: &BTreeMap<&'static str, Value>,
    door: Door,
) -> Outcome<(bool, Vec<&'static str>)> {
    let mut changed = false;
    let mut elsewhere = false;
    let mut fresh = Vec::new();
    for field in kind.fields {
        let Some(value) = fields.get(field.name) else { continue };
        let text = as_text(value);
        if text.is_empty() {
            continue;
        }
        if field.secret {
            let held = credentials.get(field.name).map(|secret| mask(secret.expose_secret()));
            if held.as_ref() == Some(&text) {
                continue;
            }
            if text.contains(MASK) {
                return Err(Invalid::value(
                    field.name,
                    "Value is a mask, and not that of the stored value: give the secret itself, or leave it out",
                )
                .into());
            }
            fresh.push(field.name);
        }
        if field.credential {
            let same = credentials.get(field.name).is_some_and(|held| held.expose_secret() == text);
            if !same {
                if is_host(field) {
                    provider.door = door;
                }
                elsewhere |= is_where(field) && !provider.credentials.is_empty();
                let visible = if field.secret { mask(&text) } else { text.clone() };
                provider.credentials.insert(field.name.into(), visible);
                credentials.insert(field.name.into(), SecretString::from(text));
                changed = true;
            }
        } else {
            let text = value.to_string();
            if provider.options.get(field.name) != Some(&text) {
                if is_host(field) {
                    provider.door = door;
                }
                elsewhere |= is_where(field) && !provider.credentials.is_empty();
                provider.options.insert(field.name.into(), text);
            }
        }
    }
    let mut forgotten = Vec::new();
    if elsewhere {
        // What signs or verifies here is never sent there.
        let sent = |field: &&Field| field.secret && !field.proves && field.name != "dkimKey";
        for field in kind.fields.iter().filter(sent).filter(|field| !fresh.contains(&field.name)) {
            if credentials.remove(field.name).is_some() {
                provider.credentials.remove(field.name);
                forgotten.push(field.name);
                changed = true;
            }
        }
    }
    Ok((changed, forgotten))
}

/// Keeps a rule among the options.
fn set_guard(provider: &mut Provider, rule: Option<GuardRule>) {
    if let Some(text) = rule.and_then(|rule| serde_json::to_string(&rule).ok()) {
        provider.options.insert(GUARD_OPTION.to_owned(), text);
    }
}

/// Fields that enabling needs and that are not there.
fn missing(kind: &Kind, provider: &Provider) -> Vec<&'static str> {
    let has = |field: &Field| {
        if field.credential {
            provider.credentials.contains_key(field.name)
        } else {
            provider.options.get(field.name).is_some_and(|text| text != "\"\"")
        }
    };
    kind.fields.iter().filter(|field| field.required && !has(field)).map(|field| field.name).collect()
}

impl Engine {
    /// Refuses a gateway's description that can make no request, where a kind is described by
    /// templates: at the door, and not with the first message.
    fn check_description(&self, kind: &Kind, provider: &Provider, credentials: &Credentials) -> Outcome<()> {
        let described = kind.fields.iter().any(|field| field.shape == Shape::Template);
        if !described || !missing(kind, provider).is_empty() {
            return Ok(());
        }
        let account = Account {
            provider: provider.clone(),
            credentials: credentials.clone(),
            allow_private: true,
            receipts_url: None,
        };
        match self.core.adapters.connect(&account, provider.channel) {
            Err(AccountError::Invalid { field, problem, .. }) => {
                Err(Invalid::value(field, format!("Value {problem}")).into())
            }
            Err(AccountError::Missing { field, .. }) => Err(Invalid::value(field, "Value is needed").into()),
            Err(AccountError::NoAdapter(_)) | Ok(_) => Ok(()),
        }
    }

    /// Creates a provider. As in the dialect, one that cannot be enabled yet is
    /// stored as disabled.
    pub async fn create_provider(
        &self,
        by: &Actor,
        kind: &'static Kind,
        id: &str,
        edit: ProviderEdit,
    ) -> Outcome<Provider> {
        let id = ProviderId::new(self.id_or_new(id))?;
        let now = self.now();
        let channel = match (kind.channels, edit.channel) {
            ([only], None) => *only,
            (all, Some(channel)) if all.contains(&channel) => channel,
            (all, _) => {
                let words: Vec<_> = all.iter().map(|channel| channel.as_str()).collect();
                return Err(
                    Invalid::value("type", format!("Value must be one of ({})", words.join(", "))).into()
                );
            }
        };
        let mut provider = Provider {
            no: ProviderNo(0),
            id,
            name: edit.name.unwrap_or_default(),
            kind: kind.name.to_owned(),
            channel,
            enabled: false,
            options: BTreeMap::new(),
            credentials: BTreeMap::new(),
            limits: edit.limits.unwrap_or_default(),
            hold: None,
            created: now,
            updated: now,
            revision: Revision(0),
            door: edit.door,
            guard: None,
        };
        let mut credentials = Credentials::new();
        set_guard(&mut provider, edit.guard);
        merge(kind, &mut provider, &mut credentials, &edit.fields, edit.door)?;
        self.check_description(kind, &provider, &credentials)?;
        provider.limits = slow_start::begin(&provider);
        provider.enabled = edit.enabled.unwrap_or(false) && missing(kind, &provider).is_empty();
        let state = if provider.enabled { "enabled" } else { "disabled" };
        let summary = format!("{} “{}” created, {state}", kind.title, provider.name);
        let audit = self.entry(by, "provider.create", format_args!("provider/{}", provider.id), summary);
        Ok(self.store().create_provider(provider, credentials, audit).await?)
    }

    /// Changes a provider. A change of where the credentials would be sent
    /// forgets them unless they are given anew, and then disables the provider.
    pub async fn edit_provider(
        &self,
        by: &Actor,
        kind: &'static Kind,
        id: &ProviderId,
        edit: ProviderEdit,
    ) -> Outcome<Provider> {
        let mut provider = self.store().provider(id).await?;
        if provider.kind != kind.name {
            return Err(Refusal::new(
                ErrorType::ProviderIncorrectType,
                format!("Provider {id} is of kind {}, not {}", provider.kind, kind.name),
            ));
        }
        let mut credentials = self.store().credentials(provider.no).await?;
        let before = provider.clone();
        let held = credentials.clone();
        let (changed, forgotten) = merge(kind, &mut provider, &mut credentials, &edit.fields, edit.door)?;
        self.check_description(kind, &provider, &credentials)?;
        if let Some(name) = edit.name {
            provider.name = name;
        }
        if let Some(limits) = edit.limits {
            provider.limits = limits;
        }
        set_guard(&mut provider, edit.guard);
        let lacking = missing(kind, &provider);
        match edit.enabled {
            Some(true) if !lacking.is_empty() => {
                return Err(Refusal::new(
                    ErrorType::ProviderMissingCredentials,
                    format!("Provider cannot be enabled: it has no {}", lacking.join(", ")),
                ));
            }
            Some(enabled) => provider.enabled = enabled,
            None => {}
        }
        if !forgotten.is_empty() || !lacking.is_empty() {
            provider.enabled = false;
        }
        // New credentials deserve a new try.
        if changed && provider.hold.as_ref().is_some_and(|hold| hold.refusal().is_some()) {
            provider.hold = None;
        }
        provider.updated = self.now();
        let mut summary = changes(&before, &provider, &forgotten, changed);
        if changed && lacking.is_empty() && key_change::is_one(kind, &held, &credentials) {
            let said = self.check_key(kind, &provider, &credentials, edit.unchecked).await?;
            summary = format!("{summary}; {said}");
        }
        let audit = self.entry(by, "provider.update", format_args!("provider/{id}"), summary);
        let expect = edit.revision.unwrap_or(before.revision);
        Ok(self.store().put_provider(provider, changed.then_some(credentials), expect, audit).await?)
    }

    /// Deletes a provider. Targets that were pinned to it fall back to the default.
    /// With a revision, only while it has that one still.
    pub async fn delete_provider(
        &self,
        by: &Actor,
        id: &ProviderId,
        expect: Option<Revision>,
    ) -> Outcome<()> {
        let provider = self.store().provider(id).await?;
        let summary = format!("“{}” deleted", provider.name);
        let audit = self.entry(by, "provider.delete", format_args!("provider/{id}"), summary);
        Ok(self.store().delete_provider(id, expect, audit).await?)
    }
}

/// What changed, in one line, with no value of a credential.
fn changes(before: &Provider, after: &Provider, forgotten: &[&str], credentials: bool) -> String {
    let mut parts = Vec::new();
    if before.name != after.name {
        parts.push(format!("name: “{}” → “{}”", before.name, after.name));
    }
    if before.enabled != after.enabled {
        parts.push(if after.enabled { "enabled".into() } else { "disabled".to_owned() });
    }
    if before.options != after.options {
        parts.push("options".into());
    }
    if before.limits != after.limits {
        parts.push("limits".into());
    }
    if credentials {
        parts.push("credentials".into());
    }
    if !forgotten.is_empty() {
        parts.push(format!("{} forgotten, because the receiver changed", forgotten.join(", ")));
    }
    if parts.is_empty() { "nothing changed".into() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::kind;
    use crate::domain::time::Timestamp;
    use serde_json::json;

    fn provider() -> Provider {
        Provider {
            no: ProviderNo(1),
            id: ProviderId::new("main").unwrap(),
            name: "Main".into(),
            kind: "smtp".into(),
            channel: Channel::Email,
            enabled: true,
            options: BTreeMap::new(),
            credentials: BTreeMap::new(),
            limits: Limits::default(),
            hold: None,
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision(1),
            door: Door::Local,
            guard: None,
        }
    }

    fn fields(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, Value> {
        pairs.iter().map(|(name, value)| (*name, json!(value))).collect()
    }

    #[test]
    fn a_mask_tells_little() {
        assert_eq!(mask("short"), "••••");
        assert_eq!(mask("a-long-secret-1234"), "••••1234");
    }

    #[test]
    fn its_own_mask_means_unchanged_and_any_other_is_refused() {
        let smtp = kind("smtp").unwrap();
        let (mut provider, mut credentials) = (provider(), Credentials::new());
        let first = fields(&[("host", "mx.example.com"), ("password", "correct horse battery")]);
        merge(smtp, &mut provider, &mut credentials, &first, Door::Local).unwrap();
        assert_eq!(provider.credentials["password"], "••••tery");

        let same = fields(&[("password", "••••tery")]);
        assert_eq!(
            merge(smtp, &mut provider, &mut credentials, &same, Door::Local).unwrap(),
            (false, vec![])
        );
        assert_eq!(credentials["password"].expose_secret(), "correct horse battery");

        let other = fields(&[("password", "••••xxxx")]);
        assert!(merge(smtp, &mut provider, &mut credentials, &other, Door::Local).is_err());
    }

    #[test]
    fn another_receiver_does_not_get_the_old_secrets() {
        let smtp = kind("smtp").unwrap();
        for (name, value) in [("host", "evil.example"), ("encryption", "none"), ("ca", "PEM")] {
            let (mut provider, mut credentials) = (provider(), Credentials::new());
            let first = fields(&[("host", "mx.example.com"), ("encryption", "tls"), ("password", "secret")]);
            merge(smtp, &mut provider, &mut credentials, &first, Door::Local).unwrap();
            let (changed, forgotten) =
                merge(smtp, &mut provider, &mut credentials, &fields(&[(name, value)]), Door::Local).unwrap();
            assert!(changed, "{name}");
            assert_eq!(forgotten, ["password"], "{name}");
            assert!(!credentials.contains_key("password"), "{name}");
            assert!(!provider.credentials.contains_key("password"), "{name}");
        }
    }

    #[test]
    fn a_new_secret_for_a_new_receiver_stays() {
        let smtp = kind("smtp").unwrap();
        let (mut provider, mut credentials) = (provider(), Credentials::new());
        let first = fields(&[("host", "mx.example.com"), ("password", "old")]);
        merge(smtp, &mut provider, &mut credentials, &first, Door::Local).unwrap();
        let moved = fields(&[("host", "mx.example.org"), ("password", "new")]);
        let (_, forgotten) = merge(smtp, &mut provider, &mut credentials, &moved, Door::Local).unwrap();
        assert!(forgotten.is_empty());
        assert_eq!(credentials["password"].expose_secret(), "new");
    }

    #[test]
    fn the_door_is_that_of_whoever_names_the_host() {
        let smtp = kind("smtp").unwrap();
        let (mut provider, mut credentials) = (provider(), Credentials::new());
        let mut merge = |pairs: &[(&'static str, &str)], door| {
            merge(smtp, &mut provider, &mut credentials, &fields(pairs), door).unwrap();
            provider.door
        };
        assert_eq!(merge(&[("host", "127.0.0.1"), ("port", "25")], Door::Local), Door::Local);
        assert_eq!(merge(&[("host", "127.0.0.1"), ("fromName", "A")], Door::Network), Door::Local);
        assert_eq!(merge(&[("port", "26")], Door::Network), Door::Network);
        assert_eq!(merge(&[("fromName", "B")], Door::Local), Door::Network);
        assert_eq!(merge(&[("host", "localhost")], Door::Local), Door::Local);
        assert_eq!(merge(&[("host", "10.0.0.1")], Door::Network), Door::Network);
    }
}
