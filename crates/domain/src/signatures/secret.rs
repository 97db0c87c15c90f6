//! The secret that an endpoint signs with: shared with the receiver (`v1`), or the private half of a pair of keys (`v1a`).

use super::{PublicKey, SigningKey, Version};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

const SHARED: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const FEWEST_BYTES: usize = 24;
const MOST_BYTES: usize = 64;
const MOST_FOREIGN_BYTES: usize = 512;

/// Padding may be missing when a secret is read: some programs drop it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an endpoint signs with (Standard Webhooks 1.0.0): 24 to 64 bytes, written as `whsec_` and their base64
/// ("symmetric"), or an ed25519 private key, written as `whsk_` and the base64 of its seed and public key ("asymmetric").
///
/// It is never shown by `Debug` and deliberately has neither `Display` nor `Serialize`: the only way out is
/// [`reveal`](Self::reveal).
#[derive(Clone)]
pub struct Secret(Kind);

#[derive(Clone)]
enum Kind {
    Shared(Vec<u8>),
    Private { seed: [u8; 32], pair: Arc<Ed25519KeyPair> },
}

/// Why a text is not a secret. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// The prefix is missing.
    #[error(
        "the secret must begin with “whsec_” and go on with random bytes in base64; a private key for v1a begins with \
         “whsk_”"
    )]
    Prefix,
    /// The same where a secret or a public key is wanted.
    #[error("the secret must begin with “whsec_”, a public key with “whpk_”; after it comes base64")]
    ForeignPrefix,
    /// What follows the prefix is not base64.
    #[error("what follows “{0}” is not base64; use the letters A–Z, a–z, 0–9, “+” and “/”, with “=” at the end")]
    Base64(&'static str),
    /// Too few or too many bytes; holds their number.
    #[error("the secret has {0} bytes; it needs 24 to 64 (such as `openssl rand -base64 32` makes)")]
    Length(usize),
    /// The same for another program's secret.
    #[error("the secret has {0} bytes; it needs 1 to 512")]
    ForeignLength(usize),
    /// A private key of a wrong length; holds it.
    #[error("the private key has {0} bytes; it needs 32 (the seed) or 64 (the seed and the public key)")]
    PrivateLength(usize),
    /// A public key of a wrong length; holds it.
    #[error("the public key has {0} bytes; it needs 32")]
    PublicLength(usize),
    /// The second half of a private key is not the public key of the first.
    #[error("the last 32 bytes of the private key are not the public key of the first 32; copy the whole key again")]
    Mismatch,
}

impl Secret {
    /// Reads `whsec_…` or `whsk_…`; white space around and inside, as copying from a page leaves it, is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let text = without_spaces(text);
        if let Some(base64) = text.strip_prefix(PRIVATE) {
            return Self::private(&decode(PRIVATE, base64)?);
        }
        let bytes = decode(SHARED, text.strip_prefix(SHARED).ok_or(InvalidSecret::Prefix)?)?;
        match bytes.len() {
            FEWEST_BYTES..=MOST_BYTES => Ok(Self(Kind::Shared(bytes))),
            length => Err(InvalidSecret::Length(length)),
        }
    }

    /// Reads a shared secret that another program has chosen, to check *its* signatures at an inbox: 1 to 512 bytes.
    /// Svix's own example has only 18, so holding others to the specification's 24 would refuse real senders.
    pub fn parse_foreign(text: &str) -> Result<Self, InvalidSecret> {
        let text = without_spaces(text);
        let bytes = decode(SHARED, text.strip_prefix(SHARED).ok_or(InvalidSecret::ForeignPrefix)?)?;
        match bytes.len() {
            1..=MOST_FOREIGN_BYTES => Ok(Self(Kind::Shared(bytes))),
            length => Err(InvalidSecret::ForeignLength(length)),
        }
    }

    /// A private key from its seed, with or without the public key after it.
    fn private(bytes: &[u8]) -> Result<Self, InvalidSecret> {
        let wrong_length = InvalidSecret::PrivateLength(bytes.len());
        let (seed, public) = bytes.split_first_chunk::<32>().ok_or(wrong_length)?;
        let pair = match public.len() {
            0 => Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| wrong_length)?,
            32 => Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| InvalidSecret::Mismatch)?,
            _ => return Err(wrong_length),
        };
        Ok(Self(Kind::Private { seed: *seed, pair: Arc::new(pair) }))
    }

    /// A new shared secret from random bytes.
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(Kind::Shared(random.to_vec()))
    }

    /// A new secret of either kind from random bytes.
    pub fn generate(version: Version, random: &[u8; 32]) -> Self {
        match version {
            Version::V1 => Self::from_random(random),
            // Any 32 bytes are a seed, so the second way is never gone.
            Version::V1a => Self::private(random).unwrap_or_else(|_| Self::from_random(random)),
        }
    }

    /// Which signatures it makes.
    pub const fn version(&self) -> Version {
        match self.0 {
            Kind::Shared(_) => Version::V1,
            Kind::Private { .. } => Version::V1a,
        }
    }

    /// The public half of a private key.
    pub fn public_key(&self) -> Option<PublicKey> {
        match &self.0 {
            Kind::Shared(_) => None,
            Kind::Private { pair, .. } => PublicKey::of(pair),
        }
    }

    /// The secret as text, its prefix and padded base64: for the one answer that shows it and for storing it encrypted.
    pub fn reveal(&self) -> String {
        match &self.0 {
            Kind::Shared(bytes) => format!("{SHARED}{}", STANDARD.encode(bytes)),
            Kind::Private { seed, pair } => {
                format!("{PRIVATE}{}", STANDARD.encode([seed, pair.public_key().as_ref()].concat()))
            }
        }
    }

    /// The key made ready to sign with.
    pub fn signing_key(&self) -> SigningKey {
        match &self.0 {
            Kind::Shared(bytes) => SigningKey::shared(bytes),
            Kind::Private { pair, .. } => SigningKey::private(pair.clone()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Shared(bytes) => bytes,
            Kind::Private { seed, .. } => seed,
        }
    }
}

/// A text without white space.
pub(super) fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The bytes after a prefix.
pub(super) fn decode(prefix: &'static str, base64: &str) -> Result<Vec<u8>, InvalidSecret> {
    LENIENT.decode(base64).map_err(|_| InvalidSecret::Base64(prefix))
}

impl FromStr for Secret {
    type Err = InvalidSecret;
    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        Self::parse(text)
    }
}

/// Compares in a time that does not depend on where two secrets differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.version() == other.version() && bool::from(self.bytes().ct_eq(other.bytes()))
    }
}

impl Eq for Secret {}

/// Shows nothing of the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
