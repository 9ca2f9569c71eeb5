//! Writing a message: who gets it, what it says, when. Kept as a draft all along.

mod fields;
mod save;
mod view;

pub use fields::{key, paste};
pub use save::{save, saved};
pub use view::view;

use chrono::{DateTime, Utc};

use super::{form, review};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, Revision};
use crate::domain::time::Timestamp;
use crate::domain::when;
use crate::tui::action::Action;
use crate::tui::message::{Fetch, Page, Slot, Writing};
use crate::tui::runtime::Request;
use crate::tui::state::{Overlay, State};
use crate::tui::widgets::field::{BodyField, LineField};
use crate::wire::list::TopicList;
use crate::wire::message::{Data, Envelope, Message, ScheduleWords, WriteEmail, WritePush, WriteSms};
use crate::wire::topic::Topic;

/// Topics that are offered at once.
pub const CHOICES: usize = 6;

/// What stands in a draft for what is not written yet: the API takes no empty
/// subject and no empty text. A review is not opened before both are written.
const NO_SUBJECT: &str = "(no subject yet)";
const NO_TEXT: &str = " ";

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Email, SMS or push.
    Type,
    /// Topics.
    Audience,
    /// Subject or title.
    Subject,
    /// The text.
    Body,
    /// When it is to go.
    When,
}

/// A topic of the audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its id.
    pub id: String,
    /// Its name, if it is known.
    pub name: String,
    /// How many of the type are in it, if it is known.
    pub count: Option<u64>,
}

/// What follows once the draft is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The review.
    Review,
}

/// The message being written.
#[derive(Debug)]
pub struct Compose {
    /// Its type; fixed once it is saved.
    pub channel: Channel,
    /// The draft's id, once it is saved.
    pub id: Option<MessageId>,
    pub(super) revision: Option<Revision>,
    /// The topics.
    pub topics: Vec<Chosen>,
    /// Users and targets that were named elsewhere; kept.
    pub direct: usize,
    /// Words to find topics by.
    pub audience: LineField,
    /// The topics found.
    pub choices: Vec<Topic>,
    /// Which of them is selected.
    pub choice: usize,
    /// Subject or title.
    pub subject: LineField,
    /// The text.
    pub body: BodyField,
    /// When, in words.
    pub when: LineField,
    /// The field that has the keys.
    pub part: Part,
    /// Edits so far, and how many of them are saved.
    pub edit: u64,
    /// The edits that the server has.
    pub saved: u64,
    saving: bool,
    next: Option<Next>,
    /// When it was saved last.
    pub saved_at: Option<DateTime<Utc>>,
    /// Why it cannot be saved or sent.
    pub problem: Option<String>,
}

impl Compose {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            id: None,
            revision: None,
            topics: Vec::new(),
            direct: 0,
            audience: LineField::default(),
            choices: Vec::new(),
            choice: 0,
            subject: LineField::default(),
            body: BodyField::default(),
            when: LineField::new("now"),
            part: Part::Audience,
            edit: 0,
            saved: 0,
            saving: false,
            next: None,
            saved_at: None,
            problem: None,
        }
    }

    fn of(message: &Message) -> Self {
        let mut compose = Self::new(message.provider_type);
        compose.id = Some(message.id.clone());
        compose.revision = Some(message.revision);
        let topic = |id: &crate::domain::ids::TopicId| Chosen {
            id: id.to_string(),
            name: id.to_string(),
            count: None,
        };
        compose.topics = message.topics.iter().map(topic).collect();
        compose.direct = message.users.len() + message.targets.len();
        match &message.data {
            Data::Email(mail) => {
                compose.subject = LineField::new(unless(&mail.subject, NO_SUBJECT));
                compose.body = BodyField::new(unless(&mail.content, NO_TEXT));
            }
            Data::Sms(sms) => compose.body = BodyField::new(unless(&sms.content, NO_TEXT)),
            Data::Push(push) => {
                compose.subject = LineField::new(push.title.as_deref().unwrap_or_default());
                compose.body = BodyField::new(push.body.as_deref().unwrap_or_default());
            }
        }
        if let Some(words) = &message.schedule_words {
            compose.when = LineField::new(&words.words);
        }
        compose
    }

    /// The fields, in order.
    pub fn parts(&self) -> &'static [Part] {
        match self.channel {
            Channel::Email | Channel::Push => {
                &[Part::Type, Part::Audience, Part::Subject, Part::Body, Part::When]
            }
            Channel::Sms => &[Part::Type, Part::Audience, Part::Body, Part::When],
        }
    }

    fn step(&mut self, by: usize) {
        let parts = self.parts();
        let at = parts.iter().position(|part| *part == self.part).unwrap_or(0);
        self.part = parts[(at + by) % parts.len()];
    }

    /// Whether the body is HTML: whether it begins like it.
    pub fn is_html(&self) -> bool {
        self.channel == Channel::Email && self.body.text().trim_start().starts_with('<')
    }

    /// Whether braces stand for something.
    pub fn has_variables(&self) -> bool {
        self.body.lines().iter().any(|line| line.contains("{{")) || self.subject.text().contains("{{")
    }

    /// How many people the topics have together, if it is known; who is in two
    /// counts twice.
    pub fn bound(&self) -> Option<u64> {
        self.topics.iter().map(|topic| topic.count).sum()
    }

    /// Whether nothing is written.
    pub fn is_blank(&self) -> bool {
        self.body.is_empty() && self.subject.text().trim().is_empty()
    }

    /// The message as it stands, as a draft.
    pub fn writing(&self) -> Writing {
        let topics = self.topics.iter().map(|topic| topic.id.clone()).collect();
        let envelope = Envelope {
            topics: Some(topics),
            draft: Some(true),
            variables: Some(self.has_variables()),
            revision: self.revision,
            ..Envelope::default()
        };
        let text = Some(or(self.body.text(), NO_TEXT));
        let subject = Some(or(self.subject.text().to_owned(), NO_SUBJECT));
        match self.channel {
            Channel::Email => Writing::Email(WriteEmail {
                envelope,
                subject,
                content: text,
                html: Some(self.is_html()),
                cc: None,
                bcc: None,
            }),
            Channel::Sms => Writing::Sms(WriteSms { envelope, content: text }),
            Channel::Push => Writing::Push(Box::new(WritePush {
                envelope,
                title: Some(self.subject.text().to_owned()),
                body: Some(self.body.text()),
                ..WritePush::default()
            })),
        }
    }
}

/// The text, or what stands for none.
fn or(text: String, none: &str) -> String {
    if text.trim().is_empty() { none.to_owned() } else { text }
}

/// The text, unless it only stands for none.
fn unless<'a>(text: &'a str, none: &str) -> &'a str {
    if text == none { "" } else { text }
}

/// Opens the form: with the draft that was left in it, or anew.
pub fn open_new(state: &mut State, topic: Option<&Topic>) {
    if state.compose.is_none() {
        state.compose = Some(Compose::new(Channel::Email));
    }
    if let (Some(compose), Some(topic)) = (&mut state.compose, topic) {
        choose(compose, topic);
    }
    state.overlays.push(Overlay::Compose);
    ask_choices(state);
}

/// Opens a draft.
pub fn open_draft(state: &mut State, message: &Message) {
    save(state);
    let same = state.compose.as_ref().is_some_and(|compose| compose.id.as_ref() == Some(&message.id));
    if !same {
        state.compose = Some(Compose::of(message));
    }
    state.overlays.push(Overlay::Compose);
    ask_choices(state);
}

fn ask_choices(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    let filter = compose.audience.text().trim().to_owned();
    let page = Page { filter, after: None, limit: 50 };
    state.ask(Slot::Choices, Fetch::Topics(page));
}

/// Takes the topics that were found.
pub fn take_choices(state: &mut State, list: TopicList) {
    let Some(compose) = &mut state.compose else { return };
    let channel = compose.channel;
    for chosen in &mut compose.topics {
        if let Some(topic) = list.items().iter().find(|topic| topic.id.as_str() == chosen.id) {
            chosen.name.clone_from(&topic.name);
            chosen.count = Some(topic.of(channel));
        }
    }
    compose.choices = list.into_items();
    compose.choice = compose.choice.min(compose.choices.len().saturating_sub(1));
}

fn choose(compose: &mut Compose, topic: &Topic) {
    if compose.topics.iter().any(|chosen| chosen.id == topic.id.as_str()) {
        return;
    }
    let count = Some(topic.of(compose.channel));
    compose.topics.push(Chosen { id: topic.id.to_string(), name: topic.name.clone(), count });
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(compose) = &mut state.compose else { return false };
    match action {
        Action::NextField => compose.step(1),
        Action::PreviousField => compose.step(compose.parts().len() - 1),
        Action::LeaveField | Action::Back => leave(state),
        Action::Editor => {
            let extension = if compose.is_html() { "html" } else { "txt" };
            let text = compose.body.text();
            state.request(Request::Edit { id: 1, text, extension });
        }
        Action::Review | Action::Preview | Action::SendMessage => begin_review(state),
        Action::ScheduleMessage => compose.part = Part::When,
        Action::TestToMe => form::open(state, form::Purpose::Test),
        _ => return false,
    }
    true
}

/// Leaves the form; nothing is lost.
fn leave(state: &mut State) {
    state.overlays.pop();
    save(state);
    match &state.compose {
        Some(compose) if compose.is_blank() && compose.id.is_none() => state.compose = None,
        Some(compose) if compose.problem.is_some() => {
            state.say("Kept in this console; c opens it again.");
        }
        _ => state.say("The draft is kept."),
    }
}

/// The text that came back from the editor.
pub fn edited(state: &mut State, text: Result<String, String>) {
    match (text, &mut state.compose) {
        (Ok(text), Some(compose)) => {
            compose.body = BodyField::new(text.strip_suffix('\n').unwrap_or(&text));
            touched(state);
        }
        (Err(why), _) => state.complain(why),
        (Ok(_), None) => {}
    }
}

/// Something of the message changed: it will be saved in a moment.
fn touched(state: &mut State) {
    save::soon(state);
}

fn begin_review(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    let problem = if compose.topics.is_empty() && compose.direct == 0 {
        compose.part = Part::Audience;
        Some("Choose who gets it: a topic at least.".to_owned())
    } else if compose.channel == Channel::Email && compose.subject.text().trim().is_empty() {
        compose.part = Part::Subject;
        Some("A mail needs a subject.".to_owned())
    } else if compose.body.is_empty() {
        compose.part = Part::Body;
        Some("It says nothing yet.".to_owned())
    } else {
        when::parse(compose.when.text(), state.now, state.zone).err().map(|error| {
            compose.part = Part::When;
            error.to_string()
        })
    };
    compose.problem = problem;
    if compose.problem.is_some() {
        return;
    }
    compose.next = Some(Next::Review);
    if compose.id.is_some() && compose.saved == compose.edit && !compose.saving {
        go_on(state);
    } else {
        save(state);
    }
}

/// The draft is saved: goes on to what was asked for.
fn go_on(state: &mut State) {
    let Some(compose) = &mut state.compose else { return };
    if compose.next.take().is_none() {
        return;
    }
    let (Some(id), Some(revision)) = (compose.id.clone(), compose.revision) else { return };
    let words = compose.when.text().trim().to_owned();
    let headline = if compose.channel == Channel::Sms {
        compose.body.lines().first().cloned().unwrap_or_default()
    } else {
        compose.subject.text().to_owned()
    };
    let channel = compose.channel;
    let said = match when::parse(&words, state.now, state.zone) {
        Ok(said) => said,
        Err(error) => {
            compose.problem = Some(error.to_string());
            return;
        }
    };
    let later = said.at > state.now;
    let at = later
        .then(|| (Timestamp::from_utc(said.at), ScheduleWords { words, zone: said.zone.name().to_owned() }));
    review::open_send_draft(state, &id, channel, revision, headline, at);
}
