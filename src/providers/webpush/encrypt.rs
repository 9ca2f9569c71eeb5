//! The encryption of Web Push (RFC 8291): one record of aes128gcm (RFC 8188), for one browser.

use crate::domain::delivery::Stage;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

/// What every push service must take (RFC 8030, 7.2), in bytes.
const MOST: usize = 4096;
/// Salt, record size, length of the key id, the key.
const HEADER: usize = 16 + 4 + 1 + 65;
/// The delimiter and the tag.
const END: usize = 1 + 16;
/// Ends the last record (RFC 8188, 2).
const LAST: u8 = 2;

/// Why nothing can be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum EncryptError {
    /// It does not fit.
    #[error("the notification has {0} bytes; Web Push takes {max}", max = MOST - HEADER - END)]
    TooLarge(usize),
    /// The subscription's key is no point on the curve.
    #[error("the subscription's key is not one: the browser must subscribe anew")]
    BadKey,
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Random,
}

impl EncryptError {
    /// Of whom it speaks.
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::TooLarge(_) => Stage::Content,
            Self::BadKey => Stage::Recipient,
            Self::Random => Stage::Local,
        }
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    key.expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut out))
        .expect("HKDF gives up to 255 times 32 bytes");
    out
}

/// Whether so many bytes fit into a message.
pub(super) fn fits(size: usize) -> Result<(), EncryptError> {
    if size + HEADER + END > MOST { Err(EncryptError::TooLarge(size)) } else { Ok(()) }
}

/// A message for the browser with this public key and secret.
pub(super) fn encrypt(browser: &[u8], auth: &[u8], plain: &[u8]) -> Result<Vec<u8>, EncryptError> {
    fits(plain.len())?;
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| EncryptError::Random)?;
    let public = own.compute_public_key().map_err(|_| EncryptError::Random)?;
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(|_| EncryptError::Random)?;
    agree_ephemeral(own, &UnparsedPublicKey::new(&ECDH_P256, browser), |shared| {
        seal(shared, auth, browser, public.as_ref(), &salt, plain)
    })
    .map_err(|_| EncryptError::BadKey)
}

/// Key and nonce (RFC 8291, 3.3 and 3.4).
fn derive(
    shared: &[u8],
    auth: &[u8],
    browser: &[u8],
    public: &[u8],
    salt: &[u8; 16],
) -> ([u8; 16], [u8; 12]) {
    let key = Salt::new(HKDF_SHA256, auth).extract(shared);
    let secret: [u8; 32] = expand(&key, &[b"WebPush: info\0", browser, public]);
    let key = Salt::new(HKDF_SHA256, salt).extract(&secret);
    (expand(&key, &[b"Content-Encoding: aes128gcm\0"]), expand(&key, &[b"Content-Encoding: nonce\0"]))
}

fn seal(shared: &[u8], auth: &[u8], browser: &[u8], public: &[u8], salt: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let (key, nonce) = derive(shared, auth, browser, public, salt);
    let mut out = Vec::with_capacity(HEADER + plain.len() + END);
    out.extend_from_slice(salt);
    out.extend_from_slice(&(MOST as u32).to_be_bytes());
    out.push(public.len() as u8);
    out.extend_from_slice(public);
    let mut record = Vec::with_capacity(plain.len() + END);
    record.extend_from_slice(plain);
    record.push(LAST);
    let key = UnboundKey::new(&AES_128_GCM, &key).expect("a key of 16 bytes");
    LessSafeKey::new(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
        .expect("a record of a few kilobytes");
    out.extend_from_slice(&record);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    const BROWSER: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SERVER: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    const SHARED: &str = "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";

    /// The values of RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_rfc() {
        let salt: [u8; 16] = bytes(SALT).try_into().unwrap();
        let (shared, auth, browser, server) = (bytes(SHARED), bytes(AUTH), bytes(BROWSER), bytes(SERVER));
        let (key, nonce) = derive(&shared, &auth, &browser, &server, &salt);
        assert_eq!(URL_SAFE_NO_PAD.encode(key), "oIhVW04MRdy2XN9CiKLxTg");
        assert_eq!(URL_SAFE_NO_PAD.encode(nonce), "4h_95klXJ5E_qnoN");
        let plain = b"When I grow up, I want to be a watermelon";
        let sealed = seal(&shared, &auth, &browser, &server, &salt, plain);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tl\
             zAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn no_two_messages_are_alike_and_none_is_too_large() {
        let (browser, auth) = (bytes(BROWSER), bytes(AUTH));
        let one = encrypt(&browser, &auth, b"x").unwrap();
        assert_ne!(one, encrypt(&browser, &auth, b"x").unwrap());
        assert_eq!(encrypt(&browser, &auth, &[b'x'; 3993]).unwrap().len(), 4096);
        assert_eq!(encrypt(&browser, &auth, &[b'x'; 3994]), Err(EncryptError::TooLarge(3994)));
        let mut off_the_curve = browser;
        off_the_curve[9] ^= 1;
        assert_eq!(encrypt(&off_the_curve, &auth, b"x"), Err(EncryptError::BadKey));
    }
}
