//! Sealing of credentials: what is at rest in the store opens only with a key
//! that is not in it.
//!
//! XChaCha20-Poly1305 with a random nonce each; the record and the field are
//! authenticated with it, so that a sealed value opens only where it was put.

use crate::store::error::{Result, StoreError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use zeroize::{Zeroize, Zeroizing};

/// The name of the key's file in the data directory, and of systemd's credential.
pub const KEY_FILE: &str = "sealing.key";
/// The environment variable that can hold the key, as 64 hex digits.
pub const KEY_VARIABLE: &str = "HERALD_SEALING_KEY";
/// The name of the credential below systemd's `$CREDENTIALS_DIRECTORY`.
pub const KEY_CREDENTIAL: &str = "herald-sealing-key";

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;
/// The version of a sealed value.
const VERSION: u8 = 1;
/// The character of a mask; no credential that contains it can be meant.
pub const MASK: char = '•';

/// The key. Wiped from memory when dropped, never shown.
#[derive(Clone, zeroize::ZeroizeOnDrop)]
pub struct SealingKey([u8; KEY_LEN]);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Where the key comes from.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// The environment, else systemd's credentials, else the file in the data
    /// directory, which is made where a new store has none.
    #[default]
    Found,
    /// This one.
    Given(SealingKey),
}

impl SealingKey {
    /// A new one.
    pub fn generate() -> Result<Self> {
        let mut key = [0; KEY_LEN];
        fill(&mut key)?;
        Ok(Self(key))
    }

    /// From bytes, for tests.
    pub fn fixed(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From 64 hex digits; white space around them is passed over.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = || StoreError::Sealed("the sealing key is not 64 hex digits".to_owned());
        if text.len() != 2 * KEY_LEN || !text.is_ascii() {
            return Err(wrong());
        }
        let mut key = Self([0; KEY_LEN]);
        for (byte, place) in key.0.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(key)
    }

    /// As 64 hex digits.
    fn to_hex(&self) -> Zeroizing<String> {
        use fmt::Write as _;
        let mut hex = Zeroizing::new(String::with_capacity(2 * KEY_LEN));
        for byte in self.0 {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// The key of the store in `dir`, if there is one.
    fn look(dir: &Path) -> Result<Option<Self>> {
        if let Some(mut text) = std::env::var_os(KEY_VARIABLE).and_then(|value| value.into_string().ok()) {
            let key = Self::parse(&text);
            text.zeroize();
            return key.map(Some);
        }
        if let Some(credentials) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            let path = PathBuf::from(credentials).join(KEY_CREDENTIAL);
            if path.exists() {
                return Self::read(&path).map(Some);
            }
        }
        let path = dir.join(KEY_FILE);
        if path.exists() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    fn read(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            StoreError::Sealed(format!("the sealing key in {} cannot be read: {error}", path.display()))
        };
        let mut file = std::fs::File::open(path).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(failed)?.permissions().mode();
            if mode & 0o037 != 0 {
                return Err(StoreError::Sealed(format!(
                    "others can read the sealing key: chmod 600 {}",
                    path.display()
                )));
            }
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
    }

    /// Writes the key to a new file that only its owner can read.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            StoreError::Sealed(format!("the sealing key cannot be written to {}: {error}", path.display()))
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(self.to_hex().as_bytes()).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }

    /// Seals a credential for one field of one record.
    pub fn seal(&self, record: &str, field: &str, secret: &SecretString) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce)?;
        let aad = associated(record, field);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Sealed(format!("{field} cannot be sealed")))?;
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what was sealed for this field of this record.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] with what to do, when the key is another one, or the value was put elsewhere.
    pub fn open(&self, record: &str, field: &str, sealed: &[u8]) -> Result<SecretString> {
        let wrong = || {
            StoreError::Sealed(format!(
                "{field} of {record} was sealed with another key: put the right key back ({KEY_FILE} in the \
                 data directory, {KEY_VARIABLE}, or systemd's credential), or set {field} anew"
            ))
        };
        let (version, rest) = sealed.split_first().ok_or_else(wrong)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        if *version != VERSION {
            return Err(StoreError::Sealed(format!("{field} of {record} has the unknown version {version}")));
        }
        let aad = associated(record, field);
        let opened = self
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad })
            .map_err(|_| wrong())?;
        match String::from_utf8(opened) {
            Ok(text) => Ok(SecretString::from(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(wrong())
            }
        }
    }
}

/// The key of an open store, which may be missing.
#[derive(Debug)]
pub struct Sealing {
    dir: PathBuf,
    key: RwLock<Option<SealingKey>>,
}

impl Sealing {
    /// Of the store in `dir`. `unused`: nothing is sealed in it yet, so a key that
    /// is missing is made.
    ///
    /// # Errors
    /// A key that is there and cannot be used.
    pub fn find(dir: &Path, source: KeySource, unused: bool) -> Result<Self> {
        let key = match source {
            KeySource::Given(key) => Some(key),
            KeySource::Found => SealingKey::look(dir)?,
        };
        let sealing = Self { dir: dir.to_owned(), key: RwLock::new(key) };
        if unused {
            sealing.to_seal()?;
        } else if let Err(error) = sealing.to_open() {
            tracing::warn!(%error, "providers cannot be used");
        }
        Ok(sealing)
    }

    /// The key to open with.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] with what to do, where there is none.
    pub fn to_open(&self) -> Result<SealingKey> {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| {
            StoreError::Sealed(format!(
                "there is no sealing key: put it back as {KEY_FILE} in the data directory (mode 0600), \
                 set {KEY_VARIABLE}, or pass it as systemd credential {KEY_CREDENTIAL}; \
                 without it, set each provider's credentials anew"
            ))
        })
    }

    /// The key to seal with: made where there is none, since what is set anew
    /// needs no older one.
    ///
    /// # Errors
    /// Where a new key cannot be written.
    pub fn to_seal(&self) -> Result<SealingKey> {
        let mut key = self.key.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*key {
            return Ok(key.clone());
        }
        let made = SealingKey::generate()?;
        made.write(&self.dir.join(KEY_FILE))?;
        *key = Some(made.clone());
        Ok(made)
    }
}

fn associated(record: &str, field: &str) -> Vec<u8> {
    let mut aad = Vec::with_capacity(record.len() + field.len() + 1);
    aad.extend_from_slice(record.as_bytes());
    aad.push(0);
    aad.extend_from_slice(field.as_bytes());
    aad
}

/// Fills bytes from the system's randomness.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| StoreError::Io("the system gives no random numbers".to_owned()))
}

/// How a credential is shown: `••••` and its last four characters, of a short
/// one none.
pub fn mask(secret: &SecretString) -> String {
    let secret = secret.expose_secret();
    let count = secret.chars().count();
    let shown = if count >= 12 { 4 } else { 0 };
    std::iter::repeat_n(MASK, 4).chain(secret.chars().skip(count - shown)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> SealingKey {
        SealingKey::generate().unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_only_where_it_was_put(text in "\\PC{0,200}", record in "[a-z/0-9]{1,20}", field in "[a-z]{1,10}") {
            let key = key();
            let secret = SecretString::from(text.clone());
            let sealed = key.seal(&record, &field, &secret).unwrap();
            let opened = key.open(&record, &field, &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), text.as_str());
            prop_assert!(key.open(&record, "other", &sealed).is_err() || field == "other");
            prop_assert!(key.open("other/0", &field, &sealed).is_err());
            prop_assert!(self::key().open(&record, &field, &sealed).is_err());
            prop_assert_ne!(key.seal(&record, &field, &secret).unwrap(), sealed);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let key = key();
            let mut sealed = key.seal("provider/1", "password", &SecretString::from("hunter2")).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open("provider/1", "password", &sealed).is_err());
        }
    }

    #[test]
    fn masks_show_the_end_of_long_secrets_only() {
        assert_eq!(mask(&SecretString::from("abcdefgh1234")), "••••1234");
        assert_eq!(mask(&SecretString::from("abc1234")), "••••");
        assert_eq!(mask(&SecretString::from("")), "••••");
        assert_eq!(mask(&SecretString::from("ääääääääüüüü")), "••••üüüü");
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let find = |unused| Sealing::find(dir.path(), KeySource::Found, unused);
        let missing = find(false).unwrap().to_open().unwrap_err().to_string();
        assert!(missing.contains(KEY_VARIABLE) && missing.contains("anew"), "{missing}");
        let made = find(true).unwrap().to_open().unwrap();
        assert_eq!(made.0, find(false).unwrap().to_open().unwrap().0);
        assert_eq!(made.0, find(false).unwrap().to_seal().unwrap().0);
        let path = dir.path().join(KEY_FILE);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            let open = find(false).unwrap_err().to_string();
            assert!(open.contains("chmod 600"), "{open}");
        }
    }

    #[test]
    fn a_wrong_key_says_what_to_do() {
        let sealed = key().seal("provider/1", "password", &SecretString::from("x")).unwrap();
        let error = key().open("provider/1", "password", &sealed).unwrap_err().to_string();
        assert!(error.contains("another key") && error.contains(KEY_FILE), "{error}");
        assert!(SealingKey::parse("zz").is_err());
        assert!(!format!("{:?}", key()).contains('['));
    }
}
