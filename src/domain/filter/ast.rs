//! The syntax tree, and its canonical spelling.

use std::fmt;

/// Where a part stood in the text, in bytes.
///
/// Any two spans are equal, so that two filters are equal when they say the
/// same, however they were typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Span {}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// A filter as it was typed. Empty, it lets everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// What is asked; `None` for an empty filter.
    pub expr: Option<Expr>,
    pub(super) source: Source,
}

/// The text a filter was read from, for errors; not part of what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Source(pub(super) String);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Source {}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of these hold. Never empty, never holds an `And`.
    And(Vec<Expr>),
    /// One of these holds. Never empty, never holds an `Or`.
    Or(Vec<Expr>),
    /// This does not hold.
    Not(Box<Expr>),
    /// `field op value,value`.
    Compare(Comparison),
    /// A word to look for in what the list shows.
    Word(Word),
}

impl Expr {
    /// All of `parts`, nested conjunctions taken apart; the part itself if it is one alone.
    #[must_use]
    pub fn and(parts: Vec<Expr>) -> Option<Expr> {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Expr::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Some(Expr::And(flat)) } else { flat.pop() }
    }

    /// One of `parts`, nested alternatives taken apart; the part itself if it is one alone.
    #[must_use]
    pub fn or(parts: Vec<Expr>) -> Option<Expr> {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Expr::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Some(Expr::Or(flat)) } else { flat.pop() }
    }
}

/// `field op value,value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The field's name as typed.
    pub field: String,
    /// Where the name stood.
    pub field_span: Span,
    /// How they are compared.
    pub operator: Operator,
    /// Where the operator stood.
    pub operator_span: Span,
    /// One value, or several of which one must match (for a negative operator: none). Never empty.
    pub values: Vec<Term>,
}

/// A value as typed, quotes taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The text.
    pub text: String,
    /// Where it stood, quotes included.
    pub span: Span,
}

/// A word to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text, quotes taken away.
    pub text: String,
    /// Quoted words are looked for exactly (but for case), others fuzzily.
    pub exact: bool,
    /// Where it stood, quotes included.
    pub span: Span,
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`: is one of the values.
    Equal,
    /// `!=`: is none of the values.
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
    /// `~`: contains one of the values.
    Contains,
    /// `!~`: contains none of the values.
    NotContains,
}

impl Operator {
    /// Every operator, longest spelling first.
    pub const ALL: [Operator; 8] = [
        Operator::NotEqual,
        Operator::NotContains,
        Operator::GreaterOrEqual,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::Greater,
        Operator::Less,
        Operator::Contains,
    ];

    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Greater => ">",
            Operator::Less => "<",
            Operator::GreaterOrEqual => ">=",
            Operator::LessOrEqual => "<=",
            Operator::Contains => "~",
            Operator::NotContains => "!~",
        }
    }

    /// Whether it takes a list of values (`=a,b`); an order takes one.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Operator::Equal | Operator::NotEqual | Operator::Contains | Operator::NotContains)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// Words of the grammar; as values and words to look for they are quoted.
pub(super) fn is_keyword(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Ends an unquoted word or value wherever it stands.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '=' | '<' | '>' | '~')
}

/// Whether `text` can stand as a value without quotes.
fn stands_bare(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    !matches!(first, '"' | '\'' | '!')
        && !is_keyword(text)
        && !text.chars().any(|c| ends_word(c) || matches!(c, ',' | '!') || c.is_control())
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if stands_bare(&self.text) { f.write_str(&self.text) } else { write_quoted(f, &self.text) }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exact { write_quoted(f, &self.text) } else { f.write_str(&self.text) }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, self.operator)?;
        for (index, value) in self.values.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            value.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined(
            f: &mut fmt::Formatter<'_>,
            parts: &[Expr],
            word: &str,
            wrap: fn(&Expr) -> bool,
        ) -> fmt::Result {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                if wrap(part) {
                    write!(f, "({part})")?;
                } else {
                    part.fmt(f)?;
                }
            }
            Ok(())
        }
        match self {
            Expr::And(parts) => joined(f, parts, "and", |part| matches!(part, Expr::Or(_) | Expr::And(_))),
            Expr::Or(parts) => joined(f, parts, "or", |part| matches!(part, Expr::Or(_))),
            Expr::Not(inner) if matches!(**inner, Expr::And(_) | Expr::Or(_)) => {
                write!(f, "not ({inner})")
            }
            Expr::Not(inner) => write!(f, "not {inner}"),
            Expr::Compare(comparison) => comparison.fmt(f),
            Expr::Word(word) => word.fmt(f),
        }
    }
}

/// The canonical form: `and` written out, quotes only where needed. Reading it
/// back gives the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}
