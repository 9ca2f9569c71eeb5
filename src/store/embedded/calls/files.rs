//! Buckets and files.

use crate::domain::audit::AuditEntry;
use crate::domain::file::{Bucket, FileRef, StoredFile};
use crate::domain::ids::{BucketId, Revision};
use crate::store::embedded::writer::Class;
use crate::store::embedded::{Embedded, files};
use crate::store::error::Result;
use crate::store::files::{Buckets, FileAges, FileTotals};
use crate::store::page::{Page, PageRequest};
use async_trait::async_trait;
use std::collections::BTreeSet;

#[async_trait]
impl Buckets for Embedded {
    async fn create_bucket(&self, bucket: Bucket, audit: AuditEntry) -> Result<Bucket> {
        self.write(Class::Growth, move |tx| files::create_bucket(tx, &bucket, &audit)).await
    }

    async fn bucket(&self, id: &BucketId) -> Result<Bucket> {
        let id = id.clone();
        self.read(move |view| files::bucket(view, &id)).await
    }

    async fn put_bucket(&self, bucket: Bucket, expect: Revision, audit: AuditEntry) -> Result<Bucket> {
        self.write(Class::Growth, move |tx| files::put_bucket(tx, &bucket, expect, &audit)).await
    }

    async fn delete_bucket(&self, id: &BucketId, audit: AuditEntry) -> Result<()> {
        let id = id.clone();
        self.write(Class::Essential, move |tx| files::delete_bucket(tx, &id, &audit)).await
    }

    async fn buckets(&self, page: PageRequest<Bucket>) -> Result<Page<Bucket>> {
        self.read(move |view| files::buckets(view, &page)).await
    }

    async fn create_file(
        &self,
        file: StoredFile,
        most: u64,
        audit: AuditEntry,
    ) -> Result<Option<StoredFile>> {
        self.write(Class::Growth, move |tx| files::create(tx, &file, most, &audit)).await
    }

    async fn file(&self, file: &FileRef) -> Result<StoredFile> {
        let file = file.clone();
        self.read(move |view| files::file(view, &file)).await
    }

    async fn put_file(
        &self,
        file: StoredFile,
        expect: Revision,
        audit: Option<AuditEntry>,
    ) -> Result<StoredFile> {
        self.write(Class::Growth, move |tx| files::put(tx, &file, expect, audit.as_ref())).await
    }

    async fn delete_file(&self, file: &FileRef, audit: AuditEntry) -> Result<StoredFile> {
        let file = file.clone();
        self.write(Class::Essential, move |tx| files::delete(tx, &file, &audit)).await
    }

    async fn discard_file(&self, file: &FileRef, audit: AuditEntry) -> Result<Option<StoredFile>> {
        let file = file.clone();
        self.write(Class::Essential, move |tx| files::discard(tx, &file, &audit)).await
    }

    async fn files(&self, bucket: &BucketId, page: PageRequest<StoredFile>) -> Result<Page<StoredFile>> {
        let bucket = bucket.clone();
        self.read(move |view| files::page(view, &bucket, &page)).await
    }

    async fn file_totals(&self) -> Result<FileTotals> {
        self.read(files::totals).await
    }

    async fn digest_in_use(&self, digest: &str) -> Result<bool> {
        let digest = digest.to_owned();
        self.read(move |view| files::digest_in_use(view, &digest)).await
    }

    async fn stale_files(&self, ages: FileAges, limit: usize) -> Result<Vec<StoredFile>> {
        self.read(move |view| files::past(view, ages, limit)).await
    }

    async fn files_in_messages(&self) -> Result<BTreeSet<FileRef>> {
        self.read(files::in_messages).await
    }
}
