//! The three formats in which an endpoint may want its events: JSON, XML and form fields.
//!
//! Every body carries the same three things, `type`, `timestamp` and `data`; `docs/formats.md` describes each mapping
//! for those who receive it. All encoders read the event's JSON text token by token, without a tree and without
//! recursion, so that key order and number text survive and depth costs no stack.

pub mod form;
mod json_text;
pub mod xml;

use crate::events::{EventData, EventType};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The largest body that [`encode`] makes in XML or as form fields, in bytes.
///
/// XML is at most about thirty times as long as the JSON text. A form repeats the whole path for each value, so a
/// hostile event (one long key above many values) could otherwise grow from a mebibyte to gigabytes.
pub const MAX_ENCODED_BYTES: usize = 32 * 1024 * 1024;

/// How an endpoint wants its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `application/json`: `data` goes out byte for byte as it came in.
    #[default]
    Json,
    /// `application/xml; charset=utf-8`: every JSON value has exactly one XML text and can be read back.
    Xml,
    /// `application/x-www-form-urlencoded`: for receivers that only read form fields; types are lost.
    Form,
}

/// A text that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the format must be “json”, “xml” or “form”")]
pub struct InvalidFormat;

/// A body that is ready to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The exact bytes.
    pub body: Vec<u8>,
}

/// The body would be larger than [`MAX_ENCODED_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event is larger than 32 MiB as {0}; choose the format “json” for this webhook or send less data")]
pub struct TooLarge(pub Format);

impl Format {
    /// `json`, `xml` or `form`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Form => "form",
        }
    }

    /// The value of `Content-Type` of a body in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = InvalidFormat;
    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        match text {
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Xml),
            "form" => Ok(Self::Form),
            _ => Err(InvalidFormat),
        }
    }
}

/// The body of an event in a format. `timestamp` is the event's own time as RFC 3339 text.
///
/// JSON never fails; XML and form fields fail above [`MAX_ENCODED_BYTES`].
pub fn encode(format: Format, event_type: &EventType, timestamp: &str, data: &EventData) -> Result<Encoded, TooLarge> {
    let body = match format {
        Format::Json => Some(encode_json(event_type, timestamp, data)),
        Format::Xml => xml::encode(event_type, timestamp, data),
        Format::Form => form::encode(event_type, timestamp, data),
    };
    body.map(|body| Encoded { content_type: format.content_type(), body }).ok_or(TooLarge(format))
}

/// `{"type":…,"timestamp":…,"data":…}` in one allocation. The type needs no escaping by its own rule.
fn encode_json(event_type: &EventType, timestamp: &str, data: &EventData) -> Vec<u8> {
    const PARTS: [&str; 4] = [r#"{"type":""#, r#"","timestamp":""#, r#"","data":"#, "}"];
    let fixed = PARTS.iter().map(|part| part.len()).sum::<usize>();
    let mut body = Vec::with_capacity(fixed + event_type.as_str().len() + timestamp.len() + data.as_str().len());
    body.extend_from_slice(PARTS[0].as_bytes());
    body.extend_from_slice(event_type.as_str().as_bytes());
    body.extend_from_slice(PARTS[1].as_bytes());
    json_text::push_escaped(&mut body, timestamp);
    body.extend_from_slice(PARTS[2].as_bytes());
    body.extend_from_slice(data.as_str().as_bytes());
    body.extend_from_slice(PARTS[3].as_bytes());
    body
}

#[cfg(test)]
mod tests;
