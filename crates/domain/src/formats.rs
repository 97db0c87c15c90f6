//! The formats in which an endpoint may want its events: JSON, XML, form fields, `CloudEvents` and plain text.
//!
//! All but the text carry the same things, `type`, `timestamp` and `data`; `docs/formats.md` describes each mapping
//! for those who receive it. All encoders read the event's JSON text token by token, without a tree and without
//! recursion, so that key order and number text survive and depth costs no stack.

pub mod cloudevents;
pub mod form;
mod json_text;
pub mod xml;

use crate::events::{EventData, EventType};
use crate::ids::{EventId, ProjectId};
use json_text::{Token, Tokens, Unit};
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
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `application/json`: `data` goes out byte for byte as it came in.
    #[default]
    Json,
    /// `application/xml; charset=utf-8`: every JSON value has exactly one XML text and can be read back.
    Xml,
    /// `application/x-www-form-urlencoded`: for receivers that only read form fields; types are lost.
    Form,
    /// `application/cloudevents+json`: a `CloudEvents` event in structured mode.
    CloudeventsStructured,
    /// `application/json`: a `CloudEvents` event in binary mode, the data as it came in and the rest in `ce-` headers.
    CloudeventsBinary,
    /// `text/plain; charset=utf-8`: a text as it is, other data as their JSON text; nothing else.
    Text,
}

/// A text that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the format must be “json”, “xml”, “form”, “cloudevents_structured”, “cloudevents_binary” or “text”")]
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
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::Xml, Self::Form, Self::CloudeventsStructured, Self::CloudeventsBinary, Self::Text];

    /// The name in the API, such as `json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Form => "form",
            Self::CloudeventsStructured => "cloudevents_structured",
            Self::CloudeventsBinary => "cloudevents_binary",
            Self::Text => "text",
        }
    }

    /// Whether the receiver has to agree before anything is sent (`CloudEvents`' webhooks, section 4).
    pub const fn needs_handshake(self) -> bool {
        matches!(self, Self::CloudeventsStructured | Self::CloudeventsBinary)
    }

    /// Whether [`headers`] gives any.
    pub const fn has_headers(self) -> bool {
        matches!(self, Self::CloudeventsBinary)
    }

    /// The value of `Content-Type` of a body in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::CloudeventsBinary => "application/json",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded",
            Self::CloudeventsStructured => "application/cloudevents+json",
            Self::Text => "text/plain; charset=utf-8",
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
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(InvalidFormat)
    }
}

/// What is written of an event.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Whose event it is.
    pub project: ProjectId,
    /// The event's id.
    pub id: EventId,
    /// Its type.
    pub event_type: &'a EventType,
    /// Its own time as RFC 3339 text.
    pub timestamp: &'a str,
    /// Its data.
    pub data: &'a EventData,
}

/// The body of an event in a format.
///
/// XML and form fields fail above [`MAX_ENCODED_BYTES`], the others never.
pub fn encode(format: Format, envelope: &Envelope<'_>) -> Result<Encoded, TooLarge> {
    let Envelope { event_type, timestamp, data, .. } = *envelope;
    let body = match format {
        Format::Json => Some(encode_json(event_type, timestamp, data)),
        Format::Xml => xml::encode(event_type, timestamp, data),
        Format::Form => form::encode(event_type, timestamp, data),
        Format::CloudeventsStructured => Some(cloudevents::structured(envelope)),
        Format::CloudeventsBinary => Some(data.as_str().as_bytes().to_vec()),
        Format::Text => Some(encode_text(data)),
    };
    body.map(|body| Encoded { content_type: format.content_type(), body }).ok_or(TooLarge(format))
}

/// The headers that belong to the format besides the content type; none in most.
pub fn headers(format: Format, envelope: &Envelope<'_>) -> Vec<(&'static str, String)> {
    match format {
        Format::CloudeventsBinary => cloudevents::headers(envelope),
        _ => Vec::new(),
    }
}

/// The text itself if the data is one (half a character becomes U+FFFD), else its JSON text.
fn encode_text(data: &EventData) -> Vec<u8> {
    match Tokens::of(data.as_str()).next() {
        Some(Token::String(text)) => {
            let char_of = |unit| match unit {
                Unit::Char(c) => c,
                Unit::Lone(_) => char::REPLACEMENT_CHARACTER,
            };
            text.units().map(char_of).collect::<String>().into_bytes()
        }
        _ => data.as_str().as_bytes().to_vec(),
    }
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
