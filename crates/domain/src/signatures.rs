//! Signatures by Standard Webhooks 1.0.0 over `id.timestamp.body`: version `v1` is HMAC-SHA256 with a shared secret, `v1a`
//! is ed25519 with a pair of keys.
//!
//! What is signed is the exact bytes that are sent. The key schedule of HMAC (two of the three or four blocks of a
//! small message) is worked out once for each endpoint and kept in a [`SigningKey`]; a signature then starts from a
//! copy of that state.

mod public_key;
mod secret;
mod verify;

pub use public_key::{PublicKey, Verifier};
pub use secret::{InvalidSecret, Secret};
pub use verify::{SignatureHeaders, SignatureProblem, TOLERANCE_SECONDS, verify};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The header with the event's id, the same for each attempt.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the attempt's time, in whole seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the list of signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The versions of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// HMAC-SHA256: sender and receiver share a secret.
    #[default]
    V1,
    /// ed25519: the sender has a private key, everybody may have the public one.
    V1a,
}

/// A secret that is ready to sign: cheap to copy, dear to make.
#[derive(Clone)]
pub struct SigningKey(Key);

#[derive(Clone)]
enum Key {
    Shared(Hmac<Sha256>),
    Private(Arc<Ed25519KeyPair>),
}

impl SigningKey {
    fn shared(key: &[u8]) -> Self {
        // HMAC fills a key with zeros up to the block of 64 bytes and hashes a longer one first (RFC 2104, section 2).
        let mut block = [0; 64];
        if key.len() <= block.len() {
            block[..key.len()].copy_from_slice(key);
        } else {
            block[..32].copy_from_slice(&Sha256::digest(key));
        }
        Self(Key::Shared(Hmac::new(&block.into())))
    }

    fn private(pair: Arc<Ed25519KeyPair>) -> Self {
        Self(Key::Private(pair))
    }

    /// The signature of one message: `v1,` and the base64 of 32 bytes, or `v1a,` and that of 64.
    pub fn sign(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        self.sign_bytes(id.as_bytes(), timestamp_seconds.to_string().as_bytes(), body)
    }

    fn sign_bytes(&self, id: &[u8], timestamp: &[u8], body: &[u8]) -> String {
        match &self.0 {
            Key::Shared(start) => {
                let mut mac = start.clone();
                for part in [id, b".", timestamp, b".", body] {
                    mac.update(part);
                }
                text("v1,", &mac.finalize().into_bytes())
            }
            // ed25519 reads the message twice, so it is needed in one piece.
            Key::Private(pair) => text("v1a,", pair.sign(&message(id, timestamp, body)).as_ref()),
        }
    }
}

fn text(version: &str, signature: &[u8]) -> String {
    let mut text = String::with_capacity(version.len() + signature.len().div_ceil(3) * 4);
    text.push_str(version);
    STANDARD.encode_string(signature, &mut text);
    text
}

/// What is signed.
fn message(id: &[u8], timestamp: &[u8], body: &[u8]) -> Vec<u8> {
    [id, b".", timestamp, b".", body].concat()
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
pub fn sign_with_each<'a>(
    keys: impl IntoIterator<Item = &'a SigningKey>,
    id: &str,
    timestamp_seconds: i64,
    body: &[u8],
) -> String {
    let mut signatures = keys.into_iter().map(|key| key.sign(id, timestamp_seconds, body));
    let mut all = signatures.next().unwrap_or_default();
    for signature in signatures {
        all.push(' ');
        all.push_str(&signature);
    }
    all
}

#[cfg(test)]
mod tests;
