//! The API over HTTP on loopback, by a generator in a process of its own: creates a second with every
//! create durable before its answer, beside the same generator against a server that answers 200 with
//! nothing done; and the memory under event streams that wait.
//!
//! `HERALD_BENCH_REQUESTS` (20000), `HERALD_BENCH_CONNECTIONS` (64) and `HERALD_BENCH_STREAMS` (10000)
//! change the size. Streams need that many descriptors in each of two processes (`ulimit -n`).
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use bytes::Bytes;
use herald::api::{Api, Setup, serve_tcp};
use herald::client::{Client, InProcess};
use herald::settings::Settings;
use herald::wire::key::CreateKey;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rig::figures::{Bar, figure, millis, quantile};
use rig::machine::{Watch, resident_mib};
use rig::{size, world};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Tells a bench that it is to be the generator.
const ROLE: &str = "HERALD_BENCH_GENERATOR";

/// What a generator does.
#[derive(Debug, Serialize, Deserialize)]
enum Load {
    /// So many requests over so many connections, one after the other on each.
    Creates { requests: usize, connections: usize },
    /// So many event streams that are opened and left alone.
    Streams { streams: usize },
}

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    addr: SocketAddr,
    key: String,
    /// Goes into every id, so that two runs do not meet.
    prefix: String,
    load: Load,
}

/// What a generator saw.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seen {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

async fn connect(addr: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(task: &Task, method: &str, path: &str, body: String) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("x-appwrite-key", &task.key)
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

/// A push to a topic, as a draft: it is written, and nothing is sent.
fn create(task: &Task, no: usize) -> Request<Full<Bytes>> {
    let id = format!("{}{no}", task.prefix);
    let body = serde_json::json!({
        "messageId": id, "title": "A title", "body": "A body of a usual length, with a word or two more.",
        "topics": ["all"], "draft": true,
    });
    request(task, "POST", "/v1/messaging/messages/push", body.to_string())
}

async fn creates(task: Arc<Task>, requests: usize, connections: usize) -> Seen {
    let next = Arc::new(AtomicUsize::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(connect(task.addr).await);
    }
    let begun = Instant::now();
    let mut lines = tokio::task::JoinSet::new();
    for mut sender in open {
        let (task, next) = (Arc::clone(&task), Arc::clone(&next));
        lines.spawn(async move {
            let mut times = Vec::new();
            loop {
                let no = next.fetch_add(1, Ordering::Relaxed);
                if no >= requests {
                    return times;
                }
                let begun = Instant::now();
                sender.ready().await.unwrap();
                let answer = sender.send_request(create(&task, no)).await.unwrap();
                let status = answer.status();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
                times.push(begun.elapsed());
            }
        });
    }
    let mut times = Vec::with_capacity(requests);
    while let Some(done) = lines.join_next().await {
        times.extend(done.unwrap());
    }
    let per_second = requests as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    Seen { per_second, p50_ms: millis(quantile(&times, 50.0)), p99_ms: millis(quantile(&times, 99.0)) }
}

async fn streams(task: &Task, streams: usize) -> (Seen, Vec<Response<Incoming>>) {
    let begun = Instant::now();
    let mut open = Vec::with_capacity(streams);
    for _ in 0..streams {
        let mut sender = connect(task.addr).await;
        let asked = request(task, "GET", "/v1/herald/events", String::new());
        let mut answer = sender.send_request(asked).await.unwrap();
        assert_eq!(answer.status(), 200);
        // The first event: the stream is on its way.
        answer.body_mut().frame().await.unwrap().unwrap();
        open.push(answer);
    }
    let per_second = streams as f64 / begun.elapsed().as_secs_f64();
    (Seen { per_second, p50_ms: 0.0, p99_ms: 0.0 }, open)
}

/// Is the generator: does its task, says what it saw, and waits until it is told to end.
fn generate(task: Task) {
    world::runtime().block_on(async {
        let task = Arc::new(task);
        let (seen, _open) = match task.load {
            Load::Creates { requests, connections } => {
                (creates(Arc::clone(&task), requests, connections).await, Vec::new())
            }
            Load::Streams { streams: count } => streams(&task, count).await,
        };
        println!("{}", serde_json::to_string(&seen).unwrap());
        std::io::stdout().flush().unwrap();
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await;
    });
}

/// A generator in a process of its own, when it has done its task.
struct Generator {
    process: Child,
    seen: Seen,
}

impl Generator {
    async fn run(task: Task) -> Self {
        tokio::task::spawn_blocking(move || {
            let mut process = Command::new(std::env::current_exe().unwrap())
                .env(ROLE, serde_json::to_string(&task).unwrap())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
            Self { process, seen: serde_json::from_str(&line).unwrap() }
        })
        .await
        .unwrap()
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that reads a request and answers 200 with nothing done.
async fn nothing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let answer = service_fn(|request: Request<Incoming>| async move {
                    request.into_body().collect().await.unwrap();
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    addr
}

fn main() {
    if let Ok(task) = std::env::var(ROLE) {
        return generate(serde_json::from_str(&task).unwrap());
    }
    world::runtime().block_on(async {
        let requests = size("HERALD_BENCH_REQUESTS", 20_000);
        let connections = size("HERALD_BENCH_CONNECTIONS", 64);
        let count = size("HERALD_BENCH_STREAMS", 10_000);
        let dir = world::directory();
        let store = world::store(dir.path());
        let engine = world::engine(&store).await;
        let settings = Arc::new(Settings::default());
        let api = Api::new(Setup { engine: engine.clone(), settings, running: true });
        let client = Client::new(InProcess::new(api.in_process()));
        let all = herald::wire::topic::CreateTopic {
            topic_id: "all".into(),
            name: "All".into(),
            ..Default::default()
        };
        client.create_topic(&all).await.unwrap();
        let scopes = vec!["messages.write".into(), "messages.read".into()];
        let key = CreateKey { name: "bench".into(), scopes: Some(scopes), ..CreateKey::default() };
        let key = client.create_key(&key).await.unwrap().secret;
        let door = serve_tcp(&api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = door.address().unwrap();
        let empty = nothing().await;
        let task = |addr, prefix: &str, load| Task { addr, key: key.clone(), prefix: prefix.into(), load };

        println!("creates over HTTP, each durable: {requests} over {connections} connections");
        let watch = Watch::begin(&[]);
        let mut ratios = Vec::new();
        // One after the other and again, so that a busy moment of the machine strikes both.
        for round in 0..3 {
            let load = || Load::Creates { requests, connections };
            let base = Generator::run(task(empty, "n", load())).await.seen;
            let ours = Generator::run(task(addr, &format!("r{round}x"), load())).await.seen;
            figure("nothing done, requests", base.per_second, "/s", Bar::None);
            figure("nothing done, p99", base.p99_ms, "ms", Bar::None);
            figure("creates", ours.per_second, "/s", Bar::None);
            figure("creates, p50", ours.p50_ms, "ms", Bar::None);
            figure("creates, p99", ours.p99_ms, "ms", Bar::None);
            ratios.push(ours.per_second / base.per_second);
        }
        figure("creates ÷ nothing done, the middle", rig::figures::median(&mut ratios), "", Bar::Least(0.5));
        println!("  {}", watch.end().note());

        println!("event streams that wait: {count}");
        let before = resident_mib();
        let waiting = Generator::run(task(addr, "s", Load::Streams { streams: count })).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let more = resident_mib() - before;
        figure("streams opened", waiting.seen.per_second, "/s", Bar::None);
        figure("memory more than before", more, "MiB", Bar::None);
        figure("memory of one stream", more * 1024.0 / count as f64, "KiB", Bar::None);
        drop(waiting);
        door.close(Duration::from_secs(5)).await;
        engine.drain(Duration::from_secs(5)).await;
    });
}
