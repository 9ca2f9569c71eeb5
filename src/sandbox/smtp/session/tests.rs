use std::sync::Arc;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::sandbox::faults::{Protocol, ServerFaults};
use crate::sandbox::record::Record;
use crate::sandbox::smtp::SmtpTls;

fn session() -> (Session, Arc<Record>) {
    let record = Arc::new(Record::new(10, None).unwrap());
    let server = SmtpServer {
        tls: SmtpTls::Off,
        credentials: None,
        max_size: 100_000,
        faults: ServerFaults::new(Protocol::Smtp, 0),
        record: Arc::clone(&record),
    };
    (Session::new(Arc::new(server), false), record)
}

/// Gives `bytes` to the session in pieces of these sizes, again and again.
fn feed(session: &mut Session, bytes: &[u8], sizes: &[usize]) -> (String, Option<Ending>) {
    let (mut input, mut output) = (BytesMut::new(), Vec::new());
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        input.extend_from_slice(piece);
        let ending = session.take(&mut input, &mut output);
        if ending.is_some() || rest.is_empty() {
            return (String::from_utf8(output).unwrap(), ending);
        }
    }
    (String::new(), None)
}

const ENVELOPE: &str = "MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n";

proptest! {
    /// Whatever the lines and wherever the reads break, the content arrives as it was, and
    /// what follows it is the next command.
    #[test]
    fn content_arrives_as_it_was(
        lines in prop::collection::vec("[.a\u{e4} ]{0,6}", 0..12),
        sizes in prop::collection::vec(1usize..40, 1..8),
    ) {
        let (mut session, record) = session();
        feed(&mut session, b"EHLO test\r\n", &[100]);
        let (mut sent, mut content) = (String::new(), String::new());
        for line in &lines {
            let stuffing = if line.starts_with('.') { "." } else { "" };
            sent.extend([stuffing, line, "\r\n"]);
            content.extend([line, "\r\n"]);
        }
        for round in 1..3 {
            let (replies, _) = feed(&mut session, ENVELOPE.as_bytes(), &sizes);
            prop_assert!(replies.ends_with("\r\n354 End data with <CR><LF>.<CR><LF>\r\n"));
            let (replies, ending) = feed(&mut session, format!("{sent}.\r\nNOOP\r\n").as_bytes(), &sizes);
            prop_assert_eq!(ending, None);
            let begins: Vec<&str> = replies.lines().map(|l| &l[..9]).collect();
            prop_assert_eq!(begins, ["250 2.0.0", "250 2.0.0"]);
            prop_assert_eq!(record.arrivals(), round);
            let last = record.last(1).remove(0);
            prop_assert_eq!(String::from_utf8(last.content).unwrap(), content.clone());
        }
    }

    /// No input brings it down, and every reply is a whole line with a code.
    #[test]
    fn anything_gets_replies(
        words in prop::collection::vec(
            prop_oneof![
                Just("MAIL FROM:<a@example.test>".to_owned()), Just("RCPT TO:<b@example.test>".to_owned()),
                Just("RCPT TO:<>".to_owned()), Just("DATA".to_owned()), Just("\r\n".to_owned()),
                Just(".\r\n".to_owned()), Just("EHLO x\r\n".to_owned()), Just("AUTH PLAIN".to_owned()),
                Just("BDAT 3 LAST\r\n".to_owned()), Just("RSET\r\n".to_owned()), "\\PC{0,12}", "[\\x00-\\x7f]{0,6}",
            ],
            0..40,
        ),
        sizes in prop::collection::vec(1usize..60, 1..6),
    ) {
        let (mut session, _) = session();
        let (replies, _) = feed(&mut session, words.concat().as_bytes(), &sizes);
        prop_assert!(replies.is_empty() || replies.ends_with("\r\n"));
        for line in replies.lines() {
            let code: u16 = line[..3].parse().unwrap();
            prop_assert!((200..600).contains(&code));
            prop_assert!(matches!(line.as_bytes()[3], b' ' | b'-'));
        }
    }
}
