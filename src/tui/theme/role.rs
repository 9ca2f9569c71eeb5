//! What a theme colours: roles, never widgets.

/// A role. A theme that has no `state.failed.row` uses its `state.failed`, then
/// its `state`, then `text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Role(pub &'static str);

macro_rules! roles {
    ($($name:ident $id:literal $doc:literal;)+) => {
        impl Role {
            $(#[doc = $doc] pub const $name: Self = Self($id);)+

            /// Every role that the console uses.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

roles! {
    TEXT "text" "What is read.";
    TEXT_DIM "text.dim" "What may be skipped: ids, units, times, rules.";
    TEXT_STRONG "text.strong" "Headings and the subject of a detail.";
    TEXT_CODE "text.code" "Command lines, and text as it was received.";
    ACCENT "accent" "The one accent: the tab and the row that are selected.";
    RULE "rule" "Lines that separate.";
    HEADER "header" "The header's text.";
    HEADER_PLACE "header.place" "Where am I: the console's name, the host, DEMO.";
    HEADER_PLACE_PRODUCTION "header.place.production" "Where am I, when a mistake costs.";
    TAB "tab" "A tab.";
    TAB_ACTIVE "tab.active" "The tab that is shown.";
    FOOTER "footer" "The footer's text.";
    KEY "key" "A key in a hint.";
    ROW_SELECTED "row.selected" "The selected row.";
    ROW_CHANGED "row.changed" "A row that just changed.";
    FIELD "field" "A text field.";
    FIELD_FOCUSED "field.focused" "The text field that has the keys.";
    FIELD_ERROR "field.error" "What is wrong with a field.";
    BAR_FULL "bar.full" "The done part of a bar, and sparklines.";
    BAR_EMPTY "bar.empty" "The rest of a bar.";
    NOTICE "notice" "Something to know.";
    NOTICE_WARN "notice.warn" "Something to look at.";
    NOTICE_ERROR "notice.error" "Something that went wrong.";
    STATE_OK "state.ok" "Well.";
    STATE_DRAFT "state.draft" "A draft.";
    STATE_SCHEDULED "state.scheduled" "Due later.";
    STATE_HELD "state.held" "Waits for a person.";
    STATE_SENDING "state.sending" "Being sent.";
    STATE_WAITING "state.waiting" "Waits for its turn.";
    STATE_PAUSED "state.paused" "Paused by somebody.";
    STATE_CANCELLED "state.cancelled" "Cancelled.";
    STATE_SENT "state.sent" "All accepted.";
    STATE_FAILED "state.failed" "Failed, refused or bounced.";
    STATE_RETRY "state.retry" "Will be tried again.";
    STATE_UNCERTAIN "state.uncertain" "Nobody knows whether it was accepted.";
    STATE_SKIPPED "state.skipped" "Left out, with a reason.";
    STATE_EXPIRED "state.expired" "Past its deadline.";
    STATE_DISABLED "state.disabled" "Not in use.";
}

impl Role {
    /// The role and what it falls back to, in order.
    pub fn fallbacks(self) -> impl Iterator<Item = &'static str> {
        let mut next = Some(self.0);
        std::iter::from_fn(move || {
            let name = next?;
            next = match name.rfind('.') {
                Some(dot) => Some(&name[..dot]),
                None if name == "text" => None,
                None => Some("text"),
            };
            Some(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_fall_back_along_their_dots() {
        let chain: Vec<_> = Role::HEADER_PLACE_PRODUCTION.fallbacks().collect();
        assert_eq!(chain, ["header.place.production", "header.place", "header", "text"]);
        assert_eq!(Role::TEXT.fallbacks().collect::<Vec<_>>(), ["text"]);
    }
}
