//! Users, targets, identifiers, imports.

use crate::domain::audit::AuditEntry;
use crate::domain::channel::Channel;
use crate::domain::ids::{IdentifierNo, ImportId, Revision, TargetId, TargetNo, UserId, UserNo};
use crate::domain::person::{Identifier, Target, User};
use crate::domain::time::Timestamp;
use crate::store::embedded::record::Counts;
use crate::store::embedded::table::{Table, View as _};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, imports, people, record, tx};
use crate::store::error::Result;
use crate::store::log::{Lookup, Query};
use crate::store::page::{Page, PageRequest};
use crate::store::people::{
    ImportCounts, ImportPerson, ImportRecord, NewTarget, NewUser, People, TargetChange,
};
use async_trait::async_trait;

/// Rows that one step of an undo looks at.
const UNDO_STEP: usize = 1000;

impl Embedded {
    /// Numbers and totals of a snapshot.
    pub(in crate::store::embedded) fn counts(
        view: &mut crate::store::embedded::table::Snapshot,
    ) -> crate::store::embedded::fail::Attempt<Counts> {
        Ok(view.get(Table::Meta, tx::COUNTS, record::decode)?.transpose()?.unwrap_or_default())
    }
}

#[async_trait]
impl People for Embedded {
    async fn create_user(&self, user: NewUser, audit: AuditEntry) -> Result<(User, Vec<Target>)> {
        self.write(Class::Growth, move |tx| people::create_user(tx, &user, &audit)).await
    }

    async fn user(&self, id: &UserId) -> Result<User> {
        let id = id.clone();
        self.read(move |view| people::user_by_id(view, &id)).await
    }

    async fn user_by_no(&self, no: UserNo) -> Result<User> {
        self.read(move |view| people::user(view, no)).await
    }

    async fn put_user(
        &self,
        user: User,
        expect: Revision,
        targets: Vec<TargetChange>,
        audit: AuditEntry,
    ) -> Result<User> {
        self.write(Class::Growth, move |tx| people::put_user(tx, &user, expect, &targets, &audit)).await
    }

    async fn delete_user(&self, id: &UserId, expect: Option<Revision>, audit: AuditEntry) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| people::delete_user(tx, &id, expect, &audit)).await
    }

    async fn users(&self, page: PageRequest<User>) -> Result<Page<User>> {
        self.read(move |view| {
            let total = Self::counts(view)?.users;
            people::users(view, &page, total)
        })
        .await
    }

    async fn create_target(&self, user: &UserId, target: NewTarget, audit: AuditEntry) -> Result<Target> {
        let user = user.clone();
        self.write(Class::Growth, move |tx| people::create_target(tx, &user, &target, &audit)).await
    }

    async fn target(&self, id: &TargetId) -> Result<Target> {
        let id = id.clone();
        self.read(move |view| people::target_by_id(view, &id)).await
    }

    async fn targets_by_no(&self, nos: &[TargetNo]) -> Result<Vec<Option<Target>>> {
        let nos = nos.to_vec();
        self.read(move |view| {
            nos.iter().map(|no| Ok(people::target_row(view, *no)?.map(|row| row.target))).collect()
        })
        .await
    }

    async fn targets_of(&self, user: UserNo) -> Result<Vec<Target>> {
        self.read(move |view| people::targets_of(view, user)).await
    }

    async fn target_by_address(&self, channel: Channel, address: &str) -> Result<Option<Target>> {
        let address = address.to_owned();
        self.read(move |view| {
            let no = people::address(view, channel, &address)?.target;
            no.map(|no| people::target(view, no)).transpose()
        })
        .await
    }

    async fn put_target(&self, target: Target, expect: Revision, audit: AuditEntry) -> Result<Target> {
        self.write(Class::Growth, move |tx| people::put_target(tx, &target, expect, &audit)).await
    }

    async fn delete_target(&self, id: &TargetId, expect: Option<Revision>, audit: AuditEntry) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| people::delete_target(tx, &id, expect, &audit)).await
    }

    async fn targets(&self, page: PageRequest<Target>) -> Result<Page<Target>> {
        self.read(move |view| {
            let total = Self::counts(view)?.targets;
            people::targets(view, &page, total)
        })
        .await
    }

    async fn identifiers(&self, nos: &[IdentifierNo]) -> Result<Vec<Option<Identifier>>> {
        let nos = nos.to_vec();
        self.read(move |view| people::identifiers(view, &nos)).await
    }

    async fn identifiers_of(&self, channel: Channel, address: &str) -> Result<Vec<Identifier>> {
        let address = address.to_owned();
        self.read(move |view| {
            let nos = people::address(view, channel, &address)?.identifiers;
            Ok(people::identifiers(view, &nos)?.into_iter().flatten().collect())
        })
        .await
    }

    async fn erase_address(&self, channel: Channel, address: &str, audit: AuditEntry) -> Result<u64> {
        let address = address.to_owned();
        self.write(Class::Essential, move |tx| people::erase(tx, channel, &address, &audit)).await
    }

    async fn begin_import(&self, id: ImportId, source: String, audit: AuditEntry) -> Result<ImportRecord> {
        self.write(Class::Growth, move |tx| imports::begin(tx, &id, &source, &audit)).await
    }

    async fn import_people(
        &self,
        import: &ImportId,
        people: Vec<ImportPerson>,
        at: Timestamp,
    ) -> Result<ImportCounts> {
        let import = import.clone();
        self.write(Class::Growth, move |tx| imports::step(tx, &import, &people, at)).await
    }

    async fn undo_import(&self, import: &ImportId, audit: AuditEntry) -> Result<ImportCounts> {
        let mut stayed = ImportCounts::default();
        loop {
            let (id, shared) = (import.clone(), std::sync::Arc::clone(&self.shared));
            let (more, step) = self
                .write(Class::Essential, move |tx| {
                    let mut stayed = ImportCounts::default();
                    let log = shared.log.snapshot()?;
                    // Whom something was sent to since stays: the log speaks of them.
                    let used = |no: TargetNo| {
                        let page = log.page(&Query::new(Lookup::Target(no.0), 1))?;
                        Ok(!page.rows.is_empty())
                    };
                    let more = imports::undo_step(tx, &id, UNDO_STEP, &used, &mut stayed)?;
                    Ok((more, stayed))
                })
                .await?;
            stayed.users += step.users;
            stayed.targets += step.targets;
            stayed.topics += step.topics;
            if !more {
                break;
            }
        }
        let id = import.clone();
        self.write(Class::Essential, move |tx| imports::undone(tx, &id, &audit)).await?;
        Ok(stayed)
    }

    async fn rewrite_import(&self, import: ImportRecord) -> Result<()> {
        self.write(Class::Essential, move |tx| imports::rewrite(tx, &import)).await
    }

    async fn imports(&self, limit: usize) -> Result<Vec<ImportRecord>> {
        self.read(move |view| imports::all(view, limit)).await
    }
}
