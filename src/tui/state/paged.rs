//! A list of which a window is loaded, never the whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::tui::message::Page;

/// A row that has an id: selection follows it, and pages continue after it.
pub trait Keyed {
    /// The id; the cursor of the list it stands in.
    fn key(&self) -> String;
}

/// Rows asked for at once.
pub const PAGE: usize = 60;
/// Rows that are kept.
pub const WINDOW: usize = 240;

/// To what the window holds fast.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    /// It begins after this row; nothing: at the list's beginning.
    After(Option<String>),
    /// It ends before this row; nothing: at the list's end.
    Before(Option<String>),
}

/// A window of a list, with the row that is selected and those that are marked.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct Paged<T> {
    rows: Vec<T>,
    anchor: Anchor,
    more: bool,
    selected: usize,
    top: usize,
    loaded: bool,
    /// The end was asked for: its last row is to be selected.
    ending: bool,
    marked: BTreeMap<String, T>,
    /// The scan for the last page ended at its bound.
    pub cut_short: bool,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            anchor: Anchor::After(None),
            more: false,
            selected: 0,
            top: 0,
            loaded: false,
            ending: false,
            marked: BTreeMap::new(),
            cut_short: false,
        }
    }
}

fn after(key: Option<String>, limit: usize) -> Page {
    Page { after: key, limit, ..Page::default() }
}

fn before(key: Option<String>, limit: usize) -> Page {
    Page { end: key.is_none(), before: key, limit, ..Page::default() }
}

impl<T: Keyed + Clone> Paged<T> {
    /// The rows that are loaded.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Changes what rows say of themselves, in the window and among those that are marked; their ids stay.
    pub fn amend(&mut self, mut change: impl FnMut(&mut T)) {
        self.rows.iter_mut().chain(self.marked.values_mut()).for_each(&mut change);
    }

    /// Whether an answer has come yet.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Whether the list goes on behind what is loaded.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Whether the window begins at the list's beginning.
    pub fn at_start(&self) -> bool {
        self.anchor == Anchor::After(None)
    }

    /// The row that is selected.
    pub fn selected(&self) -> Option<&T> {
        self.rows.get(self.selected)
    }

    /// Its place in [`Paged::rows`].
    pub fn selected_index(&self) -> usize {
        self.selected
    }

    /// The first row to draw when there is room for `height`.
    pub fn top(&self, height: usize) -> usize {
        let height = height.max(1);
        let low = (self.selected + 1).saturating_sub(height);
        let high = self.rows.len().saturating_sub(height);
        self.top.clamp(low, self.selected.max(low)).min(high.max(low))
    }

    /// Moves the selection; says whether it is on another row.
    pub fn step(&mut self, by: isize, height: usize) -> bool {
        let last = self.rows.len().saturating_sub(1);
        let to = self.selected.saturating_add_signed(by).min(last);
        let moved = to != self.selected;
        self.selected = to;
        self.top = self.top(height);
        moved
    }

    /// Selects the row with this id, if it is loaded.
    pub fn select(&mut self, key: &str) -> bool {
        match self.rows.iter().position(|row| row.key() == key) {
            Some(at) => {
                self.selected = at;
                true
            }
            None => false,
        }
    }

    /// Marks the row that is selected, or takes its mark away.
    pub fn mark(&mut self) {
        let Some(row) = self.rows.get(self.selected) else { return };
        let key = row.key();
        if self.marked.remove(&key).is_none() {
            self.marked.insert(key, row.clone());
        }
    }

    /// Marks every row that is loaded; if they all are, takes all marks away.
    pub fn mark_all(&mut self) {
        let all = self.rows.iter().all(|row| self.marked.contains_key(&row.key()));
        if all {
            self.marked.clear();
        } else {
            self.marked.extend(self.rows.iter().map(|row| (row.key(), row.clone())));
        }
    }

    /// Takes all marks away; says whether there were any.
    pub fn unmark(&mut self) -> bool {
        !std::mem::take(&mut self.marked).is_empty()
    }

    /// The rows that are marked, as they were shown last: those in the window in its order, then the
    /// others.
    pub fn marked(&self) -> impl Iterator<Item = &T> {
        let here: BTreeSet<String> = self.rows.iter().map(Keyed::key).collect();
        let loaded = self.rows.iter().filter_map(|row| self.marked.get(&row.key()));
        loaded.chain(self.marked.iter().filter(move |(key, _)| !here.contains(*key)).map(|(_, row)| row))
    }

    /// How many are marked.
    pub fn marks(&self) -> usize {
        self.marked.len()
    }

    /// Whether a row is marked.
    pub fn is_marked(&self, row: &T) -> bool {
        !self.marked.is_empty() && self.marked.contains_key(&row.key())
    }

    /// The request for what is shown.
    pub fn refresh(&self) -> Page {
        // All that is loaded, or the row that is selected could fall out of it.
        let limit = self.rows.len().max(PAGE);
        match &self.anchor {
            Anchor::After(key) => after(key.clone(), limit),
            Anchor::Before(key) => before(key.clone(), limit),
        }
    }

    /// The request for what comes next into view, if it is not loaded.
    pub fn beyond(&self, height: usize) -> Option<Page> {
        if self.more && self.selected + height >= self.rows.len() {
            return Some(after(Some(self.rows.last()?.key()), PAGE));
        }
        if self.selected >= height {
            return None;
        }
        if self.at_start() { None } else { Some(before(Some(self.rows.first()?.key()), PAGE)) }
    }

    /// Goes to the list's beginning; what is loaded stays until the answer comes.
    pub fn rewind(&mut self) {
        self.anchor = Anchor::After(None);
        self.selected = 0;
        self.top = 0;
        self.ending = false;
    }

    /// Goes to the list's end; what is loaded stays until the answer comes. Says
    /// what is to be asked for, if it is not loaded.
    pub fn to_end(&mut self) -> Option<Page> {
        if !self.more {
            return None;
        }
        self.ending = true;
        Some(before(None, PAGE))
    }

    /// Shows the window that begins after this row instead.
    pub fn jump(&mut self, key: String) -> Page {
        self.rewind();
        self.rows.clear();
        self.anchor = Anchor::After(Some(key));
        self.refresh()
    }

    /// Forgets everything: another list is asked for.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes a page that was asked for.
    pub fn take(&mut self, page: &Page, rows: Vec<T>, more: bool) {
        for row in &rows {
            if let Some(marked) = self.marked.get_mut(&row.key()) {
                marked.clone_from(row);
            }
        }
        if page.end {
            self.take_end(rows);
        } else if let Some(key) = &page.before {
            self.take_before(key, rows, page.limit);
        } else {
            self.take_after(page.after.as_deref(), rows, more);
        }
    }

    fn take_end(&mut self, rows: Vec<T>) {
        if !self.ending && self.anchor != Anchor::Before(None) {
            return;
        }
        self.anchor = Anchor::Before(None);
        self.replace(rows, false);
        if std::mem::take(&mut self.ending) {
            self.selected = self.rows.len().saturating_sub(1);
            self.top = self.selected;
        }
    }

    fn take_before(&mut self, key: &str, rows: Vec<T>, limit: usize) {
        if self.anchor == Anchor::Before(Some(key.to_owned())) {
            self.replace(rows, self.more);
        } else if self.rows.first().map(Keyed::key).as_deref() == Some(key) && !self.at_start() {
            let n = rows.len();
            self.rows.splice(0..0, rows);
            self.selected += n;
            self.top += n;
            if n < limit {
                self.anchor = Anchor::After(None);
            } else {
                self.hold_below();
            }
        }
    }

    /// Holds fast to the end of what is kept: what stands before it is not known.
    fn hold_below(&mut self) {
        // Where the row that is selected would go, nothing goes.
        let keep = WINDOW.max(self.selected + 1);
        if keep < self.rows.len() {
            self.rows.truncate(keep + 1);
            self.more = true;
        }
        if !self.more {
            self.anchor = Anchor::Before(None);
        } else if let Some(row) = self.rows.pop() {
            self.anchor = Anchor::Before(Some(row.key()));
        }
    }

    fn take_after(&mut self, after: Option<&str>, rows: Vec<T>, more: bool) {
        let last = self.rows.last().map(Keyed::key);
        let here = match &self.anchor {
            Anchor::After(key) => after == key.as_deref(),
            Anchor::Before(_) => false,
        };
        if here {
            self.replace(rows, more);
        } else if after.is_some() && after == last.as_deref() {
            self.rows.extend(rows);
            self.more = more;
            self.hold_above();
        }
    }

    /// Holds fast to the beginning of what is kept.
    fn hold_above(&mut self) {
        let known = matches!(self.anchor, Anchor::After(_));
        let cut =
            if self.rows.len() > WINDOW { self.rows.len() - WINDOW + PAGE } else { usize::from(!known) };
        // Where the row that is selected would go, nothing goes.
        let cut = cut.min(self.selected);
        if cut > 0 {
            self.anchor = Anchor::After(Some(self.rows[cut - 1].key()));
            self.rows.drain(..cut);
            self.selected -= cut;
            self.top = self.top.saturating_sub(cut);
        } else if !known {
            self.anchor = if self.more {
                Anchor::Before(self.rows.pop().map(|row| row.key()))
            } else {
                Anchor::Before(None)
            };
        }
    }

    fn replace(&mut self, rows: Vec<T>, more: bool) {
        let key = self.selected().map(Keyed::key);
        let offset = self.selected.saturating_sub(self.top);
        self.rows = rows;
        self.more = more;
        self.loaded = true;
        let found = key.and_then(|key| self.rows.iter().position(|row| row.key() == key));
        match found {
            Some(at) => {
                self.selected = at;
                self.top = at.saturating_sub(offset);
            }
            None => self.selected = self.selected.min(self.rows.len().saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Row(usize);

    impl Keyed for Row {
        fn key(&self) -> String {
            self.0.to_string()
        }
    }

    /// A list of `len` rows, asked for a page.
    fn answer(list: &mut Paged<Row>, len: usize, page: &Page) {
        let key = |key: &String| key.parse::<usize>().unwrap();
        let (from, to) = match (&page.after, &page.before) {
            _ if page.end => (len.saturating_sub(page.limit), len),
            (_, Some(before)) => (key(before).saturating_sub(page.limit), key(before)),
            (Some(after), None) => (key(after) + 1, (key(after) + 1 + page.limit).min(len)),
            (None, None) => (0, page.limit.min(len)),
        };
        list.take(page, (from..to).map(Row).collect(), to < len);
    }

    #[test]
    fn the_selection_follows_its_row() {
        let mut list = Paged::default();
        let all = Page::default();
        list.take(&all, vec![Row(5), Row(6), Row(7)], false);
        list.step(1, 10);
        assert_eq!(list.selected(), Some(&Row(6)));
        list.take(&all, vec![Row(3), Row(4), Row(5), Row(6), Row(7)], false);
        assert_eq!(list.selected(), Some(&Row(6)));
        list.take(&all, vec![Row(3)], false);
        assert_eq!(list.selected(), Some(&Row(3)));
        list.take(&all, vec![], false);
        assert_eq!((list.selected(), list.top(5)), (None, 0));
    }

    #[test]
    fn the_end_is_asked_for_and_the_way_back_is_walked() {
        let mut list = Paged::default();
        let ask = list.refresh();
        answer(&mut list, 1000, &ask);
        let ask = list.to_end().unwrap();
        answer(&mut list, 1000, &ask);
        assert_eq!(list.selected(), Some(&Row(999)));
        assert!(!list.at_start() && !list.has_more());
        for at in (0..999).rev() {
            list.step(-1, 20);
            assert_eq!(list.selected(), Some(&Row(at)));
            if let Some(ask) = list.beyond(20) {
                answer(&mut list, 1000, &ask);
            }
            // What is shown is asked for again, and stays what it is.
            let ask = list.refresh();
            answer(&mut list, 1000, &ask);
            assert_eq!(list.selected(), Some(&Row(at)));
        }
        assert!(list.at_start());
    }

    #[test]
    fn a_jump_shows_what_follows_and_leads_both_ways() {
        let mut list = Paged::default();
        let ask = list.jump("499".into());
        answer(&mut list, 1000, &ask);
        assert_eq!(list.selected(), Some(&Row(500)));
        let ask = list.beyond(20).unwrap();
        answer(&mut list, 1000, &ask);
        list.step(-1, 20);
        assert_eq!(list.selected(), Some(&Row(499)));
    }

    #[test]
    fn marks_stand_in_the_order_of_the_list() {
        let mut list = Paged::default();
        let ask = list.refresh();
        answer(&mut list, 500, &ask);
        list.mark_all();
        let all: Vec<Row> = list.rows().to_vec();
        assert_eq!(list.marked().cloned().collect::<Vec<_>>(), all);
    }

    #[test]
    fn marks_stay_with_their_rows() {
        let mut list = Paged::default();
        let ask = list.refresh();
        answer(&mut list, 500, &ask);
        list.mark();
        list.step(3, 10);
        list.mark();
        assert_eq!(list.marked().cloned().collect::<Vec<_>>(), [Row(0), Row(3)]);
        list.mark();
        assert_eq!(list.marks(), 1);
        list.mark_all();
        assert_eq!(list.marks(), PAGE);
        assert!(list.unmark() && !list.unmark());
    }

    proptest! {
        #[test]
        fn any_walk_sees_each_row_in_order_and_keeps_a_window(
            len in 0usize..900,
            steps in proptest::collection::vec(-80isize..120, 1..60),
        ) {
            let mut list = Paged::default();
            let ask = list.refresh();
            answer(&mut list, len, &ask);
            let mut at = 0usize;
            for step in steps {
                let loaded = list.selected_index().saturating_add_signed(step);
                let moved = loaded.min(list.rows().len().saturating_sub(1)) as isize
                    - list.selected_index() as isize;
                list.step(step, 20);
                at = at.saturating_add_signed(moved);
                if let Some(ask) = list.beyond(20) {
                    answer(&mut list, len, &ask);
                }
                if step % 3 == 0 {
                    let ask = list.refresh();
                    answer(&mut list, len, &ask);
                }
                prop_assert_eq!(list.selected().map(|row| row.0), (len > 0).then_some(at));
                prop_assert!(list.rows().len() <= WINDOW + 2 * PAGE);
                let top = list.top(20);
                prop_assert!(top <= list.selected_index() && list.selected_index() < top + 20);
                prop_assert!(list.rows().windows(2).all(|two| two[0].0 + 1 == two[1].0));
            }
        }
    }
}
