//! A list of which a window is loaded, never the whole.

/// A row that has an id: selection follows it, and pages continue after it.
pub trait Keyed {
    /// The id; the cursor of the list it stands in.
    fn key(&self) -> String;
}

/// Rows asked for at once.
pub const PAGE: usize = 60;
/// Rows that are kept.
pub const WINDOW: usize = 240;

/// A window of a list, with the row that is selected.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    rows: Vec<T>,
    /// The window begins after this row; nothing: at the list's beginning.
    anchor: Option<String>,
    /// Where the windows before this one began.
    before: Vec<Option<String>>,
    more: bool,
    selected: usize,
    top: usize,
    loaded: bool,
    /// The scan for the last page ended at its bound.
    pub cut_short: bool,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            anchor: None,
            before: Vec::new(),
            more: false,
            selected: 0,
            top: 0,
            loaded: false,
            cut_short: false,
        }
    }
}

impl<T: Keyed> Paged<T> {
    /// The rows that are loaded.
    pub fn rows(&self) -> &[T] {
        &self.rows
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
        self.anchor.is_none()
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

    /// The request for what is shown: the cursor and how many.
    pub fn refresh(&self) -> (Option<String>, usize) {
        (self.anchor.clone(), self.rows.len().clamp(PAGE, WINDOW))
    }

    /// The request for what comes next into view, if it is not loaded.
    pub fn beyond(&self, height: usize) -> Option<(Option<String>, usize)> {
        if self.more && self.selected + height >= self.rows.len() {
            Some((Some(self.rows.last()?.key()), PAGE))
        } else if self.selected < height {
            Some((self.before.last()?.clone(), WINDOW))
        } else {
            None
        }
    }

    /// Goes to the list's beginning; what is loaded stays until the answer comes.
    pub fn rewind(&mut self) {
        self.anchor = None;
        self.before.clear();
        self.selected = 0;
        self.top = 0;
    }

    /// Forgets everything: another list is asked for.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the page that continues after `after`.
    pub fn take(&mut self, after: Option<&str>, rows: Vec<T>, more: bool) {
        let last = self.rows.last().map(Keyed::key);
        if after == self.anchor.as_deref() {
            self.replace(rows, more);
        } else if after.is_some() && after == last.as_deref() {
            self.rows.extend(rows);
            self.more = more;
            if self.rows.len() > WINDOW {
                let cut = self.rows.len() - WINDOW + PAGE;
                // Where the row that is selected would go, nothing goes.
                let cut = cut.min(self.selected);
                if cut > 0 {
                    self.before.push(self.anchor.take());
                    self.anchor = Some(self.rows[cut - 1].key());
                    self.rows.drain(..cut);
                    self.selected -= cut;
                    self.top = self.top.saturating_sub(cut);
                }
            }
        } else if self.before.last().is_some_and(|before| before.as_deref() == after) {
            self.anchor = self.before.pop().flatten();
            self.replace(rows, more);
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
    fn page(len: usize, after: Option<&str>, limit: usize) -> (Vec<Row>, bool) {
        let from = after.map_or(0, |key| key.parse::<usize>().unwrap() + 1);
        let to = (from + limit).min(len);
        ((from..to).map(Row).collect(), to < len)
    }

    fn answer(list: &mut Paged<Row>, len: usize, (after, limit): (Option<String>, usize)) {
        let (rows, more) = page(len, after.as_deref(), limit);
        list.take(after.as_deref(), rows, more);
    }

    #[test]
    fn the_selection_follows_its_row() {
        let mut list = Paged::default();
        list.take(None, vec![Row(5), Row(6), Row(7)], false);
        list.step(1, 10);
        assert_eq!(list.selected(), Some(&Row(6)));
        list.take(None, vec![Row(3), Row(4), Row(5), Row(6), Row(7)], false);
        assert_eq!(list.selected(), Some(&Row(6)));
        list.take(None, vec![Row(3)], false);
        assert_eq!(list.selected(), Some(&Row(3)));
        list.take(None, vec![], false);
        assert_eq!((list.selected(), list.top(5)), (None, 0));
    }

    proptest! {
        #[test]
        fn any_walk_sees_each_row_in_order_and_keeps_a_window(
            len in 0usize..900,
            steps in proptest::collection::vec(-80isize..120, 1..60),
        ) {
            let mut list = Paged::default();
            let ask = list.refresh();
            answer(&mut list, len, ask);
            let mut at = 0usize;
            for step in steps {
                let loaded = list.selected_index().saturating_add_signed(step);
                let moved = loaded.min(list.rows().len().saturating_sub(1)) as isize
                    - list.selected_index() as isize;
                list.step(step, 20);
                at = at.saturating_add_signed(moved);
                if let Some(ask) = list.beyond(20) {
                    answer(&mut list, len, ask);
                }
                prop_assert_eq!(list.selected().map(|row| row.0), (len > 0).then_some(at));
                prop_assert!(list.rows().len() <= WINDOW + PAGE);
                let top = list.top(20);
                prop_assert!(top <= list.selected_index() && list.selected_index() < top + 20);
                prop_assert!(list.rows().windows(2).all(|two| two[0].0 + 1 == two[1].0));
            }
        }
    }
}
