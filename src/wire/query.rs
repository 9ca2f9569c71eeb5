//! The dialect's list queries: each is a JSON object in a `queries[n]` parameter.

use crate::domain::channel::Channel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One query of a list, such as `{"method":"limit","values":[10]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// What it does: `equal`, `limit`, `cursorAfter`, …
    pub method: String,
    /// The attribute that it looks at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attribute: String,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl Query {
    /// A query by its parts.
    pub fn new(method: &str, attribute: &str, values: Vec<Value>) -> Self {
        Self { method: method.into(), attribute: attribute.into(), values }
    }

    /// The attribute is one of these values.
    pub fn equal(attribute: &str, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self::new("equal", attribute, values.into_iter().map(Into::into).collect())
    }

    /// At most so many.
    pub fn limit(n: usize) -> Self {
        Self::new("limit", "", vec![n.into()])
    }

    /// Without the first so many.
    pub fn offset(n: usize) -> Self {
        Self::new("offset", "", vec![n.into()])
    }

    /// The page after the record with this id.
    pub fn cursor_after(id: impl AsRef<str>) -> Self {
        Self::new("cursorAfter", "", vec![id.as_ref().into()])
    }

    /// The page before the record with this id.
    pub fn cursor_before(id: impl AsRef<str>) -> Self {
        Self::new("cursorBefore", "", vec![id.as_ref().into()])
    }

    /// Ascending; by an empty attribute in order of creation.
    pub fn order_asc(attribute: &str) -> Self {
        Self::new("orderAsc", attribute, vec![])
    }

    /// Descending; by an empty attribute newest first.
    pub fn order_desc(attribute: &str) -> Self {
        Self::new("orderDesc", attribute, vec![])
    }
}

/// Which page of a dialect list, and which of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct ListRequest {
    /// The dialect's queries.
    pub queries: Vec<Query>,
    /// Words to search for; empty: everything.
    pub search: String,
    /// Herald's filter language (see `domain::filter`); empty: everything.
    pub filter: String,
    /// Whether to count; the count is 0 otherwise.
    pub total: bool,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self { queries: Vec::new(), search: String::new(), filter: String::new(), total: true }
    }
}

impl ListRequest {
    /// Newest first, a page of so many.
    pub fn newest(limit: usize) -> Self {
        Self { queries: vec![Query::order_desc(""), Query::limit(limit)], ..Self::default() }
    }

    /// Oldest first, a page of so many.
    pub fn oldest(limit: usize) -> Self {
        Self { queries: vec![Query::limit(limit)], ..Self::default() }
    }

    /// The same with one more query.
    #[must_use]
    pub fn with(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    /// The page after this record, if one is given.
    #[must_use]
    pub fn after(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => self.with(Query::cursor_after(id)),
            None => self,
        }
    }

    /// The same with words to search for.
    #[must_use]
    pub fn searching(mut self, words: impl Into<String>) -> Self {
        self.search = words.into();
        self
    }

    /// The same with a filter.
    #[must_use]
    pub fn filtered(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// The same without a count, which is cheaper.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.total = false;
        self
    }

    /// As the parameters of a URL, in the form in which the SDKs send them.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = self
            .queries
            .iter()
            .enumerate()
            .map(|(n, query)| (format!("queries[{n}]"), serde_json::to_string(query).unwrap_or_default()))
            .collect();
        for (name, value) in [("search", &self.search), ("filter", &self.filter)] {
            if !value.is_empty() {
                pairs.push((name.into(), value.clone()));
            }
        }
        if !self.total {
            pairs.push(("total".into(), "false".into()));
        }
        pairs
    }
}

/// The parameters of a dialect list as they stand in a URL; see [`ListRequest`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListParameters {
    /// The dialect's queries, each a JSON object as text; also as `queries[0]=…&queries[1]=…`.
    #[schemars(length(max = 100))]
    pub queries: Vec<String>,
    /// Words to search for.
    #[schemars(length(max = 256))]
    pub search: String,
    /// Herald's filter language.
    pub filter: String,
    /// False: do not count.
    pub total: bool,
}

/// The parameters of the list of everybody's targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TargetParameters {
    /// As of every list.
    #[serde(flatten)]
    pub list: ListParameters,
    /// True: with what became last of what was sent to each (`lastOutcome`), for who has the scope
    /// `messages.read` as well.
    pub outcomes: bool,
}

/// The parameters of the dialect's audit of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogParameters {
    /// Only `limit` and `offset`.
    #[schemars(length(max = 100))]
    pub queries: Vec<String>,
    /// False: do not count.
    pub total: bool,
}

/// Which entries of the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AuditParameters {
    /// Of one resource, such as `message/ID`.
    pub resource: Option<String>,
    /// Older than this entry.
    pub after: Option<u64>,
    /// At most so many, up to 1000; 50 if not given.
    pub limit: Option<usize>,
}

/// Which audience is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudienceParameters {
    /// Topics by id, with commas.
    pub topics: String,
    /// The type.
    #[serde(rename = "type")]
    pub channel: Option<Channel>,
}

/// Of whom it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WhyParameters {
    /// One target of a message.
    pub target: Option<String>,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindParameters {
    /// An id, an address, a Message-ID, a service's id, or words.
    pub q: String,
}

/// From where the event stream goes on; also as the header `Last-Event-ID`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventParameters {
    /// The id of the last event that was seen.
    pub since: Option<String>,
}

/// From how many messages on a probe fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QueueParameters {
    /// So many, or more.
    pub threshold: Option<u64>,
}

/// Which operations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OperationParameters {
    /// Older than this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
}
