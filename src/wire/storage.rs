//! Buckets and files.

use crate::domain::ids::{BucketId, FileId, Revision};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A place for files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // the dialect's fields
pub struct Bucket {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: BucketId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// The dialect's permissions, kept as they were given: a key needs none.
    #[serde(rename = "$permissions")]
    pub permissions: Vec<String>,
    /// Whether files have permissions of their own.
    pub file_security: bool,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether clients without a key may use it.
    pub enabled: bool,
    /// The largest file, in bytes.
    pub maximum_file_size: u64,
    /// Extensions that names must have; empty: any.
    pub allowed_file_extensions: Vec<String>,
    /// Always `none`.
    #[serde(default)]
    pub compression: String,
    /// Always false: protect the disk.
    #[serde(default)]
    pub encryption: bool,
    /// Always false.
    #[serde(default)]
    pub antivirus: bool,
    /// Always false.
    #[serde(default)]
    pub transformations: bool,
    /// Always false.
    #[serde(default)]
    pub strip_metadata: bool,
    /// Bytes of its files.
    #[serde(default)]
    pub total_size: u64,
    /// Herald: one more on every edit.
    #[serde(default)]
    pub revision: Revision,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its id.
    #[serde(rename = "$id")]
    pub id: FileId,
    /// In which bucket.
    pub bucket_id: BucketId,
    /// When it was created.
    #[serde(rename = "$createdAt")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(rename = "$updatedAt")]
    pub updated_at: Timestamp,
    /// The dialect's permissions, kept as they were given.
    #[serde(rename = "$permissions")]
    pub permissions: Vec<String>,
    /// Its name.
    pub name: String,
    /// Always empty.
    #[serde(default)]
    pub folder: String,
    /// The name again.
    #[serde(default)]
    pub key: String,
    /// MD5 of the content in hex; empty until it is whole.
    pub signature: String,
    /// The MIME type; empty until it is whole.
    pub mime_type: String,
    /// Bytes.
    pub size_original: u64,
    /// Bytes on the disk: the same.
    #[serde(default)]
    pub size_actual: u64,
    /// Parts in all.
    pub chunks_total: u64,
    /// Parts that are there.
    pub chunks_uploaded: u64,
    /// Always false.
    #[serde(default)]
    pub encryption: bool,
    /// Always `none`.
    #[serde(default)]
    pub compression: String,
}
