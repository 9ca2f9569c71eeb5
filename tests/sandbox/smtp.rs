//! Conversations without faults.

use super::client::{Talk, any_port, both};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herald::sandbox::{Sandbox, SandboxError};

#[tokio::test]
async fn a_mail_arrives_as_it_was_sent() {
    let sandbox = both().start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    talk.envelope(&["b@example.test", "c@example.test"]).await;
    let content = "Subject: x\r\nMessage-ID: <1@h>\r\n\r\n..\r\n...two\r\nend\r\n";
    talk.send(format!("{content}.\r\n")).await;
    assert!(talk.reply().await.starts_with("250 2.0.0 "));
    talk.expect("QUIT", "221 2.0.0").await;
    assert_eq!(talk.rest().await.unwrap(), "");

    let last = sandbox.record().last(9);
    assert_eq!(last.len(), 1);
    assert_eq!(
        String::from_utf8(last[0].content.clone()).unwrap(),
        "Subject: x\r\nMessage-ID: <1@h>\r\n\r\n.\r\n..two\r\nend\r\n"
    );
    assert_eq!(last[0].from, "a@example.test");
    assert_eq!(last[0].recipients, ["b@example.test", "c@example.test"]);
    assert_eq!(last[0].reference, "1@h");
    assert_eq!(sandbox.record().recipient("c@example.test"), 1);
    assert_eq!(sandbox.record().reference("<1@h>"), 1);
    assert_eq!(sandbox.record().summary().arrivals, 2);
}

#[tokio::test]
async fn content_may_be_empty_start_with_a_dot_and_come_in_pieces() {
    let sandbox = both().start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    for (sent, arrived) in
        [(".\r\n", ""), ("..first\r\n.\r\n", ".first\r\n"), ("a\r\n..b\r\n\r\n.\r\n", "a\r\n.b\r\n\r\n")]
    {
        for piece in 1..=sent.len() {
            talk.envelope(&["b@example.test"]).await;
            for part in sent.as_bytes().chunks(piece) {
                talk.send(part).await;
                // So that the pieces are read apart.
                tokio::task::yield_now().await;
            }
            assert!(talk.reply().await.starts_with("250 "), "{sent:?} by {piece}");
            let last = sandbox.record().last(1).remove(0);
            assert_eq!(last.content, arrived.as_bytes(), "{sent:?} by {piece}");
        }
    }
}

#[tokio::test]
async fn every_verb_has_its_reply() {
    let sandbox = both().max_size(1000).start().await.unwrap();
    let mut talk = Talk::open(&sandbox).await;
    talk.expect("MAIL FROM:<a@example.test>", "503 5.5.1").await;
    talk.expect("HELO test", "250 sandbox.localhost").await;
    let ehlo = talk.expect("EHLO test", "250").await;
    for extension in ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000", "ENHANCEDSTATUSCODES"] {
        assert!(ehlo.lines().any(|l| &l[4..] == extension), "{extension} in {ehlo:?}");
    }
    assert!(!ehlo.contains("AUTH") && !ehlo.contains("STARTTLS"));
    for (line, begins) in [
        ("NOOP", "250 2.0.0"),
        ("NOOP with words", "250 2.0.0"),
        ("VRFY ada", "252 2.5.0"),
        ("HELP", "214 2.0.0"),
        ("EXPN list", "502 5.5.1"),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "502 5.5.1"),
        ("WHAT", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("EHLO", "501 5.5.4"),
        ("RCPT TO:<b@example.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL TO:<a@example.test>", "501 5.5.4"),
        ("MAIL FROM:<not an address>", "501 "),
        ("MAIL FROM:<a@example.test> SIZE=1001", "552 5.3.4"),
        ("MAIL FROM:<a@example.test> RET=FULL", "555 5.5.4"),
        ("MAIL FROM:<a@example.test> WHAT=1", "555 5.5.4"),
        ("MAIL FROM:<\u{e4}@example.test>", "553 5.6.7"),
        ("mail from:<a@example.test> size=10 body=8bitmime", "250 2.1.0"),
        ("MAIL FROM:<a@example.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<b>", "501 5.1.3"),
        ("RCPT TO:<b@example.test> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<\u{e4}@example.test>", "553 5.6.7"),
        ("RCPT TO:<Postmaster>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("RCPT TO:<b@example.test>", "503 5.5.1"),
        ("MAIL FROM:<> SMTPUTF8", "250 2.1.0"),
        ("RCPT TO:<\u{e4}@example.test>", "250 2.1.5"),
        ("QUIT", "221 2.0.0"),
    ] {
        talk.expect(line, begins).await;
    }
    assert_eq!(sandbox.record().summary().messages, 0);
}

#[tokio::test]
async fn a_pipelined_group_is_answered_in_order() {
    let sandbox = both().start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    let envelope = "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\n\
                    RCPT TO:<bad>\r\nDATA\r\n";
    talk.send(envelope).await;
    for round in 0..3 {
        for begins in ["250 2.1.0", "250 2.1.5", "501 5.1.3", "354 "] {
            assert!(talk.reply().await.starts_with(begins), "round {round}");
        }
        // The end of one mail may be followed by the whole envelope of the next.
        talk.send(format!("Message-ID: <{round}@h>\r\n\r\nx\r\n.\r\n{envelope}")).await;
        assert!(talk.reply().await.starts_with("250 2.0.0"));
    }
    assert_eq!(sandbox.record().summary().messages, 3);
    assert_eq!(sandbox.record().summary().duplicated, 0);
}

#[tokio::test]
async fn content_that_does_not_wait_for_its_reply_is_refused() {
    let sandbox = both().start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    talk.send("MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nx\r\n.\r\n").await;
    let rest = talk.rest().await.unwrap();
    assert!(rest.contains("\r\n503 5.5.0 "), "{rest:?}");
    assert_eq!(sandbox.record().arrivals(), 0);
}

#[tokio::test]
async fn what_breaks_the_rules_of_lines_is_refused() {
    let sandbox = both().max_size(1000).start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    talk.send("NOOP\n").await;
    assert!(talk.reply().await.starts_with("500 5.5.2"));
    for (content, begins) in [
        ("a\nb\r\n.\r\n".to_owned(), "554 5.6.0"),
        ("a\rb\r\n.\r\n".to_owned(), "554 5.6.0"),
        ("\n.\nMAIL FROM:<x@example.test>\r\n.\r\n".to_owned(), "554 5.6.0"),
        (format!("{}\r\n.\r\n", "x".repeat(999)), "552 5.3.4"),
        (format!("{}\r\n.\r\n", "x".repeat(998)), "250 2.0.0"),
        (format!("{}.\r\n", "xxxxxxxx\r\n".repeat(9000)), "552 5.3.4"),
    ] {
        talk.envelope(&["b@example.test"]).await;
        talk.send(&content).await;
        let reply = talk.reply().await;
        assert!(reply.starts_with(begins), "{reply:?} to {} bytes", content.len());
    }
    assert_eq!(sandbox.record().arrivals(), 1);
    talk.send("x".repeat(20_000)).await;
    let rest = talk.rest().await.unwrap_or_default();
    assert!(rest.is_empty() || rest.starts_with("500 5.5.2"), "{rest:?}");
}

#[tokio::test]
async fn credentials_are_wanted_and_checked() {
    let sandbox = both().credentials("ada", "secret").start().await.unwrap();
    let plain = |user: &str, password: &str| STANDARD.encode(format!("\0{user}\0{password}"));
    let mut talk = Talk::open(&sandbox).await;
    assert!(talk.expect("EHLO test", "250").await.contains("AUTH PLAIN LOGIN\r\n"));
    talk.expect("MAIL FROM:<a@example.test>", "530 5.7.0").await;
    talk.expect("AUTH CRAM-MD5", "504 5.5.4").await;
    talk.expect("AUTH PLAIN ###", "501 5.5.2").await;
    talk.expect(&format!("AUTH PLAIN {}", plain("ada", "wrong")), "535 5.7.8").await;
    talk.expect("AUTH PLAIN", "334 ").await;
    talk.expect("*", "501 5.7.0").await;
    talk.expect(&format!("AUTH PLAIN {}", plain("ada", "secret")), "235 2.7.0").await;
    talk.expect("AUTH PLAIN", "503 5.5.1").await;
    assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));

    let mut talk = Talk::greeted(&sandbox).await;
    talk.expect("AUTH LOGIN", "334 VXNlcm5hbWU6").await;
    talk.expect(&STANDARD.encode("ada"), "334 UGFzc3dvcmQ6").await;
    talk.expect(&STANDARD.encode("secret"), "235 2.7.0").await;

    let mut talk = Talk::greeted(&sandbox).await;
    talk.expect("AUTH PLAIN", "334 ").await;
    talk.expect(&plain("ada", "secret"), "235 2.7.0").await;
    talk.expect("MAIL FROM:<a@example.test> AUTH=<>", "250").await;
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let addr = addr.parse().unwrap();
        for builder in [
            Sandbox::builder().smtp(addr),
            Sandbox::builder().http(addr),
            Sandbox::builder().smtp(any_port()).control(addr),
        ] {
            let refused = builder.start().await.unwrap_err();
            assert!(matches!(refused, SandboxError::NotLoopback(a) if a == addr));
        }
    }
    assert!(matches!(Sandbox::builder().start().await.unwrap_err(), SandboxError::NoServer));
}

#[tokio::test]
async fn every_arrival_is_in_the_ledger_before_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let sandbox = both().ledger(&path).start().await.unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    for round in 1..4 {
        talk.mail(&["b@example.test", "c@example.test"], &format!("{round}@h")).await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), round * 2);
        let last: Vec<&str> = text.lines().next_back().unwrap().split('\t').collect();
        assert_eq!(last[1..4], ["email", "c@example.test", &format!("{round}@h")]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_at_once_are_counted_exactly() {
    let sandbox = std::sync::Arc::new(both().start().await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for session in 0..20 {
        let sandbox = std::sync::Arc::clone(&sandbox);
        tasks.spawn(async move {
            let mut talk = Talk::greeted(&sandbox).await;
            for mail in 0..25 {
                let id = format!("{session}.{mail}@h");
                talk.mail(&[&format!("{session}@example.test")], &id).await;
            }
        });
    }
    tasks.join_all().await;
    let summary = sandbox.record().summary();
    assert_eq!((summary.arrivals, summary.references, summary.recipients), (500, 500, 20));
    assert_eq!(summary.duplicated, 0);
    assert!((0..20).all(|s| sandbox.record().recipient(&format!("{s}@example.test")) == 25));
    let ids = (0..20).flat_map(|s| (0..25).map(move |m| format!("{s}.{m}@h")));
    assert!(sandbox.record().missing_references(ids).is_empty());
}
