//! Reading an event back from XML, by the rules of the module above.
//!
//! It reads what Kanca writes and what an ordinary XML library makes of it: white space between containers' elements,
//! comments, processing instructions, CDATA, single quotes. A document type is refused (entities are how XML attacks
//! its reader), and so is every element that no rule explains. There is no recursion.

use super::super::json_text::{Unit, push_escaped, push_unit};
use super::reader::{Markup, Reader};
use crate::events::{EventData, EventType, MAX_DEPTH};
use std::borrow::Cow;

/// What an XML body said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The event's type.
    pub event_type: EventType,
    /// The event's time, as text.
    pub timestamp: String,
    /// The event's data. Strings are in their shortest JSON spelling; numbers and the order of keys are as encoded.
    pub data: EventData,
}

/// A text that is no event in XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event in XML: {problem} (at byte {at})")]
pub struct InvalidXml {
    /// Where, in bytes from the beginning.
    pub at: usize,
    /// What is wrong there.
    pub problem: Cow<'static, str>,
}

/// Reads a body that [`encode`](crate::formats::encode) made.
pub fn decode(body: &[u8]) -> Result<Decoded, InvalidXml> {
    let text = std::str::from_utf8(body)
        .map_err(|error| InvalidXml { at: error.valid_up_to(), problem: "it is not UTF-8".into() })?;
    let mut reader = Reader::of(text);
    let mut reading = Reading::default();
    while let Some(markup) = reader.next()? {
        match markup {
            Markup::Start { name, attributes, is_empty } => {
                let started = reading.start(name, &attributes);
                if is_empty { started.and_then(|()| reading.end(name)) } else { started }
            }
            Markup::End(name) => reading.end(name),
            Markup::Text(text) => reading.text(&text),
        }
        .map_err(|problem| reader.invalid(problem))?;
    }
    reading.finish().map_err(|problem| reader.invalid(problem))
}

pub(super) type Problem = Cow<'static, str>;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Event,
    Type,
    Timestamp,
    Object,
    Array,
    Text,
    Number,
    Boolean,
    Null,
}

struct Open<'a> {
    name: &'a str,
    kind: Kind,
    text: String,
    escaped: bool,
    is_first: bool,
}

/// The event as far as it has been read.
#[derive(Default)]
struct Reading<'a> {
    open: Vec<Open<'a>>,
    is_over: bool,
    event_type: Option<String>,
    timestamp: Option<String>,
    json: Vec<u8>,
}

impl<'a> Reading<'a> {
    fn start(&mut self, name: &'a str, attributes: &[(&'a str, String)]) -> Result<(), Problem> {
        if self.open.len() > MAX_DEPTH + 1 {
            return Err("it is nested too deep".into());
        }
        let attribute = |wanted| attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        let mut kind = match attribute("type") {
            None => Kind::Text,
            Some("object") => Kind::Object,
            Some("array") => Kind::Array,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            Some("null") => Kind::Null,
            Some(_) => return Err("the attribute “type” has an unknown value".into()),
        };
        match self.open.last_mut() {
            None if self.is_over => return Err("there is a second root element".into()),
            None if name == "event" => kind = Kind::Event,
            None => return Err("the root element is not “event”".into()),
            Some(parent) => match (parent.kind, name) {
                (Kind::Event, "type") if self.event_type.is_none() => kind = Kind::Type,
                (Kind::Event, "timestamp") if self.timestamp.is_none() => kind = Kind::Timestamp,
                (Kind::Event, "data") if self.json.is_empty() => {}
                (Kind::Event, _) => return Err("“event” holds one “type”, one “timestamp” and one “data”".into()),
                (Kind::Object, _) => {
                    separate(&mut self.json, parent);
                    self.json.push(b'"');
                    match (attribute("key"), attribute("escaped-key")) {
                        (None, None) => push_escaped(&mut self.json, name),
                        (Some(key), None) => push_escaped(&mut self.json, key),
                        (None, Some(key)) => push_unescaped(&mut self.json, key)?,
                        (Some(_), Some(_)) => return Err("an entry has two keys".into()),
                    }
                    self.json.extend_from_slice(b"\":");
                }
                (Kind::Array, "item") => separate(&mut self.json, parent),
                (Kind::Array, _) => return Err("an array holds an element other than “item”".into()),
                _ => return Err("there is an element inside a text".into()),
            },
        }
        match kind {
            Kind::Object => self.json.push(b'{'),
            Kind::Array => self.json.push(b'['),
            _ => {}
        }
        let escaped = attribute("escaped") == Some("true");
        self.open.push(Open { name, kind, text: String::new(), escaped, is_first: true });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        match self.open.last_mut() {
            Some(Open { kind: Kind::Event | Kind::Object | Kind::Array, .. }) | None => {
                let is_space = text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
                if is_space { Ok(()) } else { Err("there is text between elements".into()) }
            }
            Some(open) => {
                open.text.push_str(text);
                Ok(())
            }
        }
    }

    fn end(&mut self, name: &str) -> Result<(), Problem> {
        let closed = self.open.pop().filter(|open| open.name == name).ok_or("an end tag does not fit")?;
        let json = &mut self.json;
        match (closed.kind, closed.text.as_str()) {
            (Kind::Event, _) => self.is_over = true,
            (Kind::Type, _) => self.event_type = Some(closed.text),
            (Kind::Timestamp, _) => self.timestamp = Some(closed.text),
            (Kind::Object, _) => json.push(b'}'),
            (Kind::Array, _) => json.push(b']'),
            (Kind::Text, text) => {
                json.push(b'"');
                if closed.escaped {
                    push_unescaped(json, text)?;
                } else {
                    push_escaped(json, text);
                }
                json.push(b'"');
            }
            // That the characters make a number is seen when the whole JSON text is checked.
            (Kind::Number, number)
                if !number.is_empty()
                    && number.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                json.extend_from_slice(number.as_bytes());
            }
            (Kind::Boolean, value @ ("true" | "false")) => json.extend_from_slice(value.as_bytes()),
            (Kind::Null, "") => json.extend_from_slice(b"null"),
            _ => return Err("a value does not fit its type".into()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Decoded, Problem> {
        if !self.is_over {
            return Err("it ends too early".into());
        }
        let event_type = self.event_type.ok_or("there is no “type”")?;
        Ok(Decoded {
            event_type: event_type.parse().map_err(|error| format!("{error}"))?,
            timestamp: self.timestamp.ok_or("there is no “timestamp”")?,
            data: EventData::parse(&self.json).map_err(|error| format!("{error}"))?,
        })
    }
}

fn separate(json: &mut Vec<u8>, parent: &mut Open<'_>) {
    if !std::mem::take(&mut parent.is_first) {
        json.push(b',');
    }
}

/// Appends a text in which forbidden characters are escaped (rule 5) to a JSON string.
fn push_unescaped(json: &mut Vec<u8>, text: &str) -> Result<(), Problem> {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let unit = match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('\\')) => Unit::Char('\\'),
            ('\\', Some('u')) => {
                let hex = chars.as_str().get(..4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                let code = hex.and_then(|hex| u16::from_str_radix(hex, 16).ok());
                let code = code.ok_or("“\\u” is not followed by four hex digits")?;
                chars = chars.as_str()[4..].chars();
                char::from_u32(u32::from(code)).map_or(Unit::Lone(code), Unit::Char)
            }
            ('\\', _) => return Err("a backslash in an escaped text is followed by neither a backslash nor “u”".into()),
            (c, _) => Unit::Char(c),
        };
        push_unit(json, unit);
    }
    Ok(())
}
