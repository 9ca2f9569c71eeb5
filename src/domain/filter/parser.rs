//! Reads the syntax, straight from the text: what a character means depends on
//! what was expected, so there is no separate list of tokens.

use super::FilterError;
use super::ast::{Comparison, Expr, Filter, Operator, Source, Span, Term, Word, ends_word, is_keyword};

/// A filter longer than this is refused: nobody types it, and it costs on every row.
pub const MAX_FILTER_BYTES: usize = 8 * 1024;

/// Parentheses and `not`s inside each other; bounds the stack.
const MAX_DEPTH: usize = 50;

impl Filter {
    /// Reads a filter. An empty text lets everything pass.
    ///
    /// Field names and values are not looked at here: see [`Filter::check`].
    pub fn parse(source: &str) -> Result<Self, FilterError> {
        if source.len() > MAX_FILTER_BYTES {
            let problem = format!("the filter is longer than {MAX_FILTER_BYTES} bytes");
            return Err(FilterError::new(source, Span::new(0, 0), problem));
        }
        let mut parser = Parser { source, at: 0 };
        parser.skip_spaces();
        let expr = if parser.rest().is_empty() {
            None
        } else {
            let expr = parser.or(0)?;
            parser.skip_spaces();
            if parser.rest().starts_with(')') {
                return Err(parser.error_here("this `)` closes nothing; expected the end"));
            }
            if !parser.rest().is_empty() {
                return Err(parser.error_here("expected `and`, `or` or the end"));
            }
            Some(expr)
        };
        Ok(Self { expr, source: Source(source.to_owned()) })
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;
    fn from_str(source: &str) -> Result<Self, FilterError> {
        Self::parse(source)
    }
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn error(&self, span: Span, problem: impl Into<String>) -> FilterError {
        FilterError::new(self.source, span, problem)
    }

    /// An error at the next character.
    fn error_here(&self, problem: impl Into<String>) -> FilterError {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        self.error(Span::new(self.at, self.at + width), problem)
    }

    /// The word of the grammar that is next, if any: standing alone, not quoted.
    fn keyword(&self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find(ends_word).unwrap_or(rest.len());
        let word = &rest[..end];
        // `or=1` compares a field that happens to have this name.
        is_keyword(word).then_some(word).filter(|_| {
            let after = rest[end..].trim_start();
            operator_at(after).is_none()
        })
    }

    fn take_keyword(&mut self, wanted: &str) -> bool {
        match self.keyword() {
            Some(word) if word.eq_ignore_ascii_case(wanted) => {
                self.at += word.len();
                true
            }
            _ => false,
        }
    }

    fn or(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut parts = vec![self.and(depth)?];
        loop {
            self.skip_spaces();
            if !self.take_keyword("or") {
                break;
            }
            parts.push(self.and(depth)?);
        }
        Ok(Expr::or(parts).expect("it has at least the first part"))
    }

    fn and(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not(depth)?];
        loop {
            self.skip_spaces();
            let written = self.take_keyword("and");
            if !written {
                let next_is_or = self.keyword().is_some_and(|word| word.eq_ignore_ascii_case("or"));
                if self.rest().is_empty() || self.rest().starts_with(')') || next_is_or {
                    break;
                }
            }
            parts.push(self.not(depth)?);
        }
        Ok(Expr::and(parts).expect("it has at least the first part"))
    }

    fn not(&mut self, depth: usize) -> Result<Expr, FilterError> {
        if depth > MAX_DEPTH {
            return Err(self.error_here(format!("nested deeper than {MAX_DEPTH}")));
        }
        self.skip_spaces();
        if self.take_keyword("not") {
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        let negated = self.rest().strip_prefix('!');
        if negated.is_some_and(|after| !after.starts_with(['=', '~'])) {
            self.at += 1;
            return Ok(Expr::Not(Box::new(self.not(depth + 1)?)));
        }
        self.primary(depth)
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, FilterError> {
        let start = self.at;
        match self.rest().chars().next() {
            None => Err(self.error_here("expected a condition such as `status=failed`")),
            Some('(') => {
                self.at += 1;
                self.skip_spaces();
                if self.rest().starts_with(')') {
                    return Err(self.error_here("expected a condition inside the parentheses"));
                }
                let inner = self.or(depth + 1)?;
                self.skip_spaces();
                if self.rest().starts_with(')') {
                    self.at += 1;
                    Ok(inner)
                } else {
                    Err(self.error(Span::new(start, start + 1), "this `(` is never closed; expected `)`"))
                }
            }
            Some(')') => Err(self.error_here("expected a condition before `)`")),
            Some('"' | '\'') => {
                let text = self.quoted()?;
                let span = Span::new(start, self.at);
                if text.is_empty() {
                    return Err(self.error(span, "expected something between the quotes"));
                }
                Ok(Expr::Word(Word { text, exact: true, span }))
            }
            Some(_) if operator_at(self.rest()).is_some() => {
                Err(self.error_here("expected the name of a field before this"))
            }
            Some(_) => self.comparison_or_word(),
        }
    }

    fn comparison_or_word(&mut self) -> Result<Expr, FilterError> {
        if let Some(word) = self.keyword() {
            let span = Span::new(self.at, self.at + word.len());
            return Err(self.error(
                span,
                format!("expected a condition before `{word}` (to look for the word, quote it)"),
            ));
        }
        let start = self.at;
        let word = self.bare(&[]);
        let span = Span::new(start, self.at);
        let after_word = self.at;
        self.skip_spaces();
        let Some(operator) = operator_at(self.rest()) else {
            self.at = after_word;
            return Ok(Expr::Word(Word { text: word.to_owned(), exact: false, span }));
        };
        let operator_span = Span::new(self.at, self.at + operator.symbol().len());
        if word.ends_with('!') {
            let torn = Span::new(span.end - 1, operator_span.end);
            return Err(self.error(torn, "write `!=` and `!~` without a space inside"));
        }
        self.at = operator_span.end;
        let values = self.values(operator)?;
        Ok(Expr::Compare(Comparison {
            field: word.to_owned(),
            field_span: span,
            operator,
            operator_span,
            values,
        }))
    }

    fn values(&mut self, operator: Operator) -> Result<Vec<Term>, FilterError> {
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            let start = self.at;
            let text = match self.rest().chars().next() {
                Some('"' | '\'') => self.quoted()?,
                _ => self.bare(&[',']).to_owned(),
            };
            let span = Span::new(start, self.at);
            if self.at == start {
                let before = if values.is_empty() { format!("`{operator}`") } else { "`,`".to_owned() };
                return Err(self.error_here(format!("expected a value after {before}")));
            }
            if is_keyword(&text) && !self.source[start..].starts_with(['"', '\'']) {
                return Err(self.error(
                    span,
                    format!("expected a value, found `{text}` (to compare with the word, quote it)"),
                ));
            }
            values.push(Term { text, span });
            let after = self.at;
            self.skip_spaces();
            if !self.rest().starts_with(',') {
                self.at = after;
                return Ok(values);
            }
            if !operator.takes_list() {
                return Err(self.error_here(format!(
                    "`{operator}` takes one value; a list works with `=`, `!=`, `~` and `!~`"
                )));
            }
            self.at += 1;
        }
    }

    /// Everything up to a space, a parenthesis, an operator or one of `also`.
    /// A `!` ends it only where an operator begins.
    fn bare(&mut self, also: &[char]) -> &'a str {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|&(at, c)| {
                ends_word(c) || also.contains(&c) || (c == '!' && rest[at + 1..].starts_with(['=', '~']))
            })
            .map_or(rest.len(), |(at, _)| at);
        self.at += end;
        &rest[..end]
    }

    /// A text between quotes; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map(|(_, c)| c);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            if Some(c) == quote {
                self.at = start + at + c.len_utf8();
                return Ok(text);
            }
            if c == '\\' {
                match chars.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => break,
                }
            } else {
                text.push(c);
            }
        }
        Err(self
            .error(Span::new(start, self.source.len()), "this quote is never closed; expected another one"))
    }
}

fn operator_at(text: &str) -> Option<Operator> {
    Operator::ALL.into_iter().find(|operator| text.starts_with(operator.symbol()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(source: &str) -> String {
        Filter::parse(source).unwrap().to_string()
    }

    #[test]
    fn the_canonical_form() {
        for (typed, expected) in [
            ("", ""),
            ("   ", ""),
            ("status=failed and since=1h", "status=failed and since=1h"),
            ("status=failed since=1h", "status=failed and since=1h"),
            ("status = failed ,  processing", "status=failed,processing"),
            ("a=1 OR b=2 c=3", "a=1 or b=2 and c=3"),
            ("(a=1 or b=2) c=3", "(a=1 or b=2) and c=3"),
            ("((a=1))", "a=1"),
            ("!a=1", "not a=1"),
            ("not not a", "not not a"),
            ("not (a b)", "not (a and b)"),
            ("to~@example.com", "to~@example.com"),
            ("to!~'x y'", "to!~\"x y\""),
            ("n>=10 n<=20 n>1 n<3", "n>=10 and n<=20 and n>1 and n<3"),
            ("subject=\"say \\\"hi\\\"\"", "subject=\"say \\\"hi\\\"\""),
            ("subject=''", "subject=\"\""),
            ("O'Brien, Kate", "O'Brien, and Kate"),
            ("\"black friday\"", "\"black friday\""),
            ("or=1", "or=1"),
            ("x!=1,2", "x!=1,2"),
            ("hey!", "hey!"),
        ] {
            assert_eq!(canonical(typed), expected, "{typed}");
        }
    }

    #[test]
    fn errors_point_at_the_column() {
        for (typed, column, words) in [
            ("status=", 8, "expected a value after `=`"),
            ("status=failed,", 15, "expected a value after `,`"),
            ("é status= ", 11, "expected a value"),
            ("(a=1", 1, "never closed"),
            ("a=1)", 4, "closes nothing"),
            ("()", 2, "inside the parentheses"),
            ("a=1 and", 8, "expected a condition"),
            ("and a=1", 1, "before `and`"),
            ("a=1 or or b", 8, "before `or`"),
            ("a=and", 3, "found `and`"),
            ("=1", 1, "the name of a field"),
            ("a>1,2", 4, "takes one value"),
            ("a='x", 3, "never closed"),
            ("\"\"", 1, "between the quotes"),
        ] {
            let error = Filter::parse(typed).unwrap_err();
            assert_eq!(error.column, column, "{typed}: {error}");
            assert!(error.problem.contains(words), "{typed}: {error}");
        }
    }

    #[test]
    fn the_underline_lies_under_what_is_meant() {
        let error = Filter::parse("né='x").unwrap_err();
        assert_eq!(error.underline("né='x"), "   ^^");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(Filter::parse(&"(".repeat(5_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(2_000)).is_err());
        assert!(Filter::parse(&"!".repeat(5_000)).is_err());
        assert!(Filter::parse(&"a ".repeat(MAX_FILTER_BYTES)).is_err());
    }

    fn field() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z][a-zA-Z.]{0,8}".prop_filter("keyword", |w| !is_keyword(w)), Just("or".to_owned())]
    }

    fn leaf() -> impl Strategy<Value = Expr> {
        let operator = proptest::sample::select(Operator::ALL.to_vec());
        let compare = (field(), operator, proptest::collection::vec("\\PC{0,12}", 1..4)).prop_map(
            |(field, operator, mut texts)| {
                if !operator.takes_list() {
                    texts.truncate(1);
                }
                let values = texts.into_iter().map(|text| Term { text, span: Span::default() }).collect();
                Expr::Compare(Comparison {
                    field,
                    field_span: Span::default(),
                    operator,
                    operator_span: Span::default(),
                    values,
                })
            },
        );
        let fuzzy = "[a-z@.,'\\-][a-z@.,'\\-!]{1,10}"
            .prop_filter("quote or keyword", |w| !w.starts_with('\'') && !is_keyword(w))
            .prop_map(|text| (text, false));
        let exact = "\\PC{1,12}".prop_map(|text| (text, true));
        let word = prop_oneof![fuzzy, exact]
            .prop_map(|(text, exact)| Expr::Word(Word { text, exact, span: Span::default() }));
        prop_oneof![compare, word]
    }

    fn expr() -> impl Strategy<Value = Expr> {
        leaf().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|e| Expr::Not(Box::new(e))),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| Expr::and(parts).unwrap()),
                proptest::collection::vec(inner, 1..4).prop_map(|parts| Expr::or(parts).unwrap()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(expr in expr()) {
            let filter = Filter { expr: Some(expr), source: Source::default() };
            let written = filter.to_string();
            prop_assert_eq!(Filter::parse(&written), Ok(filter), "{}", written);
        }

        #[test]
        fn nothing_panics_and_the_canonical_form_is_stable(
            text in "\\PC{0,40}|[a-c=!<>~,()\"' \\\\é]{0,30}|((a|and|or|not|=|,|\\(|\\)|!| |'x'){1} ?){0,12}"
        ) {
            match Filter::parse(&text) {
                Ok(filter) => {
                    let written = filter.to_string();
                    prop_assert_eq!(Filter::parse(&written), Ok(filter), "{}", written);
                }
                Err(error) => {
                    prop_assert!(error.column <= text.chars().count() + 1);
                    prop_assert!(text.is_char_boundary(error.span.start.min(text.len())));
                    let _ = error.underline(&text);
                }
            }
        }
    }
}
