//! Topics: named audiences, and who is in them.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Walk, bulk, compose, form, review, walk};
use crate::domain::ids::TopicId;
use crate::tui::action::Action;
use crate::tui::message::{Fetch, Page, Slot, Sort};
use crate::tui::runtime::Request;
use crate::tui::show;
use crate::tui::state::paged::{Keyed, Paged};
use crate::tui::state::{Focus, Parts, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::widgets::table::{Cell, Column, Look, table, table_as};
use crate::wire::list::{SubscriberList, TopicList};
use crate::wire::topic::{Subscriber, Topic};

/// What the footer offers first: what can be done here with what is selected.
pub fn hints(state: &State) -> &'static [Action] {
    let topics = &state.topics;
    if topics.list.selected().is_none() {
        return if topics.filter.is_empty() {
            &[Action::CreateTopic, Action::Import, Action::Compose, Action::Palette, Action::Help]
        } else {
            &[Action::ClearFilter, Action::Filter, Action::CreateTopic, Action::Help]
        };
    }
    match topics.focus {
        Focus::List if topics.list.marks() > 0 => {
            &[Action::Mark, Action::DeleteTopic, Action::Back, Action::Help]
        }
        Focus::List => &[
            Action::Open,
            Action::Compose,
            Action::CreateTopic,
            Action::Subscribe,
            Action::Import,
            Action::Filter,
            Action::Palette,
            Action::Help,
        ],
        Focus::Detail if topics.subscribers.selected().is_none() => {
            &[Action::Back, Action::Subscribe, Action::Import, Action::Compose, Action::Help]
        }
        Focus::Detail => &[
            Action::Back,
            Action::Subscribe,
            Action::Unsubscribe,
            Action::Mark,
            Action::Copy,
            Action::Compose,
            Action::Help,
        ],
    }
}

/// The topics' tab.
#[derive(Debug, Default)]
pub struct Topics {
    /// The list.
    pub list: Paged<Topic>,
    /// Which of them.
    pub filter: String,
    /// In which order; nothing: newest first.
    pub sort: Option<Sort>,
    /// Which half has the keys.
    pub focus: Focus,
    /// The subscribers of the topic that is selected.
    pub subscribers: Paged<Subscriber>,
    of: Option<TopicId>,
}

fn page(state: &State, page: Page) -> Fetch {
    let filter = state.topics.filter.clone();
    Fetch::Topics(Page { filter, sort: state.topics.sort.clone(), ..page })
}

fn subscribers(topic: &TopicId, page: Page) -> Fetch {
    Fetch::Subscribers(topic.clone(), page)
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.topics {
        let fetch = page(state, state.topics.list.refresh());
        state.ask(Slot::Topics, fetch);
    }
    if (parts.topics || parts.people)
        && let Some(topic) = state.topics.of.clone()
    {
        let fetch = subscribers(&topic, state.topics.subscribers.refresh());
        state.ask(Slot::Subscribers, fetch);
    }
}

fn watch(state: &mut State) {
    let id = state.topics.list.selected().map(|topic| topic.id.clone());
    if state.topics.of != id {
        state.topics.of = id;
        state.topics.subscribers.clear();
        if let Some(topic) = state.topics.of.clone() {
            let fetch = subscribers(&topic, state.topics.subscribers.refresh());
            state.ask(Slot::Subscribers, fetch);
        }
    }
}

/// The list continued after a row that is gone: shows its beginning.
pub fn begin_anew(state: &mut State) {
    state.topics.list.clear();
    let fetch = page(state, state.topics.list.refresh());
    state.ask(Slot::Topics, fetch);
}

/// Takes a page of the list.
pub fn take_list(state: &mut State, page: &Page, list: TopicList) {
    if page.filter == state.topics.filter && page.sort == state.topics.sort {
        let more = list.next.is_some();
        state.topics.list.cut_short = list.cut_short;
        state.topics.list.take(page, list.into_items(), more);
        watch(state);
    }
}

/// Takes a page of subscribers.
pub fn take_subscribers(state: &mut State, topic: &TopicId, page: &Page, list: SubscriberList) {
    if state.topics.of.as_ref() == Some(topic) {
        let more = list.next.is_some();
        state.topics.subscribers.take(page, list.into_items(), more);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = layout::list_rows(state);
    if state.topics.focus == Focus::List {
        let walked = walk(&mut state.topics.list, action, height);
        if let Walk::Ask(ask) = &walked {
            let fetch = page(state, ask.clone());
            state.ask(Slot::Topics, fetch);
        }
        if !matches!(walked, Walk::Not) {
            watch(state);
            return true;
        }
    } else if let Some(topic) = state.topics.of.clone() {
        match walk(&mut state.topics.subscribers, action, height) {
            Walk::Not if state.topics.subscribers.marks() > 0 && bulk::subscribers(state, &topic, action) => {
                return true;
            }
            Walk::Not => {}
            Walk::There => return true,
            Walk::Ask(ask) => {
                state.ask(Slot::Subscribers, subscribers(&topic, ask));
                return true;
            }
        }
    }
    if state.topics.list.marks() > 0 && state.topics.focus == Focus::List && bulk::topics(state, action) {
        return true;
    }
    let Some(topic) = state.topics.list.selected().cloned() else { return false };
    match action {
        Action::Compose => compose::open_new(state, Some(&topic)),
        Action::DeleteTopic => review::open_delete_topic(state, &topic),
        Action::RenameTopic => form::open(state, form::Purpose::Rename(Box::new(topic))),
        Action::Subscribe => form::open(state, form::Purpose::Subscribe(topic.id)),
        Action::Import => form::open(state, form::Purpose::Import(Some(topic.id))),
        Action::Unsubscribe => match state.topics.subscribers.selected().cloned() {
            Some(subscriber) if state.topics.focus == Focus::Detail => {
                review::open_unsubscribe(state, &subscriber);
            }
            _ => state.say("Open the topic and select who leaves it."),
        },
        Action::Copy => {
            let chosen = state.topics.subscribers.selected().filter(|_| state.topics.focus == Focus::Detail);
            let text = chosen.map_or_else(|| topic.id.to_string(), |one| one.target.identifier.clone());
            state.request(Request::Copy(text));
        }
        Action::CopyCommand => state.request(Request::Copy(format!("herald topic show {}", topic.id))),
        _ => return false,
    }
    true
}

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::fill("Topic"),
    Column::text("Id", 13),
    Column::number("Email", 10),
    Column::number("SMS", 10),
    Column::number("Push", 10),
    Column::number("Together", 10).from(76),
    Column::number("Created", 12).from(100),
];

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (list, rest) = layout::split(body, state.topics.focus);
    if state.topics.focus == Focus::List {
        draw_list(pen, state, list);
    }
    draw_detail(pen, state, rest);
}

fn draw_list(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let all = state.overview.as_ref().map(|overview| overview.store.topics);
    layout::filter_line(pen, state, area, &state.topics.filter, &state.topics.list, all);
    let area = below(area, 1);
    let topics = &state.topics.list;
    if topics.rows().is_empty() {
        let text = match (topics.is_loaded(), state.topics.filter.is_empty()) {
            (false, _) => "…".to_owned(),
            (true, false) => "No topic matches the filter; \\ shows all.".to_owned(),
            (true, true) => {
                format!("No topics yet. {} makes one.", layout::key_of(state, Action::CreateTopic))
            }
        };
        pen.text(below(area, 1), 0, format!("   {text}"), Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = topics.top(height);
    let rows: Vec<Vec<Cell>> = topics.rows()[top..]
        .iter()
        .take(height)
        .map(|topic| {
            vec![
                Cell::plain(topic.name.as_str()),
                Cell::dim(show::id(&topic.id)),
                Cell::plain(show::count(topic.email_total)),
                Cell::plain(show::count(topic.sms_total)),
                Cell::plain(show::count(topic.push_total)),
                Cell::plain(show::count(topic.sum())),
                Cell::dim(show::relative_to(topic.created_at, state.now)),
            ]
        })
        .collect();
    let marked: Vec<bool> =
        topics.rows()[top..].iter().take(height).map(|row| topics.is_marked(row)).collect();
    let look = Look {
        selected: Some(topics.selected_index() - top),
        marked: &marked,
        hidden: state.hidden_here(),
        sorted: sorted(state.topics.sort.as_ref()),
    };
    table_as(pen, area, COLUMNS, rows, look);
}

/// By which column, and whether the greatest stands first.
fn sorted(sort: Option<&Sort>) -> Option<(&'static str, bool)> {
    let sort = sort?;
    let title = match sort.by.as_str() {
        "name" => "Topic",
        "emailTotal" => "Email",
        "smsTotal" => "SMS",
        "pushTotal" => "Push",
        _ => "Created",
    };
    Some((title, sort.descending))
}

const SUBSCRIBERS: &[Column] = &[
    Column::text("Type", 5),
    Column::fill("Address"),
    Column::text("Name", 20),
    Column::number("Since", 12),
];

fn draw_detail(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    pen.rule(area, 0);
    let Some(topic) = state.topics.list.selected() else { return };
    let area = below(area, 1);
    let inner = inset(area, 1);
    let line = Line::from(vec![
        pen.span(&topic.name, Role::TEXT_STRONG),
        pen.span(format!("   {} subscribers   ", show::count(topic.sum())), Role::TEXT),
        pen.span(
            format!("{} · made {}", topic.id, show::relative_to(topic.created_at, state.now)),
            Role::TEXT_DIM,
        ),
    ]);
    pen.row(inner, 0, &line);
    let area = below(area, 2);
    let list = &state.topics.subscribers;
    if list.rows().is_empty() {
        let text =
            if list.is_loaded() { "Nobody yet: s subscribes people, i imports a file." } else { "…" };
        pen.text(inset(area, 1), 0, text, Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = list.top(height);
    let rows: Vec<Vec<Cell>> = list.rows()[top..]
        .iter()
        .take(height)
        .map(|one| {
            let role = if one.target.expired { Role::STATE_EXPIRED } else { Role::TEXT };
            vec![
                Cell::dim(one.provider_type.as_str()),
                Cell::new(one.target.identifier.as_str(), role),
                Cell::plain(one.user_name.as_str()),
                Cell::dim(show::relative_to(one.created_at, state.now)),
            ]
        })
        .collect();
    let chosen = (state.topics.focus == Focus::Detail).then(|| list.selected_index() - top);
    table(pen, area, SUBSCRIBERS, rows, chosen);
}

/// The id of the subscriber that is selected.
pub fn selected_subscriber(state: &State) -> Option<String> {
    state.topics.subscribers.selected().map(Keyed::key)
}
