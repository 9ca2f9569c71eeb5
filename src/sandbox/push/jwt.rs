//! Tokens, looked at from the service's side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};

/// A token in its parts.
pub(super) struct Token<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a compact token.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |part: &str| {
            serde_json::from_slice::<Map<String, Value>>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether it says that it is signed with this algorithm, and is, by the owner of this key.
    pub(super) fn is_signed(
        &self,
        name: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        public: &[u8],
    ) -> bool {
        self.header("alg") == name
            && UnparsedPublicKey::new(algorithm, public).verify(self.signed, &self.signature).is_ok()
    }

    /// A text of the header; empty if there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text of the claims; empty if there is none.
    pub(super) fn claim(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A time among the claims, in seconds.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}
