//! One screen, one file: what it holds, what its actions do, how it looks.

pub mod compose;
pub mod form;
pub mod help;
pub mod job;
pub mod live;
pub mod messages;
pub mod overview;
pub mod palette;
pub mod pick;
pub mod providers;
pub mod review;
pub mod targets;
pub mod topics;

use chrono_tz::Tz;

use super::action::Action;
use super::state::Tab;
use super::state::paged::{Keyed, Paged};
use crate::domain::filter::{FieldTable, Filter};
use crate::wire::delivery::Delivery;
use crate::wire::fields;
use crate::wire::message::Message;
use crate::wire::person::Target;
use crate::wire::topic::{Subscriber, Topic};

macro_rules! keyed {
    ($($row:ty: $field:ident;)+) => {$(
        impl Keyed for $row {
            fn key(&self) -> String {
                self.$field.to_string()
            }
        }
    )+};
}

keyed! {
    Message: id;
    Topic: id;
    Target: id;
    Subscriber: id;
    Delivery: seq;
}

/// What a tab's list can be filtered by.
pub fn filter_table(tab: Tab) -> Option<&'static FieldTable> {
    match tab {
        Tab::Messages => Some(&fields::MESSAGES),
        Tab::Topics => Some(&fields::TOPICS),
        Tab::Targets => Some(&fields::TARGETS),
        Tab::Live => Some(&fields::DELIVERIES),
        Tab::Overview | Tab::Providers => None,
    }
}

/// Whether a filter is one; else what is wrong with it.
pub fn check_filter(text: &str, table: &FieldTable, zone: Tz) -> Result<(), String> {
    let filter = Filter::parse(text).map_err(|error| error.to_string())?;
    filter.check(table, zone).map(drop).map_err(|error| error.to_string())
}

/// How far an action moves in a list of this height; nothing if it does not move.
pub fn distance(action: Action, height: usize) -> Option<isize> {
    let page = height.saturating_sub(1).max(1) as isize;
    Some(match action {
        Action::MoveDown => 1,
        Action::MoveUp => -1,
        Action::PageDown => page,
        Action::PageUp => -page,
        Action::Top => isize::MIN,
        Action::End => isize::MAX,
        _ => return None,
    })
}

/// Moves in a list. Says whether the action was such a move.
pub fn walk<T: Keyed>(list: &mut Paged<T>, action: Action, height: usize) -> bool {
    let Some(by) = distance(action, height) else { return false };
    if action == Action::Top && !list.at_start() {
        list.rewind();
    } else {
        list.step(by, height);
    }
    true
}

/// Moves a scroll position. Says whether the action was such a move.
pub fn scroll(at: &mut usize, action: Action, height: usize, lines: usize) -> bool {
    let Some(by) = distance(action, height) else { return false };
    *at = at.saturating_add_signed(by).min(lines.saturating_sub(height));
    true
}
