//! A message to 300,000 recipients over HTTP, a request each, through the whole engine: every
//! intent and every outcome durable on a real disk, commits at most 20 ms apart. Beside it, in the
//! same run, on as many connections to the same sink, with the same bytes: our HTTP client
//! alone, reqwest alone, and hyper alone.
//!
//! `HERALD_BENCH_RECIPIENTS` (300000), `HERALD_BENCH_CONNECTIONS` (32) and `HERALD_BENCH_ROUNDS`
//! (3) change the size; `HERALD_BENCH_ONLY=engine` leaves the comparison out, for a profile.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use bytes::Bytes;
use herald::domain::channel::Channel;
use herald::domain::provider::Limits;
use herald::providers::http::{HttpClient, Requests};
use herald::providers::tls;
use herald::store::history::History as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rig::figures::{Bar, figure, median};
use rig::machine::Watch;
use rig::sink::{Manner, Sink};
use rig::{size, world};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn body(n: u64) -> Bytes {
    let target = world::base36(n);
    Bytes::from(format!(
        "{{\"recipients\":[{{\"to\":\"token-{n:012}\",\"reference\":\"abcdefgh.1.{target}\",\"title\":\"A short title\",\
         \"body\":\"Some words for the one who looks at the screen.\"}}]}}"
    ))
}

fn key(n: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("herald-{}-0-1790000000000-abcdefgh.1.{}", n / 16, world::base36(n)))
        .unwrap()
}

fn bearer() -> HeaderValue {
    HeaderValue::from_static("Bearer sandbox")
}

/// What the connections do: each takes the next number until there is none.
#[derive(Clone)]
struct Numbers {
    next: Arc<AtomicU64>,
    until: u64,
}

impl Numbers {
    fn new(until: usize) -> Self {
        Self { next: Arc::default(), until: until as u64 }
    }

    fn next(&self) -> Option<u64> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < self.until)
    }
}

/// Requests a second of one task for each connection.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    recipients: usize,
    connections: usize,
    connection: impl Fn(Numbers) -> F,
) -> f64 {
    let numbers = Numbers::new(recipients);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(connection(numbers.clone()));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    recipients as f64 / begun.elapsed().as_secs_f64()
}

/// Our client, as the adapter uses it.
async fn client(addr: SocketAddr, recipients: usize, connections: usize) -> f64 {
    let url = format!("http://{addr}").parse().unwrap();
    let client = HttpClient::new(&url, tls::client_config(None).unwrap(), true, Requests::default()).unwrap();
    let head = client.head("/send/push", "application/json", [(AUTHORIZATION, bearer())]).unwrap();
    let (client, head) = (Arc::new(client), Arc::new(head));
    rate(recipients, connections, |numbers| {
        let (client, head) = (Arc::clone(&client), Arc::clone(&head));
        async move {
            let mut line = client.line();
            while let Some(n) = numbers.next() {
                let answer = line.request(&head, Some((KEY, key(n))), body(n)).await.unwrap();
                assert_eq!(answer.status, 200);
            }
        }
    })
    .await
}

async fn reqwest_alone(addr: SocketAddr, recipients: usize, connections: usize) -> f64 {
    let client = reqwest::Client::builder().pool_max_idle_per_host(connections).build().unwrap();
    let url = format!("http://{addr}/send/push");
    rate(recipients, connections, |numbers| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            while let Some(n) = numbers.next() {
                let request = client
                    .post(&url)
                    .header(AUTHORIZATION, bearer())
                    .header(CONTENT_TYPE, "application/json")
                    .header(KEY, key(n))
                    .body(body(n));
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
            }
        }
    })
    .await
}

async fn hyper_alone(addr: SocketAddr, recipients: usize, connections: usize) -> f64 {
    let host = HeaderValue::from_str(&addr.to_string()).unwrap();
    rate(recipients, connections, |numbers| {
        let host = host.clone();
        async move {
            let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            while let Some(n) = numbers.next() {
                let mut request = Request::new(Full::new(body(n)));
                *request.method_mut() = Method::POST;
                *request.uri_mut() = "/send/push".parse().unwrap();
                let headers = request.headers_mut();
                headers.insert(HOST, host.clone());
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(AUTHORIZATION, bearer());
                headers.insert(KEY, key(n));
                sender.ready().await.unwrap();
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.into_body().collect().await.unwrap();
            }
        }
    })
    .await
}

fn main() {
    Sink::serve_if_asked();
    let recipients = size("HERALD_BENCH_RECIPIENTS", 300_000);
    let connections = size("HERALD_BENCH_CONNECTIONS", 32);
    let rounds = size("HERALD_BENCH_ROUNDS", 3);
    let engine_only = std::env::var("HERALD_BENCH_ONLY").is_ok_and(|only| only == "engine");
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let mut sink = Sink::start(Manner::default());
    let runtime = world::runtime();
    let dir = world::directory();
    println!("fanout: {recipients} recipients, a request each, {connections} connections");
    let store = world::store(dir.path());
    runtime.block_on(async {
        let limits = Limits { concurrency: Some(connections as u16), ..Limits::default() };
        world::http_provider(&store, "sink", Channel::Push, sink.addr, limits).await;
        world::people(&store, Channel::Push, "all", recipients).await;
    });
    let engine = runtime.block_on(world::engine(&store));
    let (mut ours, mut alone, mut theirs, mut raw) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        let watch = Watch::begin(&[sink.pid()]);
        if !engine_only {
            alone.push(runtime.block_on(client(sink.addr, recipients, connections)));
            sink.complete(recipients);
        }
        let before = store.changes().borrow().commits;
        let busy = Watch::begin(&[sink.pid()]);
        let begun = Instant::now();
        runtime.block_on(async {
            let message = world::push(&format!("m{round}"), "all", world::now());
            let message = world::create(&store, message).await;
            world::sent(&store, message.no).await;
        });
        let took = begun.elapsed().as_secs_f64();
        let seen = busy.end();
        ours.push(recipients as f64 / took);
        sink.complete(recipients);
        let commits = store.changes().borrow().commits - before;
        if !engine_only {
            theirs.push(runtime.block_on(reqwest_alone(sink.addr, recipients, connections)));
            sink.complete(recipients);
            raw.push(runtime.block_on(hyper_alone(sink.addr, recipients, connections)));
            sink.complete(recipients);
        }
        let rest = [&alone, &theirs, &raw].map(|rates| rates.last().map_or(0.0, |rate| *rate));
        println!(
            "  round {}: engine {:.0}/s ({commits} commits, {:.1} ms apart; {:.1} µs of processor each, sink included); \
             client {:.0}/s, reqwest {:.0}/s, hyper {:.0}/s; {}",
            round + 1,
            ours[round],
            took * 1e3 / commits.max(1) as f64,
            seen.own * 1e6 / recipients as f64,
            rest[0],
            rest[1],
            rest[2],
            watch.end().note()
        );
    }
    runtime.block_on(engine.drain(std::time::Duration::from_secs(5)));
    if engine_only {
        return;
    }
    let ratio = |beside: &[f64]| {
        let mut ratios: Vec<_> = ours.iter().zip(beside).map(|(ours, beside)| ours / beside).collect();
        median(&mut ratios)
    };
    figure("recipients a second, median", median(&mut ours.clone()), "/s", Bar::None);
    figure("× our client alone", ratio(&alone), "", Bar::Least(0.9));
    figure("× hyper alone", ratio(&raw), "", Bar::Least(0.5));
    figure("× reqwest alone", ratio(&theirs), "", Bar::None);
}
