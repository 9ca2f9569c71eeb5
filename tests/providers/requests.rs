//! Requests as facts: what each adapter puts on the wire, beside the documentation that
//! says so. The files are read by people: a form stands with a field a line, JSON is laid
//! out, and what differs from run to run (host, length, time, signature) is left out.
//!
//! `HERALD_UPDATE=1 cargo test --test providers requests` writes them anew.

use super::account::{recipient, registry, rendition};
use super::services::{adapter_at, kinds};
use herald::domain::channel::Channel;
use herald::domain::content::{Attachment, Content, EmailContent, SmsContent};
use herald::domain::ids::WindowNo;
use herald::domain::plan::BatchKey;
use herald::domain::provider::Kind;
use herald::domain::time::Timestamp;
use herald::providers::adapter::{Batch, Recipient, Rendered, Rendition};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// The head and the body of the next request, which is answered with 503.
pub async fn next(listener: &TcpListener) -> (String, Vec<u8>) {
    let mut io = BufReader::new(listener.accept().await.unwrap().0);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        io.read_line(&mut line).await.unwrap();
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    io.read_exact(&mut body).await.unwrap();
    io.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
    (head, body)
}

pub fn shown(head: &str, body: &[u8]) -> String {
    let mut out = String::new();
    let mut kind = String::new();
    let mut lines: Vec<&str> = head.lines().collect();
    // The request line first; the order of headers means nothing.
    lines[1..].sort_unstable();
    for line in lines {
        let name = line.split(':').next().unwrap_or_default();
        match name {
            "host" | "content-length" | "x-amz-date" => continue,
            "user-agent" => {
                let _ = writeln!(out, "user-agent: herald-console/VERSION");
                continue;
            }
            "content-type" => line.clone_into(&mut kind),
            _ => {}
        }
        // A signature covers the time; its scope has the day.
        match line.split_once("Credential=") {
            Some((before, rest)) => {
                let key = rest.split('/').next().unwrap_or_default();
                let signed = rest.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
                let signed = signed.unwrap_or_default();
                let _ = writeln!(out, "{before}Credential={key}/DAY/…, SignedHeaders={signed}, Signature=…");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out.push('\n');
    if kind.contains("json") && !body.is_empty() {
        let value: serde_json::Value = serde_json::from_slice(body).unwrap();
        out.push_str(&serde_json::to_string_pretty(&value).unwrap());
    } else if kind.contains("urlencoded") {
        out.push_str(&String::from_utf8(body.to_vec()).unwrap().replace('&', "\n&"));
    } else {
        out.push_str(&String::from_utf8_lossy(body).replace("\r\n", "\n"));
    }
    out.push('\n');
    out
}

fn mail() -> EmailContent {
    EmailContent {
        subject: "Grüße aus Köln".to_owned(),
        content: "<p>Guten <b>Morgen</b> &amp; 100 %</p>".to_owned(),
        html: true,
        ..EmailContent::default()
    }
}

fn personal(channel: Channel, n: usize, address: &str) -> Recipient {
    let mut one = recipient(address);
    one.reference = format!("m7-t{n}");
    let email = channel == Channel::Email;
    one.rendered = Some(Box::new(Rendered {
        subject: email.then(|| format!("Für Sie, {n}")),
        body: if email { format!("<p>Nummer {n}</p>") } else { format!("Здравствуйте {n}") },
    }));
    one.unsubscribe = email.then(|| format!("https://herald.example/u/{n}"));
    one
}

/// What is asked of each kind of a channel: a name, the content, to whom.
fn scenarios(channel: Channel) -> Vec<(&'static str, Rendition, Vec<Recipient>)> {
    let addresses = match channel {
        Channel::Email => ["ana@example.com", "bo@bücher.example"],
        Channel::Sms | Channel::Push => ["+919812345678", "+919812345679"],
    };
    let shared = || -> Vec<Recipient> {
        let numbered = addresses.iter().zip(1..);
        numbered.map(|(to, n)| Recipient { reference: format!("m7-t{n}"), ..recipient(to) }).collect()
    };
    let own = || addresses.iter().zip(1..).map(|(to, n)| personal(channel, n, to)).collect();
    let content = match channel {
        Channel::Email => Content::Email(mail()),
        Channel::Sms | Channel::Push => {
            Content::Sms(SmsContent { content: "Grüße & 5 € [GSM]".to_owned() })
        }
    };
    let mut all = vec![
        ("the same for all", rendition(content.clone()), shared()),
        ("their own", Rendition { personal: true, ..rendition(content) }, own()),
    ];
    if channel == Channel::Email {
        let file = Attachment {
            bucket: "b".to_owned(),
            file: "f".to_owned(),
            name: "Größe.txt".to_owned(),
            mime: "text/plain".to_owned(),
            digest: String::new(),
            size: 3,
        };
        let with_file = Content::Email(EmailContent { attachments: vec![file], ..mail() });
        let rendition = Rendition { files: vec![Arc::from(&b"abc"[..])], ..rendition(with_file) };
        all.push(("with a file", rendition, shared()));
    }
    all
}

async fn captured(kind: &'static Kind) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let adapter = adapter_at(registry(), kind, &endpoint, "s3cret");
    let mut text = format!("# source: {}\n", kind.source);
    for (name, rendition, recipients) in scenarios(kind.channels[0]) {
        let key = BatchKey { window: WindowNo(7), batch: 1, used: Timestamp(1_700_000_000_000) };
        let batch = Batch { compiled: adapter.compile(&rendition).unwrap(), recipients, key: Some(key) };
        let mut ignore = |_, _| {};
        // Only the first request is looked at.
        let (head, body) = tokio::select! {
            request = next(&listener) => request,
            () = adapter.send(&batch, &mut ignore) => panic!("{}: sent nothing", kind.name),
        };
        let _ = write!(text, "\n## {name}\n\n{}", shown(&head, &body));
    }
    let ((head, body), _) = tokio::join!(next(&listener), adapter.test());
    let _ = write!(text, "\n## the check of credentials\n\n{}", shown(&head, &body));
    text
}

#[tokio::test]
async fn requests_are_as_written() {
    let update = std::env::var_os("HERALD_UPDATE").is_some();
    for kind in kinds() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/providers/golden/{}.txt", kind.name));
        let now = captured(kind).await;
        if update {
            std::fs::write(&path, now).unwrap();
            continue;
        }
        let was = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(now, was, "{}: the request is another than {}", kind.name, path.display());
    }
}
