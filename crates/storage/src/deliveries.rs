//! Deliveries and attempts: claim, record, and the lists that explain them.
//!
//! A delivery that was handed out (accepted with `claim`, claimed when due) belongs to the caller until its outcome is
//! recorded or it is released; `claim_due` never hands it out twice meanwhile. So it is too with one that was accepted
//! with `claim` but is held: when it is promoted, it is its caller's to attempt. A backend that one process owns may
//! keep claims in memory; with many nodes a claim is a row with an owner and a lease.
//!
//! Due times are of the time that the engine plans by, which is ahead of the machine's clock when that was set back; other
//! instants are of the machine's clock.

use crate::{Page, PageRequest, Result};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::attempts::Timings;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::{EventData, EventType};
use kanca_domain::formats::Format;
use kanca_domain::headers::Header;
use kanca_domain::ids::{AttemptId, ConversationId, DeliveryId, EndpointId, EventId, ProjectId};
use serde::{Deserialize, Serialize};

/// Numbers of deliveries by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusCounts {
    pub pending: u64,
    pub delivered: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// For a delivery whose answer a conversation waits for: who waits and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    pub conversation_id: ConversationId,
    /// The number that `scenario::advance` gave the call.
    pub call: u64,
    /// After this instant no attempt starts and the block's *timeout* is taken.
    pub deadline: Timestamp,
}

/// A delivery to be stored with its event.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    /// Deliveries of one endpoint that share a queue key go one after another. `None` when the endpoint's ordering is
    /// `none`, the event has no ordering key, or a conversation waits for the answer.
    pub queue_key: Option<String>,
    /// When the first attempt may start; one that is held does not start before, either, when it is promoted.
    pub due: Timestamp,
    pub waiter: Option<Waiter>,
    /// Whether the caller takes it at once (then `claim_due` does not hand it out).
    pub claim: bool,
}

/// A pending delivery that was handed out, with all that an attempt needs.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    pub id: DeliveryId,
    pub project_id: ProjectId,
    pub endpoint_id: EndpointId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub timestamp: Timestamp,
    pub accepted_at: Timestamp,
    pub data: EventData,
    pub hops: u8,
    /// The event is a test.
    pub test: bool,
    /// Its age counts from here: when it was made, or sent again from the start.
    pub scheduled_from: Timestamp,
    pub queue_key: Option<String>,
    /// Steps of the schedule used so far; an attempt cut off by a crash or shutdown uses none.
    pub steps_used: u32,
    /// Attempts recorded so far, of every kind.
    pub attempt_count: u32,
    /// Whether a person asked for this attempt; it follows no schedule and holds nobody up.
    pub manual: bool,
    pub waiter: Option<Waiter>,
}

/// What `claim_due` found.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Now the caller's, earliest due first, then oldest first.
    pub items: Vec<DueDelivery>,
    /// When the next unclaimed, not held, pending delivery of the endpoint is due; at or before `now` when the limit
    /// cut the list.
    pub next_due: Option<Timestamp>,
}

/// The request of an attempt as it was sent; values of secret headers are already masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRequest {
    pub method: String,
    pub url: String,
    /// All of its head, in its order.
    pub headers: Vec<Header>,
}

/// The response of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedResponse {
    pub status: u16,
    /// Names as they came.
    pub headers: Vec<(String, String)>,
    /// The first part of the body, as bytes.
    pub body: Bytes,
    /// Whether the body was longer than what is kept.
    pub truncated: bool,
}

/// One HTTP exchange of a delivery. The request's body is stored only when a transformation made it; else it is encoded
/// again from the event and `format` (encoders are deterministic), which keeps an attempt small.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    pub id: AttemptId,
    /// 1 for the first of the delivery.
    pub number: u32,
    pub started_at: Timestamp,
    /// Microseconds from start to outcome.
    pub duration_us: u64,
    pub success: bool,
    /// A code of the closed list in `domain::attempts`.
    pub reason_code: String,
    /// The reason in words, for people.
    pub reason: String,
    pub manual: bool,
    pub format: Format,
    pub request: SentRequest,
    /// The body that a transformation made, which cannot be made again once the program has changed.
    pub request_body: Option<Bytes>,
    pub response: Option<ReceivedResponse>,
    /// `None` when nothing was sent, and for attempts made before timings were kept.
    pub timings: Option<Timings>,
}

/// Where an attempt leaves its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx.
    Delivered,
    /// Tried again at this time; uses up one step of the schedule.
    Retry { due: Timestamp },
    /// Given up. For a manual attempt the delivery goes back to the state it had before.
    Failed,
    /// Nothing is to be sent: the endpoint's transformation skipped the event. For a manual attempt as with `Failed`.
    Cancelled,
}

/// The outcome of one attempt, to be recorded. Releases the claim.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub delivery_id: DeliveryId,
    /// `None` when a delivery ends without an exchange (its deadline passed while the process was down).
    pub attempt: Option<AttemptRecord>,
    pub verdict: Verdict,
    pub at: Timestamp,
}

/// What recording an outcome led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The status now. `Cancelled` when the endpoint was deleted meanwhile: the attempt is kept, the verdict is not.
    pub status: DeliveryStatus,
    /// The delivery that was held behind this one and is due now; still its caller's when it was accepted with `claim`.
    pub promoted: Option<DeliveryId>,
}

/// A delivery as stored.
#[derive(Debug, Clone)]
pub struct DeliveryRecord {
    pub id: DeliveryId,
    pub project_id: ProjectId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub endpoint_id: EndpointId,
    /// The endpoint's name, also of a deleted one.
    pub endpoint_name: String,
    pub status: DeliveryStatus,
    pub ordering_key: Option<String>,
    /// Waits behind an earlier delivery of its key.
    pub held: bool,
    /// When the next attempt may start; `None` unless pending and not held.
    pub due: Option<Timestamp>,
    pub steps_used: u32,
    pub attempt_count: u32,
    pub manual: bool,
    pub waiter: Option<Waiter>,
    /// The last attempt's reason in words.
    pub last_reason: Option<String>,
    pub last_reason_code: Option<String>,
    pub created_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

/// Which deliveries are listed; all given conditions hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    pub event_id: Option<EventId>,
    pub endpoint_id: Option<EndpointId>,
    pub status: Option<DeliveryStatus>,
}

/// Storage of deliveries and attempts.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Hands out pending deliveries of an endpoint that are due, not held and not claimed; at most `limit`.
    async fn claim_due(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<Claimed>;
    /// Hands out these deliveries where they are pending, not held and not claimed, whatever their due time.
    async fn claim(&self, deliveries: Vec<DeliveryId>) -> Result<Vec<DueDelivery>>;
    /// Gives claimed deliveries back, unchanged.
    async fn release(&self, deliveries: Vec<DeliveryId>) -> Result<()>;
    /// Records an outcome in a durable commit: the attempt, the delivery's new state, and the promotion of the next
    /// delivery of its queue key when this one ended. The promoted one is due, not claimed. For a delivery that ended
    /// already the attempt is kept and nothing else changes. `NotFound` for an unknown delivery.
    async fn record_outcome(&self, outcome: &Outcome) -> Result<Recorded>;
    /// Makes a delivery due at `now`: a pending one early (no change if it is held), a failed or delivered one again as
    /// a single manual attempt outside its queue key. A cancelled one, whose transformation skipped it, was never sent: it
    /// is pending with the whole schedule before it, outside its queue key, and nobody waits for its answer any more.
    /// `Conflict` when the endpoint was deleted. Returns the new state.
    async fn retry_delivery(&self, project: ProjectId, delivery: DeliveryId, now: Timestamp) -> Result<DeliveryRecord>;
    /// For a held delivery the one of its queue key that has to end first.
    async fn waits_behind(&self, project: ProjectId, delivery: DeliveryId) -> Result<Option<DeliveryId>>;
    /// Deliveries of a project, newest first.
    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRecord>>;
    /// One delivery with its attempts, oldest attempt first.
    async fn delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>>;
    /// Numbers of the project's deliveries by status.
    async fn delivery_counts(&self, project: ProjectId) -> Result<StatusCounts>;
}
