//! Pages of the dialect's lists: queries, search and filter in one request to the store.

use super::call::Call;
use super::queries::{Attribute, AttributeKind, Cursor, ListQuery, MAX_LIMIT, order, words_match};
use crate::domain::channel::Channel;
use crate::domain::filter::{CheckedFilter, FieldTable, Filter, Operand};
use crate::domain::time::Timestamp;
use crate::domain::validate::Invalid;
use crate::domain::zone::Zone;
use crate::engine::usecases::persons::readings;
use crate::engine::usecases::{Outcome, Refusal};
use crate::store::page::{Condition, Order, Page, PageRequest};
use crate::store::{Result as StoreResult, StoreError};
use crate::wire::ErrorType;
use async_trait::async_trait;
use std::cmp::Ordering;
use std::sync::Arc;

/// The most that is counted where no counter exists (facts 1.3).
const COUNT_CAP: usize = 5000;

/// A record of a list.
pub(crate) trait Listed: Clone + Send + Sync + 'static {
    /// What can be queried.
    const ATTRIBUTES: &'static [(&'static str, AttributeKind)];
    /// Attributes of them for which `equal` alone is served by an index, beside `$id`. The
    /// others are bounded scans: see [`crate::store::page::PageRequest::scan`].
    const INDEXED: &'static [&'static str] = &[];
    /// Whether `select` may narrow what is answered (users alone).
    const SELECT: bool = false;
    /// What can be filtered by in Herald's language.
    const FIELDS: &'static FieldTable;

    /// The number that pages run by.
    fn no(&self) -> u64;
    /// The id at the door.
    fn id(&self) -> &str;
    /// The value of an attribute.
    fn attribute(&self, name: &str, now: Timestamp) -> Attribute;
    /// Whether it passes a filter.
    fn passes(&self, filter: &CheckedFilter, now: Timestamp) -> bool;
    /// What words are looked for in, where the store does not look.
    fn words(&self) -> String;
}

/// Where a list's records come from.
#[async_trait]
pub(crate) trait Source<T: Listed>: Send + Sync {
    /// A page of them.
    async fn fetch(&self, page: PageRequest<T>) -> StoreResult<Page<T>>;
    /// The number of a cursor's record.
    async fn number(&self, id: String) -> Outcome<u64>;
    /// How many match the queries, where a counter knows it.
    async fn counted(&self, _: &ListQuery) -> Outcome<Option<u64>> {
        Ok(None)
    }
    /// The numbers of all records that can match, where an index knows them; `None`: none does.
    async fn candidates(&self, _: &Asked<'_>) -> Outcome<Option<Vec<u64>>> {
        Ok(None)
    }
}

/// What every record of a list must have: by the dialect's queries, or by the filter.
pub(crate) struct Asked<'a> {
    query: &'a ListQuery,
    filter: &'a CheckedFilter,
}

impl Asked<'_> {
    /// The values of which an attribute must have one; `field` is what the filter calls it.
    pub(crate) fn required(&self, attribute: &str, field: &str) -> Option<Vec<String>> {
        if let Some(values) = self.query.required(attribute) {
            return Some(values.into_iter().map(str::to_owned).collect());
        }
        self.filter.required(field)?.iter().map(exact).collect()
    }
}

/// What an operand stands for to the letter. A filter does not tell capitals, which are of no
/// account in a mail address or a number, and are in a device token.
pub(crate) fn exact(operand: &Operand) -> Option<String> {
    match operand {
        Operand::Id(id) => Some(id.clone()),
        Operand::Text(text) => {
            let (channel, address) = readings(text).into_iter().next()?;
            (channel != Channel::Push).then_some(address)
        }
        _ => None,
    }
}

/// What a list was asked for.
pub(crate) struct ListCall {
    pub(crate) query: ListQuery,
    pub(crate) filter: CheckedFilter,
    search: String,
    total: bool,
    now: Timestamp,
}

/// A page that was found.
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: u64,
    pub(crate) next: Option<String>,
    pub(crate) cut_short: bool,
}

/// A record, or nothing where there is none.
pub(crate) fn found<T>(result: StoreResult<T>) -> Outcome<Option<T>> {
    match result {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A cursor of ours: `~` and the number. No id begins so.
fn number_cursor(no: u64) -> String {
    format!("~{no}")
}

fn cursor_not_found(id: &str) -> Refusal {
    Refusal::new(ErrorType::CursorNotFound, format!("Cursor '{id}' not found"))
}

impl ListCall {
    /// Reads what a list is asked for.
    pub(crate) fn read<T: Listed>(call: &Call) -> Outcome<Self> {
        Self::read_beside::<T>(call, &[])
    }

    /// The same, of a list that has parameters of its own beside those of all.
    pub(crate) fn read_beside<T: Listed>(call: &Call, own: &[&str]) -> Outcome<Self> {
        call.only_query(&[&["queries", "search", "total", "filter"], own].concat())?;
        let query = ListQuery::read(&call.query, T::ATTRIBUTES, T::SELECT)?;
        let search = call.query("search").unwrap_or_default().to_owned();
        if search.chars().count() > 256 {
            return Err(Invalid::value(
                "search",
                "Value must be a valid string and no longer than 256 chars",
            )
            .into());
        }
        let total = call.flag("total")?.unwrap_or(true);
        let filter = checked_filter(call, T::FIELDS)?;
        Ok(Self { query, filter, search, total, now: call.engine().now() })
    }

    fn narrowed(&self) -> bool {
        !self.query.predicates.is_empty() || !self.filter.is_everything()
    }

    /// The queries and the filter as one condition; `None`: everything passes.
    fn condition<T: Listed>(&self) -> Option<Condition<T>> {
        if !self.narrowed() {
            return None;
        }
        let (predicates, filter, now) = (self.query.predicates.clone(), self.filter.clone(), self.now);
        Some(Arc::new(move |record: &T| {
            predicates.iter().all(|predicate| predicate.holds(&|name| value_of(record, name, now)))
                && record.passes(&filter, now)
        }))
    }

    /// A page out of the store.
    pub(crate) async fn page<T: Listed>(&self, source: &dyn Source<T>) -> Outcome<Found<T>> {
        if let Some(numbers) = self.looked_up(source).await? {
            let mut items = Vec::with_capacity(numbers.len());
            for no in numbers {
                let request =
                    PageRequest { after: no.checked_sub(1), limit: 1, ..PageRequest::<T>::default() };
                let page = source.fetch(request).await?;
                items.extend(page.items.into_iter().filter(|item| item.no() == no));
            }
            return self.page_of(items);
        }
        let Some(by_sequence) = self.query.by_sequence() else {
            return self.sorted(source).await;
        };
        let (after, before) = match &self.query.cursor {
            None => (None, false),
            Some(Cursor::After(id)) => (Some(resolve_cursor(id, source).await?), false),
            Some(Cursor::Before(id)) => (Some(resolve_cursor(id, source).await?), true),
        };
        let order = match (by_sequence, before) {
            (Order::Ascending, false) | (Order::Descending, true) => Order::Ascending,
            _ => Order::Descending,
        };
        let request = PageRequest {
            after,
            order,
            limit: self.query.limit,
            offset: self.query.offset,
            search: self.search.clone(),
            only: self.condition(),
            ..PageRequest::default()
        };
        let mut page = source.fetch(request).await?;
        if before {
            page.items.reverse();
            page.next = page.items.last().map(T::no);
        }
        let total = match (self.total, page.total) {
            (false, _) => 0,
            (true, Some(total)) if !self.narrowed() => total,
            (true, _) => match source.counted(&self.query).await? {
                Some(total) if self.search.is_empty() && self.filter.is_everything() => total,
                _ => self.count(source).await?,
            },
        };
        Ok(Found { next: page.next.map(number_cursor), items: page.items, total, cut_short: page.cut_short })
    }

    /// Numbers of records that an index finds, ascending and each once.
    async fn looked_up<T: Listed>(&self, source: &dyn Source<T>) -> Outcome<Option<Vec<u64>>> {
        let asked = Asked { query: &self.query, filter: &self.filter };
        let found = match asked.required("$id", "id") {
            None => source.candidates(&asked).await?,
            Some(ids) => {
                let mut numbers = Vec::with_capacity(ids.len());
                for id in ids {
                    match source.number(id).await {
                        Ok(no) => numbers.push(no),
                        Err(refusal) if refusal.kind.status() < 500 => {}
                        Err(refusal) => return Err(refusal),
                    }
                }
                Some(numbers)
            }
        };
        Ok(found.map(|mut numbers| {
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        }))
    }

    async fn count<T: Listed>(&self, source: &dyn Source<T>) -> Outcome<u64> {
        let request = PageRequest {
            limit: COUNT_CAP,
            search: self.search.clone(),
            only: self.condition(),
            ..PageRequest::default()
        };
        Ok(source.fetch(request).await?.items.len() as u64)
    }

    /// A page in an order that no index has: what matches is sorted here, as long
    /// as it is not too much.
    async fn sorted<T: Listed>(&self, source: &dyn Source<T>) -> Outcome<Found<T>> {
        let request = PageRequest {
            limit: MAX_LIMIT,
            search: self.search.clone(),
            only: self.condition(),
            ..PageRequest::default()
        };
        let page = source.fetch(request).await?;
        if page.next.is_some() || page.cut_short {
            return Err(Refusal::new(
                ErrorType::QueryInvalid,
                format!(
                    "More than {MAX_LIMIT} records match: ordering by an attribute needs a narrower query, or order by \"\""
                ),
            ));
        }
        self.arrange(page.items)
    }

    /// A page of a list that is in memory as a whole.
    pub(crate) fn page_of<T: Listed>(&self, items: Vec<T>) -> Outcome<Found<T>> {
        let condition = self.condition::<T>();
        let matching = items
            .into_iter()
            .filter(|item| condition.as_ref().is_none_or(|only| only(item)))
            .filter(|item| self.search.is_empty() || words_match(&item.words(), &self.search))
            .collect();
        self.arrange(matching)
    }

    fn arrange<T: Listed>(&self, mut items: Vec<T>) -> Outcome<Found<T>> {
        let shuffled = |item: &T| {
            // Another order with every call, without a generator.
            let mixed = (item.no() ^ (self.now.0 as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ (mixed >> 29)
        };
        let compare = |a: &T, b: &T| {
            if self.query.random {
                return shuffled(a).cmp(&shuffled(b));
            }
            for (attribute, direction) in &self.query.order {
                let (left, right) = (value_of(a, attribute, self.now), value_of(b, attribute, self.now));
                let by = order(&left, &right).unwrap_or_else(|| {
                    // What has no value stands first, as in SQL.
                    (left != Attribute::Null).cmp(&(right != Attribute::Null))
                });
                let by = if *direction == Order::Ascending { by } else { by.reverse() };
                if by != Ordering::Equal {
                    return by;
                }
            }
            a.no().cmp(&b.no())
        };
        items.sort_by(compare);
        let total = if self.total { items.len().min(COUNT_CAP) as u64 } else { 0 };
        let place = |id: &str| {
            let at = items.iter().position(|item| item.id() == id || number_cursor(item.no()) == id);
            at.ok_or_else(|| cursor_not_found(id))
        };
        if let Some(Cursor::After(id) | Cursor::Before(id)) = &self.query.cursor
            && let Some((attribute, _)) = self.query.order.first()
            && value_of(&items[place(id)?], attribute, self.now) == Attribute::Null
        {
            return Err(Refusal::new(
                ErrorType::QueryOrderNull,
                format!(
                    "The order attribute '{attribute}' of the cursor's record has no value: order by another"
                ),
            ));
        }
        let range = match &self.query.cursor {
            None => 0..items.len(),
            Some(Cursor::After(id)) => place(id)? + 1..items.len(),
            Some(Cursor::Before(id)) => {
                let end = place(id)?;
                end.saturating_sub(self.query.limit + self.query.offset)..end
            }
        };
        let start = (range.start + self.query.offset).min(range.end);
        let end = (start + self.query.limit).min(range.end);
        let more = end < items.len();
        let items: Vec<T> = items.drain(start..end).collect();
        let next = items.last().filter(|_| more).map(|item| item.id().to_owned());
        Ok(Found { items, total, next, cut_short: false })
    }
}

fn value_of<T: Listed>(record: &T, name: &str, now: Timestamp) -> Attribute {
    match name {
        "$id" => Attribute::Text(record.id().to_owned()),
        "" | "$sequence" => Attribute::Number(record.no() as i64),
        _ => record.attribute(name, now),
    }
}

async fn resolve_cursor<T: Listed>(id: &str, source: &dyn Source<T>) -> Outcome<u64> {
    if let Some(no) = id.strip_prefix('~') {
        return no.parse().map_err(|_| cursor_not_found(id));
    }
    source.number(id.to_owned()).await.map_err(|refusal| {
        // Not there, or no id at all: in both cases the cursor names nothing.
        if refusal.kind.status() < 500 { cursor_not_found(id) } else { refusal }
    })
}

/// The `filter` of a call, in Herald's language.
pub(crate) fn checked_filter(call: &Call, fields: &FieldTable) -> Outcome<CheckedFilter> {
    let Some(text) = call.query("filter") else { return Ok(CheckedFilter::everything()) };
    let zone = call.app.settings.operator_zone.unwrap_or(Zone::UTC);
    let filter = Filter::parse(text).and_then(|filter| filter.check(fields, zone));
    filter.map_err(|error| Invalid::value("filter", error.to_string()).into())
}
