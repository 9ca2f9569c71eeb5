//! What each reply at each step means for the recipient and for those behind it.

use super::account::{registry, send_to, smtp, verdicts};
use super::peer::{At, Peer, React, Setup, say};
use herald::domain::delivery::Stage;
use herald::providers::adapter::Verdict::{self, Accepted, Permanent, Refused, TargetExpired, Transient};

/// One cell: where, what is said, what it means for the first recipient, of whom
/// it speaks, and what becomes of the second one.
type Cell = (At, &'static str, Verdict, Stage, Verdict);

const CELLS: &[Cell] = &[
    (At::Banner, "421 4.3.2 not now", Transient, Stage::Greeting, Transient),
    (At::Banner, "450 4.3.2 not now", Transient, Stage::Greeting, Transient),
    (At::Banner, "554 5.7.1 not you", Refused, Stage::Greeting, Refused),
    (At::Hello, "451 4.3.0 not now", Transient, Stage::Greeting, Transient),
    (At::Hello, "550 5.7.1 not you", Refused, Stage::Greeting, Refused),
    (At::Mail, "451 4.3.0 later", Transient, Stage::Sender, Transient),
    (At::Mail, "454 4.7.0 later", Transient, Stage::Sender, Transient),
    (At::Mail, "550 5.7.1 sender not verified", Refused, Stage::Sender, Refused),
    (At::Mail, "553 5.1.8 sender unknown", Refused, Stage::Sender, Refused),
    (At::Mail, "530 5.7.0 authentication required", Refused, Stage::Authentication, Refused),
    (At::Mail, "552 5.3.4 too big", Permanent, Stage::Content, Permanent),
    (At::Rcpt, "450 4.2.1 greylisted", Transient, Stage::Recipient, Accepted),
    (At::Rcpt, "452 4.2.2 mailbox full", Transient, Stage::Recipient, Accepted),
    (At::Rcpt, "550 5.1.1 unknown", TargetExpired, Stage::Recipient, Accepted),
    (At::Rcpt, "550 5.1.10 unknown", TargetExpired, Stage::Recipient, Accepted),
    (At::Rcpt, "551 5.1.6 moved", TargetExpired, Stage::Recipient, Accepted),
    (At::Rcpt, "550 no such user here", Permanent, Stage::Recipient, Accepted),
    (At::Rcpt, "552 5.2.2 mailbox full", Permanent, Stage::Recipient, Accepted),
    (At::Rcpt, "552 too many", Transient, Stage::Recipient, Accepted),
    (At::Rcpt, "554 5.7.1 relay access denied", Refused, Stage::Recipient, Accepted),
    (At::Rcpt, "550 5.7.124 members only", Permanent, Stage::Recipient, Accepted),
    (At::Rcpt, "530 5.7.0 authentication required", Refused, Stage::Authentication, Accepted),
    (At::Data, "451 4.3.0 later", Transient, Stage::Content, Accepted),
    (At::Data, "554 5.6.0 no", Permanent, Stage::Content, Accepted),
    (At::End, "451 4.3.0 later", Transient, Stage::Content, Accepted),
    (At::End, "452 4.3.1 full", Transient, Stage::Content, Accepted),
    (At::End, "550 5.7.26 DMARC", Refused, Stage::Content, Accepted),
    (At::End, "552 5.3.4 too big", Permanent, Stage::Content, Accepted),
    (At::End, "554 5.6.0 spam", Permanent, Stage::Content, Accepted),
    (At::End, "550 5.1.1 unknown after all", TargetExpired, Stage::Recipient, Accepted),
];

#[tokio::test]
async fn every_stage_and_code() {
    for pipelining in [true, false] {
        for &(at, text, verdict, stage, second) in CELLS {
            let name = format!("{at:?} {text}, pipelining {pipelining}");
            // MAIL is about all; what is about one is said of the first only.
            let of_all = matches!(at, At::Banner | At::Hello | At::Mail);
            let peer = Peer::start(Setup::pipelining(pipelining), move |point| {
                if point.at == at && (of_all || point.times == 0) { say(text) } else { React::Usual }
            })
            .await;
            let adapter = smtp(registry(), peer.addr);
            let answers = send_to(&*adapter, &["a@example.com", "b@example.com", "c@example.com"]).await;
            assert_eq!(verdicts(&answers), [verdict, second, second], "{name}");
            assert_eq!(answers[0].stage, stage, "{name}");
            assert_eq!(answers[0].code, text[..3].parse::<u16>().unwrap(), "{name}");
            assert_eq!(answers[0].text, text, "{name}");
            let taken = if second == Accepted { vec!["b@example.com", "c@example.com"] } else { vec![] };
            assert_eq!(peer.taken(), taken, "{name}");
            if second == Accepted {
                assert_eq!(peer.seen(|seen| seen.connections), 1, "{name}: the session goes on");
            }
        }
    }
}

#[tokio::test]
async fn an_accepted_mail_has_the_servers_id_and_whole_reply() {
    let peer = Peer::start(Setup::pipelining(true), |point| match point.at {
        At::End => say("250-2.0.0 thank you\r\n250 2.0.0 Ok: queued as 4Vx7Kp0Q2N"),
        _ => React::Usual,
    })
    .await;
    let answers = send_to(&*smtp(registry(), peer.addr), &["a@example.com"]).await;
    assert_eq!(answers[0].provider_id, "4Vx7Kp0Q2N");
    assert_eq!(answers[0].text, "250-2.0.0 thank you\n250 2.0.0 Ok: queued as 4Vx7Kp0Q2N");
    assert_eq!((answers[0].code, answers[0].stage), (250, Stage::Content));
    assert!(!answers[0].latency.is_zero());
}

#[tokio::test]
async fn a_server_that_wants_content_for_nobody_gets_none() {
    // It refuses the recipient and asks for the content all the same.
    let peer = Peer::start(Setup::pipelining(true), |point| match (point.at, point.times) {
        (At::Rcpt, 0) => say("250 2.1.5 Ok"),
        (At::Mail, 0) => say("250 2.1.0 Ok\r\n550 5.1.1 unknown\r\n354 go on\r\n554 nobody"),
        _ => React::Usual,
    })
    .await;
    let answers = send_to(&*smtp(registry(), peer.addr), &["a@example.com"]).await;
    assert_eq!(verdicts(&answers), [TargetExpired]);
}

#[tokio::test]
async fn an_old_server_is_greeted_in_the_old_way() {
    let peer = Peer::start(Setup::pipelining(true), |point| match point.at {
        At::Hello => say("502 5.5.1 what?"),
        _ => React::Usual,
    })
    .await;
    let answers = send_to(&*smtp(registry(), peer.addr), &["a@example.com", "b@example.com"]).await;
    assert_eq!(verdicts(&answers), [Accepted, Accepted]);
    assert!(!peer.seen(|seen| seen.ahead), "nothing is pipelined without the offer");
}
