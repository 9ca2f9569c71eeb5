//! Providers: whether each is well, and why not.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::form::{self, Purpose};
use super::{distance, review};
use crate::domain::ids::ProviderId;
use crate::domain::routing::Allowance;
use crate::domain::time::Timestamp;
use crate::tui::action::Action;
use crate::tui::message::{Command, Fetch, Slot};
use crate::tui::runtime::Request;
use crate::tui::show;
use crate::tui::state::{Focus, Parts, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::bar;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::widgets::table::{Cell, Column, Look, table_as};
use crate::wire::provider::{BreakerState, ProviderHealth, SLOW_START};
use crate::wire::routing::WriteRouting;

/// What the footer offers first.
pub const HINTS: &[Action] = &[
    Action::ProviderTest,
    Action::CreateProvider,
    Action::EditProvider,
    Action::ProviderPause,
    Action::ProviderResume,
    Action::Help,
];

/// The providers' tab. There are few: all are held.
#[derive(Debug, Default)]
pub struct Providers {
    /// All of them; nothing: not known yet.
    pub list: Option<Vec<ProviderHealth>>,
    /// Which one is selected.
    pub selected: usize,
    /// Which half has the keys.
    pub focus: Focus,
    wanted: Option<ProviderId>,
}

impl Providers {
    /// The provider that is selected.
    pub fn current(&self) -> Option<&ProviderHealth> {
        self.list.as_ref()?.get(self.selected)
    }

    /// Selects a provider, as soon as it is in the list.
    pub fn select(&mut self, id: &ProviderId) {
        let at = self.list.iter().flatten().position(|provider| provider.id == *id);
        match at {
            Some(at) => self.selected = at,
            None => self.wanted = Some(id.clone()),
        }
    }
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.providers || parts.log || parts.messages {
        state.ask(Slot::Providers, Fetch::Providers);
    }
}

/// Takes the list.
pub fn take(state: &mut State, list: Vec<ProviderHealth>) {
    let screen = &mut state.providers;
    let id = screen.wanted.take().or_else(|| screen.current().map(|provider| provider.id.clone()));
    screen.selected = screen.selected.min(list.len().saturating_sub(1));
    screen.list = Some(list);
    if let Some(id) = id {
        let at = screen.list.iter().flatten().position(|provider| provider.id == id);
        screen.selected = at.unwrap_or(screen.selected);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    if let Some(by) = distance(action, layout::list_rows(state)) {
        let last = state.providers.list.as_ref().map_or(0, Vec::len).saturating_sub(1);
        state.providers.selected = state.providers.selected.saturating_add_signed(by).min(last);
        return true;
    }
    if action == Action::Countries {
        state.ask(Slot::Routing, Fetch::Routing);
        return true;
    }
    let Some(provider) = state.providers.current().cloned() else { return false };
    match action {
        Action::ProviderPause => state.command(Command::PauseProvider(provider.id)),
        Action::ProviderResume => review::open_resume_provider(state, &provider.id),
        Action::ProviderTest => test(state, provider.id),
        Action::FailOver => fail_over(state, &provider.id),
        Action::ProviderFailover => form::open(state, Purpose::Failover(Box::new(provider))),
        Action::ProviderRollback => state.command(Command::RollBackProvider(provider.id)),
        Action::ProviderEarlier => move_by(state, -1),
        Action::ProviderLater => move_by(state, 1),
        Action::ProviderEnable if provider.enabled => state.say("It is enabled already."),
        Action::ProviderEnable => review::open_enable(state, &provider, true),
        Action::ProviderDisable if !provider.enabled => state.say("It is out of use already."),
        Action::ProviderDisable => review::open_enable(state, &provider, false),
        Action::EditProvider => {
            state.ask(Slot::Provider, Fetch::Provider(provider.id));
        }
        Action::DeleteProvider => review::open_delete_provider(state, &provider),
        Action::Copy => state.request(Request::Copy(provider.id.to_string())),
        Action::CopyCommand => state.request(Request::Copy(format!("herald provider show {}", provider.id))),
        _ => return false,
    }
    true
}

/// Moves the selected provider in the order in which they are chosen.
fn move_by(state: &mut State, by: isize) {
    let screen = &mut state.providers;
    let Some(list) = &mut screen.list else { return };
    let from = screen.selected;
    let to = from.saturating_add_signed(by).min(list.len().saturating_sub(1));
    if from == to {
        return;
    }
    list.swap(from, to);
    screen.selected = to;
    let order = list.iter().map(|provider| provider.id.clone()).collect();
    state.command(Command::Route(WriteRouting { order: Some(order), prefixes: None }));
}

/// Talks to a provider.
pub fn test(state: &mut State, id: ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == id);
    if let Some(channel) = known.map(|provider| provider.channel) {
        form::open(state, form::Purpose::TestProvider(id, channel));
    }
}

/// Opens the form that says what a provider hands on while it is down.
pub fn hands_on(state: &mut State, id: &ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == *id);
    if let Some(provider) = known.cloned() {
        form::open(state, Purpose::Failover(Box::new(provider)));
    }
}

/// Offers the providers that those who wait for this one can go through instead.
pub fn fail_over(state: &mut State, id: &ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == *id);
    match known.cloned() {
        Some(provider) if provider.retrying + provider.held == 0 => {
            state
                .say("Nobody waits for it but in its queue: disable it, and the queue goes through another.");
        }
        Some(provider) => super::pick::open_fail_over(state, &provider),
        None => {}
    }
}

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::text("Provider", 16),
    Column::text("Kind", 9),
    Column::text("Type", 5),
    Column::text("State", 12),
    Column::number("Waiting", 9),
    Column::number("Rate", 8),
    Column::number("p50", 8),
    Column::number("p99", 8).from(90),
    Column::fill(""),
];

/// The state of a provider: role and word.
pub fn stands(provider: &ProviderHealth) -> (Role, &'static str) {
    use crate::domain::reason::Why;
    match provider.why.as_ref().map(|why| &why.why) {
        _ if !provider.enabled => (Role::STATE_DISABLED, "out of use"),
        None | Some(Why::Sending) => (Role::STATE_OK, "ok"),
        Some(Why::ProviderPaused { .. } | Why::Paused { .. } | Why::Stopped { .. }) => {
            (Role::STATE_PAUSED, "paused")
        }
        Some(Why::BulkPaused { .. }) => (Role::STATE_PAUSED, "no bulk"),
        Some(Why::ProviderRefuses { .. }) => (Role::STATE_FAILED, "refuses us"),
        Some(Why::Breaker { .. }) => (Role::STATE_FAILED, "fails"),
        Some(Why::Quota { .. }) => (Role::STATE_WAITING, "quota"),
        Some(Why::RateLimit { .. }) => (Role::STATE_WAITING, "at its limit"),
        Some(_) => (Role::STATE_WAITING, "waits"),
    }
}

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (area, rest) = layout::split(body, state.providers.focus);
    if state.providers.focus == Focus::List {
        draw_list(pen, state, area);
    }
    draw_detail(pen, state, rest);
}

fn draw_list(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(list) = &state.providers.list else { return };
    if list.is_empty() {
        let key = layout::key_of(state, Action::CreateProvider);
        let text = format!("   No providers yet. {key} adds one: the account that delivers.");
        pen.text(below(area, 1), 0, text, Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = (state.providers.selected + 1).saturating_sub(height.max(1));
    let rows: Vec<Vec<Cell>> = list[top..]
        .iter()
        .take(height)
        .map(|provider| {
            let waiting = provider.queued + provider.retrying + provider.held;
            vec![
                Cell::plain(provider.name.as_str()),
                Cell::dim(provider.kind.as_str()),
                Cell::dim(provider.channel.as_str()),
                Cell::state(pen, stands(provider)),
                Cell::plain(show::count(waiting)),
                Cell::plain(show::rate(provider.rate)),
                Cell::plain(show::latency(provider.p50_ms)),
                Cell::plain(show::latency(provider.p99_ms)),
                Cell::plain(""),
            ]
        })
        .collect();
    let look = Look {
        selected: Some(state.providers.selected - top),
        hidden: state.hidden_here(),
        ..Look::default()
    };
    table_as(pen, area, COLUMNS, rows, look);
}

fn draw_detail(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    pen.rule(area, 0);
    let Some(provider) = state.providers.current() else { return };
    let inner = inset(below(area, 1), 1);
    let (role, word) = stands(provider);
    let line = Line::from(vec![
        pen.span(&provider.name, Role::TEXT_STRONG),
        pen.span("   ", Role::TEXT),
        pen.state(role, word),
        pen.span(format!("   {}", provider.id), Role::TEXT_DIM),
    ]);
    pen.row(inner, 0, &line);
    let why = match &provider.why {
        Some(reason) => format!("It {}.", show::why(&reason.why, state.now, state.zone)),
        None if provider.enabled => "It is well.".to_owned(),
        None => "No message goes through it.".to_owned(),
    };
    let mut at = pen.paragraph(inner, 1, &why, Role::TEXT) + 1;
    if let Some(on) = &provider.failover.now {
        let since = show::exact(on.since, state.zone);
        let until = on.until.map(|until| format!(", until {} at the latest", show::exact(until, state.zone)));
        let text = format!("Its recipients go through {} since {since}{}.", on.to, until.unwrap_or_default());
        at = pen.paragraph(inner, at, &text, Role::STATE_WAITING) + 1;
    }
    if provider.slow_start {
        at = pen.paragraph(inner, at, SLOW_START, Role::STATE_WAITING) + 1;
    }
    let allowed = |one: &Allowance| match (one.holds(Timestamp::from_utc(state.now)), one.until) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(until)) => format!("until {}", show::exact(until, state.zone)),
    };
    let text = format!(
        "place {} · hands on when it is down: bulk {}, direct {}",
        state.providers.selected + 1,
        allowed(&provider.failover.bulk),
        allowed(&provider.failover.direct)
    );
    pen.text(inner, at, text, Role::TEXT_DIM);
    at += 1;
    let counts = format!(
        "in flight {} · queued {} · retrying {} · held {}",
        show::count(provider.in_flight),
        show::count(provider.queued),
        show::count(provider.retrying),
        show::count(provider.held)
    );
    pen.text(inner, at, counts, Role::TEXT);
    at += 1;
    let mut line = vec![pen.span(format!("rate {}", show::rate(provider.rate)), Role::TEXT)];
    if let Some(limit) = provider.limits.per_second {
        line.push(pen.span(format!("   limit {}  ", show::rate(limit)), Role::TEXT_DIM));
        line.extend(bar(pen, (provider.rate * 100.0) as u64, (limit * 100.0) as u64, 10));
    } else {
        line.push(pen.span("   no limit by the second", Role::TEXT_DIM));
    }
    pen.row(inner, at, &Line::from(line));
    at += 1;
    let success = provider.success.map_or_else(
        || "nothing answered for in the last minute".to_owned(),
        |share| format!("{:.1} % accepted in the last minute", share * 100.0),
    );
    let latency = if provider.p50_ms > 0.0 {
        format!(
            "{success} · answers in {} (middle), {} (99 of 100)",
            show::millis(provider.p50_ms),
            show::millis(provider.p99_ms)
        )
    } else {
        success
    };
    at = pen.paragraph(inner, at, &latency, Role::TEXT);
    at = quotas(pen, inner, at, provider);
    let today = format!(
        "today (UTC): accepted {} · refused {} · put off {} · came back {}",
        show::count(provider.accepted),
        show::count(provider.failed),
        show::count(provider.put_off),
        show::count(provider.bounced)
    );
    pen.text(inner, at, today, Role::TEXT);
    at += 1;
    let (role, breaker) = match (provider.breaker, provider.breaker_until) {
        (BreakerState::Closed, _) => (Role::TEXT_DIM, "breaker closed".to_owned()),
        (BreakerState::Open, Some(until)) => {
            (Role::NOTICE_WARN, format!("breaker open, next try {}", show::relative_to(until, state.now)))
        }
        (BreakerState::Open, None) => (Role::NOTICE_WARN, "breaker open".to_owned()),
        (BreakerState::Probing, _) => (Role::NOTICE_WARN, "breaker: one is on its way to try".to_owned()),
    };
    pen.text(inner, at, breaker, role);
    if provider.guard.of > 0 {
        at += 1;
        let mut back = format!(
            "guard, of the last {}: no such address {} (refused or came back) · complained {}",
            show::count(provider.guard.of),
            show::count(provider.guard.bounced),
            show::count(provider.guard.complained)
        );
        if let Some(last) = provider.receipts.last {
            back.extend([" · last receipt ", &show::relative_to(last, state.now)]);
        }
        at = pen.paragraph(inner, at, &back, Role::TEXT_DIM) - 1;
    }
    if !provider.last_problem.is_empty() {
        pen.text(inner, at + 1, format!("last problem: {}", provider.last_problem), Role::TEXT_DIM);
    }
}

/// What is used of the hour's and the day's limit.
fn quotas(pen: &mut Pen<'_, '_>, area: Rect, mut at: usize, provider: &ProviderHealth) -> usize {
    for (span, quota) in [("hour", provider.hour), ("day", provider.day)] {
        let Some(quota) = quota else { continue };
        let text =
            format!("{} of {} in the last {span}  ", show::count(quota.used), show::count(quota.limit));
        let mut line = vec![pen.span(text, Role::TEXT)];
        line.extend(bar(pen, quota.used, quota.limit, 10));
        pen.row(area, at, &Line::from(line));
        at += 1;
    }
    at
}
