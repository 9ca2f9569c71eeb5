//! How the overview looks.

use std::fmt::Write as _;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{changed_before, is_new, remedies, waiting};
use crate::domain::reason::Why;
use crate::domain::time::Timestamp;
use crate::tui::action::{Action, Scope};
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::{bar, percent, sparkline};
use crate::tui::widgets::pen::{Pen, inset};
use crate::tui::{sanitize, show};
use crate::wire::message::{Message, State as Is};
use crate::wire::overview::{Cause, Concern, NeedsYou, Overview};
use crate::wire::provider::ProviderHealth;

/// What stands on the tab, in rows; the one that is selected is kept in view.
#[derive(Default)]
struct Rows {
    lines: Vec<Line<'static>>,
    /// The row that is selected.
    chosen: Option<usize>,
    /// How many can be selected so far.
    things: usize,
}

impl Rows {
    fn put(&mut self, line: impl Into<Line<'static>>) {
        self.lines.push(line.into());
    }

    /// Something that can be selected; whether it is.
    fn thing(&mut self, state: &State) -> bool {
        let chosen = state.home.selected == self.things;
        self.things += 1;
        if chosen {
            self.chosen = Some(self.lines.len());
        }
        chosen
    }

    /// The first row in view, of so many at a time: what mends the selected one is in view, too.
    fn top(&self, height: usize) -> usize {
        let last = self.lines.len().saturating_sub(height);
        match self.chosen {
            Some(_) if self.is_last() => last,
            Some(at) => (at + AFTER + 1).saturating_sub(height).min(last),
            None => 0,
        }
    }

    fn is_last(&self) -> bool {
        self.chosen.is_some_and(|at| at + 1 >= self.lines.len())
    }
}

/// Rows that are kept in view behind the selected one.
const AFTER: usize = 3;

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let Some(overview) = &state.overview else { return };
    let area = inset(body, 1);
    let columns = usize::from(area.width);
    let mut rows = Rows::default();
    if is_new(overview) {
        first_steps(pen, state, &mut rows, overview);
    }
    needs(pen, state, &mut rows, columns, overview);
    sends(pen, state, &mut rows, columns);
    waits(pen, state, &mut rows, columns, overview);
    causes(pen, state, &mut rows, columns, overview);
    upcoming(pen, state, &mut rows, columns, overview);
    let height = usize::from(area.height);
    let top = rows.top(height);
    for (n, line) in rows.lines.iter().skip(top).take(height).enumerate() {
        pen.row(area, n, line);
    }
    let below = rows.lines.len().saturating_sub(top + height);
    if below > 0 {
        let text = format!(" {below} more below ");
        let at = columns.saturating_sub(text.len());
        let line = Line::from(pen.span(text, Role::TEXT_DIM));
        pen.row_at(Rect { y: body.bottom(), height: 1, ..area }, 0, at as u16, &line);
    }
}

/// A step of the way through an empty store.
struct Step {
    /// Whether it was taken; `None`: nothing tells, and nobody has to.
    done: Option<bool>,
    what: &'static str,
    keys: String,
}

/// The way through an empty store: a provider, its test, people, a message.
fn first_steps(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, overview: &Overview) {
    rows.put(pen.span("First steps", Role::TEXT_STRONG));
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
        rows.put(spans);
    }
    rows.put("");
}

fn mark(pen: &Pen<'_, '_>, chosen: bool) -> Span<'static> {
    pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT)
}

fn concern(concern: Concern) -> Role {
    match concern {
        Concern::Disk | Concern::ProviderRefuses | Concern::ProviderFails => Role::STATE_FAILED,
        Concern::Alert => Role::NOTICE_WARN,
        Concern::Stopped | Concern::ProviderPaused | Concern::BulkPaused => Role::STATE_PAUSED,
        Concern::Restored | Concern::Held => Role::STATE_HELD,
        Concern::NoProvider => Role::STATE_DISABLED,
        Concern::Uncertain => Role::STATE_UNCERTAIN,
    }
}

/// A line whose text gives way to what stands behind it.
fn with_tail(
    pen: &Pen<'_, '_>,
    columns: usize,
    head: Vec<Span<'static>>,
    (text, role): (&str, Role),
    tail: Vec<Span<'static>>,
) -> Line<'static> {
    let wide = |spans: &[Span<'_>]| spans.iter().map(|span| sanitize::width(&span.content)).sum::<usize>();
    let room = columns.saturating_sub(wide(&head) + wide(&tail)).max(12);
    let line = sanitize::line(text);
    let text = Span::styled(sanitize::fit(&line, room).into_owned(), pen.style(role));
    head.into_iter().chain([text]).chain(tail).collect()
}

fn needs(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize, overview: &Overview) {
    rows.put(pen.span("Needs you", Role::TEXT_STRONG));
    if overview.needs_you.is_empty() {
        rows.put(pen.span("  Nothing.", Role::TEXT_DIM));
    }
    for need in &overview.needs_you {
        let chosen = rows.thing(state);
        let head = vec![mark(pen, chosen), pen.state(concern(need.concern), "")];
        let mut tail = Vec::new();
        if need.waiting > 0 {
            tail.push(pen.span(format!("  {} wait", show::count(need.waiting)), Role::TEXT));
        }
        if let Some(since) = need.since {
            tail.push(pen.span(format!("  since {}", at(state, since)), Role::TEXT_DIM));
        }
        let role = if chosen { Role::TEXT_STRONG } else { Role::TEXT };
        rows.put(with_tail(pen, columns, head, (&need.text, role), tail));
        if chosen {
            mending(pen, state, rows, columns, need);
        }
    }
    rows.put("");
}

/// The time of day; with the day where it is another one.
fn at(state: &State, at: Timestamp) -> String {
    let here = at.to_utc().with_timezone(&state.zone);
    let today = state.now.with_timezone(&state.zone).date_naive() == here.date_naive();
    here.format(if today { "%H:%M:%S" } else { "%-d %b %H:%M" }).to_string()
}

/// What changed just before it, and the keys that mend it.
fn mending(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize, need: &NeedsYou) {
    if let Some(entry) = changed_before(state, need) {
        let age = need.since.map(|since| show::age(entry.at, since.to_utc())).unwrap_or_default();
        let text = format!("    {age} before, by {}: {}", entry.actor.name, entry.summary);
        rows.put(pen.span(sanitize::fit(&sanitize::line(&text), columns), Role::TEXT_DIM));
    }
    let scopes = [Scope::Overview, Scope::List, Scope::Global];
    let mut spans = vec![Span::raw("    ")];
    if need.concern == Concern::Disk {
        spans.push(pen.span("Free some room: sending goes on by itself.", Role::TEXT_DIM));
    }
    for action in remedies(need) {
        let Some(key) = state.keymap.keys_for(*action, &scopes).into_iter().next() else { continue };
        spans.push(pen.span(key, Role::KEY));
        let title = match (action, need.concern) {
            (Action::Open, Concern::Stopped) => "resume sending…".to_owned(),
            (Action::Open, Concern::Restored) => "release it…".to_owned(),
            (Action::Open, Concern::NoProvider) => "providers".to_owned(),
            _ => action.title().to_lowercase(),
        };
        spans.push(pen.span(format!(" {title}   "), Role::TEXT_DIM));
    }
    if spans.len() > 1 {
        rows.put(spans);
    }
}

/// What is being sent: how far, how fast, how long still.
fn sends(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize) {
    if state.home.sending.is_empty() {
        return;
    }
    rows.put(pen.span("Sending", Role::TEXT_STRONG));
    let wide = columns.saturating_sub(66).clamp(12, 48);
    for message in &state.home.sending {
        let chosen = rows.thing(state);
        let p = &message.progress;
        let done = p.planned.saturating_sub(p.open());
        let (role, word) = show::state(message.state);
        let title = if chosen { Role::TEXT_STRONG } else { Role::TEXT };
        let mut head = vec![
            mark(pen, chosen),
            pen.state(role, &format!("{word:<9} ")),
            sanitize::column(message.headline(), wide, pen.style(title)),
            Span::raw(" "),
        ];
        head.extend(bar(pen, done, p.planned, 10));
        let share = format!(" {:>3}% of {:<7}", percent(done, p.planned), show::count(p.planned));
        head.push(pen.span(share, Role::TEXT));
        rows.put(with_tail(pen, columns, head, (&pace(state, message, done), Role::TEXT_DIM), Vec::new()));
    }
    rows.put("");
}

/// How fast a message goes and how long it still takes; nothing: none of it is on its way.
pub(in crate::tui) fn message_pace(state: &State, message: &Message, done: u64) -> Option<String> {
    let ahead = message.progress.untouched() + message.progress.in_flight();
    if message.state != Is::Processing || ahead == 0 {
        return None;
    }
    let since = message.started_at.map_or(0, |at| (state.now - at.to_utc()).num_milliseconds());
    let overview = state.overview.as_ref();
    let alone = overview.is_some_and(|overview| overview.states.processing == 1);
    // Alone, it is what is answered for now; among others, its own share since it began.
    let now = overview.map_or(0.0, |overview| overview.rate);
    let own = done as f64 / (since as f64 / 1000.0).max(1.0);
    let rate = if alone && now > 0.0 { now } else { own };
    let left = || show::seconds(ahead as f64 / rate);
    (rate > 0.0).then(|| format!("{}  about {} left", show::rate(rate), left()))
}

/// The pace of a message; or why the rest of it waits.
fn pace(state: &State, message: &Message, done: u64) -> String {
    let p = &message.progress;
    if let Some(pace) = message_pace(state, message, done) {
        return format!(" {pace}");
    }
    let waits = if p.waiting() > 0 { format!(" {} wait", show::count(p.waiting())) } else { String::new() };
    match &message.why {
        Some(why) if message.why.as_ref().is_some_and(|why| why.why != Why::Sending) => {
            format!("{waits} it {}", show::why(&why.why, state.now, state.zone, state.names()))
        }
        _ => waits,
    }
}

/// Columns of the counts and times of those who wait.
const COUNTS: [(&str, usize); 3] = [("count", 9), ("oldest", 8), ("next try", 10)];

fn waits(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize, overview: &Overview) {
    if waiting(overview).next().is_none() {
        return;
    }
    let name = if columns < 100 { 14 } else { 20 };
    let mut heading = format!("{:<width$}", "Waiting", width = name + 2);
    for (title, width) in COUNTS {
        let _ = write!(heading, "{title:>width$} ");
    }
    rows.put(vec![
        pen.span(&heading[..7], Role::TEXT_STRONG),
        pen.span(&heading[7..], Role::TEXT_DIM),
        pen.span(" why", Role::TEXT_DIM),
    ]);
    for provider in waiting(overview) {
        let chosen = rows.thing(state);
        let dash = || "–".to_owned();
        let soon = |at: Timestamp| {
            if at.to_utc() <= state.now { "now".to_owned() } else { show::relative_to(at, state.now) }
        };
        let cells = [
            show::count(provider.waiting()),
            provider.oldest.map_or_else(dash, |at| show::age(at, state.now)),
            provider.next_try.map_or_else(dash, soon),
        ];
        let role = if chosen { Role::TEXT_STRONG } else { Role::TEXT };
        let mut head = vec![mark(pen, chosen), sanitize::column(&provider.name, name, pen.style(role))];
        for (cell, (_, width)) in cells.iter().zip(COUNTS) {
            head.push(pen.span(format!("{cell:>width$} "), Role::TEXT));
        }
        let why = provider.why.as_ref().map_or_else(
            || waits_for(overview, provider),
            |why| show::why(&why.why, state.now, state.zone, state.names()),
        );
        rows.put(with_tail(pen, columns, head, (&format!(" {why}"), Role::TEXT_DIM), Vec::new()));
    }
    rows.put("");
}

/// Why recipients wait at a provider that is well.
pub(super) fn waits_for(overview: &Overview, provider: &ProviderHealth) -> String {
    let mut parts = Vec::new();
    if provider.queued > 0 {
        parts.push(format!("{} in the queue", show::count(provider.queued)));
    }
    if provider.retrying > 0 {
        // The newest cause is why the latest of them wait.
        let mine = overview.causes.iter().filter(|cause| cause.provider_id.as_ref() == Some(&provider.id));
        let why = mine.max_by_key(|cause| cause.last).map(|cause| format!(": {}", cause.text));
        parts.push(format!("{} for another try{}", show::count(provider.retrying), why.unwrap_or_default()));
    }
    if provider.held > 0 {
        parts.push(format!("{} until somebody releases them", show::count(provider.held)));
    }
    if provider.undecided > 0 {
        parts.push(format!("{} until somebody decides", show::count(provider.undecided)));
    }
    parts.join(" · ")
}

fn causes(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize, overview: &Overview) {
    if overview.causes.is_empty() {
        return;
    }
    rows.put(pen.span("Causes, one hour", Role::TEXT_STRONG));
    let shown = || overview.causes.iter().take(4);
    let names = state.names();
    let id = |cause: &Cause| names.any(cause.provider_id.as_ref());
    let wide = shown().map(|cause| sanitize::width(&id(cause))).max().unwrap_or(0).min(14);
    for cause in shown() {
        let head = vec![
            pen.span(format!("{:>9}  ", show::count(cause.count)), Role::TEXT_STRONG),
            pen.span(format!("{}  ", sparkline(&cause.spans)), Role::BAR_FULL),
            sanitize::column(&id(cause), wide, pen.style(Role::TEXT_DIM)),
            Span::raw("  "),
        ];
        let last = show::age(cause.last, state.now);
        let times = format!(
            "  since {}, last {last} ago",
            show::clock(cause.first, state.zone).get(..5).unwrap_or_default()
        );
        let tail = vec![pen.span(times, Role::TEXT_DIM)];
        rows.put(with_tail(pen, columns, head, (&cause.text, Role::TEXT), tail));
    }
    rows.put("");
}

fn upcoming(pen: &Pen<'_, '_>, state: &State, rows: &mut Rows, columns: usize, overview: &Overview) {
    rows.put(pen.span("Next", Role::TEXT_STRONG));
    if overview.next.is_empty() {
        let key = layout::key_of(state, Action::Compose);
        rows.put(pen.span(format!("  Nothing is scheduled. {key} writes a message."), Role::TEXT_DIM));
    }
    let most = columns.saturating_sub(40).clamp(12, 48);
    let wide =
        overview.next.iter().map(|next| sanitize::width(&sanitize::line(&next.headline))).max().unwrap_or(0);
    for next in &overview.next {
        let chosen = rows.thing(state);
        let audience = next.audience.map(show::people).unwrap_or_default();
        let role = if chosen { Role::TEXT_STRONG } else { Role::TEXT };
        rows.put(vec![
            mark(pen, chosen),
            pen.state(Role::STATE_SCHEDULED, &format!("{:<10}", show::relative_to(next.at, state.now))),
            pen.span(format!("{:<6}", next.channel.as_str()), Role::TEXT_DIM),
            sanitize::column(&next.headline, wide.min(most), pen.style(role)),
            pen.span(format!("  {audience:>15}"), Role::TEXT_DIM),
        ]);
    }
}
