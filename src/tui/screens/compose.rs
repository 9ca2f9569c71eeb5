//! Writing a message: who gets it, what it says, when. Kept as a draft all along.

mod audience;
mod content;
mod drafts;
mod fields;
mod files;
mod kept;
mod lint;
mod part;
mod save;
mod sending;
mod view;
mod whole;

pub use drafts::{ask_drafts, drop_kept, kept_on_server, open as open_kept, rows as draft_rows, take_drafts};
pub use fields::{insert, key, paste, set_when};
pub use files::{Attached, Stage, brought, take_file, take_folder, take_settings};
pub use kept::Kept;
pub use lint::{Finding, Weight, findings};
pub use part::Part;
pub use save::{save, saved};
pub use sending::{Tested, tested};
pub use view::view;

use chrono::{DateTime, Utc};

use super::choices::{Chosen, Kind};
use super::finder::Finder;
use super::{form, pick};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, Revision};
use crate::tui::action::Action;
use crate::tui::runtime::Request;
use crate::tui::state::{Overlay, State};
use crate::tui::watch::{Seen, Standing, Watched};
use crate::tui::widgets::field::{BodyField, LineField};
use crate::wire::error::StaleRecord;
use crate::wire::message::Message;
use crate::wire::topic::Topic;
use audience::Picker;

/// The numbers of the texts that can be in the editor.
pub mod edit {
    /// The field that has the keys.
    pub const FIELD: u64 = 1;
    /// The whole form.
    pub const WHOLE: u64 = 2;
}

/// What follows once the draft is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The review.
    Review,
}

/// The message being written.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what holds of a form")]
pub struct Compose {
    /// Its type; fixed once it is saved.
    pub channel: Channel,
    /// The draft's id, once it is saved.
    pub id: Option<MessageId>,
    pub(super) revision: Option<Revision>,
    /// It is scheduled, and held while it is edited.
    pub held: bool,
    /// Who gets it.
    pub audience: Vec<Chosen>,
    /// Who gets a copy and is named in Cc; mail only.
    pub cc: Vec<Chosen>,
    /// Who gets a copy and is named nowhere; mail only.
    pub bcc: Vec<Chosen>,
    picker: Picker,
    /// Files: a mail's attachments, or a notification's image.
    pub files: Vec<Attached>,
    /// Files that were taken off, and go from the store once the draft is saved without them.
    dropped: Vec<String>,
    finder: Finder,
    /// The fields of one line.
    lines: Vec<(Part, LineField)>,
    /// The text.
    pub body: BodyField,
    /// Whether braces stand for something; nothing: as soon as there are any.
    pub variables: Option<bool>,
    /// Whether the fields that few need are shown.
    pub unfolded: bool,
    /// The field that has the keys.
    pub part: Part,
    /// Edits so far, and how many of them are saved.
    pub edit: u64,
    /// The edits that the server has.
    pub saved: u64,
    saving: bool,
    /// Whether the timer that saves runs.
    waiting: bool,
    next: Option<Next>,
    /// Under which id the server keeps the form as it stands, half a thought or whole.
    pub key: String,
    kept_as: Option<Revision>,
    kept_edit: u64,
    keeping: bool,
    /// When it was saved last.
    pub saved_at: Option<DateTime<Utc>>,
    /// What somebody else has changed meanwhile: nothing is saved until one says which counts.
    pub conflict: Option<Box<StaleRecord>>,
    /// That somebody else has changed it meanwhile, in a sentence: saving it asks what counts.
    pub overtaken: Option<String>,
    /// Why it cannot be saved or sent.
    pub problem: Option<String>,
    /// When a copy of it went to oneself, and which edit.
    pub tested: Option<Tested>,
}

impl Compose {
    fn new(channel: Channel) -> Self {
        let mut compose = Self {
            channel,
            id: None,
            revision: None,
            held: false,
            audience: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            picker: Picker::default(),
            files: Vec::new(),
            dropped: Vec::new(),
            finder: Finder::default(),
            lines: Part::LINES.iter().map(|part| (*part, LineField::default())).collect(),
            body: BodyField::default(),
            variables: None,
            unfolded: false,
            part: Part::Audience,
            edit: 0,
            saved: 0,
            saving: false,
            waiting: false,
            next: None,
            key: String::new(),
            kept_as: None,
            kept_edit: 0,
            keeping: false,
            saved_at: None,
            conflict: None,
            overtaken: None,
            problem: None,
            tested: None,
        };
        compose.set(Part::When, part::NOW);
        compose
    }

    /// The fields that are shown, in order.
    pub fn parts(&self) -> Vec<Part> {
        Part::of(self.channel, self.unfolded)
    }

    fn step(&mut self, by: usize) {
        let parts = self.parts();
        let at = parts.iter().position(|part| *part == self.part).unwrap_or(0);
        self.part = parts[(at + by) % parts.len()];
        self.picker.clear();
        self.finder.clear();
    }

    fn line(&self, part: Part) -> Option<&LineField> {
        self.lines.iter().find(|(of, _)| *of == part).map(|(_, line)| line)
    }

    fn line_mut(&mut self, part: Part) -> Option<&mut LineField> {
        self.lines.iter_mut().find(|(of, _)| *of == part).map(|(_, line)| line)
    }

    /// What a field of one line says.
    pub fn text(&self, part: Part) -> &str {
        self.line(part).map_or("", LineField::text)
    }

    fn set(&mut self, part: Part, text: &str) {
        if let Some(line) = self.line_mut(part) {
            line.set(text);
        }
    }

    /// Subject or title, as the type has it.
    pub fn headline(&self) -> String {
        match self.channel {
            Channel::Sms => self.body.lines().first().cloned().unwrap_or_default(),
            Channel::Email | Channel::Push => self.text(Part::Subject).to_owned(),
        }
    }

    /// Whether the body is HTML: whether it begins like it.
    pub fn is_html(&self) -> bool {
        self.channel == Channel::Email && self.body.text().trim_start().starts_with('<')
    }

    /// Whether there are braces that could be variables.
    pub fn has_braces(&self) -> bool {
        let braces = |text: &str| text.contains("{{") || text.contains("{%");
        self.body.lines().iter().any(|line| braces(line)) || braces(self.text(Part::Subject))
    }

    /// Whether braces stand for something.
    pub fn has_variables(&self) -> bool {
        self.variables.unwrap_or_else(|| self.has_braces())
    }

    /// What is watched while it is written: the message as it was when it was read or saved.
    pub fn seen(&self) -> Option<Seen> {
        Some(Seen::at(Watched::Message(self.id.clone()?), self.revision?))
    }

    /// Takes how it stands with what is watched; `told` says in a sentence that it was changed.
    pub fn take(&mut self, standing: &Standing, told: impl FnOnce(&Standing) -> String) {
        let (Some(Seen { of, .. }), Some(seen)) = (self.seen(), self.revision) else { return };
        // While it is being saved, and after, the answer may be from before.
        let Some(now) = standing.mark.as_ref().and_then(|mark| mark.parse::<u32>().ok()) else { return };
        if of == standing.of && !self.saving && self.conflict.is_none() && now > seen.0 {
            self.overtaken = Some(told(standing));
        }
    }

    /// Whether nothing is written and nobody chosen.
    pub fn is_blank(&self) -> bool {
        self.body.is_empty()
            && self.lines.iter().all(|(part, line)| *part == Part::When || line.text().trim().is_empty())
            && self.cc.is_empty()
            && self.bcc.is_empty()
            && self.files.is_empty()
    }
}

/// Opens the form: with the draft that was left in it, or anew.
pub fn open_new(state: &mut State, topic: Option<&Topic>) {
    if state.compose.is_none() && topic.is_none() {
        drafts::newest(state);
    }
    if state.compose.is_none() {
        state.compose = Some(Compose::new(Channel::Email));
    }
    if let (Some(compose), Some(topic)) = (&mut state.compose, topic) {
        audience::choose(compose, Chosen::topic(topic, compose.channel));
    }
    show(state);
}

/// Opens the form for one target: its type, and it alone.
pub fn open_to(state: &mut State, target: &crate::wire::person::Target) {
    save(state);
    let mut compose = Compose::new(target.provider_type);
    audience::choose(&mut compose, Chosen::target(target));
    compose.part = if compose.channel == Channel::Sms { Part::Body } else { Part::Subject };
    state.compose = Some(compose);
    show(state);
}

/// Opens a draft.
pub fn open_draft(state: &mut State, message: &Message) {
    save(state);
    let same = state.compose.as_ref().is_some_and(|compose| compose.id.as_ref() == Some(&message.id));
    if !same {
        state.compose = Some(content::of(message, state.now, state.zone));
    }
    show(state);
}

fn show(state: &mut State) {
    if !matches!(state.overlays.last(), Some(Overlay::Compose)) {
        state.overlays.push(Overlay::Compose);
    }
    audience::ask(state);
    files::learn(state);
    files::bring(state);
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(compose) = &mut state.compose else { return false };
    match action {
        Action::NextField | Action::PreviousField => {
            let by = if action == Action::NextField { 1 } else { compose.parts().len() - 1 };
            compose.step(by);
            audience::ask(state);
        }
        Action::LeaveField | Action::Back => leave(state),
        Action::Editor => edit_field(state),
        Action::EditorForm => {
            let text = whole::write(compose);
            let extension = if compose.is_html() { "html" } else { "txt" };
            state.request(Request::Edit { id: edit::WHOLE, text, extension });
        }
        Action::Fold => {
            compose.unfolded = !compose.unfolded;
            if !compose.parts().contains(&compose.part) {
                compose.part = Part::Body;
            }
        }
        Action::KeepMine => save::keep_mine(state),
        Action::KeepBoth => save::keep_both(state),
        Action::Attach => files::go(state),
        Action::Variables => pick::open_variables(state),
        Action::AsTyped => {
            compose.variables = Some(!compose.has_variables());
            save::soon(state);
        }
        Action::NewMessage => {
            save(state);
            state.compose = Some(Compose::new(Channel::Email));
            audience::ask(state);
        }
        Action::Review | Action::SendMessage => sending::begin_review(state),
        Action::Preview => pick::open_reading(state),
        Action::ScheduleMessage => compose.part = Part::When,
        Action::Calendar => pick::open_calendar(state),
        Action::TestToMe => {
            let channel = compose.channel;
            form::open(state, form::Purpose::Test(channel));
        }
        _ => return false,
    }
    true
}

/// Opens the field that has the keys in the editor; lists are edited here.
fn edit_field(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    let (text, extension) = match compose.line(compose.part) {
        Some(line) if compose.part != Part::When => (line.text().to_owned(), compose.part.extension()),
        _ => (compose.body.text(), if compose.is_html() { "html" } else { "txt" }),
    };
    state.request(Request::Edit { id: edit::FIELD, text, extension });
}

/// Leaves the form; nothing is lost.
fn leave(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    if !compose.picker.is_empty() {
        compose.picker.clear();
        audience::ask(state);
        return;
    }
    if !compose.finder.is_empty() {
        compose.finder.clear();
        return;
    }
    state.overlays.pop();
    save(state);
    match &state.compose {
        Some(compose) if compose.is_blank() && compose.id.is_none() => {
            drop_kept(state);
            state.compose = None;
            state.keep();
        }
        Some(compose) if compose.held => {
            state.say("It is held until it is sent or scheduled again; h lets it go at its time.");
        }
        Some(compose) if compose.problem.is_some() || !compose.is_whole() => {
            state.say("Kept in this console; c opens it again.");
        }
        _ => state.say("The draft is kept."),
    }
}

/// The text that came back from the editor.
pub fn edited(state: &mut State, id: u64, text: Result<String, String>) {
    match (text, &mut state.compose) {
        (Ok(text), Some(compose)) => {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            if id == edit::WHOLE {
                whole::read(compose, text);
            } else if compose.part != Part::When && compose.line(compose.part).is_some() {
                let part = compose.part;
                compose.set(part, text);
            } else {
                compose.body = BodyField::new(text);
            }
            save::soon(state);
        }
        (Err(why), _) => state.complain(why),
        (Ok(_), None) => {}
    }
}
