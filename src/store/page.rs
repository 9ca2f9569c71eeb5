//! Pages of lists: by key, never by counting from the start.

use std::sync::Arc;

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first; the dialect's default.
    #[default]
    Ascending,
    /// Newest first; the console's default.
    Descending,
}

/// A condition on a record that no index serves: the rows are scanned, and the
/// scan is bounded.
pub type Condition<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// Which page of a list.
#[derive(Clone)]
pub struct PageRequest<T> {
    /// After (in the list's order) the record with this number; `None`: from the start.
    pub after: Option<u64>,
    /// The way.
    pub order: Order,
    /// The most records.
    pub limit: usize,
    /// Records passed over before the first one that is taken.
    pub offset: usize,
    /// Words to search for; empty: everything.
    pub search: String,
    /// A further condition.
    pub only: Option<Condition<T>>,
    /// The most rows to look at.
    pub scan: usize,
}

impl<T> Default for PageRequest<T> {
    fn default() -> Self {
        Self {
            after: None,
            order: Order::Ascending,
            limit: 25,
            offset: 0,
            search: String::new(),
            only: None,
            scan: 50_000,
        }
    }
}

impl<T> std::fmt::Debug for PageRequest<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageRequest")
            .field("after", &self.after)
            .field("order", &self.order)
            .field("limit", &self.limit)
            .field("offset", &self.offset)
            .field("search", &self.search)
            .field("only", &self.only.is_some())
            .field("scan", &self.scan)
            .finish()
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// How many records the whole list has; `None` when nobody counted.
    pub total: Option<u64>,
    /// The number to continue after. `None`: this was the end.
    pub next: Option<u64>,
    /// The scan ended at its bound, not at the end of the list.
    pub cut_short: bool,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            total: self.total,
            next: self.next,
            cut_short: self.cut_short,
        }
    }
}
