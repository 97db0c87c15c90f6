//! Form fields: `type`, `timestamp` and one `data…` field for each value, by the WHATWG URL Standard's
//! `application/x-www-form-urlencoded` serializer (space → `+`; all but `A–Z a–z 0–9 * - . _` percent-encoded, so the
//! brackets of a name travel as `%5B` and `%5D`).
//!
//! | JSON | field |
//! | --- | --- |
//! | member `key` of an object, item 0 of an array | `…[key]`, `…[0]` |
//! | text, number | the text, the number's own text |
//! | `true`, `false` | `true`, `false` |
//! | `null`, `{}`, `[]` | the name with an empty value, so that one sees that the key was there |
//!
//! Names are not escaped within themselves (a key `a[b]` gives `data[a[b]]`), keys given twice give the field twice,
//! and half a character (a lone surrogate) becomes U+FFFD. A form knows only texts: who must tell `1` from `"1"` takes
//! JSON or XML.

use super::MAX_ENCODED_BYTES;
use super::json_text::{Text, Token, Tokens, Unit};
use crate::events::{EventData, EventType};

/// A container that is open: where its name ends, and the next item's number if it is an array.
struct Open {
    name_length: usize,
    next_item: Option<usize>,
    is_empty: bool,
}

/// The fields of an event; `None` above [`MAX_ENCODED_BYTES`].
pub(super) fn encode(event_type: &EventType, timestamp: &str, data: &EventData) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(64 + event_type.as_str().len() + timestamp.len() + 2 * data.as_str().len());
    out.extend_from_slice(b"type=");
    push_encoded(&mut out, event_type.as_str());
    out.extend_from_slice(b"&timestamp=");
    push_encoded(&mut out, timestamp);

    let mut name = b"data".to_vec();
    let mut open: Vec<Open> = Vec::new();
    for token in Tokens::of(data.as_str()) {
        if let Some(parent) = open.last_mut() {
            match token {
                Token::Key(key) => {
                    parent.is_empty = false;
                    name.truncate(parent.name_length);
                    name.extend_from_slice(b"%5B");
                    push_text(&mut name, key);
                    name.extend_from_slice(b"%5D");
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd => {
                    if parent.is_empty {
                        name.truncate(parent.name_length);
                        start_field(&mut out, &name)?;
                    }
                    open.pop();
                    continue;
                }
                _ => {}
            }
            if let Some(item) = &mut parent.next_item {
                parent.is_empty = false;
                name.truncate(parent.name_length);
                name.extend_from_slice(format!("%5B{item}%5D").as_bytes());
                *item += 1;
            }
        }
        match token {
            Token::ObjectStart => open.push(Open { name_length: name.len(), next_item: None, is_empty: true }),
            Token::ArrayStart => open.push(Open { name_length: name.len(), next_item: Some(0), is_empty: true }),
            scalar => {
                start_field(&mut out, &name)?;
                match scalar {
                    Token::String(text) => push_text(&mut out, text),
                    Token::Number(number) => push_encoded(&mut out, number),
                    Token::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
                    _ => {}
                }
            }
        }
    }
    (out.len() <= MAX_ENCODED_BYTES).then_some(out)
}

/// `&name=`, unless the body is too large already.
fn start_field(out: &mut Vec<u8>, name: &[u8]) -> Option<()> {
    if out.len() + name.len() > MAX_ENCODED_BYTES {
        return None;
    }
    out.push(b'&');
    out.extend_from_slice(name);
    out.push(b'=');
    Some(())
}

fn push_text(out: &mut Vec<u8>, text: Text<'_>) {
    if let Some(plain) = text.plain() {
        return push_encoded(out, plain);
    }
    for unit in text.units() {
        let c = match unit {
            Unit::Char(c) => c,
            Unit::Lone(_) => char::REPLACEMENT_CHARACTER,
        };
        push_encoded(out, c.encode_utf8(&mut [0; 4]));
    }
}

fn push_encoded(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
}
