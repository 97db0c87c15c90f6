//! The JSON Schema of the document (draft 2020-12), for editors and other programs.
//!
//! It describes what can be stored; what a scenario means is checked by `validate`. The tests hold it to the parser:
//! both must agree on every field of every block.

use super::document::SCHEMA;
use super::limits;
use serde_json::{Value, json};

/// The schema, as served under `/api/v1/scenario.schema.json`.
pub fn schema() -> Value {
    let blocks = blocks().into_iter().map(|(name, required, fields)| block(name, required, fields));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kanca scenario",
        "description": "A bot's flow: blocks, and the edges that join their output ports to other blocks.",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "blocks", "edges"],
        "properties": {
            "schema": {"const": SCHEMA},
            "name": optional(label()),
            "attributes": list(limits::ATTRIBUTES, object(&["name"], json!({
                "name": attribute(),
                "label": optional(label()),
                "default": true,
            }))),
            "blocks": list(limits::BLOCKS, json!({"oneOf": blocks.collect::<Vec<_>>()})),
            "edges": list(limits::EDGES, object(&["from", "port", "to"], json!({
                "from": label(),
                "port": label(),
                "to": label(),
            }))),
        },
    })
}

/// For each block type its own fields, and which of them must be there.
fn blocks() -> Vec<(&'static str, &'static [&'static str], Value)> {
    let message = object(&["text"], json!({"text": text(), "delay_ms": integer(0, 60_000)}));
    vec![
        ("start", &[], json!({})),
        ("text", &["messages"], json!({"messages": list(10, message)})),
        (
            "question",
            &["text"],
            json!({
                "text": text(),
                "variants": list(limits::CHOICES, text()),
                "validate": object(&["kind"], json!({
                    "kind": {"enum": ["any", "text", "number", "email", "phone", "choice"]},
                    "min": {"type": ["number", "null"]},
                    "max": {"type": ["number", "null"]},
                    "choices": list(limits::CHOICES, label()),
                })),
                "attribute": optional(chosen_attribute()),
                "retry_text": optional(text()),
                "attempts": {"type": ["integer", "null"], "minimum": 1, "maximum": 20},
            }),
        ),
        ("buttons", &["text", "choices"], json!({"text": text(), "choices": list(limits::CHOICES, choice(true))})),
        (
            "quick_replies",
            &["text", "choices"],
            json!({
                "text": text(),
                "choices": list(limits::CHOICES, choice(false)),
                "attribute": optional(chosen_attribute()),
            }),
        ),
        (
            "condition",
            &["match", "groups"],
            json!({
                "match": how(),
                "groups": list(limits::CHOICES, object(&["match", "rules"], json!({
                    "match": how(),
                    "rules": list(limits::CHOICES, rule()),
                }))),
            }),
        ),
        (
            "set_attribute",
            &["assignments"],
            json!({
                "assignments": list(20, object(&["attribute", "value"], json!({"attribute": chosen_attribute(), "value": text()}))),
            }),
        ),
        (
            "user_input",
            &["branches"],
            json!({
                "branches": list(limits::CHOICES, object(&["id"], json!({
                    "id": id(),
                    "label": optional(label()),
                    "keywords": list(limits::CHOICES, text()),
                    "phrases": list(limits::CHOICES, text()),
                }))),
                "anywhere": {"type": "boolean"},
            }),
        ),
        (
            "webhook",
            &["mode"],
            json!({
                "endpoint_id": {"type": ["string", "null"], "pattern": "^ep_[0-9a-f]{32}$"},
                "mode": {"enum": ["notify", "wait"]},
                "timeout_ms": integer(1_000, 60_000),
                "mappings": list(limits::CHOICES, object(&["path", "attribute"], json!({
                    "path": label(),
                    "attribute": chosen_attribute(),
                }))),
            }),
        ),
        ("go_to", &[], json!({"target": optional(label())})),
        ("default_otherwise", &[], json!({})),
        ("default_timeout", &["after_ms"], json!({"after_ms": integer(1_000, 86_400_000)})),
        ("end", &[], json!({"text": optional(text())})),
    ]
}

fn block(name: &str, own_required: &[&str], own: Value) -> Value {
    let mut fields = json!({
        "id": id(),
        "type": {"const": name},
        "title": optional(label()),
        "position": object(&["x", "y"], json!({"x": {"type": "number"}, "y": {"type": "number"}})),
    });
    if let (Some(fields), Value::Object(own)) = (fields.as_object_mut(), own) {
        fields.extend(own);
    }
    let required: Vec<&str> = ["id", "type"].iter().chain(own_required).copied().collect();
    object(&required, fields)
}

fn rule() -> Value {
    let attribute = json!({"kind": {"const": "attribute"}, "name": chosen_attribute()});
    object(
        &["subject", "operator"],
        json!({
            "subject": {"oneOf": [
                object(&["kind", "name"], attribute),
                object(&["kind"], json!({"kind": {"const": "message"}})),
            ]},
            "operator": {"enum": [
                "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "is_empty", "is_not_empty",
                "longer_than", "shorter_than", "less_than", "less_or_equal", "greater_than", "greater_or_equal",
            ]},
            "value": optional(text()),
        }),
    )
}

fn choice(with_url: bool) -> Value {
    let mut fields = json!({"id": id(), "label": label()});
    if with_url {
        fields["url"] = optional(text());
    }
    object(&["id", "label"], fields)
}

#[expect(clippy::needless_pass_by_value, reason = "reads better at the places that call it")]
fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

#[expect(clippy::needless_pass_by_value, reason = "reads better at the places that call it")]
fn list(most: usize, items: Value) -> Value {
    json!({"type": "array", "maxItems": most, "items": items})
}

/// The same, or null.
fn optional(mut schema: Value) -> Value {
    schema["type"] = json!(["string", "null"]);
    schema
}

fn text() -> Value {
    json!({"type": "string", "maxLength": limits::TEXT_CHARS})
}

fn label() -> Value {
    json!({"type": "string", "maxLength": limits::LABEL_CHARS})
}

fn id() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"})
}

fn attribute() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.]{0,63}$"})
}

/// Empty where the choice has not been made yet.
fn chosen_attribute() -> Value {
    json!({"type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_.]{0,63})?$"})
}

fn integer(least: u32, most: u32) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

fn how() -> Value {
    json!({"enum": ["all", "any"]})
}

#[cfg(test)]
mod tests;
