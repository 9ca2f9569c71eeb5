//! Writing messages: create, change, delete.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::channel::{Channel, InDoubt};
use crate::domain::content::Content;
use crate::domain::file::FileRef;
use crate::domain::ids::{MessageId, MessageNo, Revision, TargetId, TopicId, UserId};
use crate::domain::message::{Message, Progress, ScheduleWords};
use crate::domain::state::{Event, MessageState};
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::store::StoreError;
use crate::wire::ErrorType;
use std::collections::BTreeSet;
use std::time::Duration;

/// What creates and changes share; on a change, what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageEdit {
    /// Topics.
    pub topics: Option<Vec<TopicId>>,
    /// Users.
    pub users: Option<Vec<UserId>>,
    /// Targets.
    pub targets: Option<Vec<TargetId>>,
    /// Files to attach to a mail.
    pub attachments: Option<Vec<FileRef>>,
    /// The image of a notification.
    pub image: ImageEdit,
    /// True: a draft. False without a time: now.
    pub draft: Option<bool>,
    /// When it is due.
    pub scheduled_at: Option<Timestamp>,
    /// When it is too late to try.
    pub expires_at: Option<Timestamp>,
    /// Whether braces are variables.
    pub variables: Option<bool>,
    /// What becomes of doubtful recipients.
    pub in_doubt: Option<InDoubt>,
    /// How many recipients were shown when it was confirmed.
    pub confirmed: Option<u64>,
    /// For how long sending now can be undone.
    pub undo: Option<Duration>,
    /// The words of the time.
    pub schedule_words: Option<ScheduleWords>,
    /// Refused as stale unless it still has this revision.
    pub revision: Option<Revision>,
    /// How long after its due time a message of this type may be sent if it says nothing.
    pub lifetime: Duration,
}

/// What becomes of a notification's image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ImageEdit {
    /// It stays, if there is one.
    #[default]
    Keep,
    /// There is none any more.
    Remove,
    /// It is this one.
    Set(FileRef),
}

/// Every target that a message names itself, copies included.
fn named(message: &Message) -> BTreeSet<TargetId> {
    let mut named: BTreeSet<_> = message.targets.iter().cloned().collect();
    if let Content::Email(mail) = &message.content {
        named.extend(mail.cc.iter().chain(&mail.bcc).cloned());
    }
    named
}

fn wrong_target(channel: Channel, id: &TargetId) -> Refusal {
    let kind = match channel {
        Channel::Email => ErrorType::MessageTargetNotEmail,
        Channel::Sms => ErrorType::MessageTargetNotSms,
        Channel::Push => ErrorType::MessageTargetNotPush,
    };
    Refusal::new(kind, format!("Target {id} does not exist or is not of type {channel}"))
}

/// The dialect's refusal to change a message in this state, if it refuses.
fn not_editable(message: &Message, now: Timestamp) -> Option<Refusal> {
    let (kind, text) = match &message.state {
        MessageState::Processing | MessageState::Paused { .. } => {
            (ErrorType::MessageProcessing, "Message is already being sent: pause or cancel it instead")
        }
        MessageState::Sent => (ErrorType::MessageSent, "Message has already been sent: duplicate it instead"),
        MessageState::Failed => {
            (ErrorType::MessageFailed, "Message has already failed: retry or duplicate it instead")
        }
        MessageState::Cancelled { .. } => {
            (ErrorType::MessageFailed, "Message was cancelled: duplicate it instead")
        }
        MessageState::Scheduled if message.scheduled_at.is_some_and(|due| due <= now) => {
            (ErrorType::MessageScheduled, "The message's time has come, it is about to be sent")
        }
        MessageState::Draft | MessageState::Scheduled | MessageState::Held(_) => return None,
    };
    Some(Refusal::new(kind, text))
}

impl Engine {
    /// Creates a message, and its schedule unless it is a draft, in one transaction.
    pub async fn create_message(
        &self,
        by: &Actor,
        id: &str,
        content: Content,
        edit: MessageEdit,
    ) -> Outcome<Message> {
        let now = self.now();
        let id = MessageId::new(self.id_or_new(id))?;
        let mut message = Message {
            no: MessageNo(0),
            id,
            content,
            topics: Vec::new(),
            users: Vec::new(),
            targets: Vec::new(),
            state: MessageState::Draft,
            scheduled_at: None,
            schedule_words: None,
            expires_at: None,
            lifetime_s: None,
            variables: false,
            in_doubt: None,
            confirmed: None,
            progress: Progress::default(),
            run: 1,
            started_at: None,
            finished_at: None,
            errors: Vec::new(),
            created_by: by.name.clone(),
            created: now,
            updated: now,
            revision: Revision(0),
        };
        let mut edit = MessageEdit { draft: Some(edit.draft.unwrap_or(false)), ..edit };
        let (attachments, image) = (edit.attachments.take(), std::mem::take(&mut edit.image));
        merge(&mut message, edit, now)?;
        self.check_targets(message.channel(), named(&message)).await?;
        self.put_files(&mut message.content, attachments, image, message.scheduled_at).await?;
        let audit = self.entry(
            by,
            "message.create",
            format_args!("message/{}", message.id),
            format!("{} “{}”, {}", message.channel(), message.content.headline(), message.state),
        );
        Ok(self.store().create_message(message, audit).await?)
    }

    /// Changes a draft, scheduled or held message.
    pub async fn edit_message(
        &self,
        by: &Actor,
        id: &MessageId,
        channel: Channel,
        content: impl FnOnce(&mut Content) + Send,
        mut edit: MessageEdit,
    ) -> Outcome<Message> {
        let now = self.now();
        let mut message = self.store().message(id).await?;
        if message.channel() != channel {
            let text = format!("Message {id} is of type {}, not {channel}", message.channel());
            return Err(Invalid::value("messageId", text).into());
        }
        if let Some(refusal) = not_editable(&message, now) {
            return Err(refusal);
        }
        let before = message.clone();
        content(&mut message.content);
        let expect = edit.revision.unwrap_or(before.revision);
        let (attachments, image) = (edit.attachments.take(), std::mem::take(&mut edit.image));
        merge(&mut message, edit, now)?;
        let new = named(&message).difference(&named(&before)).cloned().collect();
        self.check_targets(channel, new).await?;
        if attachments.is_some() || image != ImageEdit::Keep || message.scheduled_at != before.scheduled_at {
            self.put_files(&mut message.content, attachments, image, message.scheduled_at).await?;
        }
        message.updated = now;
        let summary = changes(&before, &message);
        let audit = self.entry(by, "message.update", format_args!("message/{id}"), summary);
        match self.store().put_message(message, expect, audit).await {
            // Claimed between our look and our write.
            Err(StoreError::Transition(_)) => {
                let message = self.store().message(id).await?;
                Err(not_editable(&message, now).unwrap_or_else(|| {
                    Refusal::not_now("The message has changed meanwhile: look at it again")
                }))
            }
            other => Ok(other?),
        }
    }

    /// Deletes a message that is not being sent.
    /// With a revision, only while it has that one still.
    pub async fn delete_message(&self, by: &Actor, id: &MessageId, expect: Option<Revision>) -> Outcome<()> {
        let message = self.store().message(id).await?;
        match message.state {
            MessageState::Processing | MessageState::Paused { .. } => {
                return Err(Refusal::new(
                    ErrorType::MessageProcessing,
                    "Message is being sent: cancel it before deleting it",
                ));
            }
            MessageState::Scheduled if message.scheduled_at.is_some_and(|due| due <= self.now()) => {
                return Err(Refusal::new(
                    ErrorType::MessageScheduled,
                    "The message's time has come, it is about to be sent",
                ));
            }
            _ => {}
        }
        let summary = format!("{} “{}” deleted", message.channel(), message.content.headline());
        let audit = self.entry(by, "message.delete", format_args!("message/{id}"), summary);
        Ok(self.store().delete_message(id, expect, audit).await?)
    }

    async fn check_targets(&self, channel: Channel, ids: BTreeSet<TargetId>) -> Outcome<()> {
        for id in ids {
            match self.store().target(&id).await {
                Ok(target) if target.channel == channel => {}
                Ok(_) | Err(StoreError::NotFound { .. }) => return Err(wrong_target(channel, &id)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Applies an edit, by the dialect's rules for status and time.
fn merge(message: &mut Message, edit: MessageEdit, now: Timestamp) -> Outcome<()> {
    if let Some(topics) = edit.topics {
        message.topics = topics;
    }
    if let Some(users) = edit.users {
        message.users = users;
    }
    if let Some(targets) = edit.targets {
        message.targets = targets;
    }
    if let Some(variables) = edit.variables {
        message.variables = variables;
    }
    message.in_doubt = edit.in_doubt.or(message.in_doubt);
    message.confirmed = edit.confirmed.or(message.confirmed);
    let was_draft = message.state == MessageState::Draft;
    let scheduling = edit.draft.is_some() || edit.scheduled_at.is_some();
    if scheduling {
        message.schedule_words = edit.schedule_words;
        if edit.draft == Some(true) {
            if message.state != MessageState::Draft {
                message.state = message.state.apply(Event::Unschedule).map_err(StoreError::from)?;
            }
            if edit.scheduled_at.is_some() {
                message.scheduled_at = edit.scheduled_at;
            }
        } else {
            let due = edit.scheduled_at.unwrap_or_else(|| now.plus(edit.undo.unwrap_or_default()));
            message.state = message.state.apply(Event::Schedule).map_err(StoreError::from)?;
            message.scheduled_at = Some(due);
        }
    }
    if message.state != MessageState::Draft && message.audience_is_empty() {
        return Err(Refusal::new(
            ErrorType::MessageMissingTarget,
            "Message with no recipients cannot be sent: name topics, users or targets",
        ));
    }
    expiry(message, edit.expires_at, edit.lifetime, scheduling, was_draft)
}

/// Sets the deadline: as given, else the message's own lifetime, else the type's, from the due time.
fn expiry(
    message: &mut Message,
    given: Option<Timestamp>,
    lifetime: Duration,
    scheduling: bool,
    was_draft: bool,
) -> Outcome<()> {
    let due = message.scheduled_at;
    if let Some(expires) = given {
        if let Some(due) = due {
            if expires <= due {
                return Err(Invalid::value(
                    "expiresAt",
                    "Value must lie after the time at which the message is due",
                )
                .into());
            }
            message.lifetime_s = Some(expires.since(due).as_secs());
        }
        message.expires_at = Some(expires);
        return Ok(());
    }
    if !scheduling {
        return Ok(());
    }
    if let Some(due) = due.filter(|_| message.state != MessageState::Draft) {
        // A deadline that was given to a draft without a time stands as it was given.
        let stands =
            message.lifetime_s.is_none() && message.expires_at.is_some_and(|at| at > due) && was_draft;
        if !stands {
            let own = message.lifetime_s.map(Duration::from_secs);
            message.expires_at = Some(due.plus(own.unwrap_or(lifetime)));
        }
    }
    Ok(())
}

/// What changed, in one line.
fn changes(before: &Message, after: &Message) -> String {
    let mut parts = Vec::new();
    if before.content != after.content {
        parts.push("content".to_owned());
    }
    if (&before.topics, &before.users, &before.targets) != (&after.topics, &after.users, &after.targets) {
        parts.push("audience".to_owned());
    }
    if before.scheduled_at != after.scheduled_at {
        let at = after.scheduled_at.map_or_else(|| "none".to_owned(), |at| at.to_string());
        parts.push(format!("time: {at}"));
    }
    if before.state != after.state {
        parts.push(format!("{} → {}", before.state, after.state));
    }
    if (before.expires_at, before.variables, before.in_doubt, before.confirmed)
        != (after.expires_at, after.variables, after.in_doubt, after.confirmed)
    {
        parts.push("options".to_owned());
    }
    if parts.is_empty() { "nothing changed".into() } else { parts.join("; ") }
}
