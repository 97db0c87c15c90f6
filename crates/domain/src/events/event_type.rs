//! The name of an event's type, such as `order.paid`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest event type and the longest pattern, in characters (all of them ASCII, so also in bytes).
pub const MAX_TYPE_LENGTH: usize = 128;

/// The type of an event: 1 to 128 characters, segments of `A-Z a-z 0-9 _ -` joined by full stops.
///
/// The shape is that of Standard Webhooks ("hierarchical, full-stop delimited"), with the hyphen added because many
/// programs have it in their names already. Copies share one text, so that an event may be cloned on its way to many
/// endpoints.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Arc<str>);

/// Why a text is not an event type; each sentence says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventType {
    /// Nothing was written.
    #[error("the event type is empty; write one such as “order.paid”")]
    Empty,
    /// Longer than [`MAX_TYPE_LENGTH`]; holds the length in characters.
    #[error("the event type has {0} characters; at most {MAX_TYPE_LENGTH} are allowed")]
    TooLong(usize),
    /// A full stop at the beginning or the end, or two in a row.
    #[error("the event type has an empty segment; put exactly one full stop between two names, as in “order.paid”")]
    EmptySegment,
    /// A character other than letters, digits, `_`, `-` and the full stop.
    #[error("the event type contains {0:?}; use only A–Z, a–z, 0–9, “_” and “-”, with full stops between segments")]
    Character(char),
}

impl EventType {
    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule itself, shared with the fixed part of a pattern.
pub(super) fn check(text: &str) -> Result<(), InvalidEventType> {
    if text.is_empty() {
        return Err(InvalidEventType::Empty);
    }
    if text.len() > MAX_TYPE_LENGTH {
        return Err(InvalidEventType::TooLong(text.chars().count()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if let Some(wrong) = text.chars().find(|c| !allowed(*c)) {
        return Err(InvalidEventType::Character(wrong));
    }
    if text.split('.').any(str::is_empty) {
        return Err(InvalidEventType::EmptySegment);
    }
    Ok(())
}

impl FromStr for EventType {
    type Err = InvalidEventType;
    fn from_str(text: &str) -> Result<Self, InvalidEventType> {
        check(text)?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_types() {
        let longest = "a".repeat(128);
        for name in ["order.paid", "a", "A-1_b.c.d", "user_registered", &longest] {
            assert_eq!(name.parse::<EventType>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_reason() {
        use InvalidEventType::{Character, Empty, EmptySegment, TooLong};
        let too_long = "a".repeat(129);
        for (text, problem) in [
            ("", Empty),
            (".", EmptySegment),
            ("a.", EmptySegment),
            (".a", EmptySegment),
            ("a..b", EmptySegment),
            ("a b", Character(' ')),
            ("order.*", Character('*')),
            ("sipariş", Character('ş')),
            ("a\n", Character('\n')),
            (&too_long, TooLong(129)),
        ] {
            assert_eq!(text.parse::<EventType>(), Err(problem), "{text:?}");
        }
    }
}
