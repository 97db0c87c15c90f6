//! The two keys that an event may carry: one that keeps events in order and one that keeps them single.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest key, in characters.
pub const MAX_KEY_LENGTH: usize = 256;

/// Why a text cannot be a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing was written.
    #[error("the {0} is empty; leave it out or write 1 to {MAX_KEY_LENGTH} characters")]
    Empty(&'static str),
    /// Longer than [`MAX_KEY_LENGTH`].
    #[error("the {name} has {length} characters; at most {MAX_KEY_LENGTH} are allowed")]
    TooLong {
        /// Which key.
        name: &'static str,
        /// Its length in characters.
        length: usize,
    },
    /// A character that nobody sees: a control character, a line break, a space at an end, a zero-width space.
    #[error("the {name} contains {character:?}; use visible characters only, spaces only between them")]
    Invisible {
        /// Which key.
        name: &'static str,
        /// The character.
        character: char,
    },
}

fn check(name: &'static str, text: &str) -> Result<(), InvalidKey> {
    if text.is_empty() {
        return Err(InvalidKey::Empty(name));
    }
    let length = text.chars().count();
    if length > MAX_KEY_LENGTH {
        return Err(InvalidKey::TooLong { name, length });
    }
    let at_an_end = |c: &char| text.starts_with(*c) || text.ends_with(*c);
    match text.chars().find(|c| if *c == ' ' { at_an_end(c) } else { is_invisible(*c) }) {
        Some(character) => Err(InvalidKey::Invisible { name, character }),
        None => Ok(()),
    }
}

/// Control and format characters and every space but U+0020. The joiners U+200C and U+200D are let through, as
/// ordinary words and pictures are written with them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $key(Arc<str>);

        impl $key {
            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $key {
            type Err = InvalidKey;
            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                check($name, text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $key {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $key {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

keys! {
    /// Events that share this key go to an endpoint one after another, in the order in which they were accepted.
    /// 1 to 256 visible characters.
    OrderingKey = "ordering key";
    /// The same key within 24 hours is the same event. 1 to 256 visible characters.
    IdempotencyKey = "idempotency key";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_characters_make_a_key() {
        let longest = "ş".repeat(256);
        for text in ["a", "order 12", "cnv_0190", "müşteri/7", "{\"a\":1}", &longest] {
            assert_eq!(text.parse::<OrderingKey>().unwrap().as_str(), text);
            assert_eq!(text.parse::<IdempotencyKey>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_nobody_sees_does_not() {
        let too_long = "a".repeat(257);
        for text in
            ["", " ", " a", "a ", "a\n", "a\tb", "a\0", "\u{7f}", "a\u{a0}b", "\u{200b}", "\u{202e}x", &too_long]
        {
            assert!(text.parse::<OrderingKey>().is_err(), "{text:?}");
        }
        assert_eq!("".parse::<IdempotencyKey>().unwrap_err(), InvalidKey::Empty("idempotency key"));
    }
}
