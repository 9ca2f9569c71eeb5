//! With what a route can refuse: statuses, and the types of each.

use super::super::routes::{BodyKind, Route, Scope};
use crate::wire::ErrorType;
use std::collections::BTreeMap;

/// Types that begin so stand only where the path has one of these words.
const ABOUT: &[(&str, &[&str])] = &[
    ("message_", &["message", "operation", "waiting", "why", "errors", "deliveries"]),
    (
        "provider_",
        &["provider", "routing", "target", "import", "operation", "waiting", "why", "errors", "deliveries"],
    ),
    ("topic_", &["topic", "subscribe", "audience", "import", "suppress"]),
    ("subscriber_", &["subscribe"]),
    ("user_target_", &["target", "user", "subscribe", "topic", "waiting", "why", "deliveries", "import"]),
    ("user_api_", &[""]),
    ("user_", &["user", "target", "person", "import"]),
    ("storage_invalid_", &["storage"]),
    ("storage_", &["storage", "message"]),
    ("suppression_", &["suppress"]),
    ("key_", &["keys"]),
    ("import_", &["import", "subscribe"]),
    ("operation_", &["operation"]),
    ("webhook_", &["webhook"]),
    ("draft_", &["draft"]),
    ("health_", &["health"]),
];

/// Whether a route can refuse with a type, as far as the table and the row tell.
fn can(route: &Route, kind: ErrorType) -> bool {
    let word = kind.as_str();
    let about = ABOUT.iter().find(|(beginning, _)| word.starts_with(beginning));
    if about.is_some_and(|(_, words)| !words.iter().any(|word| route.path.contains(word))) {
        return false;
    }
    let writes = route.method != "GET";
    match kind {
        ErrorType::QueryInvalid | ErrorType::QueryOrderNull | ErrorType::CursorNotFound => !writes,
        ErrorType::OwnerOnly => route.scope == Scope::Owner,
        ErrorType::ReadOnly => route.changes(),
        ErrorType::IdempotencyMismatch | ErrorType::IdempotencyInFlight => route.repeats(),
        ErrorType::Stale | ErrorType::NotAllowedNow => writes,
        // Whoever sends a body that is not wanted is told so too.
        ErrorType::BodyTimeout | ErrorType::BodyTooLarge => true,
        ErrorType::Timeout => !route.streams,
        ErrorType::FileRange => {
            ["/download", "/view", "{fileId}/push"].iter().any(|end| route.path.ends_with(end))
        }
        ErrorType::RouteNotFound => route.path.contains("{kind}"),
        ErrorType::NotFound => route.path.starts_with(crate::wire::HERALD),
        _ if word.ends_with("_already_exists") => writes && route.body != BodyKind::None,
        _ => true,
    }
}

/// The types with which a route can refuse, by status.
pub(super) fn of(route: &Route) -> BTreeMap<u16, Vec<&'static str>> {
    let mut kinds: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for kind in ErrorType::ALL.iter().copied().filter(|kind| can(route, *kind)) {
        kinds.entry(kind.status()).or_default().push(kind.as_str());
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::super::super::routes::ROUTES;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_type_is_somewhere_and_every_row_of_the_table_is_used() {
        let somewhere: BTreeSet<_> =
            ROUTES.iter().flat_map(|route| of(route).into_values().flatten()).collect();
        for kind in ErrorType::ALL {
            assert!(somewhere.contains(kind.as_str()), "{kind:?}");
        }
        for (beginning, _) in ABOUT {
            assert!(ErrorType::ALL.iter().any(|kind| kind.as_str().starts_with(beginning)), "{beginning}");
        }
    }

    #[test]
    fn a_route_names_what_it_is_about_and_nothing_else() {
        let route = |method: &str, path: &str| {
            let found = ROUTES.iter().find(|route| route.method == method && route.path == path);
            of(found.unwrap())
        };
        let topics = route("POST", "/v1/messaging/topics");
        assert!(topics[&409].contains(&"topic_already_exists") && topics.contains_key(&422));
        assert!(
            !topics[&409].contains(&"message_already_exists") && !topics[&404].contains(&"message_not_found")
        );
        let list = route("GET", "/v1/messaging/topics");
        assert!(!list.contains_key(&422) && !list.contains_key(&409) && !list.contains_key(&416));
        assert!(list[&400].contains(&"general_cursor_not_found"));
    }
}
