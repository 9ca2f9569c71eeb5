//! Above the log: how much each provider takes, and how fast it answers.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::screens::providers::stands;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::Pen;
use crate::tui::{sanitize, show};
use crate::wire::provider::ProviderHealth;

/// Columns of a name in a line of its own.
const NAME: usize = 20;
/// Columns of a name where several share a line.
const SHORT: usize = 14;

/// Those that may be chosen, as the tab of providers has them: a line never changes
/// its place because another became faster.
fn shown(state: &State) -> Vec<&ProviderHealth> {
    let all = state.overview.iter().flat_map(|overview| &overview.providers);
    all.filter(|provider| provider.enabled || provider.in_flight > 0).collect()
}

/// The rows that they take of so many: one line that they share where there is
/// little room, a line each where there is more, never so many that the log is short.
pub(super) fn height(state: &State, rows: u16) -> u16 {
    let most = match rows {
        0..12 => 0,
        12..28 => 1,
        28..40 => 3,
        _ => 6,
    };
    most.min(u16::try_from(shown(state).len()).unwrap_or(u16::MAX))
}

/// Draws as many as there are rows for.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let providers = shown(state);
    if area.height == 0 {
        return;
    }
    if area.height == 1 {
        let line = shared(pen, &providers, usize::from(area.width));
        pen.row(area, 0, &line);
        return;
    }
    let all = usize::from(area.height) >= providers.len();
    let rows = if all { providers.len() } else { usize::from(area.height) - 1 };
    for (n, provider) in providers.iter().take(rows).enumerate() {
        let (role, _) = stands(provider);
        let line = Line::from(vec![
            pen.state(role, ""),
            sanitize::column(&provider.name, NAME, pen.style(Role::TEXT)),
            pen.span(format!("{:>9}", show::rate(provider.rate)), Role::TEXT),
            pen.span(answers(provider), Role::TEXT_DIM),
        ]);
        pen.row(area, n, &line);
    }
    if !all {
        let text = format!("  and {} more", providers.len() - rows);
        pen.text(area, rows, text, Role::TEXT_DIM);
    }
}

fn answers(provider: &ProviderHealth) -> String {
    let waiting = provider.waiting();
    let accepted = provider.success.map_or_else(String::new, |share| format!("   {:.1} %", share * 100.0));
    format!(
        "   p50 {:>7}   p99 {:>7}   waiting {}{accepted}",
        show::latency(provider.p50_ms),
        show::latency(provider.p99_ms),
        show::count(waiting)
    )
}

/// All of them in one line: as many as fit, and how many do not.
fn shared(pen: &Pen<'_, '_>, providers: &[&ProviderHealth], columns: usize) -> Line<'static> {
    let texts: Vec<_> = providers.iter().map(|provider| short(provider)).collect();
    let fitting = fitting(&texts, columns);
    let mut spans = Vec::new();
    for (provider, text) in providers.iter().zip(texts).take(fitting) {
        let (role, _) = stands(provider);
        spans.push(pen.state(role, ""));
        spans.push(pen.span(format!("{text}   "), Role::TEXT_DIM));
    }
    if fitting < providers.len() {
        spans.push(pen.span(format!("+{}", providers.len() - fitting), Role::TEXT_DIM));
    }
    Line::from(spans)
}

fn short(provider: &ProviderHealth) -> String {
    let name = sanitize::line(&provider.name);
    format!(
        "{} {} {}",
        sanitize::fit(&name, SHORT),
        show::rate(provider.rate),
        show::latency(provider.p50_ms)
    )
}

/// How many of the texts fit, each with a glyph before and three blanks behind it, and room for the
/// number of the others. One always does: the pen cuts it.
fn fitting(texts: &[String], columns: usize) -> usize {
    let mut used = 0;
    for (n, text) in texts.iter().enumerate() {
        used += 2 + sanitize::width(text);
        let left = texts.len() - n - 1;
        let more = if left == 0 { 0 } else { 3 + format!("+{left}").len() };
        if n > 0 && used + more > columns {
            return n;
        }
        used += 3;
    }
    texts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shared_by_those_that_fit() {
        let texts = ["Main (SMTP) 20/s 101 ms", "Texts 3.0/s 158 ms", "Devices 0.0/s –"].map(str::to_owned);
        let whole = 2 + 23 + 3 + 2 + 18 + 3 + 2 + 15;
        assert_eq!(fitting(&texts, whole), 3);
        assert_eq!(fitting(&texts, whole - 1), 2);
        let two = 2 + 23 + 3 + 2 + 18 + 3 + 2;
        assert_eq!(fitting(&texts, two), 2);
        assert_eq!(fitting(&texts, two - 1), 1);
        assert_eq!(fitting(&texts, 1), 1, "one is always there");
        assert_eq!(fitting(&[], 80), 0);
    }
}
