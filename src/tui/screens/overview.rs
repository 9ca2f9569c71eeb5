//! The overview: is it well, what needs you, what waits, what is next.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{distance, messages, review};
use crate::domain::ids::{MessageId, ProviderId};
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::runtime::Request;
use crate::tui::state::{State, Tab};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::sparkline;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::widgets::table::{Cell, Column, table};
use crate::tui::{sanitize, show};
use crate::wire::overview::{Concern, NeedsYou, Overview};

/// What the footer offers first.
pub const HINTS: &[Action] = &[
    Action::Open,
    Action::Compose,
    Action::Why,
    Action::ProviderPause,
    Action::ProviderResume,
    Action::Palette,
    Action::Help,
];

/// The overview's tab.
#[derive(Debug, Default)]
pub struct OverviewScreen {
    /// Which of the things that can be opened is selected.
    pub selected: usize,
}

/// What a row of the overview leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    Message(MessageId),
    Provider(ProviderId),
    Neither,
}

fn of_need(need: &NeedsYou) -> Thing {
    match (&need.message_id, &need.provider_id) {
        (Some(id), _) => Thing::Message(id.clone()),
        (None, Some(id)) => Thing::Provider(id.clone()),
        (None, None) => Thing::Neither,
    }
}

/// Whether anybody can be sent to yet.
fn is_new(overview: &Overview) -> bool {
    overview.providers.is_empty() || overview.store.targets == 0 || overview.store.messages == 0
}

/// Everything that can be selected, in the order of the screen.
fn things(overview: &Overview) -> Vec<Thing> {
    let mut out: Vec<Thing> = overview.needs_you.iter().map(of_need).collect();
    out.extend(waiting(overview).map(|provider| Thing::Provider(provider.id.clone())));
    out.extend(overview.next.iter().map(|next| Thing::Message(next.message_id.clone())));
    out
}

fn waiting(overview: &Overview) -> impl Iterator<Item = &crate::wire::provider::ProviderHealth> {
    overview.providers.iter().filter(|provider| provider.queued + provider.retrying + provider.held > 0)
}

/// Takes the overview in.
pub fn take(state: &mut State, overview: Box<Overview>) {
    let before = state.overview.as_ref().and_then(|old| things(old).into_iter().nth(state.home.selected));
    let now = things(&overview);
    let same = before.and_then(|thing| now.iter().position(|other| *other == thing));
    state.home.selected = same.unwrap_or(state.home.selected).min(now.len().saturating_sub(1));
    if let Ok(zone) = overview.instance.zone.parse() {
        state.zone = zone;
    }
    state.overview = Some(overview);
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(overview) = &state.overview else { return false };
    let things = things(overview);
    let chosen = things.get(state.home.selected).cloned().unwrap_or(Thing::Neither);
    let need = overview.needs_you.get(state.home.selected).cloned();
    if let Some(by) = distance(action, 8) {
        let last = things.len().saturating_sub(1);
        state.home.selected = state.home.selected.saturating_add_signed(by).min(last);
        return true;
    }
    match (action, chosen) {
        (Action::Open, _) if matches!(&need, Some(need) if need.concern == Concern::Restored) => {
            review::open_release_restored(state);
        }
        (Action::Open, _) if matches!(&need, Some(need) if need.concern == Concern::Stopped) => {
            review::open_resume(state);
        }
        (Action::Open, Thing::Message(id)) => {
            crate::tui::update::show(state, Tab::Messages);
            messages::select(state, &id);
        }
        (Action::Open, Thing::Provider(id)) => {
            crate::tui::update::show(state, Tab::Providers);
            state.providers.select(&id);
        }
        (Action::Open, Thing::Neither) => {}
        (Action::ReleaseMessage, Thing::Message(id)) => {
            // The review is the message's: it says why it is held.
            crate::tui::update::show(state, Tab::Messages);
            messages::select(state, &id);
            state.say("h opens the review of a held message.");
        }
        (Action::ProviderPause, Thing::Provider(id)) => state.command(Command::PauseProvider(id)),
        (Action::ProviderResume, Thing::Provider(id)) => review::open_resume_provider(state, &id),
        (Action::Why, _) => match need {
            Some(need) => {
                let why = need.reason.map_or(need.text, |reason| {
                    format!("It {}.", show::why(&reason.why, state.now, state.zone))
                });
                state.say(why);
            }
            None => state.say("Nothing that needs you is selected."),
        },
        (Action::Copy, Thing::Message(id)) => state.request(Request::Copy(id.to_string())),
        (Action::Copy, Thing::Provider(id)) => state.request(Request::Copy(id.to_string())),
        (Action::CopyCommand, _) => state.request(Request::Copy("herald queue show".into())),
        _ => return false,
    }
    true
}

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let Some(overview) = &state.overview else { return };
    let area = inset(body, 1);
    let mut at = 0;
    let mut index = 0;
    if is_new(overview) {
        at = first_steps(pen, state, area, overview);
    }
    at = needs(pen, state, area, at, overview, &mut index);
    at = waits(pen, state, area, at, overview, &mut index);
    at = causes(pen, state, area, at, overview);
    upcoming(pen, state, area, at, overview, &mut index);
}

/// The way through an empty store: a provider, people, a message.
fn first_steps(pen: &mut Pen<'_, '_>, state: &State, area: Rect, overview: &Overview) -> usize {
    pen.text(area, 0, "First steps", Role::TEXT_STRONG);
    let steps = [
        (!overview.providers.is_empty(), "Add a provider: the account that delivers", {
            format!("{} then {}", layout::key_of(state, Action::GoProviders), "a")
        }),
        (overview.store.targets > 0, "Add people: one by one, or `herald import people.csv`", {
            format!("{} then {}", layout::key_of(state, Action::GoTargets), "a")
        }),
        (overview.store.messages > 0, "Write to them, and watch it go out on Live", {
            layout::key_of(state, Action::Compose)
        }),
    ];
    let next = steps.iter().position(|(done, ..)| !done);
    for (n, (done, what, key)) in steps.iter().enumerate() {
        let glyph = if *done { pen.state(Role::STATE_OK, "") } else { Span::raw("  ") };
        let role = if next == Some(n) { Role::TEXT } else { Role::TEXT_DIM };
        let mut spans = vec![glyph, pen.span(format!("{} {what}", n + 1), role)];
        if !done {
            spans.push(pen.span(format!("   {key}"), Role::KEY));
        }
        pen.row(area, n + 1, &Line::from(spans));
    }
    5
}

fn mark(pen: &Pen<'_, '_>, chosen: bool) -> Span<'static> {
    pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT)
}

fn concern(concern: Concern) -> Role {
    match concern {
        Concern::Disk | Concern::ProviderRefuses | Concern::ProviderFails => Role::STATE_FAILED,
        Concern::Stopped | Concern::ProviderPaused => Role::STATE_PAUSED,
        Concern::Restored | Concern::Held => Role::STATE_HELD,
        Concern::NoProvider => Role::STATE_DISABLED,
        Concern::Uncertain => Role::STATE_UNCERTAIN,
    }
}

fn needs(
    pen: &mut Pen<'_, '_>,
    state: &State,
    area: Rect,
    mut at: usize,
    overview: &Overview,
    index: &mut usize,
) -> usize {
    pen.text(area, at, "Needs you", Role::TEXT_STRONG);
    at += 1;
    if overview.needs_you.is_empty() {
        pen.text(area, at, "  Nothing.", Role::TEXT_DIM);
        return at + 2;
    }
    for need in overview.needs_you.iter().take(6) {
        let chosen = state.home.selected == *index;
        let role = concern(need.concern);
        let mut line = vec![mark(pen, chosen), pen.state(role, "")];
        line.push(pen.span(&need.text, if chosen { Role::TEXT_STRONG } else { Role::TEXT }));
        if need.waiting > 0 {
            line.push(pen.span(format!("  {} wait", show::count(need.waiting)), Role::TEXT));
        }
        if let Some(since) = need.since {
            line.push(pen.span(format!("  since {}", show::clock(since, state.zone)), Role::TEXT_DIM));
        }
        pen.row(area, at, &Line::from(line));
        *index += 1;
        at += 1;
    }
    let more = overview.needs_you.len().saturating_sub(6);
    if more > 0 {
        pen.text(area, at, format!("    and {more} more"), Role::TEXT_DIM);
        *index += more;
        at += 1;
    }
    at + 1
}

const WAITING: &[Column] = &[
    Column::text("Waiting", 16),
    Column::number("count", 9),
    Column::number("oldest", 8),
    Column::number("next try", 10),
    Column::fill("why"),
];

fn waits(
    pen: &mut Pen<'_, '_>,
    state: &State,
    area: Rect,
    at: usize,
    overview: &Overview,
    index: &mut usize,
) -> usize {
    let rows: Vec<Vec<Cell>> = waiting(overview)
        .map(|provider| {
            let dash = || "–".to_owned();
            let why = provider
                .why
                .as_ref()
                .map(|why| show::why(&why.why, state.now, state.zone))
                .unwrap_or_default();
            vec![
                Cell::plain(provider.name.as_str()),
                Cell::plain(show::count(provider.queued + provider.retrying + provider.held)),
                Cell::plain(provider.oldest.map_or_else(dash, |at| show::age(at, state.now))),
                Cell::dim(provider.next_try.map_or_else(dash, |at| show::relative_to(at, state.now))),
                Cell::dim(why),
            ]
        })
        .collect();
    if rows.is_empty() {
        return at;
    }
    let n = rows.len();
    let chosen = state.home.selected.checked_sub(*index).filter(|place| *place < n);
    *index += n;
    table(pen, below(area, at as u16), WAITING, rows, chosen);
    at + n + 2
}

fn causes(pen: &mut Pen<'_, '_>, state: &State, area: Rect, mut at: usize, overview: &Overview) -> usize {
    if overview.causes.is_empty() {
        return at;
    }
    pen.text(area, at, "Causes, one hour", Role::TEXT_STRONG);
    for cause in overview.causes.iter().take(4) {
        at += 1;
        let provider = cause.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let line = Line::from(vec![
            pen.span(format!("{:>9}  ", show::count(cause.count)), Role::TEXT_STRONG),
            pen.span(format!("{} ", sparkline(&cause.spans)), Role::BAR_FULL),
            pen.span(format!("{provider}  "), Role::TEXT_DIM),
            pen.span(&cause.text, Role::TEXT),
            pen.span(format!("  last {}", show::relative_to(cause.last, state.now)), Role::TEXT_DIM),
        ]);
        pen.row(area, at, &line);
    }
    at + 2
}

fn upcoming(
    pen: &mut Pen<'_, '_>,
    state: &State,
    area: Rect,
    mut at: usize,
    overview: &Overview,
    index: &mut usize,
) {
    pen.text(area, at, "Next", Role::TEXT_STRONG);
    at += 1;
    if overview.next.is_empty() {
        let key = layout::key_of(state, Action::Compose);
        pen.text(area, at, format!("  Nothing is scheduled. {key} writes a message."), Role::TEXT_DIM);
    }
    for next in &overview.next {
        let chosen = state.home.selected == *index;
        *index += 1;
        let audience = next.audience.map(|n| format!("  {}", show::people(n))).unwrap_or_default();
        let role = if chosen { Role::TEXT_STRONG } else { Role::TEXT };
        let line = Line::from(vec![
            mark(pen, chosen),
            pen.state(Role::STATE_SCHEDULED, &format!("{:<10}", show::relative_to(next.at, state.now))),
            pen.span(format!("{:<6}", next.channel.as_str()), Role::TEXT_DIM),
            pen.span(sanitize::fit(&next.headline, 40), role),
            pen.span(audience, Role::TEXT_DIM),
        ]);
        pen.row(area, at, &line);
        at += 1;
    }
}
