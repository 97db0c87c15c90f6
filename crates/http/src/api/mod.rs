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

use kanca_engine::storage::{Page, PageRequest};
use kanca_engine::storage::deliveries::StatusCounts;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` for the next part; `null` at the end.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// The part that a page asks for of records that are all at hand, newest first; each is shown by `show`.
    pub fn part<R>(
        records: impl IntoIterator<Item = R>,
        page: PageRequest,
        id: impl Fn(&R) -> Uuid,
        show: impl FnMut(R) -> T,
    ) -> Self {
        let rest = records.into_iter().filter(|r| page.after.is_none_or(|after| id(r) < after));
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut items: Vec<R> = rest.take(limit.saturating_add(1)).collect();
        let further = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| further).map(&id);
        Self::of(Page { items, next }, show)
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
