//! Reviews: what sends or deletes says first what it will do, and to how many.

mod openings;
mod view;

pub use openings::*;
pub use view::view;

use crossterm::event::KeyEvent;

use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, Revision};
use crate::domain::time::Timestamp;
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::runtime::Request;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::watch::{Watch, Watched};
use crate::tui::widgets::field::LineField;
use crate::tui::{command_line, request, show};
use crate::wire::message::Message;
use crate::wire::operation::Operation;
use crate::wire::preview::{Preview, RetryPreview};
use crate::wire::suppression::{UndoSuppressions, UndoneSuppressions};

/// What is typed to end the engine with the console.
const STOP: &str = "stop";

/// A review.
#[derive(Debug)]
pub struct Review {
    title: String,
    lines: Vec<(String, Role)>,
    command: Command,
    /// What must be typed; nothing: enter alone.
    word: Option<String>,
    field: LineField,
    /// The command line that does the same, where the command alone does not say it.
    same_as: Option<String>,
    /// The message whose preview it waits for.
    waits: Option<MessageId>,
    /// An operation is being counted.
    counting: bool,
    preview: Option<Box<Preview>>,
    sample: usize,
    busy: bool,
    /// What it is about. Once that has changed, it cannot be confirmed any more.
    watch: Watch,
    /// What opened it, if the same opens it anew.
    by: Option<Action>,
    /// It asks whether to leave: enter leaves, a word ends the engine as well.
    leaving: bool,
    /// It is mail to topics without a link to leave them: whether that was waived. `None`: it is not.
    waived: Option<bool>,
    problem: Option<String>,
    /// Of which message it speaks, and of which type.
    headline: String,
    channel: Option<Channel>,
}

impl Review {
    fn new(title: String, lines: Vec<(String, Role)>, command: Command) -> Self {
        let watch = Watch::of_command(&command);
        Self {
            title,
            lines,
            command,
            word: None,
            field: LineField::default(),
            same_as: None,
            waits: None,
            counting: false,
            preview: None,
            sample: 0,
            busy: false,
            watch,
            by: None,
            leaving: false,
            waived: None,
            problem: None,
            headline: String::new(),
            channel: None,
        }
    }

    fn typing(mut self, word: &str) -> Self {
        self.word = Some(word.to_owned());
        self
    }

    /// More than one are counted by the hand that confirms.
    fn counted(mut self, people: u64) -> Self {
        if people > 1 {
            self.word = Some(people.to_string());
        }
        self
    }

    fn same_as(mut self, line: String) -> Self {
        self.same_as = Some(line);
        self
    }

    fn about(mut self, message: &Message) -> Self {
        message.headline().clone_into(&mut self.headline);
        self.channel = Some(message.provider_type);
        self.watching(message)
    }

    /// It lapses when somebody else changes the message.
    fn watching(mut self, message: &Message) -> Self {
        self.as_of(Watched::Message(message.id.clone()), message.revision);
        self
    }

    /// What it is about was shown with this revision.
    fn as_of(&mut self, of: Watched, revision: Revision) {
        self.watch.as_of(of, revision);
    }

    /// What it is about, while it can be confirmed.
    pub fn watch_mut(&mut self) -> Option<&mut Watch> {
        (!self.busy).then_some(&mut self.watch)
    }

    fn waiting(mut self, id: MessageId) -> Self {
        self.waits = Some(id);
        self
    }

    /// The command line that does the same, once it is known; a line for each of many.
    pub fn command_line(&self) -> Option<String> {
        let known = !self.is_counting() && !matches!(self.command, Command::Leave);
        self.same_as.clone().or_else(|| known.then(|| command_line::of(&self.command))?)
    }

    /// The request that does the same, once it is known; a line for each of many.
    pub fn request_line(&self) -> Option<String> {
        if self.is_counting() { None } else { request::of(&self.command) }
    }

    /// What opened it, to open it anew when it has lapsed.
    pub fn opened_by(&mut self, action: Action) {
        self.by.get_or_insert(action);
    }

    /// Whether it cannot be confirmed any more.
    pub fn is_dead(&self) -> bool {
        self.watch.has_lapsed()
    }

    /// What reads it anew, where it has lapsed.
    pub fn anew(&self) -> Option<Action> {
        self.by.filter(|_| self.watch.has_lapsed())
    }

    /// What it does when it is confirmed.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// Whether what it asks for is under way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// What must be typed. While that is not known yet, what is typed is kept for it.
    pub fn word(&self) -> Option<&str> {
        match &self.word {
            Some(word) => Some(word),
            None => (self.leaving || self.is_counting()).then_some(""),
        }
    }

    /// Whether the number is not known yet.
    fn is_counting(&self) -> bool {
        self.waits.is_some() || self.counting
    }

    /// It was refused.
    pub fn fail(&mut self, text: String) {
        self.busy = false;
        // What was never counted cannot be confirmed.
        if self.is_counting() {
            self.watch.lapse();
        }
        self.counting = false;
        self.waits = None;
        self.problem = Some(text);
    }

    /// What it is about is not what it was: it cannot be confirmed any more.
    pub fn lapse(&mut self, text: String) {
        self.busy = false;
        self.watch.lapse();
        self.word = None;
        self.counting = false;
        self.waits = None;
        self.problem = Some(text);
    }

    /// A key that edits.
    pub fn key(&mut self, key: KeyEvent) {
        use crossterm::event::KeyCode;
        match key.code {
            KeyCode::Left => self.turn(-1),
            KeyCode::Right => self.turn(1),
            _ if self.field.key(key) => self.problem = None,
            _ => {}
        }
    }

    /// A paste.
    pub fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    /// Whether there are several samples to turn through.
    pub fn has_samples(&self) -> bool {
        self.preview.as_ref().is_some_and(|preview| preview.samples.len() > 1)
    }

    fn turn(&mut self, by: isize) {
        let last = self.preview.as_ref().map_or(0, |preview| preview.samples.len()).saturating_sub(1);
        self.sample = self.sample.saturating_add_signed(by).min(last);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Confirm => confirm(state),
        Action::LeaveField | Action::Back | Action::Quit if !review.busy => {
            state.overlays.pop();
        }
        Action::TakeUncertain => retry_uncertain(state),
        Action::Through => match review.channel {
            Some(channel) => super::pick::open_through(state, channel),
            None => state.say("This goes through no other provider."),
        },
        Action::NextSample => review.turn(1),
        Action::PreviousSample => review.turn(-1),
        Action::CopyRequest | Action::CopyCommand => {
            let line =
                if action == Action::CopyCommand { review.command_line() } else { review.request_line() };
            let why = unsaid(review);
            match line {
                Some(line) => state.request(Request::Copy(line)),
                None => state.say(why),
            }
        }
        Action::Refresh => match review.anew() {
            Some(by) => {
                state.overlays.pop();
                crate::tui::update::anew(state, by);
            }
            None => return false,
        },
        _ => return false,
    }
    true
}

/// Why there is no command line or request.
fn unsaid(review: &Review) -> String {
    let why = if review.is_counting() {
        "it is being counted; one moment"
    } else {
        request::why_none(&review.command)
    };
    show::as_sentence(why)
}

fn confirm(state: &mut State) {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if review.busy {
        return;
    }
    if review.watch.has_lapsed() {
        return;
    }
    if review.leaving {
        leave(state);
        return;
    }
    if review.is_counting() {
        review.problem = Some("It is being counted; one moment.".to_owned());
        return;
    }
    if review.preview.as_ref().is_some_and(|preview| preview.recipients == 0) {
        return;
    }
    if let Some(word) = &review.word {
        let typed = review.field.text().trim();
        // The number as it is shown, with its grouping, is the number as well.
        if typed != word && typed.replace(',', "") != *word {
            review.problem = Some(format!("Type {word}."));
            return;
        }
    }
    if review.waived == Some(false) {
        review.waived = Some(true);
        review.problem =
            Some("It carries no link to leave its topics: enter again sends it without.".to_owned());
        return;
    }
    if has_passed(state) {
        return;
    }
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if review.command.takes_long() && super::job::is_busy(state) {
        return;
    }
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    // Deleted is what was shown.
    if let Command::DeleteProvider(id, seen @ None) = &mut review.command {
        *seen = review.watch.revision(&Watched::Provider(id.clone()));
    }
    review.busy = true;
    review.problem = None;
    let command = review.command.clone();
    state.command(command);
}

/// Leaves, and ends the engine as well if that was typed.
fn leave(state: &mut State) {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    let request = match review.field.text().trim() {
        "" => Request::Quit,
        STOP => Request::QuitAndStop,
        _ => {
            review.problem = Some(format!("Enter alone leaves; {STOP} and enter ends the engine as well."));
            return;
        }
    };
    review.busy = true;
    state.request(request);
}

/// The time that was said may pass while a review is read: then it would start at
/// once, which is to be confirmed anew.
fn has_passed(state: &mut State) -> bool {
    let now = Timestamp::from_utc(state.now);
    let first = starts(state, None);
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return false };
    let Command::Send { at, .. } = &mut review.command else { return false };
    if at.as_ref().is_none_or(|(at, _)| *at > now) {
        return false;
    }
    *at = None;
    review.same_as = None;
    if let Some(line) = review.lines.first_mut() {
        *line = (first, Role::NOTICE_WARN);
    }
    review.field = LineField::default();
    review.problem = Some("The time passed while you read: confirm again to send now, or esc.".to_owned());
    true
}

/// Takes what would be sent into the review that waits for it.
pub fn take_preview(state: &mut State, id: &MessageId, preview: Box<Preview>) {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if review.waits.as_ref() != Some(id) {
        return;
    }
    review.waits = None;
    let people = preview.recipients;
    if let Command::Send { confirmed, headline, .. } = &mut review.command {
        *confirmed = people;
        let what = crate::tui::sanitize::fit(headline, 48).into_owned();
        review.title = format!("Send “{what}” to {}?", show::people(people));
    }
    let waiver = if preview.without_unsubscribe {
        review.waived = Some(false);
        let line = "carries no link to leave its topics: the setting api.public_url is empty";
        review.lines.push((line.to_owned(), Role::NOTICE_WARN));
        " --without-unsubscribe"
    } else {
        ""
    };
    if let (Command::Send { .. }, Some(line)) = (&review.command, command_line::of(&review.command)) {
        review.same_as = Some(line + waiver);
    }
    match people {
        0 => review.problem = Some("Nobody would get it: choose an audience first.".to_owned()),
        // One recipient is a key; more are counted by the hand that confirms.
        1 => {}
        _ => review.word = Some(people.to_string()),
    }
    review.preview = Some(preview);
}

/// Takes whom an operation would be for into the review that counts it.
pub fn take_operation(state: &mut State, operation: &Operation) {
    let now = state.now;
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if !review.counting {
        return;
    }
    review.counting = false;
    let preview = &operation.preview;
    let n = preview.count;
    let verb = show::capital(operation.action.as_str());
    review.title = format!("{verb} {} of {}?", show::people(n), show::messages(preview.messages));
    let text = |line: String| (line, Role::TEXT);
    review.lines.clear();
    if let Some(oldest) = preview.oldest {
        review.lines.push(text(format!("the oldest was tried last {}", show::relative_to(oldest, now))));
    }
    if let Some(provider) = &operation.provider_id {
        review.lines.push(text(format!("through {provider}")));
    }
    if preview.uncertain > 0 {
        let line =
            format!("{} of them may have it already, and would get it twice", show::count(preview.uncertain));
        review.lines.push((line, Role::NOTICE_WARN));
    }
    for left in &preview.left_out {
        review.lines.push((format!("left out: {} {}", show::count(left.count), left.reason), Role::TEXT_DIM));
    }
    for sample in preview.sample.iter().take(3) {
        let answer = show::answer(sample, now);
        review.lines.push((format!("· {}  {}  {answer}", sample.address, sample.headline), Role::TEXT_DIM));
    }
    review.command = Command::ConfirmOperation(operation.id.clone(), n);
    match n {
        0 => {
            review.watch.lapse();
            review.problem = Some("Nobody fits: there is nothing to do.".to_owned());
        }
        1 => {}
        _ => review.word = Some(n.to_string()),
    }
}

/// Takes what an undo would take back into the review that counts it.
pub fn take_undo(state: &mut State, mut asked: UndoSuppressions, found: &UndoneSuppressions) {
    let now = state.now;
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if !review.counting {
        return;
    }
    review.counting = false;
    review.title = format!("Write to {} again?", show::people(found.count));
    for record in found.suppressions.iter().take(5) {
        let line = format!(
            "· {}  {}  {}  {}",
            record.shown_address(),
            record.reason(),
            show::relative_to(record.created_at, now),
            record.said
        );
        review.lines.push((line, Role::TEXT_DIM));
    }
    asked.to = Some(found.to);
    asked.count = Some(found.count);
    let through = asked.provider_id.as_ref().map_or_else(String::new, |id| format!(" --provider {id}"));
    review.same_as = Some(format!(
        "herald suppression undo --cause {}{through} --from '{}' --confirm {}",
        asked.cause.as_str(),
        asked.from,
        found.count
    ));
    review.command = Command::UndoSuppressions(asked);
    match found.count {
        0 => {
            review.watch.lapse();
            review.problem = Some("Nobody was suppressed for this in that time.".to_owned());
        }
        1 => {}
        n => review.word = Some(n.to_string()),
    }
}

/// Takes who would be tried again into the review that waits for it.
pub fn take_retry(state: &mut State, id: &MessageId, preview: &RetryPreview) {
    let Some(Overlay::Review(review)) = state.overlays.last_mut() else { return };
    if review.waits.as_ref() != Some(id) {
        return;
    }
    review.waits = None;
    let n = preview.recipients;
    let left: u64 = preview.left_out.iter().map(|left| left.count).sum();
    review.title = format!("Retry {} of {}?", show::count(n), show::count(n + left));
    let out: Vec<String> =
        preview.left_out.iter().map(|left| format!("{} {}", left.reason, show::count(left.count))).collect();
    if !out.is_empty() {
        review.lines.push((format!("left out: {}", out.join(" · ")), Role::TEXT_DIM));
    }
    if n == 0 {
        review.preview = Some(Box::default());
        review.problem = Some("Nobody is left to be tried again.".to_owned());
    } else {
        review.word = Some(n.to_string());
    }
}
