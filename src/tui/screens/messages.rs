//! Messages: the list, and the detail of the one that is selected.

mod detail;
mod view;

pub use view::{COLUMNS, hints, view};

use super::{Walk, bulk, compose, form, log_page, of_log, review, scroll, walk};
use crate::domain::delivery::SkipReason;
use crate::domain::ids::MessageId;
use crate::tui::action::Action;
use crate::tui::message::{Command, Fetch, Page, Slot, Sort, Whom};
use crate::tui::runtime::Request;
use crate::tui::state::paged::{Keyed, Paged};
use crate::tui::state::{Focus, Parts, State};
use crate::tui::{reading, show, view as layout};
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use crate::wire::history::{Audit, AuditPage};
use crate::wire::list::MessageList;
use crate::wire::message::{Message, MessageDetail, State as Is};
use crate::wire::overview::ErrorGroups;

/// Those who were left out that are looked at to group the reasons.
const LEFT_OUT: usize = 500;
/// The filter that finds them.
const NOT_ACCEPTED: &str = "outcome!=accepted outcome!=delivered";

/// A pane of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// What it says.
    #[default]
    Content,
    /// Its rows of the log.
    Deliveries,
    /// Why it failed, grouped.
    Causes,
    /// When what happened.
    Timeline,
    /// Who did what to it.
    Audit,
}

impl Pane {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Content, Self::Deliveries, Self::Causes, Self::Timeline, Self::Audit];

    /// The title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Content => "Content",
            Self::Deliveries => "Deliveries",
            Self::Causes => "Causes",
            Self::Timeline => "Timeline",
            Self::Audit => "Audit",
        }
    }

    fn beside(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// Why a message has not reached some: failures grouped by cause, and those who
/// were left out grouped by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Causes {
    /// Failures of the last days, the most frequent first.
    pub failed: ErrorGroups,
    /// Reasons, and how many were left out for each.
    pub left_out: Vec<(SkipReason, u64)>,
    /// More were left out than were looked at.
    pub more_left_out: bool,
}

impl Causes {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.failed.errors.is_empty() && self.left_out.is_empty()
    }
}

/// The messages' tab.
#[derive(Debug, Default)]
pub struct Messages {
    /// The list.
    pub list: Paged<Message>,
    /// Which of them.
    pub filter: String,
    /// In which order; nothing: newest first.
    pub sort: Option<Sort>,
    /// Which half has the keys.
    pub focus: Focus,
    /// The pane of the detail.
    pub pane: Pane,
    /// The message that is selected, with its lanes.
    pub detail: Option<Box<MessageDetail>>,
    /// Of which message the panes are.
    of: Option<MessageId>,
    /// Its rows of the log.
    pub deliveries: Paged<Delivery>,
    /// The failure that is to be selected when it comes.
    failure: Option<u64>,
    /// Why it has not reached some.
    pub causes: Option<Causes>,
    /// Its audit.
    pub audit: Option<Vec<Audit>>,
    /// What it says, in lines as its recipient reads them.
    pub reading: Vec<String>,
    /// Providers that the last detail had: room that is kept for the next.
    pub lanes: usize,
    /// How far the pane is scrolled.
    pub scroll: usize,
    /// The message that is to be selected when it comes.
    wanted: Option<MessageId>,
    /// What is to be done to it then.
    then: Option<(MessageId, Action)>,
}

impl Messages {
    /// The message that is selected, as new as it is known.
    pub fn current(&self) -> Option<&Message> {
        let row = self.list.selected()?;
        match &self.detail {
            Some(detail) if detail.message.id == row.id && detail.message.revision >= row.revision => {
                Some(&detail.message)
            }
            _ => Some(row),
        }
    }

    /// Forgets the detail: its message is gone.
    pub fn forget_detail(&mut self) {
        self.detail = None;
        self.of = None;
        self.deliveries.clear();
        self.causes = None;
        self.audit = None;
        self.reading.clear();
        self.scroll = 0;
    }
}

fn page(state: &State, page: Page) -> Fetch {
    let filter = state.messages.filter.clone();
    Fetch::Messages(Page { filter, sort: state.messages.sort.clone(), ..page })
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.messages {
        let fetch = page(state, state.messages.list.refresh());
        state.ask(Slot::Messages, fetch);
    }
    if let Some(id) = state.messages.list.selected().map(|message| message.id.clone()) {
        ask_detail(state, id, parts);
    }
}

fn ask_detail(state: &mut State, id: MessageId, parts: Parts) {
    if parts.messages || parts.providers {
        state.ask(Slot::Detail, Fetch::Message(id.clone()));
    }
    match state.messages.pane {
        Pane::Deliveries if parts.log => {
            let fetch = deliveries(&id, &state.messages.deliveries.refresh());
            state.ask(Slot::Deliveries, fetch);
        }
        Pane::Causes if parts.log => {
            state.ask(Slot::Causes, Fetch::Errors(id.clone()));
            let request = DeliveryRequest {
                message: Some(id),
                filter: Some("outcome=skipped".into()),
                limit: Some(LEFT_OUT),
                ..DeliveryRequest::default()
            };
            state.ask(Slot::LeftOut, Fetch::Deliveries(request));
        }
        Pane::Audit if parts.messages => {
            state.ask(Slot::Audit, Fetch::Audit(format!("message/{id}")));
        }
        _ => {}
    }
}

fn deliveries(id: &MessageId, page: &Page) -> Fetch {
    Fetch::Deliveries(DeliveryRequest { message: Some(id.clone()), ..log_page(page) })
}

/// Asks for the detail of the row that is now selected.
fn watch(state: &mut State) {
    let Some(id) = state.messages.list.selected().map(|message| message.id.clone()) else {
        state.messages.forget_detail();
        return;
    };
    if state.messages.of.as_ref() != Some(&id) {
        state.messages.forget_detail();
        state.messages.of = Some(id.clone());
        // What the list has is shown at once; what only the detail has follows.
        lay_out(state);
        ask_detail(state, id, Parts::ALL);
    }
}

/// Shows a message, as soon as it is in the list.
pub fn select(state: &mut State, id: &MessageId) {
    if !state.messages.list.select(id.as_str()) {
        state.messages.filter.clear();
        state.messages.list.rewind();
        state.messages.wanted = Some(id.clone());
        let fetch = page(state, state.messages.list.refresh());
        state.ask(Slot::Messages, fetch);
    }
    watch(state);
}

/// Does something to a message as soon as it is the one that is shown.
pub fn then(state: &mut State, id: MessageId, action: Action) {
    state.messages.then = Some((id, action));
    carry_on(state);
}

fn carry_on(state: &mut State) {
    let current = state.messages.current().map(|message| message.id.clone());
    if let Some((id, action)) = state.messages.then.take_if(|(id, _)| Some(&*id) == current.as_ref())
        && let Some(message) = state.messages.current().filter(|message| message.id == id).cloned()
    {
        on_message(state, action, &message);
    }
}

/// The list continued after a row that is gone: shows its beginning.
pub fn begin_anew(state: &mut State) {
    state.messages.list.clear();
    let fetch = page(state, state.messages.list.refresh());
    state.ask(Slot::Messages, fetch);
}

/// Takes a page of the list.
pub fn take_list(state: &mut State, page: &Page, list: MessageList) {
    if page.filter != state.messages.filter || page.sort != state.messages.sort {
        return;
    }
    let more = list.next.is_some();
    state.messages.list.cut_short = list.cut_short;
    state.messages.list.take(page, list.into_items(), more);
    if let Some(wanted) = state.messages.wanted.take() {
        state.messages.list.select(wanted.as_str());
    }
    watch(state);
    carry_on(state);
}

/// Takes a message with its lanes.
pub fn take_detail(state: &mut State, detail: Box<MessageDetail>) {
    if state.messages.of.as_ref() == Some(&detail.message.id) {
        let as_before = state.messages.current().is_some_and(|message| message.data == detail.message.data);
        state.messages.lanes = detail.lanes.len();
        state.messages.detail = Some(detail);
        if !as_before || state.messages.reading.is_empty() {
            lay_out(state);
        }
    }
}

/// Lays out what the selected message says, for the width of the screen.
pub fn lay_out(state: &mut State) {
    let columns = usize::from(state.size.0).saturating_sub(2);
    let lines = state.messages.current().map(|message| reading::lines(&message.data, columns));
    state.messages.reading = lines.unwrap_or_default();
}

/// Takes a page of the selected message's log.
pub fn take_deliveries(state: &mut State, request: &DeliveryRequest, page: DeliveryPage) {
    if request.message == state.messages.of {
        let (page, rows, more) = of_log(request, page.deliveries, page.next.is_some());
        state.messages.deliveries.take(&page, rows, more);
        if let Some(seq) = state.messages.failure.take_if(|_| page.after.is_some()) {
            state.messages.deliveries.select(&seq.to_string());
        }
    }
}

/// Takes the selected message's failures.
pub fn take_errors(state: &mut State, id: &MessageId, errors: ErrorGroups) {
    if state.messages.of.as_ref() == Some(id) {
        state.messages.causes.get_or_insert_default().failed = errors;
    }
}

/// Takes those who were left out of the selected message, and groups the reasons.
pub fn take_left_out(state: &mut State, request: &DeliveryRequest, page: &DeliveryPage) {
    if request.message != state.messages.of {
        return;
    }
    let mut reasons: Vec<(SkipReason, u64)> = Vec::new();
    for reason in page.deliveries.iter().filter_map(|row| row.skip) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let causes = state.messages.causes.get_or_insert_default();
    causes.left_out = reasons;
    causes.more_left_out = page.next.is_some();
}

/// Takes the selected message's audit.
pub fn take_audit(state: &mut State, resource: &str, page: AuditPage) {
    let of = state.messages.of.as_ref().map(|id| format!("message/{id}"));
    if of.as_deref() == Some(resource) {
        state.messages.audit = Some(page.entries);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::NextPane | Action::PreviousPane => {
            let steps = if action == Action::NextPane { 1 } else { Pane::ALL.len() - 1 };
            state.messages.pane = state.messages.pane.beside(steps);
            state.messages.scroll = 0;
            ask(state, Parts { messages: false, providers: false, ..Parts::ALL });
            if state.messages.pane == Pane::Audit
                && let Some(id) = state.messages.of.clone()
            {
                state.ask(Slot::Audit, Fetch::Audit(format!("message/{id}")));
            }
            true
        }
        Action::NextFailure | Action::PreviousFailure => {
            next_failure(state, action == Action::NextFailure);
            true
        }
        _ if walk_in(state, action) => true,
        _ if state.messages.list.marks() > 0 && bulk::marked_messages(state, action) => true,
        _ => match state.messages.current().cloned() {
            Some(message) => on_message(state, action, &message),
            None => false,
        },
    }
}

fn walk_in(state: &mut State, action: Action) -> bool {
    if state.messages.focus == Focus::List {
        let height = layout::list_rows(state);
        match walk(&mut state.messages.list, action, height) {
            Walk::Not => return false,
            Walk::There => {}
            Walk::Ask(ask) => {
                let fetch = page(state, ask);
                state.ask(Slot::Messages, fetch);
            }
        }
        watch(state);
        return true;
    }
    let height = detail::pane_rows(state);
    if state.messages.pane == Pane::Deliveries {
        let Some(id) = state.messages.of.clone() else { return false };
        match walk(&mut state.messages.deliveries, action, height) {
            Walk::Not => return false,
            Walk::There => {}
            Walk::Ask(ask) => state.ask(Slot::Deliveries, deliveries(&id, &ask)),
        }
        return true;
    }
    let lines = detail::pane_lines(state);
    scroll(&mut state.messages.scroll, action, height, lines)
}

fn next_failure(state: &mut State, forward: bool) {
    if state.messages.pane != Pane::Deliveries {
        state.messages.pane = Pane::Deliveries;
        ask(state, Parts { messages: false, providers: false, ..Parts::ALL });
    }
    state.set_focus(Focus::Detail);
    let list = &mut state.messages.deliveries;
    let at = list.selected_index();
    let bad = |row: &Delivery| !show::is_good(row.outcome);
    let found = if forward {
        list.rows().iter().enumerate().skip(at + 1).find(|(_, row)| bad(row))
    } else {
        list.rows().iter().enumerate().take(at).rev().find(|(_, row)| bad(row))
    };
    match found.map(|(_, row)| row.key()) {
        Some(key) => {
            list.select(&key);
        }
        // Beyond what is loaded the log is asked.
        None if list.is_loaded() => {
            let from = if forward { list.rows().last() } else { list.rows().first() };
            let request = DeliveryRequest {
                message: state.messages.of.clone(),
                filter: Some(NOT_ACCEPTED.into()),
                after: from.map(|row| row.seq),
                ascending: (!forward).then_some(true),
                limit: Some(1),
                ..DeliveryRequest::default()
            };
            state.ask(Slot::Failure, Fetch::Deliveries(request));
        }
        None => {}
    }
}

/// Takes the next failure that the log has.
pub fn take_failure(state: &mut State, request: &DeliveryRequest, page: &DeliveryPage) {
    let Some(id) = state.messages.of.clone().filter(|id| request.message.as_ref() == Some(id)) else {
        return;
    };
    match page.deliveries.first() {
        Some(row) => {
            state.messages.failure = Some(row.seq);
            // It stands a few rows below the window's beginning, so that what
            // came after it is seen as well.
            let ask = state.messages.deliveries.jump((row.seq + 5).to_string());
            state.ask(Slot::Deliveries, deliveries(&id, &ask));
        }
        None if page.cut_short => state.say("None among the rows that were searched; Causes groups all."),
        None => state.say("Nobody else failed."),
    }
}

/// Whether an action can be done to a message as it stands.
pub fn can(action: Action, message: &Message) -> bool {
    let is = message.state;
    match action {
        Action::EditMessage | Action::ScheduleMessage => matches!(is, Is::Draft | Is::Scheduled | Is::Held),
        Action::SendMessage => matches!(is, Is::Draft | Is::Held),
        Action::MessagePause => is == Is::Processing,
        Action::MessageResume => matches!(is, Is::Paused | Is::Held),
        Action::ReleaseMessage => is == Is::Held,
        Action::CancelMessage => !is.is_over() && is != Is::Draft,
        Action::RetryMessage => matches!(is, Is::Failed | Is::Cancelled),
        Action::DeleteMessage => !matches!(is, Is::Processing | Is::Paused),
        Action::CorrectRest => is == Is::Paused,
        Action::ThoseReached => message.progress.accepted > 0,
        Action::Decide => message.progress.undecided + message.progress.uncertain > 0,
        _ => true,
    }
}

/// Why nothing of the kind can be done to a message now.
pub fn refused(state: &State, action: Action, message: &Message) -> Option<String> {
    if can(action, message) {
        return None;
    }
    let like_it = || {
        let key = layout::key_of(state, Action::DuplicateMessage);
        format!("{key} makes a draft like it.")
    };
    let what = match action {
        Action::EditMessage => format!("A draft or a scheduled message can be edited; {}", like_it()),
        Action::SendMessage => format!("A draft can be sent; {}", like_it()),
        Action::ScheduleMessage => format!("A draft can be scheduled; {}", like_it()),
        Action::MessagePause => "What is being sent can be paused.".to_owned(),
        Action::MessageResume => "What is paused or held can go on.".to_owned(),
        Action::ReleaseMessage => "What is held can be released.".to_owned(),
        Action::CancelMessage => "What is scheduled or on its way can be cancelled.".to_owned(),
        Action::RetryMessage => "What has failed can be tried again.".to_owned(),
        Action::DeleteMessage => "Cancel it first; then it can be deleted.".to_owned(),
        Action::CorrectRest => "Pause it first; then it can be corrected for those not tried yet.".to_owned(),
        Action::ThoseReached => {
            return Some("Nobody has been accepted: there is nobody to tell.".to_owned());
        }
        Action::Decide => {
            return Some("Nobody of it is uncertain: there is nothing to decide.".to_owned());
        }
        _ => "That cannot be done to it.".to_owned(),
    };
    Some(format!("It {}. {what}", show::stands(message.state)))
}

fn on_message(state: &mut State, action: Action, message: &Message) -> bool {
    if let Some(why) = refused(state, action, message) {
        state.say(why);
        return true;
    }
    let id = message.id.clone();
    let is = message.state;
    match action {
        Action::Open if is == Is::Draft => compose::open_draft(state, message),
        Action::EditMessage if review::edited_by_another(state, message) => {
            review::open_take_over(state, message);
        }
        Action::EditMessage if is == Is::Scheduled => state.command(Command::Hold(id, message.revision)),
        Action::EditMessage => compose::open_draft(state, message),
        Action::SendMessage if is == Is::Draft => review::open_send(state, message, None),
        Action::MessageResume if is == Is::Paused => review::open_resume_message(state, message),
        Action::SendMessage | Action::MessageResume | Action::ReleaseMessage => {
            review::open_release(state, message);
        }
        Action::ScheduleMessage => form::open(state, form::Purpose::Schedule(id)),
        Action::MessagePause => state.command(Command::Pause(id)),
        Action::CancelMessage => review::open_cancel(state, message),
        Action::RetryMessage => review::open_retry(state, message),
        Action::DeleteMessage => review::open_delete_message(state, message),
        Action::CorrectRest => review::open_follow_up(state, message, Whom::Untried),
        Action::ThoseReached => review::open_follow_up(state, message, Whom::Reached),
        Action::DuplicateMessage => state.command(Command::Duplicate(id)),
        Action::Decide => form::open(state, form::Purpose::Decide(id)),
        Action::Why => {
            let why = detail::why(state, message);
            state.say(why);
        }
        Action::Copy => {
            let chosen = match (state.messages.focus, state.messages.pane) {
                (Focus::Detail, Pane::Deliveries) => state.messages.deliveries.selected(),
                _ => None,
            };
            let text =
                chosen.map_or_else(|| id.to_string(), |row| show::sentence(row, state.zone, state.names()));
            state.request(Request::Copy(text));
        }
        Action::CopyCommand => {
            state.request(Request::Copy(format!("herald message show {id}")));
        }
        _ => return false,
    }
    true
}
