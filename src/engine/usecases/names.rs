//! Numbers of log rows and of those who wait, resolved to what people know.

use super::error::Outcome;
use crate::domain::delivery::{LogRow, show_address};
use crate::domain::ids::{IdentifierNo, MessageNo, ProviderId, ProviderNo, TargetNo};
use crate::domain::message::Message;
use crate::domain::person::{Identifier, Target};
use crate::engine::Engine;
use crate::store::StoreError;
use crate::wire::delivery::Delivery;
use std::collections::HashMap;

/// Resolves numbers, each once.
#[derive(Default)]
pub(crate) struct Names {
    messages: HashMap<MessageNo, Option<Message>>,
    providers: HashMap<ProviderNo, ProviderId>,
    targets: HashMap<TargetNo, Option<Target>>,
    identifiers: HashMap<IdentifierNo, Option<Identifier>>,
}

impl Names {
    pub(crate) async fn new(engine: &Engine) -> Outcome<Self> {
        let providers = engine.store().providers().await?;
        let providers = providers.into_iter().map(|provider| (provider.no, provider.id)).collect();
        Ok(Self { providers, ..Self::default() })
    }

    pub(crate) async fn learn(
        &mut self,
        engine: &Engine,
        messages: Vec<MessageNo>,
        targets: Vec<TargetNo>,
        identifiers: Vec<IdentifierNo>,
    ) -> Outcome<()> {
        let store = engine.store();
        for no in messages {
            if self.messages.contains_key(&no) {
                continue;
            }
            let message = match store.message_by_no(no).await {
                Ok(message) => Some(message),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            self.messages.insert(no, message);
        }
        let mut unknown: Vec<_> = targets.into_iter().filter(|no| !self.targets.contains_key(no)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let found = store.targets_by_no(&unknown).await?;
        self.targets.extend(unknown.into_iter().zip(found));
        let mut unknown: Vec<_> =
            identifiers.into_iter().filter(|no| !self.identifiers.contains_key(no)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        let found = store.identifiers(&unknown).await?;
        self.identifiers.extend(unknown.into_iter().zip(found));
        Ok(())
    }

    pub(crate) fn message(&self, no: MessageNo) -> Option<&Message> {
        self.messages.get(&no)?.as_ref()
    }

    pub(crate) fn target(&self, no: TargetNo) -> Option<&Target> {
        self.targets.get(&no)?.as_ref()
    }

    pub(crate) fn provider(&self, no: ProviderNo) -> Option<&ProviderId> {
        self.providers.get(&no)
    }

    pub(crate) fn address(&self, no: IdentifierNo) -> &str {
        self.identifiers.get(&no).and_then(Option::as_ref).map_or("", |identifier| &identifier.address)
    }

    fn delivery(&self, row: LogRow) -> Delivery {
        let (message, target) = (self.message(row.message), self.target(row.target));
        let address = self.address(row.identifier);
        Delivery {
            seq: row.seq.0,
            at: row.at,
            message_id: message.map(|message| message.id.clone()),
            headline: message.map(|message| message.content.headline().to_owned()).unwrap_or_default(),
            channel: message.map(Message::channel).or_else(|| target.map(|target| target.channel)),
            target_id: target.map(|target| target.id.clone()),
            user_id: target.map(|target| target.user_id.clone()),
            address: address.to_owned(),
            provider_id: self.provider(row.provider).cloned(),
            outcome: row.outcome,
            attempt: row.attempt,
            run: row.run,
            code: row.detail.code,
            answer: show_address(&row.detail.answer, address),
            service_id: row.detail.provider_id,
            stage: row.detail.stage,
            skip: row.detail.skip,
            latency_us: row.detail.latency_us,
            possibly_twice: row.detail.possibly_twice,
            retry_at: row.detail.retry_at,
            moved: row.detail.moved.map(|moved| moved.why),
            planned_provider_id: row.detail.moved.and_then(|moved| self.provider(moved.from)).cloned(),
        }
    }

    /// Rows as the API shows them.
    pub(crate) async fn deliveries(&mut self, engine: &Engine, rows: Vec<LogRow>) -> Outcome<Vec<Delivery>> {
        self.learn(
            engine,
            rows.iter().map(|row| row.message).collect(),
            rows.iter().map(|row| row.target).collect(),
            rows.iter().map(|row| row.identifier).collect(),
        )
        .await?;
        Ok(rows.into_iter().map(|row| self.delivery(row)).collect())
    }
}
