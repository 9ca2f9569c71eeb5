//! Commands, and what comes of them.

use super::super::screens::compose;
use super::Whom;
use crate::domain::channel::Channel;
use crate::domain::ids::{
    MessageId, OperationId, ProviderId, Revision, SubscriberId, SuppressionId, TargetId, TopicId, UserId,
};
use crate::domain::time::Timestamp;
use crate::wire::delivery::Decide;
use crate::wire::message::{Message, Retry, ScheduleWords, WriteEmail, WritePush, WriteSms};
use crate::wire::person::{CreateTarget, UpdateTarget};
use crate::wire::provider::{Provider, ProviderTest, WriteProvider};
use crate::wire::routing::{WriteFailover, WriteRouting};
use crate::wire::suppression::UndoSuppressions;
use crate::wire::transfer::ImportProgress;
use std::path::PathBuf;

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
