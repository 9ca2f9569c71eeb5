//! The one filter language: the API's `filter`, the command line's `--filter`
//! and the console's `/` all read it.
//!
//! ```text
//! status=failed and since=1h          a comparison; `and` may be left out
//! status=processing,failed            one of several
//! provider!=main  size>=10  to~@example.com     not, more, contains
//! newsletter                          a word: looked for, fuzzily, in what the list shows
//! "black friday"                      the same, exactly
//! not (type=sms or type=push)         and, or, not, parentheses
//! ```
//!
//! [`Filter::parse`] reads the syntax alone and keeps where each part stood.
//! [`Filter::check`] compares it with the fields that a list has
//! ([`FieldTable`]) and makes a [`CheckedFilter`], whose values are typed, and
//! which decides for a [`Row`] whether it passes.

mod ast;
mod check;
mod evaluate;
mod fields;
mod parser;
mod suggest;

pub use ast::{Comparison, Expr, Filter, Operator, Span, Term, Word};
pub use check::{CheckedComparison, CheckedExpr, CheckedFilter, Operand};
pub use evaluate::{FieldValue, Row, fuzzy_match};
pub use fields::{Field, FieldKind, FieldTable};
pub use parser::MAX_FILTER_BYTES;
pub use suggest::closest;

/// Why a filter was not understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct FilterError {
    /// What is wrong and what was expected, as a sentence without its full stop.
    pub problem: String,
    /// The bytes of the filter that are meant.
    pub span: Span,
    /// The first character that is meant, counted from 1.
    pub column: usize,
}

impl FilterError {
    fn new(source: &str, span: Span, problem: impl Into<String>) -> Self {
        let column = source.char_indices().take_while(|(at, _)| *at < span.start).count() + 1;
        Self { problem: problem.into(), span, column }
    }

    /// A line of spaces and carets that, set under `source`, points at the
    /// part that is meant. One column per character.
    #[must_use]
    pub fn underline(&self, source: &str) -> String {
        let width = source
            .char_indices()
            .filter(|(at, _)| (self.span.start..self.span.end).contains(at))
            .count()
            .max(1);
        format!("{}{}", " ".repeat(self.column - 1), "^".repeat(width))
    }
}
