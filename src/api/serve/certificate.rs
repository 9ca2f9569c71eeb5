//! TLS: the certificate that is shown, read from its files and read again when they have changed.

use super::ServeError;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate and its key, in files that somebody renews.
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads the files.
    pub(super) fn read(chain: &Path, key: &Path) -> Result<Self, ServeError> {
        let config = ArcSwap::new(config(chain, key)?);
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), config })
    }

    /// Reads the files again. When that fails, what was read before stays.
    pub(super) fn reload(&self) -> Result<(), ServeError> {
        self.config.store(config(&self.chain, &self.key)?);
        Ok(())
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, ServeError> {
    let bad = |path: &Path, problem: String| ServeError::Certificate { path: path.to_owned(), problem };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(bad(chain, "there is no certificate in it".into()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(chain, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, secret)
        .map_err(|error| bad(key, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
