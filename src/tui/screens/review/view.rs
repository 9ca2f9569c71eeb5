//! How a review looks.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Review;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, inset};
use crate::tui::{sanitize, show};
use crate::wire::preview::Preview;

/// Columns of the labels.
const LABEL: usize = 18;

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, _: &State, review: &Review, body: Rect) {
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
    ask(pen, area, at, review);
    if let Some(line) = &review.same_as {
        pen.text(area, at + 3, format!("the same as   {line}"), Role::TEXT_DIM);
    }
    if let Some(line) = crate::tui::request::of(&review.command).filter(|_| !waits(review)) {
        pen.text(area, at + 4, format!("or            {line}"), Role::TEXT_DIM);
    }
}

fn waits(review: &Review) -> bool {
    review.is_counting() || review.watch.has_lapsed()
}

fn indented(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

fn fact(pen: &mut Pen<'_, '_>, area: Rect, at: usize, label: &str, text: &str) {
    let line = Line::from(vec![
        pen.span(format!("  {label:<LABEL$}"), Role::TEXT_DIM),
        pen.span(sanitize::fit(text, usize::from(area.width).saturating_sub(LABEL + 2)), Role::TEXT),
    ]);
    pen.row(area, at, &line);
}

fn audience(pen: &mut Pen<'_, '_>, area: Rect, mut at: usize, preview: &Preview) -> usize {
    let topics: Vec<String> =
        preview.topics.iter().map(|topic| format!("{} {}", topic.name, show::count(topic.count))).collect();
    let more = if preview.cut_short { " and more: only the first were counted" } else { "" };
    let named = if topics.is_empty() { String::new() } else { format!(": {}", topics.join(", ")) };
    let text = format!("{:>9}{named}{more}", show::count(preview.in_audience));
    fact(pen, area, at, "in the audience", &text);
    at += 1;
    if preview.duplicates > 0 {
        let text =
            format!("{:>9} named twice, one copy each", format!("−{}", show::count(preview.duplicates)));
        fact(pen, area, at, "", &text);
        at += 1;
    }
    let left: u64 = preview.left_out.iter().map(|left| left.count).sum();
    if left > 0 {
        let reasons: Vec<String> = preview
            .left_out
            .iter()
            .map(|left| format!("{} {}", show::count(left.count), left.reason))
            .collect();
        let text = format!("{:>9}: {}", format!("−{}", show::count(left)), reasons.join(" · "));
        fact(pen, area, at, "left out", &text);
        at += 1;
    }
    let told = preview.in_audience.saturating_sub(preview.duplicates + left);
    let gets = preview.recipients.saturating_sub(preview.suppressed);
    if told != gets && !preview.cut_short {
        let text = format!("{:>9} who cannot be told apart here", unexplained(told, gets));
        fact(pen, area, at, "other", &text);
        at += 1;
    }
    let of = if preview.suppressed == 0 {
        String::new()
    } else {
        format!(" of {} that it is planned for", show::count(preview.recipients))
    };
    fact(pen, area, at, "get it", &format!("{:>9}{of}", show::count(gets)));
    at += 1;
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
        let text = format!("{:>9} {name}{batches}{rules}", show::count(provider.recipients));
        fact(pen, area, at, if n == 0 { "by provider" } else { "" }, &text);
        at += 1;
    }
    if let Some(seconds) = preview.seconds {
        let text = format!("about {} at the providers’ limits", show::seconds(seconds));
        fact(pen, area, at, "takes", &text);
        at += 1;
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
    let which = format!("◂ {} of {} ▸", n + 1, preview.samples.len());
    if !sample.problem.is_empty() {
        fact(pen, area, at, "sample", &format!("{}  {which}", sample.address));
        pen.text(indented(area, 20), at + 1, &sample.problem, Role::FIELD_ERROR);
        return at + 2;
    }
    let subject =
        if sample.subject.is_empty() { String::new() } else { format!("  “{}”", sample.subject) };
    fact(pen, area, at, "sample", &format!("{}{subject}  {which}", sample.address));
    // Enough to recognise it by; the whole is in the compose form.
    let lines: Vec<String> = sanitize::lines(&sample.body)
        .filter(|line| !line.trim().is_empty())
        .take(3)
        .map(Into::into)
        .collect();
    for (row, line) in lines.iter().enumerate() {
        pen.text(indented(area, 20), at + 1 + row, line, Role::TEXT_CODE);
    }
    at + 1 + lines.len()
}

fn ask(pen: &mut Pen<'_, '_>, area: Rect, at: usize, review: &Review) {
    let waits = review.is_counting();
    let text = match &review.word {
        _ if review.busy => "…".to_owned(),
        _ if waits => "Counting…".to_owned(),
        _ if review.leaving => "Enter leaves. Esc stays. ".to_owned(),
        Some(word) => format!("Type {word} and press enter. Esc goes back. "),
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
