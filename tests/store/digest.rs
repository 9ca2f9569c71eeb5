//! Everything that a store says, as text, to compare two states.

use herald::domain::channel::Channel;
use herald::domain::ids::{IdentifierNo, ProviderNo, UserNo};
use herald::store::Store;
use herald::store::dispatch::WaitingFilter;
use herald::store::history::LogQuery;
use herald::store::messages::MessageFilter;
use herald::store::page::{Order, PageRequest};
use std::fmt::Write as _;

/// One line for each record and each count.
pub async fn digest(store: &impl Store) -> String {
    let mut text = String::new();
    let mut line = |what: &dyn std::fmt::Debug| writeln!(text, "{what:?}").unwrap();
    let limit = 1000;
    let users = store.users(PageRequest { limit, ..PageRequest::default() }).await.unwrap();
    line(&("users", users.total, users.items.len()));
    for user in &users.items {
        line(user);
        line(&store.targets_of(user.no).await.unwrap());
    }
    let targets = store.targets(PageRequest { limit, ..PageRequest::default() }).await.unwrap();
    line(&("targets", targets.total, targets.items.len()));
    for target in &targets.items {
        let found = store.target_by_address(target.channel, &target.identifier).await.unwrap();
        assert_eq!(found.as_ref(), Some(target), "the index of addresses leads to its target");
        assert_eq!(store.target(&target.id).await.unwrap(), *target);
    }
    line(&store.targets_of(UserNo(1)).await.unwrap());
    line(&store.identifiers(&(1..60).map(IdentifierNo).collect::<Vec<_>>()).await.unwrap());
    line(&store.identifiers_of(Channel::Email, "p4@example.com").await.unwrap());
    let topics = store.topics(PageRequest { limit, ..PageRequest::default() }).await.unwrap();
    line(&("topics", topics.total));
    for topic in &topics.items {
        line(topic);
        let members = store.members(topic.no, None, limit).await.unwrap();
        assert_eq!(members.len() as u64, topic.totals.sum());
        let page = PageRequest { limit, ..PageRequest::default() };
        for subscriber in store.subscribers(&topic.id, page).await.unwrap().items {
            line(&subscriber);
        }
    }
    for provider in store.providers().await.unwrap() {
        line(&provider);
        line(&store.credentials(provider.no).await.unwrap().keys().collect::<Vec<_>>());
    }
    let page = PageRequest { limit, ..PageRequest::default() };
    let messages = store.messages(MessageFilter::default(), page).await.unwrap();
    let counts = store.state_counts().await.unwrap();
    line(&("messages", messages.total, counts));
    let mut by_state = [0; 8];
    let mut scheduled = 0;
    for message in &messages.items {
        line(message);
        line(&store.plan_cursor(message.no).await.unwrap());
        by_state[usize::from(message.state.code())] += 1;
        scheduled += u64::from(message.state.code() == 1);
        let lanes = store.lanes_of(message.no).await.unwrap();
        let mut sum = herald::domain::message::Progress::default();
        for lane in &lanes {
            line(lane);
            sum.add(&lane.progress);
            let all = store.candidates(lane.key, lane.cursor, limit, true).await.unwrap();
            line(&all);
        }
        assert_eq!(sum, message.progress);
    }
    assert_eq!(counts, by_state);
    let upcoming = store.upcoming(limit).await.unwrap();
    assert_eq!(upcoming.len() as u64, scheduled, "what is scheduled is on the schedule");
    line(&store.next_due().await.unwrap());
    line(&store.active().await.unwrap().len());
    for provider in 0..3 {
        line(&store.lanes(ProviderNo(provider)).await.unwrap());
        line(&store.usage(ProviderNo(provider)).await.unwrap());
    }
    line(&store.open_windows().await.unwrap());
    line(&store.waiting(WaitingFilter::default(), None, limit).await.unwrap());
    let log = LogQuery { limit, scan: 10_000, order: Order::Ascending, ..LogQuery::default() };
    line(&store.log(log).await.unwrap().rows);
    line(&store.log_extent().await.unwrap());
    line(&store.audit(None, None, limit).await.unwrap());
    line(&store.audit(Some("message/m1"), None, limit).await.unwrap());
    line(&store.flags().await.unwrap());
    line(&store.imports(limit).await.unwrap());
    text
}
