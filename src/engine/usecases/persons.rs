//! All that is held of a person, and forgetting it.

use super::error::{Outcome, Refusal};
use crate::domain::channel::Channel;
use crate::domain::ids::UserNo;
use crate::domain::person::{Target, User, canonical_address};
use crate::domain::validate;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::wire::ErrorType;
use std::collections::BTreeSet;

/// Who an address leads to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dossier {
    /// As what the address can be read, in canonical form.
    pub addresses: Vec<(Channel, String)>,
    /// Users whose it is.
    pub users: Vec<User>,
    /// All targets of these users.
    pub targets: Vec<Target>,
}

/// As what an address can be read.
pub fn readings(address: &str) -> Vec<(Channel, String)> {
    let email = canonical_address(Channel::Email, address);
    if validate::email(&email) {
        return vec![(Channel::Email, email)];
    }
    let phone: String = address.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '/')).collect();
    if validate::phone(&phone) {
        return vec![(Channel::Sms, phone)];
    }
    let token = canonical_address(Channel::Push, address);
    if validate::device_token(&token) { vec![(Channel::Push, token)] } else { Vec::new() }
}

impl Engine {
    /// Who an address leads to now.
    pub async fn dossier(&self, address: &str) -> Outcome<Dossier> {
        let mut dossier = Dossier { addresses: readings(address), ..Dossier::default() };
        if dossier.addresses.is_empty() {
            return Err(Refusal::new(
                ErrorType::ArgumentInvalid,
                "Invalid `address` param: Value must be a mail address, a phone number with its country code, or a device token",
            ));
        }
        let mut seen: BTreeSet<UserNo> = BTreeSet::new();
        for (channel, address) in &dossier.addresses {
            let Some(target) = self.store().target_by_address(*channel, address).await? else { continue };
            if !seen.insert(target.user_no) {
                continue;
            }
            match self.store().user_by_no(target.user_no).await {
                Ok(user) => {
                    dossier.targets.extend(self.store().targets_of(user.no).await?);
                    dossier.users.push(user);
                }
                Err(StoreError::NotFound { .. }) => dossier.targets.push(target),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(dossier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_what_they_are() {
        assert_eq!(readings("Ana@Example.com"), [(Channel::Email, "ana@example.com".into())]);
        assert_eq!(readings("+49 151 123-45678"), [(Channel::Sms, "+4915112345678".into())]);
        assert_eq!(readings("f3a9:token"), [(Channel::Push, "f3a9:token".into())]);
        assert!(readings("two words ").is_empty());
    }
}
