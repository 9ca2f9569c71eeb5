//! Sessions are kept, worn, pipelined and left in order.

use super::account::{mail_account, registry, send_to, smtp, verdicts};
use super::peer::{At, Peer, React, Setup};
use herald::domain::channel::Channel;
use herald::providers::adapter::Verdict::{Accepted, Refused, TargetExpired};
use herald::providers::adapter::{AccountError, Adapters as _};
use std::time::Duration;

#[tokio::test]
async fn a_session_is_kept_without_idle_talk() {
    let peer = Peer::usual().await;
    let adapter = smtp(registry(), peer.addr);
    for _ in 0..3 {
        assert_eq!(verdicts(&send_to(&*adapter, &["a@example.com", "b@example.com"]).await), [Accepted; 2]);
    }
    assert_eq!(peer.seen(|seen| seen.connections), 1);
    assert!(!peer.seen(|seen| seen.lines.iter().any(|(_, line)| line == "NOOP" || line == "RSET")));
    adapter.close().await;
    assert_eq!(peer.seen(|seen| seen.lines.last().unwrap().1.clone()), "QUIT");
}

#[tokio::test]
async fn a_session_carries_so_many_mails() {
    let peer = Peer::usual().await;
    let mut registry = registry();
    registry.sessions.mails = 2;
    let answers = send_to(&*smtp(registry, peer.addr), &["a@x.example"; 5]).await;
    assert_eq!(verdicts(&answers), [Accepted; 5]);
    let sessions: Vec<_> = peer.seen(|seen| seen.mails.iter().map(|mail| mail.connection).collect());
    assert_eq!(sessions, [0, 0, 1, 1, 2]);
}

#[tokio::test]
async fn a_session_that_ended_while_idle_is_not_used() {
    let peer = Peer::start(Setup::pipelining(true), |point| {
        // It hangs up right after the first mail.
        if point.at == At::End && point.connection == 0 {
            React::SayAndClose("250 2.0.0 Ok".to_owned())
        } else {
            React::Usual
        }
    })
    .await;
    let adapter = smtp(registry(), peer.addr);
    assert_eq!(verdicts(&send_to(&*adapter, &["a@example.com"]).await), [Accepted]);
    assert_eq!(verdicts(&send_to(&*adapter, &["b@example.com"]).await), [Accepted]);
    assert_eq!(peer.taken(), ["a@example.com", "b@example.com"]);
    assert_eq!(peer.seen(|seen| seen.connections), 2);
}

#[tokio::test]
async fn the_next_mail_is_written_with_the_end_of_the_one_before() {
    for pipelining in [true, false] {
        let peer = Peer::start(Setup::pipelining(pipelining), |_| React::Usual).await;
        let answers = send_to(&*smtp(registry(), peer.addr), &["a@example.com"; 20]).await;
        assert_eq!(verdicts(&answers), [Accepted; 20]);
        assert_eq!(peer.seen(|seen| seen.ahead), pipelining, "pipelining {pipelining}");
    }
}

#[tokio::test]
async fn a_refused_recipient_is_followed_by_a_reset() {
    for pipelining in [true, false] {
        let peer = Peer::start(Setup::pipelining(pipelining), |point| {
            if point.at == At::Rcpt && point.line.contains("gone") {
                React::Say("550 5.1.1 unknown".to_owned())
            } else {
                React::Usual
            }
        })
        .await;
        let adapter = smtp(registry(), peer.addr);
        let to =
            ["a@example.com", "gone@example.com", "gone2@example.com", "b@example.com", "gone@example.com"];
        let expected = [Accepted, TargetExpired, TargetExpired, Accepted, TargetExpired];
        assert_eq!(verdicts(&send_to(&*adapter, &to).await), expected);
        assert_eq!(verdicts(&send_to(&*adapter, &["c@example.com"]).await), [Accepted]);
        assert_eq!(peer.seen(|seen| seen.connections), 1, "one session bears it all");
        let resets = peer.seen(|seen| seen.lines.iter().filter(|(_, line)| line == "RSET").count());
        assert_eq!(resets, 3);
    }
}

#[tokio::test]
async fn hosts_are_tried_in_order() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = Peer::start(Setup::pipelining(true), |_| React::Say("554 5.3.2 no".to_owned())).await;
    let good = Peer::usual().await;
    let hosts = format!("{dead};{};{}", refusing.addr, good.addr);
    let account = mail_account(good.addr, &[], &[("host", &hosts)]);
    let adapter = registry().connect(&account, Channel::Email).unwrap();
    assert_eq!(verdicts(&send_to(&*adapter, &["a@example.com"]).await), [Accepted]);
    assert_eq!((refusing.seen(|seen| seen.connections), good.taken().len()), (1, 1));
}

#[tokio::test]
async fn workers_have_sessions_of_their_own() {
    let peer = Peer::usual().await;
    let adapter = smtp(registry(), peer.addr);
    let trains = (0..8).map(|n| {
        let adapter = adapter.clone();
        async move {
            let to: Vec<String> = (0..16).map(|m| format!("r{n}-{m}@example.com")).collect();
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            verdicts(&send_to(&*adapter, &to).await)
        }
    });
    for verdicts in futures_util::future::join_all(trains).await {
        assert_eq!(verdicts, [Accepted; 16]);
    }
    let mut taken = peer.taken();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 128);
    assert!(peer.seen(|seen| seen.connections) <= 8);
}

#[tokio::test]
async fn a_cancelled_train_leaves_no_half_used_session() {
    let peer = Peer::start(Setup::pipelining(true), |point| {
        if point.at == At::End && point.times == 1 { React::Silence } else { React::Usual }
    })
    .await;
    let adapter = smtp(registry(), peer.addr);
    let all = ["a@example.com", "b@example.com"];
    let cut = tokio::time::timeout(Duration::from_millis(300), send_to(&*adapter, &all)).await;
    assert!(cut.is_err(), "the second mail hangs");
    assert_eq!(verdicts(&send_to(&*adapter, &["c@example.com"]).await), [Accepted]);
    assert_eq!(peer.taken(), ["a@example.com", "c@example.com"]);
}

#[tokio::test]
async fn private_hosts_need_permission() {
    let peer = Peer::usual().await;
    let mut account = mail_account(peer.addr, &[], &[]);
    account.allow_private = false;
    let adapter = registry().connect(&account, Channel::Email).unwrap();
    let answers = send_to(&*adapter, &["a@example.com"]).await;
    assert_eq!(verdicts(&answers), [Refused]);
    assert!(answers[0].text.contains("HERALD_OUTGOING_ALLOW_PRIVATE"), "{}", answers[0].text);
    assert_eq!(peer.seen(|seen| seen.connections), 0);
}

#[tokio::test]
async fn accounts_are_checked() {
    let addr = "127.0.0.1:25".parse().unwrap();
    let refused = |options: &[(&str, &str)], credentials: &[(&str, &str)]| match registry()
        .connect(&mail_account(addr, options, credentials), Channel::Email)
    {
        Err(AccountError::Missing { field, .. } | AccountError::Invalid { field, .. }) => field,
        other => panic!("{:?}", other.err()),
    };
    assert_eq!(refused(&[], &[("host", "")]), "host");
    assert_eq!(refused(&[], &[("host", "http://x")]), "host");
    assert_eq!(refused(&[], &[("port", "0")]), "port");
    assert_eq!(refused(&[("fromEmail", "\"nobody\"")], &[]), "fromEmail");
    assert_eq!(refused(&[("fromEmail", "\"\"")], &[]), "fromEmail");
    assert_eq!(refused(&[("encryption", "\"yes\"")], &[]), "encryption");
    assert_eq!(refused(&[("autoTLS", "\"maybe\"")], &[]), "autoTLS");
    assert_eq!(refused(&[("ca", "\"no PEM\"")], &[]), "ca");
    assert_eq!(refused(&[], &[("username", "ada")]), "password");
    assert_eq!(refused(&[], &[("password", "secret")]), "username");
}
