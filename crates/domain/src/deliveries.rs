//! The delivery's state machine: `pending → delivered | failed | cancelled`.
//!
//! A delivery is one event on its way to one endpoint. `delivered`, `failed` and `cancelled` are ends; only a manual
//! retry or a replay takes one back to `pending`, as long as its endpoint is there. The same words stand in the table,
//! the API and the panel.

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waits for its first attempt, for a retry, or behind an earlier delivery of its ordering key.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// The schedule is used up (the dead letter).
    Failed,
    /// The endpoint was deleted before it arrived, or its transformation skipped the event.
    Cancelled,
}

impl DeliveryStatus {
    /// All states, in the order of the column's numbers.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status for a word of the API.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Whether nothing further happens by itself.
    pub fn is_end(self) -> bool {
        self != Self::Pending
    }
}
