//! How the overview looks.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{changed_before, is_new, remedies, waiting};
use crate::tui::action::{Action, Scope};
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::{bar, percent, sparkline};
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::widgets::table::{Cell, Column, table};
use crate::tui::{sanitize, show};
use crate::wire::message::State as Is;
use crate::wire::overview::{Concern, NeedsYou, Overview};

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
    at = sends(pen, state, area, at, &mut index);
    at = waits(pen, state, area, at, overview, &mut index);
    at = causes(pen, state, area, at, overview);
    upcoming(pen, state, area, at, overview, &mut index);
}

/// A step of the way through an empty store.
struct Step {
    /// Whether it was taken; `None`: nothing tells, and nobody has to.
    done: Option<bool>,
    what: &'static str,
    keys: String,
}

/// The way through an empty store: a provider, its test, people, a message.
fn first_steps(pen: &mut Pen<'_, '_>, state: &State, area: Rect, overview: &Overview) -> usize {
    pen.text(area, 0, "First steps", Role::TEXT_STRONG);
    let key = |action: Action, scope: Scope| {
        let keys = state.keymap.keys_for(action, &[scope, Scope::List, Scope::Global]);
        keys.into_iter().next().unwrap_or_else(|| action.id().to_owned())
    };
    let on_providers = |action| {
        format!("{} then {}", key(Action::GoProviders, Scope::Global), key(action, Scope::Providers))
    };
    let steps = [
        Step {
            done: Some(!overview.providers.is_empty()),
            what: "Add a provider: the account that delivers",
            keys: on_providers(Action::CreateProvider),
        },
        Step {
            done: None,
            what: "Test it: a real message to an address of yours",
            keys: on_providers(Action::ProviderTest),
        },
        Step {
            done: Some(overview.store.targets > 0),
            what: "Add people one by one, or import a file",
            keys: format!(
                "{} then {} or {}",
                key(Action::GoTargets, Scope::Global),
                key(Action::CreatePerson, Scope::Targets),
                key(Action::Import, Scope::Targets)
            ),
        },
        Step {
            done: Some(overview.store.messages > 0),
            what: "Write to them, and watch it go out on Live",
            keys: key(Action::Compose, Scope::Overview),
        },
    ];
    let next = steps.iter().position(|step| step.done == Some(false));
    for (n, step) in steps.iter().enumerate() {
        let done = step.done == Some(true);
        let glyph = if done { pen.state(Role::STATE_OK, "") } else { Span::raw("  ") };
        // What may be passed over stands beside the one that follows it.
        let now = next == Some(n) || (step.done.is_none() && next == Some(n + 1));
        let role = if now { Role::TEXT } else { Role::TEXT_DIM };
        let mut spans = vec![glyph, pen.span(format!("{} {}", n + 1, step.what), role)];
        if !done {
            spans.push(pen.span(format!("   {}", step.keys), Role::KEY));
        }
        pen.row(area, n + 1, &Line::from(spans));
    }
    steps.len() + 2
}

fn mark(pen: &Pen<'_, '_>, chosen: bool) -> Span<'static> {
    pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT)
}

fn concern(concern: Concern) -> Role {
    match concern {
        Concern::Disk | Concern::ProviderRefuses | Concern::ProviderFails => Role::STATE_FAILED,
        Concern::Stopped | Concern::ProviderPaused | Concern::BulkPaused => Role::STATE_PAUSED,
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
        if chosen {
            at = mending(pen, state, area, at, need);
        }
    }
    let more = overview.needs_you.len().saturating_sub(6);
    if more > 0 {
        pen.text(area, at, format!("    and {more} more"), Role::TEXT_DIM);
        *index += more;
        at += 1;
    }
    at + 1
}

/// What changed just before it, and the keys that mend it.
fn mending(pen: &mut Pen<'_, '_>, state: &State, area: Rect, mut at: usize, need: &NeedsYou) -> usize {
    if let Some(entry) = changed_before(state, need) {
        let text = format!(
            "    {} before: {} by {}, {}",
            need.since.map(|since| show::age(entry.at, since.to_utc())).unwrap_or_default(),
            entry.event,
            entry.actor.name,
            entry.summary
        );
        pen.text(area, at, text, Role::TEXT_DIM);
        at += 1;
    }
    let scopes = [Scope::Overview, Scope::List, Scope::Global];
    let mut spans = vec![Span::raw("    ")];
    for action in remedies(need.concern) {
        let Some(key) = state.keymap.keys_for(*action, &scopes).into_iter().next() else { continue };
        spans.push(pen.span(key, Role::KEY));
        let title = action.title().to_lowercase();
        spans.push(pen.span(format!(" {title}   "), Role::TEXT_DIM));
    }
    pen.row(area, at, &Line::from(spans));
    at + 1
}

/// What is being sent: how far, how fast, how long still.
fn sends(pen: &mut Pen<'_, '_>, state: &State, area: Rect, mut at: usize, index: &mut usize) -> usize {
    if state.home.sending.is_empty() {
        return at;
    }
    pen.text(area, at, "Sending", Role::TEXT_STRONG);
    for message in &state.home.sending {
        at += 1;
        let chosen = state.home.selected == *index;
        *index += 1;
        let p = &message.progress;
        let done = p.planned.saturating_sub(p.open());
        let (role, word) = show::state(message.state);
        let wide = usize::from(area.width).saturating_sub(64).clamp(12, 48);
        let title = sanitize::column(
            message.headline(),
            wide,
            pen.style(if chosen { Role::TEXT_STRONG } else { Role::TEXT }),
        );
        let mut line =
            vec![mark(pen, chosen), pen.state(role, &format!("{word:<9} ")), title, Span::raw(" ")];
        line.extend(bar(pen, done, p.planned, 10));
        line.push(
            pen.span(format!(" {:>3}% of {}", percent(done, p.planned), show::count(p.planned)), Role::TEXT),
        );
        if message.state == Is::Processing
            && let Some((rate, left)) = pace(state, message, done)
        {
            line.push(
                pen.span(
                    format!("  {}  about {} left", show::rate(rate), show::seconds(left)),
                    Role::TEXT_DIM,
                ),
            );
        }
        pen.row(area, at, &Line::from(line));
    }
    at + 2
}

/// How fast a message goes, and how long it still takes; from its beginning on.
fn pace(state: &State, message: &crate::wire::message::Message, done: u64) -> Option<(f64, f64)> {
    let since = (state.now - message.started_at?.to_utc()).num_milliseconds() as f64 / 1000.0;
    let rate = done as f64 / since.max(1.0);
    (rate > 0.0).then(|| (rate, message.progress.open() as f64 / rate))
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
                .map_or_else(|| waits_for(provider), |why| show::why(&why.why, state.now, state.zone));
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

/// Why recipients wait at a provider that is well.
fn waits_for(provider: &crate::wire::provider::ProviderHealth) -> String {
    let mut parts = Vec::new();
    if provider.queued > 0 {
        parts.push(format!("{} in the queue", show::count(provider.queued)));
    }
    if provider.retrying > 0 {
        let why = if provider.last_problem.is_empty() {
            String::new()
        } else {
            format!(": {}", provider.last_problem)
        };
        parts.push(format!("{} for another try{why}", show::count(provider.retrying)));
    }
    if provider.held > 0 {
        parts.push(format!("{} until somebody decides", show::count(provider.held)));
    }
    parts.join(" · ")
}

/// Since when a cause is seen, as far as an hour tells: `new`, or nothing.
fn since(spans: &[u32]) -> &'static str {
    let first = spans.iter().position(|n| *n > 0).unwrap_or(0);
    if first + 2 >= spans.len() { "new " } else { "" }
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
            pen.span(since(&cause.spans), Role::NOTICE_WARN),
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
