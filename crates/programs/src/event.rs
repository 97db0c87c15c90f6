//! An event as programs see it.

use crate::fault::Fault;
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
    /// An event; `data` is JSON text.
    pub fn new(
        id: String,
        event_type: &str,
        timestamp: &str,
        ordering_key: Option<&str>,
        data: &str,
    ) -> Result<Self, Fault> {
        let data = RawValue::from_string(data.to_owned())
            .map_err(|error| Fault::failed(format!("the event's data cannot be read: {error}")))?;
        Ok(Self {
            id,
            event_type: event_type.to_owned(),
            timestamp: timestamp.to_owned(),
            ordering_key: ordering_key.map(str::to_owned),
            data,
        })
    }

    /// Bytes of its data.
    pub fn size(&self) -> usize {
        self.data.get().len()
    }
}
