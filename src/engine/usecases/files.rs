//! Buckets and files: uploads in parts, contents that are kept once, links.

use super::error::{Outcome, Refusal};
use super::messages::ImageEdit;
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::content::{Attachment, Content};
use crate::domain::file::{Bucket, FileRef, ImageLink, StoredFile, extension};
use crate::domain::ids::{BucketId, BucketNo, FileId, FileNo, Revision};
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::engine::core::Core;
use crate::engine::file_link;
use crate::engine::file_store::Sealed;
use crate::store::error::Result as StoreResult;
use crate::store::{RecordKind, StoreError, Taken};
use crate::wire::ErrorType;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::path::PathBuf;

/// What creates and changes of a bucket share; on a change, what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketEdit {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The dialect's permissions.
    pub permissions: Option<Vec<String>>,
    /// Whether files have permissions of their own.
    pub file_security: Option<bool>,
    /// Whether clients without a key may use it.
    pub enabled: Option<bool>,
    /// The largest file, in bytes.
    pub max_size: Option<u64>,
    /// Extensions that names must have.
    pub extensions: Option<Vec<String>>,
    /// Refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
}

/// A file, or a part of one, that has come in and lies in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Into which bucket.
    pub bucket: BucketId,
    /// The id, or `unique()`.
    pub id: String,
    /// The name with its extension.
    pub name: String,
    /// The dialect's permissions.
    pub permissions: Vec<String>,
    /// Where it lies; nobody else writes to it.
    pub spooled: PathBuf,
    /// Bytes of it.
    pub bytes: u64,
    /// Which part of how many bytes it is; `None`: it is the whole.
    pub part: Option<Part>,
}

/// A part of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its first byte.
    pub from: u64,
    /// The byte after its last.
    pub to: u64,
    /// Bytes of the whole.
    pub of: u64,
}

fn disk(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::new(
            ErrorType::Suspended,
            "The disk has no room for files: free space, Herald goes on by itself",
        ),
        io::ErrorKind::Unsupported => Refusal::not_now(error.to_string()),
        _ => Refusal::new(ErrorType::ServerError, format!("The file cannot be kept: {error}")),
    }
}

/// Runs something that blocks.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> io::Result<T> + Send + 'static) -> Outcome<T> {
    tokio::task::spawn_blocking(run).await.map_err(io::Error::other).flatten().map_err(|error| disk(&error))
}

fn no_file(at: &FileRef) -> Refusal {
    Refusal::not_found(RecordKind::File, at.file.as_str())
}

impl Core {
    /// Deletes a file, and its content where no other file has it.
    pub(crate) async fn delete_file(&self, at: &FileRef, audit: AuditEntry) -> StoreResult<StoredFile> {
        let file = {
            let _gate = self.files.lock().await;
            self.store.delete_file(at, audit).await?
        };
        self.forget_content(&file).await;
        Ok(file)
    }

    /// The same, unless a message names the file; says whether it is gone.
    async fn discard_file(&self, at: &FileRef, audit: AuditEntry) -> StoreResult<bool> {
        let file = {
            let _gate = self.files.lock().await;
            self.store.discard_file(at, audit).await?
        };
        if let Some(file) = &file {
            self.forget_content(file).await;
        }
        Ok(file.is_some())
    }

    /// Removes the content of a file whose record is gone.
    async fn forget_content(&self, file: &StoredFile) {
        let problem = if file.is_whole() {
            self.drop_content(file.digest.clone()).await.err()
        } else {
            let (store, no) = (self.config.files.store.clone(), file.no);
            blocking(move || store.forget(no)).await.err().map(|refusal| refusal.message)
        };
        if let Some(problem) = problem {
            // The record is gone; the sweep tries again.
            tracing::warn!(problem, "the content of a deleted file could not be removed");
        }
    }

    /// Removes a content that no file has.
    pub(crate) async fn drop_content(&self, digest: String) -> Result<(), String> {
        let _gate = self.files.lock().await;
        if self.store.digest_in_use(&digest).await.map_err(|error| error.to_string())? {
            return Ok(());
        }
        let store = self.config.files.store.clone();
        blocking(move || store.remove(&digest)).await.map_err(|refusal| refusal.message)
    }
}

impl Engine {
    /// Creates a bucket.
    pub async fn create_bucket(&self, by: &Actor, id: &str, edit: BucketEdit) -> Outcome<Bucket> {
        let id = BucketId::new(self.id_or_new(id))?;
        let now = self.now();
        let mut bucket = Bucket {
            no: BucketNo(0),
            id,
            name: String::new(),
            description: String::new(),
            permissions: Vec::new(),
            file_security: false,
            enabled: true,
            max_size: self.config().files.largest,
            extensions: Vec::new(),
            files: 0,
            bytes: 0,
            created: now,
            updated: now,
            revision: Revision(0),
        };
        merge(&mut bucket, edit);
        let summary = format!("“{}” created", bucket.name);
        let audit = self.entry(by, "bucket.create", format_args!("bucket/{}", bucket.id), summary);
        Ok(self.store().create_bucket(bucket, audit).await?)
    }

    /// Changes a bucket. Files that are in it stay, whatever its new rules say.
    pub async fn edit_bucket(&self, by: &Actor, id: &BucketId, edit: BucketEdit) -> Outcome<Bucket> {
        let mut bucket = self.store().bucket(id).await?;
        let expect = edit.revision.unwrap_or(bucket.revision);
        merge(&mut bucket, edit);
        bucket.updated = self.now();
        let summary = format!("“{}” changed", bucket.name);
        let audit = self.entry(by, "bucket.update", format_args!("bucket/{id}"), summary);
        Ok(self.store().put_bucket(bucket, expect, audit).await?)
    }

    /// Deletes a bucket with its files.
    pub async fn delete_bucket(&self, by: &Actor, id: &BucketId) -> Outcome<()> {
        let bucket = self.store().bucket(id).await?;
        let summary = format!("“{}” deleted with {} files", bucket.name, bucket.files);
        let audit = self.entry(by, "bucket.delete", format_args!("bucket/{id}"), summary);
        self.store().delete_bucket(id, audit).await?;
        self.core.sweeping.notify_one();
        Ok(())
    }

    /// Keeps a file, or a part of one, that lies in the spool.
    pub async fn keep_file(&self, by: &Actor, upload: Upload) -> Outcome<StoredFile> {
        let bucket = self.store().bucket(&upload.bucket).await?;
        let size = upload.part.map_or(upload.bytes, |part| part.of);
        self.check_upload(&bucket, &upload, size)?;
        let _gate = self.core.files.lock().await;
        let id = FileId::new(self.id_or_new(&upload.id))?;
        let at = FileRef { bucket: upload.bucket.clone(), file: id.clone() };
        let known = match self.store().file(&at).await {
            Ok(file) => Some(file),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let taken = || StoreError::Conflict { kind: RecordKind::File, taken: Taken::Id }.into();
        let Some(part) = upload.part else {
            if known.is_some() {
                return Err(taken());
            }
            let store = self.config().files.store.clone();
            let (spooled, name) = (upload.spooled.clone(), upload.name.clone());
            let sealed = blocking(move || store.seal(&spooled, &name)).await?;
            return self.create_file(by, id, &upload, size, Some(sealed)).await;
        };
        let file = match known {
            Some(file) if file.is_whole() => return Err(taken()),
            Some(file) if file.size != part.of => {
                return Err(Refusal::new(
                    ErrorType::ContentRange,
                    format!("The upload has {} bytes in all, not {}", file.size, part.of),
                ));
            }
            Some(file) => file,
            None => self.create_file(by, id, &upload, size, None).await?,
        };
        self.receive(by, file, &upload, part).await
    }

    fn check_upload(&self, bucket: &Bucket, upload: &Upload, size: u64) -> Outcome<()> {
        let most = bucket.max_size.min(self.config().files.largest);
        if size == 0 {
            return Err(Refusal::new(ErrorType::FileEmpty, "The file is empty"));
        }
        if size > most {
            return Err(Refusal::new(
                ErrorType::FileSize,
                format!("The file has {size} bytes; bucket {} takes at most {most}", bucket.id),
            ));
        }
        let extension = extension(&upload.name);
        if !bucket.extensions.is_empty()
            && !bucket.extensions.iter().any(|known| known.eq_ignore_ascii_case(&extension))
        {
            return Err(Refusal::new(
                ErrorType::FileTypeUnsupported,
                format!("Bucket {} takes only files that end in {}", bucket.id, bucket.extensions.join(", ")),
            ));
        }
        if let Some(part) = upload.part
            && (part.from >= part.to || part.to > part.of || part.to - part.from != upload.bytes)
        {
            return Err(Refusal::new(
                ErrorType::ContentRange,
                "The content-range does not fit the part: it is `bytes FIRST-LAST/ALL`, LAST included",
            ));
        }
        Ok(())
    }

    async fn create_file(
        &self,
        by: &Actor,
        id: FileId,
        upload: &Upload,
        size: u64,
        sealed: Option<Sealed>,
    ) -> Outcome<StoredFile> {
        let mut secret = [0; 16];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| Refusal::new(ErrorType::ServerError, "The system gives no random numbers"))?;
        let now = self.now();
        let mut file = StoredFile {
            no: FileNo(0),
            bucket_no: BucketNo(0),
            bucket: upload.bucket.clone(),
            id,
            name: upload.name.clone(),
            permissions: upload.permissions.clone(),
            mime: String::new(),
            size,
            parts: Vec::new(),
            digest: String::new(),
            md5: String::new(),
            secret,
            created: now,
            updated: now,
            revision: Revision(0),
        };
        if let Some(sealed) = sealed {
            seal(&mut file, sealed);
        }
        let summary = format!("“{}” into {}, {size} bytes", file.name, file.bucket);
        let audit = self.entry(by, "file.create", format_args!("file/{}", file.id), summary);
        let most = self.config().files.all;
        self.store().create_file(file, most, audit).await?.ok_or_else(|| {
            Refusal::new(
                ErrorType::FileSize,
                format!(
                    "All files together may have {most} bytes (store.file_cap): delete some, or raise the setting"
                ),
            )
        })
    }

    /// Puts a part to its place; the one that completes the file seals it.
    async fn receive(
        &self,
        by: &Actor,
        file: StoredFile,
        upload: &Upload,
        part: Part,
    ) -> Outcome<StoredFile> {
        let store = self.config().files.store.clone();
        let (spooled, no) = (upload.spooled.clone(), file.no);
        let placed = store.clone();
        blocking(move || placed.append(&spooled, no, part.from)).await?;
        let (expect, mut file) = (file.revision, file);
        file.receive(part.from, part.to);
        file.updated = self.now();
        let mut audit = None;
        if file.received() == file.size {
            let name = file.name.clone();
            let sealed = blocking(move || store.seal(&store.upload(no)?, &name)).await?;
            if sealed.size != file.size {
                return Err(Refusal::new(
                    ErrorType::ServerError,
                    "Parts of the upload are lost: delete the file and upload it again",
                ));
            }
            seal(&mut file, sealed);
            let summary = format!("“{}” is whole", file.name);
            audit = Some(self.entry(by, "file.complete", format_args!("file/{}", file.id), summary));
        }
        Ok(self.store().put_file(file, expect, audit).await?)
    }

    /// A file that is whole.
    pub async fn whole_file(&self, at: &FileRef) -> Outcome<StoredFile> {
        let file = self.store().file(at).await?;
        if file.is_whole() { Ok(file) } else { Err(no_file(at)) }
    }

    /// Changes the name or the permissions of a file.
    pub async fn edit_file(
        &self,
        by: &Actor,
        at: &FileRef,
        name: Option<String>,
        permissions: Option<Vec<String>>,
    ) -> Outcome<StoredFile> {
        let mut file = self.whole_file(at).await?;
        let expect = file.revision;
        let summary = format!("“{}” → “{}”", file.name, name.as_deref().unwrap_or(&file.name));
        file.name = name.unwrap_or(file.name);
        file.permissions = permissions.unwrap_or(file.permissions);
        file.updated = self.now();
        let audit = self.entry(by, "file.update", format_args!("file/{}", at.file), summary);
        Ok(self.store().put_file(file, expect, Some(audit)).await?)
    }

    /// Deletes a file. A message that attaches it and is not compiled yet fails, and says so.
    pub async fn delete_file(&self, by: &Actor, at: &FileRef) -> Outcome<()> {
        let file = self.store().file(at).await?;
        let summary = format!("“{}” deleted from {}", file.name, at.bucket);
        let audit = self.entry(by, "file.delete", format_args!("file/{}", at.file), summary);
        self.core.delete_file(at, audit).await?;
        Ok(())
    }

    /// Deletes a file unless a message names it; says whether it is gone.
    pub async fn discard_file(&self, by: &Actor, at: &FileRef) -> Outcome<bool> {
        let file = self.store().file(at).await?;
        let summary = format!("“{}” deleted from {}: no message names it", file.name, at.bucket);
        let audit = self.entry(by, "file.delete", format_args!("file/{}", at.file), summary);
        Ok(self.core.discard_file(at, audit).await?)
    }

    /// Whether a token opens a file now.
    pub fn opens(&self, file: &StoredFile, token: &str) -> bool {
        file_link::opens(file, token, self.now())
    }

    /// The attachments of a mail, looked up.
    pub(super) async fn attachments(&self, files: &[FileRef]) -> Outcome<Vec<Attachment>> {
        let mut attachments = Vec::with_capacity(files.len());
        let mut sum = 0u64;
        for at in files {
            let file = self.whole_file(at).await?;
            sum = sum.saturating_add(file.size);
            attachments.push(Attachment {
                bucket: at.bucket.to_string(),
                file: at.file.to_string(),
                name: file.name,
                mime: file.mime,
                digest: file.digest,
                size: file.size,
            });
        }
        let most = self.config().files.attached;
        if sum > most {
            let rule = format!("Value must be files of at most {most} bytes together, these have {sum}");
            return Err(Invalid::value("attachments", rule).into());
        }
        Ok(attachments)
    }

    /// The image of a notification that is due then (now, if it has no time yet).
    pub(super) async fn image(&self, at: &FileRef, due: Option<Timestamp>) -> Outcome<ImageLink> {
        let missing = |_| {
            // The dialect's type for both.
            let text = "Storage bucket or file with the requested ID could not be found.";
            Refusal::new(ErrorType::BucketNotFound, text)
        };
        let file = self.whole_file(at).await.map_err(missing)?;
        if !matches!(file.mime.as_str(), "image/png" | "image/jpeg") {
            return Err(Refusal::new(
                ErrorType::FileTypeUnsupported,
                format!("{} is {}; an image must be png or jpeg", file.name, file.mime),
            ));
        }
        let Some(base) = &self.config().files.public_url else {
            let rule =
                "devices cannot fetch it until the setting api.public_url says where they reach this API";
            return Err(Invalid::value("image", rule).into());
        };
        let until = due.unwrap_or_else(|| self.now()).plus(file_link::LIFETIME);
        let token = file_link::token(&file, until);
        let url = format!("{base}/storage/buckets/{}/files/{}/push?jwt={token}", at.bucket, at.file);
        Ok(ImageLink { file: at.clone(), url })
    }

    /// Puts files into a content: those that were given, and links that are still good at the new time.
    pub(super) async fn put_files(
        &self,
        content: &mut Content,
        attachments: Option<Vec<FileRef>>,
        image: ImageEdit,
        due: Option<Timestamp>,
    ) -> Outcome<()> {
        match content {
            Content::Email(mail) => {
                if let Some(files) = attachments {
                    mail.attachments = self.attachments(&files).await?;
                }
            }
            Content::Sms(_) => {}
            Content::Push(push) => match image {
                ImageEdit::Remove => push.image = None,
                ImageEdit::Set(at) => push.image = Some(self.image(&at, due).await?),
                ImageEdit::Keep => {
                    if let Some(old) = push.image.take() {
                        // Who has deleted the file meanwhile sends without it.
                        push.image = Some(self.image(&old.file, due).await.unwrap_or(old));
                    }
                }
            },
        }
        Ok(())
    }
}

fn seal(file: &mut StoredFile, sealed: Sealed) {
    file.parts = vec![(0, sealed.size)];
    file.digest = sealed.digest;
    file.md5 = sealed.md5;
    sealed.mime.clone_into(&mut file.mime);
}

fn merge(bucket: &mut Bucket, edit: BucketEdit) {
    fn set<T>(slot: &mut T, given: Option<T>) {
        if let Some(value) = given {
            *slot = value;
        }
    }
    set(&mut bucket.name, edit.name);
    set(&mut bucket.description, edit.description);
    set(&mut bucket.permissions, edit.permissions);
    set(&mut bucket.file_security, edit.file_security);
    set(&mut bucket.enabled, edit.enabled);
    set(&mut bucket.max_size, edit.max_size);
    set(&mut bucket.extensions, edit.extensions);
}
