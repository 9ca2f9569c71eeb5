//! What the console is told, and what it wants done: all as data.

mod command;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, MouseEvent};

use super::runtime::Request;
use super::state::kept::Kept;
use super::term::Told;
use super::watch::{Seen, Standing};
use crate::client::ClientError;
pub use crate::client::Whom;
use crate::domain::ids::{MessageId, ProviderId, TargetId, TopicId, UserId};
use crate::domain::routing::Routing;
use crate::wire::delivery::{DeliveryPage, DeliveryRequest};
use crate::wire::draft::SavedDraft;
use crate::wire::error::StaleRecord;
use crate::wire::event::Event;
use crate::wire::history::AuditPage;
use crate::wire::list::{MessageList, SubscriberList, TargetList, TopicList, UserList};
use crate::wire::message::{MessageDetail, Retry};
use crate::wire::operation::{CreateOperation, Operation};
use crate::wire::overview::{ErrorGroups, Overview, SettingRow};
use crate::wire::person::{Target, User};
use crate::wire::preview::{Preview, RetryPreview};
use crate::wire::provider::{Provider, ProviderHealth};
use crate::wire::suppression::{
    SuppressionList, SuppressionParameters, UndoSuppressions, UndoneSuppressions,
};
pub use command::*;

/// A fact or an intent.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// A text was pasted.
    Paste(String),
    /// The screen has this size.
    Resize(u16, u16),
    /// What time it is.
    Clock(DateTime<Utc>),
    /// A timer ran out.
    Timer(u64),
    /// The editor has ended: the request's number; the text, or why there is none.
    Edited(u64, Result<String, String>),
    /// Whether a text could be copied.
    Copied(bool),
    /// The process cannot be stopped from here.
    CannotSuspend,
    /// The answer to what was asked for a part of the screen.
    Answer(Slot, Result<Answer, Fault>),
    /// What came of a command.
    Done(Command, Result<Done, Fault>),
    /// How far something is that takes long.
    Progress(Progress),
    /// Something has changed.
    Event(Event),
    /// What the terminal says of itself.
    Told(Told),
    /// The event stream broke.
    Lost(Fault),
}

/// Work to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Something of the seat or the loop.
    Ask(Request),
    /// A question to the API.
    Fetch(Slot, Fetch),
    /// Something that changes the world.
    Do(Command),
    /// Listen to what changes, until the console ends.
    Follow,
    /// Keep this for the next start.
    Keep(Box<Kept>),
    /// End what takes long; what it has done stays done.
    Stop,
}

/// A part of the screen that holds an answer. At most one question of each is
/// under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Header and overview.
    Overview,
    /// What is being sent.
    Sending,
    /// What was done before something went wrong.
    Before,
    /// The list of messages.
    Messages,
    /// The selected message.
    Detail,
    /// Its deliveries.
    Deliveries,
    /// Its next failure.
    Failure,
    /// Its failures, to be grouped.
    Causes,
    /// Its audit.
    Audit,
    /// The list of topics.
    Topics,
    /// The selected topic's subscribers.
    Subscribers,
    /// The list of targets.
    Targets,
    /// What became last of what was sent to the targets in view.
    Outcomes,
    /// The selected target's user.
    Person,
    /// What was sent to the selected target.
    History,
    /// What was sent to an address that is no target's.
    Address,
    /// What forbids writing to the address that is looked at.
    Suppressed,
    /// The suppression list.
    Suppressions,
    /// Providers and their health.
    Providers,
    /// The delivery log as it grows.
    Live,
    /// The log before what Live holds.
    Older,
    /// What a review is about.
    Review,
    /// The topics that a message can go to.
    ChoiceTopics,
    /// The users.
    ChoiceUsers,
    /// The targets.
    ChoiceTargets,
    /// The provider that is to be edited.
    Provider,
    /// What the path that is being typed can become.
    Folder,
    /// A file that a message names.
    File,
    /// What the settings are.
    Settings,
    /// What the operator has begun to write.
    Drafts,
    /// Who was left out of the selected message.
    LeftOut,
    /// The rules for countries that are to be edited.
    Routing,
    /// What the open dialog is about.
    Watched,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetch {
    /// The first screen.
    Overview,
    /// A page of messages.
    Messages(Page),
    /// A message with its lanes.
    Message(MessageId),
    /// A page of the log.
    Deliveries(DeliveryRequest),
    /// The audit of a resource.
    Audit(String),
    /// A page of topics.
    Topics(Page),
    /// A page of a topic's subscribers.
    Subscribers(TopicId, Page),
    /// A page of targets.
    Targets(Page),
    /// What became last of what was sent to these targets.
    Outcomes(Vec<TargetId>),
    /// A page of users.
    Users(Page),
    /// A user.
    User(UserId),
    /// How providers do.
    Providers,
    /// A provider's settings.
    Provider(ProviderId),
    /// The rules for countries.
    Routing,
    /// Who would get a message.
    Preview(MessageId),
    /// Who would be tried again.
    Retry(MessageId, Retry),
    /// Whom an operation would be for.
    Operation(CreateOperation),
    /// What a path of the console's machine can become that is being typed.
    Folder(String),
    /// A file in the store, by `BUCKET:FILE`.
    File(String),
    /// What the settings are.
    Settings,
    /// What the operator has begun to write, here and elsewhere.
    Drafts,
    /// Why a message failed for some, grouped.
    Errors(MessageId),
    /// A part of the suppression list.
    Suppressions(SuppressionParameters),
    /// What an undo would take back.
    UndoSuppressions(UndoSuppressions),
    /// How it stands with what an open dialog is about.
    Watched(Vec<Seen>),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Herald's filter language; empty: everything.
    pub filter: String,
    /// Continue after this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
    /// What stands before this id instead.
    pub before: Option<String>,
    /// The end of the list instead.
    pub end: bool,
    /// By what; nothing: newest first.
    pub sort: Option<Sort>,
}

/// In which order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sort {
    /// The attribute, as the API calls it.
    pub by: String,
    /// The greatest first.
    pub descending: bool,
}

/// An answer, with the question's cursor where it is a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The first screen.
    Overview(Box<Overview>),
    /// A page of messages.
    Messages(Page, MessageList),
    /// A message with its lanes.
    Message(Box<MessageDetail>),
    /// A page of the log.
    Deliveries(DeliveryRequest, DeliveryPage),
    /// The audit of this resource.
    Audit(String, AuditPage),
    /// A page of topics.
    Topics(Page, TopicList),
    /// A page of this topic's subscribers.
    Subscribers(TopicId, Page, SubscriberList),
    /// A page of targets.
    Targets(Page, TargetList),
    /// These targets, with what became last of what was sent to them.
    Outcomes(Vec<Target>),
    /// A page of users.
    Users(UserList),
    /// A user.
    User(Box<User>),
    /// How providers do.
    Providers(Vec<ProviderHealth>),
    /// A provider's settings.
    Provider(Box<Provider>),
    /// The rules for countries.
    Routing(Box<Routing>),
    /// Who would get the message.
    Preview(MessageId, Box<Preview>),
    /// Who would be tried again.
    Retry(MessageId, RetryPreview),
    /// Whom the operation would be for.
    Operation(Box<Operation>),
    /// A part of the suppression list.
    Suppressions(SuppressionParameters, SuppressionList),
    /// What the undo would take back.
    Undoable(UndoSuppressions, UndoneSuppressions),
    /// What the path can become.
    Folder(Folder),
    /// The file in the store.
    File(Stored),
    /// What the settings are.
    Settings(Vec<SettingRow>),
    /// What the operator has begun to write.
    Drafts(Vec<SavedDraft>),
    /// Why the message failed for some.
    Errors(MessageId, ErrorGroups),
    /// How it stands with what an open dialog is about.
    Watched(Vec<Standing>),
}

/// What a path that is being typed can become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// What was typed.
    pub typed: String,
    /// The folder, from the root.
    pub at: PathBuf,
    /// What is in it and begins as what was typed: folders first, by name.
    pub entries: Vec<FolderEntry>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder itself.
    pub folder: bool,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what holds of a fault")]
pub struct Fault {
    /// For people.
    pub text: String,
    /// Nobody answers.
    pub unreachable: bool,
    /// Somebody else changed it meanwhile.
    pub stale: bool,
    /// How it stands now, then.
    pub record: Option<Box<StaleRecord>>,
    /// What was asked about is not there.
    pub missing: bool,
    /// More match than can be put in that order.
    pub too_many: bool,
}

impl Fault {
    /// A fault of this text.
    pub fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            unreachable: false,
            stale: false,
            record: None,
            missing: false,
            too_many: false,
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        Self {
            text: match &error {
                // What went wrong here is said without what it would have been for.
                ClientError::Request(text) => text.clone(),
                error => error.to_string(),
            },
            unreachable: error.is_transport(),
            stale: error.is_stale(),
            record: error.stale().cloned().map(Box::new),
            missing: error.status() == Some(404),
            too_many: error.kind() == "general_query_invalid",
        }
    }
}
