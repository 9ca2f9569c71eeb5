//! Buckets and files.

use crate::domain::ids::{BucketId, FileId, Revision};
use crate::domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place for files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "the dialect's fields")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl File {
    /// The file as messages name it: `BUCKET:FILE`.
    pub fn at(&self) -> String {
        format!("{}:{}", self.bucket_id, self.id)
    }
}

/// Creates or changes a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WriteBucket {
    /// On create the id, or `unique()`; on a change left out.
    pub bucket_id: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The dialect's permissions.
    pub permissions: Option<Vec<String>>,
    /// Whether files have permissions of their own.
    pub file_security: Option<bool>,
    /// Whether clients without a key may use it.
    pub enabled: Option<bool>,
    /// The largest file, in bytes.
    pub maximum_file_size: Option<u64>,
    /// Extensions that names must have.
    pub allowed_file_extensions: Option<Vec<String>>,
    /// Only `none`.
    pub compression: Option<String>,
    /// Taken and ignored.
    pub encryption: Option<bool>,
    /// Taken and ignored.
    pub antivirus: Option<bool>,
    /// Taken and ignored.
    pub transformations: Option<bool>,
    /// Taken and ignored.
    pub strip_metadata: Option<bool>,
    /// Herald: refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
}

/// Changes a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WriteFile {
    /// A new name.
    pub name: Option<String>,
    /// The dialect's permissions.
    pub permissions: Option<Vec<String>>,
}

/// The form of an upload; a part of a large file names its place in `content-range`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadFile {
    /// The id, or `unique()`.
    pub file_id: String,
    /// The content.
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    pub file: String,
}

/// The signature of a notification's image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PushImage {
    /// What the link was signed with.
    pub jwt: String,
}
