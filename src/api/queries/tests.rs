//! Queries: read, refused, evaluated.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const TABLE: &[(&str, AttributeKind)] = &[
    ("name", AttributeKind::Text),
    ("size", AttributeKind::Number),
    ("enabled", AttributeKind::Flag),
    ("labels", AttributeKind::List),
];

fn read(queries: &[Value]) -> Result<ListQuery, String> {
    let pairs: Vec<_> =
        queries.iter().enumerate().map(|(n, query)| (format!("queries[{n}]"), query.to_string())).collect();
    ListQuery::read(&pairs, TABLE, false).map_err(|refusal| refusal.message)
}

fn record(name: &str) -> Attribute {
    match name {
        "name" => Attribute::Text("Weekly news".into()),
        "size" => Attribute::Number(7),
        "enabled" => Attribute::Flag(true),
        "labels" => Attribute::List(vec!["vip".into(), "beta".into()]),
        "$createdAt" => Attribute::Time(Timestamp(5)),
        _ => Attribute::Null,
    }
}

fn holds(query: Value) -> bool {
    let list = read(&[query]).unwrap();
    list.predicates.iter().all(|predicate| predicate.holds(&record))
}

#[test]
fn pages_and_order() {
    let list = read(&[
        json!({"method": "limit", "values": [10]}),
        json!({"method": "offset", "values": [5]}),
        json!({"method": "orderDesc", "attribute": ""}),
        json!({"method": "cursorAfter", "values": ["abc"]}),
    ])
    .unwrap();
    assert_eq!((list.limit, list.offset), (10, 5));
    assert_eq!(list.by_sequence(), Some(Order::Descending));
    assert_eq!(list.cursor, Some(Cursor::After("abc".into())));
}

#[test]
fn queries_come_in_the_order_of_their_numbers() {
    let pair = |name: &str, query: Value| (name.to_owned(), query.to_string());
    let pairs = [
        pair("queries[1]", json!({"method": "limit", "values": [2]})),
        pair("queries[0]", json!({"method": "limit", "values": [1]})),
    ];
    assert_eq!(ListQuery::read(&pairs, TABLE, false).unwrap().limit, 2);
}

#[test]
fn every_method() {
    for (query, expected) in [
        (json!({"method": "equal", "attribute": "name", "values": ["x", "Weekly news"]}), true),
        (json!({"method": "notEqual", "attribute": "size", "values": [7]}), false),
        (json!({"method": "lessThan", "attribute": "size", "values": [8]}), true),
        (json!({"method": "lessThanEqual", "attribute": "size", "values": [6]}), false),
        (json!({"method": "greaterThan", "attribute": "size", "values": [7]}), false),
        (json!({"method": "greaterThanEqual", "attribute": "size", "values": [7]}), true),
        (json!({"method": "between", "attribute": "size", "values": [7, 9]}), true),
        (json!({"method": "notBetween", "attribute": "size", "values": [7, 9]}), false),
        (json!({"method": "isNull", "attribute": "$id"}), true),
        (json!({"method": "isNotNull", "attribute": "name"}), true),
        (json!({"method": "startsWith", "attribute": "name", "values": ["Week"]}), true),
        (json!({"method": "endsWith", "attribute": "name", "values": ["Week"]}), false),
        (json!({"method": "contains", "attribute": "name", "values": ["ly n"]}), true),
        (json!({"method": "contains", "attribute": "labels", "values": ["vi"]}), false),
        (json!({"method": "containsAll", "attribute": "labels", "values": ["vip", "beta"]}), true),
        (json!({"method": "notContains", "attribute": "labels", "values": ["vip"]}), false),
        (json!({"method": "search", "attribute": "name", "values": ["new"]}), true),
        (json!({"method": "notSearch", "attribute": "name", "values": ["eekly"]}), true),
        (json!({"method": "equal", "attribute": "enabled", "values": [true]}), true),
        (json!({"method": "lessThan", "attribute": "$createdAt", "values": ["1970-01-02"]}), true),
        (
            json!({"method": "or", "values": [
            {"method": "equal", "attribute": "size", "values": [1]},
            {"method": "equal", "attribute": "size", "values": [7]}]}),
            true,
        ),
        (
            json!({"method": "and", "values": [
            {"method": "equal", "attribute": "size", "values": [1]},
            {"method": "equal", "attribute": "size", "values": [7]}]}),
            false,
        ),
    ] {
        assert_eq!(holds(query.clone()), expected, "{query}");
    }
}

#[test]
fn refusals_name_the_query() {
    for (query, says) in [
        (json!({"method": "select", "values": ["name"]}), "Invalid query method: select"),
        (
            json!({"method": "equal", "attribute": "nme", "values": ["x"]}),
            "Attribute not found in schema: nme",
        ),
        (json!({"method": "equal", "attribute": "size", "values": ["x"]}), "integer expected"),
        (json!({"method": "equal", "attribute": "size", "values": []}), "require 1 to 500 values"),
        (json!({"method": "limit", "values": [0]}), "between 1 and 5000"),
        (json!({"method": "offset", "values": [-1]}), "at least 0"),
        (json!({"method": "offset", "values": [u64::MAX]}), "at least 0"),
        (json!({"method": "or", "values": [{"method": "isNull", "attribute": "name"}]}), "at least two"),
        (json!([]), "must be an object"),
        (json!({"method": 5}), "Must be a string"),
    ] {
        let message = read(&[query]).unwrap_err();
        assert!(message.starts_with("Invalid `queries` param: Invalid query: "), "{message}");
        assert!(message.contains(says), "{message}");
    }
    let pairs = [("queries[0]".to_owned(), "{".to_owned())];
    assert!(ListQuery::read(&pairs, TABLE, false).unwrap_err().message.contains("not valid JSON"));
}

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,80}", method in "[a-zA-Z]{0,12}") {
        let pairs = [("queries[0]".to_owned(), text)];
        let _ = ListQuery::read(&pairs, TABLE, false);
        let _ = read(&[json!({"method": method, "attribute": "name", "values": ["x"]})]);
    }
}

#[test]
fn the_rarer_methods() {
    for (query, expected) in [
        (json!({"method": "regex", "attribute": "name", "values": ["^Weekly\\s"]}), true),
        (json!({"method": "regex", "attribute": "name", "values": ["^news"]}), false),
        (json!({"method": "regex", "attribute": "labels", "values": ["^v.p$"]}), true),
        (json!({"method": "exists", "values": ["name", "size"]}), true),
        (json!({"method": "notExists", "values": ["name"]}), false),
        (json!({"method": "exists", "values": ["$updatedAt"]}), false),
    ] {
        assert_eq!(holds(query.clone()), expected, "{query}");
    }
    for bad in [
        json!({"method": "regex", "attribute": "name", "values": ["("]}),
        json!({"method": "regex", "attribute": "size", "values": ["7"]}),
        json!({"method": "regex", "attribute": "name", "values": ["x{1000}{1000}"]}),
        json!({"method": "exists", "values": []}),
        json!({"method": "exists", "values": ["unheard"]}),
        json!({"method": "select", "values": ["name"]}),
    ] {
        assert!(read(std::slice::from_ref(&bad)).is_err(), "{bad}");
    }
    let list = read(&[json!({"method": "orderRandom"})]).unwrap();
    assert_eq!((list.random, list.by_sequence()), (true, None));
}
