//! Sessions that end where they should not.

use super::account::{SHORT, hasty, registry, send_to, smtp, verdicts};
use super::peer::{At, Peer, React, Setup};
use herald::domain::delivery::Stage;
use herald::providers::adapter::Verdict::{Accepted, Transient, Uncertain};
use herald::providers::registry::Registry;

const THREE: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];

/// The second mail's point, or for what comes once a session, the first.
fn second(at: At) -> usize {
    usize::from(!matches!(at, At::Banner | At::Hello))
}

#[tokio::test]
async fn a_session_dropped_once_costs_nobody_his_mail() {
    for pipelining in [true, false] {
        for at in At::PLAIN {
            let name = format!("{at:?}, pipelining {pipelining}");
            let peer = Peer::start(Setup::pipelining(pipelining), move |point| {
                if point.at == at && point.times == second(at) { React::Close } else { React::Usual }
            })
            .await;
            let answers = send_to(&*smtp(registry(), peer.addr), &THREE).await;
            match at {
                // Nothing of a message was sent yet; the next try is the engine's.
                At::Banner | At::Hello => {
                    assert_eq!(verdicts(&answers), [Transient; 3], "{name}");
                    assert_eq!(answers[0].stage, Stage::Greeting, "{name}");
                }
                // The whole mail may have been written before the server hung up.
                At::Body | At::End => {
                    assert_eq!(verdicts(&answers), [Accepted, Uncertain, Accepted], "{name}");
                    assert_eq!(peer.taken(), ["a@example.com", "c@example.com"], "{name}");
                }
                _ => {
                    assert_eq!(verdicts(&answers), [Accepted; 3], "{name}");
                    assert_eq!(peer.taken(), THREE, "{name}");
                    assert_eq!(peer.seen(|seen| seen.connections), 2, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_always_drops_puts_everybody_off() {
    for at in [At::Banner, At::Hello, At::Mail, At::Rcpt, At::Data] {
        let peer =
            Peer::start(
                Setup::pipelining(true),
                move |point| {
                    if point.at == at { React::Close } else { React::Usual }
                },
            )
            .await;
        let answers = send_to(&*smtp(registry(), peer.addr), &THREE).await;
        assert_eq!(verdicts(&answers), [Transient; 3], "{at:?}");
        assert!(peer.taken().is_empty());
        let connections = peer.seen(|seen| seen.connections);
        assert!(connections <= 4, "{at:?}: {connections} connections");
    }
}

#[tokio::test]
async fn an_answer_lost_after_acceptance_is_uncertain_and_not_sent_again() {
    let peer = Peer::start(Setup::pipelining(true), |point| match (point.at, point.times) {
        (At::End, 1) => React::TakeAndClose,
        _ => React::Usual,
    })
    .await;
    let answers = send_to(&*smtp(registry(), peer.addr), &THREE).await;
    assert_eq!(verdicts(&answers), [Accepted, Uncertain, Accepted]);
    assert_eq!(answers[1].stage, Stage::Content);
    assert_eq!(peer.taken(), THREE, "each once");
}

#[tokio::test]
async fn closing_by_421_moves_the_rest_to_another_session() {
    for pipelining in [true, false] {
        for at in [At::Mail, At::Rcpt, At::Data, At::End] {
            let name = format!("{at:?}, pipelining {pipelining}");
            let peer = Peer::start(Setup::pipelining(pipelining), move |point| {
                if point.at == at && point.times == 1 {
                    React::SayAndClose("421 4.3.2 closing".to_owned())
                } else {
                    React::Usual
                }
            })
            .await;
            let answers = send_to(&*smtp(registry(), peer.addr), &THREE).await;
            if at == At::End {
                // It says that it did not take this one.
                assert_eq!(verdicts(&answers), [Accepted, Transient, Accepted], "{name}");
                assert_eq!(answers[1].code, 421, "{name}");
            } else {
                assert_eq!(verdicts(&answers), [Accepted; 3], "{name}");
                assert_eq!(peer.taken(), THREE, "{name}");
            }
            assert_eq!(peer.seen(|seen| seen.connections), 2, "{name}");
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    for at in At::PLAIN {
        let peer =
            Peer::start(
                Setup::pipelining(true),
                move |point| {
                    if point.at == at { React::Silence } else { React::Usual }
                },
            )
            .await;
        let begun = std::time::Instant::now();
        let answers = send_to(&*smtp(hasty(), peer.addr), &["a@example.com"]).await;
        let expected = if matches!(at, At::Body | At::End) { Uncertain } else { Transient };
        assert_eq!(verdicts(&answers), [expected], "{at:?}");
        assert!(begun.elapsed() < SHORT * 8, "{at:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn nobody_answers() {
    let addr = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let answers = send_to(&*smtp(registry(), addr), &THREE).await;
    assert_eq!(verdicts(&answers), [Transient; 3]);
    assert_eq!(answers[0].stage, Stage::Connect);
}

#[tokio::test]
async fn a_mail_that_breaks_sessions_lets_the_others_pass() {
    let peer = Peer::start(Setup::pipelining(true), |point| {
        if point.at == At::Rcpt && point.line.contains("poison") { React::Close } else { React::Usual }
    })
    .await;
    let to = ["a@example.com", "poison@example.com", "b@example.com", "c@example.com"];
    let answers = send_to(&*smtp(registry(), peer.addr), &to).await;
    assert_eq!(verdicts(&answers), [Accepted, Transient, Accepted, Accepted]);
}

/// A paused clock goes on only where nothing is left to be read: whoever looks on waits for a step of a
/// test as long as it says, whatever the limits of sending are.
#[tokio::test(start_paused = true)]
async fn a_step_of_a_test_is_waited_for_eight_seconds() {
    for at in [At::Banner, At::Hello, At::Mail] {
        let peer =
            Peer::start(
                Setup::pipelining(true),
                move |point| {
                    if point.at == at { React::Silence } else { React::Usual }
                },
            )
            .await;
        let began = tokio::time::Instant::now();
        let report = smtp(Registry::default(), peer.addr).test().await;
        let took = began.elapsed().as_secs_f64();
        assert!(!report.ok && !report.refused, "{at:?}: {report:?}");
        // And two seconds for each part of the goodbye.
        assert!((8.0..12.5).contains(&took), "{at:?}: {took} s, {report:?}");
        assert!(report.finding.contains("within 8000 ms"), "{at:?}: {}", report.finding);
    }
}
