//! One screen, one file: what it holds, what its actions do, how it looks.

pub mod bulk;
pub mod choices;
pub mod compose;
pub mod dialogue;
mod finder;
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

use crate::domain::zone::Zone;

use super::action::Action;
use super::message::{Folder, Page};
use super::state::paged::{Keyed, Paged};
use super::state::{State, Tab};
use super::widgets::table::Column;
use crate::domain::filter::{FieldTable, Filter};
use crate::wire::delivery::{Delivery, DeliveryRequest};
use crate::wire::fields;
use crate::wire::message::Message;
use crate::wire::person::Target;
use crate::wire::topic::{Subscriber, Topic};

/// Takes what a folder holds: the form that lies over everything asked, else the message that is written.
pub fn take_folder(state: &mut State, folder: &Folder) {
    if !form::take_folder(state, folder) {
        compose::take_folder(state, folder);
    }
}

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

/// The columns of a tab's list.
pub fn columns(tab: Tab) -> &'static [Column] {
    match tab {
        Tab::Messages => messages::COLUMNS,
        Tab::Topics => topics::COLUMNS,
        Tab::Targets => targets::COLUMNS,
        Tab::Providers => providers::COLUMNS,
        Tab::Overview | Tab::Live => &[],
    }
}

/// Whether something is selected that actions can mean.
pub fn has_selection(state: &State) -> bool {
    match state.tab {
        Tab::Overview => overview::has_selection(state),
        Tab::Messages => state.messages.current().is_some(),
        Tab::Topics => state.topics.list.selected().is_some(),
        Tab::Targets => state.targets.list.selected().is_some(),
        Tab::Providers => state.providers.current().is_some(),
        Tab::Live => state.live.current().is_some(),
    }
}

/// Whether a filter is one; else what is wrong with it.
pub fn check_filter(text: &str, table: &FieldTable, zone: Zone) -> Result<(), String> {
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

/// What a move in a list leads to.
#[derive(Debug)]
pub enum Walk {
    /// It was no move.
    Not,
    /// All that is shown is there.
    There,
    /// This is to be asked for.
    Ask(Page),
}

/// Moves in a list, or marks in it.
pub fn walk<T: Keyed + Clone>(list: &mut Paged<T>, action: Action, height: usize) -> Walk {
    match action {
        Action::Mark => {
            list.mark();
            list.step(1, height);
        }
        Action::MarkAll => list.mark_all(),
        Action::Top if !list.at_start() => {
            list.rewind();
            return Walk::Ask(list.refresh());
        }
        Action::End if list.has_more() => {
            return list.to_end().map_or(Walk::There, Walk::Ask);
        }
        _ => {
            let Some(by) = distance(action, height) else { return Walk::Not };
            list.step(by, height);
        }
    }
    list.beyond(height).map_or(Walk::There, Walk::Ask)
}

/// A page of the log newest first, as a list asks for it. Its end is the beginning
/// of the log, read the other way.
pub fn log_page(page: &Page) -> DeliveryRequest {
    let number = |key: &Option<String>| key.as_ref().and_then(|key| key.parse().ok());
    let turned = page.end || page.before.is_some();
    DeliveryRequest {
        after: number(if turned { &page.before } else { &page.after }),
        ascending: turned.then_some(true),
        limit: Some(page.limit),
        ..DeliveryRequest::default()
    }
}

/// The page that a request for the log was made from, and its rows newest first.
pub fn of_log(request: &DeliveryRequest, mut rows: Vec<Delivery>, more: bool) -> (Page, Vec<Delivery>, bool) {
    let turned = request.ascending == Some(true);
    let key = request.after.map(|after| after.to_string());
    let (before, after) = if turned { (key, None) } else { (None, key) };
    let page = Page {
        end: turned && before.is_none(),
        before,
        after,
        limit: request.limit.unwrap_or_default(),
        ..Page::default()
    };
    if turned {
        rows.reverse();
    }
    (page, rows, more && !turned)
}

/// Moves a scroll position. Says whether the action was such a move.
pub fn scroll(at: &mut usize, action: Action, height: usize, lines: usize) -> bool {
    let Some(by) = distance(action, height) else { return false };
    *at = at.saturating_add_signed(by).min(lines.saturating_sub(height));
    true
}
