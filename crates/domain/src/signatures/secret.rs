//! The secret that an endpoint and its receiver share.

use super::SigningKey;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;

const PREFIX: &str = "whsec_";
const FEWEST_BYTES: usize = 24;
const MOST_BYTES: usize = 64;
const MOST_FOREIGN_BYTES: usize = 512;

/// Padding may be missing when a secret is read: some programs drop it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// 24 to 64 secret bytes, written as `whsec_` and their base64 (Standard Webhooks 1.0.0, "symmetric").
///
/// It is never shown by `Debug` and deliberately has neither `Display` nor `Serialize`: the only way out is
/// [`reveal`](Self::reveal).
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text is not a secret. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// The prefix is missing.
    #[error("the secret must begin with “whsec_”; after it come the random bytes in base64")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("what follows “whsec_” is not base64; use the letters A–Z, a–z, 0–9, “+” and “/”, with “=” at the end")]
    Base64,
    /// Too few or too many bytes; holds their number.
    #[error("the secret has {0} bytes; it needs 24 to 64 (such as `openssl rand -base64 32` makes)")]
    Length(usize),
    /// The same for another program's secret.
    #[error("the secret has {0} bytes; it needs 1 to 512")]
    ForeignLength(usize),
}

impl Secret {
    /// Reads `whsec_…`; white space around and inside, as copying from a page leaves it, is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        Self::decode(text).and_then(|secret| match secret.0.len() {
            FEWEST_BYTES..=MOST_BYTES => Ok(secret),
            length => Err(InvalidSecret::Length(length)),
        })
    }

    /// Reads a secret that another program has chosen, to check *its* signatures at an inbox: 1 to 512 bytes. Svix's
    /// own example has only 18, so holding others to the specification's 24 would refuse real senders.
    pub fn parse_foreign(text: &str) -> Result<Self, InvalidSecret> {
        Self::decode(text).and_then(|secret| match secret.0.len() {
            1..=MOST_FOREIGN_BYTES => Ok(secret),
            length => Err(InvalidSecret::ForeignLength(length)),
        })
    }

    fn decode(text: &str) -> Result<Self, InvalidSecret> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let base64 = text.strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        LENIENT.decode(base64).map(Self).map_err(|_| InvalidSecret::Base64)
    }

    /// A new secret from random bytes.
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self(random.to_vec())
    }

    /// The secret as text, `whsec_` and padded base64: for the one answer that shows it and for storing it encrypted.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The key made ready to sign with.
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::new(&self.0)
    }
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
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

/// Shows nothing of the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(whsec_…)")
    }
}
