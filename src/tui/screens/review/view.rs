//! How a review looks.

use ratatui::layout::Rect;

use super::Review;
use crate::tui::action::{Action, Scope};
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, inset};
use crate::tui::{request, sanitize, show};
use crate::wire::preview::Preview;

/// Columns of the labels.
const LABEL: usize = 18;
/// Columns of the numbers beside the labels.
const NUMBER: usize = 9;
/// Columns of the labels of what does the same.
const SAME: usize = 14;

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, review: &Review, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, &review.title, Role::TEXT_STRONG);
    let mut at = 2;
    if let Some(preview) = &review.preview {
        at = audience(pen, area, at, preview);
    }
    for (line, role) in &review.lines {
        at = pen.paragraph(indented(area, 2), at, line, *role);
    }
    if let Some(preview) = &review.preview {
        at = sample(pen, area, at, preview, review.sample);
    }
    at += 1;
    ask(pen, area, at, state, review);
    if review.watch.has_lapsed() {
        return;
    }
    at += 3;
    let Some(command) = review.command_line() else { return };
    let request = review.request_line().unwrap_or_else(|| request::why_none(&review.command).to_owned());
    for (label, line) in [("the same as", command), ("or", request)] {
        pen.text(area, at, format!("{label:<SAME$}"), Role::TEXT_DIM);
        at = pen.paragraph(indented(area, SAME as u16), at, &brief(&line), Role::TEXT_DIM);
    }
}

/// The first of many lines, and how many there are.
fn brief(lines: &str) -> String {
    match lines.split_once('\n') {
        Some((first, rest)) => {
            let more = rest.lines().count() as u64;
            format!("{first}, and {} more like it; all are copied", show::count(more))
        }
        None => lines.to_owned(),
    }
}

fn indented(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

/// A fact with its label; says the row below.
fn fact(pen: &mut Pen<'_, '_>, area: Rect, at: usize, label: &str, text: &str) -> usize {
    pen.text(area, at, format!("  {label}"), Role::TEXT_DIM);
    pen.paragraph(indented(area, LABEL as u16 + 2), at, text, Role::TEXT)
}

/// A number with its label and what is counted, the numbers below one another; says the
/// row below.
fn number(pen: &mut Pen<'_, '_>, area: Rect, at: usize, label: &str, number: &str, text: &str) -> usize {
    pen.text(area, at, format!("  {label:<LABEL$}{number:>NUMBER$}"), Role::TEXT_DIM);
    pen.text(indented(area, LABEL as u16 + 2), at, format!("{number:>NUMBER$}"), Role::TEXT);
    pen.paragraph(indented(area, (LABEL + NUMBER) as u16 + 4), at, text, Role::TEXT).max(at + 1)
}

fn audience(pen: &mut Pen<'_, '_>, area: Rect, mut at: usize, preview: &Preview) -> usize {
    let topics: Vec<String> =
        preview.topics.iter().map(|topic| format!("{} {}", topic.name, show::count(topic.count))).collect();
    let more = if preview.cut_short { " and more: only the first were counted" } else { "" };
    let text = format!("{}{more}", topics.join(", "));
    at = number(pen, area, at, "in the audience", &show::count(preview.in_audience), &text);
    if preview.duplicates > 0 {
        let less = format!("−{}", show::count(preview.duplicates));
        at = number(pen, area, at, "", &less, "named twice, one copy each");
    }
    let left: u64 = preview.left_out.iter().map(|left| left.count).sum();
    if left > 0 {
        let reasons: Vec<String> = preview
            .left_out
            .iter()
            .map(|left| format!("{} {}", show::count(left.count), left.reason))
            .collect();
        at = number(pen, area, at, "left out", &format!("−{}", show::count(left)), &reasons.join(" · "));
    }
    let told = preview.in_audience.saturating_sub(preview.duplicates + left);
    let gets = preview.recipients.saturating_sub(preview.suppressed);
    if told != gets && !preview.cut_short {
        at = number(pen, area, at, "other", &unexplained(told, gets), "who cannot be told apart here");
    }
    let of = if preview.suppressed == 0 {
        String::new()
    } else {
        format!("of {} that it is planned for", show::count(preview.recipients))
    };
    at = number(pen, area, at, "get it", &show::count(gets), &of);
    for (n, provider) in preview.providers.iter().enumerate() {
        let name = if provider.provider_id.is_none() {
            "nobody: no provider of the type is enabled".to_owned()
        } else {
            provider.name.clone()
        };
        let batches = if provider.batches == provider.recipients || provider.batches == 0 {
            String::new()
        } else {
            format!(" in {} requests", show::count(provider.batches))
        };
        let rules = if provider.prefixes.is_empty() {
            String::new()
        } else {
            format!(", numbers of {}", provider.prefixes.join(", "))
        };
        let label = if n == 0 { "by provider" } else { "" };
        let text = format!("{name}{batches}{rules}");
        at = number(pen, area, at, label, &show::count(provider.recipients), &text);
    }
    if let Some(seconds) = preview.seconds {
        let text = format!("about {} at the providers’ limits", show::seconds(seconds));
        at = fact(pen, area, at, "takes", &text);
    }
    at
}

/// What is missing between what was told and what is sent, with its sign.
fn unexplained(told: u64, recipients: u64) -> String {
    if told > recipients {
        format!("−{}", show::count(told - recipients))
    } else {
        format!("+{}", show::count(recipients - told))
    }
}

fn sample(pen: &mut Pen<'_, '_>, area: Rect, at: usize, preview: &Preview, n: usize) -> usize {
    let Some(sample) = preview.samples.get(n) else { return at };
    let which = match preview.samples.len() {
        1 => String::new(),
        many => format!("◂ {} of {many} ▸  ", n + 1),
    };
    if !sample.problem.is_empty() {
        let at = fact(pen, area, at, "sample", &format!("{which}{}", sample.address));
        return pen.paragraph(indented(area, 20), at, &sample.problem, Role::FIELD_ERROR);
    }
    let subject =
        if sample.subject.is_empty() { String::new() } else { format!("  “{}”", sample.subject) };
    let at = fact(pen, area, at, "sample", &format!("{which}{}{subject}", sample.address));
    // Enough to recognise it by; the whole is in the compose form.
    let lines: Vec<String> = sanitize::lines(&sample.body)
        .filter(|line| !line.trim().is_empty())
        .take(3)
        .map(Into::into)
        .collect();
    for (row, line) in lines.iter().enumerate() {
        pen.text(indented(area, 20), at + row, line, Role::TEXT_CODE);
    }
    at + lines.len()
}

fn ask(pen: &mut Pen<'_, '_>, area: Rect, at: usize, state: &State, review: &Review) {
    let waits = review.is_counting();
    let text = match &review.word {
        _ if review.busy => "…".to_owned(),
        _ if waits => "Counting…".to_owned(),
        _ if review.leaving => "Enter leaves. Esc stays. ".to_owned(),
        Some(word) => format!("Type {word} and press enter. Esc goes back. "),
        None if review.anew().is_some() => {
            let key = state.keymap.keys_for(Action::Refresh, &[Scope::Review, Scope::Global]);
            format!("{} reads it anew. Esc goes back.", key.first().map_or("", String::as_str))
        }
        None if review.watch.has_lapsed() => "Esc goes back.".to_owned(),
        None if review.preview.as_ref().is_some_and(|preview| preview.recipients == 0) => {
            "Esc goes back.".to_owned()
        }
        None if review.preview.is_some() => "Enter sends it. Esc goes back.".to_owned(),
        None => "Enter does it. Esc goes back.".to_owned(),
    };
    let wide = sanitize::width(&text) as u16;
    pen.text(area, at, &text, Role::TEXT);
    if (review.word.is_some() || review.leaving) && !review.busy {
        let field = Rect { x: area.x + wide.min(area.width), y: area.y + at as u16, width: 12, height: 1 };
        review.field.draw(pen, field.intersection(area), true);
    }
    if let Some(problem) = &review.problem {
        pen.paragraph(area, at + 1, problem, Role::FIELD_ERROR);
    }
}
