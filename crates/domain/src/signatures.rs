//! Signatures by Standard Webhooks 1.0.0, version `v1`: HMAC-SHA256 over `id.timestamp.body`, in base64.
//!
//! What is signed is the exact bytes that are sent. The key schedule of HMAC (two of the three or four blocks of a
//! small message) is worked out once for each endpoint and kept in a [`SigningKey`]; a signature then starts from a
//! copy of that state.

mod secret;
mod verify;

pub use secret::{InvalidSecret, Secret};
pub use verify::{SignatureHeaders, SignatureProblem, TOLERANCE_SECONDS, verify};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

/// The header with the event's id, the same for each attempt.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the attempt's time, in whole seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the list of signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// A secret that is ready to sign: cheap to copy, dear to make.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    fn new(key: &[u8]) -> Self {
        // HMAC fills a key with zeros up to the block of 64 bytes and hashes a longer one first (RFC 2104, section 2).
        let mut block = [0; 64];
        if key.len() <= block.len() {
            block[..key.len()].copy_from_slice(key);
        } else {
            block[..32].copy_from_slice(&Sha256::digest(key));
        }
        Self(Hmac::new(&block.into()))
    }

    /// The signature of one message, `v1,` and the base64 of 32 bytes.
    pub fn sign(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        self.sign_bytes(id.as_bytes(), timestamp_seconds.to_string().as_bytes(), body)
    }

    fn sign_bytes(&self, id: &[u8], timestamp: &[u8], body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(id);
        mac.update(b".");
        mac.update(timestamp);
        mac.update(b".");
        mac.update(body);
        let mut signature = String::with_capacity(47);
        signature.push_str("v1,");
        STANDARD.encode_string(mac.finalize().into_bytes(), &mut signature);
        signature
    }
}

/// Shows nothing of the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// The signature of one message. Who signs many keeps the [`SigningKey`] of [`Secret::signing_key`].
pub fn sign(secret: &Secret, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    secret.signing_key().sign(id, timestamp_seconds, body)
}

/// The value of `webhook-signature` while several secrets are valid (rotation): one signature for each, by spaces.
pub fn sign_with_each(keys: &[SigningKey], id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, timestamp_seconds, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
