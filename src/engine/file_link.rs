//! Links to a file for whoever has no key: the devices that show a notification's
//! image. A link is a token of the dialect's form, signed with a key that only
//! this file has, so that deleting the file ends every link to it.

use crate::domain::file::StoredFile;
use crate::domain::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use serde::{Deserialize, Serialize};

/// How long after a message is due its images can be fetched.
pub(crate) const LIFETIME: std::time::Duration = std::time::Duration::from_hours(15 * 24);

/// The token's first part, always the same.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    bucket_id: String,
    file_id: String,
    /// Seconds since 1970.
    exp: i64,
}

/// A token that opens a file until then.
pub(crate) fn token(file: &StoredFile, until: Timestamp) -> String {
    let claims = Claims {
        bucket_id: file.bucket.to_string(),
        file_id: file.id.to_string(),
        exp: until.0.div_euclid(1000),
    };
    let claims = serde_json::to_vec(&claims).unwrap_or_default();
    let mut text = URL_SAFE_NO_PAD.encode(HEADER);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut text);
    let signature = sign(&Key::new(HMAC_SHA256, &file.secret), text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// Whether a token opens a file now.
pub(crate) fn opens(file: &StoredFile, token: &str, now: Timestamp) -> bool {
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
    if verify(&Key::new(HMAC_SHA256, &file.secret), signed.as_bytes(), &signature).is_err() {
        return false;
    }
    let Some((_, claims)) = signed.split_once('.') else { return false };
    let claims =
        URL_SAFE_NO_PAD.decode(claims).ok().and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
    claims.is_some_and(|claims| {
        claims.bucket_id == file.bucket.as_str()
            && claims.file_id == file.id.as_str()
            && claims.exp > now.0.div_euclid(1000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{BucketId, BucketNo, FileId, FileNo, Revision};

    fn file(id: &str, secret: u8) -> StoredFile {
        StoredFile {
            no: FileNo(1),
            bucket_no: BucketNo(1),
            bucket: BucketId::new("b").unwrap(),
            id: FileId::new(id).unwrap(),
            name: "a.png".into(),
            permissions: Vec::new(),
            mime: "image/png".into(),
            size: 1,
            parts: vec![(0, 1)],
            digest: "d".into(),
            md5: String::new(),
            secret: [secret; 16],
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision(1),
        }
    }

    #[test]
    fn a_token_opens_one_file_for_its_time() {
        let token = token(&file("f", 1), Timestamp(60_000));
        assert_eq!(token.split('.').count(), 3);
        assert!(opens(&file("f", 1), &token, Timestamp(0)));
        assert!(!opens(&file("f", 1), &token, Timestamp(60_000)), "it has ended");
        assert!(!opens(&file("f", 2), &token, Timestamp(0)), "the file was deleted and made again");
        assert!(!opens(&file("g", 1), &token, Timestamp(0)), "another file");
        for bad in ["", "a", "a.b", "a.b.c", &token[1..]] {
            assert!(!opens(&file("f", 1), bad, Timestamp(0)), "{bad}");
        }
    }
}
