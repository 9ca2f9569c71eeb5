//! Texts of messages, files and imports that quote somebody; and names that only people can change.

use super::Words;
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
    /// Takes words out of records. What is still to be sent is left as it is: whoever wrote it is to
    /// decide what it says instead.
    pub(super) async fn redact_records(&self, words: &Words) -> Outcome<Vec<String>> {
        let mut left = Vec::new();
        self.redact_messages(words, &mut left).await?;
        self.redact_files(words).await?;
        for mut import in self.store().imports(IMPORTS).await? {
            let mut found = clean(words, &mut import.source);
            for (_, reason) in &mut import.counts.refused {
                found |= clean(words, reason);
            }
            if found {
                self.store().rewrite_import(import).await?;
            }
        }
        self.names_left(words, &mut left).await?;
        Ok(left)
    }

    async fn redact_messages(&self, words: &Words, left: &mut Vec<String>) -> Outcome<()> {
        let mut after = None;
        loop {
            let request = PageRequest { after, limit: PAGE, ..PageRequest::default() };
            let page = self.store().messages(MessageFilter::default(), request).await?;
            for message in page.items {
                let mut content = message.content;
                if !clean_content(words, &mut content) {
                    continue;
                }
                if message.state.is_over() || message.state == MessageState::Draft {
                    self.store().rewrite_content(message.no, content).await?;
                } else {
                    let (id, state) = (&message.id, &message.state);
                    left.push(format!("message {id} is {state} and names them: edit or cancel it"));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn redact_files(&self, words: &Words) -> Outcome<()> {
        let mut buckets = None;
        loop {
            let request = PageRequest { after: buckets, limit: PAGE, ..PageRequest::default() };
            let page = self.store().buckets(request).await?;
            for bucket in page.items {
                let mut after = None;
                loop {
                    let request = PageRequest { after, limit: PAGE, ..PageRequest::default() };
                    let files = self.store().files(&bucket.id, request).await?;
                    for mut file in files.items {
                        let revision = file.revision;
                        if clean(words, &mut file.name) {
                            match self.store().put_file(file, revision, None).await {
                                // Somebody has changed or deleted it meanwhile.
                                Err(StoreError::Stale { .. } | StoreError::NotFound { .. }) | Ok(_) => {}
                                Err(error) => return Err(error.into()),
                            }
                        }
                    }
                    after = files.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            buckets = page.next;
            if buckets.is_none() {
                return Ok(());
            }
        }
    }

    /// Names that others know things by are not changed behind their backs.
    async fn names_left(&self, words: &Words, left: &mut Vec<String>) -> Outcome<()> {
        let mut note = |what: &str, id: &str, name: &str| {
            if words.out_of(name).is_some() {
                left.push(format!("the name of {what} {id} names them: change it"));
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
        Ok(())
    }
}
