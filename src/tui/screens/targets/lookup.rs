//! An address that is typed: its target, or what was sent to it when it had one.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::time::Timestamp;
use crate::tui::message::{Fetch, Slot};
use crate::tui::show;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};

/// Rows that are asked for.
const ROWS: usize = 50;

/// What was sent to an address.
#[derive(Debug)]
pub struct Found {
    /// Which.
    pub address: String,
    /// The rows, newest first.
    pub rows: Vec<Delivery>,
    /// Since when the log is kept.
    pub since: Option<Timestamp>,
}

/// The one word of a filter, if it is nothing else.
pub(super) fn word(filter: &str) -> Option<&str> {
    let word = filter.trim();
    let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "=<>~!()\"'".contains(c));
    plain.then_some(word)
}

/// Whether a word is a whole address or number.
fn is_address(word: &str) -> bool {
    let mail = word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let digits = word.strip_prefix('+').unwrap_or_default();
    mail || (digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// What a filter means to the API: a word alone is looked for in addresses and
/// names, and not in ids, of which nobody remembers a part.
pub(super) fn filter(typed: &str) -> String {
    match word(typed) {
        Some(word) if is_address(word) => format!("address=\"{word}\""),
        Some(word) => {
            let id = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            let ids = if id { format!(" or user={word} or id={word}") } else { String::new() };
            format!("address~\"{word}\" or name~\"{word}\"{ids}")
        }
        None => typed.to_owned(),
    }
}

/// Where no target has the address, asks the log for it.
pub(super) fn ask(state: &mut State) {
    let screen = &mut state.targets;
    let address = word(&screen.filter).filter(|word| is_address(word) && screen.list.rows().is_empty());
    let Some(address) = address.map(ToOwned::to_owned) else {
        screen.lookup = None;
        return;
    };
    super::ask_suppressed(state, address.clone(), None);
    let request = DeliveryRequest { address: Some(address), limit: Some(ROWS), ..DeliveryRequest::default() };
    state.ask(Slot::Address, Fetch::Deliveries(request));
}

/// Takes what was sent to the address.
pub fn take(state: &mut State, request: &DeliveryRequest, page: DeliveryPage) {
    let screen = &mut state.targets;
    if let Some(address) = &request.address
        && word(&screen.filter) == Some(address)
        && screen.list.rows().is_empty()
    {
        screen.lookup = Some(Found { address: address.clone(), rows: page.deliveries, since: page.since });
    }
}

/// Draws it.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(found) = &state.targets.lookup else { return };
    let area = inset(area, 1);
    pen.text(area, 0, format!("{} is no target's address now", found.address), Role::TEXT_STRONG);
    let text =
        show::whereabouts(&found.address, &found.rows, found.since, state.now, state.zone, state.names());
    let mut at = pen.paragraph(area, 1, &text, Role::TEXT);
    if let Some(listed) = super::suppression(state) {
        at = pen.paragraph(area, at, &listed, Role::STATE_SKIPPED);
    }
    let at = at + 1;
    for (n, row) in found.rows.iter().take(usize::from(area.height).saturating_sub(at)).enumerate() {
        let (role, word) = show::outcome(row.outcome);
        let line = Line::from(vec![
            pen.span(format!("{:<24}", show::exact(row.at, state.zone)), Role::TEXT_DIM),
            pen.state(role, &format!("{word:<11}")),
            pen.span(format!("{}  ", row.headline), Role::TEXT),
            pen.span(show::answer(row, state.now), Role::TEXT_DIM),
        ]);
        pen.row(below(area, at as u16), n, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Filter;
    use crate::domain::zone::Zone;
    use crate::wire::fields::TARGETS;

    #[test]
    fn a_word_is_looked_for_in_addresses_and_names() {
        for typed in ["ana", "ana@example.com", "+4930123456", "type=sms ana", "expired=true", ""] {
            let text = filter(typed);
            let read = Filter::parse(&text).unwrap();
            assert!(read.check(&TARGETS, Zone::UTC).is_ok(), "{typed}: {text}");
        }
        assert_eq!(filter("ana@example.com"), "address=\"ana@example.com\"");
        assert!(filter("ana@exam").starts_with("address~"));
        assert_eq!(filter("type=sms"), "type=sms");
    }
}
