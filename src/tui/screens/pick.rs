//! One of a few: a list over the screen, and what choosing does.

pub mod calendar;
pub mod reading;

pub use calendar::{Calendar, open as open_calendar};
pub use reading::{Reading, open as open_reading};

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{compose, distance, form, review};
use crate::domain::channel::Channel;
use crate::domain::provider::{KINDS, PRESETS, preset};
use crate::domain::suppression::SuppressionCause;
use crate::tui::action::Action;
use crate::tui::message::{Fetch, Slot, Sort};
use crate::tui::state::{Overlay, State, Tab};
use crate::tui::theme::{Role, SHIPPED, Theme};
use crate::tui::update::{filter_of, set_filter};
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::{sanitize, show};
use crate::wire::provider::ProviderHealth;
use crate::wire::suppression::{Suppression, SuppressionList, SuppressionParameters, UndoSuppressions};

/// What variables a text can name, and what each is (see `engine::render`).
const VARIABLES: &[(&str, &str)] = &[
    ("{{ user.name | default(\"friend\") }}", "the person's name, or “friend”"),
    ("{{ user.email | default(\"\") }}", "the person's mail address"),
    ("{{ user.phone | default(\"\") }}", "the person's number"),
    ("{{ user.id }}", "the person's id"),
    ("{{ user.prefs.plan | default(\"\") }}", "a preference of the person, by its name"),
    ("{{ target.identifier }}", "the address that it goes to"),
    ("{{ target.name | default(\"\") }}", "the name of that address"),
];

/// What a choice is for.
#[derive(Debug, Clone, PartialEq)]
pub enum For {
    /// A variable, put where the cursor is.
    Variables,
    /// The kind of a new provider.
    Kinds,
    /// A theme, shown while it is selected; and the one before.
    Themes(Box<Theme>),
    /// What the list is sorted by.
    Sort,
    /// The columns that are shown.
    Columns,
    /// A filter that has a name.
    Views,
    /// Something that one has begun to write.
    Drafts,
    /// The provider that a retry goes through.
    RetryThrough,
    /// A record of the suppression list, to be taken off it; and where the list goes on.
    Suppressions(Vec<Suppression>, Option<u64>),
    /// A cause and a time, to be undone.
    UndoCause(Vec<UndoSuppressions>),
    /// The provider that those who wait for this one go through instead.
    FailOver(Box<ProviderHealth>),
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is chosen, for the program.
    pub key: String,
    /// What is chosen, for people.
    pub label: String,
    /// What it is.
    pub detail: String,
    /// Whether it is on, where several can be.
    pub on: Option<bool>,
}

/// The list.
#[derive(Debug)]
pub struct Pick {
    title: &'static str,
    rows: Vec<Row>,
    at: usize,
    what: For,
}

impl Pick {
    fn new(title: &'static str, what: For, rows: Vec<Row>) -> Self {
        Self { title, rows, at: 0, what }
    }
}

fn row(key: impl Into<String>, label: impl Into<String>, detail: impl Into<String>) -> Row {
    Row { key: key.into(), label: label.into(), detail: detail.into(), on: None }
}

fn open(state: &mut State, pick: Pick) {
    state.overlays.push(Overlay::Pick(pick));
}

/// Offers the variables.
pub fn open_variables(state: &mut State) {
    let rows = VARIABLES.iter().map(|(text, help)| row(*text, *text, *help)).collect();
    open(state, Pick::new("Put a variable where the cursor is", For::Variables, rows));
}

/// Offers the kinds of providers.
pub fn open_kinds(state: &mut State) {
    let rows = KINDS
        .iter()
        .filter(|kind| kind.adapter)
        .map(|kind| {
            let channels: Vec<&str> = kind.channels.iter().map(|channel| channel.as_str()).collect();
            row(kind.name, kind.title, channels.join(", "))
        })
        .chain(PRESETS.iter().map(|preset| row(preset.name, preset.title, "email, by SMTP")))
        .collect();
    open(state, Pick::new("Which service delivers?", For::Kinds, rows));
}

/// Offers the themes, each shown while it is selected.
pub fn open_themes(state: &mut State) {
    let before = state.theme.clone();
    let rows: Vec<Row> = SHIPPED.iter().map(|(name, _)| row(*name, *name, Theme::about(name))).collect();
    let at = rows.iter().position(|row| row.key == before.name()).unwrap_or(0);
    let mut pick = Pick::new("Theme", For::Themes(Box::new(before)), rows);
    pick.at = at;
    open(state, pick);
}

/// What a tab's list can be sorted by: the attribute, what it is called, and
/// whether any number of rows can be served in that order.
fn orders(tab: Tab) -> &'static [(&'static str, &'static str, bool)] {
    match tab {
        Tab::Messages => &[
            ("", "created", true),
            ("$updatedAt", "changed", false),
            ("scheduledAt", "due", false),
            ("status", "status", false),
            ("deliveredTotal", "accepted", false),
        ],
        Tab::Topics => &[
            ("", "created", true),
            ("name", "name", false),
            ("emailTotal", "email subscribers", false),
            ("smsTotal", "SMS subscribers", false),
            ("pushTotal", "push subscribers", false),
        ],
        Tab::Targets => &[
            ("", "created", true),
            ("identifier", "address", false),
            ("providerType", "type", false),
            ("userId", "user", false),
            ("expired", "state", false),
        ],
        _ => &[],
    }
}

/// What a tab's list cannot be sorted by at all, and why.
fn unordered(tab: Tab) -> &'static [(&'static str, &'static str)] {
    match tab {
        Tab::Messages => {
            &[("provider", "a message has as many as its plan goes through, and no index has their order")]
        }
        Tab::Targets => &[(
            "last outcome",
            "the log is asked for the rows in view alone; an order by it would read it for everybody",
        )],
        _ => &[],
    }
}

fn sort_of(state: &mut State) -> Option<&mut Option<Sort>> {
    Some(match state.tab {
        Tab::Messages => &mut state.messages.sort,
        Tab::Topics => &mut state.topics.sort,
        Tab::Targets => &mut state.targets.sort,
        _ => return None,
    })
}

/// Puts the tab's list in its usual order again; says whether it was in another.
pub fn unsort(state: &mut State) -> bool {
    let Some(sort) = sort_of(state).map(Option::take) else { return false };
    if sort.is_none() {
        return false;
    }
    let filter = filter_of(state).map(|filter| filter.clone()).unwrap_or_default();
    set_filter(state, filter);
    true
}

/// Offers the orders of the tab's list, each both ways.
pub fn open_sort(state: &mut State) {
    let now = sort_of(state).map(|sort| sort.clone());
    let Some(now) = now else {
        state.say("This list has one order.");
        return;
    };
    let now = now.unwrap_or(Sort { by: String::new(), descending: true });
    let mut rows = Vec::new();
    for (by, label, any) in orders(state.tab) {
        for descending in [true, false] {
            let way = if descending { "greatest or newest first" } else { "smallest or oldest first" };
            let detail = if *any {
                "any number of rows"
            } else {
                "no index has this order: a filter must leave at most 5,000 rows"
            };
            let on = now.by == *by && now.descending == descending;
            let key = format!("{}{by}", if descending { "-" } else { "+" });
            let label = format!("{label}, {way}");
            rows.push(Row { key, label, detail: detail.to_owned(), on: Some(on) });
        }
    }
    let at = rows.iter().position(|row| row.on == Some(true)).unwrap_or(0);
    rows.extend(
        unordered(state.tab).iter().map(|(label, why)| row(format!("={why}"), format!("not {label}"), *why)),
    );
    let mut pick = Pick::new("Sort by", For::Sort, rows);
    pick.at = at;
    open(state, pick);
}

/// Offers the columns of the tab's list.
pub fn open_columns(state: &mut State) {
    let columns = super::columns(state.tab);
    if columns.is_empty() {
        state.say("This screen has no columns to choose.");
        return;
    }
    let hidden = state.hidden_here();
    let rows = columns
        .iter()
        .map(|column| {
            let on = hidden.is_none_or(|hidden| !hidden.contains(column.title));
            let detail =
                if column.from > 0 { format!("from {} columns on", column.from) } else { String::new() };
            Row { key: column.title.to_owned(), label: column.title.to_owned(), detail, on: Some(on) }
        })
        .collect();
    open(state, Pick::new("Columns: enter shows or hides", For::Columns, rows));
}

/// Offers what the operator has begun to write.
pub fn open_drafts(state: &mut State) {
    let rows: Vec<Row> =
        compose::draft_rows(state).into_iter().map(|(key, label, detail)| row(key, label, detail)).collect();
    if rows.is_empty() {
        state.say("Nothing is half written. Drafts of messages are among the messages.");
        return;
    }
    open(state, Pick::new("What you have begun to write", For::Drafts, rows));
}

/// Offers the filters of the tab that have a name.
pub fn open_views(state: &mut State) {
    let views = state.views.get(state.tab.scope().name());
    let rows: Vec<Row> =
        views.into_iter().flatten().map(|(name, filter)| row(filter, name, filter)).collect();
    if rows.is_empty() {
        let key = layout::key_of(state, Action::SaveView);
        state.say(format!("No view is saved here yet: filter the list, then {key} gives it a name."));
        return;
    }
    open(state, Pick::new("Saved views", For::Views, rows));
}

/// Offers the providers that a retry can go through.
pub fn open_through(state: &mut State, channel: crate::domain::channel::Channel) {
    let mut rows = vec![row("", "as a new plan chooses", "each target's own provider, else the default")];
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let mine = list.filter(|provider| provider.enabled && provider.channel == channel);
    rows.extend(mine.map(|provider| {
        let (_, word) = super::providers::stands(provider);
        row(provider.id.to_string(), provider.name.clone(), word)
    }));
    open(state, Pick::new("Through which provider?", For::RetryThrough, rows));
}

/// Offers the providers that those who wait can go through instead.
pub fn open_fail_over(state: &mut State, from: &ProviderHealth) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let others = list.filter(|other| other.enabled && other.channel == from.channel && other.id != from.id);
    let rows: Vec<Row> = others
        .map(|provider| {
            let (_, word) = super::providers::stands(provider);
            let limit =
                provider.limits.per_second.map(|rate| format!(", {} at most", crate::tui::show::rate(rate)));
            row(
                provider.id.to_string(),
                provider.name.clone(),
                format!("{word}{}", limit.unwrap_or_default()),
            )
        })
        .collect();
    if rows.is_empty() {
        state.say("There is no other enabled provider of its type.");
        return;
    }
    open(state, Pick::new("Fail over to which provider?", For::FailOver(Box::new(from.clone())), rows));
}

/// Rows of the suppression list that are asked for at once.
const SUPPRESSIONS: usize = 200;

/// Asks for the suppression list, from a place on.
pub fn ask_suppressions(state: &mut State, after: Option<u64>) {
    let asked =
        SuppressionParameters { after, limit: Some(SUPPRESSIONS), ..SuppressionParameters::default() };
    state.ask(Slot::Suppressions, Fetch::Suppressions(asked));
}

/// Shows a page of the suppression list.
pub fn open_suppressions(state: &mut State, asked: &SuppressionParameters, list: SuppressionList) {
    if list.suppressions.is_empty() && asked.after.is_none() {
        let key = layout::key_of(state, Action::Suppress);
        state.say(format!("Nobody is suppressed. {key} suppresses the selected target's address."));
        return;
    }
    let mut rows: Vec<Row> = list
        .suppressions
        .iter()
        .map(|record| {
            let said = if record.note.is_empty() { &record.said } else { &record.note };
            let since = crate::tui::show::relative_to(record.created_at, state.now);
            let provider = record.provider_id.as_ref().map_or_else(String::new, |id| format!(" · {id}"));
            let detail = format!(
                "{} {} · {since} by {}{provider}  {}",
                record.provider_type,
                record.reason(),
                sanitize::line(&record.by),
                sanitize::line(said)
            );
            row(record.id.as_str(), sanitize::line(record.shown_address()), detail)
        })
        .collect();
    if let Some(next) = list.next {
        rows.push(row("", format!("more, beyond {next}"), "older ones"));
    }
    let what = For::Suppressions(list.suppressions, list.next);
    open(state, Pick::new("Not written to; enter takes one off", what, rows));
}

/// Offers causes and times to be undone.
pub fn open_undo_cause(state: &mut State) {
    let now = crate::domain::time::Timestamp::from_utc(state.now);
    let spans = [("hour", 1), ("24 hours", 24), ("7 days", 24 * 7), ("30 days", 24 * 30)];
    let mut providers: Vec<Option<crate::domain::ids::ProviderId>> = vec![None];
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    providers.extend(
        list.filter(|provider| provider.channel == Channel::Email).map(|provider| Some(provider.id.clone())),
    );
    let (mut rows, mut undos) = (Vec::new(), Vec::new());
    for provider in providers {
        for cause in SuppressionCause::ALL {
            // Only services bounce and report.
            let by_service = matches!(cause, SuppressionCause::HardBounce | SuppressionCause::Complaint);
            if provider.is_some() && !by_service {
                continue;
            }
            for (words, hours) in spans {
                let from = now.minus(std::time::Duration::from_hours(hours));
                let detail = provider.as_ref().map_or_else(String::new, |id| format!("through {id}"));
                rows.push(row("", format!("{cause}, the last {words}"), detail));
                let provider_id = provider.clone();
                undos.push(UndoSuppressions {
                    cause,
                    provider_id,
                    from,
                    to: None,
                    count: None,
                    reason: String::new(),
                });
            }
        }
    }
    open(state, Pick::new("Undo what a cause suppressed", For::UndoCause(undos), rows));
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height.saturating_sub(3));
    let Some(Overlay::Pick(pick)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Open | Action::Accept => choose(state),
        Action::Back | Action::LeaveField | Action::Quit => {
            if let Some(Overlay::Pick(Pick { what: For::Themes(before), .. })) = state.overlays.pop() {
                state.theme = *before;
            }
        }
        _ => {
            let Some(by) = distance(action, height) else { return false };
            pick.at = pick.at.saturating_add_signed(by).min(pick.rows.len().saturating_sub(1));
            if let (For::Themes(_), Some(row)) = (&pick.what, pick.rows.get(pick.at)) {
                let name = row.key.clone();
                state.show_theme(&name);
            }
        }
    }
    true
}

fn choose(state: &mut State) {
    if let Some(Overlay::Pick(Pick { what: For::Columns, rows, at, .. })) = state.overlays.last_mut() {
        // The list stays open: several are chosen one after the other.
        let Some(row) = rows.get_mut(*at) else { return };
        let shown = !row.on.unwrap_or_default();
        row.on = Some(shown);
        let title = row.key.clone();
        let hidden = state.hidden.entry(state.tab.scope().name().to_owned()).or_default();
        if shown {
            hidden.remove(&title);
        } else {
            hidden.insert(title);
        }
        state.keep();
        return;
    }
    let Some(Overlay::Pick(pick)) = state.overlays.pop() else { return };
    let Some(row) = pick.rows.into_iter().nth(pick.at) else { return };
    match pick.what {
        For::Variables => compose::insert(state, &row.key),
        For::Kinds => {
            if let Some(kind) = crate::domain::provider::kind(&row.key) {
                form::open(state, form::Purpose::Provider(kind.name));
            } else if let Some(preset) = preset(&row.key) {
                form::open(state, form::Purpose::Provider(preset.name));
            }
        }
        For::Themes(_) => {
            state.show_theme(&row.key);
            state.keep();
        }
        For::Columns => {}
        For::Sort => {
            let (way, by) = row.key.split_at(1);
            if way == "=" {
                state.say(show::as_sentence(by));
                return;
            }
            let sort = Sort { by: by.to_owned(), descending: way == "-" };
            let usual = sort.by.is_empty() && sort.descending;
            if let Some(now) = sort_of(state) {
                *now = (!usual).then_some(sort);
            }
            let filter = filter_of(state).map(|filter| filter.clone()).unwrap_or_default();
            set_filter(state, filter);
        }
        For::Views => set_filter(state, row.key),
        For::Drafts => compose::open_kept(state, &row.key),
        For::FailOver(from) => {
            if let Ok(to) = row.key.parse() {
                review::open_fail_over(state, &from, &to);
            }
        }
        For::Suppressions(records, next) => match records.get(pick.at) {
            Some(record) => review::open_lift(state, std::slice::from_ref(record)),
            None => ask_suppressions(state, next),
        },
        For::UndoCause(undos) => {
            if let Some(asked) = undos.into_iter().nth(pick.at) {
                review::open_undo(state, asked);
            }
        }
        For::RetryThrough => review::retry_through(state, &row.key),
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, pick: &Pick, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, pick.title, Role::TEXT_STRONG);
    let area = below(area, 2);
    let height = usize::from(area.height);
    let top = (pick.at + 1).saturating_sub(height);
    let wide = pick.rows.iter().map(|row| sanitize::width(&row.label)).max().unwrap_or(0).min(44);
    for (n, row) in pick.rows.iter().skip(top).take(height).enumerate() {
        let chosen = top + n == pick.at;
        let mark = match row.on {
            None => "",
            Some(true) => "✓ ",
            Some(false) => "  ",
        };
        let mut line = Line::from(vec![
            pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT),
            pen.span(mark, Role::STATE_OK),
            sanitize::column(&row.label, wide, pen.style(Role::TEXT)),
            pen.span(format!("   {}", row.detail), Role::TEXT_DIM),
        ]);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n, &line);
    }
}
