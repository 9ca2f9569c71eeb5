//! Mail to Postfix's own server for tests, `smtp-sink` of Debian's package `postfix`: a server that
//! nobody here has written. Where it is not installed, the test says so and passes; `.ci/run`
//! installs it.

use super::account::{mail, registry, send, smtp};
use herald::domain::content::Content;
use herald::providers::adapter::Verdict::Accepted;
use herald::providers::adapter::{Recipient, Rendition};
use mail_parser::MessageParser;
use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Debian puts it where only root looks.
const PLACES: [&str; 2] = ["/usr/sbin/smtp-sink", "/usr/lib/postfix/sbin/smtp-sink"];

struct Sink {
    child: Child,
    addr: SocketAddr,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it: every mail becomes a file in a directory, with its envelope in front.
fn sink(binary: &str, into: &Path, options: &[&str]) -> Sink {
    // It gives up the rights of root, and then writes.
    fs::set_permissions(into, fs::Permissions::from_mode(0o777)).unwrap();
    for _ in 0..5 {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(binary);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg("-R").arg(into).args(["-d", "mail."]);
        command.args([addr.to_string().as_str(), "128"]).stdin(Stdio::null()).stderr(Stdio::null());
        let mut sink = Sink { child: command.spawn().unwrap(), addr };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(addr).is_ok() {
                return sink;
            }
            // Somebody else has the port: another one.
            if sink.child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::yield_now();
        }
    }
    panic!("smtp-sink does not listen");
}

/// The mails by recipient of the envelope: as often as they came.
fn mails(directory: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all = BTreeMap::<String, Vec<Vec<u8>>>::new();
    for entry in fs::read_dir(directory).unwrap() {
        let content = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&content);
        let rcpt = text.lines().find_map(|line| line.strip_prefix("X-Rcpt-Args: <")).unwrap_or_default();
        let rcpt = rcpt.split('>').next().unwrap().to_owned();
        all.entry(rcpt).or_default().push(content);
    }
    all
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "says why it was left out")]
async fn postfix_takes_every_mail_once() {
    let Some(binary) = PLACES.into_iter().find(|place| Path::new(place).exists()) else {
        eprintln!("left out: install Debian's package postfix for {}", PLACES[0]);
        return;
    };
    // With its extensions, and as a server that has none: no pipelining, no ESMTP.
    for options in [&[][..], &["-p"], &["-e"]] {
        let directory = tempfile::tempdir().unwrap();
        let sink = sink(binary, directory.path(), options);
        let adapter = smtp(registry(), sink.addr);
        let body = "<p>Grüße, .dots\r\n.and ..more\r\n.\r\n& 100 %</p>";
        let content = mail("Größe: 50 % & \u{1f4e8}", body, true).content;
        let Content::Email(content) = content else { unreachable!("a mail") };
        let rendition = Rendition {
            content: Content::Email(content),
            personal: false,
            cc: vec!["copy@example.com".to_owned()],
            files: vec![],
            expires: None,
        };
        let to: Vec<Recipient> = (0..60)
            .map(|n| Recipient {
                unsubscribe: Some(format!("https://herald.example/u/{n}")),
                ..super::account::recipient(&format!("person-{n}@example.com"))
            })
            .collect();
        let answers = send(&*adapter, &rendition, to.clone()).await;
        assert!(answers.iter().all(|answer| answer.verdict == Accepted), "{options:?}: {answers:?}");
        adapter.close().await;
        let mails = mails(directory.path());
        assert_eq!(mails.len(), 60, "{options:?}");
        for (n, one) in to.iter().enumerate() {
            let [content] = &mails[&one.address][..] else {
                panic!("{options:?}: {} copies for {}", mails[&one.address].len(), one.address)
            };
            let read = MessageParser::default().parse(content).unwrap();
            let address = |list: Option<&mail_parser::Address<'_>>| {
                list.and_then(|list| list.first()?.address.as_deref().map(str::to_owned))
            };
            assert_eq!(address(read.to()).as_ref(), Some(&one.address), "{options:?}");
            assert_eq!(address(read.cc()).as_deref(), Some("copy@example.com"));
            assert_eq!(read.subject(), Some("Größe: 50 % & \u{1f4e8}"));
            assert!(read.body_html(0).unwrap().contains("Grüße, .dots"), "{options:?}");
            assert!(read.body_html(0).unwrap().contains("\n.and ..more"), "{options:?}");
            assert!(read.body_text(0).unwrap().contains("100 %"), "{options:?}");
            let raw = String::from_utf8_lossy(content);
            assert!(raw.contains(&format!("https://herald.example/u/{n}>")), "{options:?}");
            assert!(raw.contains("List-Unsubscribe=One-Click"), "{options:?}");
        }
    }
}
