//! The lists among the routes: which filters an index serves, and which a bounded scan.

use super::list::Listed;
use crate::domain::file::{Bucket, StoredFile};
use crate::domain::message::Message;
use crate::domain::person::{Target, User};
use crate::domain::provider::Provider;
use crate::domain::topic::Topic;
use crate::store::catalog::SubscriberView;

/// How a list answers filters: part of the table of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// The path of its route; the method is `GET`.
    pub path: &'static str,
    /// Attributes for which an `equal` query (with `and` beside it or not) is served by an index, and so
    /// is `$id`. Order by `""`, `$sequence` or `$createdAt`, cursors and offsets run by the number.
    pub indexed: &'static [&'static str],
    /// Attributes that are looked for in a scan of at most 50,000 rows a page; the answer says when it
    /// ended there (`cutShort`), and goes on after `next`. So are `search` and `filter`.
    pub scanned: &'static [&'static str],
    /// Whether the whole list is small and read at once.
    pub whole: bool,
}

macro_rules! listings {
    ($($path:literal $record:ty $(, $whole:ident)?;)*) => {
        /// Every list of the dialect, and what of it is indexed.
        pub const LISTINGS: &[Listing] = &[$({
            const NAMES: &([&str; 16], usize) = &scanned::<$record>();
            Listing {
                path: $path,
                indexed: <$record as Listed>::INDEXED,
                scanned: NAMES.0.split_at(NAMES.1).0,
                whole: listings!(@whole $($whole)?),
            }
        },)*];
    };
    (@whole) => { false };
    (@whole whole) => { true };
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Attributes of a list that no index serves, and how many there are.
const fn scanned<T: Listed>() -> ([&'static str; 16], usize) {
    let (mut names, mut count, mut at) = ([""; 16], 0, 0);
    while at < T::ATTRIBUTES.len() {
        let (name, mut indexed) = (T::ATTRIBUTES[at].0, 0);
        while indexed < T::INDEXED.len() && !same(T::INDEXED[indexed], name) {
            indexed += 1;
        }
        if indexed == T::INDEXED.len() {
            names[count] = name;
            count += 1;
        }
        at += 1;
    }
    (names, count)
}

listings! {
    "/v1/messaging/messages" Message;
    "/v1/messaging/messages/{messageId}/targets" Target, whole;
    "/v1/messaging/providers" Provider, whole;
    "/v1/messaging/topics" Topic;
    "/v1/messaging/topics/{topicId}/subscribers" SubscriberView;
    "/v1/users" User;
    "/v1/users/{userId}/targets" Target, whole;
    "/v1/storage/buckets" Bucket;
    "/v1/storage/buckets/{bucketId}/files" StoredFile;
    "/v1/herald/targets" Target;
}

#[cfg(test)]
mod tests {
    use super::super::routes::ROUTES;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_listing_is_a_route_and_every_attribute_stands_once() {
        for listing in LISTINGS {
            assert!(
                ROUTES.iter().any(|route| (route.method, route.path) == ("GET", listing.path)),
                "{listing:?}"
            );
            let mut seen = BTreeSet::new();
            assert!(
                listing.indexed.iter().chain(listing.scanned).all(|name| seen.insert(*name)),
                "{listing:?}"
            );
        }
        let messages = LISTINGS[0];
        assert_eq!(messages.indexed, ["status"]);
        assert_eq!(messages.scanned, ["scheduledAt", "deliveredAt", "deliveredTotal", "providerType"]);
    }
}
