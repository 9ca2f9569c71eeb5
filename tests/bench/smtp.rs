//! Mail to Postfix's `smtp-sink`, compared with Postfix's own `smtp-source` over
//! as many sessions to the same sink in the same run. The sink is a process of its
//! own on loopback.
//!
//! `HERALD_BENCH_MAILS` (default 100000) and `HERALD_BENCH_SESSIONS` (default 20)
//! change the size. Needs Postfix's tools in the path; says so and ends without them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent};
use herald::domain::ids::{ProviderId, ProviderNo, Revision};
use herald::domain::provider::{Limits, Provider};
use herald::domain::time::Timestamp;
use herald::providers::adapter::{Account, Adapter, Adapters as _, Batch, Recipient, Rendition, Verdict};
use herald::providers::registry::Registry;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The bytes of a mail's content.
const LENGTH: usize = 4096;

/// The sink, ended with the bench.
struct Sink {
    process: Child,
    addr: SocketAddr,
}

impl Sink {
    fn start() -> Option<Self> {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("smtp-sink");
        // It refuses to run as root.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let process = command
            .args([&addr.to_string(), "1024"])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let sink = Self { process, addr };
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(addr).is_err() {
            assert!(Instant::now() < deadline, "the sink does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn adapter(addr: SocketAddr) -> Arc<dyn Adapter> {
    let text = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let account = Account {
        provider: Provider {
            no: ProviderNo(1),
            id: ProviderId::new("sink").unwrap(),
            name: "Sink".to_owned(),
            kind: "smtp".to_owned(),
            channel: Channel::Email,
            enabled: true,
            options: [("fromEmail", "\"a@example.test\"")].iter().map(text).collect(),
            credentials: BTreeMap::new(),
            limits: Limits::default(),
            hold: None,
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision::default(),
            door: herald::domain::provider::Door::Local,
            guard: None,
        },
        credentials: [("host", host.as_str()), ("port", port.as_str())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
            .collect(),
        allow_private: true,
        receipts_url: None,
    };
    Registry::default().connect(&account, Channel::Email).unwrap()
}

/// Mails a second through the adapter.
async fn ours(addr: SocketAddr, mails: usize, sessions: usize) -> f64 {
    let adapter = adapter(addr);
    let line = "x".repeat(78);
    let content = vec![line.as_str(); LENGTH / 80].join("\n");
    let mail = EmailContent { subject: "Bench".to_owned(), content, ..EmailContent::default() };
    let rendition = Rendition {
        content: Content::Email(mail),
        personal: false,
        cc: vec![],
        files: vec![],
        expires: None,
    };
    let compiled = adapter.compile(&rendition).unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..sessions {
        let (adapter, compiled) = (adapter.clone(), compiled.clone());
        let (next, accepted) = (next.clone(), accepted.clone());
        workers.spawn(async move {
            loop {
                let from = next.fetch_add(adapter.train(), Ordering::Relaxed);
                let recipients: Vec<_> = (from..mails.min(from + adapter.train()))
                    .map(|n| Recipient {
                        address: format!("u{n}@example.test"),
                        reference: format!("m1-{n}"),
                        rendered: None,
                        unsubscribe: None,
                    })
                    .collect();
                if recipients.is_empty() {
                    return;
                }
                let batch = Batch { compiled: compiled.clone(), recipients, key: None };
                let mut count = 0;
                adapter
                    .send(&batch, &mut |_, answer| count += usize::from(answer.verdict == Verdict::Accepted))
                    .await;
                accepted.fetch_add(count, Ordering::Relaxed);
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    let took = begun.elapsed();
    assert_eq!(accepted.load(Ordering::Relaxed), mails, "every mail is accepted");
    adapter.close().await;
    mails as f64 / took.as_secs_f64()
}

/// Mails a second through `smtp-source -d`, which keeps its sessions as well.
fn theirs(addr: SocketAddr, mails: usize, sessions: usize) -> f64 {
    let begun = Instant::now();
    let status = Command::new("smtp-source")
        .args(["-d", "-s", &sessions.to_string(), "-m", &mails.to_string(), "-l", &LENGTH.to_string()])
        .args(["-f", "a@example.test", "-t", "u@example.test", &addr.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "smtp-source failed");
    mails as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    let (mails, sessions) = (number("HERALD_BENCH_MAILS", 100_000), number("HERALD_BENCH_SESSIONS", 20));
    let Some(sink) = Sink::start() else {
        println!("smtp: left out, since smtp-sink is not in the path (it comes with Postfix)");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut best, mut ratios) = ((0.0f64, 0.0f64), Vec::new());
    for round in 1..=3 {
        let them = theirs(sink.addr, mails, sessions);
        let us = runtime.block_on(ours(sink.addr, mails, sessions));
        println!(
            "smtp round {round}: {us:.0} mails/s, smtp-source {them:.0}/s, ratio {:.2} \
             ({mails} mails of {LENGTH} bytes, {sessions} sessions)",
            us / them
        );
        best = (best.0.max(us), best.1.max(them));
        ratios.push(us / them);
    }
    ratios.sort_by(f64::total_cmp);
    println!("smtp: median ratio {:.2}, best {:.0} against {:.0} mails/s", ratios[1], best.0, best.1);
}
