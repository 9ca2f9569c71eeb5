//! Who a message is for: the topics' subscribers merged with those who are named,
//! each target once, in ascending order, whatever the size.

use super::error::Result;
use crate::domain::channel::Channel;
use crate::domain::content::Content;
use crate::domain::ids::{TargetNo, TopicNo};
use crate::domain::message::Message;
use crate::domain::plan::{Planned, RUN_LEN};
use crate::store::{Store, StoreError};
use std::collections::{BTreeSet, VecDeque};

/// The audience of a message, read in ascending order of targets. In memory are the
/// named targets and one page of each topic.
#[derive(Debug)]
pub struct Audience {
    channel: Channel,
    named: VecDeque<TargetNo>,
    topics: Vec<Members>,
}

#[derive(Debug)]
struct Members {
    topic: TopicNo,
    after: Option<TargetNo>,
    page: VecDeque<TargetNo>,
    ended: bool,
}

fn found<T>(result: crate::store::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Targets that a message names directly: by id, through their user, or in a copy.
pub(crate) async fn named_targets(store: &dyn Store, message: &Message) -> Result<BTreeSet<TargetNo>> {
    let channel = message.channel();
    let mut named = BTreeSet::new();
    for id in &message.users {
        if let Some(user) = found(store.user(id).await)? {
            let targets = store.targets_of(user.no).await?;
            named.extend(targets.iter().filter(|target| target.channel == channel).map(|target| target.no));
        }
    }
    let mut ids = message.targets.clone();
    if let Content::Email(mail) = &message.content {
        ids.extend(mail.cc.iter().chain(&mail.bcc).cloned());
    }
    for id in &ids {
        if let Some(target) = found(store.target(id).await)?
            && target.channel == channel
        {
            named.insert(target.no);
        }
    }
    Ok(named)
}

impl Audience {
    /// The audience behind a target. Topics, users and targets that are gone have no one in them.
    pub async fn open(store: &dyn Store, message: &Message, after: Option<TargetNo>) -> Result<Self> {
        let channel = message.channel();
        let named: VecDeque<_> =
            named_targets(store, message).await?.into_iter().filter(|no| Some(*no) > after).collect();
        let mut topics = Vec::new();
        for id in &message.topics {
            if let Some(topic) = found(store.topic(id).await)? {
                topics.push(Members { topic: topic.no, after, page: VecDeque::new(), ended: false });
            }
        }
        Ok(Self { channel, named, topics })
    }

    /// How many are named, apart from topics.
    pub fn named(&self) -> u64 {
        self.named.len() as u64
    }

    /// The next recipients, at most `limit`; empty: there are no more.
    pub async fn next(&mut self, store: &dyn Store, limit: usize) -> Result<Vec<Planned>> {
        let mut next = Vec::with_capacity(limit.min(RUN_LEN));
        while next.len() < limit {
            for topic in &mut self.topics {
                topic.fill(store, self.channel).await?;
            }
            let heads = self.topics.iter().filter_map(|topic| topic.page.front());
            let Some(target) = heads.chain(self.named.front()).min().copied() else { break };
            let direct = self.named.front() == Some(&target);
            if direct {
                self.named.pop_front();
            }
            for topic in &mut self.topics {
                if topic.page.front() == Some(&target) {
                    topic.page.pop_front();
                }
            }
            next.push(Planned { target, direct });
        }
        Ok(next)
    }

    /// Counts everybody.
    pub async fn count(mut self, store: &dyn Store) -> Result<u64> {
        let mut count = 0;
        loop {
            let next = self.next(store, RUN_LEN).await?;
            if next.is_empty() {
                return Ok(count);
            }
            count += next.len() as u64;
        }
    }
}

impl Members {
    async fn fill(&mut self, store: &dyn Store, channel: Channel) -> Result<()> {
        while self.page.is_empty() && !self.ended {
            let page = store.members(self.topic, self.after, RUN_LEN).await?;
            match page.last() {
                Some((last, _)) => self.after = Some(*last),
                None => self.ended = true,
            }
            self.page.extend(page.iter().filter(|(_, of)| *of == channel).map(|(target, _)| *target));
        }
        Ok(())
    }
}
