//! TCP: TLS, proxies, rates, and connections that are slow on purpose.

use crate::certificates::Certificates;
use crate::world::{World, eventually, key};
use herald::api::{Serving, check_listen, serve_tcp};
use herald::settings::{Settings, Sources};
use rustls_pki_types::ServerName;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_mins(1);

async fn open(world: &World) -> (Serving, SocketAddr) {
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = door.address().unwrap();
    (door, address)
}

/// Sends a request and reads until the other end closes.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut line: S, request: &str) -> String {
    line.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that closes without TLS's goodbye has said all the same what it said.
    let _ = timeout(PATIENCE, line.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
}

fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::load(&Sources { flags, ..Sources::default() }).unwrap()
}

#[test]
fn beyond_loopback_it_listens_only_shielded() {
    let (near, far) = ("127.0.0.1:80".parse().unwrap(), "0.0.0.0:8080".parse().unwrap());
    let bare = settings(&[]);
    assert!(check_listen(near, &bare).is_ok());
    assert!(check_listen("[::1]:80".parse().unwrap(), &bare).is_ok());
    let error = check_listen(far, &bare).unwrap_err().to_string();
    for remedy in ["--tls-cert", "--tls-key", "--behind-proxy", "127.0.0.1:8080"] {
        assert!(error.contains(remedy), "{error}");
    }
    assert!(check_listen(far, &settings(&[("tls.cert", "a"), ("tls.key", "b")])).is_ok());
    assert!(check_listen(far, &settings(&[("behind_proxy", "10.0.0.2")])).is_ok());
    for half in ["tls.cert", "tls.key"] {
        let error = check_listen(near, &settings(&[(half, "a")])).unwrap_err().to_string();
        assert!(error.contains("--tls-cert and --tls-key"), "{error}");
    }
}

/// Asks over TLS; fails when the certificate is not this authority's.
async fn over_tls(address: SocketAddr, trusted: &Certificates) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let line = tokio_rustls::TlsConnector::from(trusted.client()).connect(name, stream).await?;
    Ok(exchange(line, &get("/v1/health", "")).await)
}

#[tokio::test]
async fn a_certificate_is_shown_and_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, secret) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let write = |certificates: &Certificates| {
        std::fs::write(&cert, certificates.certificate_pem()).unwrap();
        std::fs::write(&secret, certificates.key_pem()).unwrap();
    };
    let (first, second) = (Certificates::new(), Certificates::new());
    write(&first);
    let paths = [("tls.cert", cert.to_str().unwrap()), ("tls.key", secret.to_str().unwrap())];
    let world = World::set(&paths).await;
    let (door, address) = open(&world).await;
    assert!(over_tls(address, &first).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(over_tls(address, &second).await.is_err());

    let clear = exchange(TcpStream::connect(address).await.unwrap(), &get("/v1/health", "")).await;
    assert!(!clear.contains("HTTP/1.1"), "{clear}");

    write(&second);
    door.reload().unwrap();
    assert!(over_tls(address, &second).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(over_tls(address, &first).await.is_err());

    std::fs::write(&secret, "not a key").unwrap();
    let error = door.reload().unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    assert!(over_tls(address, &second).await.is_ok(), "the one before stays");
    assert!(door.close(Duration::from_secs(5)).await);

    let error = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_for_whom_it_asks() {
    for (proxies, expected) in [("127.0.0.1", "203.0.113.9"), ("10.0.0.2", "127.0.0.1"), ("", "127.0.0.1")] {
        let world = World::set(&[("behind_proxy", proxies)]).await;
        let (_door, address) = open(&world).await;
        let key = key(&world, &["topics.write"]).await;
        let body = r#"{"topicId":"t","name":"T"}"#;
        let request = format!(
            "POST /v1/messaging/topics HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-appwrite-key: {key}\r\n\
             x-forwarded-for: 1.2.3.4, 203.0.113.9\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(TcpStream::connect(address).await.unwrap(), &request).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        let audit = world.client().audit(Some("topic/t"), None, 1).await.unwrap();
        assert_eq!(audit.entries[0].actor.from, expected, "behind {proxies:?}");
    }
}

#[tokio::test]
async fn each_key_has_its_rate() {
    let world = World::set(&[("api.rate", "1"), ("api.burst", "3")]).await;
    let (_door, address) = open(&world).await;
    let ask = async |key: &str| {
        let request = get("/v1/ping", &format!("x-appwrite-key: {key}\r\n"));
        exchange(TcpStream::connect(address).await.unwrap(), &request).await
    };
    let (one, other) = (key(&world, &["keys.read"]).await, key(&world, &["keys.read"]).await);
    // On a slow machine a second may pass, in which one more is let in.
    let mut answers = Vec::new();
    while !answers.last().is_some_and(|answer: &String| answer.starts_with("HTTP/1.1 429 ")) {
        answers.push(ask(&one).await);
        assert!(answers.len() < 100);
    }
    assert!(answers.len() > 3, "the burst is let in");
    assert!(answers[0].contains("x-ratelimit-limit: 3\r\nx-ratelimit-remaining: 2\r\nx-ratelimit-reset: "));
    let refused = answers.pop().unwrap();
    assert!(
        refused.contains("x-ratelimit-remaining: 0\r\n") && refused.contains("retry-after: 1\r\n"),
        "{refused}"
    );
    let body: Value = serde_json::from_str(refused.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["type"], &body["code"]), (&"general_rate_limit_exceeded".into(), &429.into()));
    assert!(ask(&other).await.starts_with("HTTP/1.1 200 "), "another key has its own");
    for _ in 0..10 {
        world.client().ping().await.unwrap();
    }
}

#[tokio::test]
async fn who_dawdles_is_sent_away() {
    let slow = [("api.header_timeout", "300ms"), ("api.body_timeout", "300ms")];
    let world = World::set(&slow).await;
    let (door, address) = open(&world).await;
    let begun = Instant::now();
    // Headers that never end.
    let endless =
        exchange(TcpStream::connect(address).await.unwrap(), "GET /v1/health HTTP/1.1\r\nhost: x\r\n").await;
    assert!(!endless.contains("200 OK"), "{endless}");
    // Headers that come a little at a time.
    let mut dripping = TcpStream::connect(address).await.unwrap();
    let mut closed = false;
    for byte in
        "GET /v1/health HTTP/1.1\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes()
    {
        closed = dripping.write_all(&[byte]).await.is_err();
        if closed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, dripping.read_to_end(&mut rest)).await.unwrap();
    assert!(closed || !rest.starts_with(b"HTTP/1.1 200"));
    // A body that does not come.
    let key = key(&world, &["topics.write", "users.write"]).await;
    let head = |path: &str, length: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-appwrite-key: {key}\r\n{length}\r\n\r\n")
    };
    let request = head("/v1/messaging/topics", "content-length: 100") + "{";
    let stalled = exchange(TcpStream::connect(address).await.unwrap(), &request).await;
    assert!(stalled.starts_with("HTTP/1.1 408 ") && stalled.contains("general_body_timeout"), "{stalled}");
    let request = head("/v1/herald/imports", "transfer-encoding: chunked") + "6\r\nemail\n\r\n";
    let stalled = exchange(TcpStream::connect(address).await.unwrap(), &request).await;
    assert!(stalled.contains("\"done\":false"), "{stalled}");
    assert!(begun.elapsed() < PATIENCE);
    assert!(door.close(Duration::from_secs(10)).await, "nobody holds the door open");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let world = World::set(&[("api.connections", "2")]).await;
    let (_door, address) = open(&world).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        line.read_exact(&mut first).await.unwrap();
        idle.push(line);
    }
    let mut third = tokio::spawn(async move {
        exchange(TcpStream::connect(address).await.unwrap(), &get("/v1/health", "")).await
    });
    assert!(timeout(Duration::from_millis(200), &mut third).await.is_err(), "it waits");
    drop(idle.pop());
    assert!(timeout(PATIENCE, third).await.unwrap().unwrap().starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn large_headers_and_bodies_are_refused() {
    let world = World::new().await;
    let (_door, address) = open(&world).await;
    let key = key(&world, &["topics.write"]).await;
    let long = get("/v1/health", &format!("x-long: {}\r\n", "a".repeat(300 << 10)));
    let mut line = TcpStream::connect(address).await.unwrap();
    // The server closes while we still write.
    let _ = line.write_all(long.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, line.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    let request = format!(
        "POST /v1/messaging/topics HTTP/1.1\r\nhost: x\r\nx-appwrite-key: {key}\r\ncontent-length: 104857600\r\n\r\n"
    );
    let answer = exchange(TcpStream::connect(address).await.unwrap(), &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{answer}");
    eventually(async || world.get("/v1/messaging/topics").await.1["total"] == 0).await;
}
