//! What a message would be: who gets it through which provider, and how it reads.

use super::audience::Audience;
use super::error::Result;
use super::render::Templates;
use super::{Engine, plan};
use crate::domain::content::Content;
use crate::domain::delivery::Outcome;
use crate::domain::ids::{MessageId, ProviderId, ProviderNo, TargetId};
use crate::domain::message::Message;
use crate::domain::plan::{Planned, RUN_LEN};
use crate::domain::suppression::SuppressionCause;
use crate::providers::adapter::Rendered;
use crate::store::dispatch::CandidatePerson;
use crate::store::history::LogQuery;
use std::collections::{BTreeMap, HashMap};

/// The most recipients that are counted by provider.
const COUNTED: u64 = 1_000_000;

/// What a message would be if it were planned now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Recipients, each once.
    pub recipients: u64,
    /// Nobody counted further than this: there are more.
    pub at_least: bool,
    /// How many of those who are not left out, through which provider; `None`: nobody of the type is
    /// enabled.
    pub providers: Vec<(Option<ProviderId>, u64)>,
    /// How many of the recipients are left out, because they are on the suppression list.
    pub suppressed: BTreeMap<SuppressionCause, u64>,
    /// The first of those who get it.
    pub samples: Vec<Sample>,
}

/// Who of a message that has ended would be left out if its failed were tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetryLeftOut {
    /// How many are on the suppression list, by cause.
    pub suppressed: BTreeMap<SuppressionCause, u64>,
    /// Nobody looked further: there are maybe more.
    pub at_least: bool,
}

/// How a message reads to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The target.
    pub target: TargetId,
    /// Its address.
    pub address: String,
    /// The text, or why this recipient would get none.
    pub text: std::result::Result<Rendered, String>,
}

fn as_written(content: &Content) -> Rendered {
    match content {
        Content::Email(mail) => Rendered { subject: Some(mail.subject.clone()), body: mail.content.clone() },
        Content::Sms(sms) => Rendered { subject: None, body: sms.content.clone() },
        Content::Push(push) => {
            Rendered { subject: push.title.clone(), body: push.body.clone().unwrap_or_default() }
        }
    }
}

impl Engine {
    /// Previews a stored message with its first `samples` recipients.
    pub async fn preview(&self, id: &MessageId, samples: usize) -> Result<Preview> {
        let message = self.core.store.message(id).await?;
        self.preview_of(&message, samples).await
    }

    /// Previews a message that need not be stored.
    pub async fn preview_of(&self, message: &Message, samples: usize) -> Result<Preview> {
        let core = &self.core;
        let store = &*core.store;
        let mut audience = Audience::open(store, message, None).await?;
        let choice = core.choice().await?;
        let mut preview = Preview {
            recipients: 0,
            at_least: false,
            providers: Vec::new(),
            suppressed: BTreeMap::new(),
            samples: Vec::new(),
        };
        let mut counts: BTreeMap<ProviderNo, u64> = BTreeMap::new();
        loop {
            let recipients = audience.next(store, RUN_LEN).await?;
            if recipients.is_empty() {
                break;
            }
            let suppressed = store.suppressed_among(message.topics.clone(), recipients.clone()).await?;
            let left_out: HashMap<_, _> = suppressed.into_iter().collect();
            for (provider, list) in plan::assign(core, &choice, message.channel(), &recipients).await? {
                preview.recipients += list.len() as u64;
                for planned in &list {
                    match left_out.get(&planned.target) {
                        Some(cause) => *preview.suppressed.entry(*cause).or_default() += 1,
                        None => *counts.entry(provider).or_default() += 1,
                    }
                }
            }
            let missing = samples.saturating_sub(preview.samples.len());
            let get_it = |planned: &&Planned| !left_out.contains_key(&planned.target);
            for recipient in recipients.iter().filter(get_it).take(missing) {
                preview.samples.extend(self.sample(message, recipient.target).await?);
            }
            if preview.recipients >= COUNTED {
                preview.at_least = true;
                break;
            }
        }
        let name = |no: ProviderNo| choice.get(no).map(|provider| provider.id.clone());
        preview.providers = counts.into_iter().map(|(no, count)| (name(no), count)).collect();
        Ok(preview)
    }

    /// Who of those that a retry of an ended message would plan again is on the suppression list.
    pub async fn retry_left_out(&self, message: &Message, uncertain: bool) -> Result<RetryLeftOut> {
        let store = &*self.core.store;
        let mut outcomes = vec![Outcome::Permanent, Outcome::TargetExpired];
        if uncertain {
            outcomes.push(Outcome::Uncertain);
        }
        let mut found = RetryLeftOut::default();
        let (mut after, mut looked) = (None, 0);
        loop {
            let query = LogQuery {
                message: Some(message.no),
                outcomes: outcomes.clone(),
                after,
                limit: RUN_LEN,
                scan: 50_000,
                ..LogQuery::default()
            };
            let page = store.log(query).await?;
            looked += page.rows.len() as u64;
            let ended = plan::ended_in(store, message.no, message.run.saturating_add(1), &page.rows).await?;
            let mut recipients: Vec<_> = ended.iter().map(|row| plan::again_to(row.target)).collect();
            recipients.sort_unstable();
            recipients.dedup();
            for (_, cause) in store.suppressed_among(message.topics.clone(), recipients).await? {
                *found.suppressed.entry(cause).or_default() += 1;
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
            if looked >= COUNTED {
                return Ok(RetryLeftOut { at_least: true, ..found });
            }
        }
    }

    async fn sample(&self, message: &Message, no: crate::domain::ids::TargetNo) -> Result<Option<Sample>> {
        let store = &self.core.store;
        let Some(target) = store.targets_by_no(&[no]).await?.into_iter().flatten().next() else {
            return Ok(None);
        };
        let text = if message.variables {
            let user = store.user_by_no(target.user_no).await?;
            let person = CandidatePerson {
                user_id: user.id.to_string(),
                name: user.name,
                email: user.email.unwrap_or_default(),
                phone: user.phone.unwrap_or_default(),
                prefs: user.prefs,
                target_id: target.id.to_string(),
                target_name: target.name.clone(),
            };
            let (content, config) = (message.content.clone(), self.core.config.clone());
            let address = target.identifier.clone();
            let work = tokio::task::spawn_blocking(move || {
                Templates::new(&content, &config).and_then(|texts| texts.render(&person, &address))
            });
            work.await
                .map_err(|error| error.to_string())
                .and_then(|text| text.map_err(|error| error.to_string()))
        } else {
            Ok(as_written(&message.content))
        };
        Ok(Some(Sample { target: target.id, address: target.identifier, text }))
    }
}
