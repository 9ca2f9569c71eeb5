//! One provider: whether it is well, what waits for it, what it answers, when it is chosen.

use std::fmt::Write as _;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::stands;
use crate::domain::channel::Channel;
use crate::domain::routing::Allowance;
use crate::domain::time::Timestamp;
use crate::tui::show;
use crate::tui::state::{Focus, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::bar;
use crate::tui::widgets::pen::{Pen, below, inset, wrapped};
use crate::wire::provider::{BreakerState, ProviderHealth, QuotaUse, SLOW_START};

/// Columns of what a fact is called.
const LABEL: usize = 14;

/// A fact: what it is called, what it is, and a bar behind it.
struct Fact {
    label: &'static str,
    text: String,
    role: Role,
    bar: Option<(u64, u64)>,
}

fn fact(label: &'static str, text: impl Into<String>) -> Fact {
    Fact { label, text: text.into(), role: Role::TEXT, bar: None }
}

impl Fact {
    fn in_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    fn draw(&self, pen: &mut Pen<'_, '_>, area: Rect, at: usize) -> usize {
        let room = usize::from(area.width).saturating_sub(LABEL).max(1);
        let rows = wrapped(&self.text, room);
        let last = rows.len().saturating_sub(1);
        for (n, row) in rows.iter().enumerate() {
            let label = if n == 0 { self.label } else { "" };
            let mut spans: Vec<Span<'static>> =
                vec![pen.span(format!("{label:<LABEL$}"), Role::TEXT_DIM), pen.span(row, self.role)];
            if let Some((used, of)) = self.bar.filter(|_| n == last) {
                spans.push(Span::raw("  "));
                spans.extend(bar(pen, used, of, 10));
            }
            pen.row(area, at + n, &Line::from(spans));
        }
        at + rows.len()
    }
}

/// Draws it.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let framed = state.providers.focus == Focus::List;
    if framed {
        pen.rule(area, 0);
    }
    let Some(provider) = state.providers.current() else { return };
    let inner = inset(below(area, u16::from(framed)), 1);
    let (role, word) = stands(provider);
    let line = Line::from(vec![
        pen.span(&provider.name, Role::TEXT_STRONG),
        pen.span("   ", Role::TEXT),
        pen.state(role, word),
        pen.span(
            format!("   {} · {} for {}", provider.id, provider.kind, provider.channel.as_str()),
            Role::TEXT_DIM,
        ),
    ]);
    pen.row(inner, 0, &line);
    let why = match &provider.why {
        Some(reason) => format!("It {}.", show::why(&reason.why, state.now, state.zone, state.names())),
        None if provider.enabled => "It is well.".to_owned(),
        None => "No message goes through it.".to_owned(),
    };
    let mut at = pen.paragraph(inner, 1, &why, Role::TEXT);
    if let Some(on) = &provider.failover.now {
        let since = show::exact(on.since, state.zone);
        let until = on.until.map(|until| format!(", until {} at the latest", show::exact(until, state.zone)));
        let text = format!("Its recipients go through {} since {since}{}.", on.to, until.unwrap_or_default());
        at = pen.paragraph(inner, at, &text, Role::STATE_WAITING);
    }
    if provider.slow_start {
        at = pen.paragraph(inner, at, SLOW_START, Role::STATE_WAITING);
    }
    at += 1;
    for fact in facts(state, provider) {
        at = fact.draw(pen, inner, at);
    }
}

/// What is known of it, what matters at night first.
fn facts(state: &State, provider: &ProviderHealth) -> Vec<Fact> {
    let mut facts = vec![waits(state, provider)];
    if !provider.last_problem.is_empty() {
        facts.push(fact("last problem", &provider.last_problem));
    }
    facts.push(breaker(state, provider));
    facts.push(speed(provider));
    facts.push(answers(provider));
    for (label, quota) in [("last hour", provider.hour), ("last 24 hours", provider.day)] {
        facts.extend(quota.map(|quota| quota_use(label, quota)));
    }
    facts.push(fact(
        "today (UTC)",
        format!(
            "accepted {} · refused {} · put off {}",
            show::count(provider.accepted),
            show::count(provider.failed),
            show::count(provider.put_off)
        ),
    ));
    facts.push(bounces(state, provider));
    let list = state.providers.list.as_deref().unwrap_or_default();
    facts.push(fact("chosen", chosen(list, provider)));
    facts.push(fact("if it is down", steps_in(state, list, provider)));
    facts
}

fn waits(state: &State, provider: &ProviderHealth) -> Fact {
    let mut text = format!(
        "in flight {} · queued {} · retrying {} · held {}",
        show::count(provider.in_flight),
        show::count(provider.queued),
        show::count(provider.retrying),
        show::count(provider.held)
    );
    if provider.undecided > 0 {
        let _ = write!(text, " · uncertain {}", show::count(provider.undecided));
    }
    if let Some(oldest) = provider.oldest.filter(|_| provider.waiting() > 0) {
        let _ = write!(text, " · the oldest for {}", show::age(oldest, state.now));
    }
    if let Some(next) = provider.next_try {
        let _ = write!(text, " · next try {}", show::relative_to(next, state.now));
    }
    fact("recipients", text)
}

fn breaker(state: &State, provider: &ProviderHealth) -> Fact {
    match (provider.breaker, provider.breaker_until) {
        (BreakerState::Closed, _) if provider.why.is_some() => {
            fact("breaker", "closed: the way to it is open")
        }
        (BreakerState::Closed, _) => fact("breaker", "closed: nothing is kept from it"),
        (BreakerState::Open, Some(until)) => {
            let next = show::relative_to(until, state.now);
            fact("breaker", format!("open, as it failed again and again; one is tried {next}"))
                .in_role(Role::NOTICE_WARN)
        }
        (BreakerState::Open, None) => {
            fact("breaker", "open, as it failed again and again").in_role(Role::NOTICE_WARN)
        }
        (BreakerState::Probing, _) => {
            fact("breaker", "open; one is on its way to see whether it works again")
                .in_role(Role::NOTICE_WARN)
        }
    }
}

fn speed(provider: &ProviderHealth) -> Fact {
    let rate = show::rate(provider.rate);
    match provider.limits.per_second {
        Some(limit) => Fact {
            bar: Some(((provider.rate * 100.0) as u64, (limit * 100.0) as u64)),
            ..fact("speed", format!("{rate} of at most {}", show::rate(limit)))
        },
        None => fact("speed", format!("{rate}, without a limit")),
    }
}

fn answers(provider: &ProviderHealth) -> Fact {
    let mut text = provider.success.map_or_else(
        || "no answers".to_owned(),
        |share| format!("{:.1} % of the answers accepted", share * 100.0),
    );
    if provider.p50_ms > 0.0 {
        let _ = write!(
            text,
            " · half of the latest came within {}, 99 of 100 within {}",
            show::millis(provider.p50_ms),
            show::millis(provider.p99_ms)
        );
    }
    fact("last minute", text)
}

/// What is used of the hour's or the day's limit.
fn quota_use(label: &'static str, quota: QuotaUse) -> Fact {
    let text = format!("{} of at most {}", show::count(quota.used), show::count(quota.limit));
    Fact { bar: Some((quota.used, quota.limit)), ..fact(label, text) }
}

fn bounces(state: &State, provider: &ProviderHealth) -> Fact {
    let mut text = format!("{} in the last 24 hours", show::count(provider.bounced));
    if provider.guard.of > 0 {
        let _ = write!(
            text,
            " · of the last {}: no such address {} (refused or came back), complained {}",
            show::count(provider.guard.of),
            show::count(provider.guard.bounced),
            show::count(provider.guard.complained)
        );
    }
    if let Some(last) = provider.receipts.last {
        let _ = write!(text, " · last receipt {}", show::relative_to(last, state.now));
    }
    fact("came back", text)
}

/// Whether it is the default of its type, and why not.
fn chosen(list: &[ProviderHealth], provider: &ProviderHealth) -> String {
    let channel = provider.channel.as_str();
    let rules = if provider.channel == Channel::Sms { ", or countries" } else { "" };
    let first = list.iter().find(|other| other.enabled && other.channel == provider.channel);
    match first {
        _ if !provider.enabled => "never, while it is out of use".to_owned(),
        Some(first) if first.id != provider.id => format!(
            "for targets{rules} that name it; the default for {channel} is {}, which stands before it",
            first.id
        ),
        _ => format!("as the default for {channel}: of those in use it stands first"),
    }
}

/// Who steps in while it is down, as far as somebody may.
fn steps_in(state: &State, list: &[ProviderHealth], provider: &ProviderHealth) -> String {
    let now = Timestamp::from_utc(state.now);
    let (bulk, direct) = (&provider.failover.bulk, &provider.failover.direct);
    let key = layout::key_of(state, crate::tui::action::Action::ProviderFailover);
    if !bulk.holds(now) && !direct.holds(now) {
        return format!("its recipients wait, nobody steps in; {key} changes it");
    }
    let Some(next) = next(list, provider) else {
        return format!("its recipients wait: there is no other for {}", provider.channel.as_str());
    };
    let goes = |one: &Allowance| match (one.holds(now), one.until) {
        (false, _) => "waits".to_owned(),
        (true, None) => format!("goes through {next}"),
        (true, Some(until)) => format!("goes through {next} until {}", show::exact(until, state.zone)),
    };
    format!("bulk {}, what is for a few {}; {key} changes it", goes(bulk), goes(direct))
}

/// The next one in order that delivers the same; behind the last the first comes again.
fn next<'a>(list: &'a [ProviderHealth], provider: &ProviderHealth) -> Option<&'a str> {
    let at = list.iter().position(|other| other.id == provider.id)?;
    let (before, behind) = list.split_at(at);
    let fits = |other: &&ProviderHealth| {
        other.enabled
            && other.channel == provider.channel
            && (other.channel != Channel::Push || other.kind == provider.kind)
    };
    behind.iter().skip(1).chain(before).find(fits).map(|other| other.id.as_str())
}
