//! The `data` of an event, kept as the JSON text that came in.
//!
//! `serde_json`'s raw value skips over nested values without recursion and so without any limit of depth. Readers have
//! limits, so the depth is counted here, by one pass over the bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// How deep arrays and objects may be nested: a plain value is 0 deep, `[]` is 1 deep.
pub const MAX_DEPTH: usize = 128;

/// Any JSON value, as the text in which it came: the order of keys, keys given twice, the text of numbers and the
/// spelling of strings are all kept. Only white space around the value is dropped.
///
/// Beware when parsing it: `serde_json` by itself refuses 128 levels (it stops at 127).
///
/// Cheap to copy: copies share the text.
#[derive(Clone)]
pub struct EventData(Arc<RawValue>);

/// Why some bytes cannot be the data of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventData {
    /// Not JSON (RFC 8259), or not UTF-8; holds the parser's words with line and column.
    #[error("`data` is not valid JSON: {0}")]
    NotJson(String),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("`data` is nested more than {MAX_DEPTH} levels deep; flatten it or send the inner part as a text")]
    TooDeep,
}

impl EventData {
    /// Takes one JSON value in UTF-8.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidEventData> {
        let raw: Box<RawValue> =
            serde_json::from_slice(bytes).map_err(|error| InvalidEventData::NotJson(error.to_string()))?;
        Self::from_raw(raw)
    }

    /// Takes a value that `serde_json` has already checked, such as a field of a request.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Self, InvalidEventData> {
        if is_too_deep(raw.get()) { Err(InvalidEventData::TooDeep) } else { Ok(Self(raw.into())) }
    }

    /// The JSON text, without white space around it.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

fn is_too_deep(json: &str) -> bool {
    // Who opens no more than that cannot be deeper, and counting is far cheaper than following.
    if json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    false
}

impl TryFrom<Box<RawValue>> for EventData {
    type Error = InvalidEventData;
    fn try_from(raw: Box<RawValue>) -> Result<Self, InvalidEventData> {
        Self::from_raw(raw)
    }
}

/// Two data are equal if they are the same text.
impl PartialEq for EventData {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EventData {}

/// Shows only the size: the data of an event must not end up in a log.
impl fmt::Debug for EventData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventData({} bytes)", self.as_str().len())
    }
}

impl Serialize for EventData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(Box::<RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_as_it_came() {
        for text in [
            r#"{"b":1.0,"a":1E400,"b":-0, "n" : 12345678901234567890123}"#,
            r#""\u0041\/\ud800""#,
            "null",
            "[\n  1,\n  2\n]",
            r#"{"":{}}"#,
        ] {
            let data = EventData::parse(format!(" {text}\n").as_bytes()).unwrap();
            assert_eq!(data.as_str(), text);
            assert_eq!(serde_json::to_string(&data).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let not_json: [&[u8]; 10] =
            [b"", b"{", b"nul", b"01", b"'a'", b"{\"a\":1,}", b"1 2", b"\"\n\"", b"\"\xff\"", b"\xef\xbb\xbf1"];
        for bytes in not_json {
            assert!(matches!(EventData::parse(bytes), Err(InvalidEventData::NotJson(_))), "{bytes:?}");
        }
    }

    #[test]
    fn depth_is_counted_without_recursion_and_outside_of_strings() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let objects = |n: usize| format!("{}1{}", r#"{"a":"#.repeat(n), "}".repeat(n));
        assert!(EventData::parse(nested(128).as_bytes()).is_ok());
        assert!(EventData::parse(objects(128).as_bytes()).is_ok());
        for text in [nested(129), objects(129), nested(1_000_000)] {
            assert_eq!(EventData::parse(text.as_bytes()), Err(InvalidEventData::TooDeep));
        }
        assert!(EventData::parse(format!(r#""\"{}""#, "[".repeat(500)).as_bytes()).is_ok());
        assert!(EventData::parse(format!("[{}1]", "[],".repeat(500)).as_bytes()).is_ok());
    }

    #[test]
    fn the_data_never_shows_in_a_log() {
        assert_eq!(format!("{:?}", EventData::parse(b"\"secret\"").unwrap()), "EventData(8 bytes)");
    }
}
