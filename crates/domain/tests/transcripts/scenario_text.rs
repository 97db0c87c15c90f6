//! Reads the short form of a scenario: one block a line, `id: type fields port -> target, port -> target`.
//!
//! Fields are JSON. An object stands for itself; the short forms are: `text "a"` or `["a", {"text":"b","delay_ms":1}]`,
//! `buttons ["text", "label c1", "label c2"]` and the same for `quick_replies`, `question "text"`, `go_to "id"`,
//! `end "text"`, `default_timeout 60000`, `set_attribute {"name": "template"}`,
//! `condition ["attribute", "operator", "value"]`, `user_input {"branch": ["keyword"]}`, `webhook "wait"`.
//! `-> id` alone is the port `next`. `attribute name = json` declares an attribute. `#` begins a comment.

use kanca_domain::ids::{EndpointId, Id};
use serde_json::{Map, Value, json};

/// The endpoint that exists.
pub fn endpoint() -> EndpointId {
    EndpointId::new(1, &[0; 10])
}

pub fn read(lines: &[&str]) -> Value {
    let (mut attributes, mut blocks, mut edges) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines.iter().map(|line| line.trim()) {
        if line.is_empty() || line.starts_with('#') || line == "show blocks" {
        } else if let Some(declared) = line.strip_prefix("attribute ") {
            let (name, default) = declared.split_once(" = ").unwrap_or((declared, "null"));
            let default: Value = serde_json::from_str(default).unwrap_or_else(|error| panic!("{line}: {error}"));
            attributes.push(json!({"name": name, "default": default}));
        } else if let Some(edge) = line.strip_prefix("edge ") {
            let [from, port, _, to] = edge.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            edges.push(json!({"from": from, "port": port, "to": to}));
        } else {
            block(line, &mut blocks, &mut edges);
        }
    }
    json!({"schema": "kanca.scenario/1", "attributes": attributes, "blocks": blocks, "edges": edges})
}

fn block(line: &str, blocks: &mut Vec<Value>, edges: &mut Vec<Value>) {
    let (id, rest) = line.split_once(": ").unwrap_or_else(|| panic!("not a block: {line}"));
    let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (fields, rest) = if rest.starts_with(['"', '[', '{']) || rest.starts_with(|c: char| c.is_ascii_digit()) {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let fields = stream.next().unwrap().unwrap_or_else(|error| panic!("{line}: {error}"));
        (fields, &rest[stream.byte_offset()..])
    } else {
        (json!({}), rest)
    };
    let Value::Object(mut block) = long_form(kind, fields) else { panic!("{line}") };
    block.insert("id".into(), id.into());
    block.insert("type".into(), kind.into());
    blocks.push(Value::Object(block));
    for edge in rest.split(',').map(str::trim).filter(|edge| !edge.is_empty()) {
        let (port, to) = edge.split_once("->").unwrap_or_else(|| panic!("not an edge: {edge} in {line}"));
        let port = if port.trim().is_empty() { "next" } else { port.trim() };
        edges.push(json!({"from": id, "port": port, "to": to.trim()}));
    }
}

fn long_form(kind: &str, fields: Value) -> Value {
    match (kind, fields) {
        ("text", Value::String(text)) => json!({"messages": [{ "text": text }]}),
        ("text", Value::Array(messages)) => {
            let message = |message| if let Value::String(text) = message { json!({ "text": text }) } else { message };
            json!({"messages": messages.into_iter().map(message).collect::<Vec<_>>()})
        }
        ("question" | "end", Value::String(text)) => json!({ "text": text }),
        ("buttons" | "quick_replies", Value::Array(texts)) => {
            let choices =
                texts[1..].iter().enumerate().map(|(n, label)| json!({"id": format!("c{}", n + 1), "label": label}));
            json!({"text": texts[0], "choices": choices.collect::<Vec<_>>()})
        }
        ("go_to", Value::String(target)) => json!({ "target": target }),
        ("default_timeout", Value::Number(after)) => json!({ "after_ms": after }),
        ("set_attribute", Value::Object(set)) if !set.contains_key("assignments") => {
            let set = set.into_iter().map(|(name, value)| json!({"attribute": name, "value": value}));
            json!({"assignments": set.collect::<Vec<_>>()})
        }
        ("condition", Value::Array(rule)) => {
            let subject = match rule[0].as_str().unwrap() {
                "message" => json!({"kind": "message"}),
                name => json!({"kind": "attribute", "name": name}),
            };
            let rule = json!({"subject": subject, "operator": rule[1], "value": rule.get(2)});
            json!({"match": "all", "groups": [{"match": "all", "rules": [rule]}]})
        }
        ("user_input", Value::Object(mut fields)) if !fields.contains_key("branches") => {
            let anywhere = fields.shift_remove("anywhere").unwrap_or(Value::Bool(false));
            let branches = fields.into_iter().map(|(id, keywords)| json!({"id": id, "keywords": keywords}));
            json!({"branches": branches.collect::<Vec<_>>(), "anywhere": anywhere})
        }
        ("webhook", Value::String(mode)) => json!({"mode": mode, "endpoint_id": endpoint()}),
        ("webhook", Value::Object(fields)) => {
            let mut webhook = Map::from_iter([("endpoint_id".to_owned(), json!(endpoint()))]);
            webhook.extend(fields);
            Value::Object(webhook)
        }
        (_, fields) => fields,
    }
}
