//! Buckets and the records of files.

use crate::fixture::*;
use herald::domain::content::Attachment;
use herald::domain::content::Content;
use herald::domain::file::{Bucket, FileRef, StoredFile};
use herald::domain::ids::{BucketId, BucketNo, FileId, FileNo, Revision};
use herald::domain::time::Timestamp;
use herald::store::files::FileAges;
use herald::store::page::PageRequest;
use herald::store::{RecordKind, Store, StoreError, Taken};

pub fn bucket(id: &str) -> Bucket {
    Bucket {
        no: BucketNo(0),
        id: BucketId::new(id).unwrap(),
        name: format!("Name of {id}"),
        description: String::new(),
        permissions: Vec::new(),
        file_security: false,
        enabled: true,
        max_size: 1000,
        extensions: Vec::new(),
        files: 0,
        bytes: 0,
        created: T0,
        updated: T0,
        revision: Revision(0),
    }
}

/// A whole file of 10 bytes, or one of which nothing is there.
pub fn file(bucket: &str, id: &str, digest: &str) -> StoredFile {
    StoredFile {
        no: FileNo(0),
        bucket_no: BucketNo(0),
        bucket: BucketId::new(bucket).unwrap(),
        id: FileId::new(id).unwrap(),
        name: format!("{id}.txt"),
        permissions: Vec::new(),
        mime: "text/plain".into(),
        size: 10,
        parts: Vec::new(),
        digest: digest.into(),
        md5: String::new(),
        secret: [1; 16],
        created: T0,
        updated: T0,
        revision: Revision(0),
    }
}

fn at(bucket: &str, id: &str) -> FileRef {
    FileRef { bucket: BucketId::new(bucket).unwrap(), file: FileId::new(id).unwrap() }
}

async fn keep(store: &impl Store, file: StoredFile) -> StoredFile {
    store.create_file(file, 0, audit("file.create", "")).await.unwrap().unwrap()
}

async fn buckets_count_their_files(store: impl Store) {
    let made = store.create_bucket(bucket("docs"), audit("bucket.create", "")).await.unwrap();
    let again = store.create_bucket(bucket("docs"), audit("bucket.create", "")).await;
    assert!(matches!(again, Err(StoreError::Conflict { kind: RecordKind::Bucket, taken: Taken::Id })));
    keep(&store, file("docs", "a", "d1")).await;
    let started = keep(&store, file("docs", "b", "")).await;
    let found = store.bucket(&made.id).await.unwrap();
    assert_eq!((found.files, found.bytes), (1, 20), "one is whole, both take room");
    let again = store.create_file(file("docs", "a", "d2"), 0, audit("file.create", "")).await;
    assert!(matches!(again, Err(StoreError::Conflict { kind: RecordKind::File, taken: Taken::Id })));
    let page = store.files(&made.id, PageRequest::default()).await.unwrap();
    assert_eq!((page.total, page.items.len()), (Some(1), 1), "what is not whole is not listed");
    let whole = StoredFile { digest: "d1".into(), parts: vec![(0, 10)], ..started.clone() };
    let whole = store.put_file(whole, started.revision, None).await.unwrap();
    let stale = store.put_file(whole.clone(), started.revision, None).await;
    assert!(matches!(stale, Err(StoreError::Stale { kind: RecordKind::File, .. })));
    assert_eq!(store.bucket(&made.id).await.unwrap().files, 2);

    assert!(store.digest_in_use("d1").await.unwrap());
    store.delete_file(&at("docs", "a"), audit("file.delete", "")).await.unwrap();
    assert!(store.digest_in_use("d1").await.unwrap(), "another file has it");
    store.delete_file(&at("docs", "b"), audit("file.delete", "")).await.unwrap();
    assert!(!store.digest_in_use("d1").await.unwrap());
    let found = store.bucket(&made.id).await.unwrap();
    assert_eq!((found.files, found.bytes), (0, 0));
    let gone = store.file(&at("docs", "a")).await;
    assert!(matches!(gone, Err(StoreError::NotFound { kind: RecordKind::File, .. })));
}

async fn files_are_capped_together(store: impl Store) {
    for id in ["a", "b"] {
        store.create_bucket(bucket(id), audit("bucket.create", "")).await.unwrap();
    }
    let put = async |bucket: &str, id: &str| {
        store.create_file(file(bucket, id, "d"), 25, audit("file.create", "")).await.unwrap().is_some()
    };
    assert!(put("a", "1").await);
    assert!(put("b", "1").await, "the same id in another bucket is another file");
    assert!(!put("a", "2").await);
    store.delete_bucket(&BucketId::new("b").unwrap(), audit("bucket.delete", "")).await.unwrap();
    assert_eq!(store.file_totals().await.unwrap().bytes, 10);
    assert!(put("a", "2").await);
    store.create_bucket(bucket("b"), audit("bucket.create", "")).await.unwrap();
    let page = store.files(&BucketId::new("b").unwrap(), PageRequest::default()).await.unwrap();
    assert!(page.items.is_empty(), "a new bucket of the same name is empty");
}

async fn what_is_past_its_time_and_what_is_named(store: impl Store) {
    store.create_bucket(bucket("docs"), audit("bucket.create", "")).await.unwrap();
    keep(&store, file("docs", "whole", "d")).await;
    keep(&store, file("docs", "started", "")).await;
    let later = Timestamp(T0.0 + 1);
    let past = async |unfinished, whole| {
        let found = store.stale_files(FileAges { unfinished, whole }, 10).await.unwrap();
        found.into_iter().map(|file| file.id.to_string()).collect::<Vec<_>>()
    };
    assert!(past(T0, Some(T0)).await.is_empty());
    assert_eq!(past(later, None).await, ["started"]);
    assert_eq!(past(later, Some(later)).await, ["whole", "started"]);

    let mut mail = mail("m");
    let Content::Email(content) = &mut mail.content else { panic!("a mail") };
    content.attachments.push(Attachment {
        bucket: "docs".into(),
        file: "whole".into(),
        name: "whole.txt".into(),
        mime: "text/plain".into(),
        digest: "d".into(),
        size: 10,
    });
    let made = store.create_message(mail, audit("message.create", "")).await.unwrap();
    assert!(store.files_in_messages().await.unwrap().contains(&at("docs", "whole")));
    store.delete_message(&made.id, None, audit("message.delete", "")).await.unwrap();
    assert!(store.files_in_messages().await.unwrap().is_empty());
}

async fn a_bucket_is_edited_and_listed(store: impl Store) {
    let made = store.create_bucket(bucket("docs"), audit("bucket.create", "")).await.unwrap();
    store.create_bucket(bucket("pictures"), audit("bucket.create", "")).await.unwrap();
    keep(&store, file("docs", "a", "d1")).await;
    let edited = Bucket { name: "Prices".into(), files: 99, bytes: 99, ..made.clone() };
    let put = store.put_bucket(edited.clone(), made.revision, audit("bucket.update", "")).await.unwrap();
    assert_eq!((put.name.as_str(), put.revision, put.no), ("Prices", made.revision.next(), made.no));
    assert_eq!((put.files, put.bytes), (1, 10), "what it counts is not edited");
    let stale = store.put_bucket(edited, made.revision, audit("bucket.update", "")).await;
    assert!(matches!(stale, Err(StoreError::Stale { kind: RecordKind::Bucket, .. })));
    let page = store.buckets(PageRequest { limit: 1, ..PageRequest::default() }).await.unwrap();
    assert_eq!((page.items, page.total), (vec![put], Some(2)));
    let rest = store.buckets(PageRequest { after: page.next, ..PageRequest::default() }).await.unwrap();
    assert_eq!(rest.items[0].id.as_str(), "pictures");
}

async fn a_file_that_a_message_names_is_not_discarded(store: impl Store) {
    store.create_bucket(bucket("docs"), audit("bucket.create", "")).await.unwrap();
    for id in ["named", "loose"] {
        keep(&store, file("docs", id, "d")).await;
    }
    let mut draft = mail("m");
    let Content::Email(content) = &mut draft.content else { panic!("a mail") };
    content.attachments.push(Attachment {
        bucket: "docs".into(),
        file: "named".into(),
        name: "named.txt".into(),
        mime: "text/plain".into(),
        digest: "d".into(),
        size: 10,
    });
    let draft = store.create_message(draft, audit("message.create", "")).await.unwrap();
    let discard = async |id: &str| store.discard_file(&at("docs", id), audit("file.delete", "")).await;
    assert_eq!(discard("named").await.unwrap(), None);
    assert!(store.file(&at("docs", "named")).await.is_ok());
    assert_eq!(discard("loose").await.unwrap().unwrap().id.as_str(), "loose");
    assert!(matches!(discard("loose").await, Err(StoreError::NotFound { kind: RecordKind::File, .. })));
    store.delete_message(&draft.id, None, audit("message.delete", "")).await.unwrap();
    assert!(discard("named").await.unwrap().is_some(), "nobody names it any more");
}

contract! {
    buckets_count_their_files,
    files_are_capped_together,
    what_is_past_its_time_and_what_is_named,
    a_bucket_is_edited_and_listed,
    a_file_that_a_message_names_is_not_discarded,
}
