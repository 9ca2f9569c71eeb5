//! Foreign text as ratatui shows it.
//!
//! Nothing that others wrote goes into a widget but through here.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

pub use crate::domain::sanitize::{ELLIPSIS, fit, fit_middle, line, lines, paste_line, text, width};

/// A foreign text as a span of at most `columns`.
pub fn span(text: &str, columns: usize, style: Style) -> Span<'_> {
    Span::styled(fit(text, columns), style)
}

/// A foreign text as a span of exactly `columns`, padded on the right.
pub fn column(text: &str, columns: usize, style: Style) -> Span<'static> {
    let mut cell = fit(text, columns).into_owned();
    let missing = columns.saturating_sub(width(&cell));
    cell.extend(std::iter::repeat_n(' ', missing));
    Span::styled(cell, style)
}

/// The lines `from..from + height` of a foreign text, each cut to `columns`.
pub fn page(text: &str, from: usize, height: usize, columns: usize, style: Style) -> Vec<Line<'_>> {
    lines(text)
        .skip(from)
        .take(height)
        .map(|one| Line::styled(fit(&one, columns).into_owned(), style))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_by_display_width() {
        assert_eq!(column("日本", 6, Style::new()).content, "日本  ");
        assert_eq!(column("日本語です", 6, Style::new()).content, "日本… ");
    }

    #[test]
    fn a_page_shows_only_its_lines() {
        let page = page("one\ntw\x1bo\nthree\nfour", 1, 2, 4, Style::new());
        let shown: Vec<String> = page.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["tw␛o", "thr…"]);
    }
}
