//! Bulk imports, and taking them back.

use crate::fixture::*;
use herald::domain::channel::Channel;
use herald::domain::ids::{ImportId, TopicId, UserId};
use herald::domain::person::{Target, User};
use herald::store::page::PageRequest;
use herald::store::people::{ImportPerson, ImportRecord};
use herald::store::{Store, StoreError};

fn person_of(line: u64, id: &str, topics: &[&str]) -> ImportPerson {
    ImportPerson {
        line,
        user: UserId::new(id).unwrap(),
        derived: false,
        name: format!("Name of {id}"),
        addresses: vec![(Channel::Email, format!("{id}@example.com"))],
        push_provider: None,
        topics: topics.iter().map(|topic| TopicId::new(topic).unwrap()).collect(),
    }
}

fn import_id() -> ImportId {
    ImportId::new("i1").unwrap()
}

async fn begin(store: &impl Store) {
    store.begin_import(import_id(), "people.csv".into(), audit("import.create", "import/i1")).await.unwrap();
}

async fn the_same_file_again_changes_nothing(store: impl Store) {
    begin(&store).await;
    let people: Vec<_> =
        (0..50).map(|no| person_of(no + 2, &format!("u{no:02}"), &["news", "offers"])).collect();
    let mut counts = (0, 0, 0, 0);
    for part in people.chunks(20) {
        let step = store.import_people(&import_id(), part.to_vec(), T0).await.unwrap();
        counts = (
            counts.0 + step.users,
            counts.1 + step.targets,
            counts.2 + step.subscriptions,
            counts.3 + step.topics,
        );
    }
    assert_eq!(counts, (50, 50, 100, 2));
    assert_eq!(store.topic(&TopicId::new("news").unwrap()).await.unwrap().totals.email, 50);
    let user = store.user(&UserId::new("u07").unwrap()).await.unwrap();
    assert_eq!(user.email.as_deref(), Some("u07@example.com"));
    let target = store.target_by_address(Channel::Email, "u07@example.com").await.unwrap().unwrap();
    assert_eq!(store.targets_of(user.no).await.unwrap(), [target]);
    let again = store.import_people(&import_id(), people, T0).await.unwrap();
    assert_eq!((again.unchanged, again.users, again.targets, again.subscriptions), (50, 0, 0, 0));
    let record = &store.imports(10).await.unwrap()[0];
    assert_eq!(
        (record.counts.users, record.counts.unchanged, record.source.as_str()),
        (50, 50, "people.csv")
    );
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.users, stats.targets, stats.topics), (50, 50, 2));
}

async fn what_exists_is_left_as_it_is(store: impl Store) {
    begin(&store).await;
    let (ana, target) = person(&store, "ana", None).await;
    let other_address = ImportPerson {
        name: String::new(),
        addresses: vec![(Channel::Email, "ana@example.com".into()), (Channel::Sms, "+4915112345678".into())],
        ..person_of(2, "ana", &["news"])
    };
    let stolen = ImportPerson {
        addresses: vec![
            (Channel::Email, "new@example.com".into()),
            (Channel::Email, "ANA@example.com".into()),
        ],
        ..person_of(3, "thief", &["news"])
    };
    let named_twice = ImportPerson {
        addresses: vec![
            (Channel::Email, "bob@example.com".into()),
            (Channel::Email, "Bob@example.com".into()),
        ],
        ..person_of(4, "bob", &["news"])
    };
    let step = store.import_people(&import_id(), vec![other_address, stolen, named_twice], T0).await.unwrap();
    assert_eq!((step.users, step.targets, step.subscriptions, step.renamed), (1, 2, 3, 0));
    assert_eq!(step.refused.len(), 1);
    assert_eq!(step.refused[0].0, 3);
    assert!(matches!(store.user(&UserId::new("thief").unwrap()).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.target_by_address(Channel::Email, "new@example.com").await.unwrap(), None);
    assert_eq!(store.user(&ana.id).await.unwrap(), ana);
    assert_eq!(store.target(&target.id).await.unwrap(), target);
    let renamed = ImportPerson { name: "Ana Maria".into(), ..person_of(5, "ana", &[]) };
    let step = store.import_people(&import_id(), vec![renamed], T0).await.unwrap();
    assert_eq!((step.renamed, step.unchanged), (1, 0));
}

async fn an_import_is_taken_back(store: impl Store) {
    let (ana, _) = person(&store, "ana", None).await;
    begin(&store).await;
    let people: Vec<_> = (0..40).map(|no| person_of(no, &format!("u{no:02}"), &["news"])).collect();
    store.import_people(&import_id(), people[..20].to_vec(), T0).await.unwrap();
    person(&store, "between", None).await;
    store.import_people(&import_id(), people[20..].to_vec(), T0).await.unwrap();
    let joined = ImportPerson { name: String::new(), ..person_of(99, "ana", &["news"]) };
    store.import_people(&import_id(), vec![joined], T0).await.unwrap();
    // One has been edited since, and to one something was sent.
    let edited = store.user(&UserId::new("u03").unwrap()).await.unwrap();
    let revision = edited.revision;
    let target = store.targets_of(edited.no).await.unwrap().remove(0);
    let changed = Target { name: "kept".into(), ..target.clone() };
    store.put_target(changed, target.revision, audit("target.update", "")).await.unwrap();
    store.put_user(User { name: "Kept".into(), ..edited }, revision, vec![], audit("", "")).await.unwrap();
    let reached = store.target_by_address(Channel::Email, "u30@example.com").await.unwrap().unwrap();
    store.append_log(vec![accepted_row(&reached)]).await.unwrap();

    let stayed = store.undo_import(&import_id(), audit("import.undo", "import/i1")).await.unwrap();
    assert_eq!((stayed.users, stayed.targets, stayed.topics), (2, 2, 1));
    let page = store.users(PageRequest::default()).await.unwrap();
    let left: Vec<_> = page.items.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(left, ["ana", "u03", "between", "u30"]);
    assert!(store.imports(1).await.unwrap()[0].undone.is_some());
    let news = TopicId::new("news").unwrap();
    let topic = store.topic(&news).await.unwrap();
    assert_eq!(topic.totals.email, 2, "those who were there before have left the topic again");
    assert_eq!(store.targets_of(ana.no).await.unwrap().len(), 1);
    // The same file can be imported once more.
    let second = ImportId::new("i2").unwrap();
    store.begin_import(second.clone(), "people.csv".into(), audit("import.create", "")).await.unwrap();
    let step = store.import_people(&second, people, T0).await.unwrap();
    assert_eq!((step.users, step.unchanged), (38, 1));
}

async fn the_name_of_a_file_is_rewritten(store: impl Store) {
    begin(&store).await;
    store.import_people(&import_id(), vec![person_of(2, "ana", &["news"])], T0).await.unwrap();
    let record = store.imports(1).await.unwrap().remove(0);
    let renamed = ImportRecord { source: "(erased)".into(), ..record };
    store.rewrite_import(renamed.clone()).await.unwrap();
    assert_eq!(store.imports(10).await.unwrap(), [renamed]);
    // It still knows what it made.
    store.undo_import(&import_id(), audit("import.undo", "import/i1")).await.unwrap();
    assert!(matches!(store.user(&UserId::new("ana").unwrap()).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.imports(1).await.unwrap()[0].source, "(erased)");
}

contract! {
    the_same_file_again_changes_nothing,
    what_exists_is_left_as_it_is,
    an_import_is_taken_back,
    the_name_of_a_file_is_rewritten,
}
