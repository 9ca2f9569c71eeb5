//! The adapters against the sandbox's servers, which keep their own books.

use super::account::{
    account, mail_account, recipient, registry, rendition, send, send_batch, send_to, verdicts,
};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, PushContent, SmsContent};
use herald::domain::ids::WindowNo;
use herald::domain::plan::BatchKey;
use herald::domain::time::Timestamp;
use herald::providers::adapter::Verdict::{
    Accepted, Permanent, Refused, TargetExpired, Transient, Uncertain,
};
use herald::providers::adapter::{Adapter, Adapters as _, Batch, Recipient, Rendition};
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use std::sync::Arc;

async fn sandbox() -> Sandbox {
    Sandbox::builder()
        .smtp("127.0.0.1:0".parse().unwrap())
        .http("127.0.0.1:0".parse().unwrap())
        .token("a-token")
        .start()
        .await
        .unwrap()
}

fn adapter(sandbox: &Sandbox, channel: Channel, batch: bool, token: &str) -> Arc<dyn Adapter> {
    let endpoint = format!("\"http://{}\"", sandbox.http_addr().unwrap());
    let options = [
        ("endpoint", endpoint.as_str()),
        ("batch", if batch { "true" } else { "false" }),
        ("from", "\"Ada\""),
    ];
    let account = account("sandbox", channel, &options, &[("token", token)]);
    registry().connect(&account, channel).unwrap()
}

fn people(count: usize) -> Vec<Recipient> {
    (0..count).map(|n| recipient(&format!("+4915112345{n:03}"))).collect()
}

fn sms() -> Rendition {
    rendition(Content::Sms(SmsContent { content: "Hello".to_owned() }))
}

#[tokio::test]
async fn text_messages_one_by_one_and_in_batches() {
    for batch in [false, true] {
        let sandbox = sandbox().await;
        let adapter = adapter(&sandbox, Channel::Sms, batch, "a-token");
        assert_eq!(adapter.train() == 100, batch);
        let mut to = people(40);
        to[7].address = "not a number".to_owned();
        let answers = send(&*adapter, &sms(), to).await;
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer.verdict, if n == 7 { Permanent } else { Accepted }, "{n}: {answer:?}");
            assert_eq!(answer.provider_id.is_empty(), n == 7);
        }
        assert_eq!(sandbox.record().arrivals(), 39);
        assert_eq!(sandbox.record().reference(&people(1)[0].reference), 1);
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn notifications() {
    let sandbox = sandbox().await;
    let adapter = adapter(&sandbox, Channel::Push, true, "a-token");
    let mut gone = RecipientRule::reject("gone-*");
    gone.reason = Some("unregistered".to_owned());
    let mut later = RecipientRule::reject("later-*");
    later.reason = Some("temporarily_unavailable".to_owned());
    sandbox.faults().http.change(|plan| plan.recipients.extend([gone, later])).unwrap();
    let push = PushContent {
        title: Some("T".to_owned()),
        body: Some("B".to_owned()),
        data: Some("{\"k\":\"v\"}".to_owned()),
        ..PushContent::default()
    };
    let to = ["token-1", "gone-1", "later-1", "token-2"].map(recipient).to_vec();
    let answers = send(&*adapter, &rendition(Content::Push(Box::new(push))), to).await;
    assert_eq!(verdicts(&answers), [Accepted, TargetExpired, Transient, Accepted]);
    assert_eq!(sandbox.record().arrivals(), 2);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let sandbox = sandbox().await;
    for batch in [true, false] {
        let adapter = adapter(&sandbox, Channel::Sms, batch, "a-token");
        sandbox.record().clear();
        let rule = Rule { at: Stage::Request, when: When::Next(1), effect: Effect::LoseAnswer };
        sandbox.faults().http.change(|plan| plan.rules = vec![rule]).unwrap();
        let key =
            BatchKey { window: WindowNo(7), batch: u32::from(batch), used: Timestamp(1_700_000_000_000) };
        let compiled = adapter.compile(&sms()).unwrap();
        let batched = Batch { compiled, recipients: people(1), key: Some(key) };
        assert_eq!(verdicts(&send_batch(&*adapter, &batched).await), [Uncertain]);
        assert_eq!(verdicts(&send_batch(&*adapter, &batched).await), [Accepted]);
        assert_eq!(sandbox.record().arrivals(), 1, "once, batch {batch}");
        // The same key for something else is refused.
        let other = Batch {
            compiled: adapter
                .compile(&rendition(Content::Sms(SmsContent { content: "Other".to_owned() })))
                .unwrap(),
            ..batched
        };
        let answers = send_batch(&*adapter, &other).await;
        assert_eq!((answers[0].verdict, answers[0].code), (Permanent, 409));
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_wrong_token_and_a_suspended_account_refuse_us() {
    let sandbox = sandbox().await;
    let wrong = adapter(&sandbox, Channel::Sms, false, "s3same");
    assert_eq!(verdicts(&send(&*wrong, &sms(), people(2)).await), [Refused; 2]);
    let report = wrong.test().await;
    assert!(!report.ok && report.finding.contains("token"), "{}", report.finding);
    assert!(!report.dialogue.iter().any(|line| line.text.contains("s3same")), "{:?}", report.dialogue);

    let right = adapter(&sandbox, Channel::Sms, false, "a-token");
    let report = right.test().await;
    assert!(report.ok, "{}", report.finding);
    sandbox.faults().http.change(|plan| plan.suspended = true).unwrap();
    assert_eq!(verdicts(&send(&*right, &sms(), people(1)).await), [Refused]);
    assert_eq!(sandbox.record().arrivals(), 0);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn mail_through_a_strict_server() {
    let sandbox = sandbox().await;
    let account = mail_account(sandbox.smtp_addr().unwrap(), &[], &[]);
    let adapter = registry().connect(&account, Channel::Email).unwrap();
    let mut unknown = RecipientRule::reject("gone@*");
    unknown.text = Some("5.1.1 unknown".to_owned());
    sandbox.faults().smtp.change(|plan| plan.recipients.push(unknown)).unwrap();
    let to = ["a@example.com", "gone@example.com", "jürgen@example.com", "b@bücher.example"];
    let answers = send_to(&*adapter, &to).await;
    assert_eq!(verdicts(&answers), [Accepted, TargetExpired, Accepted, Accepted], "{answers:?}");
    assert_eq!(sandbox.record().arrivals(), 3);
    assert_eq!(sandbox.record().reference("a-example-com@sender.example"), 1);
    assert!(adapter.test().await.ok);

    sandbox.faults().smtp.change(|plan| plan.suspended = true).unwrap();
    adapter.close().await;
    assert_eq!(verdicts(&send_to(&*adapter, &["c@example.com"]).await), [Refused]);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn mail_through_a_bad_hour() {
    let sandbox = sandbox().await;
    let faults = [
        (Stage::Connect, Effect::reply(421)),
        (Stage::Mail, Effect::Reset),
        (Stage::Rcpt, Effect::reply(451)),
        (Stage::Data, Effect::Reset),
        (Stage::Content, Effect::LoseAnswer),
        (Stage::Content, Effect::CutAnswer),
        (Stage::Content, Effect::Reset),
    ];
    let rules = faults.map(|(at, effect)| Rule { at, when: When::Rate(0.04), effect });
    sandbox.faults().smtp.change(|plan| plan.rules = rules.to_vec()).unwrap();
    let account = mail_account(sandbox.smtp_addr().unwrap(), &[], &[]);
    let adapter = registry().connect(&account, Channel::Email).unwrap();
    let (mut accepted, mut uncertain) = (0, 0);
    for train in 0..20 {
        let to: Vec<String> = (0..32).map(|n| format!("r{train}-{n}@example.com")).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        for (answer, to) in send_to(&*adapter, &to).await.iter().zip(&to) {
            let arrived = sandbox.record().recipient(to);
            match answer.verdict {
                Accepted => assert_eq!(arrived, 1, "{to}"),
                Uncertain => assert!(arrived <= 1, "{to}"),
                _ => assert_eq!(arrived, 0, "{to}: {answer:?}"),
            }
            accepted += usize::from(answer.verdict == Accepted);
            uncertain += usize::from(answer.verdict == Uncertain);
        }
    }
    assert!(accepted > 320 && uncertain > 5, "{accepted} accepted, {uncertain} uncertain");
    assert!(sandbox.record().copies().is_empty(), "nobody twice");
    sandbox.shutdown().await;
}
