//! The part of an inbox's address that names it: `/in/{slug}`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// 3 to 64 of the characters `a-z 0-9 -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// A text that is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an inbox's address must have 3 to 64 characters, only a–z, 0–9 and “-”")]
pub struct InvalidSlug;

impl Slug {
    /// A slug that nobody can guess: 128 random bits as 26 characters of lower-case base32 (RFC 4648, no padding).
    pub fn from_random(random: &[u8; 16]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        // 26 characters carry 130 bits, so the last one has two zero bits at its end.
        let bits = u128::from_be_bytes(*random);
        let character = |index: u32| {
            let value = if index < 25 { bits >> (123 - 5 * index) } else { bits << 2 };
            char::from(ALPHABET[usize::try_from(value & 31).unwrap_or_default()])
        };
        Self((0..26).map(character).collect::<String>().into())
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;
    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let is_fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (3..=64).contains(&text.len()) && text.bytes().all(is_fine) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSlug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_has_3_to_64_plain_characters() {
        let longest = "a".repeat(64);
        for text in ["abc", "a-1", "---", "123", &longest] {
            assert_eq!(text.parse::<Slug>().unwrap().as_str(), text);
        }
        let too_long = "a".repeat(65);
        for text in ["", "ab", "Abc", "a_b", "a.b", "a/b", "a b", "şşş", "abc\n", &too_long] {
            assert_eq!(text.parse::<Slug>(), Err(InvalidSlug), "{text:?}");
        }
    }

    #[test]
    fn a_random_slug_is_base32() {
        assert_eq!(Slug::from_random(b"foobarfoobarfoob").as_str(), "mzxw6ytbojtg633cmfzgm33pmi");
        assert_eq!(Slug::from_random(&[0; 16]).as_str(), "a".repeat(26));
        assert_eq!(Slug::from_random(&[255; 16]).as_str(), format!("{}4", "7".repeat(25)));
    }

    proptest! {
        #[test]
        fn no_random_bit_is_lost(a in any::<[u8; 16]>(), bit in 0usize..128) {
            let mut b = a;
            b[bit / 8] ^= 1 << (bit % 8);
            let (a, b) = (Slug::from_random(&a), Slug::from_random(&b));
            prop_assert_ne!(&a, &b);
            prop_assert_eq!(a.as_str().parse(), Ok(a.clone()));
        }
    }
}
