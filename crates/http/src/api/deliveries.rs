//! Deliveries and their attempts.

use super::traces::{self, DeliveryWaiting};
use super::{List, codes};
use crate::App;
use crate::extract::{Auth, NoQuery, PathId, Query, page};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kanca_domain::attempts::{ReasonCode, Timings};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::formats::Format;
use kanca_domain::headers::Header;
use kanca_domain::ids::{AttemptId, DeliveryId, EndpointId, EventId};
use kanca_engine::deliveries::DeliveryDetail as Detail;
use kanca_engine::storage::deliveries::{AttemptRecord, DeliveryFilter, DeliveryRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    #[schema(value_type = String)]
    pub id: DeliveryId,
    #[schema(value_type = String)]
    pub event_id: EventId,
    pub event_type: String,
    #[schema(value_type = String)]
    pub endpoint_id: EndpointId,
    pub endpoint_name: String,
    #[schema(value_type = DeliveryStatusName)]
    pub status: DeliveryStatus,
    pub attempt_count: u32,
    /// When the next attempt may start.
    pub next_attempt_at: Option<String>,
    /// Waits behind an earlier delivery of its ordering key.
    pub held: bool,
    /// The last attempt's reason, in English.
    pub last_reason: Option<String>,
    #[schema(schema_with = codes::last_attempts)]
    pub last_reason_code: Option<String>,
    pub last_reason_detail: Option<String>,
    pub ordering_key: Option<String>,
    pub created_at: String,
    pub completed_at: Option<String>,
}

/// Where a delivery stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum DeliveryStatusName {
    Pending,
    Delivered,
    Failed,
    Cancelled,
}

/// A delivery with all attempts.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryDetail {
    #[serde(flatten)]
    pub delivery: Delivery,
    #[schema(value_type = crate::api::endpoints::FormatName)]
    pub format: Format,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// What it waits for, while it is pending.
    pub waiting: Option<DeliveryWaiting>,
    /// The last (or next) attempt as a command; values of the endpoint's own headers are placeholders.
    pub curl: String,
}

/// One HTTP exchange of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    #[schema(value_type = String)]
    pub id: AttemptId,
    pub number: u32,
    pub started_at: String,
    pub duration_ms: f64,
    /// `success` or `failure`.
    pub outcome: AttemptOutcome,
    #[schema(schema_with = codes::attempts)]
    pub reason_code: String,
    /// The technical part of the reason, such as the status, or what the network says.
    pub reason_detail: Option<String>,
    /// What happened and what to do, in English.
    pub reason: String,
    /// A person asked for it.
    pub manual: bool,
    pub request: AttemptRequest,
    pub response: Option<AttemptResponse>,
    /// Where the time went; absent when nothing was sent.
    pub timings: Option<AttemptTimings>,
}

/// The parts of an exchange in microseconds. The part in which it failed has the time until then; one that was not needed
/// or not reached is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptTimings {
    pub dns_us: Option<u32>,
    pub connect_us: Option<u32>,
    pub tls_us: Option<u32>,
    /// From the request's first byte to the response's head.
    pub first_byte_us: Option<u32>,
    pub total_us: u32,
    /// An open connection was used.
    pub reused: bool,
    /// The address and port dialled; the proxy's if there is one.
    pub remote: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Success,
    Failure,
}

/// The request as it was sent; values of the endpoint's own headers are hidden.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptRequest {
    pub method: String,
    pub url: String,
    /// The whole head in its order, names spelt as they were sent.
    #[schema(value_type = Vec<(String, String)>)]
    pub headers: Vec<Header>,
    /// Base64.
    pub body: String,
}

/// The response as it came.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptResponse {
    pub status: u16,
    /// Names spelt as they came.
    pub headers: Vec<(String, String)>,
    /// Base64 of the first 16 KiB.
    pub body: String,
    /// Whether there was more.
    pub truncated: bool,
}

/// `?event_id=&endpoint_id=&status=&cursor=&limit=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesQuery {
    event_id: Option<String>,
    endpoint_id: Option<String>,
    status: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// The project's deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "deliveries",
    params(("event_id" = Option<String>, Query), ("endpoint_id" = Option<String>, Query), ("status" = Option<DeliveryStatusName>, Query),
        ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Delivery>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<DeliveriesQuery>,
) -> Answer<axum::Json<List<Delivery>>> {
    let page = page(query.cursor.as_deref(), query.limit)?;
    let wrong = |name: &str, right: &str| Problem::malformed(format!("The query parameter {name} must be {right}."));
    let event_id =
        query.event_id.map(|t| t.parse().map_err(|_| wrong("event_id", "an event's id, evt_…"))).transpose()?;
    let endpoint_id =
        query.endpoint_id.map(|t| t.parse().map_err(|_| wrong("endpoint_id", "an endpoint's id, ep_…"))).transpose()?;
    let status = query
        .status
        .map(|t| DeliveryStatus::parse(&t).ok_or_else(|| wrong("status", "pending, delivered, failed or cancelled")))
        .transpose()?;
    let filter = DeliveryFilter { event_id, endpoint_id, status };
    Ok(axum::Json(List::of(app.engine.deliveries(auth.project(), filter, page).await?, delivery)))
}

/// One delivery with its attempts.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryDetail)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<DeliveryId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<DeliveryDetail>> {
    let Detail { delivery: record, format, attempts, curl } = app.engine.delivery(auth.project(), id).await?;
    let attempts = attempts.into_iter().map(|(a, body)| attempt(a, &body)).collect();
    let waiting = app.engine.waits_for(&record).await?.map(traces::waiting);
    Ok(axum::Json(DeliveryDetail { delivery: delivery(record), format, attempts, waiting, curl }))
}

/// Makes a delivery due now: a pending one early, an ended one again. While its endpoint is paused or disabled this answers
/// 202, too, and the delivery waits until the endpoint is active.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 202, body = Delivery), (status = 409, body = Problem)))]
pub async fn retry(State(app): State<App>, auth: Auth, PathId(id): PathId<DeliveryId>) -> Answer<Response> {
    let record = app.engine.retry_delivery(auth.project(), id).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(delivery(record))).into_response())
}

fn delivery(record: DeliveryRecord) -> Delivery {
    let last = record.last_reason_code.as_deref().zip(record.last_reason.as_deref());
    Delivery {
        id: record.id,
        event_id: record.event_id,
        event_type: record.event_type.as_str().to_owned(),
        endpoint_id: record.endpoint_id,
        endpoint_name: record.endpoint_name,
        status: record.status,
        attempt_count: record.attempt_count,
        next_attempt_at: record.due.map(rfc3339),
        held: record.held,
        last_reason_detail: last.and_then(|(code, reason)| detail(code, reason)),
        last_reason: record.last_reason,
        last_reason_code: record.last_reason_code,
        ordering_key: record.ordering_key,
        created_at: rfc3339(record.created_at),
        completed_at: record.completed_at.map(rfc3339),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of an attempt fit a double")]
fn attempt(record: AttemptRecord, body: &[u8]) -> Attempt {
    Attempt {
        id: record.id,
        number: record.number,
        started_at: rfc3339(record.started_at),
        duration_ms: record.duration_us as f64 / 1_000.0,
        outcome: if record.success { AttemptOutcome::Success } else { AttemptOutcome::Failure },
        reason_detail: detail(&record.reason_code, &record.reason),
        reason_code: record.reason_code,
        reason: record.reason,
        manual: record.manual,
        request: AttemptRequest {
            method: record.request.method,
            url: record.request.url,
            headers: record.request.headers,
            body: STANDARD.encode(body),
        },
        response: record.response.map(|r| AttemptResponse {
            status: r.status,
            headers: r.headers,
            body: STANDARD.encode(&r.body),
            truncated: r.truncated,
        }),
        timings: record.timings.map(timings),
    }
}

/// The technical part of an attempt's reason.
pub(super) fn detail(code: &str, reason: &str) -> Option<String> {
    Some(ReasonCode::of_code(code)?.detail(reason)?.to_owned())
}

/// Where the time of an attempt went.
pub(super) fn timings(t: Timings) -> AttemptTimings {
    AttemptTimings {
        dns_us: t.dns_us,
        connect_us: t.connect_us,
        tls_us: t.tls_us,
        first_byte_us: t.first_byte_us,
        total_us: t.total_us,
        reused: t.reused,
        remote: t.remote.map(|address| address.to_string()),
    }
}
