//! Splits an XML document into tags and texts: the part of XML 1.0 that an event needs, without document types.

use super::decode::{InvalidXml, Problem};
use super::is_forbidden;

pub(super) enum Markup<'a> {
    Start { name: &'a str, attributes: Vec<(&'a str, String)>, is_empty: bool },
    End(&'a str),
    Text(String),
}

/// Splits a document into tags and texts.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0 }
    }

    pub(super) fn invalid(&self, problem: impl Into<Problem>) -> InvalidXml {
        InvalidXml { at: self.at, problem: problem.into() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    /// The text up to `end`, which is skipped too.
    fn until(&mut self, end: &str) -> Result<&'a str, InvalidXml> {
        let rest = self.rest();
        let length = rest.find(end).ok_or_else(|| self.invalid(format!("“{end}” is missing")))?;
        self.at += length + end.len();
        Ok(&rest[..length])
    }

    fn while_in(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_space(&mut self) -> bool {
        !self.while_in(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_empty()
    }

    pub(super) fn next(&mut self) -> Result<Option<Markup<'a>>, InvalidXml> {
        loop {
            if self.rest().is_empty() {
                return Ok(None);
            }
            if self.skip("<?") {
                self.until("?>")?;
            } else if self.skip("<!--") {
                self.until("-->")?;
            } else if self.skip("<![CDATA[") {
                let text = self.until("]]>")?;
                return self.checked(text.replace("\r\n", "\n").replace('\r', "\n")).map(Markup::Text).map(Some);
            } else if self.skip("<!") {
                return Err(self.invalid("a document type is not accepted"));
            } else if self.skip("</") {
                let name = self.name()?;
                self.skip_space();
                if !self.skip(">") {
                    return Err(self.invalid("an end tag does not end"));
                }
                return Ok(Some(Markup::End(name)));
            } else if self.skip("<") {
                return self.start_tag().map(Some);
            } else {
                let text = self.while_in(|c| c != '<');
                return self.resolved(text, false).map(Markup::Text).map(Some);
            }
        }
    }

    fn name(&mut self) -> Result<&'a str, InvalidXml> {
        let name = self.while_in(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
        let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':');
        if starts_well { Ok(name) } else { Err(self.invalid("a name is missing")) }
    }

    fn start_tag(&mut self) -> Result<Markup<'a>, InvalidXml> {
        let name = self.name()?;
        let mut attributes: Vec<(&str, String)> = Vec::new();
        loop {
            let spaced = self.skip_space();
            if self.skip("/>") {
                return Ok(Markup::Start { name, attributes, is_empty: true });
            }
            if self.skip(">") {
                return Ok(Markup::Start { name, attributes, is_empty: false });
            }
            if !spaced || attributes.len() == 16 {
                return Err(self.invalid("a start tag does not end"));
            }
            let attribute = self.name()?;
            self.skip_space();
            let equals = self.skip("=");
            self.skip_space();
            let quote = ["\"", "'"].into_iter().find(|quote| equals && self.skip(quote));
            let value = self.until(quote.ok_or_else(|| self.invalid("an attribute has no value in quotes"))?)?;
            if attributes.iter().any(|(other, _)| *other == attribute) {
                return Err(self.invalid("an attribute is given twice"));
            }
            if value.contains('<') {
                return Err(self.invalid("an attribute contains “<”"));
            }
            attributes.push((attribute, self.resolved(value, true)?));
        }
    }

    /// Puts characters in the place of references, and one line feed in the place of each kind of line end (a space
    /// in an attribute), as XML demands.
    fn resolved(&self, text: &str, in_attribute: bool) -> Result<String, InvalidXml> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '&' => {
                    let (name, after) = rest.split_once(';').ok_or_else(|| self.invalid("a reference does not end"))?;
                    out.push(referred(name).ok_or_else(|| self.invalid("a reference is unknown"))?);
                    rest = after;
                }
                '\r' if rest.starts_with('\n') => {}
                '\n' | '\r' | '\t' if in_attribute => out.push(' '),
                '\r' => out.push('\n'),
                c => out.push(c),
            }
        }
        self.checked(out)
    }

    fn checked(&self, text: String) -> Result<String, InvalidXml> {
        if text.contains(is_forbidden) { Err(self.invalid("a character is forbidden in XML")) } else { Ok(text) }
    }
}

fn referred(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let digits = name.strip_prefix('#')?;
            let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |hex| (hex, 16));
            let code = u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?;
            char::from_u32(code)?
        }
    })
}
