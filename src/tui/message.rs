//! What the console is told, and what it wants done: all as data.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, MouseEvent};

use super::runtime::Request;
use super::screens::compose;
use super::state::kept::Kept;
use super::term::Told;
use super::watch::{Seen, Standing};
use crate::client::ClientError;
pub use crate::client::Whom;
use crate::domain::channel::Channel;
use crate::domain::ids::{
    MessageId, OperationId, ProviderId, Revision, SubscriberId, SuppressionId, TargetId, TopicId, UserId,
};
use crate::domain::routing::Routing;
use crate::domain::time::Timestamp;
use crate::wire::delivery::{Decide, DeliveryPage, DeliveryRequest};
use crate::wire::draft::SavedDraft;
use crate::wire::error::StaleRecord;
use crate::wire::event::Event;
use crate::wire::history::AuditPage;
use crate::wire::list::{MessageList, SubscriberList, TargetList, TopicList, UserList};
use crate::wire::message::{Message, MessageDetail, Retry, ScheduleWords, WriteEmail, WritePush, WriteSms};
use crate::wire::operation::{CreateOperation, Operation};
use crate::wire::overview::{ErrorGroups, Overview, SettingRow};
use crate::wire::person::{CreateTarget, UpdateTarget, User};
use crate::wire::preview::{Preview, RetryPreview};
use crate::wire::provider::{Provider, ProviderHealth, ProviderTest, WriteProvider};
use crate::wire::routing::{WriteFailover, WriteRouting};
use crate::wire::suppression::{
    SuppressionList, SuppressionParameters, UndoSuppressions, UndoneSuppressions,
};
use crate::wire::transfer::ImportProgress;

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

/// A file in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where: `BUCKET:FILE`.
    pub at: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A message as it stands in the form.
#[derive(Debug, Clone, PartialEq)]
pub enum Writing {
    /// A mail.
    Email(WriteEmail),
    /// A text message.
    Sms(WriteSms),
    /// A notification.
    Push(Box<WritePush>),
}

/// Something that changes the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Writes a draft; makes it when it has no id yet.
    SaveDraft {
        /// Which edit of the form this is.
        edit: u64,
        /// The draft, if it is known to the server.
        id: Option<MessageId>,
        /// What it says.
        what: Box<Writing>,
    },
    /// Sends a copy of what is being written to one address.
    Test {
        /// What it says.
        what: Box<Writing>,
        /// The address of a target.
        address: String,
    },
    /// Sends a draft, now or at a time.
    Send {
        /// Which.
        id: MessageId,
        /// Its type.
        channel: Channel,
        /// As it was when it was reviewed.
        revision: Revision,
        /// The number of people that was confirmed.
        confirmed: u64,
        /// For how many seconds it can be undone.
        undo: u32,
        /// When; nothing: now.
        at: Option<(Timestamp, ScheduleWords)>,
        /// For the toast.
        headline: String,
    },
    /// Stops a message.
    Pause(MessageId),
    /// Lets a paused message go on.
    Resume(MessageId),
    /// Lets a held message go.
    Release(MessageId, Revision),
    /// Holds a scheduled message to edit it.
    Hold(MessageId, Revision),
    /// Ends a message.
    Cancel(MessageId),
    /// Tries again whoever failed.
    Retry(MessageId, Retry),
    /// Takes back a send.
    Undo(MessageId),
    /// A new draft like it.
    Duplicate(MessageId),
    /// A new draft like it, for some of its recipients: how many they are.
    FollowUp(MessageId, Whom, u64),
    /// Deletes a message, as it was when it was looked at.
    DeleteMessage(MessageId, Option<Revision>),
    /// Makes a topic.
    CreateTopic(String),
    /// Deletes a topic, as it was when it was looked at.
    DeleteTopic(TopicId, Option<Revision>),
    /// Takes a target off a topic.
    Unsubscribe(TopicId, SubscriberId),
    /// Makes a person, and subscribes its addresses to a topic.
    CreatePerson {
        /// The name; may be empty.
        name: String,
        /// The address; may be empty.
        email: String,
        /// The number; may be empty.
        phone: String,
        /// The topic's id; may be empty.
        topic: String,
    },
    /// Gives a topic another name: as it was when it was looked at.
    RenameTopic(TopicId, Revision, String),
    /// Subscribes people by addresses, numbers, and ids of targets and users.
    Subscribe(TopicId, Vec<String>),
    /// Imports people from a file of this machine.
    Import(ImportFile),
    /// Brings a file of this machine to the store.
    Upload(PathBuf),
    /// Takes files from the store again that nothing names any more, as `BUCKET:FILE`.
    Discard(Vec<String>),
    /// Keeps what is being written with the operator's drafts on the server.
    KeepDraft(Box<KeepDraft>),
    /// Forgets it there.
    DropDraft(String),
    /// Makes a target of a user.
    CreateTarget(UserId, CreateTarget),
    /// Changes a target.
    UpdateTarget(UserId, TargetId, UpdateTarget),
    /// Deletes a target with its subscriptions, as it was when it was looked at.
    DeleteTarget(UserId, TargetId, Option<Revision>),
    /// Makes a provider of a kind.
    CreateProvider(&'static str, WriteProvider),
    /// Changes a provider of a kind.
    UpdateProvider(&'static str, ProviderId, WriteProvider),
    /// Deletes a provider, as it was when it was looked at.
    DeleteProvider(ProviderId, Option<Revision>),
    /// Lets messages use a provider, or not: kind, id, whether.
    EnableProvider(String, ProviderId, bool),
    /// Stops a provider.
    PauseProvider(ProviderId),
    /// Lets a provider go on.
    ResumeProvider(ProviderId),
    /// Talks to a provider; sends one real test message to an address, if one is given.
    TestProvider(ProviderId, Option<String>),
    /// Changes the order of providers, or the rules for countries.
    Route(WriteRouting),
    /// Says what a provider hands on while it is down.
    Failover(ProviderId, WriteFailover),
    /// Puts a provider's key of before back.
    RollBackProvider(ProviderId),
    /// Decides for those who wait.
    Decide(Decide),
    /// Puts an address on the suppression list.
    Suppress(String),
    /// Takes records of an address off it.
    LiftSuppressions(String, Vec<SuppressionId>),
    /// Takes back all that a cause did between two times, with the number that was shown.
    UndoSuppressions(UndoSuppressions),
    /// Lets an operation begin that was shown, with the number that was shown.
    ConfirmOperation(OperationId, u64),
    /// The same to many, one after the other.
    Many(Many),
    /// Ends the console; the loop does it.
    Leave,
    /// Stops everything.
    StopSending,
    /// Lifts that.
    ResumeSending,
    /// Says that a restored copy may send.
    ReleaseRestored,
}

impl Command {
    /// Whether it may take long: then it says how far it is, and can be stopped.
    pub fn takes_long(&self) -> bool {
        matches!(self, Self::Import(_) | Self::FollowUp(..) | Self::Subscribe(..))
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// It is done.
    Plain,
    /// The message as it is now.
    Message(Box<Message>),
    /// For so many.
    Count(u64),
    /// The provider as it is now.
    Provider(Box<Provider>),
    /// What a test found.
    Test(ProviderTest),
    /// What became of each of many.
    Many(Vec<Item>),
    /// What an import did.
    Imported(Box<ImportProgress>, Option<PathBuf>),
    /// The file in the store.
    Uploaded(Stored),
    /// The draft has this revision on the server.
    Kept(Revision),
}

/// What is being written, to be kept on the server.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepDraft {
    /// Under which id.
    pub id: String,
    /// As it was seen there last; nothing: it is not there yet.
    pub revision: Option<Revision>,
    /// Which edit of the form this is.
    pub edit: u64,
    /// The form.
    pub document: compose::Kept,
}

/// The same to many.
#[derive(Debug, Clone, PartialEq)]
pub struct Many {
    /// What it is called.
    pub verb: &'static str,
    /// To whom.
    pub queue: Vec<(String, Command)>,
    /// Who is left out, and why.
    pub left_out: Vec<Item>,
}

/// What became of one of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub what: String,
    /// What became of it.
    pub became: Became,
}

/// What became of one of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It did not work, for this reason.
    Failed(String),
    /// It was not its turn any more: the job was stopped.
    Stopped,
    /// It was left out, for this reason.
    Skipped(String),
    /// It is done.
    Done,
}

impl Became {
    /// What went wrong stands first.
    pub fn cmp_kind(&self, other: &Self) -> std::cmp::Ordering {
        let place = |one: &Self| match one {
            Self::Failed(_) => 0,
            Self::Stopped => 1,
            Self::Skipped(_) => 2,
            Self::Done => 3,
        };
        place(self).cmp(&place(other))
    }
}

impl Item {
    /// One that is done.
    pub fn done(what: impl Into<String>) -> Self {
        Self { what: what.into(), became: Became::Done }
    }

    /// One that did not work.
    pub fn failed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), became: Became::Failed(why.into()) }
    }

    /// One that is left out.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), became: Became::Skipped(why.into()) }
    }

    /// One whose turn has not come.
    pub fn stopped(what: impl Into<String>) -> Self {
        Self { what: what.into(), became: Became::Stopped }
    }

    /// Why it is not done; nothing: it is.
    pub fn why_not(&self) -> Option<&str> {
        match &self.became {
            Became::Done => None,
            Became::Stopped => Some("not done: the job was stopped before it"),
            Became::Failed(why) | Became::Skipped(why) => Some(why),
        }
    }
}

/// A file of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFile {
    /// Where it is, on the console's machine.
    pub path: PathBuf,
    /// The topic that everybody joins.
    pub topic: Option<String>,
    /// The country of numbers without one.
    pub country: Option<String>,
    /// Read and report, write nothing.
    pub dry_run: bool,
}

/// How far something is that takes long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is done, such as `imported`.
    pub verb: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// Of how much; nothing: not known.
    pub all: Option<u64>,
    /// What has come of it so far, in a line.
    pub text: String,
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
