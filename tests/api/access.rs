//! What a key, a user of the socket and a read-only Herald may: every route of the table.

use crate::world::{World, key};
use axum::body::Body;
use herald::api::routes::{ROUTES, Route, Scope};
use herald::api::{Peer, serve_socket};
use herald::client::{Address, Client, Http1, body_from};
use herald::domain::time::SystemClock;
use herald::store::embedded::{Options, Storage};
use herald::wire::key::SCOPES;
use herald::wire::query::ListRequest;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

/// A call of a route with nothing in it, from this peer.
async fn call(world: &World, peer: &Peer, route: &Route, key: Option<&str>) -> Response<Body> {
    let path: Vec<_> =
        route.path.split('/').map(|part| if part.starts_with('{') { "x1" } else { part }).collect();
    let mut request = Request::builder().method(route.method).uri(path.join("/"));
    if let Some(key) = key {
        request = request.header("x-appwrite-key", key);
    }
    world.api.for_peer(peer.clone()).oneshot(request.body(body_from("{}")).unwrap()).await.unwrap()
}

async fn refusal(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    if response.status().is_success() {
        // A stream may never end.
        return (status, String::new());
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    if body.starts_with(b"<!doctype html>") {
        // A page for people.
        return (status, String::new());
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    (status, body["type"].as_str().unwrap().to_owned())
}

/// A stranger on TCP.
fn stranger() -> Peer {
    Peer::tcp("203.0.113.9:4711".parse().unwrap())
}

const MISSING: (u16, &str) = (401, "general_unauthorized_scope");
const OWNER_ONLY: (u16, &str) = (403, "general_owner_only");

#[tokio::test]
async fn every_route_asks_for_its_scope() {
    let world = World::new().await;
    let all: Vec<_> = SCOPES.iter().map(|(scope, _)| *scope).collect();
    let everything = key(&world, &all).await;
    for route in ROUTES {
        let as_guest = refusal(call(&world, &stranger(), route, None).await).await;
        let with = async |key: &str| refusal(call(&world, &stranger(), route, Some(key)).await).await;
        let admitted = |(status, kind): &(u16, String)| {
            assert!(!matches!(status, 401 | 403), "{route:?}: {status} {kind}");
        };
        let refused = |found: (u16, String), expected: (u16, &str)| {
            assert_eq!((found.0, found.1.as_str()), expected, "{route:?}");
        };
        match route.scope {
            Scope::Open => admitted(&as_guest),
            Scope::Any => {
                refused(as_guest, MISSING);
                admitted(&with(&key(&world, &["keys.read"]).await).await);
            }
            Scope::Needs(scope) => {
                refused(as_guest, MISSING);
                let others: Vec<_> = all.iter().copied().filter(|other| *other != scope).collect();
                refused(with(&key(&world, &others).await).await, MISSING);
                admitted(&with(&key(&world, &[scope]).await).await);
            }
            Scope::Owner => {
                refused(as_guest, OWNER_ONLY);
                refused(with(&everything).await, OWNER_ONLY);
            }
        }
    }
}

#[tokio::test]
async fn a_read_only_herald_changes_nothing() {
    let writable = World::new().await;
    let world = World::set(&[("api.read_only", "true")]).await;
    for route in ROUTES.iter().filter(|route| route.scope != Scope::Owner) {
        let found = refusal(call(&world, &Peer::process(), route, None).await).await;
        assert_eq!(
            found == (403, "general_read_only".to_owned()),
            route.method != "GET" && route.scope != Scope::Open,
            "{route:?}: {found:?}"
        );
        let found = refusal(call(&writable, &Peer::process(), route, None).await).await;
        assert_ne!(found.1, "general_read_only", "{route:?}");
    }
    assert_eq!(world.engine.store().audit(None, None, 10).await.unwrap(), [], "nothing was written");
}

#[tokio::test]
async fn users_of_the_socket_have_what_is_granted_to_them() {
    let world = World::new().await;
    let mira = |scopes: &[&str]| {
        Peer::socket(u32::MAX - 7, "mira".into(), scopes.iter().map(|scope| (*scope).to_owned()).collect())
    };
    for route in ROUTES {
        let nothing = refusal(call(&world, &mira(&[]), route, None).await).await;
        let found = refusal(call(&world, &mira(&["topics.read", "keys.write"]), route, None).await).await;
        match route.scope {
            Scope::Needs("topics.read" | "keys.write") | Scope::Any => {
                assert_eq!(nothing.0, 401, "{route:?}");
                assert!(!matches!(found.0, 401 | 403), "{route:?}: {found:?}");
            }
            Scope::Needs(_) => assert_eq!((nothing.0, found.0), (401, 401), "{route:?}"),
            Scope::Owner => assert_eq!((nothing.0, found.0), (403, 403), "{route:?}"),
            Scope::Open => {}
        }
    }
    // Neither a name that she gives herself nor a key that she makes is more than she is.
    let create = |scope: &str| {
        let body = json!({"name": "k", "scopes": [scope]}).to_string();
        Request::post("/v1/herald/keys").header("x-herald-operator", "root").body(body_from(body)).unwrap()
    };
    let ask = async |request| {
        world.api.for_peer(mira(&["topics.read", "keys.write"])).oneshot(request).await.unwrap()
    };
    assert_eq!(ask(create("topics.write")).await.status(), 400);
    assert_eq!(ask(create("topics.read")).await.status(), 201);
    let audit = world.client().audit(None, None, 10).await.unwrap();
    assert_eq!(audit.entries[0].actor.name, "mira");
    assert_eq!(audit.entries[0].actor.from, format!("socket, user {}", u32::MAX - 7));
}

#[tokio::test]
async fn a_socket_with_grants_can_be_reached_and_one_without_cannot() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for (grants, mode) in [("", 0o600), ("nobody=topics.read", 0o666)] {
        let world = World::set(&[("access.users", grants)]).await;
        let path = dir.path().join("herald.sock");
        let _door = serve_socket(&world.api, &path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        let client = Client::new(Http1::new(Address::Socket(path)));
        client.topics(&ListRequest::default()).await.unwrap();
    }
    let world = World::set(&[("access.groups", "ops=topic.read")]).await;
    let error = serve_socket(&world.api, &dir.path().join("x.sock")).unwrap_err().to_string();
    assert!(error.contains("topic.read") && error.contains("ops"), "{error}");
}

#[tokio::test]
async fn a_secret_is_kept_as_its_hash_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let world = {
        use herald::engine::{Engine, EngineConfig, Mode};
        let options =
            Options { storage: Storage::Directory, clock: Arc::new(SystemClock), ..Options::default() };
        let store = Arc::new(herald::store::embedded::Embedded::open(&store, options).unwrap());
        let config = EngineConfig { mode: Mode::Idle, ..EngineConfig::default() };
        Engine::start(
            store,
            Arc::new(herald::providers::registry::Registry::default()),
            Arc::new(SystemClock),
            config,
            7,
        )
        .await
        .unwrap()
    };
    let draft = herald::engine::usecases::keys::KeyDraft {
        id: "app".into(),
        name: "app".into(),
        scopes: vec!["topics.read".into()],
        expires: None,
    };
    let actor = herald::domain::audit::Actor::engine();
    let (kept, secret) = world.create_key(&actor, draft).await.unwrap();
    world.store().close().await.unwrap();
    let secret = secrecy::ExposeSecret::expose_secret(&secret).strip_prefix("standard_").unwrap().to_owned();
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let mut hashes = 0;
    let mut files = vec![store];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(!holds(&bytes, secret.as_bytes()), "{}", path.display());
        hashes += usize::from(holds(&bytes, &kept.hash));
    }
    assert!(hashes > 0);
}
