//! Users and their targets.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, Revision, TargetId, UserId};
use crate::domain::person::{Target, User, canonical_address};
use crate::domain::validate;
use crate::engine::Engine;
use crate::store::people::{NewTarget, NewUser, TargetChange};
use crate::store::{RecordKind, StoreError};
use crate::wire::ErrorType;

/// A user to be created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserDraft {
    /// The id, or `unique()`.
    pub id: String,
    /// The mail address.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// The name.
    pub name: String,
}

/// A target to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetDraft {
    /// The id, or `unique()`.
    pub id: String,
    /// What it can receive.
    pub channel: Channel,
    /// The address.
    pub identifier: String,
    /// The provider to pin it to.
    pub provider: Option<String>,
    /// The name.
    pub name: String,
}

/// A change of a target; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetEdit {
    /// The address; also un-expires the target.
    pub identifier: Option<String>,
    /// The provider to pin it to; empty unpins.
    pub provider: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// Refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
}

/// A change of a user.
#[derive(Debug, Clone, PartialEq)]
pub enum UserEdit {
    /// The name.
    Name(String),
    /// The mail address and its automatic target; `None` clears.
    Email(Option<String>),
    /// The phone number and its automatic target; `None` clears.
    Phone(Option<String>),
    /// False: blocked.
    Enabled(bool),
    /// Labels.
    Labels(Vec<String>),
    /// Preferences: a JSON object as text.
    Prefs(String),
}

impl UserEdit {
    fn event(&self) -> (&'static str, &'static str) {
        match self {
            Self::Name(_) => ("user.update", "name changed"),
            Self::Email(_) => ("user.update", "mail address changed"),
            Self::Phone(_) => ("user.update", "phone number changed"),
            Self::Enabled(true) => ("user.update", "unblocked"),
            Self::Enabled(false) => ("user.update", "blocked"),
            Self::Labels(_) => ("user.update", "labels changed"),
            Self::Prefs(_) => ("user.update", "preferences changed"),
        }
    }
}

/// The address in its canonical form, or the dialect's refusal.
pub fn checked_address(channel: Channel, address: &str) -> Outcome<String> {
    let canonical = canonical_address(channel, address);
    if validate::address(channel, &canonical) {
        return Ok(canonical);
    }
    Err(match channel {
        Channel::Email => Refusal::new(
            ErrorType::InvalidEmail,
            "Value must be a valid email address, such as ana@example.com",
        ),
        Channel::Sms => Refusal::new(
            ErrorType::InvalidPhone,
            "Phone number must start with a '+' and can have a maximum of fifteen digits, such as +4915112345678",
        ),
        Channel::Push => Refusal::new(
            ErrorType::ArgumentInvalid,
            "Invalid `identifier` param: a device token is printable ASCII without spaces",
        ),
    })
}

impl Engine {
    fn automatic_target(&self, channel: Channel, identifier: String) -> Outcome<NewTarget> {
        let id = TargetId::new(self.new_id())?;
        Ok(NewTarget { id, channel, identifier, provider: None, name: String::new() })
    }

    /// Creates a user with its automatic targets.
    pub async fn create_user(&self, by: &Actor, draft: UserDraft) -> Outcome<(User, Vec<Target>)> {
        let id = UserId::new(self.id_or_new(&draft.id))?;
        let email = draft.email.map(|email| checked_address(Channel::Email, &email)).transpose()?;
        let phone = draft.phone.map(|phone| checked_address(Channel::Sms, &phone)).transpose()?;
        let mut targets = Vec::new();
        for (channel, address) in [(Channel::Email, &email), (Channel::Sms, &phone)] {
            if let Some(address) = address {
                targets.push(self.automatic_target(channel, address.clone())?);
            }
        }
        let audit = self.entry(by, "user.create", format_args!("user/{id}"), "created");
        let user =
            NewUser { id, name: draft.name, email, phone, labels: Vec::new(), prefs: "{}".into(), targets };
        Ok(self.store().create_user(user, audit).await?)
    }

    /// A user with its targets.
    pub async fn user_with_targets(&self, id: &UserId) -> Outcome<(User, Vec<Target>)> {
        let user = self.store().user(id).await?;
        let targets = self.store().targets_of(user.no).await?;
        Ok((user, targets))
    }

    /// Changes a user, and with an address its automatic target. With `expect`,
    /// refused as stale unless the user still has that revision.
    pub async fn edit_user(
        &self,
        by: &Actor,
        id: &UserId,
        edit: UserEdit,
        expect: Option<Revision>,
    ) -> Outcome<(User, Vec<Target>)> {
        let (mut user, targets) = self.user_with_targets(id).await?;
        let (event, summary) = edit.event();
        let mut changes = Vec::new();
        match edit {
            UserEdit::Name(name) => user.name = name,
            UserEdit::Enabled(enabled) => user.enabled = enabled,
            UserEdit::Labels(labels) => user.labels = labels,
            UserEdit::Prefs(prefs) => user.prefs = prefs,
            UserEdit::Email(email) => {
                let email = email.map(|email| checked_address(Channel::Email, &email)).transpose()?;
                let old = std::mem::replace(&mut user.email, email.clone());
                changes.extend(self.readdress(Channel::Email, old, email, &targets)?);
            }
            UserEdit::Phone(phone) => {
                let phone = phone.map(|phone| checked_address(Channel::Sms, &phone)).transpose()?;
                let old = std::mem::replace(&mut user.phone, phone.clone());
                changes.extend(self.readdress(Channel::Sms, old, phone, &targets)?);
            }
        }
        let revision = expect.unwrap_or(user.revision);
        let audit = self.entry(by, event, format_args!("user/{id}"), summary);
        self.store().put_user(user, revision, changes, audit).await?;
        self.user_with_targets(id).await
    }

    /// What the change of a user's address does to its automatic target.
    fn readdress(
        &self,
        channel: Channel,
        old: Option<String>,
        new: Option<String>,
        targets: &[Target],
    ) -> Outcome<Option<TargetChange>> {
        let held = old.and_then(|old| {
            targets.iter().find(|target| target.channel == channel && target.identifier == old)
        });
        Ok(match (held, new) {
            (Some(target), Some(new)) if target.identifier == new => None,
            (Some(target), Some(new)) => Some(TargetChange::Readdress(target.id.clone(), new)),
            (Some(target), None) => Some(TargetChange::Delete(target.id.clone())),
            (None, Some(new)) => Some(TargetChange::Create(self.automatic_target(channel, new)?)),
            (None, None) => None,
        })
    }

    /// Deletes a user with its targets and their subscriptions.
    /// With a revision, only while it has that one still.
    pub async fn delete_user(&self, by: &Actor, id: &UserId, expect: Option<Revision>) -> Outcome<()> {
        let audit = self.entry(by, "user.delete", format_args!("user/{id}"), "deleted with its targets");
        Ok(self.store().delete_user(id, expect, audit).await?)
    }

    /// Creates a target. As in the dialect, a provider that does not exist is not pinned.
    pub async fn create_target(&self, by: &Actor, user: &UserId, draft: TargetDraft) -> Outcome<Target> {
        let identifier = checked_address(draft.channel, &draft.identifier)?;
        self.store().user(user).await?;
        let provider = match draft.provider.filter(|id| !id.is_empty()) {
            Some(id) => {
                let id = ProviderId::new(id)?;
                match self.store().provider(&id).await {
                    Ok(_) => Some(id),
                    Err(StoreError::NotFound { .. }) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            None => None,
        };
        let id = TargetId::new(self.id_or_new(&draft.id))?;
        let summary = format!("{} target created", draft.channel);
        let audit = self.entry(by, "target.create", format_args!("target/{id}"), summary);
        let target = NewTarget { id, channel: draft.channel, identifier, provider, name: draft.name };
        Ok(self.store().create_target(user, target, audit).await?)
    }

    /// A target, if it is this user's.
    pub async fn target_of(&self, user: &UserId, id: &TargetId) -> Outcome<Target> {
        let user = self.store().user(user).await?;
        let target = self.store().target(id).await?;
        if target.user_no == user.no {
            Ok(target)
        } else {
            Err(Refusal::not_found(RecordKind::Target, id.as_str()))
        }
    }

    /// Changes a target.
    pub async fn edit_target(
        &self,
        by: &Actor,
        user: &UserId,
        id: &TargetId,
        edit: TargetEdit,
    ) -> Outcome<Target> {
        let mut target = self.target_of(user, id).await?;
        if let Some(identifier) = edit.identifier {
            target.identifier = checked_address(target.channel, &identifier)?;
            target.expired = false;
        }
        if let Some(provider) = edit.provider {
            target.provider = if provider.is_empty() {
                None
            } else {
                let provider = self.store().provider(&ProviderId::new(provider)?).await?;
                if provider.channel != target.channel {
                    return Err(Refusal::new(
                        ErrorType::ProviderIncorrectType,
                        format!(
                            "Provider {} delivers {}, the target is {}",
                            provider.id, provider.channel, target.channel
                        ),
                    ));
                }
                Some(provider.id)
            };
        }
        if let Some(name) = edit.name {
            target.name = name;
        }
        let revision = edit.revision.unwrap_or(target.revision);
        let audit = self.entry(by, "target.update", format_args!("target/{id}"), "changed");
        Ok(self.store().put_target(target, revision, audit).await?)
    }

    /// Deletes a target with its subscriptions.
    /// With a revision, only while it has that one still.
    pub async fn delete_target(
        &self,
        by: &Actor,
        user: &UserId,
        id: &TargetId,
        expect: Option<Revision>,
    ) -> Outcome<()> {
        self.target_of(user, id).await?;
        let audit = self.entry(by, "target.delete", format_args!("target/{id}"), "deleted");
        Ok(self.store().delete_target(id, expect, audit).await?)
    }
}
