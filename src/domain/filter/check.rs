//! A filter against the fields of a list: names resolved, operators allowed, values typed.

use crate::domain::zone::Zone;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};

use super::FilterError;
use super::ast::{Comparison, Expr, Filter, Operator, Term, Word};
use super::fields::{Field, FieldKind, FieldTable};
use super::suggest::closest;
use crate::domain::time::Timestamp;
use crate::domain::when::parse_duration;

/// A filter whose fields exist and whose values are typed.
#[derive(Debug, Clone)]
pub struct CheckedFilter {
    pub(super) expr: Option<CheckedExpr>,
}

/// A condition whose fields exist and whose values are typed.
#[derive(Debug, Clone)]
pub enum CheckedExpr {
    /// All hold.
    And(Vec<CheckedExpr>),
    /// One holds.
    Or(Vec<CheckedExpr>),
    /// Does not hold.
    Not(Box<CheckedExpr>),
    /// A comparison.
    Compare(CheckedComparison),
    /// A word to look for.
    Word(Word),
}

/// A comparison whose field exists and whose values are typed.
#[derive(Debug, Clone)]
pub struct CheckedComparison {
    /// The field.
    pub field: &'static Field,
    /// One of the field's operators.
    pub operator: Operator,
    /// The values; never empty.
    pub operands: Vec<Operand>,
}

/// A typed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// An id, to the letter.
    Id(String),
    /// A text, in lower case.
    Text(String),
    /// A word of a closed list, in the list's spelling.
    Keyword(&'static str),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// A length of time.
    Duration(TimeDelta),
    /// This long before now; after now when negative.
    Ago(TimeDelta),
    /// From the first instant up to, not including, the second. A single
    /// instant has both alike.
    Span(Timestamp, Timestamp),
    /// A day counted from today (−1 yesterday), in the zone of the check.
    Day(i8, Zone),
    /// Nothing: `field=""` finds rows where it is missing or empty.
    Empty,
}

impl Operand {
    /// The first instant it covers and the one it ends before, if it is about time.
    #[must_use]
    pub fn instants(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self {
            Operand::Ago(length) => {
                let at = Timestamp(now.0.checked_sub(length.num_milliseconds())?);
                Some((at, at))
            }
            Operand::Span(from, to) => Some((*from, *to)),
            Operand::Day(offset, zone) => {
                let today = now.to_utc().with_timezone(zone).date_naive();
                let day = today.checked_add_signed(TimeDelta::days(i64::from(*offset)))?;
                Some((start_of_day(day, *zone)?, start_of_day(day.succ_opt()?, *zone)?))
            }
            _ => None,
        }
    }
}

impl Filter {
    /// Compares the filter with what the list has. Dates without an offset are
    /// days of `zone`. The first thing that is wrong is the error, with what
    /// was probably meant.
    pub fn check(&self, table: &FieldTable, zone: Zone) -> Result<CheckedFilter, FilterError> {
        let checker = Checker { source: &self.source.0, table, zone };
        let expr = self.expr.as_ref().map(|e| checker.expr(e)).transpose()?;
        Ok(CheckedFilter { expr })
    }
}

impl CheckedFilter {
    /// A filter that lets everything pass.
    #[must_use]
    pub fn everything() -> Self {
        Self { expr: None }
    }

    /// Whether it lets everything pass.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.expr.is_none()
    }

    /// What is asked.
    #[must_use]
    pub fn expr(&self) -> Option<&CheckedExpr> {
        self.expr.as_ref()
    }

    /// The comparisons that every row which passes must satisfy: those joined
    /// by `and` at the top. A store reads them to choose an index.
    pub fn conjuncts(&self) -> impl Iterator<Item = &CheckedComparison> {
        let parts = match &self.expr {
            Some(CheckedExpr::And(parts)) => parts.as_slice(),
            Some(single) => std::slice::from_ref(single),
            None => &[],
        };
        parts.iter().filter_map(|part| match part {
            CheckedExpr::Compare(comparison) => Some(comparison),
            _ => None,
        })
    }

    /// The values of a conjunct `field=…`, if there is one: rows that pass have one of them.
    #[must_use]
    pub fn required(&self, field: &str) -> Option<&[Operand]> {
        self.conjuncts()
            .find(|c| c.operator == Operator::Equal && c.field.name == field)
            .map(|c| c.operands.as_slice())
    }
}

struct Checker<'a> {
    source: &'a str,
    table: &'a FieldTable,
    zone: Zone,
}

impl Checker<'_> {
    fn expr(&self, expr: &Expr) -> Result<CheckedExpr, FilterError> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.expr(part)).collect::<Result<Vec<_>, _>>();
        Ok(match expr {
            Expr::And(parts) => CheckedExpr::And(all(parts)?),
            Expr::Or(parts) => CheckedExpr::Or(all(parts)?),
            Expr::Not(inner) => CheckedExpr::Not(Box::new(self.expr(inner)?)),
            Expr::Word(word) => CheckedExpr::Word(Word { text: word.text.to_lowercase(), ..word.clone() }),
            Expr::Compare(comparison) => CheckedExpr::Compare(self.comparison(comparison)?),
        })
    }

    fn comparison(&self, comparison: &Comparison) -> Result<CheckedComparison, FilterError> {
        let name = &comparison.field;
        let Some(field) = self.table.find(name) else {
            let problem = match self.table.suggest(name) {
                Some(meant) => format!("{} have no `{name}`; did you mean `{meant}`?", self.table.rows),
                None => format!("{} have no `{name}`; they have {}", self.table.rows, self.table.names()),
            };
            return Err(FilterError::new(self.source, comparison.field_span, problem));
        };
        let allowed = field.kind.operators();
        if !allowed.contains(&comparison.operator) {
            let symbols: Vec<String> = allowed.iter().map(|o| format!("`{o}`")).collect();
            let problem = format!(
                "`{}` does not work with `{}`; expected {}",
                comparison.operator,
                field.name,
                symbols.join(" ")
            );
            return Err(FilterError::new(self.source, comparison.operator_span, problem));
        }
        if matches!(field.kind, FieldKind::Since | FieldKind::Until) && comparison.values.len() > 1 {
            let problem = format!("`{}` takes one value", field.name);
            return Err(FilterError::new(self.source, comparison.values[1].span, problem));
        }
        let operands = comparison
            .values
            .iter()
            .map(|term| {
                self.operand(field, comparison.operator, term)
                    .map_err(|problem| FilterError::new(self.source, term.span, problem))
            })
            .collect::<Result<_, _>>()?;
        Ok(CheckedComparison { field, operator: comparison.operator, operands })
    }

    fn operand(&self, field: &Field, operator: Operator, term: &Term) -> Result<Operand, String> {
        let text = term.text.trim();
        if text.is_empty() {
            let may_be_missing = matches!(operator, Operator::Equal | Operator::NotEqual)
                && !matches!(field.kind, FieldKind::Since | FieldKind::Until);
            return if may_be_missing {
                Ok(Operand::Empty)
            } else {
                Err(format!("expected {}", field.kind.example()))
            };
        }
        let expected = || format!("expected {}, found `{text}`", field.kind.example());
        match field.kind {
            FieldKind::Id => Ok(Operand::Id(text.to_owned())),
            FieldKind::Text => Ok(Operand::Text(term.text.to_lowercase())),
            FieldKind::Keyword(values) => values
                .iter()
                .find(|value| value.eq_ignore_ascii_case(text))
                .map(|value| Operand::Keyword(value))
                .ok_or_else(|| match closest(text, values.iter().copied()) {
                    Some(meant) => format!("`{}` is never `{text}`; did you mean `{meant}`?", field.name),
                    None => format!("`{}` is one of {}", field.name, values.join(", ")),
                }),
            FieldKind::Number => number(text).map(Operand::Number).ok_or_else(expected),
            FieldKind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(Operand::Bool(true)),
                "false" | "no" | "off" | "0" => Ok(Operand::Bool(false)),
                _ => Err(expected()),
            },
            FieldKind::Duration => parse_duration(text).map(Operand::Duration).ok_or_else(expected),
            FieldKind::Time | FieldKind::Since | FieldKind::Until => self.time(text).ok_or_else(expected),
        }
    }

    fn time(&self, text: &str) -> Option<Operand> {
        let word = text.to_ascii_lowercase();
        match word.as_str() {
            "now" => return Some(Operand::Ago(TimeDelta::zero())),
            "today" => return Some(Operand::Day(0, self.zone)),
            "yesterday" => return Some(Operand::Day(-1, self.zone)),
            "tomorrow" => return Some(Operand::Day(1, self.zone)),
            _ => {}
        }
        if let Some(ahead) = word.strip_prefix('+') {
            return parse_duration(ahead).map(|length| Operand::Ago(-length));
        }
        if let Some(length) = parse_duration(word.strip_prefix('-').unwrap_or(&word)) {
            return Some(Operand::Ago(length));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            let from = start_of_day(day, self.zone)?;
            return Some(Operand::Span(from, start_of_day(day.succ_opt()?, self.zone)?));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            let at = Timestamp::from_utc(at.with_timezone(&Utc));
            return Some(Operand::Span(at, at));
        }
        for (format, length) in [
            ("%Y-%m-%dT%H:%M", TimeDelta::minutes(1)),
            ("%Y-%m-%d %H:%M", TimeDelta::minutes(1)),
            ("%Y-%m-%dT%H:%M:%S", TimeDelta::seconds(1)),
            ("%Y-%m-%d %H:%M:%S", TimeDelta::seconds(1)),
        ] {
            if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
                let from = self.zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc);
                let to = from.checked_add_signed(length)?;
                return Some(Operand::Span(Timestamp::from_utc(from), Timestamp::from_utc(to)));
            }
        }
        None
    }
}

/// Midnight of `day`, or the first instant of it where midnight is skipped.
fn start_of_day(day: NaiveDate, zone: Zone) -> Option<Timestamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=24)
        .filter_map(|hours| midnight.checked_add_signed(TimeDelta::hours(hours)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .or_else(|| {
            let next = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
            zone.from_local_datetime(&next).earliest()
        })
        .map(|at| Timestamp::from_utc(at.with_timezone(&Utc)))
}

/// A whole number: `1000`, `1_000`, `-5`, `10k`, `2M`.
fn number(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (digits, factor) = if let Some(digits) = plain.strip_suffix(['k', 'K']) {
        (digits, 1_000)
    } else if let Some(digits) = plain.strip_suffix('M') {
        (digits, 1_000_000)
    } else {
        (plain.as_str(), 1)
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}
