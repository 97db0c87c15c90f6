//! Public keys of `v1a` signatures, and what a receiver checks signatures with.

use super::Secret;
use super::secret::{InvalidSecret, decode, without_spaces};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;

const PUBLIC: &str = "whpk_";

/// An ed25519 public key, written as `whpk_` and its base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads `whpk_…`; white space is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let text = without_spaces(text);
        let bytes = decode(PUBLIC, text.strip_prefix(PUBLIC).ok_or(InvalidSecret::ForeignPrefix)?)?;
        bytes.try_into().map(Self).map_err(|bytes: Vec<u8>| InvalidSecret::PublicLength(bytes.len()))
    }

    pub(super) fn of(pair: &Ed25519KeyPair) -> Option<Self> {
        pair.public_key().as_ref().try_into().ok().map(Self)
    }

    /// Whether the signature is that of the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", STANDARD.encode(self.0))
    }
}

/// What signatures are checked with: a shared secret (`v1`) or a public key (`v1a`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// A shared secret.
    Shared(Secret),
    /// A public key.
    Public(PublicKey),
}

impl Verifier {
    /// Reads what another program signs with: `whsec_…` of 1 to 512 bytes, or `whpk_…`.
    pub fn parse_foreign(text: &str) -> Result<Self, InvalidSecret> {
        if text.trim_start().starts_with(PUBLIC) {
            PublicKey::parse(text).map(Self::Public)
        } else {
            Secret::parse_foreign(text).map(Self::Shared)
        }
    }

    pub(super) const fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Shared(_) => None,
            Self::Public(key) => Some(*key),
        }
    }

    /// It as text, for storing it encrypted.
    pub fn reveal(&self) -> String {
        match self {
            Self::Shared(secret) => secret.reveal(),
            Self::Public(key) => key.to_string(),
        }
    }
}

impl From<&Secret> for Verifier {
    fn from(secret: &Secret) -> Self {
        secret.public_key().map_or_else(|| Self::Shared(secret.clone()), Self::Public)
    }
}
