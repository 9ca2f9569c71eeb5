//! Buckets and files, as the store keeps them: their records, not their content.

use super::error::Result;
use super::page::{Page, PageRequest};
use crate::domain::audit::AuditEntry;
use crate::domain::file::{Bucket, FileRef, StoredFile};
use crate::domain::ids::{BucketId, Revision};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The directory of files' contents, in the store's directory.
pub const FILES_DIRECTORY: &str = "files";

/// Counts of all buckets together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileTotals {
    /// The last number given to a bucket.
    pub bucket: u32,
    /// The last number given to a file.
    pub file: u64,
    /// Buckets there are.
    pub buckets: u64,
    /// Bytes of all files, unfinished ones at their full size.
    pub bytes: u64,
}

/// Which files are past their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAges {
    /// Uploads that were not finished and last heard of before this.
    pub unfinished: Timestamp,
    /// Whole files created before this; `None`: they are kept.
    pub whole: Option<Timestamp>,
}

/// Buckets and files.
#[async_trait]
pub trait Buckets {
    /// Creates a bucket. Number, totals and revision of the given record are set by the store.
    async fn create_bucket(&self, bucket: Bucket, audit: AuditEntry) -> Result<Bucket>;
    /// A bucket by id.
    async fn bucket(&self, id: &BucketId) -> Result<Bucket>;
    /// Replaces what people edit of a bucket that still has the expected revision.
    async fn put_bucket(&self, bucket: Bucket, expect: Revision, audit: AuditEntry) -> Result<Bucket>;
    /// Deletes a bucket with its files (in steps behind the scenes; the id is free at once).
    async fn delete_bucket(&self, id: &BucketId, audit: AuditEntry) -> Result<()>;
    /// A page of buckets.
    async fn buckets(&self, page: PageRequest<Bucket>) -> Result<Page<Bucket>>;

    /// Creates a file in its bucket. Number and revision are set by the store.
    /// `most`: the most bytes of all files together; 0: no limit. `Ok(None)`: it would be more.
    async fn create_file(&self, file: StoredFile, most: u64, audit: AuditEntry)
    -> Result<Option<StoredFile>>;
    /// A file, whole or not.
    async fn file(&self, file: &FileRef) -> Result<StoredFile>;
    /// Replaces a file that still has the expected revision.
    async fn put_file(
        &self,
        file: StoredFile,
        expect: Revision,
        audit: Option<AuditEntry>,
    ) -> Result<StoredFile>;
    /// Deletes the record of a file, and gives it.
    async fn delete_file(&self, file: &FileRef, audit: AuditEntry) -> Result<StoredFile>;
    /// Deletes the record of a file that no message names, and gives it; `None`: one does, and the
    /// file stays. Looks at every message that is not over, and at those that were made since the
    /// file came; where these are too many to look at, the file counts as named.
    async fn discard_file(&self, file: &FileRef, audit: AuditEntry) -> Result<Option<StoredFile>>;
    /// A page of a bucket's files; those that are not whole are passed over.
    async fn files(&self, bucket: &BucketId, page: PageRequest<StoredFile>) -> Result<Page<StoredFile>>;
    /// Counts of everything.
    async fn file_totals(&self) -> Result<FileTotals>;
    /// Whether some file has this content.
    async fn digest_in_use(&self, digest: &str) -> Result<bool>;
    /// At most `limit` files that are past their time.
    async fn stale_files(&self, ages: FileAges, limit: usize) -> Result<Vec<StoredFile>>;
    /// Files that messages name which are not over: drafts, scheduled, held, being sent.
    async fn files_in_messages(&self) -> Result<BTreeSet<FileRef>>;
}
