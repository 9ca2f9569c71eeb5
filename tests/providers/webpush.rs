//! Web Push against a service that is as strict as the RFCs, and decrypted by a browser's half.

use super::account::{account, recipient, registry, send, verdicts};
use super::fcm::{everything, push};
use super::golden::{Caught, Http2Peer, assert_golden};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use herald::domain::channel::Channel;
use herald::domain::content::PushContent;
use herald::domain::delivery::Stage as At;
use herald::providers::adapter::Verdict::{
    Accepted, Permanent, Refused, TargetExpired, Transient, Uncertain,
};
use herald::providers::adapter::{Adapter, Adapters as _, Recipient, Rendition};
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::ECDSA_P256_SHA256_FIXED;
use ring::{aead, hmac, signature};
use serde_json::{Value, json};
use std::sync::Arc;

// The pair of RFC 8292's example would do; this one is of RFC 8291, appendix A (application server).
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

async fn sandbox() -> Sandbox {
    Sandbox::builder().http("127.0.0.1:0".parse().unwrap()).start().await.unwrap()
}

fn adapter() -> Arc<dyn Adapter> {
    let credentials =
        [("publicKey", PUBLIC), ("privateKey", PRIVATE), ("subject", "mailto:push@sender.example")];
    let account = account("webpush", Channel::Push, &[], &credentials);
    registry().connect(&account, Channel::Push).unwrap()
}

fn hello() -> Rendition {
    push(PushContent { title: Some("Hello".to_owned()), ..PushContent::default() })
}

/// A browser, its public key, and the secret that it shares.
struct Browser {
    key: EphemeralPrivateKey,
    point: Vec<u8>,
    auth: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let point = key.compute_public_key().unwrap().as_ref().to_vec();
        Self { key, point, auth: *b"0123456789abcdef" }
    }

    fn subscription(&self, endpoint: &str) -> String {
        let keys = json!({"p256dh": B64.encode(&self.point), "auth": B64.encode(self.auth)});
        json!({"endpoint": endpoint, "expirationTime": null, "keys": keys}).to_string()
    }

    /// Reads a message (RFC 8291, 3 and 4), with HMAC alone instead of an HKDF of a library.
    fn open(self, body: &[u8]) -> Vec<u8> {
        let mac = |key: &[u8], parts: &[&[u8]]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
        };
        let (salt, server) = (&body[..16], &body[21..86]);
        let shared =
            agree_ephemeral(self.key, &UnparsedPublicKey::new(&ECDH_P256, server), <[u8]>::to_vec).unwrap();
        let prk = mac(&self.auth, &[&shared]);
        let ikm = mac(&prk, &[b"WebPush: info\0", &self.point, server, &[1]]);
        let prk = mac(salt, &[&ikm]);
        let key = mac(&prk, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = mac(&prk, &[b"Content-Encoding: nonce\0", &[1]]);
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, &key[..16]).unwrap();
        let nonce = aead::Nonce::assume_unique_for_key(nonce[..12].try_into().unwrap());
        let mut record = body[86..].to_vec();
        let plain =
            aead::LessSafeKey::new(key).open_in_place(nonce, aead::Aad::empty(), &mut record).unwrap();
        assert_eq!(plain.last(), Some(&2), "the last record");
        plain[..plain.len() - 1].to_vec()
    }
}

fn devices(sandbox: &Sandbox, names: &[&str]) -> Vec<Recipient> {
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    let one = |name: &&str| {
        let mut to = recipient(&Browser::new().subscription(&format!("{origin}/webpush/{name}")));
        to.reference = format!("ref.{name}");
        to
    };
    names.iter().map(one).collect()
}

#[tokio::test]
async fn a_browser_reads_what_was_sent() {
    let sandbox = sandbox().await;
    let browser = Browser::new();
    let endpoint = format!("http://{}/webpush/ana", sandbox.http_addr().unwrap());
    let to = recipient(&browser.subscription(&endpoint));
    let answers = send(&*adapter(), &push(everything()), vec![to]).await;
    assert_eq!(verdicts(&answers), [Accepted], "{answers:?}");
    assert!(answers[0].provider_id.contains("/webpush/message/"));
    let kept = sandbox.record().last(1).pop().unwrap();
    let read: Value = serde_json::from_slice(&browser.open(&kept.content)).unwrap();
    assert_eq!(
        read,
        json!({
            "title": "Ünicode", "body": "Two\nlines", "action": "OPEN", "icon": "ic_bell", "tag": "orders",
            "image": "https://images.example.com/a.png", "badge": 3,
            "data": {"text": "x", "number": 7, "flag": true, "list": [1, "a"]},
        })
    );
    sandbox.shutdown().await;
}

/// RFC 8292, 2: the token's claims, and its signature by the key that is named beside it.
#[tokio::test]
async fn the_token_is_for_the_service_and_signed() {
    let peer = Http2Peer::answering(201, "").await;
    let mut to = recipient(&Browser::new().subscription(&format!("http://{}/p/1?x=y", peer.addr)));
    "ref.1".clone_into(&mut to.reference);
    assert_eq!(verdicts(&send(&*adapter(), &hello(), vec![to]).await), [Accepted]);
    let caught = peer.caught().pop().unwrap();
    // The body is another one each time: only its shape is golden.
    assert_eq!((&caught.body[16..21], caught.body[21]), (&[0, 0, 16, 0, 65][..], 4));
    assert_golden("webpush", &[Caught { body: Vec::new(), ..caught.clone() }.written()]);
    let (token, key) =
        caught.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, PUBLIC);
    let (signed, sealed) = token.rsplit_once('.').unwrap();
    let claims = signed.split_once('.').unwrap().1;
    let claims: Value = serde_json::from_slice(&B64.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["aud"], format!("http://{}", peer.addr));
    assert_eq!(claims["sub"], "mailto:push@sender.example");
    signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, B64.decode(key).unwrap())
        .verify(signed.as_bytes(), &B64.decode(sealed).unwrap())
        .unwrap();
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let sandbox = sandbox().await;
    let rule = |matches: &str, reason: &str| RecipientRule {
        reason: Some(reason.to_owned()),
        ..RecipientRule::reject(matches)
    };
    sandbox
        .faults()
        .http
        .change(|plan| {
            plan.recipients =
                vec![rule("gone", "410"), rule("unknown", "404"), rule("many", "429"), rule("ill", "500")];
        })
        .unwrap();
    let mut to = devices(&sandbox, &["gone", "unknown", "many", "ill", "good"]);
    to.push(recipient("{\"endpoint\":\"ftp://example.com\"}"));
    // Nobody listens there: this subscription's trouble, not the provider's.
    to.push(recipient(&Browser::new().subscription("http://127.0.0.1:9/x")));
    let answers = send(&*adapter(), &hello(), to).await;
    assert_eq!(
        verdicts(&answers),
        [TargetExpired, TargetExpired, Transient, Transient, Accepted, Permanent, Transient]
    );
    assert!(answers[2..].iter().filter(|one| one.verdict != Accepted).all(|one| one.stage == At::Recipient));
    assert_eq!(sandbox.record().arrivals(), 1);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn faults_of_the_service() {
    let sandbox = sandbox().await;
    let adapter = adapter();
    for (effect, verdict, arrives) in [
        (Effect::reply(503), Transient, false),
        (Effect::reply(403), Refused, false),
        (Effect::Reset, Uncertain, false),
        (Effect::LoseAnswer, Uncertain, true),
    ] {
        let rules = vec![Rule { at: Stage::Request, when: When::Next(1), effect: effect.clone() }];
        sandbox.faults().http.change(|plan| plan.rules = rules).unwrap();
        sandbox.record().clear();
        let answers = send(&*adapter, &hello(), devices(&sandbox, &["ana"])).await;
        assert_eq!(verdicts(&answers), [verdict], "{effect:?}: {answers:?}");
        assert_eq!(sandbox.record().arrivals(), u64::from(arrives), "{effect:?}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_private_address_is_not_reached_for_a_subscription() {
    let sandbox = sandbox().await;
    let credentials =
        [("publicKey", PUBLIC), ("privateKey", PRIVATE), ("subject", "mailto:push@sender.example")];
    let mut account = account("webpush", Channel::Push, &[], &credentials);
    account.allow_private = false;
    let adapter = registry().connect(&account, Channel::Push).unwrap();
    let mut to = devices(&sandbox, &["ana"]);
    let port = sandbox.http_addr().unwrap().port();
    to.push(recipient(&Browser::new().subscription(&format!("https://127.0.0.1:{port}/webpush/bo"))));
    // Neither stops the provider: the address came with the target.
    assert_eq!(verdicts(&send(&*adapter, &hello(), to).await), [Permanent, Permanent]);
    assert_eq!(sandbox.record().arrivals(), 0);
    sandbox.shutdown().await;
}
