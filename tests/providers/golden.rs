//! Golden requests: what goes over the wire, written down with its source, and a peer to catch it.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Caught {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Caught {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// Method, path, headers by name, and the body as text; JSON laid out. What differs each time,
    /// or names this program, is left out.
    pub fn written(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.path);
        let mut headers = self.headers.clone();
        headers.sort();
        for (name, value) in headers {
            if matches!(name.as_str(), "user-agent" | "content-length" | "host") {
                continue;
            }
            let value = if name == "authorization" {
                value.split_once(' ').map_or_else(|| "…".to_owned(), |(scheme, _)| format!("{scheme} …"))
            } else {
                value
            };
            writeln!(text, "{name}: {value}").unwrap();
        }
        text.push('\n');
        match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(json) => text.push_str(&serde_json::to_string_pretty(&json).unwrap()),
            Err(_) => text.push_str(&String::from_utf8_lossy(&self.body)),
        }
        text.push('\n');
        text
    }
}

/// An HTTP/2 server without TLS that writes down every request and answers all of them alike.
pub struct Http2Peer {
    pub addr: SocketAddr,
    caught: Arc<Mutex<Vec<Caught>>>,
    connections: Arc<Mutex<usize>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Http2Peer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Http2Peer {
    /// Listens; every answer has this status and body.
    pub async fn answering(status: u16, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let caught = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (all, count) = (Arc::clone(&caught), Arc::clone(&connections));
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                let all = Arc::clone(&all);
                let service = service_fn(move |request: Request<Incoming>| {
                    let all = Arc::clone(&all);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes().to_vec();
                        let headers = head.headers.iter();
                        let headers = headers
                            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                            .collect();
                        let path = head.uri.path_and_query().unwrap().to_string();
                        let method = head.method.to_string();
                        all.lock().unwrap().push(Caught { method, path, headers, body });
                        let mut response = Response::new(Full::new(Bytes::from_static(answer.as_bytes())));
                        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { addr, caught, connections, server }
    }

    /// What came so far.
    pub fn caught(&self) -> Vec<Caught> {
        self.caught.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Compares requests with those of a file of `tests/providers/golden`.
#[track_caller]
pub fn assert_golden(name: &str, requests: &[String]) {
    let path = format!("{}/tests/providers/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    // The file begins with its sources.
    let wanted: Vec<_> = golden.lines().filter(|line| !line.starts_with('#')).collect();
    let found = requests.join("\n");
    assert_eq!(
        found.trim(),
        wanted.join("\n").trim(),
        "{name}: the request differs from the golden one; it is now:\n{found}"
    );
}
