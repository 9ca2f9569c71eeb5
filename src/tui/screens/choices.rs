//! Topics, people and targets, found by typing: for the audience of a message, and for a topic.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::channel::Channel;
use crate::domain::validate;
use crate::tui::message::{Fetch, Page, Slot};
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, first};
use crate::tui::{sanitize, show};
use crate::wire::list::{TargetList, TopicList, UserList};
use crate::wire::person::{Target, User};
use crate::wire::topic::Topic;

/// Choices that are asked for, of each kind.
const EACH: usize = 20;

/// What can be chosen.
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

/// What was chosen.
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

    /// A user, with how many targets of this type, or of any.
    fn user(user: &User, channel: Option<Channel>) -> Self {
        let name = if user.name.is_empty() { user.id.to_string() } else { user.name.clone() };
        let count = Some(of_type(&user.targets, channel).count() as u64);
        Self { kind: Kind::User, id: user.id.to_string(), name, count }
    }

    /// What is known of an id alone.
    pub fn unknown(kind: Kind, id: String) -> Self {
        let count = (kind == Kind::Target).then_some(1);
        Self { kind, name: id.clone(), id, count }
    }
}

fn of_type(targets: &[Target], channel: Option<Channel>) -> impl Iterator<Item = &Target> {
    targets.iter().filter(move |target| channel.is_none_or(|channel| target.provider_type == channel))
}

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What would be chosen.
    pub chosen: Chosen,
    /// What tells it from others of its name.
    pub detail: String,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Topics, with how many of this type are in each.
    pub topics: Option<Channel>,
    /// Users.
    pub users: bool,
    /// Users and targets of this type alone.
    pub channel: Option<Channel>,
}

/// What was found, and which of it would be chosen.
#[derive(Debug, Default)]
pub struct Found {
    /// Which, among [`Found::list`].
    pub at: usize,
    topics: Vec<Topic>,
    users: Vec<User>,
    targets: Vec<Target>,
}

impl Found {
    /// What can be chosen of it. People only once something is typed: a list of some who happen to
    /// stand first helps nobody.
    ///
    /// What was found for other words, before an answer to these came, is not among it: nobody chooses
    /// a row that stands there still and means the one that is to come.
    pub fn list(&self, wanted: Wanted, typed: &str) -> Vec<Choice> {
        let words = typed.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&words);
        let mut out = Vec::new();
        if let Some(channel) = wanted.topics {
            out.extend(
                self.topics.iter().filter(|topic| has(&topic.name)).map(|topic| Choice {
                    chosen: Chosen::topic(topic, channel),
                    detail: topic.id.to_string(),
                }),
            );
        }
        if typed.trim().is_empty() {
            return out;
        }
        if wanted.users {
            let of = |user: &User| {
                let mine = of_type(&user.targets, wanted.channel);
                mine.map(|target| target.identifier.as_str()).collect::<Vec<_>>().join(", ")
            };
            out.extend(
                self.users
                    .iter()
                    .filter(|user| {
                        let mut targets = user.targets.iter();
                        has(&user.name)
                            || has(&user.email)
                            || has(&user.phone)
                            || targets.any(|target| has(&target.identifier))
                    })
                    .map(|user| Choice { chosen: Chosen::user(user, wanted.channel), detail: of(user) }),
            );
        }
        let found = of_type(&self.targets, wanted.channel).filter(|target| has(&target.identifier));
        out.extend(found.map(|target| {
            let detail = if target.expired { "expired" } else { "" };
            Choice { chosen: Chosen::target(target), detail: detail.to_owned() }
        }));
        // Who cannot get this type stands behind who can.
        out.sort_by_key(|choice| choice.chosen.count == Some(0));
        out
    }

    /// The topics that were found.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Forgets the targets: those of another type are wanted now.
    pub fn forget_targets(&mut self) {
        self.targets.clear();
    }

    fn keep(&mut self, wanted: Wanted, typed: &str) {
        self.at = self.at.min(self.list(wanted, typed).len().saturating_sub(1));
    }
}

/// A text between quotes of the filter language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Asks for what can be chosen.
pub fn ask(state: &mut State, wanted: Wanted, typed: &str) {
    let typed = typed.trim();
    let page = |filter: String| Page { filter, after: None, limit: EACH, ..Page::default() };
    if wanted.topics.is_some() {
        let filter = if typed.is_empty() { String::new() } else { format!("name~{}", quoted(typed)) };
        state.ask(Slot::ChoiceTopics, Fetch::Topics(page(filter)));
    }
    if typed.is_empty() {
        return;
    }
    // A whole address is looked up; a part of one is looked for among those that were made last.
    let is_whole = validate::email(&typed.to_lowercase()) || validate::phone(typed);
    let like = if is_whole { '=' } else { '~' };
    let text = quoted(typed);
    if wanted.users {
        state.ask(
            Slot::ChoiceUsers,
            Fetch::Users(page(if is_whole {
                format!("email={text} or phone={text}")
            } else {
                format!("name~{text} or email~{text}")
            })),
        );
    }
    let of_type = wanted.channel.map(|channel| format!("type={channel} ")).unwrap_or_default();
    state.ask(Slot::ChoiceTargets, Fetch::Targets(page(format!("{of_type}address{like}{text}"))));
}

/// Who looks for something: the form on top, else the message that is written.
fn seeker(state: &mut State) -> Option<(&mut Found, Wanted, String)> {
    match state.overlays.last_mut() {
        Some(Overlay::Form(form)) => form.seeks(),
        _ => state.compose.as_mut().map(super::compose::Compose::seeks),
    }
}

/// Takes the topics that were found.
pub fn take_topics(state: &mut State, list: TopicList) {
    if let Some(compose) = &mut state.compose {
        compose.recount_topics(list.items());
    }
    if let Some((found, wanted, typed)) = seeker(state) {
        found.topics = list.into_items();
        found.keep(wanted, &typed);
    }
}

/// Takes the users that were found.
pub fn take_users(state: &mut State, list: UserList) {
    if let Some((found, wanted, typed)) = seeker(state) {
        found.users = list.into_items();
        found.keep(wanted, &typed);
    }
}

/// Takes the targets that were found.
pub fn take_targets(state: &mut State, list: TargetList) {
    if let Some((found, wanted, typed)) = seeker(state) {
        found.targets = list.into_items();
        found.keep(wanted, &typed);
    }
}

/// Draws so many of these choices, from the first row on.
pub fn draw(
    pen: &mut Pen<'_, '_>,
    area: Rect,
    list: &[Choice],
    at: usize,
    height: usize,
    taken: impl Fn(&Chosen) -> bool,
) {
    let top = (at + 1).saturating_sub(height);
    for (n, choice) in list.iter().skip(top).take(height).enumerate() {
        let one = &choice.chosen;
        let chosen = top + n == at;
        let count = one.count.filter(|_| one.kind != Kind::Target);
        let count = count.map(show::count).unwrap_or_default();
        let row = Rect { y: area.y + n as u16, height: 1, ..area }.intersection(area);
        let mut line = Line::from(vec![
            pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT),
            pen.span(if taken(one) { "✓ " } else { "  " }, Role::STATE_OK),
            sanitize::column(one.kind.word(), 7, pen.style(Role::TEXT_DIM)),
            sanitize::column(&one.name, 28, pen.style(Role::TEXT)),
            pen.span(format!("{count:>9}  "), Role::TEXT),
            pen.span(sanitize::fit(&choice.detail, usize::from(row.width)), Role::TEXT_DIM),
        ]);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(first(row, 1), 0, &line);
    }
}
