//! What operators do to messages on their way, and to sending as a whole.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, ProviderId, ProviderNo, Revision};
use crate::domain::message::{Message, Progress};
use crate::domain::state::{Event, Hold, MessageState};
use crate::domain::validate::Invalid;
use crate::engine::Engine;
use crate::store::{RecordKind, StoreError};

/// What can be done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAction {
    /// Stops it while it is being sent.
    Pause,
    /// Lets it go on.
    Resume,
    /// Ends it.
    Cancel,
    /// Holds it, to edit it.
    Hold,
    /// Lets it go.
    Release,
    /// Back to draft, while nothing of it has been claimed.
    Undo,
}

impl Engine {
    /// Does something to a message, if its state allows it.
    pub async fn act_on_message(
        &self,
        by: &Actor,
        id: &MessageId,
        action: MessageAction,
        expect: Option<Revision>,
    ) -> Outcome<Message> {
        let message = self.store().message(id).await?;
        if let Some(expected) = expect
            && expected != message.revision
        {
            let actual = message.revision;
            return Err(StoreError::Stale { kind: RecordKind::Message, expected, actual }.into());
        }
        Ok(match action {
            MessageAction::Pause => self.pause(id, by).await?,
            MessageAction::Resume => self.resume(id, by).await?,
            MessageAction::Cancel => self.cancel(id, by).await?,
            MessageAction::Release => self.release(id, by).await?,
            MessageAction::Hold => {
                if message.state == MessageState::Processing {
                    return Err(Refusal::not_now("The message is being sent: pause it instead"));
                }
                let hold = Hold::Editing { by: by.name.clone(), since: self.now() };
                let audit = self.entry(by, "message.hold", format_args!("message/{id}"), "held for editing");
                let event = Event::Hold(hold);
                self.store().transition(message.no, event, expect, self.now(), Some(audit)).await?
            }
            MessageAction::Undo => {
                if !matches!(message.state, MessageState::Scheduled | MessageState::Held(_)) {
                    return Err(too_late(&message));
                }
                let summary = format!("taken back into a draft; was {}", message.state);
                let audit = self.entry(by, "message.undo", format_args!("message/{id}"), summary);
                let undone = self
                    .store()
                    .transition(message.no, Event::Unschedule, expect, self.now(), Some(audit))
                    .await;
                match undone {
                    Err(StoreError::Transition(_)) => return Err(too_late(&self.store().message(id).await?)),
                    other => other?,
                }
            }
        })
    }

    /// The number of a provider through which recipients of a channel can be tried again.
    pub async fn provider_for(&self, id: &ProviderId, channel: Channel) -> Outcome<ProviderNo> {
        let provider = self.store().provider(id).await?;
        if provider.channel != channel {
            let rule = format!("Provider {id} delivers {}, and the message is {channel}", provider.channel);
            return Err(Invalid::value("providerId", rule).into());
        }
        if !provider.enabled {
            return Err(Invalid::value("providerId", format!("Provider {id} is disabled")).into());
        }
        Ok(provider.no)
    }

    /// A new draft with the same content and audience.
    pub async fn duplicate_message(&self, by: &Actor, id: &MessageId) -> Outcome<Message> {
        let now = self.now();
        let old = self.store().message(id).await?;
        let new = Message {
            id: MessageId::new(self.new_id())?,
            state: MessageState::Draft,
            scheduled_at: None,
            schedule_words: None,
            expires_at: None,
            confirmed: None,
            progress: Progress::default(),
            run: 1,
            started_at: None,
            finished_at: None,
            errors: Vec::new(),
            created_by: by.name.clone(),
            created: now,
            updated: now,
            ..old
        };
        let summary = format!("copied from {id}");
        let audit = self.entry(by, "message.create", format_args!("message/{}", new.id), summary);
        Ok(self.store().create_message(new, audit).await?)
    }
}

fn too_late(message: &Message) -> Refusal {
    match message.state {
        MessageState::Draft => Refusal::not_now("The message is a draft already"),
        MessageState::Processing | MessageState::Paused { .. } => Refusal::not_now(
            "Too late to undo: sending has begun. Cancelling ends it for those who were not tried",
        ),
        _ => Refusal::not_now(format!("Too late to undo: the message is {}", message.state)),
    }
}
