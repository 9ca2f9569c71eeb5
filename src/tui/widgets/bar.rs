//! How far something has come, and how something went.

use ratatui::text::Span;

use super::pen::Pen;
use crate::tui::theme::Role;

/// A bar of so many columns.
pub fn bar(pen: &Pen<'_, '_>, done: u64, all: u64, columns: usize) -> Vec<Span<'static>> {
    let full = filled(done, all, columns);
    vec![
        Span::styled("▓".repeat(full), pen.style(Role::BAR_FULL)),
        Span::styled("░".repeat(columns - full), pen.style(Role::BAR_EMPTY)),
    ]
}

/// The same as text, for a cell.
pub fn bar_text(done: u64, all: u64, columns: usize) -> String {
    let full = filled(done, all, columns);
    "▓".repeat(full) + &"░".repeat(columns - full)
}

fn filled(done: u64, all: u64, columns: usize) -> usize {
    if all == 0 {
        return 0;
    }
    (u128::from(done.min(all)) * columns as u128 / u128::from(all)) as usize
}

/// Percent, rounded down so that 100 means all.
pub fn percent(done: u64, all: u64) -> u64 {
    if all == 0 { 0 } else { (u128::from(done.min(all)) * 100 / u128::from(all)) as u64 }
}

/// Heights over time.
pub fn sparkline(values: &[u32]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    values
        .iter()
        .map(|value| {
            let height = u64::from(*value) * 7 / u64::from(most);
            BLOCKS[(height as usize).min(7)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_when_all_is_done() {
        assert_eq!(bar_text(62, 100, 9), "▓▓▓▓▓░░░░");
        assert_eq!(bar_text(999, 1000, 9), "▓▓▓▓▓▓▓▓░");
        assert_eq!(bar_text(5, 0, 3), "░░░");
        assert_eq!((percent(999, 1000), percent(3, 3)), (99, 100));
    }

    #[test]
    fn sparklines_scale_to_their_highest() {
        assert_eq!(sparkline(&[0, 7, 14]), "▁▄█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
    }
}
