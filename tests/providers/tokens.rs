//! Signed tokens, verified by OpenSSL: not by the library that signs them. Where there is no
//! `openssl`, the test says so and passes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use herald::providers::jwt::Signer;
use herald::sandbox::push::{APNS_KEY, APNS_KEY_ID, fcm_account};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// An integer in DER: without leading zeros, and never negative.
fn integer(half: &[u8]) -> Vec<u8> {
    let bare: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
    let sign = bare.first().is_none_or(|byte| byte & 0x80 != 0);
    let mut out = vec![2, (bare.len() + usize::from(sign)) as u8];
    out.extend(sign.then_some(0));
    out.extend(bare);
    out
}

/// A signature of ES256 as OpenSSL wants it (RFC 7518, 3.4, against RFC 3279, 2.2.3).
fn der(signature: &[u8]) -> Vec<u8> {
    assert_eq!(signature.len(), 64);
    let (r, s) = (integer(&signature[..32]), integer(&signature[32..]));
    let mut out = vec![0x30, (r.len() + s.len()) as u8];
    out.extend(r);
    out.extend(s);
    out
}

fn openssl(arguments: &[&str], directory: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether OpenSSL finds that the owner of a private key in PEM has signed a text so.
fn verifies(pem: &str, text: &str, signature: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    fs::write(at.join("key.pem"), pem).unwrap();
    fs::write(at.join("text"), text).unwrap();
    fs::write(at.join("signature"), signature).unwrap();
    assert!(openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"], at), "a key");
    openssl(&["dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "text"], at)
}

#[test]
#[allow(clippy::print_stderr, reason = "says why it was left out")]
fn openssl_verifies_what_is_signed() {
    if !openssl(&["version"], Path::new("/")) {
        eprintln!("left out: install Debian's package openssl");
        return;
    }
    let account: Value = serde_json::from_str(&fcm_account("http://127.0.0.1:1")).unwrap();
    let rsa = account["private_key"].as_str().unwrap();
    let keys = [
        ("RS256", rsa, Signer::rsa_pem(rsa).unwrap(), None),
        ("ES256", APNS_KEY, Signer::ecdsa_pem(APNS_KEY).unwrap(), Some(APNS_KEY_ID)),
    ];
    for (algorithm, pem, signer, id) in keys {
        // Halves of an ECDSA signature begin with zeros or not, as chance has it.
        for n in 0..8 {
            let claims = json!({"iss": "herald", "iat": n});
            let token = signer.token(id, &claims).unwrap();
            let (text, signature) = token.rsplit_once('.').unwrap();
            let part = |n: usize| {
                let part = URL_SAFE_NO_PAD.decode(text.split('.').nth(n).unwrap()).unwrap();
                serde_json::from_slice::<Value>(&part).unwrap()
            };
            assert_eq!((part(0)["alg"].as_str(), part(1)), (Some(algorithm), claims));
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let signature = if algorithm == "ES256" { der(&signature) } else { signature };
            assert!(verifies(pem, text, &signature), "{algorithm}");
            assert!(!verifies(pem, &format!("{text}x"), &signature), "{algorithm}: of another text");
        }
    }
}
