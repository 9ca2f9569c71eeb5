//! Buckets and the records of files.

use super::fail::{Attempt, Fail};
use super::record::{Body, Chore, decode};
use super::table::{Table, View, beginning, everything, key, number_at, short_at};
use super::tx::Tx;
use super::{ids, list};
use crate::domain::audit::AuditEntry;
use crate::domain::content::Content;
use crate::domain::file::{Bucket, FileRef, StoredFile};
use crate::domain::ids::{BucketId, BucketNo, FileId, FileNo, Revision};
use crate::domain::state::MessageState;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::files::{FileAges, FileTotals};
use crate::store::page::{Order, Page, PageRequest};
use crate::store::{RecordKind, Taken};
use std::collections::BTreeSet;

/// Messages made since a file came that are looked at for its name.
const NEWER: usize = 10_000;

/// The record of counts of files.
const TOTALS: &[u8] = b"files";

/// Counts of everything.
pub(super) fn totals(view: &mut impl View) -> Attempt<FileTotals> {
    Ok(view.get(Table::Meta, TOTALS, decode)?.transpose()?.unwrap_or_default())
}

fn change_totals(tx: &mut Tx<'_>, change: impl FnOnce(&mut FileTotals)) -> Attempt<FileTotals> {
    let mut totals = totals(tx)?;
    change(&mut totals);
    tx.put(Table::Meta, TOTALS, &totals)?;
    Ok(totals)
}

fn bucket_no(view: &mut impl View, id: &BucketId) -> Attempt<BucketNo> {
    Ok(BucketNo(ids::resolve(view, RecordKind::Bucket, id.as_str())? as u32))
}

/// A bucket by id.
pub(super) fn bucket(view: &mut impl View, id: &BucketId) -> Attempt<Bucket> {
    let no = bucket_no(view, id)?;
    let row = view.get(Table::Buckets, &no.0.to_be_bytes(), decode)?.transpose()?;
    row.ok_or_else(|| Fail::missing(RecordKind::Bucket, id))
}

fn stale(kind: RecordKind, expected: Revision, actual: Revision) -> Fail {
    StoreError::Stale { kind, expected, actual }.into()
}

/// Creates a bucket.
pub(super) fn create_bucket(tx: &mut Tx<'_>, new: &Bucket, audit: &AuditEntry) -> Attempt<Bucket> {
    ids::check_free(tx, RecordKind::Bucket, new.id.as_str())?;
    let totals = change_totals(tx, |totals| {
        totals.bucket += 1;
        totals.buckets += 1;
    })?;
    let no = BucketNo(totals.bucket);
    let bucket = Bucket { no, files: 0, bytes: 0, revision: Revision(1), ..new.clone() };
    ids::assign(tx, RecordKind::Bucket, bucket.id.as_str(), u64::from(no.0))?;
    tx.put(Table::Buckets, &no.0.to_be_bytes(), &bucket)?;
    tx.audit(audit)?;
    Ok(bucket)
}

/// Replaces what people edit of a bucket.
pub(super) fn put_bucket(
    tx: &mut Tx<'_>,
    new: &Bucket,
    expect: Revision,
    audit: &AuditEntry,
) -> Attempt<Bucket> {
    let old = bucket(tx, &new.id)?;
    Fail::unless(RecordKind::Bucket, old.revision, Some(expect))?;
    let bucket = Bucket {
        no: old.no,
        files: old.files,
        bytes: old.bytes,
        created: old.created,
        revision: expect.next(),
        ..new.clone()
    };
    tx.put(Table::Buckets, &old.no.0.to_be_bytes(), &bucket)?;
    tx.audit(audit)?;
    Ok(bucket)
}

/// Deletes a bucket; its files go in steps.
pub(super) fn delete_bucket(tx: &mut Tx<'_>, id: &BucketId, audit: &AuditEntry) -> Attempt<()> {
    let bucket = bucket(tx, id)?;
    ids::release(tx, RecordKind::Bucket, id.as_str())?;
    tx.remove(Table::Buckets, &bucket.no.0.to_be_bytes())?;
    change_totals(tx, |totals| {
        totals.buckets = totals.buckets.saturating_sub(1);
        totals.bytes = totals.bytes.saturating_sub(bucket.bytes);
    })?;
    tx.chore(&Chore::Files(bucket.no))?;
    tx.audit(audit)
}

/// Removes files of a bucket that is gone; true: none is left.
pub(super) fn drop_files(tx: &mut Tx<'_>, bucket: BucketNo, limit: usize) -> Attempt<bool> {
    let rows = tx.rows(Table::Files, beginning(&key![bucket.0]), Order::Ascending, limit)?;
    for (key, bytes) in &rows {
        let file: StoredFile = decode(bytes)?;
        tx.remove(Table::Files, key)?;
        tx.remove(Table::Digests, &key![file.digest.as_str(), file.no.0])?;
    }
    let id_keys = tx.keys(Table::Ids, beginning(&ids::file_prefix(bucket)), limit)?;
    for key in &id_keys {
        tx.remove(Table::Ids, key)?;
    }
    Ok(rows.is_empty() && id_keys.is_empty())
}

/// A page of buckets.
pub(super) fn buckets(view: &mut impl View, request: &PageRequest<Bucket>) -> Attempt<Page<Bucket>> {
    let total = totals(view)?.buckets;
    let order = request.order;
    // Buckets are few.
    let next = |view: &mut _, after: Option<u64>, limit: usize| {
        let mut rows: Vec<_> = View::rows(view, Table::Buckets, everything(), order, usize::MAX)?
            .into_iter()
            .map(|(key, value)| (u64::from(short_at(&key, 0)), value))
            .filter(|(no, _)| {
                after.is_none_or(|after| if order == Order::Ascending { *no > after } else { *no < after })
            })
            .collect();
        rows.truncate(limit);
        Ok(rows)
    };
    list::page(
        view,
        request,
        Some(total),
        next,
        |_, _, bytes| decode(bytes).map(Some),
        |bucket: &Bucket, search| list::has_word([bucket.id.as_str(), bucket.name.as_str()], search),
    )
}

fn key_of(bucket: BucketNo, file: FileNo) -> Vec<u8> {
    key![bucket.0, file.0]
}

/// A file by its bucket and id.
pub(super) fn file(view: &mut impl View, at: &FileRef) -> Attempt<StoredFile> {
    let bucket = bucket_no(view, &at.bucket)?;
    let missing = || Fail::missing(RecordKind::File, &at.file);
    let no = ids::number(view, &ids::file_key(bucket, at.file.as_str()))?.ok_or_else(missing)?;
    let row = view.get(Table::Files, &key_of(bucket, FileNo(no)), decode)?.transpose()?;
    row.ok_or_else(missing)
}

/// Counts files and bytes in a bucket and in all: bytes from the start of an
/// upload, files when they are whole.
fn count(tx: &mut Tx<'_>, no: BucketNo, files: i64, bytes: i64) -> Attempt<()> {
    let Some(mut bucket) = tx.record::<Bucket>(Table::Buckets, &no.0.to_be_bytes())? else { return Ok(()) };
    bucket.files = bucket.files.saturating_add_signed(files);
    bucket.bytes = bucket.bytes.saturating_add_signed(bytes);
    tx.put(Table::Buckets, &no.0.to_be_bytes(), &bucket)?;
    change_totals(tx, |totals| totals.bytes = totals.bytes.saturating_add_signed(bytes))?;
    Ok(())
}

fn write(tx: &mut Tx<'_>, file: &StoredFile) -> Attempt<()> {
    tx.put(Table::Files, &key_of(file.bucket_no, file.no), file)?;
    if file.is_whole() {
        tx.put_raw(Table::Digests, &key![file.digest.as_str(), file.no.0], &[])?;
    }
    Ok(())
}

/// Creates a file; `None`: all files together would have more than `most` bytes.
pub(super) fn create(
    tx: &mut Tx<'_>,
    new: &StoredFile,
    most: u64,
    audit: &AuditEntry,
) -> Attempt<Option<StoredFile>> {
    let bucket = bucket_no(tx, &new.bucket)?;
    let id = ids::file_key(bucket, new.id.as_str());
    if ids::number(tx, &id)?.is_some() {
        return Err(Fail::taken(RecordKind::File, Taken::Id));
    }
    if most > 0 && totals(tx)?.bytes.saturating_add(new.size) > most {
        return Ok(None);
    }
    let no = FileNo(change_totals(tx, |totals| totals.file += 1)?.file);
    let file = StoredFile { no, bucket_no: bucket, revision: Revision(1), ..new.clone() };
    tx.put_raw(Table::Ids, &id, &no.0.to_be_bytes())?;
    write(tx, &file)?;
    count(tx, bucket, i64::from(file.is_whole()), file.size as i64)?;
    tx.audit(audit)?;
    Ok(Some(file))
}

/// Replaces a file.
pub(super) fn put(
    tx: &mut Tx<'_>,
    new: &StoredFile,
    expect: Revision,
    audit: Option<&AuditEntry>,
) -> Attempt<StoredFile> {
    let old = file(tx, &FileRef { bucket: new.bucket.clone(), file: new.id.clone() })?;
    if old.revision != expect || old.no != new.no {
        return Err(stale(RecordKind::File, expect, old.revision));
    }
    let file = StoredFile { revision: expect.next(), ..new.clone() };
    write(tx, &file)?;
    if file.is_whole() && !old.is_whole() {
        count(tx, file.bucket_no, 1, 0)?;
    }
    if let Some(audit) = audit {
        tx.audit(audit)?;
    }
    Ok(file)
}

/// Deletes the record of a file.
pub(super) fn delete(tx: &mut Tx<'_>, at: &FileRef, audit: &AuditEntry) -> Attempt<StoredFile> {
    let file = file(tx, at)?;
    tx.remove(Table::Ids, &ids::file_key(file.bucket_no, at.file.as_str()))?;
    tx.remove(Table::Files, &key_of(file.bucket_no, file.no))?;
    tx.remove(Table::Digests, &key![file.digest.as_str(), file.no.0])?;
    count(tx, file.bucket_no, -i64::from(file.is_whole()), -(file.size as i64))?;
    tx.audit(audit)?;
    Ok(file)
}

/// Deletes a file that no message names.
pub(super) fn discard(tx: &mut Tx<'_>, at: &FileRef, audit: &AuditEntry) -> Attempt<Option<StoredFile>> {
    let file = file(tx, at)?;
    if in_messages(tx)?.contains(at) || is_in_newer(tx, at, file.created)? {
        return Ok(None);
    }
    delete(tx, at, audit).map(Some)
}

/// Whether a message names a file that was made since then, over or not; true where they are
/// more than can be looked at.
fn is_in_newer(view: &mut impl View, at: &FileRef, since: Timestamp) -> Attempt<bool> {
    let (mut named, mut looked) = (false, 0);
    view.scan(Table::Bodies, everything(), Order::Descending, &mut |_, bytes| {
        let body: Body = decode(bytes)?;
        looked += 1;
        named = looked > NEWER || files_of(&body.content).any(|file| file == *at);
        Ok(!named && body.created >= since)
    })?;
    Ok(named)
}

/// The files that a message's content names.
fn files_of(content: &Content) -> impl Iterator<Item = FileRef> {
    let (attached, image) = match content {
        Content::Email(mail) => (mail.attachments.as_slice(), None),
        Content::Push(push) => (&[][..], push.image.as_ref().map(|image| image.file.clone())),
        Content::Sms(_) => (&[][..], None),
    };
    let attached = attached.iter().filter_map(|attached| {
        let bucket = BucketId::new(&attached.bucket).ok()?;
        Some(FileRef { bucket, file: FileId::new(&attached.file).ok()? })
    });
    attached.chain(image)
}

/// A page of a bucket's files.
pub(super) fn page(
    view: &mut impl View,
    id: &BucketId,
    request: &PageRequest<StoredFile>,
) -> Attempt<Page<StoredFile>> {
    let bucket = bucket(view, id)?;
    list::page(
        view,
        request,
        Some(bucket.files),
        list::numbered(Table::Files, key![bucket.no.0], request.order),
        |_, _, bytes| Ok(Some(decode::<StoredFile>(bytes)?).filter(StoredFile::is_whole)),
        |file, search| list::has_word([file.id.as_str(), file.name.as_str()], search),
    )
}

/// Whether some file has this content.
pub(super) fn digest_in_use(view: &mut impl View, digest: &str) -> Attempt<bool> {
    Ok(!view.keys(Table::Digests, beginning(digest.as_bytes()), 1)?.is_empty())
}

/// Files that are past their time.
pub(super) fn past(view: &mut impl View, ages: FileAges, limit: usize) -> Attempt<Vec<StoredFile>> {
    let mut found = Vec::new();
    let gone = |file: &StoredFile| {
        if file.is_whole() {
            ages.whole.is_some_and(|before: Timestamp| file.created < before)
        } else {
            file.updated < ages.unfinished
        }
    };
    view.scan(Table::Files, everything(), Order::Ascending, &mut |_, bytes| {
        let file: StoredFile = decode(bytes)?;
        if gone(&file) {
            found.push(file);
        }
        Ok(found.len() < limit)
    })?;
    Ok(found)
}

/// Files that messages name which are not over.
pub(super) fn in_messages(view: &mut impl View) -> Attempt<BTreeSet<FileRef>> {
    let mut named = BTreeSet::new();
    let by = String::new();
    let open = [
        MessageState::Draft,
        MessageState::Scheduled,
        MessageState::Held(crate::domain::state::Hold::Late),
        MessageState::Processing,
        MessageState::Paused { by, since: Timestamp(0) },
    ];
    for state in open {
        let keys = view.keys(Table::ByState, beginning(&key![state.code()]), usize::MAX)?;
        for key in keys {
            let no = number_at(&key, 1);
            let body = view.get(Table::Bodies, &no.to_be_bytes(), decode::<Body>)?.transpose()?;
            if let Some(body) = body {
                named.extend(files_of(&body.content));
            }
        }
    }
    Ok(named)
}
