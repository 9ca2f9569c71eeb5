//! Signed mail, verified as whoever receives it does: the canonical forms are written here a second
//! time, and are tried on the RFC's own example first.

use super::account::{mail, recipient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herald::providers::adapter::{Recipient, Rendered};
use herald::providers::jwt;
use herald::providers::smtp::address::Mailbox;
use herald::providers::smtp::dkim::Signer;
use herald::providers::smtp::mime::{Sender, compile};
use herald::sandbox::push::fcm_account;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use std::sync::Arc;

/// What signing costs whoever shares a thread with it: `cargo test --test providers -- --ignored
/// --nocapture what_signing_costs`.
#[test]
#[ignore = "it measures"]
fn what_signing_costs() {
    const MAILS: usize = 400;
    let account: serde_json::Value = serde_json::from_str(&fcm_account("https://t.example")).unwrap();
    let signer =
        Arc::new(Signer::new("sender.example", "mail", account["private_key"].as_str().unwrap()).unwrap());
    let headers = [("from".to_owned(), "from:a@sender.example".to_owned())];
    let body = digest(&SHA256, b"body");
    for own_threads in [false, true] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let signer = Arc::clone(&signer);
        let headers = headers.clone();
        runtime.block_on(async move {
            let mut others = Vec::new();
            let begun = std::time::Instant::now();
            let work = async {
                let one = |n: usize| {
                    let unsigned = signer.prepare(&headers, body.as_ref(), n as i64).unwrap();
                    async move { if own_threads { unsigned.signed().await } else { unsigned.sign() } }
                };
                for from in (0..MAILS).step_by(8) {
                    let some = futures_util::future::join_all((from..from + 8).map(one)).await;
                    assert!(some.iter().all(Option::is_some));
                    tokio::task::yield_now().await;
                }
            };
            let mut work = std::pin::pin!(work);
            loop {
                let asked = std::time::Instant::now();
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {
                        others.push(asked.elapsed().as_secs_f64() * 1000.0);
                    }
                    () = &mut work => break,
                }
            }
            let rate = MAILS as f64 / begun.elapsed().as_secs_f64();
            others.sort_by(f64::total_cmp);
            let at = |share: f64| others.get((others.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
            println!(
                "own threads {own_threads}: {rate:.0} signatures/s; a sleep of 1 ms took {:.1} ms in the middle, {:.1} at 99 %",
                at(0.5), at(0.99)
            );
        });
    }
}

const DATE: &str = "Sun, 22 Nov 2026 17:03:10 +0000";

/// Of a header: the relaxed form, by the letter of RFC 6376, 3.4.2.
fn relaxed(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap();
    let words: Vec<_> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim().to_lowercase(), words.join(" "))
}

/// Of a body: the same, RFC 6376, 3.4.4.
fn relaxed_body(body: &str) -> String {
    let lines = body.split("\r\n").map(|line| {
        let mut out = String::new();
        for c in line.chars() {
            match c {
                ' ' | '\t' => out.push_str(if out.ends_with(' ') { "" } else { " " }),
                c => out.push(c),
            }
        }
        out.trim_end_matches(' ').to_owned()
    });
    let text = lines.collect::<Vec<_>>().join("\r\n");
    let text = text.trim_end_matches("\r\n");
    if text.is_empty() { String::new() } else { format!("{text}\r\n") }
}

/// Verifies the signature of a mail. Says which headers it covers, or what is wrong.
fn verify(mail: &str, public: &[u8]) -> Result<Vec<String>, &'static str> {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            let last = fields.last_mut().unwrap();
            *last = format!("{last}\r\n{line}");
        } else {
            fields.push(line.to_owned());
        }
    }
    let at = fields.iter().position(|field| field.to_lowercase().starts_with("dkim-signature:")).unwrap();
    let signature = fields.remove(at);
    let tag = |wanted: &str| {
        let (_, value) = signature.split_once(':').unwrap();
        let mut tags = value.split(';').filter_map(|tag| tag.split_once('='));
        let found = tags.find(|(name, _)| name.trim() == wanted).unwrap().1;
        found.split_whitespace().collect::<String>()
    };
    assert_eq!((tag("v").as_str(), tag("c").as_str()), ("1", "relaxed/relaxed"));
    if STANDARD.encode(digest(&SHA256, relaxed_body(body).as_bytes())) != tag("bh") {
        return Err("body");
    }
    let names: Vec<String> = tag("h").split(':').map(str::to_lowercase).collect();
    let mut data = String::new();
    for name in &names {
        let is = |field: &String| relaxed(field).starts_with(&format!("{name}:"));
        if let Some(at) = fields.iter().rposition(is) {
            data.push_str(&relaxed(&fields.remove(at)));
            data.push_str("\r\n");
        }
    }
    // The value of b is taken out, all else of the header stays.
    let cut = signature.rfind("b=").unwrap() + 2;
    data.push_str(&relaxed(&signature[..cut]));
    let bytes = STANDARD.decode(tag("b")).unwrap();
    let good = match tag("a").as_str() {
        "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(data.as_bytes(), &bytes)
            .is_ok(),
        "ed25519-sha256" => UnparsedPublicKey::new(&ED25519, public)
            .verify(digest(&SHA256, data.as_bytes()).as_ref(), &bytes)
            .is_ok(),
        other => panic!("{other}"),
    };
    if good { Ok(names) } else { Err("headers") }
}

#[test]
fn the_verifier_takes_the_rfcs_example() {
    // RFC 8463, appendix A.3, without its RSA signature.
    let mail = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n \
        Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
        From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
        \r\n\
        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let public = STANDARD.decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
    assert!(verify(mail, &public).is_ok());
    assert_eq!(verify(&mail.replace("hungry", "sure"), &public), Err("body"));
    assert_eq!(verify(&mail.replace("dinner", "supper"), &public), Err("headers"));
}

/// Keys of both kinds, with their public halves.
fn keys() -> Vec<(String, Vec<u8>)> {
    let file: serde_json::Value = serde_json::from_str(&fcm_account("http://127.0.0.1:1")).unwrap();
    let rsa = file["private_key"].as_str().unwrap().to_owned();
    let public = jwt::Signer::rsa_pem(&rsa).unwrap().public().to_vec();
    let der = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
    let text = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    vec![(rsa, public), (pem, pair.public_key().as_ref().to_vec())]
}

/// The mail as it arrives: dots single again.
fn arrived(sender: &Sender, rendition: &herald::providers::adapter::Rendition, to: &Recipient) -> String {
    let compiled = compile(sender, rendition).unwrap();
    let mut wire = Vec::new();
    let address = Mailbox::parse(&to.address).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(compiled.write_head(&mut wire, sender, &address, to, DATE)).unwrap();
    wire.extend_from_slice(compiled.fixed());
    let text = String::from_utf8(wire).unwrap();
    let lines = text.split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line));
    let text: String = lines.collect();
    assert!(text.split("\r\n").all(|line| line.len() <= 998));
    text
}

#[test]
fn every_copy_is_signed_and_nothing_can_be_added() {
    let from = Mailbox::parse("news@example.com").unwrap();
    for (pem, public) in keys() {
        let mut sender = Sender::new((Some("Größe"), &from), None, Some("Herald")).unwrap();
        sender.dkim = Some(Arc::new(Signer::new("Example.com", "mail", &pem).unwrap()));
        let body = "<p>Hallo  Welt \t</p>\n\n.ein Punkt\n\n\n";
        for html in [false, true] {
            for personal in [false, true] {
                let mut content =
                    mail("Grüße aus Köln, und ein Betreff, der länger ist als eine Zeile", body, html);
                content.personal = personal;
                content.cc = vec!["one@example.com".to_owned()];
                let mut to = recipient("ana@example.com");
                to.unsubscribe = Some("https://news.example/u/abc?x=1".to_owned());
                if personal {
                    let rendered = Rendered { subject: Some("Für Ana".into()), body: ".Hallo Ana\n".into() };
                    to.rendered = Some(Box::new(rendered));
                }
                let text = arrived(&sender, &content, &to);
                assert!(text.starts_with("DKIM-Signature: v=1;") && text.contains("d=example.com; s=mail;"));
                let names = verify(&text, &public).unwrap();
                for name in [
                    "from",
                    "to",
                    "cc",
                    "subject",
                    "date",
                    "message-id",
                    "list-unsubscribe",
                    "list-unsubscribe-post",
                ] {
                    assert_eq!(names.iter().filter(|other| *other == name).count(), 2, "{name}");
                }
                assert_eq!(verify(&text.replacen("ana@", "bob@", 1), &public), Err("headers"));
                for added in [
                    "From: eve@example.org",
                    "List-Unsubscribe: <https://eve.example/>",
                    "Reply-To: e@e.example",
                ] {
                    let (head, rest) = text.split_once("\r\nTo: ").unwrap();
                    let forged = format!("{head}\r\n{added}\r\nTo: {rest}");
                    assert_eq!(verify(&forged, &public), Err("headers"), "{added}");
                }
            }
        }
    }
}
