//! The API under `/api/v1`, one module for each subject. Handlers shape input and output; the rules are the engine's.

pub mod accounts;
pub mod bots;
pub mod conversations;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod inboxes;
pub mod overview;
pub mod scenarios;

use kanca_engine::storage::Page;
use kanca_engine::storage::deliveries::StatusCounts;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// One part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` for the next part; `null` at the end.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that has no further parts.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of records, each shown by `show`.
    pub fn of<R>(page: Page<R>, show: impl FnMut(R) -> T) -> Self {
        Self { next: page.next.map(|id| id.simple().to_string()), items: page.items.into_iter().map(show).collect() }
    }
}

/// Numbers of deliveries by status.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct DeliveryCounts {
    pub pending: u64,
    pub delivered: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl From<StatusCounts> for DeliveryCounts {
    fn from(counts: StatusCounts) -> Self {
        let StatusCounts { pending, delivered, failed, cancelled } = counts;
        Self { pending, delivered, failed, cancelled }
    }
}

/// Reads a field that is there: `null` is then a value of its own (`Option<Option<T>>`) or a wrong type (`Option<T>`).
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
