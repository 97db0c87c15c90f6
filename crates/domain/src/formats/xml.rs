//! XML: one text for every event, from which the very same event can be read back.
//!
//! ```xml
//! <?xml version="1.0" encoding="UTF-8"?>
//! <event><type>order.paid</type><timestamp>2026-01-31T09:00:00.000Z</timestamp><data type="object">…</data></event>
//! ```
//!
//! The rules, in full; there is no white space between elements:
//!
//! 1. *Values.* A text is an element's text without further ado. Everything else says what it is in the attribute
//!    `type`: `number` (the JSON number's own text, `1.0` stays `1.0`), `boolean` (`true`, `false`), `null`, `object`,
//!    `array`. So `"1"` and `1`, `""`, `null`, `{}` and `[]` all differ.
//! 2. *Objects.* A member is an element named by its key, in the order of the JSON text, keys given twice included. A
//!    key that is no plain name becomes `<entry key="…">`. A plain name is 1 to 200 characters long, begins with a
//!    letter or `_` and goes on with letters, digits, `_`, `-` and `.`, where a letter is `A–Z a–z` or a Latin letter
//!    that is a name in every edition of XML 1.0 (U+00C0–U+017E without `×`, `÷`, U+0132, U+0133,
//!    U+013F, U+0140 and U+0149); it does not begin with `xml` in any case. A key may itself be `entry`:
//!    an element stands for its own name unless it has a `key` or `escaped-key`.
//! 3. *Arrays.* Each item is `<item>`.
//! 4. *Characters.* `&`, `<`, `>` are written as entities, in attributes also `"`, tab and line feed; a carriage
//!    return and U+007F–U+009F are written as character references everywhere. A text that begins or ends with white
//!    space says `xml:space="preserve"`.
//! 5. *Forbidden characters.* XML 1.0 cannot carry U+0000–U+001F (but tab, line feed, carriage return), U+FFFE, U+FFFF
//!    and half characters (lone surrogates, `"\ud800"` in JSON), not even as references. A text that has one says
//!    `escaped="true"`, a key that has one is written `<entry escaped-key="…">`; there, and only there, `\u` and four
//!    hex digits stand for such a character and `\\` for a backslash.

mod decode;
mod reader;

pub use decode::{Decoded, InvalidXml, decode};

use super::MAX_ENCODED_BYTES;
use super::json_text::{Text, Token, Tokens, Unit};
use crate::events::{EventData, EventType};
use std::ops::Range;

const LONGEST_NAME: usize = 200;

/// How the element that is about to be written is named.
#[derive(Clone, Copy)]
enum Name<'a> {
    Fixed(&'static str),
    Key(Text<'a>),
}

/// The document of an event; `None` above [`MAX_ENCODED_BYTES`].
pub(super) fn encode(event_type: &EventType, timestamp: &str, data: &EventData) -> Option<Vec<u8>> {
    let json = data.as_str();
    let mut out = Vec::with_capacity(192 + event_type.as_str().len() + timestamp.len() + 3 * json.len());
    out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<event><type>");
    out.extend_from_slice(event_type.as_str().as_bytes());
    out.extend_from_slice(b"</type><timestamp>");
    push_run(&mut out, timestamp, Place::Content);
    out.extend_from_slice(b"</timestamp>");

    // Where the names of the open containers stand in `out`, and whether each is an array.
    let mut open: Vec<(Range<usize>, bool)> = Vec::new();
    let mut name = Name::Fixed("data");
    for token in Tokens::of(json) {
        if out.len() > MAX_ENCODED_BYTES {
            return None;
        }
        match token {
            Token::Key(key) => name = Name::Key(key),
            Token::ObjectEnd | Token::ArrayEnd => {
                if let Some((element, _)) = open.pop() {
                    end_tag(&mut out, element);
                }
                if open.last().is_some_and(|(_, is_array)| *is_array) {
                    name = Name::Fixed("item");
                }
            }
            Token::ObjectStart => {
                open.push((start_tag(&mut out, name), false));
                out.extend_from_slice(b" type=\"object\">");
            }
            Token::ArrayStart => {
                open.push((start_tag(&mut out, name), true));
                out.extend_from_slice(b" type=\"array\">");
                name = Name::Fixed("item");
            }
            Token::Null => {
                start_tag(&mut out, name);
                out.extend_from_slice(b" type=\"null\"/>");
            }
            Token::Boolean(value) => {
                let element = start_tag(&mut out, name);
                out.extend_from_slice(b" type=\"boolean\">");
                out.extend_from_slice(if value { b"true" } else { b"false" });
                end_tag(&mut out, element);
            }
            Token::Number(number) => {
                let element = start_tag(&mut out, name);
                out.extend_from_slice(b" type=\"number\">");
                out.extend_from_slice(number.as_bytes());
                end_tag(&mut out, element);
            }
            Token::String(text) => {
                let element = start_tag(&mut out, name);
                push_string(&mut out, text);
                end_tag(&mut out, element);
            }
        }
    }
    out.extend_from_slice(b"</event>");
    (out.len() <= MAX_ENCODED_BYTES).then_some(out)
}

/// `<name` or `<entry key="…"`, without the closing `>`; returns where the element's name stands.
fn start_tag(out: &mut Vec<u8>, name: Name<'_>) -> Range<usize> {
    out.push(b'<');
    let start = out.len();
    let key = match name {
        Name::Fixed(fixed) => {
            out.extend_from_slice(fixed.as_bytes());
            return start..out.len();
        }
        Name::Key(key) => key,
    };
    match key.decoded() {
        Some(plain) if is_plain_name(&plain) => {
            out.extend_from_slice(plain.as_bytes());
            start..out.len()
        }
        _ => {
            out.extend_from_slice(b"entry");
            let element = start..out.len();
            let escaped = has_forbidden(key);
            out.extend_from_slice(if escaped { b" escaped-key=\"" } else { b" key=\"" });
            push_text(out, key, Place::Attribute, escaped);
            out.push(b'"');
            element
        }
    }
}

fn end_tag(out: &mut Vec<u8>, element: Range<usize>) {
    out.extend_from_slice(b"</");
    out.extend_from_within(element);
    out.push(b'>');
}

/// The rest of a text's start tag, and the text.
fn push_string(out: &mut Vec<u8>, text: Text<'_>) {
    let escaped = has_forbidden(text);
    if escaped {
        out.extend_from_slice(b" escaped=\"true\"");
    }
    if has_outer_space(text) {
        out.extend_from_slice(b" xml:space=\"preserve\"");
    }
    out.push(b'>');
    push_text(out, text, Place::Content, escaped);
}

fn has_outer_space(text: Text<'_>) -> bool {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let is_space_unit = |unit: Option<Unit>| matches!(unit, Some(Unit::Char(c)) if is_space(c));
    match text.plain() {
        Some(plain) => plain.starts_with(is_space) || plain.ends_with(is_space),
        None => is_space_unit(text.units().next()) || is_space_unit(text.units().last()),
    }
}

/// Whether a key can be an element's name by rule 2.
fn is_plain_name(key: &str) -> bool {
    let is_letter = |c: char| {
        c.is_ascii_alphabetic()
            || c == '_'
            || matches!(c, '\u{c0}'..='\u{17e}')
                && !matches!(c, '×' | '÷' | '\u{132}' | '\u{133}' | '\u{13f}' | '\u{140}' | '\u{149}')
    };
    let mut chars = key.chars();
    chars.next().is_some_and(is_letter)
        && chars.all(|c| is_letter(c) || c.is_ascii_digit() || c == '-' || c == '.')
        && !key.as_bytes().get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"xml"))
        && key.chars().count() <= LONGEST_NAME
}

/// A character that XML 1.0 (fifth edition, production 2, `Char`) forbids.
fn is_forbidden(c: char) -> bool {
    c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn has_forbidden(text: Text<'_>) -> bool {
    match text.plain() {
        // JSON text itself has no control characters, so only the two non-characters are left.
        Some(plain) => plain.contains(['\u{fffe}', '\u{ffff}']),
        None => text.units().any(|unit| match unit {
            Unit::Char(c) => is_forbidden(c),
            Unit::Lone(_) => true,
        }),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Content,
    Attribute,
}

fn push_text(out: &mut Vec<u8>, text: Text<'_>, place: Place, escaped: bool) {
    if let (Some(plain), false) = (text.plain(), escaped) {
        return push_run(out, plain, place);
    }
    for unit in text.units() {
        match unit {
            Unit::Char('\\') if escaped => out.extend_from_slice(b"\\\\"),
            Unit::Char(c) if is_forbidden(c) => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            Unit::Char(c) => push_run(out, c.encode_utf8(&mut [0; 4]), place),
            Unit::Lone(code) => out.extend_from_slice(format!("\\u{code:04x}").as_bytes()),
        }
    }
}

/// Appends text without forbidden characters: stretches that need no reference are copied whole.
fn push_run(out: &mut Vec<u8>, text: &str, place: Place) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let (reference, length): (&[u8], _) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'\r' => (b"&#13;", 1),
            b'"' if place == Place::Attribute => (b"&quot;", 1),
            b'\t' if place == Place::Attribute => (b"&#9;", 1),
            b'\n' if place == Place::Attribute => (b"&#10;", 1),
            0x7f => (b"&#127;", 1),
            // U+0080 to U+009F are C2 80 to C2 9F in UTF-8.
            0xc2 if bytes[at + 1] <= 0x9f => (b"", 2),
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        if length == 1 {
            out.extend_from_slice(reference);
        } else {
            out.extend_from_slice(format!("&#{};", bytes[at + 1]).as_bytes());
        }
        copied = at + length;
    }
    out.extend_from_slice(&bytes[copied..]);
}
