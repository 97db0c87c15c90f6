//! Reads a service's XML answer into the JSON value that paths look into.
//!
//! An element becomes a text, or an object if it has attributes (`@name`) or elements; elements that repeat become a
//! list; text beside them is `#text`. Namespace prefixes are left out. A document type declaration is refused, so that
//! no entity is ever expanded or fetched; the five built-in entities and character references are read.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements inside one another.
const DEPTH: usize = 64;

/// The document as `{"root": …}`; an error is the reason in words.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let position = reader.buffer_position();
        match reader.read_event().map_err(|error| format!("{error} (at byte {position})"))? {
            Event::Start(start) => {
                if open.len() > DEPTH {
                    return Err(format!("elements are more than {DEPTH} deep"));
                }
                open.push(Element::open(&start)?);
            }
            Event::Empty(start) => close(&mut open, Element::open(&start)?)?,
            Event::End(_) => {
                let element = open.pop().unwrap_or_default();
                close(&mut open, element)?;
            }
            Event::Text(text) => push_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => push_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => push_text(&mut open, &resolve(&reference)?)?,
            Event::DocType(_) => return Err("a document type declaration is not accepted".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(root), true) if root.fields.len() == 1 => Ok(Value::Object(root.fields)),
        (Some(_), true) => Err("there is no single root element".to_owned()),
        _ => Err("an element is not closed".to_owned()),
    }
}

#[derive(Default)]
struct Element {
    name: String,
    fields: Map<String, Value>,
    text: String,
}

impl Element {
    fn open(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut fields = Map::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = attribute.key.local_name().into_inner().to_owned();
            let value = unescape(&attribute.value)?;
            fields.insert(format!("@{name}"), value.into());
        }
        let name = start.local_name().into_inner().to_owned();
        Ok(Self { name, fields, text: String::new() })
    }

    fn into_value(mut self) -> Value {
        let text = self.text.trim();
        if self.fields.is_empty() {
            return text.into();
        }
        if !text.is_empty() {
            self.fields.insert("#text".to_owned(), text.into());
        }
        Value::Object(self.fields)
    }
}

fn close(open: &mut [Element], element: Element) -> Result<(), String> {
    let parent = open.last_mut().ok_or("an element is closed that was not opened")?;
    let name = element.name.clone();
    let value = element.into_value();
    match parent.fields.get_mut(&name) {
        None => {
            parent.fields.insert(name, value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
    Ok(())
}

fn push_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open {
        [] | [_] if text.trim().is_empty() => Ok(()),
        [] | [_] => Err("there is text outside the root element".to_owned()),
        [.., element] => {
            element.text.push_str(text);
            Ok(())
        }
    }
}

/// The five built-in entities and character references; any other is refused.
fn resolve(name: &str) -> Result<String, String> {
    let code = match name {
        "amp" => return Ok("&".into()),
        "lt" => return Ok("<".into()),
        "gt" => return Ok(">".into()),
        "quot" => return Ok("\"".into()),
        "apos" => return Ok("'".into()),
        _ => match name.strip_prefix("#x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => name.strip_prefix('#').and_then(|decimal| decimal.parse().ok()),
        },
    };
    let shown: String = name.chars().take(40).collect();
    code.and_then(char::from_u32).map(String::from).ok_or_else(|| format!("the entity &{shown}; is not known"))
}

fn unescape(raw: &str) -> Result<String, String> {
    let mut pieces = raw.split('&');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, after) = piece.split_once(';').ok_or("an entity is not closed")?;
        text.push_str(&resolve(name)?);
        text.push_str(after);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_attributes_and_lists() {
        let text = r#"<?xml version="1.0"?><!-- c --><s:order xmlns:s="u" no="7 &amp; 8"><status>Yol &#x131; &lt;da&gt;</status>
            <item><n>a</n></item><item/><note lang="tr">kısa</note><c><![CDATA[<b>&amp;]]></c></s:order>"#;
        let expected = json!({"order": {"@s": "u", "@no": "7 & 8", "status": "Yol ı <da>",
            "item": [{"n": "a"}, ""], "note": {"@lang": "tr", "#text": "kısa"}, "c": "<b>&amp;"}});
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn hostile_and_broken_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        for text in [
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            "<a b=\"&x;\"/>",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "text",
            "",
            "<a/>text",
            "<a>&#xD800;</a>",
            deep.as_str(),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))).is_ok());
    }
}
