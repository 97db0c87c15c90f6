//! Dropping what is kept no longer: ended events with their deliveries and attempts, and captured requests.
//!
//! Each call is one small commit: it looks at a portion of the oldest rows, lets other writers go first for a moment, and
//! says where to go on. What is dropped leaves [`delivery_counts`](crate::deliveries::Deliveries::delivery_counts) in the
//! same commit, so that the counts are always those of the rows that exist.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{EventId, InboxId, ProjectId};

/// What one call dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped<After> {
    pub events: u64,
    pub deliveries: u64,
    pub attempts: u64,
    /// Captured requests; only [`drop_oldest`](Retention::drop_oldest) drops them together with events.
    pub requests: u64,
    /// Where to go on; `None` when there is nothing more to drop.
    pub next: Option<After>,
}

/// How far the oldest were looked at, of each kind; the default is before all of them. What the numbers say is the
/// backend's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oldest {
    pub events: u64,
    pub requests: u64,
}

/// How many requests one call dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedRequests {
    pub requests: u64,
    /// Whether there may be more of them.
    pub more: bool,
}

/// Dropping in portions.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Bytes that the stored data takes, without the room that dropped rows have left for new ones.
    async fn live_bytes(&self) -> Result<u64>;
    /// Looks at up to `limit` of the project's oldest events after `after`, and drops those accepted before `before`
    /// whose deliveries have all ended and are claimed by nobody. An event goes with all of its deliveries and their
    /// attempts, or stays with all of them.
    async fn drop_old_events(
        &self,
        project: ProjectId,
        before: Timestamp,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Dropped<EventId>>;
    /// Looks at up to `limit` of what came first after `after`, whatever its age and of all projects, because they share
    /// the disk: events, which go as with [`drop_old_events`](Self::drop_old_events), and captured requests, in the order
    /// in which they came. `after` is what the call before said.
    async fn drop_oldest(&self, after: Oldest, limit: u32) -> Result<Dropped<Oldest>>;
    /// Drops up to `limit` of the oldest requests of an inbox that were received before `before`.
    async fn drop_old_requests(
        &self,
        project: ProjectId,
        inbox: InboxId,
        before: Timestamp,
        limit: u32,
    ) -> Result<DroppedRequests>;
}
