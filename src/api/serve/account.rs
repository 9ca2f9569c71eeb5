//! Who is at the other end of the socket, and what the settings grant them.

use super::ServeError;
use crate::settings::{Grant, Settings};
use crate::wire::key::SCOPES;
use std::fs::read_to_string;
use std::sync::Arc;

/// What the settings grant to users and groups of this machine, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Granted {
    users: Vec<(String, Vec<String>)>,
    groups: Vec<(String, Vec<String>)>,
}

/// Whether a scope only lets read.
fn reads(scope: &str) -> bool {
    scope.rsplit('.').next() == Some("read")
}

/// The scopes that a grant's words stand for.
fn scopes(grant: &Grant) -> Result<Vec<String>, ServeError> {
    let mut held = Vec::new();
    for word in &grant.scopes {
        let before = held.len();
        held.extend(SCOPES.iter().map(|(scope, _)| *scope).filter(|scope| match word.as_str() {
            "*" => true,
            "read" => reads(scope),
            word => *scope == word,
        }));
        if held.len() == before {
            return Err(ServeError::Grant { who: grant.who.clone(), scope: word.clone() });
        }
    }
    held.sort_unstable();
    held.dedup();
    Ok(held.into_iter().map(str::to_owned).collect())
}

impl Granted {
    /// Reads the settings `access.users` and `access.groups`.
    pub(super) fn of(settings: &Settings) -> Result<Self, ServeError> {
        let read = |grants: &[Grant]| {
            grants.iter().map(|grant| Ok((grant.who.clone(), scopes(grant)?))).collect::<Result<_, _>>()
        };
        Ok(Self { users: read(&settings.access_users.0)?, groups: read(&settings.access_groups.0)? })
    }

    /// Whether nothing is granted.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    /// What is granted to an account.
    pub(super) fn to(&self, account: &Account) -> Arc<[String]> {
        let own =
            self.users.iter().filter(|(who, _)| *who == account.login || *who == account.uid.to_string());
        let shared = self.groups.iter().filter(|(who, _)| account.groups.contains(who));
        let mut held: Vec<_> = own.chain(shared).flat_map(|(_, scopes)| scopes.iter().cloned()).collect();
        held.sort_unstable();
        held.dedup();
        held.into()
    }
}

/// An account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    /// Its login; its number where it has no name.
    pub(super) login: String,
    /// Its groups, each by name and by number.
    groups: Vec<String>,
}

impl Account {
    /// The account of a user id whose process has this primary group.
    pub(super) fn of(uid: u32, gid: u32) -> Self {
        let read = |path| read_to_string(path).unwrap_or_default();
        Self::find(uid, gid, &read("/etc/passwd"), &read("/etc/group"))
    }

    fn find(uid: u32, gid: u32, accounts: &str, groups: &str) -> Self {
        let login = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
        });
        let mut member_of = vec![gid.to_string()];
        for line in groups.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(number), members) = (fields.next(), fields.nth(1), fields.next()) else {
                continue;
            };
            let named = members.unwrap_or_default().split(',').any(|member| Some(member) == login.as_deref());
            if named || number == gid.to_string() {
                member_of.extend([name.to_owned(), number.to_owned()]);
            }
        }
        Self { uid, login: login.unwrap_or_else(|| format!("user {uid}")), groups: member_of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{SettingValue, Sources};

    const ACCOUNTS: &str = "root:x:0:0::/root:/bin/sh\nmira:x:1001:100::/home/mira:/bin/sh\n";
    const GROUPS: &str = "users:x:100:\nops:x:27:deploy,mira\nother:x:28:\n";

    fn settings(users: &str, groups: &str) -> Settings {
        let flags = [("access.users", users), ("access.groups", groups)];
        let flags = flags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Settings::load(&Sources { flags, ..Sources::default() }).unwrap()
    }

    #[test]
    fn an_account_has_its_login_and_its_groups() {
        let mira = Account::find(1001, 100, ACCOUNTS, GROUPS);
        assert_eq!(mira.login, "mira");
        assert_eq!(mira.groups, ["100", "users", "100", "ops", "27"]);
        assert_eq!(Account::find(7, 7, ACCOUNTS, GROUPS).login, "user 7");
    }

    #[test]
    fn grants_add_up() {
        let mira = Account::find(1001, 100, ACCOUNTS, GROUPS);
        let held = |users, groups| Granted::of(&settings(users, groups)).unwrap().to(&mira).to_vec();
        assert_eq!(held("mira=topics.read", ""), ["topics.read"]);
        assert_eq!(held("1001=topics.read", "ops=topics.write+topics.read"), ["topics.read", "topics.write"]);
        assert_eq!(held("deploy=*", "other=*"), [""; 0]);
        assert_eq!(held("mira=*", "").len(), SCOPES.len());
        assert!(held("mira=read", "").iter().all(|scope| reads(scope)));
        let error = Granted::of(&settings("mira=topic.read", "")).unwrap_err().to_string();
        assert!(error.contains("topic.read") && error.contains("mira"), "{error}");
        assert!(crate::settings::Grants::read("mira=read").is_some());
    }
}
