//! Our HTTP client against peers that do not behave.

use super::account::{SHORT, account, hasty, registry, rendition, send, verdicts};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, SmsContent};
use herald::domain::delivery::Stage;
use herald::providers::adapter::Verdict::{self, Accepted, Permanent, Refused, Transient, Uncertain};
use herald::providers::adapter::{Adapter, Adapters as _, Answer, Recipient};
use herald::providers::registry::Registry;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the peer answers to a request, and whether it closes then.
#[derive(Debug, Clone)]
enum Reply {
    Keep(String),
    Close(String),
    Silence,
}

struct Peer {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<(String, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// The script gets the request's number and body.
    async fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (counted, seen, script) = (connections.clone(), requests.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (seen, script) = (seen.clone(), script.clone());
                tasks.spawn(async move { talk(tcp, &seen, &*script).await });
            }
        });
        Self { addr, connections, requests, task }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn talk(
    tcp: TcpStream,
    seen: &Mutex<Vec<(String, String)>>,
    script: &(dyn Fn(usize, &str) -> Reply + Send + Sync),
) -> Option<()> {
    let mut io = BufReader::new(tcp);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if io.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        io.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8(body).unwrap();
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push((head, body.clone()));
            seen.len() - 1
        };
        match script(number, &body) {
            Reply::Keep(text) => io.write_all(text.as_bytes()).await.ok()?,
            Reply::Close(text) => return io.write_all(text.as_bytes()).await.ok(),
            Reply::Silence => tokio::time::sleep(Duration::from_mins(10)).await,
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// The answer that accepts everybody that a request names.
fn accepted(request: &str) -> String {
    let request: serde_json::Value = serde_json::from_str(request).unwrap();
    let results: Vec<_> = request["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| serde_json::json!({"to": one["to"], "status": "accepted", "id": "x1"}))
        .collect();
    answer("200 OK", "", &serde_json::json!({ "results": results }).to_string())
}

fn adapter(registry: Registry, addr: SocketAddr) -> Arc<dyn Adapter> {
    let endpoint = format!("\"http://{addr}/base/\"");
    let account = account("sandbox", Channel::Sms, &[("endpoint", &endpoint)], &[("token", "s3cret")]);
    registry.connect(&account, Channel::Sms).unwrap()
}

async fn sms(adapter: &dyn Adapter, count: usize) -> Vec<Answer> {
    let to = (0..count)
        .map(|n| Recipient {
            address: format!("+49151000{n:04}"),
            reference: format!("r{n}"),
            rendered: None,
            unsubscribe: None,
        })
        .collect();
    send(adapter, &rendition(Content::Sms(SmsContent { content: "Hi".to_owned() })), to).await
}

#[tokio::test]
async fn one_connection_carries_a_train_and_is_kept() {
    let peer = Peer::start(|_, body| Reply::Keep(accepted(body))).await;
    let adapter = adapter(registry(), peer.addr);
    assert_eq!(verdicts(&sms(&*adapter, 5).await), [Accepted; 5]);
    assert_eq!(verdicts(&sms(&*adapter, 5).await), [Accepted; 5]);
    assert_eq!(peer.connections(), 1);
    let (head, body) = peer.requests.lock().unwrap()[0].clone();
    assert!(head.starts_with("POST /base/send/sms HTTP/1.1\r\n"), "{head}");
    for line in
        [&format!("host: {}", peer.addr), "authorization: Bearer s3cret", "content-type: application/json"]
    {
        assert!(head.lines().any(|found| found.eq_ignore_ascii_case(line)), "{line} in {head}");
    }
    assert_eq!(body, r#"{"recipients":[{"to":"+491510000000","reference":"r0","text":"Hi"}]}"#);
}

#[tokio::test]
async fn statuses() {
    let cases: [(&str, &str, Verdict, Stage, Option<u64>); 13] = [
        ("401 Unauthorized", "", Refused, Stage::Authentication, None),
        ("403 Forbidden", "", Refused, Stage::Authentication, None),
        ("400 Bad Request", "", Permanent, Stage::Content, None),
        ("409 Conflict", "", Permanent, Stage::Content, None),
        ("413 Too Large", "", Permanent, Stage::Content, None),
        ("404 Not Found", "", Refused, Stage::Response, None),
        ("429 Too Many", "retry-after: 7\r\n", Transient, Stage::Response, Some(7)),
        ("429 Too Many", "retry-after: nonsense\r\n", Transient, Stage::Response, None),
        ("503 Unavailable", "retry-after: 0\r\n", Transient, Stage::Response, Some(0)),
        ("500 Oh", "", Transient, Stage::Response, None),
        ("302 Found", "location: http://127.0.0.1:1/\r\n", Refused, Stage::Response, None),
        ("202 Accepted", "", Uncertain, Stage::Response, None),
        ("200 OK", "", Uncertain, Stage::Response, None),
    ];
    for (status, headers, verdict, stage, wait) in cases {
        let reply = answer(status, headers, "{\"error\":{\"code\":\"c\",\"message\":\"m\"}}");
        let peer = Peer::start(move |_, _| Reply::Keep(reply.clone())).await;
        let answers = sms(&*adapter(registry(), peer.addr), 1).await;
        assert_eq!((answers[0].verdict, answers[0].stage), (verdict, stage), "{status}");
        assert_eq!(answers[0].retry_after, wait.map(Duration::from_secs), "{status}");
        assert_eq!(answers[0].code, status[..3].parse::<u16>().unwrap());
        if !status.starts_with("20") {
            assert!(answers[0].text.contains("\"message\":\"m\""), "{}", answers[0].text);
        }
        assert_eq!(peer.requests.lock().unwrap().len(), 1, "{status}: asked once");
    }
}

#[tokio::test]
async fn results_are_matched_by_recipient() {
    let results =
        r#"{"results":[{"to":"+491510000000","status":"rejected","code":"unregistered","message":"gone"}]}"#;
    for (results, verdict) in [
        (results.to_owned(), Verdict::TargetExpired),
        (results.replace("unregistered", "invalid_number"), Permanent),
        (results.replace("unregistered", "temporarily_unavailable"), Transient),
        (results.replace("rejected", "pending"), Uncertain),
        (results.replace("+491510000000", "+491510000001"), Uncertain),
        ("{\"results\":[]}".to_owned(), Uncertain),
        ("{\"results\":".to_owned(), Uncertain),
    ] {
        let reply = answer("200 OK", "", &results);
        let peer = Peer::start(move |_, _| Reply::Keep(reply.clone())).await;
        assert_eq!(verdicts(&sms(&*adapter(registry(), peer.addr), 1).await), [verdict], "{results}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_uncertain_and_not_asked_again() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"results\":[";
    for lost in ["", "HTTP/1.1 20", "garbage\r\n\r\n", half] {
        // The second of three requests loses its answer.
        let peer =
            Peer::start(
                move |n, body| {
                    if n == 1 { Reply::Close(lost.to_owned()) } else { Reply::Keep(accepted(body)) }
                },
            )
            .await;
        let answers = sms(&*adapter(registry(), peer.addr), 3).await;
        assert_eq!(verdicts(&answers), [Accepted, Uncertain, Accepted], "{lost:?}");
        assert_eq!(peer.requests.lock().unwrap().len(), 3, "{lost:?}");
        assert_eq!(peer.connections(), 2);
    }
}

#[tokio::test]
async fn a_refusal_counts_although_its_body_is_cut() {
    let cut = "HTTP/1.1 503 No\r\nretry-after: 3\r\ncontent-length: 500\r\n\r\nsorry";
    let peer = Peer::start(move |_, _| Reply::Close(cut.to_owned())).await;
    let answers = sms(&*adapter(registry(), peer.addr), 1).await;
    assert_eq!((answers[0].verdict, answers[0].retry_after), (Transient, Some(Duration::from_secs(3))));
}

#[tokio::test]
async fn a_connection_that_the_service_ends_is_replaced() {
    let peer = Peer::start(|_, body| {
        Reply::Close(accepted(body).replacen("content-length", "connection: close\r\ncontent-length", 1))
    })
    .await;
    let adapter = adapter(registry(), peer.addr);
    assert_eq!(verdicts(&sms(&*adapter, 3).await), [Accepted; 3]);
    assert_eq!(verdicts(&sms(&*adapter, 1).await), [Accepted]);
    assert_eq!(peer.connections(), 4);
}

#[tokio::test]
async fn endless_answers_are_cut() {
    let huge = format!("HTTP/1.1 200 OK\r\ncontent-length: 900000000\r\n\r\n{}", " ".repeat(5_000_000));
    let peer = Peer::start(move |_, _| Reply::Keep(huge.clone())).await;
    let begun = std::time::Instant::now();
    assert_eq!(verdicts(&sms(&*adapter(registry(), peer.addr), 1).await), [Uncertain]);
    assert!(begun.elapsed() < Duration::from_secs(4), "the rest is not waited for");
}

#[tokio::test]
async fn silence_is_uncertain_in_time() {
    let peer = Peer::start(|_, _| Reply::Silence).await;
    let begun = std::time::Instant::now();
    let answers = sms(&*adapter(hasty(), peer.addr), 1).await;
    assert_eq!(verdicts(&answers), [Uncertain]);
    assert!(begun.elapsed() < SHORT * 8);
}

#[tokio::test]
async fn nobody_answers_and_nobody_may() {
    let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answers = sms(&*adapter(registry(), addr), 2).await;
    assert_eq!(verdicts(&answers), [Transient; 2]);
    assert_eq!(answers[0].stage, Stage::Connect);

    let peer = Peer::start(|_, body| Reply::Keep(accepted(body))).await;
    let endpoint = format!("\"http://{}\"", peer.addr);
    let mut account = account("sandbox", Channel::Sms, &[("endpoint", &endpoint)], &[("token", "t")]);
    account.allow_private = false;
    let adapter = registry().connect(&account, Channel::Sms).unwrap();
    assert_eq!(verdicts(&sms(&*adapter, 1).await), [Refused]);
    assert_eq!(peer.connections(), 0);
}
