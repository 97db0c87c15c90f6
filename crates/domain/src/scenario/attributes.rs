//! Setting attributes from outside: names, sizes and number are limited, so that the state stays small.

use super::{limits, names};
use serde_json::{Map, Value};

/// Attributes of one conversation.
const MOST: usize = 200;
/// Bytes of all values together, as JSON text.
const TOTAL_BYTES: usize = 64 * 1024;

/// Whether an attribute of this name and value may be set from outside; `Err` says why not.
pub(super) fn check_name_and_size(name: &str, value: &Value) -> Result<(), String> {
    if !names::is_attribute(name) {
        let shown: String = name.chars().take(64).collect();
        return Err(format!("“{shown}” is not an attribute's name"));
    }
    if names::is_read_only(name) {
        return Err(format!("the attribute “{name}” is read-only"));
    }
    if size(value) > limits::VALUE_BYTES {
        return Err(format!("the value of “{name}” is larger than 8 KiB"));
    }
    Ok(())
}

/// Sets one attribute. `Ok(true)` if the value is new; `Err` says why it was left out.
pub(super) fn put(attributes: &mut Map<String, Value>, name: &str, value: Value) -> Result<bool, String> {
    check_name_and_size(name, &value)?;
    if attributes.get(name) == Some(&value) {
        return Ok(false);
    }
    if !attributes.contains_key(name) && attributes.len() >= MOST {
        return Err(format!("“{name}” was left out: a conversation has at most {MOST} attributes"));
    }
    let others: usize = attributes.iter().filter(|(other, _)| *other != name).map(|(_, value)| size(value)).sum();
    if others + size(&value) > TOTAL_BYTES {
        return Err(format!("“{name}” was left out: a conversation's attributes take at most 64 KiB together"));
    }
    attributes.insert(name.to_owned(), value);
    Ok(true)
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        other => other.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_are_limited() {
        let mut attributes = Map::new();
        assert_eq!(put(&mut attributes, "order.no", 5.into()), Ok(true));
        assert_eq!(put(&mut attributes, "order.no", 5.into()), Ok(false));
        for name in ["", "1a", "a b", "message", "webhook.status", "webhook.x", "ş"] {
            assert!(put(&mut attributes, name, 1.into()).is_err(), "{name}");
        }
        assert!(put(&mut attributes, "big", "x".repeat(8 * 1024).into()).is_err());
        for n in 0..300 {
            let _ = put(&mut attributes, &format!("a{n}"), "x".repeat(1000).into());
        }
        assert!(attributes.len() < MOST && attributes.values().map(size).sum::<usize>() <= TOTAL_BYTES);
    }
}
