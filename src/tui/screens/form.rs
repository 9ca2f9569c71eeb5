//! Forms: a new topic, person or provider; a time; a decision.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

use super::review;
use crate::domain::ids::MessageId;
use crate::domain::plan::WaitReason;
use crate::domain::provider::{Shape, kind};
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::widgets::field::LineField;
use crate::tui::widgets::pen::{Pen, inset};
use crate::wire::delivery::{Decide, Decision};
use crate::wire::message::ScheduleWords;
use crate::wire::provider::WriteProvider;

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A new topic.
    Topic,
    /// A new person.
    Person,
    /// A new provider of a kind.
    Provider(&'static str),
    /// When a message is to go.
    Schedule(MessageId),
    /// What becomes of those of a message whose answers were lost.
    Decide(MessageId),
    /// A copy of the message being written, to one address.
    Test,
}

/// A field of a form.
#[derive(Debug)]
struct Field {
    name: &'static str,
    help: &'static str,
    line: LineField,
}

/// A form.
#[derive(Debug)]
pub struct Form {
    purpose: Purpose,
    title: String,
    fields: Vec<Field>,
    at: usize,
    problem: Option<String>,
    busy: bool,
}

impl Form {
    /// Whether what it asks for is under way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// It was refused.
    pub fn fail(&mut self, text: String) {
        self.busy = false;
        self.problem = Some(text);
    }

    /// A paste.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.fields.get_mut(self.at) {
            field.line.paste(text);
        }
    }

    fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.line.text().trim())
    }
}

/// Opens a form.
pub fn open(state: &mut State, purpose: Purpose) {
    let line = |name, help| Field { name, help, line: LineField::default() };
    let (title, fields) = match &purpose {
        Purpose::Topic => ("New topic".to_owned(), vec![line("Name", "What people call this audience")]),
        Purpose::Person => (
            "New person".to_owned(),
            vec![
                line("Name", "May be empty"),
                line("Email", "An address, or"),
                line("Phone", "a number with its country, as +4930123456"),
                line("Topic", "The id of a topic to subscribe to; may be empty"),
            ],
        ),
        Purpose::Provider(name) => {
            let kind = kind(name);
            let title = format!("New provider: {}", kind.map_or(*name, |kind| kind.title));
            let mut fields = vec![line("name", "What it is called here, such as main")];
            fields.extend(kind.iter().flat_map(|kind| kind.fields).map(|field| Field {
                name: field.name,
                help: field.help,
                line: if field.secret { LineField::secret() } else { LineField::default() },
            }));
            (title, fields)
        }
        Purpose::Schedule(_) => {
            ("When".to_owned(), vec![line("When", "in 2h, tomorrow 9am, fri 17:30 Berlin")])
        }
        Purpose::Decide(_) => (
            "Answers were lost: what becomes of them".to_owned(),
            vec![line("Decision", "resend: tried again, perhaps twice; give up: over")],
        ),
        Purpose::Test => {
            ("Test this text".to_owned(), vec![line("Address", "Your own: it must be a target here")])
        }
    };
    let form = Form { purpose, title, fields, at: 0, problem: None, busy: false };
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// A key that edits.
pub fn key(state: &mut State, key: KeyEvent) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    match key.code {
        crossterm::event::KeyCode::Down => step(form, 1),
        crossterm::event::KeyCode::Up => step(form, -1),
        _ => {
            if let Some(field) = form.fields.get_mut(form.at)
                && field.line.key(key)
            {
                form.problem = None;
            }
        }
    }
}

fn step(form: &mut Form, by: isize) {
    form.at = form.at.saturating_add_signed(by).min(form.fields.len().saturating_sub(1));
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return false };
    match action {
        Action::NextField => step(form, 1),
        Action::PreviousField => step(form, -1),
        Action::Accept if form.busy => {}
        Action::Accept if form.at + 1 < form.fields.len() => step(form, 1),
        Action::Accept => submit(state),
        Action::LeaveField | Action::Back => {
            state.overlays.pop();
        }
        Action::Editor => state.say("These fields are short; they are edited here."),
        _ => return false,
    }
    true
}

fn submit(state: &mut State) {
    let Some(Overlay::Form(form)) = state.overlays.last() else { return };
    match (form.purpose.clone(), ready(form, state)) {
        (_, Err(problem)) => {
            if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
                form.problem = Some(problem);
            }
        }
        (Purpose::Schedule(id), Ok(_)) => schedule(state, &id),
        (_, Ok(Some(command))) => {
            if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
                form.busy = true;
            }
            state.command(command);
        }
        (_, Ok(None)) => {
            state.overlays.pop();
        }
    }
}

/// The command that the form stands for, or what is wrong with it.
fn ready(form: &Form, state: &State) -> Result<Option<Command>, String> {
    Ok(Some(match &form.purpose {
        Purpose::Topic => match form.text("Name") {
            "" => return Err("A topic needs a name.".to_owned()),
            name => Command::CreateTopic(name.to_owned()),
        },
        Purpose::Person => {
            let [name, email, phone, topic] =
                ["Name", "Email", "Phone", "Topic"].map(|f| form.text(f).to_owned());
            if email.is_empty() && phone.is_empty() {
                return Err("A person needs an address or a number.".to_owned());
            }
            Command::CreatePerson { name, email, phone, topic }
        }
        Purpose::Provider(name) => return provider(form, name).map(Some),
        Purpose::Schedule(_) => {
            when::parse(form.text("When"), state.now, state.zone).map_err(|error| error.to_string())?;
            return Ok(None);
        }
        Purpose::Decide(id) => {
            let decision = match form.text("Decision").to_lowercase().as_str() {
                "resend" | "release" => Decision::Release,
                "give up" => Decision::GiveUp,
                _ => return Err("Type resend or give up.".to_owned()),
            };
            let (message, why) = (Some(id.clone()), Some(WaitReason::Uncertain));
            Command::Decide(Decide { message, provider: None, why, decision })
        }
        Purpose::Test => match (form.text("Address"), &state.compose) {
            ("", _) => return Err("To which address?".to_owned()),
            (address, Some(compose)) => {
                Command::Test { what: Box::new(compose.writing()), address: address.to_owned() }
            }
            (_, None) => return Ok(None),
        },
    }))
}

fn provider(form: &Form, name: &'static str) -> Result<Command, String> {
    let Some(kind) = kind(name) else { return Err(format!("There is no kind {name}.")) };
    let mut fields = Map::new();
    for field in kind.fields {
        let text = form.text(field.name);
        if text.is_empty() {
            if field.required {
                return Err(format!("{} is needed: {}.", field.name, field.help));
            }
            continue;
        }
        let value = match field.shape {
            Shape::Port => match text.parse::<u16>() {
                Ok(port) => Value::from(port),
                Err(_) => return Err(format!("{}: a port is a number to 65535.", field.name)),
            },
            Shape::Flag => match text {
                "true" | "yes" => Value::from(true),
                "false" | "no" => Value::from(false),
                _ => return Err(format!("{}: yes or no.", field.name)),
            },
            Shape::OneOf(words) if !words.contains(&text) => {
                return Err(format!("{}: one of {}.", field.name, words.join(", ")));
            }
            _ => Value::from(text),
        };
        fields.insert(field.name.to_owned(), value);
    }
    let label = match form.text("name") {
        "" => kind.title,
        label => label,
    };
    Ok(Command::CreateProvider(
        kind.name,
        WriteProvider {
            provider_id: Some("unique()".to_owned()),
            name: Some(label.to_owned()),
            enabled: Some(true),
            fields,
            ..WriteProvider::default()
        },
    ))
}

/// Goes on to the review with the time that was said.
fn schedule(state: &mut State, id: &MessageId) {
    let Some(Overlay::Form(form)) = state.overlays.last() else { return };
    let words = form.text("When").to_owned();
    let Ok(said) = when::parse(&words, state.now, state.zone) else { return };
    let at = (Timestamp::from_utc(said.at), ScheduleWords { words, zone: said.zone.name().to_owned() });
    state.overlays.pop();
    if let Some(message) = state.messages.current().filter(|message| message.id == *id).cloned() {
        review::open_send(state, &message, Some(at));
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, form: &Form, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, &form.title, Role::TEXT_STRONG);
    // Two rows for each; the field that has the keys is in view.
    let room = usize::from(area.height.saturating_sub(4)).max(1);
    let top = (form.at + 1).saturating_sub(room);
    for (n, field) in form.fields.iter().enumerate().skip(top).take(room) {
        let focused = n == form.at;
        let row = 2 + n - top;
        pen.text(area, row, field.name, if focused { Role::TEXT_STRONG } else { Role::TEXT_DIM });
        let line = Rect { x: area.x + 16, y: area.y + row as u16, width: 30, height: 1 };
        let line = line.intersection(area);
        field.line.draw(pen, line, focused && !form.busy);
        let help = Rect { x: line.right() + 2, width: area.width.saturating_sub(50), ..line };
        pen.text(help.intersection(area), 0, field.help, Role::TEXT_DIM);
    }
    let below = 2 + form.fields.len().min(room);
    if let Purpose::Schedule(_) = form.purpose {
        let words = form.text("When");
        if !words.is_empty() {
            match when::parse(words, state.now, state.zone) {
                Ok(said) => pen.text(area, below, said.echo.to_string(), Role::TEXT),
                Err(error) => pen.text(area, below, error.to_string(), Role::FIELD_ERROR),
            }
        }
    }
    match (&form.problem, form.busy) {
        (Some(problem), _) => pen.text(area, below + 1, problem, Role::FIELD_ERROR),
        (None, true) => pen.text(area, below + 1, "…", Role::TEXT_DIM),
        (None, false) => {}
    }
}
