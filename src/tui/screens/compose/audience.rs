//! Who gets it: topics, users and targets, found by typing.

use super::{Compose, Part};
use crate::domain::channel::Channel;
use crate::tui::screens::choices::{self, Choice, Chosen, Found, Kind, Wanted};
use crate::tui::state::State;
use crate::tui::widgets::field::LineField;
use crate::wire::topic::Topic;

/// The words that are looked for, and what was found.
#[derive(Debug, Default)]
pub(super) struct Picker {
    pub(super) field: LineField,
    pub(super) found: Found,
}

impl Picker {
    pub(super) fn is_empty(&self) -> bool {
        self.field.text().is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.field.set("");
        self.found.at = 0;
    }
}

/// What can be chosen in the field that has the keys.
pub fn choices(compose: &Compose) -> Vec<Choice> {
    compose.picker.found.list(compose.wanted(), compose.picker.field.text())
}

impl Compose {
    fn wanted(&self) -> Wanted {
        let all = self.part == Part::Audience;
        Wanted { topics: all.then_some(self.channel), users: all, channel: Some(self.channel) }
    }

    /// What is looked for, and where what is found goes.
    pub fn seeks(&mut self) -> (&mut Found, Wanted, String) {
        let (wanted, typed) = (self.wanted(), self.picker.field.text().to_owned());
        (&mut self.picker.found, wanted, typed)
    }

    /// Takes over how many are in these topics.
    pub fn recount_topics(&mut self, topics: &[Topic]) {
        let channel = self.channel;
        for chosen in self.audience.iter_mut().filter(|chosen| chosen.kind == Kind::Topic) {
            if let Some(topic) = topics.iter().find(|topic| topic.id.as_str() == chosen.id) {
                *chosen = Chosen::topic(topic, channel);
            }
        }
    }

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

/// Asks for what can be chosen.
pub(super) fn ask(state: &mut State) {
    let Some(compose) = state.compose.as_ref().filter(|compose| compose.part.is_people()) else { return };
    let (wanted, typed) = (compose.wanted(), compose.picker.field.text().to_owned());
    choices::ask(state, wanted, &typed);
}

/// The type has changed: counts are others, and nobody is in Cc any more.
pub(super) fn recount(compose: &mut Compose) {
    let channel = compose.channel;
    compose.audience.retain(|chosen| chosen.kind != Kind::Target);
    for chosen in &mut compose.audience {
        let topics = compose.picker.found.topics();
        let known = topics.iter().find(|topic| topic.id.as_str() == chosen.id);
        chosen.count = known.map(|topic| topic.of(channel));
    }
    compose.picker.found.forget_targets();
    compose.files.clear();
    if channel != Channel::Email {
        compose.cc.clear();
        compose.bcc.clear();
    }
}
