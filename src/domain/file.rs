//! Files in buckets: what mails attach and notifications show.

use super::ids::{BucketId, BucketNo, FileId, FileNo, IdError, Revision};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of one part of an upload, as the dialect's SDKs cut them.
pub const CHUNK: u64 = 5 << 20;

/// A place for files, with rules for what goes into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The store's number.
    pub no: BucketNo,
    /// The id at the door.
    pub id: BucketId,
    /// How it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The dialect's permissions, kept as they were given: a key needs none.
    pub permissions: Vec<String>,
    /// Whether files have permissions of their own.
    pub file_security: bool,
    /// Whether clients without a key may use it.
    pub enabled: bool,
    /// The largest file, in bytes.
    pub max_size: u64,
    /// Extensions that file names must have; empty: any.
    pub extensions: Vec<String>,
    /// Whole files there are. Kept by the store.
    pub files: u64,
    /// Bytes of its files, unfinished ones at their full size. Kept by the store.
    pub bytes: u64,
    /// When the bucket was created.
    pub created: Timestamp,
    /// When the bucket was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

/// A file, whole or still being uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The store's number.
    pub no: FileNo,
    /// In which bucket.
    pub bucket_no: BucketNo,
    /// In which bucket, as the door says it.
    pub bucket: BucketId,
    /// The id at the door.
    pub id: FileId,
    /// The name with its extension.
    pub name: String,
    /// The dialect's permissions, kept as they were given.
    pub permissions: Vec<String>,
    /// The MIME type, by the content and the name.
    pub mime: String,
    /// Bytes of the whole file.
    pub size: u64,
    /// Which bytes are there, in order and apart: from, to (not included).
    pub parts: Vec<(u64, u64)>,
    /// SHA-256 of the content in hex; empty until it is whole.
    pub digest: String,
    /// MD5 of the content in hex, which the dialect shows; empty until it is whole.
    pub md5: String,
    /// A random key that links to this file alone are signed with.
    pub secret: [u8; 16],
    /// When the file was created.
    pub created: Timestamp,
    /// When the file was last changed.
    pub updated: Timestamp,
    /// One more on every edit.
    pub revision: Revision,
}

impl StoredFile {
    /// Whether all of it is there.
    pub fn is_whole(&self) -> bool {
        !self.digest.is_empty()
    }

    /// Bytes that are there.
    pub fn received(&self) -> u64 {
        self.parts.iter().map(|(from, to)| to - from).sum()
    }

    /// Notes that bytes have come; parts that meet become one.
    pub fn receive(&mut self, from: u64, to: u64) {
        self.parts.push((from, to));
        self.parts.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.parts.len());
        for (from, to) in self.parts.drain(..) {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        self.parts = merged;
    }

    /// The dialect's count of parts in all.
    pub fn chunks_total(&self) -> u64 {
        self.size.div_ceil(CHUNK).max(1)
    }

    /// The dialect's count of parts that are there.
    pub fn chunks_uploaded(&self) -> u64 {
        if self.is_whole() {
            return self.chunks_total();
        }
        // The last part is shorter than the others, and the file is whole only at the end.
        self.received().div_ceil(CHUNK).min(self.chunks_total().saturating_sub(1))
    }
}

/// A file as a message names it: `bucket:file`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileRef {
    /// The bucket.
    pub bucket: BucketId,
    /// The file.
    pub file: FileId,
}

impl FileRef {
    /// Reads the dialect's compound id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (bucket, file) = text.split_once(':').ok_or(IdError::BadCharacter)?;
        Ok(Self { bucket: BucketId::new(bucket)?, file: FileId::new(file)? })
    }
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bucket, self.file)
    }
}

/// The image of a notification: a file, and where devices fetch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageLink {
    /// The file.
    pub file: FileRef,
    /// The URL; empty where none was made.
    pub url: String,
}

impl TryFrom<String> for ImageLink {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        let (file, url) = text.split_once(' ').unwrap_or((&text, ""));
        Ok(Self { file: FileRef::parse(file)?, url: url.to_owned() })
    }
}

impl From<ImageLink> for String {
    fn from(link: ImageLink) -> Self {
        format!("{} {}", link.file, link.url)
    }
}

/// Types by the extension of a name: what mail programs show and open.
const TYPES: &[(&str, &str)] = &[
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("ics", "text/calendar"),
    ("vcf", "text/vcard"),
    ("css", "text/css"),
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("rtf", "application/rtf"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("svg", "image/svg+xml"),
    ("bmp", "image/bmp"),
    ("ico", "image/x-icon"),
    ("heic", "image/heic"),
    ("avif", "image/avif"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// Types that the content itself tells.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
];

/// The extension of a name, in lower case; empty if there is none.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_ascii_lowercase())
}

/// The MIME type of a file: by its first bytes, else by its name.
pub fn media_type(head: &[u8], name: &str) -> &'static str {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return kind;
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    let extension = extension(name);
    // A name does not make an image of what is none.
    TYPES.iter().find(|(known, _)| *known == extension).map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(size: u64) -> StoredFile {
        StoredFile {
            no: FileNo(1),
            bucket_no: BucketNo(1),
            bucket: BucketId::new("b").unwrap(),
            id: FileId::new("f").unwrap(),
            name: "a.bin".into(),
            permissions: Vec::new(),
            mime: String::new(),
            size,
            parts: Vec::new(),
            digest: String::new(),
            md5: String::new(),
            secret: [0; 16],
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision(1),
        }
    }

    #[test]
    fn compound_ids() {
        assert_eq!(FileRef::parse("b:f").unwrap().to_string(), "b:f");
        for bad in ["", "b", ":f", "b:", "b:f:g", "_b:f", "b:f/..", "b:unique()"] {
            assert!(FileRef::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn types_by_content_then_by_name() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n....", "a.pdf"), "image/png");
        assert_eq!(media_type(b"\xff\xd8\xff\xe0", "x"), "image/jpeg");
        assert_eq!(media_type(b"hello", "A.TXT"), "text/plain");
        assert_eq!(media_type(b"hello", "a.png"), "application/octet-stream");
        assert_eq!(media_type(b"", ""), "application/octet-stream");
    }

    #[test]
    fn chunks_as_the_dialect_counts_them() {
        let mut file = file(2 * CHUNK + 7);
        assert_eq!((file.chunks_total(), file.chunks_uploaded()), (3, 0));
        file.receive(2 * CHUNK, 2 * CHUNK + 7);
        assert_eq!(file.chunks_uploaded(), 1);
        file.receive(0, CHUNK);
        file.receive(CHUNK, 2 * CHUNK);
        assert_eq!((file.chunks_uploaded(), file.parts.clone()), (2, vec![(0, 2 * CHUNK + 7)]));
        file.digest = "ab".into();
        assert_eq!(file.chunks_uploaded(), 3);
    }

    proptest! {
        #[test]
        fn parts_in_any_order_and_twice_are_the_whole(mut cuts in prop::collection::vec(1u64..1000, 0..8), seed in 0usize..100) {
            cuts.extend([0, 1000]);
            cuts.sort_unstable();
            cuts.dedup();
            let mut pieces: Vec<_> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let twice = pieces.clone();
            let middle = seed % pieces.len();
            pieces.rotate_left(middle);
            let mut file = file(1000);
            for (from, to) in pieces.into_iter().chain(twice) {
                file.receive(from, to);
            }
            prop_assert_eq!(file.parts.clone(), vec![(0, 1000)]);
            prop_assert_eq!(file.received(), 1000);
        }
    }
}
