//! Whatever bears this id, address, Message-ID or service's id.

use super::error::Outcome;
use super::persons::readings;
use crate::domain::delivery::LogRow;
use crate::domain::ids::{
    IdentifierNo, KeyId, LogSeq, MessageId, MessageNo, ProviderId, SuppressionId, TargetId, TargetNo,
    TopicId, UserId,
};
use crate::domain::message::Message;
use crate::domain::person::{Target, User};
use crate::domain::provider::Provider;
use crate::domain::topic::Topic;
use crate::engine::Engine;
use crate::store::catalog::ApiKey;
use crate::store::history::{LogExtent, LogQuery};
use crate::store::page::{Order, PageRequest};
use crate::store::people::ImportRecord;
use crate::store::suppressions::SuppressionView;
use crate::store::{Result, StoreError};
use std::sync::Arc;

/// The most rows of the log that a look for a service's id goes through.
const SCAN: usize = 200_000;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Finds {
    /// Messages by id, or by the reference of a Message-ID.
    pub messages: Vec<Message>,
    /// Topics.
    pub topics: Vec<Topic>,
    /// Users.
    pub users: Vec<User>,
    /// Targets by id or address.
    pub targets: Vec<Target>,
    /// Providers.
    pub providers: Vec<Provider>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    /// Imports.
    pub imports: Vec<ImportRecord>,
    /// Suppressions of an address, or by id.
    pub suppressions: Vec<SuppressionView>,
    /// Rows of the log: a service's id, or an address that nobody has any more.
    pub rows: Vec<LogRow>,
    /// What the log holds.
    pub extent: LogExtent,
    /// How many rows of the log were looked at.
    pub scanned: u64,
    /// Older rows were not looked at.
    pub cut_short: bool,
}

pub(super) fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The message and the target that a Message-ID of ours names: its local part is
/// `<install id>.<message number>.<target number>`, the numbers in base 36.
fn reference(words: &str, install: &str) -> Option<(MessageNo, TargetNo)> {
    let bare = words.trim_start_matches('<').trim_end_matches('>');
    let local = bare.split_once('@').map_or(bare, |(local, _)| local);
    let mut parts = local.split('.');
    let (store, message, target) = (parts.next()?, parts.next()?, parts.next()?);
    if !store.eq_ignore_ascii_case(install) {
        return None;
    }
    let number = |text: &str| u64::from_str_radix(text, 36).ok();
    Some((MessageNo(number(message)?), TargetNo(number(target)?)))
}

impl Engine {
    /// Finds whatever bears these words.
    pub async fn find(&self, words: &str) -> Outcome<Finds> {
        let words = words.trim();
        let store = self.store();
        let mut finds = Finds { extent: store.log_extent().await?, ..Finds::default() };
        if words.is_empty() {
            return Ok(finds);
        }
        if let Ok(id) = MessageId::new(words) {
            finds.messages.extend(found(store.message(&id).await)?);
        }
        if let Ok(id) = TopicId::new(words) {
            finds.topics.extend(found(store.topic(&id).await)?);
        }
        if let Ok(id) = UserId::new(words) {
            finds.users.extend(found(store.user(&id).await)?);
        }
        if let Ok(id) = TargetId::new(words) {
            finds.targets.extend(found(store.target(&id).await)?);
        }
        if let Ok(id) = ProviderId::new(words) {
            finds.providers.extend(found(store.provider(&id).await)?);
        }
        if let Ok(id) = SuppressionId::new(words) {
            finds.suppressions.extend(found(store.suppression(&id).await)?);
        }
        if let Ok(id) = KeyId::new(words) {
            finds.keys.extend(store.keys().await?.into_iter().filter(|key| key.id == id));
            let imports = store.imports(1000).await?;
            finds.imports.extend(imports.into_iter().filter(|import| import.id.as_str() == words));
        }
        self.find_address(words, &mut finds).await?;
        if let Some((message, target)) = reference(words, &store.install_id()) {
            finds.messages.extend(found(store.message_by_no(message).await)?);
            finds.targets.extend(store.targets_by_no(&[target]).await?.into_iter().flatten());
            let query = LogQuery {
                message: Some(message),
                only: Some(Arc::new(move |row: &LogRow| row.target == target)),
                order: Order::Descending,
                limit: 50,
                scan: SCAN,
                ..LogQuery::default()
            };
            finds.rows.extend(store.log(query).await?.rows);
        }
        if finds.is_empty() {
            self.find_service_id(words, &mut finds).await?;
        }
        if finds.is_empty() {
            let users = PageRequest { search: words.to_owned(), limit: 20, ..PageRequest::default() };
            finds.users.extend(store.users(users).await?.items);
            let topics = PageRequest { search: words.to_owned(), limit: 20, ..PageRequest::default() };
            finds.topics.extend(store.topics(topics).await?.items);
        }
        Ok(finds)
    }

    async fn find_address(&self, words: &str, finds: &mut Finds) -> Outcome<()> {
        for (channel, address) in readings(words) {
            let listed = self.store().suppressions_of(channel, &address).await?;
            let target = self.store().target_by_address(channel, &address).await?.map(|target| target.id);
            finds.suppressions.extend(
                listed.into_iter().map(|suppression| SuppressionView { suppression, target: target.clone() }),
            );
            if let Some(target) = self.store().target_by_address(channel, &address).await? {
                finds.users.extend(found(self.store().user_by_no(target.user_no).await)?);
                if finds.targets.iter().all(|known| known.no != target.no) {
                    finds.targets.push(target);
                }
                continue;
            }
            for record in self.store().identifiers_of(channel, &address).await? {
                finds.rows.extend(self.rows_of(record.no, 50).await?);
            }
        }
        Ok(())
    }

    /// The newest rows that refer to an identifier record.
    pub async fn rows_of(&self, identifier: IdentifierNo, limit: usize) -> Outcome<Vec<LogRow>> {
        let query = LogQuery {
            identifier: Some(identifier),
            order: Order::Descending,
            limit,
            scan: SCAN,
            ..LogQuery::default()
        };
        Ok(self.store().log(query).await?.rows)
    }

    async fn find_service_id(&self, words: &str, finds: &mut Finds) -> Outcome<()> {
        let bare = words.trim_start_matches('<').trim_end_matches('>').to_owned();
        let query = LogQuery {
            only: Some(Arc::new(move |row: &LogRow| {
                !row.detail.provider_id.is_empty() && row.detail.provider_id.trim_matches(['<', '>']) == bare
                    || row.detail.answer.contains(&bare)
            })),
            after: None::<LogSeq>,
            order: Order::Descending,
            limit: 20,
            scan: SCAN,
            ..LogQuery::default()
        };
        let page = self.store().log(query).await?;
        finds.scanned = page.scanned;
        finds.cut_short = page.cut_short;
        finds.rows.extend(page.rows);
        Ok(())
    }
}

impl Finds {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.topics.is_empty()
            && self.users.is_empty()
            && self.targets.is_empty()
            && self.providers.is_empty()
            && self.keys.is_empty()
            && self.imports.is_empty()
            && self.suppressions.is_empty()
            && self.rows.is_empty()
    }
}
