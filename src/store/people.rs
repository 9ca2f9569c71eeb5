//! Users, targets and identifiers, as the store keeps them.

use super::error::Result;
use super::page::{Page, PageRequest};
use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{
    IdentifierNo, ImportId, ProviderId, Revision, TargetId, TargetNo, TopicId, UserId, UserNo,
};
use crate::domain::person::{Identifier, Target, User};
use crate::domain::time::Timestamp;
use async_trait::async_trait;

/// A target to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTarget {
    /// Its id.
    pub id: TargetId,
    /// What it can receive.
    pub channel: Channel,
    /// Its address, validated.
    pub identifier: String,
    /// The provider that it is pinned to.
    pub provider: Option<ProviderId>,
    /// Its name; may be empty.
    pub name: String,
}

/// A user to be created, with the targets that come with it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUser {
    /// The id.
    pub id: UserId,
    /// The name; may be empty.
    pub name: String,
    /// The mail address.
    pub email: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// A JSON object as text.
    pub prefs: String,
    /// The automatic targets. One whose address already belongs to a target is
    /// not created again (dialect: the existing one is shown with the user).
    pub targets: Vec<NewTarget>,
}

/// What is done to a user's targets together with a change of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetChange {
    /// A new one.
    Create(NewTarget),
    /// The address of an existing one changes, which also un-expires it.
    Readdress(TargetId, String),
    /// An existing one goes.
    Delete(TargetId),
}

/// A person of an import, as one step.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportPerson {
    /// The line of the file, for the report.
    pub line: u64,
    /// The user's id, given or derived.
    pub user: UserId,
    /// The id is derived from an address: it stands for whoever has the address already.
    pub derived: bool,
    /// The name; empty: not given, an existing name stays.
    pub name: String,
    /// Addresses by channel.
    pub addresses: Vec<(Channel, String)>,
    /// The provider of push addresses.
    pub push_provider: Option<ProviderId>,
    /// Topics to subscribe to, made where they are missing.
    pub topics: Vec<TopicId>,
}

/// What a step of an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportCounts {
    /// Users made.
    pub users: u64,
    /// Targets made.
    pub targets: u64,
    /// Subscriptions made.
    pub subscriptions: u64,
    /// Topics made.
    pub topics: u64,
    /// Names changed.
    pub renamed: u64,
    /// People of whom everything was already there.
    pub unchanged: u64,
    /// Lines refused by the store, with the reason (an address of somebody else).
    pub refused: Vec<(u64, String)>,
}

/// An import that was made, and can be undone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImportRecord {
    /// Its id.
    pub id: ImportId,
    /// When it began.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The name of the file.
    pub source: String,
    /// What it did in all.
    pub counts: ImportCounts,
    /// When it was undone.
    pub undone: Option<Timestamp>,
}

/// Users, targets, identifiers.
#[async_trait]
pub trait People {
    /// Creates a user and its automatic targets in one transaction.
    async fn create_user(&self, user: NewUser, audit: AuditEntry) -> Result<(User, Vec<Target>)>;
    /// A user by id.
    async fn user(&self, id: &UserId) -> Result<User>;
    /// A user by number.
    async fn user_by_no(&self, no: UserNo) -> Result<User>;
    /// Replaces a user that still has the expected revision, together with changes of its targets.
    async fn put_user(
        &self,
        user: User,
        expect: Revision,
        targets: Vec<TargetChange>,
        audit: AuditEntry,
    ) -> Result<User>;
    /// Deletes a user with its targets and their subscriptions.
    /// With a revision, only while it has that one still.
    async fn delete_user(&self, id: &UserId, expect: Option<Revision>, audit: AuditEntry) -> Result<()>;
    /// A page of users; `search` is a prefix of words of name, email, phone or id.
    async fn users(&self, page: PageRequest<User>) -> Result<Page<User>>;

    /// Creates a target of a user.
    async fn create_target(&self, user: &UserId, target: NewTarget, audit: AuditEntry) -> Result<Target>;
    /// A target by id.
    async fn target(&self, id: &TargetId) -> Result<Target>;
    /// Targets by number, in the order asked; `None` for those that are gone.
    async fn targets_by_no(&self, nos: &[TargetNo]) -> Result<Vec<Option<Target>>>;
    /// All targets of a user, in order of number.
    async fn targets_of(&self, user: UserNo) -> Result<Vec<Target>>;
    /// The target that has this address now.
    async fn target_by_address(&self, channel: Channel, address: &str) -> Result<Option<Target>>;
    /// Replaces a target that still has the expected revision. A new address gets
    /// an identifier record of its own; the old record stays for what refers to it.
    async fn put_target(&self, target: Target, expect: Revision, audit: AuditEntry) -> Result<Target>;
    /// Deletes a target with its subscriptions.
    /// With a revision, only while it has that one still.
    async fn delete_target(&self, id: &TargetId, expect: Option<Revision>, audit: AuditEntry) -> Result<()>;
    /// A page of targets of everybody.
    async fn targets(&self, page: PageRequest<Target>) -> Result<Page<Target>>;

    /// Identifier records by number, in the order asked.
    async fn identifiers(&self, nos: &[IdentifierNo]) -> Result<Vec<Option<Identifier>>>;
    /// Every identifier record that ever stood for this address.
    async fn identifiers_of(&self, channel: Channel, address: &str) -> Result<Vec<Identifier>>;
    /// Forgets a person: the user, the targets, and the address in every
    /// identifier record. Counts and log rows stay; they then refer to nobody.
    async fn erase_address(&self, channel: Channel, address: &str, audit: AuditEntry) -> Result<u64>;

    /// Begins an import.
    async fn begin_import(&self, id: ImportId, source: String, audit: AuditEntry) -> Result<ImportRecord>;
    /// Writes a step of an import in one transaction. What exists is left as it is.
    async fn import_people(
        &self,
        import: &ImportId,
        people: Vec<ImportPerson>,
        at: Timestamp,
    ) -> Result<ImportCounts>;
    /// Takes back what an import made and nobody has used since; says what stayed.
    async fn undo_import(&self, import: &ImportId, audit: AuditEntry) -> Result<ImportCounts>;
    /// Replaces the texts of an import's record: those that quote somebody who is forgotten.
    async fn rewrite_import(&self, import: ImportRecord) -> Result<()>;
    /// Imports, newest first.
    async fn imports(&self, limit: usize) -> Result<Vec<ImportRecord>>;
}
