//! Messages as the API shows them.

use crate::domain::content::{Attachment, Content};
use crate::domain::message::Message;
use crate::domain::reason::Why;
use crate::domain::receipt::ReceiptCounts;
use crate::domain::state::{Hold, MessageState};
use crate::domain::time::Timestamp;
use crate::wire::message::{
    AttachmentRef, Data, EmailData, Message as Shown, PushData, ScheduleWords, SmsData, State, Status,
};

/// The dialect's status. Sending now is a schedule that is due now: the dialect
/// calls it processing from the start.
pub(crate) fn status(message: &Message, now: Timestamp) -> Status {
    match &message.state {
        MessageState::Draft => Status::Draft,
        MessageState::Scheduled if message.scheduled_at.is_some_and(|due| due <= now) => Status::Processing,
        MessageState::Scheduled | MessageState::Held(_) => Status::Scheduled,
        MessageState::Processing | MessageState::Paused { .. } => Status::Processing,
        MessageState::Sent => Status::Sent,
        MessageState::Cancelled { .. } | MessageState::Failed => Status::Failed,
    }
}

/// Herald's word for a state.
pub(crate) fn state(state: &MessageState) -> State {
    match state {
        MessageState::Draft => State::Draft,
        MessageState::Scheduled => State::Scheduled,
        MessageState::Held(_) => State::Held,
        MessageState::Processing => State::Processing,
        MessageState::Paused { .. } => State::Paused,
        MessageState::Cancelled { .. } => State::Cancelled,
        MessageState::Sent => State::Sent,
        MessageState::Failed => State::Failed,
    }
}

/// Why a message stands where it stands, as far as its own record tells.
pub(crate) fn own_reason(message: &Message) -> Option<Why> {
    match &message.state {
        MessageState::Draft => Some(Why::Draft),
        MessageState::Scheduled => message.scheduled_at.map(|at| Why::Scheduled { at }),
        MessageState::Held(Hold::Late) => {
            Some(Why::HeldLate { due: message.scheduled_at.unwrap_or(message.created) })
        }
        MessageState::Held(Hold::AudienceGrew { confirmed, found }) => {
            Some(Why::HeldAudienceGrew { confirmed: *confirmed, found: *found })
        }
        MessageState::Held(Hold::Restored) => Some(Why::HeldRestored),
        MessageState::Held(Hold::Editing { by, since }) => {
            Some(Why::HeldEditing { by: by.clone(), since: *since })
        }
        MessageState::Processing => Some(Why::Sending),
        MessageState::Paused { by, since } => Some(Why::Paused { by: by.clone(), since: *since }),
        MessageState::Cancelled { .. } | MessageState::Sent | MessageState::Failed => None,
    }
}

fn attachment(file: Attachment) -> AttachmentRef {
    AttachmentRef { bucket_id: file.bucket, file_id: file.file, url: None }
}

fn data(content: Content) -> Data {
    match content {
        Content::Email(mail) => Data::Email(EmailData {
            subject: mail.subject,
            content: mail.content,
            html: mail.html,
            cc: mail.cc,
            bcc: mail.bcc,
            attachments: mail.attachments.into_iter().map(attachment).collect(),
        }),
        Content::Sms(sms) => Data::Sms(SmsData { content: sms.content }),
        Content::Push(push) => Data::Push(Box::new(PushData {
            title: push.title,
            body: push.body,
            data: push.data.as_deref().map(super::present::object),
            action: push.action,
            image: push.image.map(|image| AttachmentRef {
                bucket_id: image.file.bucket.to_string(),
                file_id: image.file.file.to_string(),
                url: Some(image.url),
            }),
            icon: push.icon,
            sound: push.sound,
            color: push.color,
            tag: push.tag,
            badge: push.badge,
            content_available: push.content_available,
            critical: push.critical,
            priority: push.priority,
        })),
    }
}

/// A message, with the reason that the engine gives, if it gave one.
pub(crate) fn message(message: Message, why: Option<Why>, now: Timestamp) -> Shown {
    let mut delivery_errors = message.errors.clone();
    if let MessageState::Cancelled { by } = &message.state {
        delivery_errors.insert(0, format!("Cancelled by {by}"));
        delivery_errors.truncate(100);
    }
    Shown {
        provider_type: message.channel(),
        status: status(&message, now),
        state: state(&message.state),
        why: why.or_else(|| own_reason(&message)).map(Into::into),
        in_doubt: message.in_doubt(),
        delivered_total: message.progress.accepted,
        id: message.id,
        created_at: message.created,
        updated_at: message.updated,
        topics: message.topics,
        users: message.users,
        targets: message.targets,
        // Who sends at once names no time, and is told none.
        scheduled_at: message.scheduled_at.filter(|due| *due != message.created),
        delivered_at: message.finished_at,
        delivery_errors,
        data: data(message.content),
        providers: Vec::new(),
        progress: message.progress,
        receipts: ReceiptCounts::default(),
        expires_at: message.expires_at,
        revision: message.revision,
        run: message.run,
        started_at: message.started_at,
        variables: message.variables,
        confirmed: message.confirmed,
        schedule_words: message
            .schedule_words
            .map(|given| ScheduleWords { words: given.words, zone: given.zone }),
        created_by: message.created_by,
    }
}
