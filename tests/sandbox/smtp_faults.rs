//! Each fault of the SMTP server, as a sender sees it, and what is recorded.

use std::time::{Duration, Instant};

use super::client::{Talk, both};
use herald::sandbox::{
    Effect, FaultPlan, Greylist, Latency, Limit, RecipientRule, Rule, Sandbox, Stage, Trickle, When,
};
use tokio::net::TcpStream;

async fn with(plan: FaultPlan) -> Sandbox {
    let sandbox = both().credentials("ada", "secret").start().await.unwrap();
    sandbox.faults().smtp.set(plan).unwrap();
    sandbox
}

fn rule(at: Stage, when: When, effect: Effect) -> FaultPlan {
    FaultPlan { rules: vec![Rule { at, when, effect }], ..FaultPlan::default() }
}

/// "\0ada\0secret"
const AUTH: &str = "AUTH PLAIN AGFkYQBzZWNyZXQ=";
const CONTENT: &str = "Message-ID: <1@h>\r\n\r\nx\r\n.\r\n";

/// What is sent to come to a stage and past it, each with the reply it gets without a fault.
fn conversation() -> Vec<(Stage, &'static str, &'static str)> {
    vec![
        (Stage::Hello, "EHLO test\r\n", "250"),
        (Stage::Auth, "AUTH PLAIN AGFkYQBzZWNyZXQ=\r\n", "235"),
        (Stage::Mail, "MAIL FROM:<a@example.test>\r\n", "250"),
        (Stage::Rcpt, "RCPT TO:<b@example.test>\r\n", "250"),
        (Stage::Data, "DATA\r\n", "354"),
        (Stage::Content, CONTENT, "250"),
    ]
}

/// Talks up to `stage`, says its line, and leaves the reply to the caller.
async fn talk_to(sandbox: &Sandbox, stage: Stage) -> Talk<TcpStream> {
    let mut talk = Talk::connect(sandbox).await;
    if stage == Stage::Connect {
        return talk;
    }
    assert!(talk.reply().await.starts_with("220"));
    for (at, line, begins) in conversation() {
        talk.send(line).await;
        if at == stage {
            break;
        }
        assert!(talk.reply().await.starts_with(begins));
    }
    talk
}

const STAGES: [Stage; 7] =
    [Stage::Connect, Stage::Hello, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Content];

#[tokio::test]
async fn refusals_at_every_stage() {
    for stage in STAGES {
        for code in [451, 554] {
            let sandbox = with(rule(stage, When::Next(1), Effect::reply(code))).await;
            let mut talk = talk_to(&sandbox, stage).await;
            let reply = talk.reply().await;
            let class = code / 100;
            assert!(reply.starts_with(&format!("{code} {class}.")), "{stage:?} {reply:?}");
            assert_eq!(sandbox.record().arrivals(), 0);
            assert_eq!(sandbox.faults().smtp.counts().refused, 1);
            if stage == Stage::Connect {
                assert_eq!(talk.rest().await.unwrap(), "");
            } else {
                talk.expect("NOOP", "250").await;
            }
            // The next one goes through.
            let mut talk = talk_to(&sandbox, Stage::Content).await;
            assert!(talk.reply().await.starts_with("250"));
            assert_eq!(sandbox.record().arrivals(), 1);
        }
    }
}

#[tokio::test]
async fn a_421_ends_the_session_at_every_stage() {
    for stage in STAGES {
        let text = "4.3.2 Going down";
        let sandbox = with(rule(
            stage,
            When::Always,
            Effect::Reply { code: 421, text: Some(text.to_owned()), retry_after: None, reason: None },
        ))
        .await;
        let mut talk = talk_to(&sandbox, stage).await;
        assert_eq!(talk.reply().await, format!("421 {text}\r\n"));
        assert_eq!(talk.rest().await.unwrap(), "");
        assert_eq!(sandbox.record().arrivals(), 0);
    }
}

#[tokio::test]
async fn a_reset_at_every_stage_records_nothing() {
    for stage in STAGES {
        let sandbox = with(rule(stage, When::Always, Effect::Reset)).await;
        let mut talk = talk_to(&sandbox, stage).await;
        if stage == Stage::Data {
            // In the middle of the content.
            assert!(talk.reply().await.starts_with("354"));
            talk.send("Subject: the beginn").await;
        }
        let error = talk.rest().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{stage:?}");
        assert_eq!(sandbox.record().arrivals(), 0);
        assert_eq!(sandbox.faults().smtp.counts().reset, 1);
    }
}

#[tokio::test]
async fn an_answer_lost_after_acceptance_leaves_the_mail_recorded() {
    let sandbox = with(rule(Stage::Content, When::Next(1), Effect::LoseAnswer)).await;
    let mut talk = talk_to(&sandbox, Stage::Content).await;
    assert_eq!(talk.rest().await.unwrap(), "");
    assert_eq!(sandbox.record().reference("1@h"), 1);

    // The sender does not know, and tries again.
    let mut talk = talk_to(&sandbox, Stage::Content).await;
    assert!(talk.reply().await.starts_with("250"));
    assert_eq!(sandbox.record().reference("1@h"), 2);
    assert_eq!(sandbox.record().copies()[0].count, 2);
}

#[tokio::test]
async fn an_answer_cut_is_half_of_it_and_a_reset() {
    let sandbox = with(rule(Stage::Content, When::Always, Effect::CutAnswer)).await;
    let mut talk = talk_to(&sandbox, Stage::Content).await;
    let mut half = Vec::new();
    let error = tokio::io::AsyncReadExt::read_to_end(&mut talk.stream, &mut half).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(half.starts_with(b"250 2.0.0") && !half.ends_with(b"\n"), "{half:?}");
    assert_eq!(sandbox.record().arrivals(), 1);
}

#[tokio::test]
async fn recipients_are_rejected_by_pattern() {
    let rejection = RecipientRule {
        code: 552,
        text: Some("5.2.2 Over quota".to_owned()),
        ..RecipientRule::reject("full@*")
    };
    let sandbox = with(FaultPlan {
        recipients: vec![rejection, RecipientRule::reject("*@gone.test")],
        ..FaultPlan::default()
    })
    .await;
    let mut talk = talk_to(&sandbox, Stage::Mail).await;
    talk.reply().await;
    talk.expect("RCPT TO:<full@example.test>", "552 5.2.2 Over quota").await;
    talk.expect("RCPT TO:<ada@GONE.test>", "550 5.1.1").await;
    talk.expect("RCPT TO:<b@example.test>", "250").await;
    talk.expect("DATA", "354").await;
    talk.send(CONTENT).await;
    assert!(talk.reply().await.starts_with("250"));
    assert_eq!(sandbox.record().last(1)[0].recipients, ["b@example.test"]);
    assert_eq!(sandbox.faults().smtp.counts().rejected_recipients, 2);
}

#[tokio::test]
async fn the_grey_list_takes_the_second_try() {
    let greylist = |after_ms| FaultPlan { greylist: Some(Greylist { after_ms }), ..FaultPlan::default() };
    let sandbox = with(greylist(0)).await;
    let mut talk = talk_to(&sandbox, Stage::Mail).await;
    talk.reply().await;
    for to in ["b", "c"] {
        talk.expect(&format!("RCPT TO:<{to}@example.test>"), "450 4.7.1").await;
        talk.expect(&format!("RCPT TO:<{to}@example.test>"), "250").await;
    }
    sandbox.faults().smtp.set(greylist(3_600_000)).unwrap();
    for _ in 0..3 {
        talk.expect("RCPT TO:<b@example.test>", "450 4.7.1").await;
    }
    assert_eq!(sandbox.faults().smtp.counts().greylisted, 5);
}

#[tokio::test]
async fn an_account_is_suspended_in_mid_session() {
    let sandbox = with(FaultPlan::default()).await;
    let mut talk = talk_to(&sandbox, Stage::Auth).await;
    assert!(talk.reply().await.starts_with("235"));
    assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));
    sandbox.faults().smtp.change(|p| p.suspended = true).unwrap();
    talk.expect("MAIL FROM:<a@example.test>", "550 5.7.1").await;
    let mut other = Talk::greeted(&sandbox).await;
    other.expect(AUTH, "535 5.7.8").await;
    sandbox.faults().smtp.clear();
    assert!(talk.mail(&["b@example.test"], "2@h").await.starts_with("250"));
}

#[tokio::test]
async fn a_session_is_ended_after_its_mails() {
    let sandbox = with(FaultPlan { hang_up_after: Some(2), ..FaultPlan::default() }).await;
    for _ in 0..2 {
        let mut talk = talk_to(&sandbox, Stage::Auth).await;
        talk.reply().await;
        for _ in 0..2 {
            assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));
        }
        talk.expect("MAIL FROM:<a@example.test>", "421 4.7.0").await;
        assert_eq!(talk.rest().await.unwrap(), "");
    }
    assert_eq!(sandbox.record().arrivals(), 4);
}

#[tokio::test]
async fn mails_above_the_limit_are_deferred_and_counted() {
    let sandbox =
        with(FaultPlan { limit: Some(Limit { per_second: 0.01, burst: 2 }), ..FaultPlan::default() }).await;
    let mut talk = talk_to(&sandbox, Stage::Auth).await;
    talk.reply().await;
    for _ in 0..2 {
        assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));
    }
    for _ in 0..3 {
        talk.expect("MAIL FROM:<a@example.test>", "451 4.7.1").await;
    }
    assert_eq!(sandbox.faults().smtp.counts().limited, 3);
}

#[tokio::test]
async fn answers_are_late_and_slow() {
    let sandbox = both().start().await.unwrap();
    let latency = Duration::from_millis(60);
    sandbox
        .faults()
        .smtp
        .set(FaultPlan { latency: Latency { fixed_ms: 60, jitter_ms: 20 }, ..FaultPlan::default() })
        .unwrap();
    let mut talk = Talk::open(&sandbox).await;
    let before = Instant::now();
    talk.send("EHLO test\r\nMAIL FROM:<a@example.test>\r\n").await;
    talk.reply().await;
    talk.reply().await;
    // A group is one answer: at least once the latency, and far from twice with its jitter.
    assert!(before.elapsed() >= latency);

    sandbox
        .faults()
        .smtp
        .set(FaultPlan { trickle: Some(Trickle { bytes: 4, every_ms: 5 }), ..FaultPlan::default() })
        .unwrap();
    let before = Instant::now();
    let reply = talk.expect("NOOP", "250 2.0.0 Ok\r\n").await;
    // Four writes, three pauses between them.
    assert_eq!(reply.len(), 14);
    assert!(before.elapsed() >= Duration::from_millis(15));
}

#[tokio::test]
async fn a_closed_port_refuses_and_opens_again() {
    let sandbox = both().start().await.unwrap();
    let addr = sandbox.smtp_addr().unwrap();
    let faults = &sandbox.faults().smtp;
    let mut open = Talk::greeted(&sandbox).await;
    faults.change(|p| p.refuse_connections = true).unwrap();
    until(async || {
        TcpStream::connect(addr).await.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused)
    })
    .await;
    // Open sessions live on, until they are dropped.
    open.expect("NOOP", "250").await;
    faults.disconnect();
    assert_eq!(open.rest().await.unwrap_or_default(), "");
    faults.clear();
    until(async || TcpStream::connect(addr).await.is_ok()).await;
    Talk::greeted(&sandbox).await.expect("NOOP", "250").await;
}

#[tokio::test]
async fn shutdown_closes_everything() {
    let sandbox = both().start().await.unwrap();
    let addr = sandbox.smtp_addr().unwrap();
    let record = sandbox.record().clone();
    let mut talk = Talk::greeted(&sandbox).await;
    talk.mail(&["b@example.test"], "1@h").await;
    sandbox.shutdown().await;
    assert_eq!(talk.rest().await.unwrap_or_default(), "");
    assert!(TcpStream::connect(addr).await.is_err());
    assert_eq!(record.arrivals(), 1);
}

/// Until it holds, with a deadline.
async fn until(condition: impl AsyncFn() -> bool) {
    let held = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(super::client::DEADLINE, held)
        .await
        .expect("the condition holds before the deadline");
}
