//! Sealing of secrets at rest, and tokens that are stored only as their hash.
//!
//! Secrets that must be read again (signing secrets, header values) are sealed with XChaCha20-Poly1305 under a key that
//! lives in its own file, so that a copied database alone opens nothing. Each sealed text is bound to its place, so
//! that one cannot be moved to another row. Tokens and API keys are long random texts: SHA-256 is enough for them.

use crate::errors::{EngineError, Result};
use crate::ports::Random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const NONCE: usize = 24;

/// Seals and opens secrets.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    random: Arc<dyn Random>,
}

impl Sealer {
    /// A sealer under a 32-byte key.
    pub fn new(key: &[u8; 32], random: Arc<dyn Random>) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&Key::from(*key)), random }
    }

    /// Seals `secret` for `place` (such as `ep_…/secret`). The empty secret stays empty: it means "none".
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>> {
        if secret.is_empty() {
            return Ok(Vec::new());
        }
        let mut nonce = [0u8; NONCE];
        self.random.fill(&mut nonce);
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: place.as_bytes() })
            .map_err(|_| EngineError::Internal("a secret could not be sealed".into()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what `seal` made for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        if sealed.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = || EngineError::Internal(format!("the sealed secret of {place} does not open with this key file"));
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
        self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: place.as_bytes() }).map_err(|_| wrong())
    }
}

/// SHA-256 of a token or key.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A new token: `prefix` and 32 random bytes in URL-safe base64 (256 bits).
pub fn token(prefix: &str, random: &dyn Random) -> String {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&[key; 32], Arc::new(Counting(1.into())))
    }

    #[test]
    fn a_secret_opens_only_with_its_key_and_in_its_place() {
        let one = sealer(1);
        let sealed = one.seal("ep_1/secret", b"whsec_x").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"whsec_x"));
        assert_eq!(one.open("ep_1/secret", &sealed).unwrap(), b"whsec_x");
        assert!(one.open("ep_2/secret", &sealed).is_err());
        assert!(sealer(2).open("ep_1/secret", &sealed).is_err());
        assert_ne!(sealed, one.seal("ep_1/secret", b"whsec_x").unwrap(), "a nonce is never used twice");
        assert!(one.open("ep_1/secret", &sealed[..10]).is_err());
    }

    #[test]
    fn no_secret_stays_no_secret() {
        assert!(sealer(1).seal("x", b"").unwrap().is_empty() && sealer(1).open("x", b"").unwrap().is_empty());
    }
}
