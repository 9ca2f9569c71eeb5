//! An API over the real store in memory, and clients for it.

use crate::checked::Checked;
use bytes::Bytes;
use herald::api::{Api, Setup};
use herald::client::{Client, ClientError, InProcess, body_from};
use herald::domain::time::SystemClock;
use herald::engine::config::FileRules;
use herald::engine::file_store::FileStore;
use herald::engine::{Engine, EngineConfig, Mode};
use herald::providers::registry::Registry;
use herald::settings::{Settings, Sources};
use herald::store::embedded::{Embedded, Memory, Options};
use herald::wire::key::CreateKey;
use herald::wire::person::{CreateTarget, CreateUser};
use herald::wire::topic::{CreateSubscriber, CreateTopic};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// An engine and the API over it.
pub struct World {
    pub engine: Engine,
    pub api: Api,
    /// The directory of files' contents.
    pub files: tempfile::TempDir,
}

impl World {
    /// A world that neither schedules nor sends.
    pub async fn new() -> Self {
        Self::build(Mode::Idle, &[], Self::memory()).await
    }

    /// A world with these settings, that neither schedules nor sends.
    pub async fn set(settings: &[(&str, &str)]) -> Self {
        Self::build(Mode::Idle, settings, Self::memory()).await
    }

    /// A world with these settings on this store, that neither schedules nor sends.
    pub async fn on(settings: &[(&str, &str)], options: Options) -> Self {
        Self::build(Mode::Idle, settings, options).await
    }

    fn memory() -> Options {
        Options::in_memory(Memory::default(), Arc::new(SystemClock))
    }

    /// A world that schedules and sends, also to loopback.
    pub async fn sending() -> Self {
        Self::build(Mode::Full, &[], Self::memory()).await
    }

    async fn build(mode: Mode, settings: &[(&str, &str)], options: Options) -> Self {
        let flags = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = Settings::load(&Sources { flags, ..Sources::default() }).unwrap();
        let store = Arc::new(Embedded::open(Path::new("/memory"), options).unwrap());
        let files = tempfile::tempdir().unwrap();
        let rules = FileRules {
            store: FileStore::at(files.path().to_owned()),
            public_url: Some("https://push.example.com/v1".into()),
            ..FileRules::default()
        };
        let config = EngineConfig { mode, files: rules, ..EngineConfig::default() };
        let engine = Engine::start(store, Arc::new(Registry::default()), Arc::new(SystemClock), config, 7)
            .await
            .unwrap();
        let api = Api::new(Setup {
            engine: engine.clone(),
            settings: Arc::new(settings),
            running: mode == Mode::Full,
        });
        Self { engine, api, files }
    }

    pub fn client(&self) -> Client {
        Client::new(InProcess::new(Checked(self.api.in_process())))
    }

    /// A request as it is written, and the status and JSON of its answer.
    pub async fn raw(&self, method: Method, path: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let response = self.call(method, path, body).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Response<axum::body::Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body_from(body.into()))
            .unwrap();
        Checked(self.api.in_process()).oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.raw(Method::GET, path, "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.raw(Method::POST, path, body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.raw(Method::PATCH, path, body.to_string()).await
    }
}

/// A user with one mail address, which is also its target's id with `-t` behind.
pub async fn person(client: &Client, id: &str) {
    client
        .create_user(&CreateUser { user_id: id.into(), name: Some(id.into()), ..CreateUser::default() })
        .await
        .unwrap();
    let target = CreateTarget {
        target_id: format!("{id}-t"),
        provider_type: herald::domain::channel::Channel::Email,
        identifier: format!("{id}@example.com"),
        provider_id: None,
        name: None,
    };
    client.create_target(id, &target).await.unwrap();
}

pub async fn topic(client: &Client, id: &str, people: &[&str]) {
    client
        .create_topic(&CreateTopic { topic_id: id.into(), name: format!("Topic {id}"), subscribe: None })
        .await
        .unwrap();
    for person in people {
        let subscriber =
            CreateSubscriber { subscriber_id: format!("{id}-{person}"), target_id: format!("{person}-t") };
        client.subscribe(id, &subscriber).await.unwrap();
    }
}

/// The type of a refusal.
pub fn kind<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    result.unwrap_err().kind().to_owned()
}

/// A path with one query of a list.
pub fn listed(path: &str, queries: &[Value]) -> String {
    let pairs = queries.iter().enumerate().map(|(n, query)| (format!("queries[{n}]"), query.to_string()));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// Waits until something holds; a minute at most.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it should hold within a minute");
}

/// A key with these scopes, as it goes into the header.
pub async fn key(world: &World, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let request = CreateKey { name: "test".into(), scopes: Some(scopes), ..CreateKey::default() };
    world.client().create_key(&request).await.unwrap().secret
}
