//! `{{name}}` and `{{name|fallback}}` in texts.
//!
//! A template is read once, from the owner's text only: what an attribute holds is inert and never read as a template,
//! so a visitor called `{{email}}` stays just that. Anything that is not the form above stays as it was typed.

use super::{names, text};
use serde_json::{Map, Value};
use std::borrow::Cow;

enum Part<'a> {
    Text(&'a str),
    Attribute { name: &'a str, fallback: &'a str },
}

/// Fills in the attributes; the result has at most `most` characters. Unknown and empty attributes give the fallback.
pub fn render(template: &str, attributes: &Map<String, Value>, most: usize) -> String {
    let mut rendered = String::with_capacity(template.len());
    for part in parts(template) {
        match part {
            Part::Text(text) => rendered.push_str(text),
            Part::Attribute { name, fallback } => match attributes.get(name).map(as_text) {
                Some(value) if !value.trim().is_empty() => rendered.push_str(&value),
                _ => rendered.push_str(fallback),
            },
        }
        // Attributes may be long and repeated; what is beyond the limit is not worth building.
        if rendered.len() > most.saturating_mul(4) {
            break;
        }
    }
    text::cut(rendered, most)
}

/// The attributes that a template names, in order.
pub fn attributes(template: &str) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|part| match part {
        Part::Text(_) => None,
        Part::Attribute { name, .. } => Some(name),
    })
}

/// The attribute's name if the template is that and nothing else: such a value keeps its JSON type when copied.
pub fn lone_attribute(template: &str) -> Option<&str> {
    let mut parts = parts(template.trim());
    match (parts.next(), parts.next()) {
        (Some(Part::Attribute { name, fallback: "" }), None) => Some(name),
        _ => None,
    }
}

/// A value as a person reads it: texts as they are, null as nothing, lists and objects as JSON.
pub fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((part, after)) = attribute(rest) {
            rest = after;
            return Some(part);
        }
        // Plain text up to the next place that may be an attribute.
        let mut places = rest.char_indices().map(|(at, _)| at).skip(1);
        let end = places.find(|at| rest[*at..].starts_with("{{")).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Part::Text(text))
    })
}

/// Reads an attribute that stands at the very beginning of `text`.
fn attribute(text: &str) -> Option<(Part<'_>, &str)> {
    let (inside, after) = text.strip_prefix("{{")?.split_once("}}")?;
    let (name, fallback) = inside.split_once('|').unwrap_or((inside, ""));
    let name = name.trim();
    names::is_attribute(name).then_some((Part::Attribute { name, fallback: fallback.trim() }, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(template: &str, expected: &str) {
        let attributes = json!({"name": "Ayşe", "empty": " ", "age": 41, "null": null, "list": [1, "a"],
            "trick": "{{name}}", "webhook.status": 200});
        assert_eq!(render(template, attributes.as_object().unwrap(), 4000), expected, "{template}");
    }

    #[test]
    fn attributes_are_filled_in() {
        check("Hi {{name}}, {{ age }}!", "Hi Ayşe, 41!");
        check("{{webhook.status}} {{list}}", "200 [1,\"a\"]");
        check("Hi {{unknown}}{{null}}.", "Hi .");
        check("Hi {{unknown|friend}} {{empty|dear guest}} {{name|x}}", "Hi friend dear guest Ayşe");
    }

    #[test]
    fn an_attributes_value_is_inert() {
        check("{{trick}}", "{{name}}");
    }

    #[test]
    fn what_is_not_a_template_stays_as_typed() {
        check("{{", "{{");
        check("a {{1+1}} {{name", "a {{1+1}} {{name");
        check("{{{{name}}", "{{Ayşe");
        check("{{{name}}}", "{Ayşe}");
        check("}} {name} {{}}", "}} {name} {{}}");
    }

    #[test]
    fn a_text_stays_within_its_limit() {
        let attributes = json!({"a": "ş".repeat(900)});
        let rendered = render(&"{{a}}".repeat(800), attributes.as_object().unwrap(), 4000);
        assert_eq!(rendered.chars().count(), 4000);
    }

    #[test]
    fn a_lone_attribute_is_recognised() {
        assert_eq!(lone_attribute(" {{age}} "), Some("age"));
        assert_eq!(lone_attribute("{{age|0}}"), None);
        assert_eq!(lone_attribute("{{age}}{{age}}"), None);
        assert_eq!(attributes("{{a}} x {{b|c}} {{1}}").collect::<Vec<_>>(), ["a", "b"]);
    }
}
