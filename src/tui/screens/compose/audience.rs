//! Who gets it: topics, users and targets, found by typing.

use super::{Compose, Part};
use crate::domain::channel::Channel;
use crate::tui::message::{Fetch, Page, Slot};
use crate::tui::state::State;
use crate::tui::widgets::field::LineField;
use crate::wire::list::{TargetList, TopicList, UserList};
use crate::wire::person::{Target, User};
use crate::wire::topic::Topic;

/// Choices that are asked for, of each kind.
const EACH: usize = 20;

/// What somebody of the audience is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A topic: its subscribers of the type.
    Topic,
    /// A user: its targets of the type.
    User,
    /// One target.
    Target,
}

impl Kind {
    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::User => "person",
            Self::Target => "target",
        }
    }
}

/// A part of the audience.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Chosen {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name or address, if it is known.
    pub name: String,
    /// How many of the type are in it, if it is known.
    pub count: Option<u64>,
}

impl Chosen {
    /// A topic.
    pub fn topic(topic: &Topic, channel: Channel) -> Self {
        let count = Some(topic.of(channel));
        Self { kind: Kind::Topic, id: topic.id.to_string(), name: topic.name.clone(), count }
    }

    /// A target.
    pub fn target(target: &Target) -> Self {
        let name = target.identifier.clone();
        Self { kind: Kind::Target, id: target.id.to_string(), name, count: Some(1) }
    }

    fn user(user: &User, channel: Channel) -> Self {
        let count = user.targets.iter().filter(|target| target.provider_type == channel).count() as u64;
        let name = if user.name.is_empty() { user.id.to_string() } else { user.name.clone() };
        Self { kind: Kind::User, id: user.id.to_string(), name, count: Some(count) }
    }

    /// What is known of an id alone.
    pub(super) fn unknown(kind: Kind, id: String) -> Self {
        let count = (kind == Kind::Target).then_some(1);
        Self { kind, name: id.clone(), id, count }
    }
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What would be chosen.
    pub chosen: Chosen,
    /// What tells it from others of its name.
    pub detail: String,
}

/// The words that are looked for, and what was found.
#[derive(Debug, Default)]
pub(super) struct Picker {
    pub(super) field: LineField,
    pub(super) at: usize,
    topics: Vec<Topic>,
    users: Vec<User>,
    targets: Vec<Target>,
}

impl Picker {
    pub(super) fn is_empty(&self) -> bool {
        self.field.text().is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.field.set("");
        self.at = 0;
    }
}

/// What can be chosen in the field that has the keys.
pub fn choices(compose: &Compose) -> Vec<Choice> {
    let picker = &compose.picker;
    let channel = compose.channel;
    let mut out = Vec::new();
    if compose.part == Part::Audience {
        out.extend(
            picker
                .topics
                .iter()
                .map(|topic| Choice { chosen: Chosen::topic(topic, channel), detail: topic.id.to_string() }),
        );
        if !picker.is_empty() {
            let of = |user: &User| {
                let mine = user.targets.iter().filter(|target| target.provider_type == channel);
                mine.map(|target| target.identifier.as_str()).collect::<Vec<_>>().join(", ")
            };
            out.extend(
                picker
                    .users
                    .iter()
                    .map(|user| Choice { chosen: Chosen::user(user, channel), detail: of(user) }),
            );
        }
    }
    if !picker.is_empty() {
        let targets = picker.targets.iter().filter(|target| target.provider_type == channel);
        out.extend(targets.map(|target| {
            let detail = if target.expired { "expired" } else { "" };
            Choice { chosen: Chosen::target(target), detail: detail.to_owned() }
        }));
    }
    // Who cannot get this type stands behind who can.
    out.sort_by_key(|choice| choice.chosen.count == Some(0));
    out
}

impl Compose {
    /// The people of a field.
    pub fn people(&self, part: Part) -> &[Chosen] {
        match part {
            Part::Cc => &self.cc,
            Part::Bcc => &self.bcc,
            _ => &self.audience,
        }
    }

    pub(super) fn people_mut(&mut self, part: Part) -> &mut Vec<Chosen> {
        match part {
            Part::Cc => &mut self.cc,
            Part::Bcc => &mut self.bcc,
            _ => &mut self.audience,
        }
    }

    /// How many the audience has together, if it is known; who is in two parts
    /// counts twice.
    pub fn bound(&self) -> Option<u64> {
        self.audience.iter().map(|chosen| chosen.count).sum()
    }

    pub(super) fn ids(&self, kind: Kind) -> Vec<String> {
        self.audience.iter().filter(|chosen| chosen.kind == kind).map(|chosen| chosen.id.clone()).collect()
    }
}

/// Chooses somebody in the field that has the keys, once.
pub(super) fn choose(compose: &mut Compose, chosen: Chosen) {
    let part = compose.part;
    let people = compose.people_mut(part);
    if !people.iter().any(|other| other.kind == chosen.kind && other.id == chosen.id) {
        people.push(chosen);
    }
}

/// A text between quotes of the filter language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Asks for what can be chosen.
pub(super) fn ask(state: &mut State) {
    let Some(compose) = &state.compose else { return };
    if !compose.part.is_people() {
        return;
    }
    let typed = compose.picker.field.text().trim().to_owned();
    let (part, channel) = (compose.part, compose.channel);
    let page = |filter: String| Page { filter, after: None, limit: EACH, ..Page::default() };
    if part == Part::Audience {
        let filter = if typed.is_empty() { String::new() } else { format!("name~{}", quoted(&typed)) };
        state.ask(Slot::ChoiceTopics, Fetch::Topics(page(filter)));
    }
    if typed.is_empty() {
        return;
    }
    let text = quoted(&typed);
    if part == Part::Audience {
        state.ask(Slot::ChoiceUsers, Fetch::Users(page(format!("name~{text} or email~{text}"))));
    }
    state.ask(Slot::ChoiceTargets, Fetch::Targets(page(format!("type={channel} address~{text}"))));
}

/// Takes the topics that were found.
pub fn take_topics(state: &mut State, list: TopicList) {
    let Some(compose) = &mut state.compose else { return };
    let channel = compose.channel;
    for chosen in compose.audience.iter_mut().filter(|chosen| chosen.kind == Kind::Topic) {
        if let Some(topic) = list.items().iter().find(|topic| topic.id.as_str() == chosen.id) {
            *chosen = Chosen::topic(topic, channel);
        }
    }
    compose.picker.topics = list.into_items();
    keep_choice(compose);
}

/// Takes the users that were found.
pub fn take_users(state: &mut State, list: UserList) {
    let Some(compose) = &mut state.compose else { return };
    compose.picker.users = list.into_items();
    keep_choice(compose);
}

/// Takes the targets that were found.
pub fn take_people(state: &mut State, list: TargetList) {
    let Some(compose) = &mut state.compose else { return };
    compose.picker.targets = list.into_items();
    keep_choice(compose);
}

fn keep_choice(compose: &mut Compose) {
    compose.picker.at = compose.picker.at.min(choices(compose).len().saturating_sub(1));
}

/// The type has changed: counts are others, and nobody is in Cc any more.
pub(super) fn recount(compose: &mut Compose) {
    let channel = compose.channel;
    let topics = std::mem::take(&mut compose.picker.topics);
    compose.audience.retain(|chosen| chosen.kind != Kind::Target);
    for chosen in &mut compose.audience {
        let known = topics.iter().find(|topic| topic.id.as_str() == chosen.id);
        chosen.count = known.map(|topic| topic.of(channel));
    }
    compose.picker.topics = topics;
    compose.picker.targets.clear();
    compose.files.clear();
    if channel != Channel::Email {
        compose.cc.clear();
        compose.bcc.clear();
    }
}
