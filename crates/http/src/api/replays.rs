//! Sending deliveries again, recovering what an endpoint missed, and test events.

use crate::App;
use crate::extract::{Auth, Json, JsonOrNothing, NoQuery, PathId, Query};
use crate::problems::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::{EventData, EventType, TypePattern};
use kanca_domain::ids::{DeliveryId, EndpointId, EventId};
use kanca_engine::EngineError;
use kanca_engine::errors::FieldError;
use kanca_engine::replays::Wanted;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt::Display;
use std::str::FromStr;
use utoipa::ToSchema;

/// Which deliveries are sent again; all given conditions hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryInput {
    #[serde(default)]
    pub endpoint_id: Option<String>,
    /// A full type, or a prefix followed by `.*`.
    #[serde(default)]
    pub event_type: Option<String>,
    /// `failed` (when absent), `delivered`, or `cancelled`: what a webhook's transformation skipped. Deliveries of deleted
    /// webhooks are never counted.
    #[serde(default)]
    pub status: Option<String>,
    /// Deliveries made at or after this time (RFC 3339).
    #[serde(default)]
    pub since: Option<String>,
    /// Deliveries made before this time.
    #[serde(default)]
    pub until: Option<String>,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
}

/// Since when an endpoint's failed deliveries are sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryFailedInput {
    /// Deliveries made at or after this time (RFC 3339).
    pub since: String,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
}

/// The time in which an endpoint missed events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverInput {
    /// Events accepted at or after this time (RFC 3339).
    pub since: String,
    /// Events accepted before this time; now when absent.
    #[serde(default)]
    pub until: Option<String>,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many deliveries it is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayCount {
    pub count: u64,
}

/// A test event; everything has a default.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestInput {
    /// `test.ping` when absent.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Any JSON value; the type's registered example, or a sentence that says what it is, when absent.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub data: Option<Box<RawValue>>,
}

/// A test on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestAccepted {
    /// The event.
    #[schema(value_type = String)]
    pub id: EventId,
    #[schema(value_type = String)]
    pub delivery_id: DeliveryId,
}

/// Sends deliveries again that ended: 202 with their number, while they enter their queues in the background. With
/// `dry_run` 200, and nothing is sent. Deliveries of a paused or disabled endpoint wait until it is active.
#[utoipa::path(post, path = "/api/v1/deliveries/retry", tag = "deliveries", operation_id = "retry_many", request_body = RetryInput,
    responses((status = 202, body = ReplayCount), (status = 200, body = ReplayCount)))]
pub async fn retry_many(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
    Json(input): Json<RetryInput>,
) -> Answer<(StatusCode, axum::Json<ReplayCount>)> {
    let mut fields = Fields::default();
    let status =
        input.status.as_deref().map(|text| DeliveryStatus::parse(text).ok_or("must be failed, delivered or cancelled"));
    let wanted = Wanted {
        endpoint_id: input.endpoint_id.as_deref().map(endpoint).transpose()?,
        event_type: fields.parse::<TypePattern>("event_type", input.event_type.as_deref()),
        status: fields.check("status", status),
        since: fields.time("since", input.since.as_deref()),
        until: fields.time("until", input.until.as_deref()),
    };
    fields.end()?;
    let count = app.engine.retry_many(auth.project(), wanted, input.dry_run).await?;
    Ok(counted(count, input.dry_run))
}

/// Sends again what failed of an endpoint since a time: 202 with the number. With `dry_run` 200, and nothing is sent. While
/// the endpoint is paused or disabled the deliveries wait.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/retry-failed", tag = "endpoints", params(("id" = String, Path)), request_body = RetryFailedInput,
    responses((status = 202, body = ReplayCount), (status = 200, body = ReplayCount)))]
pub async fn retry_failed(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
    Json(input): Json<RetryFailedInput>,
) -> Answer<(StatusCode, axum::Json<ReplayCount>)> {
    let mut fields = Fields::default();
    let since = fields.time("since", Some(&input.since));
    fields.end()?;
    let wanted = Wanted { endpoint_id: Some(id), since, ..Wanted::default() };
    let count = app.engine.retry_many(auth.project(), wanted, input.dry_run).await?;
    Ok(counted(count, input.dry_run))
}

/// Makes deliveries for the events since a time that this endpoint should have got and did not, such as those published
/// while it was disabled: 202 with the number. With `dry_run` 200, and nothing is made. While it is paused or disabled they
/// wait.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/recover", tag = "endpoints", params(("id" = String, Path)), request_body = RecoverInput,
    responses((status = 202, body = ReplayCount), (status = 200, body = ReplayCount)))]
pub async fn recover(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
    Json(input): Json<RecoverInput>,
) -> Answer<(StatusCode, axum::Json<ReplayCount>)> {
    let mut fields = Fields::default();
    let since = fields.time("since", Some(&input.since));
    let until = fields.time("until", input.until.as_deref());
    fields.end()?;
    let since = since.unwrap_or(Timestamp::MIN);
    let count = app.engine.recover(auth.project(), id, since, until, input.dry_run).await?;
    Ok(counted(count, input.dry_run))
}

/// Sends a test event to this endpoint only, whatever its types. It is marked as a test: by the header `kanca-test`, and
/// wherever it is shown. Its data is checked as that of a published event.
/// A paused or disabled endpoint answers 409, because a test that came later would show nothing.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/test", tag = "endpoints", params(("id" = String, Path)), request_body = Option<TestInput>,
    responses((status = 202, body = TestAccepted), (status = 409, body = Problem)))]
pub async fn test(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
    JsonOrNothing(input): JsonOrNothing<TestInput>,
) -> Answer<(StatusCode, axum::Json<TestAccepted>)> {
    let mut fields = Fields::default();
    let event_type = fields.parse::<EventType>("type", input.kind.as_deref());
    let data = fields.check("data", input.data.map(EventData::from_raw));
    fields.end()?;
    let sent = app.engine.send_test(auth.project(), id, event_type, data).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(TestAccepted { id: sent.event_id, delivery_id: sent.delivery_id })))
}

fn counted(count: u64, dry_run: bool) -> (StatusCode, axum::Json<ReplayCount>) {
    let status = if dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, axum::Json(ReplayCount { count }))
}

/// An endpoint that a field names; what is no id names nothing.
fn endpoint(text: &str) -> Answer<EndpointId> {
    text.parse().map_err(|_| EngineError::NotFound("endpoint").into())
}

/// Collects what is wrong with the fields of an input.
#[derive(Default)]
struct Fields(Vec<FieldError>);

impl Fields {
    fn check<T, E: Display>(&mut self, field: &str, value: Option<Result<T, E>>) -> Option<T> {
        value?.map_err(|e| self.0.push(FieldError { field: field.into(), message: e.to_string() })).ok()
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, field: &str, text: Option<&str>) -> Option<T> {
        self.check(field, text.map(str::parse))
    }

    fn time(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        let wrong = "must be a time as RFC 3339 has it, such as 2026-11-24T09:30:00Z";
        self.check(field, text.map(|t| t.parse().map_err(|_| wrong)))
    }

    fn end(self) -> Answer<()> {
        if self.0.is_empty() { Ok(()) } else { Err(EngineError::Invalid(self.0).into()) }
    }
}
