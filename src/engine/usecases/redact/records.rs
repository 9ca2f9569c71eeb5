//! Texts of messages, files and imports that quote somebody; and names that only people can change.

use super::{Step, Words, number};
use crate::domain::content::Content;
use crate::domain::state::MessageState;
use crate::engine::Engine;
use crate::engine::usecases::error::Outcome;
use crate::store::StoreError;
use crate::store::messages::MessageFilter;
use crate::store::page::PageRequest;

/// Records that are looked at together.
const PAGE: usize = 200;

/// Imports that are looked at.
const IMPORTS: usize = 100_000;

/// Takes words out of a text; whether there were any.
fn clean(words: &Words, text: &mut String) -> bool {
    words.out_of(text).map(|new| *text = new).is_some()
}

fn clean_maybe(words: &Words, text: &mut Option<String>) -> bool {
    text.as_mut().is_some_and(|text| clean(words, text))
}

/// Takes words out of what a message says; whether there were any.
fn clean_content(words: &Words, content: &mut Content) -> bool {
    match content {
        Content::Email(mail) => {
            let mut found = clean(words, &mut mail.subject) | clean(words, &mut mail.content);
            for attachment in &mut mail.attachments {
                found |= clean(words, &mut attachment.name);
            }
            found
        }
        Content::Sms(sms) => clean(words, &mut sms.content),
        Content::Push(push) => {
            let data = push.data.as_mut().is_some_and(|text| clean_json(words, text));
            clean_maybe(words, &mut push.title)
                | clean_maybe(words, &mut push.body)
                | clean_maybe(words, &mut push.action)
                | clean_maybe(words, &mut push.tag)
                | data
        }
    }
}

/// The same for JSON as text.
fn clean_json(words: &Words, text: &mut String) -> bool {
    let Ok(mut value) = serde_json::from_str(text) else { return clean(words, text) };
    let found = words.out_of_value(&mut value);
    if found {
        *text = value.to_string();
    }
    found
}

impl Engine {
    /// Takes words out of a page of messages. What is still to be sent is left as it is: whoever wrote
    /// it is to decide what it says instead.
    pub(in crate::engine::usecases) async fn redact_messages(
        &self,
        words: &Words,
        after: Option<&str>,
    ) -> Outcome<Step> {
        let request = PageRequest { after: number(after), limit: PAGE, ..PageRequest::default() };
        let page = self.store().messages(MessageFilter::default(), request).await?;
        let next = page.next.map(|next| next.to_string());
        let mut step = Step { looked: page.items.len() as u64, next, ..Step::default() };
        for message in page.items {
            let mut content = message.content;
            if !clean_content(words, &mut content) {
                continue;
            }
            if message.state.is_over() || message.state == MessageState::Draft {
                match self.store().rewrite_content(message.no, content).await {
                    // Somebody has deleted it meanwhile.
                    Err(StoreError::NotFound { .. }) => {}
                    result => result?,
                }
                step.changed += 1;
            } else {
                let (id, state) = (&message.id, &message.state);
                step.left.push(format!("message {id} is {state} and names them: edit or cancel it"));
            }
        }
        Ok(step)
    }

    /// Takes words out of the names of a page of files. It goes on behind `bucket/file`, both by number.
    pub(in crate::engine::usecases) async fn redact_files(
        &self,
        words: &Words,
        after: Option<&str>,
    ) -> Outcome<Step> {
        let (bucket_after, file_after) = after.and_then(|after| after.split_once('/')).unwrap_or_default();
        let request = PageRequest { after: number(Some(bucket_after)), limit: 1, ..PageRequest::default() };
        let buckets = self.store().buckets(request).await?;
        let Some(bucket) = buckets.items.first() else { return Ok(Step::default()) };
        let request = PageRequest { after: number(Some(file_after)), limit: PAGE, ..PageRequest::default() };
        let files = self.store().files(&bucket.id, request).await?;
        let next = match (files.next, buckets.next) {
            (Some(file), _) => Some(format!("{bucket_after}/{file}")),
            (None, Some(bucket)) => Some(format!("{bucket}/")),
            (None, None) => None,
        };
        let mut step = Step { looked: files.items.len() as u64, next, ..Step::default() };
        for mut file in files.items {
            let revision = file.revision;
            if clean(words, &mut file.name) {
                match self.store().put_file(file, revision, None).await {
                    // Somebody has changed or deleted it meanwhile.
                    Err(StoreError::Stale { .. } | StoreError::NotFound { .. }) => {}
                    Ok(_) => step.changed += 1,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(step)
    }

    /// Takes words out of what is kept of imports.
    pub(in crate::engine::usecases) async fn redact_imports(&self, words: &Words) -> Outcome<Step> {
        let mut step = Step::default();
        for mut import in self.store().imports(IMPORTS).await? {
            step.looked += 1;
            let mut found = clean(words, &mut import.source);
            for (_, reason) in &mut import.counts.refused {
                found |= clean(words, reason);
            }
            if found {
                self.store().rewrite_import(import).await?;
                step.changed += 1;
            }
        }
        Ok(step)
    }

    /// Names that others know things by are not changed behind their backs.
    pub(in crate::engine::usecases) async fn names_left(&self, words: &Words) -> Outcome<Step> {
        let mut step = Step::default();
        let mut note = |what: &str, id: &str, name: &str| {
            step.looked += 1;
            if words.out_of(name).is_some() {
                step.left.push(format!("the name of {what} {id} names them: change it"));
            }
        };
        let mut after = None;
        loop {
            let request = PageRequest { after, limit: PAGE, ..PageRequest::default() };
            let page = self.store().topics(request).await?;
            for topic in &page.items {
                note("topic", topic.id.as_str(), &topic.name);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for provider in self.store().providers().await? {
            note("provider", provider.id.as_str(), &provider.name);
        }
        for key in self.store().keys().await? {
            note("key", key.id.as_str(), &key.name);
        }
        for webhook in self.webhooks().await?.webhooks {
            note("webhook", webhook.id.as_str(), &webhook.name);
        }
        Ok(step)
    }
}
