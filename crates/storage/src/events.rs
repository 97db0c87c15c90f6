//! Events, and the commit that accepts one: the event and its deliveries are stored together or not at all.

use crate::deliveries::{NewDelivery, StatusCounts};
use crate::{Page, PageRequest, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::events::{Because, EventData, EventType};
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, ProjectId};
use serde::{Deserialize, Serialize};

/// Guards against storing the same event twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, unique in the project.
    pub key: String,
    /// SHA-256 over everything that makes up the event's content; another content under the same key is a conflict.
    pub fingerprint: [u8; 32],
}

/// Why an endpoint did not get an event, or why nobody did; stored only when there is something to explain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The endpoint it is about; `None` is about the event as a whole.
    pub endpoint_id: Option<EndpointId>,
    /// The endpoint's name at that time.
    pub endpoint_name: Option<String>,
    /// The reason, in English words.
    pub reason: String,
    /// The same for programs and for readers of other languages; `None` when it was stored by an earlier version, or by a
    /// later one with a reason that this one does not know.
    #[serde(flatten)]
    pub because: Option<Because>,
}

impl Explanation {
    /// What is to be said of an event as a whole.
    pub fn of_event(because: Because) -> Self {
        Self { endpoint_id: None, endpoint_name: None, reason: because.words(), because: Some(because) }
    }

    /// What is to be said of an event and an endpoint.
    pub fn of_endpoint(id: EndpointId, name: Option<&str>, because: Because) -> Self {
        let endpoint_name = name.map(str::to_owned);
        Self { endpoint_id: Some(id), endpoint_name, ..Self::of_event(because) }
    }
}

/// An event to be accepted, with its deliveries.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub id: EventId,
    pub project_id: ProjectId,
    pub event_type: EventType,
    /// When it happened, as the publisher said; part of what is delivered.
    pub timestamp: Timestamp,
    pub accepted_at: Timestamp,
    pub data: EventData,
    pub ordering_key: Option<String>,
    pub idempotency: Option<Idempotency>,
    /// How many of Kanca's own inboxes led to this event (loop guard).
    pub hops: u8,
    /// Sent to one endpoint to try it.
    pub test: bool,
    pub explanation: Vec<Explanation>,
    pub deliveries: Vec<NewDelivery>,
}

/// How an event was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Stored. `held` names the deliveries that must not start now: they wait behind an earlier one of their key, or
    /// their endpoint was deleted since the event was matched, in which case they are `cancelled`. The others may start.
    New { held: Vec<DeliveryId> },
    /// The same content came under the same key within 24 hours; nothing was stored.
    Repeated { event_id: EventId },
    /// Another content came under the same key within 24 hours; nothing was stored.
    KeyTaken { event_id: EventId },
}

/// How events that came together were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllAccepted {
    /// All of them are stored or were before; one answer for each, in order, never [`Accepted::KeyTaken`].
    Stored(Vec<Accepted>),
    /// Nothing of it was stored: these, by their place, came under keys that another content has, with the event that
    /// has it (of the same call, perhaps).
    KeysTaken(Vec<(usize, EventId)>),
}

/// An event as stored.
#[derive(Debug, Clone)]
pub struct EventRecord {
    pub id: EventId,
    pub project_id: ProjectId,
    pub event_type: EventType,
    pub timestamp: Timestamp,
    pub accepted_at: Timestamp,
    /// `None` in lists.
    pub data: Option<EventData>,
    pub ordering_key: Option<String>,
    pub idempotency_key: Option<String>,
    pub hops: u8,
    /// Sent to one endpoint to try it.
    pub test: bool,
    pub explanation: Vec<Explanation>,
    pub deliveries: StatusCounts,
}

/// Storage of events.
#[async_trait]
pub trait Events: Send + Sync {
    /// Accepts an event: one durable commit holds the event and its deliveries. The idempotency window is 24 hours
    /// before `accepted_at`. Returns only after the commit has been synced. Ids are taken to be new.
    async fn accept_event(&self, event: NewEvent) -> Result<Accepted>;
    /// Accepts events of one project in one durable commit, all of them or none; each as `accept_event` would, in order,
    /// so that the second of two with one key is a repetition or a conflict.
    async fn accept_events(&self, events: Vec<NewEvent>) -> Result<AllAccepted>;
    /// Events of a project, newest first, without `data`; `event_type` filters by the exact type.
    async fn events(
        &self,
        project: ProjectId,
        event_type: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<EventRecord>>;
    /// One event, with `data`.
    async fn event(&self, project: ProjectId, event: EventId) -> Result<Option<EventRecord>>;
    /// How many events the project accepted since `since`. A backend may rely on the time in an event's id being at most
    /// a minute before `accepted_at`.
    async fn count_events_since(&self, project: ProjectId, since: Timestamp) -> Result<u64>;
    /// Forgets idempotency keys older than 24 hours before `now`; at most `limit` of them. Returns how many.
    async fn prune_idempotency(&self, now: Timestamp, limit: u32) -> Result<u32>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_of_earlier_and_of_later_versions_are_read() {
        let earlier = r#"{"endpoint_id":null,"endpoint_name":"Billing","reason":"it is off"}"#;
        let later = r#"{"endpoint_id":null,"endpoint_name":"Billing","reason":"it is off","code":"unheard_of","params":{"a":1}}"#;
        let expected = Explanation {
            endpoint_id: None,
            endpoint_name: Some("Billing".into()),
            reason: "it is off".into(),
            because: None,
        };
        for text in [earlier, later] {
            assert_eq!(serde_json::from_str::<Explanation>(text).unwrap(), expected, "{text}");
        }
        assert_eq!(serde_json::to_string(&expected).unwrap(), earlier, "and are written back as they were");
    }
}
