//! Wide characters that lost a half.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

/// Blanks every wide character whose right half something else was drawn over, as a
/// terminal would.
///
/// ratatui compares frames on the assumption that no wide character is followed by a
/// cell with something in it. Where the edge of a dialog falls on the right half of a
/// character below, that does not hold: the edge would not be shown, nor what comes
/// to stand there next.
pub fn blank_torn_halves(buffer: &mut Buffer) {
    let columns = usize::from(buffer.area.width);
    for row in buffer.content.chunks_mut(columns.max(1)) {
        for at in 1..row.len() {
            let left = row[at - 1].symbol();
            if left.len() > 1 && left.width() > 1 && row[at].symbol() != " " {
                row[at - 1].set_symbol(" ");
            }
        }
    }
}
