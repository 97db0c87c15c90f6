//! Why (not) delivered: the trace of an event.

use super::codes;
use super::deliveries::{AttemptOutcome, AttemptTimings, DeliveryStatusName, detail, timings};
use super::events::Explanation;
use crate::App;
use crate::extract::{Auth, NoQuery, PathId, Query};
use crate::problems::Answer;
use crate::time::rfc3339;
use axum::extract::State;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{AttemptId, DeliveryId, EndpointId, EventId};
use kanca_engine::storage::deliveries::AttemptRecord;
use kanca_engine::traces::{Traced, Wait, WaitReason};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of an event, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTrace {
    #[schema(value_type = String)]
    pub event_id: EventId,
    /// What is to be said of the event as a whole: nobody subscribes, its data is not as its type's schema says, it is a test.
    pub notes: Vec<Explanation>,
    /// One for each endpoint that gets it, oldest first.
    pub deliveries: Vec<TracedDelivery>,
    /// Endpoints that do not get it, and why.
    pub not_sent: Vec<Explanation>,
    /// Whether there is more than the 200 deliveries and 200 endpoints that are traced.
    pub truncated: bool,
}

/// A delivery with what it waits for.
#[derive(Debug, Serialize, ToSchema)]
pub struct TracedDelivery {
    #[schema(value_type = String)]
    pub id: DeliveryId,
    #[schema(value_type = String)]
    pub endpoint_id: EndpointId,
    pub endpoint_name: String,
    #[schema(value_type = DeliveryStatusName)]
    pub status: DeliveryStatus,
    /// Made later than the event, by a recovery.
    pub recovered: bool,
    /// What was said of this webhook when the event was published: its filter failed, or it was disabled then.
    pub notes: Vec<Explanation>,
    /// What it waits for, while it is pending.
    pub waiting: Option<DeliveryWaiting>,
    pub completed_at: Option<String>,
    /// Oldest first.
    pub attempts: Vec<TracedAttempt>,
}

/// What a pending delivery waits for.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryWaiting {
    #[schema(schema_with = codes::waits)]
    pub reason: WaitReason,
    pub until: Option<String>,
    /// With `ordering`: the delivery that has to end first.
    #[schema(value_type = Option<String>)]
    pub behind: Option<DeliveryId>,
}

/// An attempt in short; the delivery itself has all of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TracedAttempt {
    #[schema(value_type = String)]
    pub id: AttemptId,
    pub number: u32,
    pub started_at: String,
    pub outcome: AttemptOutcome,
    #[schema(schema_with = codes::attempts)]
    pub reason_code: String,
    /// The technical part of the reason, such as the status, or what the network says.
    pub reason_detail: Option<String>,
    /// What happened and what to do, in English.
    pub reason: String,
    /// A person asked for it.
    pub manual: bool,
    pub response_status: Option<u16>,
    /// Where the time went; absent when nothing was sent.
    pub timings: Option<AttemptTimings>,
}

/// Why an event was delivered, or was not, or is not yet.
#[utoipa::path(get, path = "/api/v1/events/{id}/trace", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = EventTrace)))]
pub async fn trace(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EventId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<EventTrace>> {
    let trace = app.engine.trace(auth.project(), id).await?;
    Ok(axum::Json(EventTrace {
        event_id: id,
        notes: trace.notes.into_iter().map(Explanation::from).collect(),
        deliveries: trace.deliveries.into_iter().map(traced).collect(),
        not_sent: trace.not_sent.into_iter().map(Explanation::from).collect(),
        truncated: trace.truncated,
    }))
}

fn traced(traced: Traced) -> TracedDelivery {
    let Traced { delivery, attempts, recovered, notes, wait } = traced;
    TracedDelivery {
        id: delivery.id,
        endpoint_id: delivery.endpoint_id,
        endpoint_name: delivery.endpoint_name,
        status: delivery.status,
        recovered,
        notes: notes.into_iter().map(Explanation::from).collect(),
        waiting: wait.map(waiting),
        completed_at: delivery.completed_at.map(rfc3339),
        attempts: attempts.into_iter().map(attempt).collect(),
    }
}

pub(super) fn waiting(wait: Wait) -> DeliveryWaiting {
    DeliveryWaiting { reason: wait.reason, until: wait.until.map(rfc3339), behind: wait.behind }
}

fn attempt(record: AttemptRecord) -> TracedAttempt {
    TracedAttempt {
        id: record.id,
        number: record.number,
        started_at: rfc3339(record.started_at),
        outcome: if record.success { AttemptOutcome::Success } else { AttemptOutcome::Failure },
        reason_detail: detail(&record.reason_code, &record.reason),
        reason_code: record.reason_code,
        reason: record.reason,
        manual: record.manual,
        response_status: record.response.map(|response| response.status),
        timings: record.timings.map(timings),
    }
}
