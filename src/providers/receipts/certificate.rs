//! The RSA key of a certificate, and where one of Amazon SNS may be fetched from.

use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::Url;
use webpki::EndEntityCert;

/// rsaEncryption without parameters (RFC 8017, A.1), and the beginning of a bit string.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03];

/// Whether Amazon SNS has certificates and confirmations there: TLS, `sns.REGION.amazonaws.com`
/// (`.cn` for China). Where the account names an endpoint of its own, there as well.
pub(super) fn is_trusted(url: &Url, endpoint: Option<&Url>) -> bool {
    if endpoint.is_some_and(|endpoint| endpoint.origin() == url.origin()) {
        return true;
    }
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let region = host.strip_prefix("sns.").and_then(|rest| rest.strip_suffix(".amazonaws.com"));
    let region = region.unwrap_or_default();
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !region.is_empty()
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether the key of a certificate in PEM made a signature of this text: PKCS #1 v1.5, with SHA-256
/// or, for version 1 of SNS's signatures, with SHA-1.
pub(super) fn signed(pem: &[u8], sha256: bool, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let info = certificate.subject_public_key_info();
    let key = bits(info.as_ref())?;
    let algorithm =
        if sha256 { &RSA_PKCS1_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY };
    Some(UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok())
}

/// The RSA key of a `SubjectPublicKeyInfo`: what its bit string holds.
fn bits(info: &[u8]) -> Option<&[u8]> {
    let at = info.windows(RSA.len()).position(|window| window == RSA)? + RSA.len();
    let length = *info.get(at)?;
    // One byte, or how many follow.
    let more = if length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    // The bits that are not used: none.
    match info.get(at + 1 + more)? {
        0 => info.get(at + 2 + more..),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sns_itself_has_certificates() {
        let trusted = |url: &str| is_trusted(&Url::parse(url).unwrap(), None);
        assert!(trusted("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem"));
        assert!(trusted("https://sns.cn-north-1.amazonaws.com.cn/x.pem"));
        for bad in [
            "http://sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
            "https://sns.evil.example/.amazonaws.com",
            "https://evil.example/sns.us-east-1.amazonaws.com",
            "https://bucket.s3.amazonaws.com/sns.pem",
            "https://sns.a.b.amazonaws.com/x.pem",
            "https://sns.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com:8443/x.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
            "https://u:p@sns.us-east-1.amazonaws.com/x.pem",
        ] {
            assert!(!trusted(bad), "{bad}");
        }
        let own = Url::parse("http://127.0.0.1:9000/ses").unwrap();
        assert!(is_trusted(&Url::parse("http://127.0.0.1:9000/ses/sns.pem").unwrap(), Some(&own)));
        assert!(!is_trusted(&Url::parse("http://127.0.0.1:9001/ses/sns.pem").unwrap(), Some(&own)));
    }
}
