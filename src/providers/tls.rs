//! Whom we trust: the one place that makes TLS client configurations.

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::{Arc, OnceLock};

/// Why there is no TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The own authority's certificates cannot be read.
    #[error("not certificates in PEM: {0}")]
    BadAuthority(String),
    /// The cryptography library offers no protocol version.
    #[error("TLS is not available: {0}")]
    Unavailable(String),
}

/// A client configuration that verifies certificates, always, by the system's
/// roots (or Mozilla's, where the system has none) and by the certificates of an
/// own authority, if any are given in PEM.
pub fn client_config(own_authority: Option<&str>) -> Result<Arc<ClientConfig>, TlsError> {
    static PUBLIC: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let (None, Some(config)) = (own_authority, PUBLIC.get()) {
        return Ok(config.clone());
    }
    let mut roots = public_roots().clone();
    if let Some(pem) = own_authority {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| TlsError::BadAuthority(error.to_string()))?;
            roots.add(certificate).map_err(|error| TlsError::BadAuthority(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(TlsError::BadAuthority("there is no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Unavailable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    if own_authority.is_none() {
        return Ok(PUBLIC.get_or_init(|| config).clone());
    }
    Ok(config)
}

/// The system's roots, read once; Mozilla's where there are none.
fn public_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_authority_must_be_certificates() {
        assert!(client_config(None).is_ok());
        assert!(matches!(client_config(Some("nonsense")), Err(TlsError::BadAuthority(_))));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(client_config(Some(broken)), Err(TlsError::BadAuthority(_))));
    }
}
