//! The sink: what a delivery service costs at least. An HTTP server in a process of its own
//! that takes the sandbox's requests, answers them, and counts who came and how often, by the
//! reference of message and target. It can count as a strict service does (GCRA) and be slow.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells a bench that it is to be the sink.
const ROLE: &str = "HERALD_BENCH_SINK";

/// How a sink behaves.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Manner {
    /// Recipients a second; more are refused with 429.
    pub per_second: Option<f64>,
    /// By how many recipients the limit may be exceeded at once.
    pub burst: f64,
    /// Milliseconds until an answer comes.
    pub delay_ms: u64,
    /// It never answers.
    pub mute: bool,
}

/// What came to a sink since it was last reset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Requests that were taken.
    pub taken: u64,
    /// Requests that were refused because of the limit.
    pub refused: u64,
    /// Different pairs of message and target that were taken.
    pub different: u64,
    /// Microseconds of the wall clock at the first and at the last request.
    pub first_us: u64,
    pub last_us: u64,
    /// By message, in 36 digits: how many were taken, and when the first one was.
    pub messages: BTreeMap<String, (u64, u64)>,
}

/// A running sink, ended with the bench.
pub struct Sink {
    process: Child,
    pub addr: SocketAddr,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Sink {
    /// Is the sink, if this process was started to be it. The first line of every bench that has one.
    pub fn serve_if_asked() {
        if let Ok(manner) = std::env::var(ROLE) {
            serve(serde_json::from_str(&manner).unwrap());
            std::process::exit(0);
        }
    }

    /// Starts a sink.
    pub fn start(manner: Manner) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, serde_json::to_string(&manner).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        Self { addr: line.trim().parse().unwrap(), process, orders, answers }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What has come since the last time that this was asked; then it begins anew.
    pub fn report(&mut self) -> Report {
        self.orders.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// A report that says that everybody was sent to, and nobody twice.
    pub fn complete(&mut self, wanted: usize) -> Report {
        let report = self.report();
        let (taken, different) = (report.taken, report.different);
        assert_eq!(different, wanted as u64, "everybody must be sent to ({taken} came)");
        assert_eq!(taken, different, "nobody may be sent to twice");
        report
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Microseconds of the wall clock.
pub fn wall_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

#[derive(Default)]
struct Counted {
    report: Report,
    /// By message, how often each target came.
    seen: BTreeMap<String, Vec<u8>>,
    /// When the limit is used up to, in seconds since the start.
    due: f64,
}

impl Counted {
    fn note(&mut self, manner: &Manner, began: Instant, body: &[u8]) -> bool {
        if let Some(rate) = manner.per_second {
            let now = began.elapsed().as_secs_f64();
            if self.due - now > manner.burst / rate {
                self.report.refused += 1;
                return false;
            }
            self.due = self.due.max(now) + 1.0 / rate;
        }
        let now = wall_us();
        let report = &mut self.report;
        if report.taken == 0 {
            report.first_us = now;
        }
        report.last_us = now;
        report.taken += 1;
        // `INSTALL.MESSAGE.TARGET`
        let mut parts = between(body, b"\"reference\":\"").rsplit(|byte| *byte == b'.');
        let (target, message) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let message = std::str::from_utf8(message).unwrap_or_default();
        if !self.seen.contains_key(message) {
            self.seen.insert(message.to_owned(), Vec::new());
            report.messages.insert(message.to_owned(), (0, now));
        }
        if let Some((count, _)) = report.messages.get_mut(message) {
            *count += 1;
        }
        let place = target.iter().fold(0, |sum, byte| sum * 36 + digit(*byte));
        if let Some(seen) = self.seen.get_mut(message) {
            if seen.len() <= place {
                seen.resize((place + 1).next_power_of_two(), 0);
            }
            report.different += u64::from(seen[place] == 0);
            seen[place] = seen[place].saturating_add(1);
        }
        true
    }
}

fn digit(byte: u8) -> usize {
    usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 })
}

/// What stands behind `name` up to the next quotation mark.
fn between<'a>(body: &'a [u8], name: &[u8]) -> &'a [u8] {
    let from =
        body.windows(name.len()).position(|part| part == name).map_or(body.len(), |at| at + name.len());
    let rest = &body[from..];
    &rest[..rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len())]
}

async fn answer(
    manner: Manner,
    began: Instant,
    counted: Rc<RefCell<Counted>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            eprintln!("the sink cannot read a request: {error:?}");
            return Ok(Response::new(Full::default()));
        }
    };
    if manner.mute {
        std::future::pending::<()>().await;
    }
    if !counted.borrow_mut().note(&manner, began, &body) {
        let text = Bytes::from_static(b"{\"error\":{\"code\":\"rate_limited\",\"message\":\"too fast\"}}");
        let mut response = Response::new(Full::new(text));
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        return Ok(response);
    }
    if manner.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(manner.delay_ms)).await;
    }
    let mut text = b"{\"results\":[{\"to\":\"".to_vec();
    text.extend_from_slice(between(&body, b"\"to\":\""));
    text.extend_from_slice(b"\",\"status\":\"accepted\",\"id\":\"sb00000000000001\"}]}");
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

/// One thread, so that a machine with two cores has one left for the sender.
fn serve(manner: Manner) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counted = Rc::new(RefCell::new(Counted::default()));
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let began = Instant::now();
        let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if line.is_err() || asked.send(()).is_err() {
                    break;
                }
            }
        });
        loop {
            tokio::select! {
                ask = asks.recv() => {
                    // The bench has ended.
                    let Some(()) = ask else { return };
                    let mut counted = counted.borrow_mut();
                    let due = counted.due;
                    let last = std::mem::replace(&mut *counted, Counted { due, ..Counted::default() });
                    println!("{}", serde_json::to_string(&last.report).unwrap());
                }
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    // A sink that delays small packets is still a sink.
                    let _ = stream.set_nodelay(true);
                    let counted = Rc::clone(&counted);
                    tokio::task::spawn_local(async move {
                        let service = service_fn(move |request| {
                            answer(manner, began, Rc::clone(&counted), request)
                        });
                        // A sender that breaks off is its own affair.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    });
                }
            }
        }
    });
}
