//! Whether a row passes.

use chrono::TimeDelta;

use super::ast::Operator;
use super::check::{CheckedComparison, CheckedExpr, CheckedFilter, Operand};
use super::fields::FieldKind;
use crate::domain::time::Timestamp;

/// What a row holds for a field.
#[derive(Debug, Clone, Copy)]
pub enum FieldValue<'a> {
    /// Nothing.
    Missing,
    /// A text, an id or a word of a closed list.
    Text(&'a str),
    /// Several of these; a comparison holds when it holds for one of them,
    /// a negative one when it holds for all.
    Texts(&'a [&'a str]),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// A length of time.
    Duration(TimeDelta),
    /// A point in time.
    Time(Timestamp),
}

/// A row of a list, as a filter sees it.
pub trait Row {
    /// What it holds for a field, by [`super::Field::row_name`].
    fn value(&self, field: &str) -> FieldValue<'_>;

    /// Hands each text that a bare word looks in to `found`, until `found`
    /// returns true; returns whether it did.
    fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool;
}

impl CheckedFilter {
    /// Whether `row` passes, lengths such as `since=1h` counted back from `now`.
    #[must_use]
    pub fn passes(&self, row: &dyn Row, now: Timestamp) -> bool {
        self.expr.as_ref().is_none_or(|expr| holds(expr, row, now))
    }
}

fn holds(expr: &CheckedExpr, row: &dyn Row, now: Timestamp) -> bool {
    match expr {
        CheckedExpr::And(parts) => parts.iter().all(|part| holds(part, row, now)),
        CheckedExpr::Or(parts) => parts.iter().any(|part| holds(part, row, now)),
        CheckedExpr::Not(inner) => !holds(inner, row, now),
        CheckedExpr::Compare(comparison) => compares(comparison, row, now),
        CheckedExpr::Word(word) if word.exact => row.search(&mut |text| contains(text, &word.text)),
        CheckedExpr::Word(word) => row.search(&mut |text| fuzzy_match(&word.text, text)),
    }
}

fn compares(comparison: &CheckedComparison, row: &dyn Row, now: Timestamp) -> bool {
    let value = row.value(comparison.field.row_name());
    let any = |operator: Operator| {
        comparison.operands.iter().any(|operand| one(comparison.field.kind, operator, value, operand, now))
    };
    match comparison.operator {
        Operator::NotEqual => !any(Operator::Equal),
        Operator::NotContains => !any(Operator::Contains),
        operator => any(operator),
    }
}

fn one(
    kind: FieldKind,
    operator: Operator,
    value: FieldValue<'_>,
    operand: &Operand,
    now: Timestamp,
) -> bool {
    if *operand == Operand::Empty {
        return match value {
            FieldValue::Missing => true,
            FieldValue::Text(text) => text.is_empty(),
            FieldValue::Texts(texts) => texts.iter().all(|text| text.is_empty()),
            _ => false,
        };
    }
    match value {
        FieldValue::Missing => false,
        FieldValue::Text(text) => text_holds(operator, text, operand),
        FieldValue::Texts(texts) => texts.iter().any(|text| text_holds(operator, text, operand)),
        FieldValue::Number(number) => match operand {
            Operand::Number(wanted) => ordered(operator, &number, wanted),
            _ => false,
        },
        FieldValue::Bool(is) => *operand == Operand::Bool(is),
        FieldValue::Duration(length) => match operand {
            Operand::Duration(wanted) => ordered(operator, &length, wanted),
            _ => false,
        },
        FieldValue::Time(at) => {
            operand.instants(now).is_some_and(|(from, to)| time_holds(kind, operator, at, from, to))
        }
    }
}

fn text_holds(operator: Operator, text: &str, operand: &Operand) -> bool {
    match (operand, operator) {
        (Operand::Id(wanted), Operator::Contains) => contains(text, &wanted.to_lowercase()),
        (Operand::Id(wanted), _) => text == wanted,
        (Operand::Text(wanted), Operator::Contains) => contains(text, wanted),
        (Operand::Text(wanted), _) => lower(text).eq(wanted.chars()),
        (Operand::Keyword(wanted), _) => text == *wanted,
        _ => false,
    }
}

fn ordered<T: Ord>(operator: Operator, value: &T, wanted: &T) -> bool {
    match operator {
        Operator::Greater => value > wanted,
        Operator::Less => value < wanted,
        Operator::GreaterOrEqual => value >= wanted,
        Operator::LessOrEqual => value <= wanted,
        _ => value == wanted,
    }
}

/// `from..to` is what the operand covers: a day, a minute or, when both are alike, an instant.
fn time_holds(kind: FieldKind, operator: Operator, at: Timestamp, from: Timestamp, to: Timestamp) -> bool {
    let instant = from == to;
    match kind {
        FieldKind::Since => return at >= from,
        FieldKind::Until => return at < from,
        _ => {}
    }
    match operator {
        Operator::Greater if instant => at > from,
        Operator::Greater => at >= to,
        Operator::GreaterOrEqual => at >= from,
        Operator::Less => at < from,
        Operator::LessOrEqual if instant => at <= from,
        Operator::LessOrEqual => at < to,
        _ if instant => at == from,
        _ => at >= from && at < to,
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Whether `text` contains `part`, which is in lower case, whatever the case of `text`.
fn contains(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

/// Whether the letters of `word` (in lower case) stand in `text` in their order
/// and close together: within twice the word's length, beginning where a word
/// of the text begins. What is contained as it is always matches.
#[must_use]
pub fn fuzzy_match(word: &str, text: &str) -> bool {
    if contains(text, word) {
        return true;
    }
    let wanted: Vec<char> = word.chars().collect();
    if wanted.len() < 3 {
        return false;
    }
    let letters: Vec<char> = lower(text).collect();
    let reach = wanted.len() * 2;
    (0..letters.len()).any(|start| {
        let begins = start == 0 || !letters[start - 1].is_alphanumeric();
        if !begins || letters[start] != wanted[0] {
            return false;
        }
        let mut next = 1;
        for letter in letters[start + 1..].iter().take(reach - 1) {
            if next < wanted.len() && *letter == wanted[next] {
                next += 1;
            }
        }
        next == wanted.len()
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Field, FieldTable, Filter};
    use super::*;
    use std::time::Duration;

    use crate::domain::zone::Zone;

    const TABLE: FieldTable = FieldTable {
        rows: "messages",
        fields: &[
            Field::new("id", FieldKind::Id, "The id"),
            Field::new(
                "status",
                FieldKind::Keyword(&["draft", "processing", "sent", "failed"]),
                "Where it stands",
            )
            .or(&["state"]),
            Field::new("subject", FieldKind::Text, "The subject"),
            Field::new("topic", FieldKind::Id, "A topic it goes to").or(&["topics"]),
            Field::new("failed", FieldKind::Number, "How many failed"),
            Field::new("html", FieldKind::Bool, "Whether it is HTML"),
            Field::new("took", FieldKind::Duration, "How long it took"),
            Field::new("at", FieldKind::Time, "When"),
            Field::new("since", FieldKind::Since, "Not before").reading("at"),
            Field::new("until", FieldKind::Until, "Before").reading("at"),
            Field::new("error", FieldKind::Text, "What went wrong"),
        ],
    };

    struct Message;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T17:00:00Z").unwrap()
    }

    impl Row for Message {
        fn value(&self, field: &str) -> FieldValue<'_> {
            match field {
                "id" => FieldValue::Text("68a1F0c2"),
                "status" => FieldValue::Text("failed"),
                "subject" => FieldValue::Text("November Newsletter für Öl"),
                "topic" => FieldValue::Texts(&["news", "beta"]),
                "failed" => FieldValue::Number(1_200),
                "html" => FieldValue::Bool(true),
                "took" => FieldValue::Duration(TimeDelta::milliseconds(300)),
                "at" => FieldValue::Time(now().minus(Duration::from_mins(59))),
                _ => FieldValue::Missing,
            }
        }

        fn search(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
            ["68a1F0c2", "November Newsletter für Öl"].into_iter().any(found)
        }
    }

    fn passes(filter: &str) -> bool {
        Filter::parse(filter)
            .unwrap()
            .check(&TABLE, "Europe/Berlin".parse().unwrap())
            .unwrap()
            .passes(&Message, now())
    }

    #[test]
    fn what_passes() {
        for filter in [
            "",
            "status=failed and since=1h",
            "STATE=Failed",
            "status=processing,failed",
            "status!=draft,sent",
            "not status=draft",
            "id=68a1F0c2",
            "id~a1f",
            "subject~newsletter",
            "subject~'ÖL'",
            "subject='november newsletter für öl'",
            "topic=beta",
            "topics!=other",
            "failed>1k",
            "failed>=1_200 failed<=1200 failed<2M",
            "html=yes",
            "took>250ms took<1s",
            "at=today",
            "at>=2026-11-22",
            "at=2026-11-22",
            "at<2026-11-23",
            "at>1h",
            "at<50m",
            "at<+1h",
            "at=2026-11-22T17:01",
            "at=2026-11-22T16:01:00Z",
            "until=now",
            "error=''",
            "error!=x",
            "nwsltr",
            "newsl",
            "\"November news\"",
            "für",
            "draft or newsletter",
        ] {
            assert!(passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_does_not() {
        for filter in [
            "status=draft",
            "since=58m",
            "until=1h",
            "id=68a1f0c2",
            "topic=bet",
            "topic!=beta",
            "failed>1200",
            "took>1s",
            "html=no",
            "at=yesterday",
            "at>2026-11-22",
            "error~x",
            "error!=''",
            "nvmbrltr",
            "\"newsletter november\"",
            "not newsletter",
            "xyz or status=sent",
        ] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_refused_and_what_it_says() {
        for (filter, column, words) in [
            ("statsu=failed", 1, "did you mean `status`?"),
            ("x=1", 1, "they have id, status"),
            ("a b status=faild", 12, "did you mean `failed`?"),
            ("status=zzz", 8, "one of draft, processing, sent, failed"),
            ("status>draft", 7, "expected `=` `!=`"),
            ("failed=many", 8, "a number such as"),
            ("since=soon", 7, "a time such as"),
            ("since=1h,2h", 10, "takes one value"),
            ("took=5", 6, "a length such as"),
            ("html=maybe", 6, "`true` or `false`"),
            ("failed>''", 8, "a number such as"),
        ] {
            let error = Filter::parse(filter).unwrap().check(&TABLE, Zone::UTC).unwrap_err();
            assert_eq!(error.column, column, "{filter}: {error}");
            assert!(error.problem.contains(words), "{filter}: {error}");
        }
    }

    #[test]
    fn a_store_sees_what_it_can_look_up() {
        let filter = Filter::parse("status=failed,sent since=1h (topic=a or topic=b)")
            .unwrap()
            .check(&TABLE, Zone::UTC)
            .unwrap();
        assert_eq!(
            filter.required("status"),
            Some([Operand::Keyword("failed"), Operand::Keyword("sent")].as_slice())
        );
        let since = &filter.required("since").unwrap()[0];
        assert_eq!(since.instants(now()).unwrap().0, now().minus(Duration::from_hours(1)));
        assert_eq!(filter.required("topic"), None);
        assert_eq!(filter.conjuncts().count(), 2);
    }
}
