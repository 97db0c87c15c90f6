//! Reads one block from JSON, naming the place of an error.
//!
//! serde cannot refuse unknown fields in flattened objects, so the common fields are taken out of the object first and
//! the rest is read as the fields of the block's type.

use super::blocks::{Block, BlockKind, Position};
use super::document::DocumentError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// The `type` names, in the order of the contract's table.
pub(super) const BLOCK_TYPES: [&str; 13] = [
    "start",
    "text",
    "question",
    "buttons",
    "quick_replies",
    "condition",
    "set_attribute",
    "user_input",
    "webhook",
    "go_to",
    "default_otherwise",
    "default_timeout",
    "end",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

impl Block {
    /// Reads one block; `path` is its place in the document, for errors.
    pub(super) fn read(value: Value, path: &str) -> Result<Self, DocumentError> {
        let Value::Object(mut fields) = value else {
            return Err(DocumentError::new(path, "a block is an object with `id` and `type`"));
        };
        let id = required_text(&mut fields, "id", path)?;
        let kind = required_text(&mut fields, "type", path)?;
        let title = match fields.shift_remove("title") {
            None => None,
            Some(title) => at::<Option<String>>(title, &format!("{path}/title"))?,
        };
        let position = match fields.shift_remove("position") {
            None => Position::default(),
            Some(position) => at(position, &format!("{path}/position"))?,
        };
        let rest = Value::Object(fields);
        let kind = match kind.as_str() {
            "start" => at::<NoFields>(rest, path).map(|_| BlockKind::Start {}),
            "text" => at(rest, path).map(BlockKind::Text),
            "question" => at(rest, path).map(BlockKind::Question),
            "buttons" => at(rest, path).map(BlockKind::Buttons),
            "quick_replies" => at(rest, path).map(BlockKind::QuickReplies),
            "condition" => at(rest, path).map(BlockKind::Condition),
            "set_attribute" => at(rest, path).map(BlockKind::SetAttribute),
            "user_input" => at(rest, path).map(BlockKind::UserInput),
            "webhook" => at(rest, path).map(BlockKind::Webhook),
            "go_to" => at(rest, path).map(BlockKind::GoTo),
            "default_otherwise" => at::<NoFields>(rest, path).map(|_| BlockKind::DefaultOtherwise {}),
            "default_timeout" => at(rest, path).map(BlockKind::DefaultTimeout),
            "end" => at(rest, path).map(BlockKind::End),
            other => {
                let given: String = other.chars().take(40).collect();
                let known = BLOCK_TYPES.join(", ");
                Err(DocumentError::new(
                    format!("{path}/type"),
                    format!("“{given}” is not a block type; choose one of {known}"),
                ))
            }
        }?;
        Ok(Self { id, title, position, kind })
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Value::deserialize(deserializer)?, "").map_err(serde::de::Error::custom)
    }
}

fn required_text(fields: &mut Map<String, Value>, name: &str, path: &str) -> Result<String, DocumentError> {
    match fields.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(DocumentError::new(format!("{path}/{name}"), format!("`{name}` must be a text"))),
        None => Err(DocumentError::new(path, format!("a block needs the field `{name}`"))),
    }
}

/// Reads `value` as `T`; an error names the place below `path`.
pub(super) fn at<T: DeserializeOwned>(value: Value, path: &str) -> Result<T, DocumentError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let below = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(format!("/{key}")),
            Segment::Unknown => None,
        });
        DocumentError::new(format!("{path}{}", below.collect::<String>()), error.inner().to_string())
    })
}
