//! Signed tokens (JWT, RFC 7519), as the push services want them: RS256 and ES256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

/// Why a key cannot be used, or a token not be made. Never holds any of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It is not a private key in PEM.
    #[error("is not a private key in PEM (-----BEGIN PRIVATE KEY-----)")]
    NotPem,
    /// It is a key of another sort.
    #[error("is not {0}")]
    WrongKey(&'static str),
    /// The system gives no randomness.
    #[error("cannot be used for signing now")]
    Signing,
}

/// A private key that signs tokens.
#[derive(Debug)]
pub enum Signer {
    /// ECDSA on P-256 with SHA-256 (ES256).
    Ecdsa(Box<EcdsaKeyPair>),
    /// RSA, PKCS #1 v1.5, with SHA-256 (RS256).
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    /// A P-256 key from PKCS #8 in PEM, such as Apple's `.p8` files.
    pub fn ecdsa_pem(pem: &str) -> Result<Self, JwtError> {
        let PrivateKeyDer::Pkcs8(der) = read(pem)? else {
            return Err(JwtError::WrongKey("a P-256 key in PKCS #8"));
        };
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            der.secret_pkcs8_der(),
            &SystemRandom::new(),
        )
        .map_err(|_| JwtError::WrongKey("a P-256 key in PKCS #8 that holds its public key too"))?;
        Ok(Self::Ecdsa(Box::new(key)))
    }

    /// A P-256 key from its two halves: the scalar (32 bytes) and the point (65 bytes, uncompressed).
    pub fn ecdsa_raw(private: &[u8], public: &[u8]) -> Result<Self, JwtError> {
        let key = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            private,
            public,
            &SystemRandom::new(),
        )
        .map_err(|_| JwtError::WrongKey("a P-256 key that belongs to the public key"))?;
        Ok(Self::Ecdsa(Box::new(key)))
    }

    /// An RSA key of at least 2048 bits from PEM, as service accounts have.
    pub fn rsa_pem(pem: &str) -> Result<Self, JwtError> {
        let key = match read(pem)? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(JwtError::WrongKey("an RSA key")),
        };
        let key = key.map_err(|_| JwtError::WrongKey("an RSA key of 2048 bits or more"))?;
        Ok(Self::Rsa(Box::new(key)))
    }

    /// The public half: an uncompressed point, or an RSA public key in DER.
    pub fn public(&self) -> &[u8] {
        match self {
            Self::Ecdsa(key) => key.public_key().as_ref(),
            Self::Rsa(key) => key.public_key().as_ref(),
        }
    }

    /// A compact token of these claims. `kid` names the key, where the service wants that.
    pub fn token(&self, kid: Option<&str>, claims: &Value) -> Result<String, JwtError> {
        let algorithm = match self {
            Self::Ecdsa(_) => "ES256",
            Self::Rsa(_) => "RS256",
        };
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(claims));
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JwtError> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => {
                let signature = key.sign(&random, message).map_err(|_| JwtError::Signing)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| JwtError::Signing)?;
                Ok(signature)
            }
        }
    }
}

fn read(pem: &str) -> Result<PrivateKeyDer<'static>, JwtError> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| JwtError::NotPem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for pem in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            for result in [Signer::ecdsa_pem(pem), Signer::rsa_pem(pem)] {
                let text = result.err().unwrap().to_string();
                assert!(!text.contains("hunter2") && !text.contains("AAAA"), "{text}");
            }
        }
        assert!(Signer::ecdsa_raw(&[1; 32], &[4; 65]).is_err());
    }
}
