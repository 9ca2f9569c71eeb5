//! The mail as it arrives, byte for byte, and what cannot be smuggled into it.

use super::account::{mail, mail_account, recipient, registry, send, send_to, smtp, verdicts};
use super::peer::{Peer, React, Setup};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::providers::adapter::Adapters as _;
use herald::providers::adapter::Verdict::{Accepted, Permanent, Refused};
use mail_parser::MessageParser;

#[tokio::test]
async fn dots_at_the_start_of_lines_arrive() {
    let body = ".\n..\n.hidden\nno dot\n.\r\nMAIL FROM:<evil@example.com>\n.";
    let peer = Peer::usual().await;
    let adapter = smtp(registry(), peer.addr);
    let to = vec![recipient("a@example.com"), recipient("b@example.com")];
    assert_eq!(verdicts(&send(&*adapter, &mail("Dots", body, false), to).await), [Accepted; 2]);
    let mails = peer.seen(|seen| seen.mails.clone());
    assert_eq!(mails.len(), 2, "no mail came out of the body");
    for mail in &mails {
        let read = MessageParser::default().parse(&mail.content).unwrap();
        let text = read.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end_matches('\n'), body.replace("\r\n", "\n"));
        assert_eq!(mail.from, "news@sender.example");
    }
}

#[tokio::test]
async fn nothing_breaks_out_of_a_header_or_command() {
    let peer = Peer::usual().await;
    let adapter = smtp(registry(), peer.addr);
    let subject = "Hello\r\nBcc: victim@example.com\r\n\r\nbody\n.\r\n";
    let mut link = recipient("link@example.com");
    link.unsubscribe = Some("https://u.example/x>\r\nBcc: victim@example.com".to_owned());
    let mut reference = recipient("ref@example.com");
    reference.reference = "x>\r\nBcc: victim@example.com".to_owned();
    let to = vec![
        recipient("a@example.com"),
        recipient("b@example.com>\r\nRCPT TO:<victim@example.com"),
        recipient("c@example.com\r\nDATA"),
        recipient("\"c d\"@example.com"),
        link,
        reference,
        recipient("z@example.com"),
    ];
    let answers = send(&*adapter, &mail(subject, "Hi", false), to).await;
    assert_eq!(
        verdicts(&answers),
        [Accepted, Permanent, Permanent, Permanent, Permanent, Permanent, Accepted]
    );
    for answer in &answers[1..6] {
        assert_eq!(answer.stage, Stage::Local);
    }
    assert_eq!(peer.taken(), ["a@example.com", "z@example.com"]);
    peer.seen(|seen| {
        assert!(!seen.lines.iter().any(|(_, line)| line.contains("victim")));
        for mail in &seen.mails {
            let read = MessageParser::default().parse(&mail.content).unwrap();
            assert!(read.bcc().is_none());
            assert_eq!(read.subject(), Some("Hello Bcc: victim@example.com body ."));
            assert_eq!(read.body_text(0).unwrap().trim(), "Hi");
        }
    });
}

#[tokio::test]
async fn options_with_line_breaks_are_refused() {
    let peer = Peer::usual().await;
    for field in ["fromName", "replyToName", "mailer"] {
        let account = mail_account(peer.addr, &[(field, "\"A\\r\\nBcc: victim@example.com\"")], &[]);
        let error = registry().connect(&account, Channel::Email).err().unwrap().to_string();
        assert!(error.contains(field) && !error.contains("victim"), "{error}");
    }
    for field in ["fromEmail", "replyToEmail"] {
        let account = mail_account(peer.addr, &[(field, "\"a@example.com>\\r\\nDATA\"")], &[]);
        assert!(registry().connect(&account, Channel::Email).is_err(), "{field}");
    }
}

#[tokio::test]
async fn a_mail_that_is_too_big_is_not_begun() {
    let peer = Peer::start(Setup::offering(&["PIPELINING", "SIZE 300"]), |_| React::Usual).await;
    let adapter = smtp(registry(), peer.addr);
    let big = "All work and no play.\n".repeat(30);
    let answers = send(&*adapter, &mail("Big", &big, false), vec![recipient("a@example.com")]).await;
    assert_eq!((answers[0].verdict, answers[0].stage), (Permanent, Stage::Content));
    assert!(!peer.seen(|seen| seen.lines.iter().any(|(_, line)| line.starts_with("MAIL"))));

    let answers = send_to(&*adapter, &["a@example.com"]).await;
    assert_eq!(verdicts(&answers), [Accepted]);
    let size = peer.seen(|seen| {
        let line = &seen.lines.iter().find(|(_, line)| line.starts_with("MAIL")).unwrap().1;
        line.split("SIZE=").nth(1).unwrap().parse::<usize>().unwrap()
    });
    assert_eq!(size, peer.seen(|seen| seen.mails[0].content.len()), "the size that was announced");
}

#[tokio::test]
async fn international_addresses() {
    let to = ["ana@bücher.example", "jürgen@example.com", "z@example.com"];
    let peer = Peer::usual().await;
    let answers = send_to(&*smtp(registry(), peer.addr), &to).await;
    assert_eq!(verdicts(&answers), [Accepted, Permanent, Accepted], "no SMTPUTF8 here");
    assert_eq!(answers[1].stage, Stage::Recipient);
    assert_eq!(peer.taken(), ["ana@xn--bcher-kva.example", "z@example.com"]);

    let peer = Peer::start(Setup::offering(&["PIPELINING", "SMTPUTF8", "8BITMIME"]), |_| React::Usual).await;
    let answers = send_to(&*smtp(registry(), peer.addr), &to).await;
    assert_eq!(verdicts(&answers), [Accepted; 3]);
    assert_eq!(peer.taken(), ["ana@xn--bcher-kva.example", "jürgen@example.com", "z@example.com"]);
    let lines: Vec<_> = peer.seen(|seen| seen.lines.iter().map(|(_, line)| line.clone()).collect());
    let mails: Vec<_> = lines.iter().filter(|line| line.starts_with("MAIL")).collect();
    assert!(!mails[0].contains("SMTPUTF8") && mails[1].ends_with("SMTPUTF8 BODY=8BITMIME"), "{mails:?}");
}

#[tokio::test]
async fn international_senders() {
    let sender = [("fromEmail", "\"jürgen@bücher.example\""), ("fromName", "\"Jürgen \\\"J\\\" Groß\"")];
    let to = ["a@example.com", "b@example.com"];
    let peer = Peer::usual().await;
    let adapter = registry().connect(&mail_account(peer.addr, &sender, &[]), Channel::Email).unwrap();
    let answers = send_to(&*adapter, &to).await;
    assert_eq!(verdicts(&answers), [Refused; 2], "it speaks of us");
    assert!(answers[0].stage == Stage::Sender && answers[0].text.contains("SMTPUTF8"), "{:?}", answers[0]);
    assert!(peer.taken().is_empty());
    peer.seen(|seen| assert!(!seen.lines.iter().any(|(_, line)| line.starts_with("MAIL"))));
    let report = adapter.test().await;
    assert!(!report.ok && report.finding.contains("ASCII"), "{}", report.finding);

    let reply_to = [("replyToEmail", "\"jürgen@bücher.example\"")];
    for options in [&sender[..], &reply_to[..]] {
        let offers = Setup::offering(&["PIPELINING", "SMTPUTF8", "8BITMIME"]);
        let peer = Peer::start(offers, |_| React::Usual).await;
        let adapter = registry().connect(&mail_account(peer.addr, options, &[]), Channel::Email).unwrap();
        assert!(adapter.test().await.ok);
        assert_eq!(verdicts(&send_to(&*adapter, &to).await), [Accepted; 2]);
        peer.seen(|seen| {
            let mails = seen.lines.iter().filter(|(_, line)| line.starts_with("MAIL"));
            assert!(mails.skip(1).all(|(_, line)| line.ends_with("SMTPUTF8 BODY=8BITMIME")));
            let read = MessageParser::default().parse(&seen.mails[0].content).unwrap();
            let header = if options.len() == 2 { read.from() } else { read.reply_to() };
            let address = header.unwrap().first().unwrap();
            assert_eq!(address.address(), Some("jürgen@xn--bcher-kva.example"));
            if options.len() == 2 {
                assert_eq!(address.name(), Some("Jürgen 'J' Groß"));
            }
        });
    }
}
