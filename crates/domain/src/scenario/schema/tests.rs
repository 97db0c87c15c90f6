//! Holds the schema to the parser: every block with every field, each field left out, made unknown, null, or too large.

use super::*;
use crate::scenario::reading::BLOCK_TYPES;
use crate::scenario::{Document, Language, blank, demo};
use serde_json::Map;

/// A document with one block of each type, all fields filled in.
fn full() -> Value {
    let endpoint = "ep_00000000000070008000000000000000";
    json!({
        "schema": "kanca.scenario/1",
        "name": "All blocks",
        "attributes": [{"name": "x", "label": "X", "default": [1]}],
        "blocks": [
            {"id": "start", "type": "start", "title": "Start", "position": {"x": 0, "y": -12.5}},
            {"id": "text", "type": "text", "messages": [{"text": "Hi", "delay_ms": 5}]},
            {"id": "question", "type": "question", "text": "How many?", "variants": ["What number?"], "validate":
                {"kind": "number", "min": 1, "max": 5.5, "choices": ["a"]}, "attribute": "x", "retry_text": "A number, please.", "attempts": 3},
            {"id": "buttons", "type": "buttons", "text": "Choose", "choices": [{"id": "c", "label": "C", "url": "https://example.com"}]},
            {"id": "quick", "type": "quick_replies", "text": "Choose", "choices": [{"id": "c", "label": "C"}], "attribute": "x"},
            {"id": "condition", "type": "condition", "match": "all", "groups": [{"match": "any", "rules": [
                {"subject": {"kind": "attribute", "name": "x"}, "operator": "equals", "value": "1"},
                {"subject": {"kind": "message"}, "operator": "is_empty"}]}]},
            {"id": "set", "type": "set_attribute", "assignments": [{"attribute": "x", "value": "1"}]},
            {"id": "input", "type": "user_input", "branches": [{"id": "b", "label": "B", "keywords": ["k"], "phrases": ["p"]}], "anywhere": true},
            {"id": "hook", "type": "webhook", "endpoint_id": endpoint, "mode": "wait", "timeout_ms": 5000,
                "mappings": [{"path": "$.a", "attribute": "x"}]},
            {"id": "go", "type": "go_to", "target": "start"},
            {"id": "otherwise", "type": "default_otherwise"},
            {"id": "timeout", "type": "default_timeout", "after_ms": 1000},
            {"id": "end", "type": "end", "text": "Bye"},
        ],
        "edges": [{"from": "start", "port": "next", "to": "text"}],
    })
}

#[test]
fn every_block_type_is_covered_and_survives_reading_and_writing() {
    let document = Document::parse_value(full()).unwrap();
    let types: Vec<&str> = document.blocks.iter().map(|block| block.kind.name()).collect();
    assert_eq!(types, BLOCK_TYPES);
    let written = serde_json::to_value(&document).unwrap();
    assert_eq!(Document::parse_value(written.clone()).unwrap(), document);
    assert_eq!(serde_json::from_value::<Document>(written).unwrap(), document, "versions are read without limits");
    let names: Vec<&str> = blocks().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, BLOCK_TYPES);
}

#[test]
fn what_kanca_writes_fits_the_schema() {
    let endpoint = "ep_00000000000070008000000000000000".parse().unwrap();
    let mut documents = vec![Document::parse_value(full()).unwrap()];
    for language in [Language::En, Language::Tr] {
        documents.extend([blank(language), demo(endpoint, language)]);
    }
    for document in documents {
        let value = serde_json::to_value(document).unwrap();
        assert!(fits(&schema(), &value), "{value}");
    }
}

#[test]
fn the_schema_and_the_parser_agree_on_every_field() {
    let schema = schema();
    let mut tried = 0;
    for place in places(&full(), String::new()) {
        for changed in changes(&full(), &place) {
            let parsed = Document::parse_value(changed.clone());
            assert_eq!(fits(&schema, &changed), parsed.is_ok(), "{place}: {parsed:?}\n{changed}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

/// The JSON pointers of all values inside.
fn places(value: &Value, at: String) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, field)| places(field, format!("{at}/{name}"))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(n, item)| places(item, format!("{at}/{n}"))).collect()
        }
        _ => Vec::new(),
    };
    std::iter::once(at).chain(below).collect()
}

/// The document with the value at this place changed in several ways.
fn changes(document: &Value, place: &str) -> Vec<Value> {
    let mut changed = Vec::new();
    let mut put = |value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(place).unwrap() = value;
        changed.push(document);
    };
    put(Value::Null);
    match document.pointer(place).unwrap() {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("unknown".into(), 1.into());
            put(more.into());
            for name in fields.keys() {
                let mut fewer: Map<String, Value> = fields.clone();
                fewer.shift_remove(name);
                put(fewer.into());
            }
        }
        Value::Array(items) => {
            put(json!([]));
            // Attributes are compared by name as well, which a schema cannot say.
            if place != "/attributes" {
                for most in [10, 11, 20, 21, 50, 51, 501, 2001] {
                    put(vec![items[0].clone(); most].into());
                }
            }
        }
        Value::String(_) => {
            for text in ["", "ş", "not-a-name", "a.b", "1"] {
                put(text.into());
            }
            for length in [64, 65, 200, 201, 4000, 4001] {
                put("a".repeat(length).into());
            }
            put(1.into());
        }
        Value::Number(_) => {
            for number in [-1, 0, 1, 20, 21, 999, 1000, 60_000, 60_001, 86_400_000, 86_400_001] {
                put(number.into());
            }
            put(json!(1.5));
            put("1".into());
        }
        Value::Bool(_) => put(1.into()),
        Value::Null => {}
    }
    changed
}

/// A validator for the keywords that the schema uses, and no others.
fn fits(schema: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else { return schema == &json!(true) };
    keywords.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "title" | "description" => true,
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|kind| has_type(kind, value)),
            kind => has_type(kind, value),
        },
        "const" => wanted == value,
        "enum" => wanted.as_array().unwrap().contains(value),
        "oneOf" => wanted.as_array().unwrap().iter().filter(|schema| fits(schema, value)).count() == 1,
        "required" => value.as_object().is_none_or(|fields| {
            wanted.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|fields| {
            fields.iter().all(|(name, field)| wanted.get(name).is_none_or(|schema| fits(schema, field)))
        }),
        "additionalProperties" => {
            value.as_object().is_none_or(|fields| fields.keys().all(|name| keywords["properties"].get(name).is_some()))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(wanted, item))),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
        "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap()),
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
        other => panic!("the schema uses {other}, which this test does not know"),
    })
}

fn has_type(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("{other}"),
    }
}

/// The four patterns of the schema.
fn matches(pattern: &str, text: &str) -> bool {
    use crate::scenario::names::{is_attribute, is_id};
    match pattern {
        "^[A-Za-z0-9_-]{1,64}$" => is_id(text),
        "^[A-Za-z_][A-Za-z0-9_.]{0,63}$" => is_attribute(text),
        "^([A-Za-z_][A-Za-z0-9_.]{0,63})?$" => text.is_empty() || is_attribute(text),
        "^ep_[0-9a-f]{32}$" => text.parse::<crate::ids::EndpointId>().is_ok(),
        other => panic!("{other}"),
    }
}
