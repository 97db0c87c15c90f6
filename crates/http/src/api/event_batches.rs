//! Publishing many events at once: all of them or none, in one commit.

use super::events::{EventInput, publication};
use crate::App;
use crate::extract::{Auth, NoQuery, Query, read_json};
use crate::json::parse_json;
use crate::problems::{Answer, FieldProblem, Problem};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::EventId;
use kanca_engine::EngineError;
use kanca_engine::errors::FieldError;
use kanca_engine::events::{Publication, Published};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Events in one call at most.
const MOST: usize = 1_000;
/// Wrong fields that are named at most.
const NAMED: usize = 100;

/// Events to publish together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBatchInput {
    /// 1–1,000 events; the whole body is at most as large as that of a single event may be (1 MiB by default).
    #[schema(value_type = Vec<EventInput>)]
    pub events: Vec<Box<RawValue>>,
}

/// What was published, in the order of the input.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventBatchAccepted {
    pub items: Vec<BatchItem>,
}

/// One event of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItem {
    #[schema(value_type = String)]
    pub id: EventId,
    pub status: BatchItemStatus,
}

/// Whether an event of a batch is new.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchItemStatus {
    New,
    /// The same content came under the same idempotency key within 24 hours, or earlier in this batch.
    Repeated,
}

/// Publishes events, all of them or none: 202 when all and their deliveries are durable. Each wrong field is named with
/// its place, such as `events[3].type`.
#[utoipa::path(post, path = "/api/v1/events/batch", tag = "events", operation_id = "publish_batch", request_body = EventBatchInput,
    responses((status = 202, body = EventBatchAccepted), (status = 409, body = Problem)))]
pub async fn publish(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
    request: Request,
) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let bytes = read_json(&parts.headers, body, app.engine.settings().max_event_bytes).await?;
    if parts.headers.contains_key("idempotency-key") {
        let why = "A batch takes no header Idempotency-Key. Give each event the field idempotency_key instead.";
        return Err(Problem::malformed(why));
    }
    let publications = publications(&parse_json(&bytes)?)?;
    drop(bytes);
    let published = app.engine.publish_all(auth.project(), publications).await?;
    let items = published.into_iter().map(|published| match published {
        Published::New(id) => BatchItem { id, status: BatchItemStatus::New },
        Published::Repeated(id) => BatchItem { id, status: BatchItemStatus::Repeated },
    });
    Ok((StatusCode::ACCEPTED, axum::Json(EventBatchAccepted { items: items.collect() })).into_response())
}

fn publications(input: &EventBatchInput) -> Answer<Vec<Publication>> {
    let count = input.events.len();
    if count == 0 || count > MOST {
        let advice = if count == 0 { "leave the call out" } else { "split it" };
        let message = format!("must hold 1 to {MOST} events, and holds {count}; {advice}");
        return Err(Problem::invalid("events", message));
    }
    let mut faults = Vec::new();
    let mut publications = Vec::with_capacity(count);
    for (place, text) in input.events.iter().enumerate() {
        match parse_item(text).and_then(|event| publication(event, None)) {
            Ok(publication) => publications.push(publication),
            Err(problem) => faults.extend(placed(place, problem)),
        }
        if faults.len() >= NAMED {
            break;
        }
    }
    if faults.is_empty() { Ok(publications) } else { Err(EngineError::Invalid(faults).into()) }
}

fn parse_item(text: &RawValue) -> Answer<EventInput> {
    match text.get().as_bytes().first() {
        Some(b'{') => parse_json(text.get().as_bytes()),
        _ => Err(Problem::invalid("", "must be an object with `type` and `data`")),
    }
}

/// The faults of one event, each with the event's place before it.
fn placed(place: usize, problem: Problem) -> Vec<FieldError> {
    let at =
        |field: &str| if field.is_empty() { format!("events[{place}]") } else { format!("events[{place}].{field}") };
    if problem.errors.is_empty() {
        return vec![FieldError { field: at(""), message: problem.detail }];
    }
    let placed = |FieldProblem { field, message }| FieldError { field: at(&field), message };
    problem.errors.into_vec().into_iter().map(placed).collect()
}
