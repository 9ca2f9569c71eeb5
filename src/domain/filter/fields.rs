//! What a list can be filtered by.

use super::ast::Operator;
use super::suggest::closest;

/// The fields of one list, as a table: completion, help and validation are made from it.
#[derive(Debug, Clone, Copy)]
pub struct FieldTable {
    /// What the rows are, in the plural: “messages”.
    pub rows: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// One field of a list.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name that is typed and shown.
    pub name: &'static str,
    /// Other names for it, understood but never shown.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub kind: FieldKind,
    /// The name that the row is asked for; `since` and `until` read `at`, say.
    /// Empty: the field's own name.
    pub reads: &'static str,
    /// One line of help.
    pub help: &'static str,
}

/// What a field's values are, which decides the operators and how values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// An id: equal or not, to the letter; or a part of it.
    Id,
    /// A text: equal but for case, or containing.
    Text,
    /// One of a closed list; the list's spelling is the canonical one.
    Keyword(&'static [&'static str]),
    /// A whole number; thousands may be grouped by `_`, `k` and `M` multiply.
    Number,
    /// `true`, `yes`, `on` or `false`, `no`, `off`.
    Bool,
    /// A length of time: `250ms`, `1h30m`.
    Duration,
    /// A point in time: `1h` (an hour ago), `+1h` (in an hour), `today`,
    /// `yesterday`, `tomorrow`, `2026-11-23`, `2026-11-23T09:00`, RFC 3339.
    /// A date means the whole day.
    Time,
    /// A point in time that rows must not lie before: `since=1h`.
    Since,
    /// A point in time that rows must lie before: `until=today`.
    Until,
}

impl FieldKind {
    /// The operators that make sense.
    #[must_use]
    pub fn operators(self) -> &'static [Operator] {
        use Operator::{Contains, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotContains, NotEqual};
        match self {
            FieldKind::Id | FieldKind::Text => &[Equal, NotEqual, Contains, NotContains],
            FieldKind::Keyword(_) | FieldKind::Bool => &[Equal, NotEqual],
            FieldKind::Number | FieldKind::Duration | FieldKind::Time => {
                &[Equal, NotEqual, Greater, Less, GreaterOrEqual, LessOrEqual]
            }
            FieldKind::Since | FieldKind::Until => &[Equal],
        }
    }

    /// What a value looks like, for help and errors.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            FieldKind::Id => "an id",
            FieldKind::Text => "a text",
            FieldKind::Keyword(_) => "one of its values",
            FieldKind::Number => "a number such as 100 or 10k",
            FieldKind::Bool => "`true` or `false`",
            FieldKind::Duration => "a length such as 250ms or 1h30m",
            FieldKind::Time | FieldKind::Since | FieldKind::Until => {
                "a time such as 1h (ago), today, 2026-11-23 or 2026-11-23T09:00"
            }
        }
    }
}

impl Field {
    /// A field without aliases that is read under its own name.
    #[must_use]
    pub const fn new(name: &'static str, kind: FieldKind, help: &'static str) -> Self {
        Self { name, aliases: &[], kind, reads: "", help }
    }

    /// The same, also known as `aliases`.
    #[must_use]
    pub const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same, read from the row as `reads`.
    #[must_use]
    pub const fn reading(mut self, reads: &'static str) -> Self {
        self.reads = reads;
        self
    }

    /// The name that a row is asked for.
    #[must_use]
    pub fn row_name(&self) -> &'static str {
        if self.reads.is_empty() { self.name } else { self.reads }
    }
}

impl FieldTable {
    /// The field that is called `name`, in any case, or by an alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| {
            field.name.eq_ignore_ascii_case(name)
                || field.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn suggest(&self, name: &str) -> Option<&'static str> {
        let names = self.fields.iter().flat_map(|field| std::iter::once(&field.name).chain(field.aliases));
        closest(name, names.copied())
    }

    /// Every name that is shown, separated by commas.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
        names.join(", ")
    }
}
