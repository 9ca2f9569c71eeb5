//! Opening, closing, copying and restoring the embedded store.

use crate::fixture::*;
use herald::domain::delivery::Outcome;
use herald::domain::plan::LaneKey;
use herald::domain::state::MessageState;
use herald::store::StoreError;
use herald::store::catalog::Catalog as _;
use herald::store::dispatch::{Dispatch as _, JournalEntry};
use herald::store::embedded::{Embedded, Options, restore};
use herald::store::history::{History as _, LogQuery};
use herald::store::messages::Messages as _;
use herald::store::people::People as _;
use herald::store::seal::{KEY_FILE, KeySource, SealingKey};
use redb::ReadableDatabase as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn open_in(dir: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(dir, Options { reserve_bytes: 1 << 16, ..Options::default() })
}

#[tokio::test]
async fn what_was_written_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = open_in(&data).unwrap();
    let name = store.install_id();
    assert_eq!(name.len(), 8);
    let (user, _) = person(&store, "ana", None).await;
    store.append_log(vec![accepted_row(&store.targets_of(user.no).await.unwrap()[0])]).await.unwrap();
    let locked = open_in(&data).unwrap_err();
    assert!(matches!(locked, StoreError::Locked(_)), "{locked}");
    store.close().await.unwrap();
    assert!(matches!(store.user(&user.id).await, Err(StoreError::Closed)));
    let late = store.create_topic(topic("news"), audit("topic.create", "")).await;
    assert!(matches!(late, Err(StoreError::Closed)));
    drop(store);
    let store = open_in(&data).unwrap();
    assert_eq!(store.install_id(), name);
    assert_eq!(store.user(&user.id).await.unwrap(), user);
    assert_eq!(store.log_extent().await.unwrap().next, 1);
    assert_eq!(store.changes().borrow().log, 1);
    let stats = store.stats().await.unwrap();
    assert!(stats.main_bytes > 0 && stats.disk_free > 0 && stats.disk_total > stats.disk_free);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join(KEY_FILE)), 0o600);
    }
}

#[tokio::test]
async fn credentials_open_only_with_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let secret = BTreeMap::from([("password".to_owned(), SecretString::from("hunter2hunter2"))]);
    {
        let store = open_in(dir.path()).unwrap();
        store.create_provider(provider("smtp"), secret, audit("provider.create", "")).await.unwrap();
        store.close().await.unwrap();
    }
    let bytes = std::fs::read(dir.path().join("herald.redb")).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "a credential is readable at rest");
    let key = Options { key: KeySource::Given(SealingKey::generate().unwrap()), ..Options::default() };
    {
        let store = Embedded::open(dir.path(), key).unwrap();
        let wrong = store.credentials(SMTP).await.unwrap_err().to_string();
        assert!(wrong.contains("another key"), "{wrong}");
        store.close().await.unwrap();
    }
    std::fs::rename(dir.path().join(KEY_FILE), dir.path().join("moved")).unwrap();
    {
        // A store without its key opens, so that credentials can be set anew.
        let store = open_in(dir.path()).unwrap();
        let missing = store.credentials(SMTP).await.unwrap_err().to_string();
        assert!(missing.contains(KEY_FILE) && missing.contains("HERALD_SEALING_KEY"), "{missing}");
        assert!(!dir.path().join(KEY_FILE).exists(), "no key is made in the place of a missing one");
        store.close().await.unwrap();
    }
    std::fs::rename(dir.path().join("moved"), dir.path().join(KEY_FILE)).unwrap();
    let store = open_in(dir.path()).unwrap();
    assert_eq!(store.credentials(SMTP).await.unwrap()["password"].expose_secret(), "hunter2hunter2");
    store.close().await.unwrap();
    drop(store);
    std::fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
    let store = open_in(dir.path()).unwrap();
    let anew = BTreeMap::from([("password".to_owned(), SecretString::from("other"))]);
    let old = store.providers().await.unwrap().remove(0);
    let revision = old.revision;
    store.put_provider(old, Some(anew), revision, audit("provider.update", "")).await.unwrap();
    assert_eq!(store.credentials(SMTP).await.unwrap()["password"].expose_secret(), "other");
    assert!(dir.path().join(KEY_FILE).exists());
}

#[tokio::test]
async fn a_newer_store_is_refused_with_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    open_in(dir.path()).unwrap().close().await.unwrap();
    let main = dir.path().join("herald.redb");
    {
        let db = redb::Database::open(&main).unwrap();
        let meta = redb::TableDefinition::<&[u8], &[u8]>::new("meta");
        let txn = db.begin_write().unwrap();
        txn.open_table(meta).unwrap().insert(b"schema".as_slice(), 77u32.to_be_bytes().as_slice()).unwrap();
        txn.commit().unwrap();
    }
    let refused = open_in(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 77, .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("version 77") && text.contains("up to 2"), "{text}");
    // It was left as it was.
    let db = redb::Database::open(&main).unwrap();
    assert!(db.begin_read().is_ok());
}

#[tokio::test]
async fn a_copy_is_taken_while_running_and_restored_on_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy, again) = (dir.path().join("data"), dir.path().join("copy"), dir.path().join("again"));
    let store = Arc::new(open_in(&data).unwrap());
    let planned = audience(&*store, 6).await;
    let message = sending(&*store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&*store, lane, 3).await;
    let window = claim_all(&*store, vec![first]).await.windows[0].unwrap();
    let outcomes = vec![(window, vec![over(0, &candidates, Outcome::Accepted)])];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    store.create_message(due_mail("later", T0), audit("message.create", "")).await.unwrap();
    let before = store.message(&message.id).await.unwrap();

    let content = data.join("files").join("a".repeat(64));
    std::fs::create_dir_all(data.join("files").join("uploads")).unwrap();
    std::fs::write(&content, "a file").unwrap();
    std::fs::write(data.join("files").join("uploads").join("1"), "a part").unwrap();

    // Work goes on while the copy is taken.
    let busy = Arc::clone(&store);
    let work = tokio::spawn(async move {
        for no in 0..50 {
            person(&*busy, &format!("busy{no}"), None).await;
        }
    });
    let told = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&told);
    let progress = Box::new(move |done: u64, all: u64| {
        assert!(done <= all);
        seen.store(done, Ordering::Relaxed);
    });
    store.backup(&copy, false, progress).await.unwrap();
    work.await.unwrap();
    assert!(told.load(Ordering::Relaxed) > 0);
    assert!(!copy.join(KEY_FILE).exists(), "a copy never has the key unless that is wanted");
    let refused = store.backup(&copy, false, Box::new(|_, _| ())).await.unwrap_err().to_string();
    assert!(refused.contains("not empty"), "{refused}");
    let with_key = dir.path().join("with-key");
    store.backup(&with_key, true, Box::new(|_, _| ())).await.unwrap();
    assert!(with_key.join(KEY_FILE).exists());

    restore(&with_key, &again, T0).unwrap();
    let refused = restore(&copy, &again, T0).unwrap_err().to_string();
    assert!(refused.contains("already"), "{refused}");
    let contents: Vec<_> =
        std::fs::read_dir(again.join("files")).unwrap().map(|found| found.unwrap().path()).collect();
    assert_eq!(contents, [again.join("files").join("a".repeat(64))], "what is whole, and nothing else");
    assert_eq!(std::fs::read_to_string(&contents[0]).unwrap(), "a file");
    let copied = open_in(&again).unwrap();
    assert_eq!(copied.install_id(), store.install_id());
    assert_eq!(copied.flags().await.unwrap().restored, Some(T0));
    assert_eq!(copied.message(&message.id).await.unwrap(), before);
    assert_eq!(copied.open_windows().await.unwrap().len(), 1);
    let log = LogQuery { limit: 10, scan: 10, ..LogQuery::default() };
    assert_eq!(copied.log(log.clone()).await.unwrap().rows, store.log(log).await.unwrap().rows);
    assert_eq!(copied.hold_restored(T0).await.unwrap(), 2);
    assert!(copied.claim_due(T0, 10, None).await.unwrap().messages.is_empty());
    let held = copied.message(&message.id).await.unwrap();
    assert!(matches!(held.state, MessageState::Held(_)));
}
