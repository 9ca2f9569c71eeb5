//! DKIM signatures (RFC 6376, RFC 8463), relaxed in headers and body.
//!
//! Each header of the list is named once more than it occurs: whoever adds a second `From` or
//! `List-Unsubscribe` on the way breaks the signature (RFC 6376, 8.15; RFC 8058, 4).

mod threads;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use std::fmt;
use std::sync::Arc;

/// Headers that are signed, where they are.
const SIGNED: [&str; 13] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
];
/// Characters of a signature in one line.
const LINE: usize = 72;

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// Signs mail for one domain and selector.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

/// Why nothing can be signed. Never holds any of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DkimError {
    /// The domain or selector is no name.
    #[error("is not a domain name, such as {0}")]
    Name(&'static str),
    /// The key is unusable.
    #[error(
        "is not an RSA key of 2048 bits or more, nor an Ed25519 key, in PEM (-----BEGIN PRIVATE KEY-----)"
    )]
    Key,
}

/// What of a mail is signed: the parts that all copies share, worked out once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prepared {
    /// Name and canonical line of each header, in order.
    headers: Vec<(String, String)>,
    /// SHA-256 of the canonical body; empty: it differs between recipients.
    body: Vec<u8>,
}

impl Signer {
    /// A signer from a domain, a selector, and a private key in PEM.
    ///
    /// # Errors
    /// Which of them is unusable.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, (&'static str, DkimError)> {
        if !is_name(domain) || !domain.contains('.') {
            return Err(("dkimDomain", DkimError::Name("example.com")));
        }
        if !is_name(selector) {
            return Err(("dkimSelector", DkimError::Name("mail or 2026.mail")));
        }
        let key = key(pem).ok_or(("dkimKey", DkimError::Key))?;
        Ok(Self { domain: domain.to_ascii_lowercase(), selector: selector.to_ascii_lowercase(), key })
    }

    /// The DKIM-Signature header of a mail with these headers and this body, but for the signature;
    /// `at` in seconds since 1970. `None`: it cannot be written.
    pub fn prepare(
        self: &Arc<Self>,
        headers: &[(String, String)],
        body_hash: &[u8],
        at: i64,
    ) -> Option<Unsigned> {
        let mut names = Vec::new();
        let mut data = String::new();
        for name in SIGNED {
            // From the last one upwards, as whoever verifies looks for them.
            for (_, line) in headers.iter().rev().filter(|(known, _)| known == name) {
                names.push(name);
                data.push_str(line);
                data.push_str("\r\n");
            }
            names.push(name);
        }
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let mut header = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={}; s={}; t={at};\r\n h=",
            self.domain, self.selector
        );
        let mut width = 3;
        for (n, name) in names.iter().enumerate() {
            if width + name.len() > LINE {
                header.push_str("\r\n  ");
                width = 2;
            }
            header.push_str(name);
            header.push(if n + 1 == names.len() { ';' } else { ':' });
            width += name.len() + 1;
        }
        header.push_str("\r\n bh=");
        header.push_str(&STANDARD.encode(body_hash));
        header.push_str(";\r\n b=");
        let (_, line) = canonical_header(&header)?;
        data.push_str(&line);
        Some(Unsigned { signer: Arc::clone(self), header, data })
    }

    fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature).ok()?;
                Some(signature)
            }
            // RFC 8463, 3: the hash is what is signed.
            Key::Ed25519(key) => Some(key.sign(digest(&SHA256, data).as_ref()).as_ref().to_vec()),
        }
    }
}

/// A DKIM-Signature header that lacks its signature.
#[derive(Debug)]
pub struct Unsigned {
    signer: Arc<Signer>,
    header: String,
    /// What is signed.
    data: String,
}

impl Unsigned {
    /// The header with its signature and line end. RSA takes about a millisecond. `None`: the key cannot
    /// sign.
    pub fn sign(self) -> Option<String> {
        let signature = STANDARD.encode(self.signer.sign(self.data.as_bytes())?);
        let mut header = self.header;
        for (n, part) in signature.as_bytes().chunks(LINE).enumerate() {
            if n > 0 {
                header.push_str("\r\n ");
            }
            header.push_str(&String::from_utf8_lossy(part));
        }
        header.push_str("\r\n");
        Some(header)
    }

    /// The same, without keeping the caller's thread from others for long.
    pub async fn signed(self) -> Option<String> {
        match self.signer.key {
            Key::Rsa(_) => threads::sign(self).await,
            // Some tens of microseconds: less than handing it over and back is worth.
            Key::Ed25519(_) => self.sign(),
        }
    }
}

fn key(pem: &str) -> Option<Key> {
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    match der {
        PrivateKeyDer::Pkcs1(der) => {
            Some(Key::Rsa(Box::new(RsaKeyPair::from_der(der.secret_pkcs1_der()).ok()?)))
        }
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                return Some(Key::Ed25519(Box::new(key)));
            }
            Some(Key::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).ok()?)))
        }
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl Prepared {
    /// What of the shared parts of a mail is signed. `text` begins with headers; `whole`: its body is
    /// everybody's, else only the headers are looked at.
    pub fn of(text: &[u8], whole: bool) -> Self {
        let (headers, body) = split(text);
        let body = if whole { body_hash(&[body]) } else { Vec::new() };
        Self { headers: canonical_headers(headers), body }
    }

    /// Headers of one copy, and these behind them.
    pub fn with(&self, head: &[u8]) -> Vec<(String, String)> {
        let mut headers = canonical_headers(head);
        headers.extend(self.headers.iter().cloned());
        headers
    }

    /// The hash of the shared body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Headers, and the body behind the empty line.
pub fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    match mail.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) => (&mail[..at + 2], &mail[at + 4..]),
        None => (mail, &[]),
    }
}

/// SHA-256 of the body that these parts make together, in its relaxed form (RFC 6376, 3.4.4).
pub fn body_hash(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = ring::digest::Context::new(&SHA256);
    let mut empty = 0;
    let whole;
    let body = match parts {
        [one] => *one,
        many => {
            whole = many.concat();
            whole.as_slice()
        }
    };
    for line in body.split_inclusive(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = squeezed(line.strip_suffix(b"\r").unwrap_or(line));
        let line = line.strip_suffix(b" ").unwrap_or(&line);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty) {
            hash.update(b"\r\n");
        }
        hash.update(line);
        hash.update(b"\r\n");
    }
    hash.finish().as_ref().to_vec()
}

/// Runs of blanks as one space.
fn squeezed(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    for &b in line {
        match b {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            b => out.push(b),
        }
    }
    out
}

fn canonical_headers(text: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let mut fields: Vec<String> = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => {
                field.push_str("\r\n");
                field.push_str(line);
            }
            _ => fields.push(line.to_owned()),
        }
    }
    fields.iter().filter_map(|field| canonical_header(field)).collect()
}

/// A header in its relaxed form (RFC 6376, 3.4.2): name, and the line without its end.
fn canonical_header(field: &str) -> Option<(String, String)> {
    let (name, value) = field.split_once(':')?;
    let name = name.trim_end().to_ascii_lowercase();
    let value = squeezed(value.replace("\r\n", "").as_bytes());
    let value = String::from_utf8_lossy(&value).trim_matches(' ').to_owned();
    let line = format!("{name}:{value}");
    Some((name, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ED25519, UnparsedPublicKey};

    // RFC 8463, appendix A.
    const BODY: &[u8] = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const HEADERS: &[u8] = b"From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
    const SIGNATURE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=";

    #[test]
    fn the_rfcs_signature_holds_over_our_canonical_form() {
        assert_eq!(STANDARD.encode(body_hash(&[BODY])), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        let mut data = String::new();
        for (_, line) in canonical_headers(HEADERS) {
            data.push_str(&line);
            data.push_str("\r\n");
        }
        data.push_str(&canonical_header(SIGNATURE).unwrap().1);
        let public = STANDARD.decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
        let signature = STANDARD
            .decode(
                "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
            )
            .unwrap();
        let hash = digest(&SHA256, data.as_bytes());
        UnparsedPublicKey::new(&ED25519, public).verify(hash.as_ref(), &signature).unwrap();
    }

    #[test]
    fn bodies_in_their_relaxed_form() {
        let hash = |body: &[u8]| body_hash(&[body]);
        assert_eq!(hash(b" C \r\nD \t E\r\n\r\n\r\n"), hash(b" C\r\nD E\r\n"));
        assert_eq!(hash(b""), hash(b"\r\n\r\n"));
        assert_eq!(hash(b"a"), hash(b"a\r\n"));
        assert_ne!(hash(b"a\r\n\r\nb\r\n"), hash(b"a\r\nb\r\n"));
        assert_eq!(body_hash(&[b"a\r\n", b"b\r\n"]), hash(b"a\r\nb\r\n"));
    }

    #[test]
    fn what_is_unusable_is_named_and_not_shown() {
        for (domain, selector, field) in [
            ("example", "mail", "dkimDomain"),
            ("ex ample.com", "mail", "dkimDomain"),
            ("example.com", "a..b", "dkimSelector"),
            ("example.com", "mail", "dkimKey"),
        ] {
            let (at, error) = Signer::new(domain, selector, "hunter2").unwrap_err();
            assert_eq!(at, field);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
