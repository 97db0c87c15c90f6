//! The scenario document: what the canvas saves, what export files hold, what versions freeze.
//!
//! Reading is strict about shape (unknown fields, types, limits) and lenient about meaning: a half-drawn scenario is
//! a document too, and what is wrong with it is said by `validate`.

use super::blocks::Block;
use super::limits;
use super::reading::at;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// The value of `schema` in every document.
pub const SCHEMA: &str = "kanca.scenario/1";

/// A scenario as it is stored and exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The scenario's name, in export files only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The declared user attributes.
    #[serde(default)]
    pub attributes: Vec<AttributeDeclaration>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// The edges.
    pub edges: Vec<Edge>,
}

/// A user attribute that the scenario declares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeDeclaration {
    /// `[A-Za-z_][A-Za-z0-9_.]{0,63}`.
    pub name: String,
    /// What the panel calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its value when a conversation begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// Joins an output port of a block to another block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The block that is left.
    pub from: String,
    /// Its port.
    pub port: String,
    /// The block that is entered.
    pub to: String,
}

/// Why a text is not a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentError {
    /// A JSON pointer such as `/blocks/3/messages/0/text`; empty for the whole document.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl DocumentError {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for DocumentError {}

impl Document {
    /// Reads a document from JSON text. All errors are collected (at most 100), so that one look is enough.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<DocumentError>> {
        if bytes.len() > limits::DOCUMENT_BYTES {
            return Err(vec![DocumentError::new("", "a scenario document is at most 1 MiB; split the scenario")]);
        }
        let value = serde_json::from_slice(bytes)
            .map_err(|error| vec![DocumentError::new("", format!("the document is not JSON: {error}"))])?;
        Self::parse_value(value)
    }

    /// Reads a document from a JSON value. The size of the text is not checked here; see [`Document::parse`].
    pub fn parse_value(value: Value) -> Result<Self, Vec<DocumentError>> {
        let Value::Object(fields) = value else {
            return Err(vec![DocumentError::new(
                "",
                "a scenario document is an object with `schema`, `blocks`, `edges`",
            )]);
        };
        let mut errors = Vec::new();
        let document = read(fields, &mut errors);
        limits::check(&document, &mut errors);
        errors.truncate(100);
        if errors.is_empty() { Ok(document) } else { Err(errors) }
    }

    /// The block of this id; the first one if the id is not unique.
    pub fn block(&self, id: &str) -> Option<&Block> {
        self.blocks.iter().find(|block| block.id == id)
    }
}

/// Reads part by part and notes every error; the result counts only if there was none.
fn read(mut fields: Map<String, Value>, errors: &mut Vec<DocumentError>) -> Document {
    let mut document =
        Document { schema: SCHEMA.into(), name: None, attributes: vec![], blocks: vec![], edges: vec![] };
    match fields.shift_remove("schema") {
        Some(Value::String(schema)) if schema == SCHEMA => {}
        Some(_) => errors.push(DocumentError::new("/schema", format!("this version reads only “{SCHEMA}”"))),
        None => errors.push(DocumentError::new("", format!("add \"schema\": \"{SCHEMA}\""))),
    }
    if let Some(name) = fields.shift_remove("name") {
        match at(name, "/name") {
            Ok(name) => document.name = name,
            Err(error) => errors.push(error),
        }
    }
    if fields.contains_key("attributes") {
        document.attributes = read_list(&mut fields, "attributes", limits::ATTRIBUTES, errors, at);
    }
    document.blocks = read_list(&mut fields, "blocks", limits::BLOCKS, errors, Block::read);
    document.edges = read_list(&mut fields, "edges", limits::EDGES, errors, at);
    for unknown in fields.keys() {
        errors.push(DocumentError::new(format!("/{unknown}"), "this field is not known here; remove it"));
    }
    document
}

fn read_list<T>(
    fields: &mut Map<String, Value>,
    name: &str,
    most: usize,
    errors: &mut Vec<DocumentError>,
    read: fn(Value, &str) -> Result<T, DocumentError>,
) -> Vec<T> {
    let path = format!("/{name}");
    match fields.shift_remove(name) {
        Some(Value::Array(items)) if items.len() > most => {
            errors.push(DocumentError::new(path, format!("at most {most} are allowed; {} were given", items.len())));
        }
        Some(Value::Array(items)) => {
            let read = items.into_iter().enumerate().map(|(index, item)| read(item, &format!("{path}/{index}")));
            return read.filter_map(|item| item.map_err(|error| errors.push(error)).ok()).collect();
        }
        Some(_) => errors.push(DocumentError::new(path, format!("`{name}` must be a list"))),
        None => errors.push(DocumentError::new("", format!("the field `{name}` is missing"))),
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn errors(value: Value) -> Vec<String> {
        let errors = Document::parse_value(value).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn errors_name_the_place() {
        let found = errors(json!({
            "schema": "kanca.scenario/2",
            "extra": 1,
            "attributes": [{"name": "1x"}, {"name": "a"}, {"name": "a"}],
            "blocks": [
                {"id": "a b", "type": "start"},
                {"id": "t", "type": "text", "messages": [{"text": "x", "delay_ms": 60001}, {"text": "y".repeat(4001)}]},
                {"id": "u", "type": "text", "messages": [{"text": 1}]},
                {"id": "v", "type": "teleport"},
                {"id": "w", "type": "end", "colour": "red"},
                {"type": "end"},
                5,
            ],
            "edges": [{"from": "a", "port": "next"}],
        }));
        let expected = [
            "/schema: this version reads only “kanca.scenario/1”",
            "/blocks/2/messages/0/text: invalid type: integer `1`, expected a string",
            "/blocks/3/type: “teleport” is not a block type; choose one of start, text, ",
            "/blocks/4/colour: unknown field `colour`, expected `text`",
            "/blocks/5: a block needs the field `id`",
            "/blocks/6: a block is an object with `id` and `type`",
            "/edges/0: missing field `to`",
            "/extra: this field is not known here; remove it",
            "/attributes/0/name: an attribute's name is 1 to 64 of",
            "/attributes/2/name: the attribute “a” is declared twice; remove one",
            "/blocks/0/id: an id is 1 to 64 of",
            "/blocks/1/messages/0/delay_ms: must be from 0 to 60000",
            "/blocks/1/messages/1/text: a text is at most 4000 characters; shorten it",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn what_is_not_a_document_is_refused() {
        assert!(Document::parse(b"{").is_err());
        assert_eq!(errors(json!([])), ["a scenario document is an object with `schema`, `blocks`, `edges`"]);
        assert_eq!(errors(json!({})).len(), 3);
        let large = format!("{{\"schema\":\"{}\"}}", "x".repeat(1024 * 1024));
        assert!(Document::parse(large.as_bytes()).unwrap_err()[0].message.contains("1 MiB"));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(Document::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn counts_are_limited() {
        let blocks: Vec<Value> = (0..501).map(|n| json!({"id": format!("b{n}"), "type": "end"})).collect();
        let edges = vec![json!({"from": "a", "port": "b", "to": "c"}); 2001];
        let attributes: Vec<Value> = (0..101).map(|n| json!({"name": format!("a{n}")})).collect();
        let document = json!({"schema": SCHEMA, "blocks": blocks, "edges": edges, "attributes": attributes});
        assert_eq!(
            errors(document),
            [
                "/attributes: at most 100 are allowed; 101 were given",
                "/blocks: at most 500 are allowed; 501 were given",
                "/edges: at most 2000 are allowed; 2001 were given",
            ]
        );
    }
}
