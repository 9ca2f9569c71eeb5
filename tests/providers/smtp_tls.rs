//! TLS in its modes, passwords, and what a test of a provider shows.

use super::account::{mail_account, registry, send_to, verdicts};
use super::certificates::Certificates;
use super::peer::{At, Peer, React, Setup, say};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::providers::adapter::Verdict::{Accepted, Refused, Transient};
use herald::providers::adapter::{Adapter, Adapters as _};
use std::sync::Arc;

const LOGIN: &[(&str, &str)] = &[("username", "ada"), ("password", "correct horse")];
/// "\0ada\0correct horse", "ada", "correct horse"
const PLAIN: &str = "AUTH PLAIN AGFkYQBjb3JyZWN0IGhvcnNl";
const SECRETS: [&str; 3] = ["correct horse", "AGFkYQBjb3JyZWN0IGhvcnNl", "Y29ycmVjdCBob3JzZQ=="];

fn secure(certificates: &Certificates, implicit: bool, extensions: &[&str]) -> Setup {
    Setup { tls: Some(certificates.server()), implicit, ..Setup::offering(extensions) }
}

fn adapter(peer: &Peer, encryption: &str, ca: Option<&str>, login: bool) -> Arc<dyn Adapter> {
    let (encryption, ca) = (format!("{encryption:?}"), ca.map(|ca| serde_json::to_string(ca).unwrap()));
    let mut options = vec![("encryption", encryption.as_str())];
    options.extend(ca.as_deref().map(|ca| ("ca", ca)));
    let account = mail_account(peer.addr, &options, if login { LOGIN } else { &[] });
    registry().connect(&account, Channel::Email).unwrap()
}

async fn verdict(adapter: &dyn Adapter) -> (herald::providers::adapter::Verdict, Stage, String) {
    let answer = send_to(adapter, &["a@example.com"]).await.remove(0);
    (answer.verdict, answer.stage, answer.text)
}

#[tokio::test]
async fn every_mode_works_with_an_own_authority() {
    let certificates = Certificates::new();
    let ca = Some(certificates.authority_pem.as_str());
    for (encryption, implicit) in [("ssl", true), ("tls", false), ("none", false)] {
        let setup = secure(&certificates, implicit, &["STARTTLS", "PIPELINING", "AUTH PLAIN LOGIN"]);
        let peer = Peer::start(setup, |_| React::Usual).await;
        let adapter = adapter(&peer, encryption, ca, true);
        let answers = send_to(&*adapter, &["a@example.com", "b@example.com", "c@example.com"]).await;
        assert_eq!(verdicts(&answers), [Accepted; 3], "{encryption}");
        let lines: Vec<_> = peer.seen(|seen| seen.lines.iter().map(|(_, line)| line.clone()).collect());
        assert_eq!(lines.iter().any(|line| line == "STARTTLS"), !implicit, "{encryption}");
        assert!(lines.iter().any(|line| line == PLAIN), "{encryption}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("EHLO")).count(), 2 - usize::from(implicit));
    }
}

#[tokio::test]
async fn certificates_are_verified_always() {
    let certificates = Certificates::new();
    let other = Certificates::new();
    for (encryption, implicit) in [("ssl", true), ("tls", false), ("none", false)] {
        for ca in [None, Some(other.authority_pem.as_str())] {
            let peer = Peer::start(secure(&certificates, implicit, &["STARTTLS"]), |_| React::Usual).await;
            let (verdict, stage, text) = verdict(&*adapter(&peer, encryption, ca, true)).await;
            assert_eq!((verdict, stage), (Refused, Stage::Connect), "{encryption}: {text}");
            assert!(text.contains("not trusted"), "{text}");
            assert!(peer.taken().is_empty());
            assert!(!peer.seen(|seen| seen.lines.iter().any(|(_, line)| line.starts_with("AUTH"))));
        }
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_refused_unless_it_is_optional() {
    let peer = Peer::start(Setup::pipelining(true), |_| React::Usual).await;
    let (refused, stage, text) = verdict(&*adapter(&peer, "tls", None, false)).await;
    assert_eq!((refused, stage), (Refused, Stage::Connect));
    assert!(text.contains("does not offer STARTTLS"), "{text}");
    assert_eq!(verdict(&*adapter(&peer, "none", None, false)).await.0, Accepted);
}

#[tokio::test]
async fn text_behind_the_reply_to_starttls_ends_the_session() {
    let certificates = Certificates::new();
    let setup = secure(&certificates, false, &["STARTTLS", "PIPELINING"]);
    let peer = Peer::start(setup, |point| match point.at {
        At::StartTls => say("220 go ahead\r\n250-evil.example\r\n250 AUTH PLAIN"),
        _ => React::Usual,
    })
    .await;
    let ca = Some(certificates.authority_pem.as_str());
    let (verdict, stage, text) = verdict(&*adapter(&peer, "tls", ca, true)).await;
    assert_eq!((verdict, stage), (Transient, Stage::Connect));
    assert!(text.contains("not safe"), "{text}");
    assert!(!peer.seen(|seen| seen.lines.iter().any(|(_, line)| line.starts_with("AUTH"))));
}

#[tokio::test]
async fn both_ways_of_signing_in() {
    for (offer, expected) in
        [("AUTH PLAIN LOGIN", Accepted), ("AUTH LOGIN", Accepted), ("AUTH CRAM-MD5", Refused)]
    {
        let peer = Peer::start(Setup::offering(&[offer]), |_| React::Usual).await;
        let (verdict, stage, text) = verdict(&*adapter(&peer, "none", None, true)).await;
        assert_eq!(verdict, expected, "{offer}: {text}");
        if verdict == Refused {
            assert_eq!(stage, Stage::Authentication);
            assert!(text.contains("CRAM-MD5"), "{text}");
        } else {
            let lines: Vec<_> = peer.seen(|seen| seen.lines.iter().map(|(_, line)| line.clone()).collect());
            let secret = if offer.contains("PLAIN") { PLAIN } else { SECRETS[2] };
            assert!(lines.iter().any(|line| line == secret), "{offer}: {lines:?}");
        }
    }
    for (reply, expected) in [("535 5.7.8 wrong", Refused), ("454 4.7.0 later", Transient)] {
        let peer = Peer::start(Setup::offering(&["AUTH PLAIN"]), move |point| match point.at {
            At::Auth => say(reply),
            _ => React::Usual,
        })
        .await;
        let (verdict, stage, _) = verdict(&*adapter(&peer, "none", None, true)).await;
        assert_eq!((verdict, stage), (expected, Stage::Authentication), "{reply}");
    }
}

#[tokio::test]
async fn a_test_shows_the_dialogue_without_secrets() {
    for offer in ["AUTH PLAIN", "AUTH LOGIN"] {
        let certificates = Certificates::new();
        let setup = secure(&certificates, false, &["STARTTLS", offer]);
        let peer = Peer::start(setup, |_| React::Usual).await;
        let report = adapter(&peer, "tls", Some(&certificates.authority_pem), true).test().await;
        assert!(report.ok, "{}", report.finding);
        let said: Vec<String> = report
            .dialogue
            .iter()
            .map(|line| format!("{} {}", if line.ours { ">" } else { "<" }, line.text))
            .collect();
        let all = said.join("\n");
        for needed in [
            "< 220 peer.example",
            "> STARTTLS",
            "••••",
            "< 235",
            "> MAIL FROM:<news@sender.example>",
            "> QUIT",
        ] {
            assert!(all.contains(needed), "{needed} is missing:\n{all}");
        }
        for secret in SECRETS {
            assert!(!all.contains(secret), "{all}");
        }
        assert!(peer.taken().is_empty() && !all.contains("RCPT"));
    }
}

#[tokio::test]
async fn a_test_of_a_wrong_host_or_encryption_says_which() {
    let peer = Peer::start(Setup::offering(&[]), |_| React::Usual).await;
    let report = adapter(&peer, "ssl", None, true).test().await;
    assert!(report.finding.contains("does not speak TLS from the first byte"), "{}", report.finding);
    let report = adapter(&peer, "tls", None, true).test().await;
    assert!(report.finding.contains("does not offer STARTTLS"), "{}", report.finding);
}

#[tokio::test]
async fn a_test_of_a_server_that_says_nothing_says_so() {
    let peer =
        Peer::start(
            Setup::offering(&[]),
            |point| {
                if point.at == At::Banner { React::Silence } else { React::Usual }
            },
        )
        .await;
    let report = adapter(&peer, "none", None, true).test().await;
    assert!(!report.ok && report.finding.contains("check the port"), "{}", report.finding);
    assert!(report.dialogue[0].text.contains("connects to"), "{:?}", report.dialogue);
}

#[tokio::test]
async fn a_failed_test_names_the_likely_cause() {
    let cases: [(At, &'static str, &str); 4] = [
        (At::Auth, "535 5.7.8 bad credentials", "check both"),
        (At::Mail, "550 5.7.1 not verified", "verify the address"),
        (At::Banner, "554 5.7.1 blocked", "does not talk to this machine"),
        (At::Banner, "SSH-2.0-OpenSSH_9.2", "check the port"),
    ];
    for (at, text, cause) in cases {
        let peer = Peer::start(Setup::offering(&["AUTH PLAIN"]), move |point| {
            if point.at == at { say(text) } else { React::Usual }
        })
        .await;
        let report = adapter(&peer, "none", None, true).test().await;
        assert!(!report.ok);
        assert!(report.finding.contains(cause), "{}", report.finding);
    }
}
