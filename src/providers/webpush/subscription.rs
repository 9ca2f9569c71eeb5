//! A subscription as the browser gives it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

/// Where to send, and for whom to encrypt.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Scheme, host and port: the audience of the token.
    pub(super) origin: String,
    /// The origin as a URL.
    pub(super) base: Url,
    /// Path and query.
    pub(super) path: String,
    /// The browser's public key, an uncompressed P-256 point.
    pub(super) point: Vec<u8>,
    /// The secret that the browser shares.
    pub(super) auth: Vec<u8>,
}

#[derive(Deserialize)]
struct Given {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// Reads the JSON of a `PushSubscription`. Only https is spoken, unless private hosts are allowed.
    pub(super) fn read(text: &str, allow_private: bool) -> Result<Self, String> {
        let bad = |what: &str| format!("this is not a browser's push subscription: {what}");
        let given: Given = serde_json::from_str(text)
            .map_err(|_| bad("JSON with endpoint, keys.p256dh and keys.auth is wanted"))?;
        let url = Url::parse(&given.endpoint).map_err(|_| bad("its endpoint is no URL"))?;
        if url.scheme() != "https" && !(allow_private && url.scheme() == "http") {
            return Err(bad("its endpoint is not https"));
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let point = bytes(&given.keys.p256dh).filter(|point| point.len() == 65 && point[0] == 4);
        let auth = bytes(&given.keys.auth).filter(|auth| auth.len() == 16);
        let (Some(point), Some(auth)) = (point, auth) else {
            return Err(bad("its keys are not a P-256 point and 16 bytes, in URL-safe base64"));
        };
        let origin = url.origin().ascii_serialization();
        let base = Url::parse(&origin).map_err(|_| bad("its endpoint names no host"))?;
        let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        Ok(Self { origin, base, path, point, auth })
    }
}
