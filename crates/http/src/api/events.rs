//! Events: publish, list, explain.

use super::{DeliveryCounts, List, codes};
use crate::App;
use crate::extract::{Auth, NoQuery, PathId, Query, page, read_json};
use crate::json::parse_json;
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::events::{Because, EventData, EventType, IdempotencyKey, OrderingKey};
use kanca_domain::ids::{EndpointId, EventId};
use kanca_engine::events::{Publication, Published};
use kanca_engine::storage::events::{EventRecord, Explanation as Told};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventInput {
    /// 1–128 characters, segments of letters, digits, `_` and `-` joined by full stops: `order.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Any JSON value, at most 128 deep; goes out as it came in.
    #[schema(value_type = Value)]
    pub data: Box<RawValue>,
    /// RFC 3339; the time of acceptance when absent.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// The same key within 24 hours publishes nothing twice. Also as the header `Idempotency-Key`.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Events that share it reach an endpoint one after another.
    #[serde(default)]
    pub ordering_key: Option<String>,
}

/// The id of what was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventAccepted {
    #[schema(value_type = String)]
    pub id: EventId,
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String)]
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub timestamp: String,
    pub created_at: String,
    pub ordering_key: Option<String>,
    /// Sent to one webhook to try it.
    pub test: bool,
    pub deliveries: DeliveryCounts,
}

/// An event with its data, and why endpoints did not get it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventDetail {
    #[schema(value_type = String)]
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub timestamp: String,
    pub created_at: String,
    pub ordering_key: Option<String>,
    pub idempotency_key: Option<String>,
    /// Sent to one webhook to try it.
    pub test: bool,
    pub deliveries: DeliveryCounts,
    #[schema(value_type = Value)]
    pub data: Box<RawValue>,
    pub explanation: Vec<Explanation>,
}

/// Why an endpoint did not get an event, why nobody did, or what else is to be said of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    #[schema(value_type = Option<String>)]
    pub endpoint_id: Option<EndpointId>,
    pub endpoint_name: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = ExplanationCode)]
    pub because: Option<Because>,
    /// The same as a sentence, in English.
    pub reason: String,
}

/// What an explanation says, for programs. Neither field is there when an earlier version stored the event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes how `Because` is written")]
pub struct ExplanationCode {
    #[schema(required = false, schema_with = codes::explanations)]
    code: &'static str,
    #[schema(nullable = false)]
    params: Option<ExplanationParams>,
}

/// What the sentence names; which of it is there depends on the code.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes how `Because` is written")]
pub struct ExplanationParams {
    #[schema(nullable = false)]
    event_type: Option<String>,
    /// The beginning of the filter.
    #[schema(nullable = false)]
    filter: Option<String>,
    /// What failed or does not fit, with its place, as the program or schema checker says it.
    #[schema(nullable = false)]
    error: Option<String>,
    /// The webhook that a test was sent to.
    #[schema(nullable = false)]
    webhook: Option<String>,
    /// How many webhooks the project had.
    #[schema(nullable = false)]
    webhooks: Option<u32>,
}

impl From<Told> for Explanation {
    fn from(told: Told) -> Self {
        let Told { endpoint_id, endpoint_name, reason, because } = told;
        Self { endpoint_id, endpoint_name, because, reason }
    }
}

/// `?type=&cursor=&limit=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// Publishes an event: 202 when it and its deliveries are durable, 200 when the idempotency key was used before.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", request_body = EventInput,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 202, body = EventAccepted), (status = 200, body = EventAccepted), (status = 409, body = Problem)))]
pub async fn publish(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
    request: Request,
) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    accept(&app, &auth, &parts.headers, body).await
}

/// Whether a request is one for [`publish_at_once`].
pub fn is_publication<B>(request: &axum::http::Request<B>) -> bool {
    request.method() == Method::POST && request.uri().path() == "/api/v1/events" && request.uri().query().is_none()
}

/// The same call without the way through the router: it is by far the most frequent one, and layers that it does not
/// need would cost it as much as its work. The body stays the caller's, who discards what was not read.
pub async fn publish_at_once<B>(app: &App, mut parts: Parts, body: &mut B) -> Response
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let answer = match Auth::from_request_parts(&mut parts, app).await {
        Ok(auth) => accept(app, &auth, &parts.headers, body).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn accept<B>(app: &App, auth: &Auth, headers: &HeaderMap, body: B) -> Answer<Response>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let bytes = read_json(headers, body, app.engine.settings().max_event_bytes).await?;
    let input: EventInput = parse_json(&bytes)?;
    let mut keys = headers.get_all("idempotency-key").iter();
    let first = keys.next();
    if keys.any(|other| Some(other) != first) {
        return Err(Problem::malformed("The header Idempotency-Key is there twice with different values. Send one."));
    }
    let header = match first {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .map_err(|_| Problem::malformed("The header Idempotency-Key must hold visible ASCII characters."))?,
        ),
    };
    let publication = publication(input, header)?;
    let (status, id) = match app.engine.publish(auth.project(), publication).await? {
        Published::New(id) => (StatusCode::ACCEPTED, id),
        Published::Repeated(id) => (StatusCode::OK, id),
    };
    Ok((status, axum::Json(EventAccepted { id })).into_response())
}

pub(super) fn publication(input: EventInput, header: Option<&str>) -> Answer<Publication> {
    let key = match (header, input.idempotency_key.as_deref()) {
        (Some(header), Some(field)) if header != field => {
            return Err(Problem::malformed(
                "The header Idempotency-Key and the field idempotency_key differ. Send one of them, or both alike.",
            ));
        }
        (header, field) => header.or(field),
    };
    let idempotency_key = key.map(str::parse::<IdempotencyKey>).transpose();
    let ordering_key = input.ordering_key.as_deref().map(str::parse::<OrderingKey>).transpose();
    let timestamp = input.timestamp.as_deref().map(str::parse::<Timestamp>).transpose();
    Ok(Publication {
        event_type: input.kind.parse::<EventType>().map_err(|e| Problem::invalid("type", e.to_string()))?,
        data: EventData::from_raw(input.data).map_err(|e| Problem::invalid("data", e.to_string()))?,
        timestamp: timestamp.map_err(|_| {
            Problem::invalid("timestamp", "must be a time as RFC 3339 has it, such as 2026-11-24T09:30:00Z")
        })?,
        idempotency_key: idempotency_key.map_err(|e| Problem::invalid("idempotency_key", e.to_string()))?,
        ordering_key: ordering_key.map_err(|e| Problem::invalid("ordering_key", e.to_string()))?,
        hops: 0,
    })
}

/// The project's events, newest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(("type" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Event>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<EventsQuery>,
) -> Answer<axum::Json<List<Event>>> {
    let page = page(query.cursor.as_deref(), query.limit)?;
    let kind = query.kind.as_deref().map(str::parse::<EventType>).transpose();
    let kind = kind.map_err(|e| Problem::malformed(format!("The query parameter type is wrong: {e}.")))?;
    let events = app.engine.events(auth.project(), kind.as_ref(), page).await?;
    Ok(axum::Json(List::of(events, |e| event(&e))))
}

fn event(record: &EventRecord) -> Event {
    Event {
        id: record.id,
        kind: record.event_type.as_str().to_owned(),
        timestamp: record.timestamp.to_string(),
        created_at: rfc3339(record.accepted_at),
        ordering_key: record.ordering_key.clone(),
        test: record.test,
        deliveries: record.deliveries.into(),
    }
}

/// One event, with its data and why endpoints did not get it.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = EventDetail)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EventId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<EventDetail>> {
    let record = app.engine.event(auth.project(), id).await?;
    let Event { id, kind, timestamp, created_at, ordering_key, test, deliveries } = event(&record);
    let data = record.data.as_ref().map_or("null", EventData::as_str);
    let data = RawValue::from_string(data.to_owned())
        .map_err(|e| Problem::from(kanca_engine::EngineError::Internal(e.to_string())))?;
    let explanation = record.explanation.into_iter().map(Explanation::from);
    Ok(axum::Json(EventDetail {
        id,
        kind,
        timestamp,
        created_at,
        ordering_key,
        idempotency_key: record.idempotency_key,
        test,
        deliveries,
        data,
        explanation: explanation.collect(),
    }))
}
