//! Reading JSON text that is known to be valid, token by token.
//!
//! [`EventData`](crate::events::EventData) has been checked when it was made, so nothing here reports errors: on text
//! that is not JSON the tokens are meaningless, but the end is always reached.

use crate::events::MAX_DEPTH;
use std::borrow::Cow;
use std::fmt;

/// A piece of a JSON text. Numbers and strings are slices of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key(Text<'a>),
    String(Text<'a>),
    Number(&'a str),
    Boolean(bool),
    Null,
}

/// A string's text between its quotes, escapes and all.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Text<'a>(pub(super) &'a str);

/// A character of a string, or half of one: JSON can write a lone UTF-16 surrogate (`"\ud800"`), Rust text cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Char(char),
    Lone(u16),
}

impl<'a> Text<'a> {
    /// The text itself if nothing in it is escaped, the usual case.
    pub(super) fn plain(self) -> Option<&'a str> {
        if self.0.as_bytes().contains(&b'\\') { None } else { Some(self.0) }
    }

    /// The text that is meant, or nothing if it has half characters.
    pub(super) fn decoded(self) -> Option<Cow<'a, str>> {
        let char_of = |unit| match unit {
            Unit::Char(c) => Some(c),
            Unit::Lone(_) => None,
        };
        self.plain()
            .map(Cow::Borrowed)
            .or_else(|| self.units().map(char_of).collect::<Option<String>>().map(Cow::Owned))
    }

    /// The characters that the string means.
    pub(super) fn units(self) -> Units<'a> {
        Units(self.0)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// See [`Text::units`].
#[derive(Clone)]
pub(super) struct Units<'a>(&'a str);

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let first = self.take_char()?;
        if first != '\\' {
            return Some(Unit::Char(first));
        }
        Some(match self.take_char()? {
            'b' => Unit::Char('\u{8}'),
            'f' => Unit::Char('\u{c}'),
            'n' => Unit::Char('\n'),
            'r' => Unit::Char('\r'),
            't' => Unit::Char('\t'),
            'u' => self.take_utf16()?,
            itself => Unit::Char(itself),
        })
    }
}

impl Units<'_> {
    fn take_char(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        self.0 = chars.as_str();
        Some(first)
    }

    fn take_hex(&mut self) -> Option<u16> {
        let value = u16::from_str_radix(self.0.get(..4)?, 16).ok()?;
        self.0 = &self.0[4..];
        Some(value)
    }

    /// What follows `\u`: a code unit, joined with the next one if both make a pair.
    fn take_utf16(&mut self) -> Option<Unit> {
        let first = self.take_hex()?;
        if let Some(c) = char::from_u32(u32::from(first)) {
            return Some(Unit::Char(c));
        }
        let mut ahead = self.clone();
        if let Some(rest) = ahead.0.strip_prefix("\\u") {
            ahead.0 = rest;
            let pair = ahead.take_hex().and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            if let Some(c) = pair {
                *self = ahead;
                return Some(Unit::Char(c));
            }
        }
        Some(Unit::Lone(first))
    }
}

/// The tokens of a JSON text, in order.
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// One bit for each open container, 1 = object; the innermost is the lowest. [`MAX_DEPTH`] levels fit exactly.
    open: u128,
    expects_key: bool,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize, "Tokens keeps one bit for each level");

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, open: 0, expects_key: false }
    }

    fn opened(&mut self, is_object: bool) {
        self.open = self.open << 1 | u128::from(is_object);
        self.expects_key = is_object;
    }

    fn closed(&mut self) {
        self.open >>= 1;
        self.expects_key = false;
    }

    /// The string whose opening quote has just been read.
    fn string(&mut self) -> Text<'a> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let text = Text(self.text.get(start..self.at).unwrap_or_default());
        self.at += 1;
        text
    }

    /// The number or literal whose first byte is at `start`.
    fn word(&mut self, start: usize) -> Token<'a> {
        let rest = &self.text.as_bytes()[self.at..];
        let is_end = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
        match &self.text[start..self.at] {
            "true" => Token::Boolean(true),
            "false" => Token::Boolean(false),
            "null" => Token::Null,
            number => Token::Number(number),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.at;
            let byte = *self.text.as_bytes().get(start)?;
            self.at += 1;
            return Some(match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b':' => continue,
                b',' => {
                    self.expects_key = self.open & 1 == 1;
                    continue;
                }
                b'{' => {
                    self.opened(true);
                    Token::ObjectStart
                }
                b'[' => {
                    self.opened(false);
                    Token::ArrayStart
                }
                b'}' => {
                    self.closed();
                    Token::ObjectEnd
                }
                b']' => {
                    self.closed();
                    Token::ArrayEnd
                }
                b'"' if std::mem::take(&mut self.expects_key) => Token::Key(self.string()),
                b'"' => Token::String(self.string()),
                _ => self.word(start),
            });
        }
    }
}

/// Appends one unit as it is written inside a JSON string.
pub(super) fn push_unit(out: &mut Vec<u8>, unit: Unit) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let code = match unit {
        Unit::Char('"') => return out.extend_from_slice(b"\\\""),
        Unit::Char('\\') => return out.extend_from_slice(b"\\\\"),
        Unit::Char('\n') => return out.extend_from_slice(b"\\n"),
        Unit::Char('\r') => return out.extend_from_slice(b"\\r"),
        Unit::Char('\t') => return out.extend_from_slice(b"\\t"),
        Unit::Char('\u{8}') => return out.extend_from_slice(b"\\b"),
        Unit::Char('\u{c}') => return out.extend_from_slice(b"\\f"),
        Unit::Char(c) if c >= ' ' => return out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Unit::Char(c) => c as u16,
        Unit::Lone(code) => code,
    };
    let digit = |shift: u16| HEX[usize::from(code >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Appends a text as it is written inside a JSON string.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let needs_escape = |b: u8| b < b' ' || b == b'"' || b == b'\\';
    if text.bytes().any(needs_escape) {
        text.chars().for_each(|c| push_unit(out, Unit::Char(c)));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_in_order_and_keys_are_told_from_strings() {
        use Token::{ArrayEnd, ArrayStart, Boolean, Key, Null, Number, ObjectEnd, ObjectStart, String};
        let text = r#" {"a" : [1.0, "x\"y", {}, []] , "b":{"c":null},"a":true } "#;
        let expected = [
            ObjectStart,
            Key(Text("a")),
            ArrayStart,
            Number("1.0"),
            String(Text(r#"x\"y"#)),
            ObjectStart,
            ObjectEnd,
            ArrayStart,
            ArrayEnd,
            ArrayEnd,
            Key(Text("b")),
            ObjectStart,
            Key(Text("c")),
            Null,
            ObjectEnd,
            Key(Text("a")),
            Boolean(true),
            ObjectEnd,
        ];
        assert_eq!(Tokens::of(text).collect::<Vec<_>>(), expected);
        assert_eq!(Tokens::of("-1E+5").collect::<Vec<_>>(), [Number("-1E+5")]);
    }

    #[test]
    fn escapes_are_read_as_json_means_them() {
        let units = |text| Text(text).units().collect::<Vec<_>>();
        let chars = |text: &str| text.chars().map(Unit::Char).collect::<Vec<_>>();
        assert_eq!(units(r#"\"\\\/\b\f\n\r\tş\u0041"#), chars("\"\\/\u{8}\u{c}\n\r\tşA"));
        assert_eq!(units(r"\ud83d\ude00"), chars("😀"));
        assert_eq!(units(r"\ude00\ud83d"), [Unit::Lone(0xde00), Unit::Lone(0xd83d)]);
        assert_eq!(units(r"\uD800x"), [Unit::Lone(0xd800), Unit::Char('x')]);
        assert_eq!(units(r"\ud800\u0041"), [Unit::Lone(0xd800), Unit::Char('A')]);
        assert_eq!(units(r"\ud800\ud83d\ude00"), [Unit::Lone(0xd800), Unit::Char('😀')]);
    }

    #[test]
    fn text_that_is_not_json_still_ends() {
        for text in ["\"", "\"\\", "]]]", "{\"a", "\"\\u12", "\"\\ud800\\u", "::,,x", "\u{e9}\u{e9}"] {
            for token in Tokens::of(text) {
                if let Token::Key(text) | Token::String(text) = token {
                    text.units().count();
                }
            }
        }
    }
}
