//! Plans, lanes, the journal of windows, and who waits.

use super::error::Result;
use crate::domain::channel::Channel;
use crate::domain::delivery::{LogDetail, LogRow, Outcome, SkipReason};
use crate::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, RunNo, TargetNo, WindowNo};
use crate::domain::message::{Message, Progress};
use crate::domain::plan::{
    LaneCursor, LaneKey, PlanCursor, Planned, RetryCursor, WaitReason, Waiting, Window, WindowSource,
};
use crate::domain::receipt::Traced;
use crate::domain::routing::{MoveReason, Moved};
use crate::domain::time::Timestamp;
use async_trait::async_trait;
use std::sync::Arc;

/// A step of planning, committed as one.
#[derive(Debug, Clone)]
pub struct PlanStep {
    /// Of which message.
    pub message: MessageNo,
    /// In which run of it.
    pub run: u16,
    /// Where planning stood before: if it stands elsewhere, nothing is written.
    pub expect: PlanCursor,
    /// Where it stands after.
    pub cursor: PlanCursor,
    /// Recipients by provider, ascending by target; each list at most `RUN_LEN`.
    pub runs: Vec<(ProviderNo, Vec<Planned>)>,
}

/// A lane with unclaimed or waiting recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Which.
    pub key: LaneKey,
    /// The message's run.
    pub run: u16,
    /// The next unclaimed recipient.
    pub cursor: LaneCursor,
    /// Its counts.
    pub progress: Progress,
    /// When the first of those who wait is due. `NEVER` when all are held.
    pub next_wait: Option<Timestamp>,
}

/// A recipient as the store knows it now: everything that a batch needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The target.
    pub target: TargetNo,
    /// The identifier record of its address now; 0 when it is gone.
    pub identifier: IdentifierNo,
    /// The address; empty when it is gone.
    pub address: String,
    /// Why it must be left out, if it must.
    pub skip: Option<SkipReason>,
    /// Named as a target, through its user or in a copy.
    pub direct: bool,
    /// Attempts so far.
    pub attempts: u16,
    /// It may have had a copy before.
    pub possibly_twice: bool,
    /// Another provider was planned.
    pub moved: Option<Moved>,
    /// What variables see; read only when asked for.
    pub person: Option<Arc<CandidatePerson>>,
}

/// What variables can name of a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CandidatePerson {
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub name: String,
    /// The user's mail address.
    pub email: String,
    /// The user's phone number.
    pub phone: String,
    /// The user's preferences, a JSON object as text.
    pub prefs: String,
    /// The target's id.
    pub target_id: String,
    /// The target's name.
    pub target_name: String,
}

/// Recipients that could be claimed next, in order, with what the claim will say.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// What to claim.
    pub source: WindowSource,
    /// How many its run of the plan had when it was read; 0 for those who wait.
    pub of: u32,
    /// One for each recipient of the source.
    pub list: Vec<Candidate>,
}

/// A claim of recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Of which lane.
    pub lane: LaneKey,
    /// In which run of the message.
    pub run: u16,
    /// Which recipients. A plan source must begin at the lane's cursor; waiting
    /// ones must still wait.
    pub source: WindowSource,
    /// How many its run of the plan had when it was read. It must still have as many: an operator may
    /// have taken somebody out since. 0 for those who wait.
    pub of: u32,
}

/// Recipients of one run of the plan that nobody has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    /// The run.
    pub run: RunNo,
    /// The recipients, ascending by target.
    pub list: Vec<Planned>,
}

/// The outcome for one recipient of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemOutcome {
    /// Its place in the window.
    pub index: u32,
    /// The target.
    pub target: TargetNo,
    /// The identifier that was used.
    pub identifier: IdentifierNo,
    /// Named directly; kept for the next attempt.
    pub direct: bool,
    /// Which attempt this was; 0: none was made.
    pub attempt: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// The service said of the address that it is not there: it is suppressed.
    pub bounced: bool,
    /// The rest of the log row.
    pub detail: LogDetail,
    /// When it was known.
    pub at: Timestamp,
    /// What comes next.
    pub next: Next,
    /// What of it counts for the provider's guard, and how receipts find it.
    pub traced: Traced,
}

/// What comes after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the delivery is over, as the outcome says.
    Over,
    /// It waits, until the time or until it is released. `log`: whether this
    /// outcome gets a row; putting somebody back who was never tried does not.
    Wait {
        /// When it is due; [`Timestamp::NEVER`]: when somebody releases it.
        due: Timestamp,
        /// The record; its number is given by the store.
        waiting: Waiting,
        /// Whether there was an attempt to log.
        log: bool,
    },
}

/// One commit of a dispatcher: outcomes of earlier windows, and the next claims.
#[derive(Debug, Clone, Default)]
pub struct JournalEntry {
    /// Outcomes by window; shared, since whoever asks keeps them until the commit is known.
    pub outcomes: Arc<Vec<(WindowNo, Vec<ItemOutcome>)>>,
    /// New claims. Each is granted or refused for itself.
    pub claims: Vec<Claim>,
    /// The limiter's state after these claims, so that a restart knows what was used.
    pub usage: Option<(ProviderNo, Vec<u8>)>,
    /// Now.
    pub at: Timestamp,
}

/// What a journal commit did.
#[derive(Debug, Clone, Default)]
pub struct JournalReceipt {
    /// For each claim its window, or `None`: the lane has moved, or its message
    /// is no longer processing.
    pub windows: Vec<Option<WindowNo>>,
    /// Messages that ended with this commit.
    pub finished: Vec<Message>,
}

/// Who waits: a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// Whose lane.
    pub lane: LaneKey,
    /// When it is due.
    pub due: Timestamp,
    /// The record.
    pub waiting: Waiting,
}

/// Which of those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitingFilter {
    /// Of one message.
    pub message: Option<MessageNo>,
    /// Of one provider.
    pub provider: Option<ProviderNo>,
    /// For one reason.
    pub why: Option<WaitReason>,
}

/// Where a walk over those who wait stands: to be handed back as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(pub(crate) Vec<u8>);

/// What one step of a walk over those who wait did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many it moved.
    pub count: u64,
    /// Continue here; `None`: everybody was looked at.
    pub next: Option<Place>,
}

/// What one step of deciding did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// For how many was decided.
    pub count: u64,
    /// Continue here; `None`: everybody was looked at.
    pub next: Option<Place>,
    /// Messages that ended with this step.
    pub finished: Vec<MessageNo>,
}

/// People of an ended run that are planned again, in the run that a reopen has begun.
#[derive(Debug, Clone)]
pub struct RetryStep {
    /// Of which message.
    pub message: MessageNo,
    /// In which run of it.
    pub run: u16,
    /// Up to which log row was planned before: if that is another one, nothing is written.
    pub expect: Option<LogSeq>,
    /// Up to which log row is planned after.
    pub row: Option<LogSeq>,
    /// Recipients by provider, ascending by target.
    pub runs: Vec<(ProviderNo, Vec<Planned>)>,
    /// How they were counted (failed, expired, uncertain, cancelled), which is taken off the
    /// message's and their lanes' counts.
    pub before: Progress,
    /// These were the last.
    pub done: bool,
}

/// What a decision does to those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They are due now.
    Release,
    /// They are due now, through another provider.
    FailOver(ProviderNo),
    /// They are over: failed, as they are. Each gets a log row.
    GiveUp,
    /// They wait until somebody releases them.
    Hold,
}

/// Plans, lanes, windows, and who waits.
#[async_trait]
pub trait Dispatch {
    /// Where planning of a message stands.
    async fn plan_cursor(&self, message: MessageNo) -> Result<PlanCursor>;
    /// Appends a step of a plan. `Err(Moved)`: the message is no longer
    /// processing in this run, or planning stands elsewhere.
    async fn append_plan(&self, step: PlanStep) -> Result<Message>;
    /// Lanes of a provider with something unclaimed or waiting.
    async fn lanes(&self, provider: ProviderNo) -> Result<Vec<Lane>>;
    /// Lanes of a message, also those where all is over.
    async fn lanes_of(&self, message: MessageNo) -> Result<Vec<Lane>>;
    /// The recipients of a lane from a place on, all of one run: the next
    /// unclaimed ones from the lane's cursor or behind it, those of windows
    /// before it. `None`: the plan ends there. `person`: whether variables need it.
    async fn candidates(
        &self,
        lane: LaneKey,
        from: LaneCursor,
        limit: usize,
        person: bool,
    ) -> Result<Option<Candidates>>;
    /// Lanes with something unclaimed or waiting, of all providers, in order of provider and message.
    async fn open_lanes(&self) -> Result<Vec<LaneKey>>;
    /// The first run of a lane, of those from `from` on, of which somebody is unclaimed; and who.
    async fn unclaimed(&self, lane: LaneKey, from: RunNo) -> Result<Option<Unclaimed>>;
    /// Recipients of a lane that wait and are due, oldest first.
    async fn due_waiting(
        &self,
        lane: LaneKey,
        now: Timestamp,
        limit: usize,
        person: bool,
    ) -> Result<Option<Candidates>>;
    /// Records outcomes and claims windows, in one durable commit. Nothing that a
    /// claim grants may be sent before this returns.
    async fn journal(&self, entry: JournalEntry) -> Result<JournalReceipt>;
    /// Windows that were claimed and are not fully recorded: after a crash, those
    /// in doubt.
    async fn open_windows(&self) -> Result<Vec<Window>>;
    /// The limiter's state of a provider, as last committed.
    async fn usage(&self, provider: ProviderNo) -> Result<Option<Vec<u8>>>;
    /// Moves unclaimed recipients from one lane to others: those of the claim, which must begin at
    /// `expect`, are written as new runs. `Err(Moved)`: the cursor is elsewhere, or the run has changed.
    async fn reassign(
        &self,
        from: Claim,
        expect: LaneCursor,
        runs: Vec<(ProviderNo, Vec<Planned>)>,
        why: MoveReason,
    ) -> Result<()>;
    /// Looks at the next `limit` of those who wait in a lane, from a place on, and moves them to another
    /// provider's lane of the same message; who waited for the old provider alone is due at once. While
    /// the old provider may come back, those stay whose answer was lost, and those whom an operator holds.
    async fn reassign_waiting(
        &self,
        lane: LaneKey,
        to: ProviderNo,
        why: MoveReason,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Walked>;
    /// A page of those who wait, by number.
    async fn waiting(
        &self,
        filter: WaitingFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<WaitingRow>>;
    /// How a target waits in a message's lanes, if it does.
    async fn waiting_of(&self, message: MessageNo, target: TargetNo) -> Result<Option<WaitingRow>>;
    /// Looks at the next `limit` of those who wait, from a place on, and decides for those who fit.
    async fn decide(
        &self,
        filter: WaitingFilter,
        decision: Decision,
        from: Option<Place>,
        limit: usize,
        at: Timestamp,
    ) -> Result<Decided>;
    /// Where planning of a message stands that is tried again.
    async fn retry_cursor(&self, message: MessageNo) -> Result<RetryCursor>;
    /// Plans people of an ended run again. `Err(Moved)`: the message is no longer processing in this
    /// run, or planning stands elsewhere.
    async fn append_retry(&self, step: RetryStep) -> Result<Message>;
    /// Log rows that belong to no window: receipts, skips of a plan.
    async fn append_log(&self, rows: Vec<LogRow>) -> Result<()>;
    /// Marks targets as expired, or not.
    async fn set_expired(&self, targets: Vec<TargetNo>, expired: bool, at: Timestamp) -> Result<()>;
    /// How many recipients of a channel a set of topics has at most, without looking at each.
    async fn audience_bound(&self, topics: &[crate::domain::ids::TopicId], channel: Channel) -> Result<u64>;
}
