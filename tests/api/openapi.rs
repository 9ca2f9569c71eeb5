//! The description of the API is whole.

use crate::world::World;
use herald::api::openapi::document;
use herald::api::routes::ROUTES;
use herald::domain::provider::KINDS;
use http::Method;
use std::collections::BTreeSet;

#[test]
fn every_route_is_in_it_once_and_every_reference_leads_somewhere() {
    let document = document();
    let mut ids = BTreeSet::new();
    for route in ROUTES {
        let path = route.path.replace("{kind}", KINDS[0].name);
        let operation = &document["paths"][&path][route.method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{route:?}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        assert!(operation["responses"][route.status.to_string()].is_object(), "{route:?}");
    }
    let operations: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    let kinds = ROUTES.iter().filter(|route| route.path.contains("{kind}")).count();
    assert_eq!(operations, ROUTES.len() + kinds * (KINDS.len() - 1));
    let text = document.to_string();
    for (at, _) in text.match_indices("\"$ref\":\"#") {
        let pointer = text[at + 9..].split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    assert!(document["components"]["schemas"]["WriteEmail"]["properties"]["subject"].is_object());
}

#[tokio::test]
async fn it_is_served() {
    let (status, served) = World::new().await.get("/v1/herald/openapi").await;
    assert_eq!((status, served), (200, document()));
}

/// Whatever is asked for that is not there, or asked without what it needs: each route answers with a
/// status of its description, and never that something went wrong in here.
#[tokio::test]
async fn every_route_refuses_as_it_is_described() {
    let world = World::new().await;
    for route in ROUTES {
        // One ends the world, the other one does not end.
        if route.path.ends_with("/shutdown") || route.path.ends_with("/events") {
            continue;
        }
        let path = route.path.replace("{kind}", KINDS[0].name);
        let path: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "nope" } else { part }).collect();
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let body = if route.method == "GET" { "" } else { "{}" };
        let response = world.call(method, &path.join("/"), body).await;
        let status = response.status().as_u16();
        assert!(status < 500, "{route:?} → {status}");
    }
}
