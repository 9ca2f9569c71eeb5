//! Compiled mail, read back by an independent parser.

use super::account::{mail, recipient, rendition};
use futures_util::FutureExt as _;
use herald::domain::content::{Attachment, Content, EmailContent};
use herald::providers::adapter::{Recipient, Rendered, Rendition};
use herald::providers::smtp::address::Mailbox;
use herald::providers::smtp::mime::{CompiledMail, Sender, compile};
use mail_parser::{Addr, Message, MessageParser, MimeHeaders as _};
use proptest::prelude::*;
use std::sync::Arc;

const DATE: &str = "Sun, 22 Nov 2026 17:03:10 +0000";

fn sender() -> Sender {
    let from = Mailbox::parse("news@bücher.example").unwrap();
    let reply = Mailbox::parse("help@example.com").unwrap();
    Sender::new((Some("Größe, \"Ltd.\""), &from), Some((Some("Hilfe"), &reply)), Some("Herald")).unwrap()
}

/// The mail for a recipient as the server gets it, and how much of it is shared.
fn wire(compiled: &CompiledMail, recipient: &Recipient) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let to = Mailbox::parse(&recipient.address).unwrap();
    let sender = sender();
    // Nothing is signed here, so nothing is waited for.
    compiled.write_head(&mut out, &sender, &to, recipient, DATE).now_or_never().unwrap().unwrap();
    out.extend_from_slice(compiled.fixed());
    (out, compiled.fixed().len())
}

/// What every mail must keep to, and the mail with its dots unstuffed.
fn checked(wire: &[u8]) -> Vec<u8> {
    assert!(wire.is_ascii(), "7 bits only");
    assert!(wire.ends_with(b"\r\n"));
    let mut plain = Vec::new();
    for line in wire.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("CRLF ends every line");
        assert!(text.len() <= 998 && !text.contains(&b'\r') && !text.contains(&0));
        assert_ne!(text, b".", "a mail does not end itself");
        assert!(!text.starts_with(b".") || text.starts_with(b".."), "stuffed");
        plain.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    plain
}

fn read(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

fn address(addr: &Addr<'_>) -> (Option<String>, String) {
    (addr.name().map(str::to_owned), addr.address().unwrap().to_owned())
}

fn with_files(html: bool, files: &[(&str, &str, &[u8])]) -> Rendition {
    let mut rendition = rendition(Content::Email(EmailContent {
        subject: "Files".to_owned(),
        content: "<p>See <b>below</b></p>".to_owned(),
        html,
        attachments: files
            .iter()
            .map(|&(name, mime, content)| Attachment {
                bucket: "b".to_owned(),
                file: "f".to_owned(),
                name: name.to_owned(),
                mime: mime.to_owned(),
                digest: String::new(),
                size: content.len() as u64,
            })
            .collect(),
        ..EmailContent::default()
    }));
    rendition.files = files.iter().map(|&(_, _, content)| Arc::from(content)).collect();
    rendition
}

#[test]
fn headers() {
    let mut rendition = mail("Grüße aus Köln – heute", "Hallo\n", false);
    rendition.cc = vec!["one@example.com".to_owned(), "two@bücher.example".to_owned()];
    let compiled = compile(&sender(), &rendition).unwrap();
    let mut to = recipient("ana@example.com");
    to.unsubscribe = Some("https://news.example/u/abc?x=1&y=2".to_owned());
    let plain = checked(&wire(&compiled, &to).0);
    let mail = read(&plain);
    assert_eq!(mail.subject(), Some("Grüße aus Köln – heute"));
    assert_eq!(mail.message_id(), Some("ana-example-com@xn--bcher-kva.example"));
    assert_eq!(
        address(mail.from().unwrap().first().unwrap()),
        (Some("Größe, \"Ltd.\"".to_owned()), "news@xn--bcher-kva.example".to_owned())
    );
    assert_eq!(
        address(mail.reply_to().unwrap().first().unwrap()),
        (Some("Hilfe".to_owned()), "help@example.com".to_owned())
    );
    let list = |addresses: &mail_parser::Address<'_>| {
        addresses.iter().map(|addr| addr.address().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(mail.to().unwrap()), ["ana@example.com"]);
    assert_eq!(list(mail.cc().unwrap()), ["one@example.com", "two@xn--bcher-kva.example"]);
    assert!(mail.bcc().is_none());
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-11-22T17:03:10Z");
    assert_eq!(mail.header_raw("X-Mailer").unwrap().trim(), "Herald");
    assert_eq!(mail.header_raw("MIME-Version").unwrap().trim(), "1.0");
    assert_eq!(mail.header_raw("List-Unsubscribe").unwrap().trim(), "<https://news.example/u/abc?x=1&y=2>");
    assert_eq!(mail.header_raw("List-Unsubscribe-Post").unwrap().trim(), "List-Unsubscribe=One-Click");
    for name in ["From", "To", "Date", "Message-ID", "Subject", "MIME-Version", "Content-Type"] {
        let count = mail.headers().iter().filter(|header| header.name().eq_ignore_ascii_case(name)).count();
        assert_eq!(count, 1, "{name}");
    }
}

#[test]
fn html_has_a_text_alternative_and_plain_text_has_none() {
    let html = "<html><head><style>p{}</style></head><body><p>Grüße &amp; <a href=\"https://x.example\">mehr</a></p></body></html>";
    let compiled = compile(&sender(), &mail("Hi", html, true)).unwrap();
    let plain = checked(&wire(&compiled, &recipient("a@example.com")).0);
    let read_html = read(&plain);
    assert!(read_html.content_type().unwrap().subtype().is_some_and(|kind| kind == "alternative"));
    assert_eq!(read_html.body_html(0).unwrap().trim(), html);
    let text = read_html.body_text(0).unwrap();
    assert!(text.contains("Grüße & ") && text.contains("mehr") && !text.contains("p{}"), "{text}");
    assert_eq!(
        read_html.parts[read_html.text_body[0] as usize].content_type().unwrap().subtype(),
        Some("plain")
    );

    let compiled = compile(&sender(), &mail("Hi", "<not html>", false)).unwrap();
    let plain = checked(&wire(&compiled, &recipient("a@example.com")).0);
    let read_text = read(&plain);
    assert_eq!(read_text.content_type().unwrap().subtype(), Some("plain"));
    assert_eq!(read_text.body_text(0).unwrap().trim(), "<not html>");
}

#[test]
fn attachments() {
    let binary: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let files: [(&str, &str, &[u8]); 3] = [
        ("Größe \"1\".pdf", "application/pdf", &binary),
        ("a.txt", "text/plain", b".\r\nMAIL FROM\n.\n"),
        ("evil\r\nBcc: x@y.z.bin", "no type\r\nX: y", b""),
    ];
    for html in [true, false] {
        for personal in [true, false] {
            let mut rendition = with_files(html, &files);
            rendition.personal = personal;
            let compiled = compile(&sender(), &rendition).unwrap();
            let plain = checked(&wire(&compiled, &recipient("a@example.com")).0);
            let mail = read(&plain);
            assert_eq!(mail.content_type().unwrap().subtype(), Some("mixed"));
            assert_eq!(mail.attachment_count(), 3);
            assert_eq!(mail.attachment(0).unwrap().attachment_name(), Some("Größe \"1\".pdf"));
            assert_eq!(mail.attachment(0).unwrap().contents(), binary);
            assert_eq!(mail.attachment(0).unwrap().content_type().unwrap().subtype(), Some("pdf"));
            assert_eq!(mail.attachment(1).unwrap().contents(), files[1].2);
            assert_eq!(mail.attachment(2).unwrap().attachment_name(), Some("evil Bcc: x@y.z.bin"));
            assert_eq!(mail.attachment(2).unwrap().content_type().unwrap().subtype(), Some("octet-stream"));
            assert!(mail.bcc().is_none() && mail.header_raw("X").is_none());
            assert!(mail.body_text(0).unwrap().contains("below"));
        }
    }
}

#[test]
fn fixed_parts_are_shared() {
    let compiled =
        compile(&sender(), &with_files(true, &[("a.bin", "application/octet-stream", &[7; 9000])])).unwrap();
    let (one, shared) = wire(&compiled, &recipient("a@example.com"));
    let (two, _) = wire(&compiled, &recipient("somebody.else@example.org"));
    assert_eq!(one[one.len() - shared..], two[two.len() - shared..]);
    // What differs is the Message-ID and To.
    let own = |mail: &[u8]| String::from_utf8(mail[..mail.len() - shared].to_vec()).unwrap();
    assert_eq!(
        own(&one),
        format!("Message-ID: <a-example-com@xn--bcher-kva.example>\r\nDate: {DATE}\r\nTo: a@example.com\r\n")
    );
    assert_eq!(
        own(&two).len(),
        own(&one).len() + 2 * "somebody.else@example.org".len() - 2 * "a@example.com".len()
    );

    let mut personal = with_files(true, &[("a.bin", "application/octet-stream", &[7; 9000])]);
    personal.personal = true;
    let compiled = compile(&sender(), &personal).unwrap();
    assert!(compiled.fixed().len() > 12_000, "attachments are encoded once");
}

#[test]
fn personal_mails() {
    let mut rendition = mail("Hello {{ name }}", "<p>Dear {{ name }}</p>", true);
    rendition.personal = true;
    let compiled = compile(&sender(), &rendition).unwrap();
    let mut to = recipient("a@example.com");
    let rendered = Rendered {
        subject: Some("Hello Zoë\r\nBcc: x@y.z".to_owned()),
        body: "<p>Dear Zoë\n.\n--=_herald_alternative_a--</p>".to_owned(),
    };
    to.rendered = Some(Box::new(rendered));
    let plain = checked(&wire(&compiled, &to).0);
    let mail = read(&plain);
    assert_eq!(mail.subject(), Some("Hello Zoë Bcc: x@y.z"));
    assert!(mail.bcc().is_none());
    assert_eq!(mail.body_html(0).unwrap().trim().replace("\r\n", "\n"), to.rendered.unwrap().body);
    assert!(mail.body_text(0).unwrap().contains("Dear Zoë"));

    to = recipient("b@example.com");
    to.rendered = Some(Box::new(Rendered { subject: None, body: "<p>Hi</p>".to_owned() }));
    let plain = checked(&wire(&compiled, &to).0);
    assert_eq!(read(&plain).subject(), Some("Hello {{ name }}"), "the message's own subject");
}

#[test]
fn what_cannot_be_compiled_is_said() {
    let mut missing = with_files(false, &[("a", "text/plain", b"x")]);
    missing.files.clear();
    assert!(compile(&sender(), &missing).is_err());
    let mut cc = mail("Hi", "x", false);
    cc.cc = vec!["nobody\r\nBcc: x@y.z".to_owned()];
    assert!(compile(&sender(), &cc).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_content_arrives(
        subject in "\\PC{0,120}|[ -~]{200,400}",
        body in "(\\PC{0,30}|\\.|[\r\n]|=_herald_|[a-z ]{0,1200}){0,20}",
        html: bool,
        personal: bool,
    ) {
        let mut rendition = mail(&subject, &body, html);
        rendition.personal = personal;
        let compiled = compile(&sender(), &rendition).unwrap();
        let plain = checked(&wire(&compiled, &recipient("a@example.com")).0);
        let mail = read(&plain);
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(squeeze(mail.subject().unwrap_or_default()), squeeze(&subject));
        let lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned();
        let arrived = if html { mail.body_html(0) } else { mail.body_text(0) }.unwrap_or_default();
        prop_assert_eq!(lines(&arrived), lines(&body));
    }
}

#[test]
fn html_that_is_made_to_break_a_reader_is_compiled_in_time() {
    let nested = |tag: &str| format!("<{tag}>").repeat(64_000 / (tag.len() + 2));
    let tables = "<table><tr><td>".repeat(4200);
    let wide = format!("<table><tr>{}</tr></table>", "<td>x".repeat(12_000));
    let span =
        "<table><tr><td colspan=1000000000 rowspan=1000000000>x</td><td>y</td></tr></table>".to_owned();
    let hostile = [wide, span];
    for html in hostile.into_iter().chain([
        nested("b"),
        nested("div"),
        nested("ul"),
        nested("blockquote"),
        tables,
        "<".repeat(64_000),
    ]) {
        // In a thread whose stack is as small as a worker's.
        let begun = std::time::Instant::now();
        let worker = std::thread::Builder::new().stack_size(2 << 20);
        let start: String = html.chars().take(20).collect();
        worker
            .spawn(move || drop(compile(&sender(), &mail("x", &html, true)).unwrap()))
            .unwrap()
            .join()
            .unwrap();
        assert!(begun.elapsed().as_secs() < 10, "{start}: {:?}", begun.elapsed());
    }
}
