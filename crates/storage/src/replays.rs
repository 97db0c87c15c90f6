//! Sending many deliveries again, and making deliveries for events that have none: long work in small steps.
//!
//! A replay is a row that remembers how far the work has come. Each step is one short commit that changes some
//! deliveries and moves that row on, so that the writer is never held for long and a crash at any point loses nothing and
//! repeats nothing. What is looked at next is read without the writer.

use crate::Result;
use crate::deliveries::NewDelivery;
use crate::events::EventRecord;
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::TypePattern;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, ProjectId, ReplayId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Deliveries of one endpoint that ended; all conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub project_id: ProjectId,
    pub endpoint_id: EndpointId,
    /// An end: `Failed`, `Delivered`, or `Cancelled` for what a transformation skipped.
    pub status: DeliveryStatus,
    pub event_type: Option<TypePattern>,
    /// Made at or after this instant.
    pub since: Option<Timestamp>,
    /// Made before this instant.
    pub until: Option<Timestamp>,
    /// Ended at or before this instant, so that what is sent again and fails again is not selected again.
    pub ended_by: Timestamp,
    /// With ids below this one, the work's: what is new is not selected, whatever was done to the clock. `None` in work
    /// that was begun before there was this bound.
    #[serde(default)]
    pub before: Option<ReplayId>,
}

/// Events of a project accepted within a time; those without a delivery to an endpoint are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub project_id: ProjectId,
    pub endpoint_id: EndpointId,
    /// Accepted at or after this instant.
    pub since: Timestamp,
    /// Accepted before this instant.
    pub until: Timestamp,
    /// As with [`Selection::before`].
    #[serde(default)]
    pub before: Option<ReplayId>,
}

/// What a replay does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Sends deliveries again.
    Again(Selection),
    /// Makes deliveries for events that have none.
    Recover(Gap),
}

impl Work {
    /// The endpoint that it is for.
    pub fn endpoint_id(&self) -> EndpointId {
        match self {
            Self::Again(selection) => selection.endpoint_id,
            Self::Recover(gap) => gap.endpoint_id,
        }
    }

    /// Its project.
    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Again(selection) => selection.project_id,
            Self::Recover(gap) => gap.project_id,
        }
    }
}

/// Work under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub id: ReplayId,
    pub work: Work,
    /// The id of the last delivery (or event) that was looked at.
    pub after: Option<Uuid>,
    /// When the next delivery may start; later ones follow at a pace.
    pub next_due: Timestamp,
}

/// A delivery that a selection holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    pub id: DeliveryId,
    /// The event's.
    pub ordering_key: Option<String>,
}

/// A delivery to be sent again.
#[derive(Debug, Clone)]
pub struct Again {
    pub id: DeliveryId,
    /// It goes after earlier ones that share it.
    pub queue_key: Option<String>,
    pub due: Timestamp,
}

/// A delivery to be made for an event that exists.
#[derive(Debug, Clone)]
pub struct Recovered {
    pub event_id: EventId,
    pub delivery: NewDelivery,
}

/// Where a step leaves its replay.
#[derive(Debug, Clone)]
pub struct Step {
    /// As it is after the step.
    pub replay: Replay,
    /// Nothing is left to look at: the replay is forgotten.
    pub finished: bool,
    pub now: Timestamp,
}

/// Storage of replays.
#[async_trait]
pub trait Replays: Send + Sync {
    /// How many deliveries a selection holds.
    async fn count_selected(&self, selection: Selection) -> Result<u64>;
    /// Deliveries that a selection holds, oldest first, after an id.
    async fn selected(&self, selection: Selection, after: Option<DeliveryId>, limit: u32) -> Result<Vec<Selected>>;
    /// Events in a gap that have no delivery to its endpoint, oldest first, after an id; test events are left out.
    /// `with_data` says whether their data is read, too.
    async fn without_delivery(
        &self,
        gap: Gap,
        after: Option<EventId>,
        limit: u32,
        with_data: bool,
    ) -> Result<Vec<EventRecord>>;
    /// Remembers replays, all in one commit.
    async fn begin_replays(&self, replays: Vec<Replay>) -> Result<()>;
    /// Those that are not finished, of all projects, oldest first.
    async fn unfinished_replays(&self) -> Result<Vec<Replay>>;
    /// One step of [`Work::Again`]: these deliveries, where they still have the selection's status, are pending again, with
    /// the whole schedule before them and their age counted from `now`; nobody waits for their answer any more. Returns
    /// how many. Nothing happens when the endpoint was deleted.
    async fn send_again(&self, step: Step, deliveries: Vec<Again>) -> Result<u64>;
    /// One step of [`Work::Recover`]: makes these deliveries where the event has none to the endpoint. Returns how many.
    /// Nothing happens when the endpoint was deleted.
    async fn recover(&self, step: Step, deliveries: Vec<Recovered>) -> Result<u64>;
    /// Cancels at most `limit` pending deliveries of a deleted endpoint. Returns how many; 0 = none is left.
    async fn cancel_pending(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<u64>;
    /// Deleted endpoints, of all projects, that have pending deliveries: cancelling them was cut off.
    async fn deleted_with_pending(&self) -> Result<Vec<EndpointId>>;
}
