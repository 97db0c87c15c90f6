//! An event as programs see it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a program is given. `data` stays the text that came in until a program wants to look at it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    /// RFC 3339, UTC.
    pub timestamp: String,
    pub ordering_key: Option<String>,
    pub data: Box<RawValue>,
}

impl Event {
    /// Bytes of its data.
    pub fn size(&self) -> usize {
        self.data.get().len()
    }
}
