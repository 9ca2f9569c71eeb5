//! The detail of a message, and its panes.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Pane, view as parts};
use crate::domain::delivery::Outcome;
use crate::domain::time::Timestamp;
use crate::tui::screens::overview::message_pace;
use crate::tui::state::{Focus, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::{bar, sparkline};
use crate::tui::widgets::pen::{Pen, below, first, inset};
use crate::tui::widgets::table::{Cell, Column, table};
use crate::tui::{sanitize, show};
use crate::wire::message::{Data, Message, MessageDetail, State as Is};
use crate::wire::provider::ProviderHealth;

/// Rows of the detail above its pane without the table of providers: rule,
/// heading, why, counts, and a blank.
const ABOVE: u16 = 5;
/// Providers that are shown; a message rarely goes through more.
const LANES: usize = 5;

/// Rows of the table of providers: none where it would say nothing new, or
/// where the pane needs them.
fn lanes_rows(state: &State, height: u16) -> u16 {
    let Some(detail) = current_detail(state) else {
        // Until the detail comes, what stands below keeps its place.
        let lanes = state.messages.lanes.min(LANES) as u16;
        return if lanes > 0 && height >= 18 { lanes + 2 } else { 0 };
    };
    let told = detail.lanes.len() > 1 || detail.lanes.iter().any(|lane| lane.why.is_some());
    let least = if told { 14 } else { 18 };
    if detail.lanes.is_empty() || height < least {
        return 0;
    }
    detail.lanes.len().min(LANES) as u16 + 2
}

fn current_detail(state: &State) -> Option<&MessageDetail> {
    let id = &state.messages.list.selected()?.id;
    state.messages.detail.as_deref().filter(|detail| detail.message.id == *id)
}

/// The rows that the pane has.
pub(super) fn pane_rows(state: &State) -> usize {
    let (_, rest) = layout::split(layout::body(state.size), state.messages.focus);
    let heading = u16::from(state.messages.pane == Pane::Deliveries);
    let lanes = lanes_rows(state, rest.height);
    usize::from(rest.height.saturating_sub(ABOVE + heading + lanes)).max(1)
}

/// The lines that the pane would have.
pub(super) fn pane_lines(state: &State) -> usize {
    if state.messages.current().is_none() {
        return 0;
    }
    match state.messages.pane {
        Pane::Content => state.messages.reading.len() + 2,
        Pane::Deliveries => state.messages.deliveries.rows().len(),
        Pane::Causes => {
            let causes = state.messages.causes.as_ref();
            causes.map_or(0, |causes| causes.failed.errors.len() + causes.left_out.len() + 2)
        }
        Pane::Timeline => 8,
        Pane::Audit => state.messages.audit.as_ref().map_or(0, Vec::len),
    }
}

/// Why a message stands where it stands, as a sentence.
pub(super) fn why(state: &State, message: &Message) -> String {
    match &message.why {
        Some(reason) => format!("It {}.", show::why(&reason.why, state.now, state.zone, state.names())),
        None => match message.state {
            Is::Sent => "All that was planned was accepted.".to_owned(),
            Is::Failed => match message.delivery_errors.first() {
                Some(cause) => format!("It failed for some: {cause}"),
                None => "It failed for some; Causes says why.".to_owned(),
            },
            Is::Cancelled => "It was cancelled; what was accepted stays accepted.".to_owned(),
            other => format!("It {}.", show::stands(other)),
        },
    }
}

/// Draws the detail.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    if area.height == 0 {
        return;
    }
    pen.rule(area, 0);
    let Some(message) = state.messages.current() else { return };
    let lanes_rows = lanes_rows(state, area.height);
    let area = below(area, 1);
    parts::heading(pen, state, area, message);
    let indented = inset(area, 1);
    pen.text(indented, 1, why(state, message), Role::TEXT);
    counts(pen, state, below(indented, 2), message);
    if lanes_rows > 0 {
        lanes(pen, state, first(below(area, ABOVE - 1), lanes_rows - 1));
    }
    let pane = below(indented, ABOVE - 1 + lanes_rows);
    match state.messages.pane {
        Pane::Content => draw_content(pen, state, pane, message),
        Pane::Deliveries => draw_deliveries(pen, state, pane),
        Pane::Causes => draw_causes(pen, state, pane),
        Pane::Timeline => draw_timeline(pen, state, pane, message),
        Pane::Audit => draw_audit(pen, state, pane),
    }
}

fn counts(pen: &mut Pen<'_, '_>, state: &State, area: Rect, message: &Message) {
    let (p, r) = (&message.progress, &message.receipts);
    if p.planned == 0 && !message.state.is_over() && message.state != Is::Processing {
        pen.text(area, 0, format!("to {}", parts::audience(message)), Role::TEXT_DIM);
        return;
    }
    let done = p.planned.saturating_sub(p.open());
    let mut spans = bar(pen, done, p.planned, 10);
    spans.push(pen.span(format!(" {} of {}", show::count(done), show::count(p.planned)), Role::TEXT_STRONG));
    let detail = state.messages.detail.as_ref().filter(|detail| detail.message.id == message.id);
    if let Some(pace) = message_pace(state, message, done) {
        spans.push(pen.span(format!("  {pace}"), Role::TEXT));
    } else if let Some(detail) = detail.filter(|detail| message.state.is_over() && detail.rate > 0.0) {
        spans.push(pen.span(format!("  {}", show::rate(detail.rate)), Role::TEXT));
    }
    pen.row(area, 0, &Line::from(spans));
    let mut spans = Vec::new();
    let all = [
        (Role::STATE_SENT, "accepted", p.accepted, true),
        (Role::STATE_OK, "delivered", r.delivered, false),
        (Role::STATE_FAILED, "bounced", r.bounced + r.soft_bounced, false),
        (Role::STATE_FAILED, "complained", r.complained, false),
        (Role::STATE_SKIPPED, "unsubscribed", r.unsubscribed, false),
        (Role::STATE_RETRY, "retrying", p.retrying, false),
        (Role::STATE_FAILED, "failed", p.failed, true),
        (Role::STATE_UNCERTAIN, "uncertain", p.uncertain, true),
        (Role::STATE_SKIPPED, "left out", p.skipped, false),
        (Role::STATE_EXPIRED, "expired", p.expired, false),
        (Role::STATE_HELD, "held", p.held, false),
        (Role::STATE_CANCELLED, "cancelled", p.cancelled, false),
    ];
    for (role, word, n, always) in all {
        if always || n > 0 {
            if !spans.is_empty() {
                spans.push(pen.span(" · ", Role::TEXT_DIM));
            }
            let role = if n > 0 { role } else { Role::TEXT_DIM };
            spans.push(pen.span(format!("{word} {}", show::count(n)), role));
        }
    }
    pen.row(area, 1, &Line::from(spans));
}

const LANE: &[Column] = &[
    Column::text("Provider", 16),
    Column::number("Done", 17),
    Column::number("Rate", 8),
    Column::number("p50", 7).from(100),
    Column::number("p99", 7).from(90),
    Column::number("Retrying", 8),
    Column::number("Failed", 7),
    Column::fill("State"),
];

/// How it goes through each provider, and why one does not move.
fn lanes(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(detail) = current_detail(state) else { return };
    let health = state.overview.iter().flat_map(|overview| &overview.providers);
    let rows: Vec<Vec<Cell>> = detail
        .lanes
        .iter()
        .take(LANES)
        .map(|lane| {
            let p = &lane.progress;
            let known = health.clone().find(|health| Some(&health.id) == lane.provider_id.as_ref());
            let name = lane
                .provider_id
                .as_ref()
                .map_or_else(|| "no provider".to_owned(), |id| state.names().provider(id));
            let figure = |of: fn(&ProviderHealth) -> String| known.map(of).unwrap_or_default();
            let (role, text) = match &lane.why {
                Some(why) => (Role::NOTICE_WARN, show::why(&why.why, state.now, state.zone, state.names())),
                None if p.open() == 0 => (Role::TEXT_DIM, "through".to_owned()),
                None => (Role::TEXT_DIM, "ok".to_owned()),
            };
            vec![
                Cell::plain(name),
                Cell::plain(format!(
                    "{}/{}",
                    show::count(p.planned.saturating_sub(p.open())),
                    show::count(p.planned)
                )),
                Cell::dim(figure(|health| show::rate(health.rate))),
                Cell::dim(figure(|health| show::millis(health.p50_ms))),
                Cell::dim(figure(|health| show::millis(health.p99_ms))),
                Cell::plain(show::count(p.retrying)),
                Cell::new(
                    show::count(p.failed),
                    if p.failed > 0 { Role::STATE_FAILED } else { Role::TEXT_DIM },
                ),
                Cell::new(text, role),
            ]
        })
        .collect();
    table(pen, area, LANE, rows, None);
}

fn draw_content(pen: &mut Pen<'_, '_>, state: &State, area: Rect, message: &Message) {
    let mut facts = vec![format!("{} to {}", message.provider_type, parts::audience(message))];
    if let Data::Email(mail) = &message.data {
        facts.push(if mail.html { "HTML" } else { "plain text" }.to_owned());
        let files = mail.attachments.len();
        if files > 0 {
            facts.push(format!("{files} attached"));
        }
    }
    if message.variables {
        facts.push("with variables".to_owned());
    }
    facts.push(format!("by {}", message.created_by));
    facts.push(show::id(&message.id));
    pen.text(area, 0, facts.join(" · "), Role::TEXT_DIM);
    let area = below(area, 2);
    let lines = state.messages.reading.iter().skip(state.messages.scroll).take(usize::from(area.height));
    for (n, line) in lines.enumerate() {
        let text = sanitize::fit(line, usize::from(area.width)).into_owned();
        pen.row(area, n, &Line::styled(text, pen.style(Role::TEXT_CODE)));
    }
}

const DELIVERIES: &[Column] = &[
    Column::text("Outcome", 14),
    Column::text("To", 26),
    Column::text("Provider", 10).from(90),
    Column::fill("Answer"),
    Column::number("When", 10),
];

fn draw_deliveries(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let list = &state.messages.deliveries;
    if list.rows().is_empty() {
        let text = if list.is_loaded() { "Nobody has been tried yet." } else { "…" };
        pen.text(area, 0, text, Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = list.top(height);
    let rows: Vec<Vec<Cell>> = list.rows()[top..]
        .iter()
        .take(height)
        .map(|row| {
            vec![
                Cell::state(pen, show::outcome(row.outcome)),
                Cell::plain(row.address.as_str()),
                Cell::dim(state.names().any(row.provider_id.as_ref())),
                Cell::plain(show::answer(row, pen.now)),
                Cell::dim(show::relative_to(row.at, pen.now)),
            ]
        })
        .collect();
    let chosen = (state.messages.focus == Focus::Detail).then(|| list.selected_index() - top);
    table(pen, area, DELIVERIES, rows, chosen);
}

/// One cause as a line, whatever made it.
fn causes(pen: &Pen<'_, '_>, state: &State, of: &super::Causes) -> Vec<Line<'static>> {
    let failed = of.failed.errors.iter().map(|group| {
        let provider = state.names().any(group.provider_id.as_ref());
        let code = if group.code > 0 { format!("{} ", group.code) } else { String::new() };
        let text = if group.text.is_empty() { "no answer" } else { group.text.as_str() };
        let since = format!(
            "  since {}, last {}",
            show::age(group.first, state.now),
            show::relative_to(group.last, state.now)
        );
        Line::from(vec![
            pen.span(format!("{:>8}  ", show::count(group.count)), Role::TEXT_STRONG),
            pen.span(format!("{} ", sparkline(&group.trend)), Role::BAR_FULL),
            pen.span(format!("{provider}  "), Role::TEXT_DIM),
            pen.span(format!("{code}{text}"), Role::TEXT),
            pen.span(since, Role::TEXT_DIM),
        ])
    });
    let left = of.left_out.iter().map(|(reason, count)| {
        let (role, word) = show::outcome(Outcome::Skipped);
        let more = if of.more_left_out { "+" } else { "" };
        Line::from(vec![
            pen.span(format!("{:>8}  ", format!("{}{more}", show::count(*count))), Role::TEXT_STRONG),
            pen.state(role, &format!("{word:<10} ")),
            pen.span(reason.as_str(), Role::TEXT),
        ])
    });
    failed.chain(left).collect()
}

fn draw_causes(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(of) = &state.messages.causes else {
        pen.text(area, 0, "…", Role::TEXT_DIM);
        return;
    };
    if of.is_empty() {
        pen.text(area, 0, "Nobody failed and nobody was left out.", Role::TEXT_DIM);
        return;
    }
    let lines = causes(pen, state, of);
    let room = usize::from(area.height);
    for (n, line) in lines.iter().skip(state.messages.scroll).take(room).enumerate() {
        pen.row(area, n, line);
    }
    if of.failed.cut_short {
        let n = lines.len().saturating_sub(state.messages.scroll);
        let text =
            format!("          of the newest {} failures; Deliveries has all.", show::count(of.failed.rows));
        pen.text(area, n, text, Role::TEXT_DIM);
    }
}

fn draw_timeline(pen: &mut Pen<'_, '_>, state: &State, area: Rect, message: &Message) {
    let mut events: Vec<(Timestamp, String)> = vec![
        (message.created_at, format!("created by {}", message.created_by)),
        (message.updated_at, "last changed".to_owned()),
    ];
    let words = message.schedule_words.as_ref().map(|words| format!(" (“{}”)", words.words));
    let known = [
        (message.scheduled_at, format!("due{}", words.unwrap_or_default())),
        (message.started_at, format!("sending began, run {}", message.run)),
        (message.delivered_at, format!("ended: {}", show::state(message.state).1)),
        (message.expires_at, "too late to try after this".to_owned()),
    ];
    events.extend(known.into_iter().filter_map(|(at, text)| Some((at?, text))));
    events.sort_by_key(|(at, _)| *at);
    for (n, (at, text)) in events.iter().skip(state.messages.scroll).enumerate() {
        let ahead = at.to_utc() > state.now;
        let role = if ahead { Role::TEXT_DIM } else { Role::TEXT };
        let line = Line::from(vec![
            pen.span(format!("{:<26}", show::exact(*at, state.zone)), Role::TEXT_DIM),
            pen.span(format!("{:>12}  ", show::relative_to(*at, state.now)), Role::TEXT_DIM),
            pen.span(text, role),
        ]);
        pen.row(area, n, &line);
    }
}

fn draw_audit(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(entries) = &state.messages.audit else {
        pen.text(area, 0, "…", Role::TEXT_DIM);
        return;
    };
    if entries.is_empty() {
        pen.text(area, 0, "Nobody has done anything to it.", Role::TEXT_DIM);
    }
    let shown = entries.iter().skip(state.messages.scroll).take(usize::from(area.height));
    for (n, entry) in shown.enumerate() {
        let line = Line::from(vec![
            pen.span(format!("{:<26}", show::exact(entry.at, state.zone)), Role::TEXT_DIM),
            pen.span(format!("{}  ", entry.actor.name), Role::TEXT_STRONG),
            pen.span(format!("{}  ", entry.event), Role::TEXT),
            pen.span(&entry.summary, Role::TEXT_DIM),
        ]);
        pen.row(area, n, &line);
    }
}
