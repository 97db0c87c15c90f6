//! Paths into a service's answer, such as `$.order.items[0].name` or `$['order no']`.
//!
//! A path names one place; wildcards and filters are not part of it, so that what it gives is never surprising.

use serde_json::Value;

/// A path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
}

impl Path {
    /// Reads a path; `None` if it is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                let plain = !name.is_empty() && !name.contains([']', '\'', '"', '*', ' ', '(', ')']);
                plain.then(|| (Segment::Name(name.to_owned()), after))?
            } else {
                bracket(rest.strip_prefix('[')?)?
            };
            segments.push(segment);
            rest = after;
        }
        (segments.len() <= 64).then_some(Self(segments))
    }

    /// The value at this place. In XML an element that occurs once counts as a list of one.
    pub fn find<'a>(&self, root: &'a Value, xml: bool) -> Option<&'a Value> {
        let found = self.0.iter().try_fold(root, |value, segment| match segment {
            Segment::Name(name) => value.as_object()?.get(name),
            Segment::Index(index) => match value {
                Value::Array(items) => items.get(*index),
                single if xml && *index == 0 => Some(single),
                _ => None,
            },
        })?;
        Some(match found.as_object().and_then(|element| element.get("#text")) {
            Some(text) if xml && found.as_object()?.keys().all(|key| key == "#text" || key.starts_with('@')) => text,
            _ => found,
        })
    }
}

/// `0]…` or `'name']…`, after the opening bracket.
fn bracket(text: &str) -> Option<(Segment, &str)> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote)?;
            return Some((Segment::Name(name.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (index, after) = text.split_once(']')?;
    let plain = !index.is_empty() && index.len() <= 6 && index.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| Some((Segment::Index(index.parse().ok()?), after)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_its_place() {
        let root =
            json!({"order": {"no": 7, "items": [{"name": "a"}, {"name": "b"}]}, "a b": {"şehir": true}, "x": null});
        for (path, expected) in [
            ("$.order.no", Some(json!(7))),
            ("$.order.items[1].name", Some(json!("b"))),
            ("$['order']['items'][0][\"name\"]", Some(json!("a"))),
            ("$['a b'].şehir", Some(json!(true))),
            ("$.x", Some(json!(null))),
            ("$.order.items[2]", None),
            ("$.order[0]", None),
            ("$.nothing", None),
            ("$", Some(root.clone())),
        ] {
            assert_eq!(Path::parse(path).unwrap().find(&root, false).cloned(), expected, "{path}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for path in [
            "", "order", ".order", "$order", "$.", "$..a", "$.a.", "$[", "$[]", "$[a]", "$[-1]", "$['a'", "$.*", "$[*]",
        ] {
            assert_eq!(Path::parse(path), None, "{path}");
        }
    }
}
