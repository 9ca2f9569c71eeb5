//! The dialect's list queries: read, checked against what a list has, evaluated.

use crate::domain::filter::closest;
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::engine::usecases::Outcome;
use crate::store::page::Order;
use crate::wire::Query;
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use std::cmp::Ordering;

/// The dialect's limits (facts 1.3).
const MAX_QUERIES: usize = 100;
const MAX_QUERY_CHARS: usize = 4096;
const MAX_VALUES: usize = 500;
/// The largest page.
pub(crate) const MAX_LIMIT: usize = 5000;
/// More than any list has.
const MAX_OFFSET: usize = u32::MAX as usize;
/// The most bytes that a regular expression may take when it is compiled.
const PATTERN: usize = 256 << 10;
/// How deep `and` and `or` may stand in each other.
const MAX_DEPTH: usize = 8;

/// What an attribute's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttributeKind {
    Text,
    Number,
    Flag,
    Time,
    List,
}

/// A record's value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Null,
    Text(String),
    Number(i64),
    Flag(bool),
    Time(Timestamp),
    List(Vec<String>),
}

/// The attributes that every list has.
const INTERNAL: &[(&str, AttributeKind)] = &[
    ("$id", AttributeKind::Text),
    ("$createdAt", AttributeKind::Time),
    ("$updatedAt", AttributeKind::Time),
    ("$sequence", AttributeKind::Number),
];

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Predicate {
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Compare { attribute: String, operator: Operator, values: Vec<Attribute> },
    Matches { attribute: String, pattern: Pattern },
}

/// A regular expression; two are the same when their texts are.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    NotBetween,
    IsNull,
    IsNotNull,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Contains,
    NotContains,
    ContainsAll,
    Search,
    NotSearch,
}

/// Which side of a record a page lies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    After(String),
    Before(String),
}

/// The queries of a list, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListQuery {
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) cursor: Option<Cursor>,
    /// Attributes to order by; the internal sequence is `""`.
    pub(crate) order: Vec<(String, Order)>,
    /// In no order at all.
    pub(crate) random: bool,
    /// The only keys that are answered; empty: all. Users alone can be asked so.
    pub(crate) select: Vec<String>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            predicates: Vec::new(),
            limit: 25,
            offset: 0,
            cursor: None,
            order: Vec::new(),
            random: false,
            select: Vec::new(),
        }
    }
}

fn bad(problem: impl std::fmt::Display) -> Invalid {
    Invalid::value("queries", format!("Invalid query: {problem}"))
}

impl ListQuery {
    /// Reads the `queries` parameters, in the order of their numbers.
    pub(crate) fn read(
        pairs: &[(String, String)],
        attributes: &[(&'static str, AttributeKind)],
        select: bool,
    ) -> Outcome<Self> {
        let mut texts: Vec<(usize, &str)> = Vec::new();
        for (name, value) in pairs {
            let Some(rest) = name.strip_prefix("queries") else { continue };
            let index = rest.trim_start_matches('[').trim_end_matches(']');
            if value.is_empty() {
                continue;
            }
            texts.push((index.parse().unwrap_or(texts.len()), value));
        }
        texts.sort_by_key(|(index, _)| *index);
        if texts.len() > MAX_QUERIES {
            return Err(Invalid::value(
                "queries",
                format!("Value must be an array of at most {MAX_QUERIES} queries"),
            )
            .into());
        }
        let mut list = Self::default();
        for (_, text) in texts {
            if text.chars().count() > MAX_QUERY_CHARS {
                return Err(bad(format_args!("longer than {MAX_QUERY_CHARS} characters")).into());
            }
            let query = parse(text)?;
            if select && query.method == "select" {
                list.select.append(&mut names(&query)?);
            } else {
                list.add(query, attributes)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, query: Query, attributes: &[(&'static str, AttributeKind)]) -> Outcome<()> {
        match query.method.as_str() {
            "limit" => self.limit = number(&query, 1, MAX_LIMIT)?,
            "offset" => self.offset = number(&query, 0, MAX_OFFSET)?,
            "cursorAfter" => self.cursor = Some(Cursor::After(cursor(&query)?)),
            "cursorBefore" => self.cursor = Some(Cursor::Before(cursor(&query)?)),
            "orderAsc" | "orderDesc" => {
                let order = if query.method == "orderAsc" { Order::Ascending } else { Order::Descending };
                if !query.attribute.is_empty() {
                    kind_of(&query.attribute, attributes)?;
                }
                self.order.push((query.attribute, order));
            }
            "orderRandom" => self.random = true,
            _ => self.predicates.push(predicate(query, attributes, 0)?),
        }
        Ok(())
    }

    /// Which way the internal sequence runs, if that is all that the order asks for.
    pub(crate) fn by_sequence(&self) -> Option<Order> {
        match self.order.first() {
            _ if self.random => None,
            None => Some(Order::Ascending),
            // Numbers are given in the order of creation.
            Some((attribute, order)) if matches!(attribute.as_str(), "" | "$sequence" | "$createdAt") => {
                Some(*order)
            }
            Some(_) => None,
        }
    }

    /// Texts that an attribute must equal, if the list is narrowed to some.
    pub(crate) fn required(&self, attribute: &str) -> Option<Vec<&str>> {
        self.predicates.iter().find_map(|predicate| match predicate {
            Predicate::Compare { attribute: name, operator: Operator::Equal, values }
                if name == attribute =>
            {
                Some(
                    values
                        .iter()
                        .filter_map(|value| {
                            if let Attribute::Text(text) = value { Some(text.as_str()) } else { None }
                        })
                        .collect(),
                )
            }
            _ => None,
        })
    }
}

fn parse(text: &str) -> Outcome<Query> {
    let value: Value = serde_json::from_str(text).map_err(|_| bad("not valid JSON"))?;
    read_query(value)
}

fn read_query(value: Value) -> Outcome<Query> {
    let Value::Object(mut map) = value else {
        return Err(bad("must be an object with a method").into());
    };
    let Some(Value::String(method)) = map.remove("method") else {
        return Err(bad("Invalid query method. Must be a string").into());
    };
    let attribute = match map.remove("attribute") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(attribute)) => attribute,
        Some(_) => return Err(bad("Invalid query attribute. Must be a string").into()),
    };
    let values = match map.remove("values") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(bad("Invalid query values. Must be an array").into()),
    };
    Ok(Query { method, attribute, values })
}

fn number(query: &Query, min: usize, max: usize) -> Outcome<usize> {
    let value = match query.values.as_slice() {
        [value] => value.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    let range =
        if max == MAX_OFFSET { format!("at least {min}") } else { format!("between {min} and {max}") };
    value.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
        bad(format_args!("Invalid {}: Value must be a whole number {range}", query.method)).into()
    })
}

/// Names of attributes among the values.
fn names(query: &Query) -> Outcome<Vec<String>> {
    let named = |value: &Value| value.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let names: Option<Vec<_>> = query.values.iter().map(named).collect();
    names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| bad(format_args!("{} queries require names of attributes", query.method)).into())
}

fn cursor(query: &Query) -> Outcome<String> {
    match query.values.as_slice() {
        [Value::String(id)] if !id.is_empty() => Ok(id.clone()),
        _ => Err(bad(format_args!("Invalid {}: one id is needed", query.method)).into()),
    }
}

fn kind_of(attribute: &str, attributes: &[(&'static str, AttributeKind)]) -> Outcome<AttributeKind> {
    attributes
        .iter()
        .chain(INTERNAL)
        .find(|(name, _)| *name == attribute)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| bad(format_args!("Attribute not found in schema: {attribute}")).into())
}

const METHODS: &[(&str, Operator, std::ops::RangeInclusive<usize>)] = &[
    ("equal", Operator::Equal, 1..=MAX_VALUES),
    ("notEqual", Operator::NotEqual, 1..=1),
    ("lessThan", Operator::Less, 1..=1),
    ("lessThanEqual", Operator::LessOrEqual, 1..=1),
    ("greaterThan", Operator::Greater, 1..=1),
    ("greaterThanEqual", Operator::GreaterOrEqual, 1..=1),
    ("between", Operator::Between, 2..=2),
    ("notBetween", Operator::NotBetween, 2..=2),
    ("isNull", Operator::IsNull, 0..=0),
    ("isNotNull", Operator::IsNotNull, 0..=0),
    ("startsWith", Operator::StartsWith, 1..=1),
    ("notStartsWith", Operator::NotStartsWith, 1..=1),
    ("endsWith", Operator::EndsWith, 1..=1),
    ("notEndsWith", Operator::NotEndsWith, 1..=1),
    ("contains", Operator::Contains, 1..=MAX_VALUES),
    ("containsAny", Operator::Contains, 1..=MAX_VALUES),
    ("containsAll", Operator::ContainsAll, 1..=MAX_VALUES),
    ("notContains", Operator::NotContains, 1..=MAX_VALUES),
    ("search", Operator::Search, 1..=1),
    ("notSearch", Operator::NotSearch, 1..=1),
];

fn predicate(query: Query, attributes: &[(&'static str, AttributeKind)], depth: usize) -> Outcome<Predicate> {
    if matches!(query.method.as_str(), "and" | "or") {
        if depth >= MAX_DEPTH {
            return Err(bad("nested too deeply").into());
        }
        if query.values.len() < 2 {
            return Err(bad(format_args!("{} queries require at least two queries", query.method)).into());
        }
        let mut parts = Vec::with_capacity(query.values.len());
        for value in query.values {
            parts.push(predicate(read_query(value)?, attributes, depth + 1)?);
        }
        return Ok(if query.method == "and" { Predicate::All(parts) } else { Predicate::Any(parts) });
    }
    if let Some(is) = [("exists", Operator::IsNotNull), ("notExists", Operator::IsNull)]
        .iter()
        .find_map(|(name, is)| (*name == query.method).then_some(*is))
    {
        let mut parts = Vec::new();
        for attribute in names(&query)? {
            kind_of(&attribute, attributes)?;
            parts.push(Predicate::Compare { attribute, operator: is, values: Vec::new() });
        }
        return Ok(Predicate::All(parts));
    }
    if query.method == "regex" {
        return regex(query, attributes);
    }
    let Some((_, operator, count)) = METHODS.iter().find(|(name, ..)| *name == query.method) else {
        let near = closest(&query.method, METHODS.iter().map(|(name, ..)| *name));
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(bad(format_args!("Invalid query method: {}{hint}", query.method)).into());
    };
    let kind = kind_of(&query.attribute, attributes)?;
    if !count.contains(&query.values.len()) {
        let wanted = match (count.start(), count.end()) {
            (low, high) if low == high => format!("exactly {low}"),
            (low, high) => format!("{low} to {high}"),
        };
        return Err(bad(format_args!("{} queries require {wanted} values", query.method)).into());
    }
    let values =
        query.values.iter().map(|value| typed(value, kind, &query.attribute)).collect::<Outcome<Vec<_>>>()?;
    Ok(Predicate::Compare { attribute: query.attribute, operator: *operator, values })
}

/// A regular expression over a text. It runs in time linear in the text, and is bounded in size.
fn regex(query: Query, attributes: &[(&'static str, AttributeKind)]) -> Outcome<Predicate> {
    if !matches!(kind_of(&query.attribute, attributes)?, AttributeKind::Text | AttributeKind::List) {
        return Err(bad(format_args!("regex needs a text, which {} is not", query.attribute)).into());
    }
    let [Value::String(text)] = query.values.as_slice() else {
        return Err(bad("regex queries require exactly 1 values").into());
    };
    let pattern = RegexBuilder::new(text)
        .size_limit(PATTERN)
        .build()
        .map_err(|_| bad(format_args!("`{text}` is no regular expression, or too large a one")))?;
    Ok(Predicate::Matches { attribute: query.attribute, pattern: Pattern(pattern) })
}

fn typed(value: &Value, kind: AttributeKind, attribute: &str) -> Outcome<Attribute> {
    let read = match (kind, value) {
        (AttributeKind::Text | AttributeKind::List, Value::String(text)) => {
            Some(Attribute::Text(text.clone()))
        }
        (AttributeKind::Number, Value::Number(number)) => number.as_i64().map(Attribute::Number),
        (AttributeKind::Flag, Value::Bool(flag)) => Some(Attribute::Flag(*flag)),
        (AttributeKind::Time, Value::String(text)) => Timestamp::parse(text).map(Attribute::Time),
        _ => None,
    };
    let word = match kind {
        AttributeKind::Text | AttributeKind::List => "string",
        AttributeKind::Number => "integer",
        AttributeKind::Flag => "boolean",
        AttributeKind::Time => "datetime",
    };
    read.ok_or_else(|| {
        bad(format_args!("Query value is invalid for attribute \"{attribute}\": {word} expected")).into()
    })
}

impl Predicate {
    /// Whether a record passes, which is asked for its attributes.
    pub(crate) fn holds(&self, attribute_of: &dyn Fn(&str) -> Attribute) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(attribute_of)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(attribute_of)),
            Self::Compare { attribute, operator, values } => {
                compare(&attribute_of(attribute), *operator, values)
            }
            Self::Matches { attribute, pattern } => {
                text_test(&attribute_of(attribute), |text| pattern.0.is_match(text))
            }
        }
    }
}

fn text_test(value: &Attribute, test: impl Fn(&str) -> bool) -> bool {
    match value {
        Attribute::Text(text) => test(text),
        Attribute::List(texts) => texts.iter().any(|text| test(text)),
        _ => false,
    }
}

fn needle(value: &Attribute) -> &str {
    if let Attribute::Text(text) = value { text } else { "" }
}

fn compare(value: &Attribute, operator: Operator, values: &[Attribute]) -> bool {
    use Operator as O;
    let first = || values.first();
    let ordering = |other: Option<&Attribute>| other.and_then(|other| order(value, other));
    let between = || {
        matches!(ordering(values.first()), Some(Ordering::Greater | Ordering::Equal))
            && matches!(ordering(values.get(1)), Some(Ordering::Less | Ordering::Equal))
    };
    let some_text = |test: fn(&str, &str) -> bool| {
        first().is_some_and(|other| text_test(value, |text| test(text, needle(other))))
    };
    let has = |other: &Attribute| match value {
        Attribute::List(texts) => texts.iter().any(|text| text == needle(other)),
        _ => text_test(value, |text| text.contains(needle(other))),
    };
    match operator {
        O::Equal => values.iter().any(|other| equal(value, other)),
        O::NotEqual => *value != Attribute::Null && !values.iter().any(|other| equal(value, other)),
        O::Less => ordering(first()) == Some(Ordering::Less),
        O::LessOrEqual => matches!(ordering(first()), Some(Ordering::Less | Ordering::Equal)),
        O::Greater => ordering(first()) == Some(Ordering::Greater),
        O::GreaterOrEqual => matches!(ordering(first()), Some(Ordering::Greater | Ordering::Equal)),
        O::Between => between(),
        O::NotBetween => *value != Attribute::Null && !between(),
        O::IsNull => *value == Attribute::Null,
        O::IsNotNull => *value != Attribute::Null,
        O::StartsWith => some_text(|text, start| text.starts_with(start)),
        O::NotStartsWith => !some_text(|text, start| text.starts_with(start)),
        O::EndsWith => some_text(|text, end| text.ends_with(end)),
        O::NotEndsWith => !some_text(|text, end| text.ends_with(end)),
        O::Contains => values.iter().any(has),
        O::NotContains => !values.iter().any(has),
        O::ContainsAll => values.iter().all(has),
        O::Search => some_text(words_match),
        O::NotSearch => !some_text(words_match),
    }
}

/// Whether every word of the term begins a word of the text.
pub(crate) fn words_match(text: &str, term: &str) -> bool {
    let text = text.to_lowercase();
    let split = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let words = split(&text);
    split(&term.to_lowercase()).iter().all(|term| words.iter().any(|word| word.starts_with(term)))
}

fn equal(value: &Attribute, other: &Attribute) -> bool {
    match value {
        Attribute::List(texts) => texts.iter().any(|text| text == needle(other)),
        _ => value == other,
    }
}

/// How two values stand to each other; nothing when they are not of one kind.
pub(crate) fn order(left: &Attribute, right: &Attribute) -> Option<Ordering> {
    match (left, right) {
        (Attribute::Text(a), Attribute::Text(b)) => Some(a.cmp(b)),
        (Attribute::Number(a), Attribute::Number(b)) => Some(a.cmp(b)),
        (Attribute::Flag(a), Attribute::Flag(b)) => Some(a.cmp(b)),
        (Attribute::Time(a), Attribute::Time(b)) => Some(a.cmp(b)),
        (Attribute::List(a), Attribute::List(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
