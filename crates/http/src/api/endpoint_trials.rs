//! *Try it*: an endpoint's programs on an event, without sending anything.

use super::present;
use crate::App;
use crate::extract::{Auth, Json, PathId};
use crate::problems::Answer;
use axum::extract::State;
use kanca_domain::events::{EventData, EventType, OrderingKey};
use kanca_domain::headers::Header;
use kanca_domain::ids::{EndpointId, EventId};
use kanca_engine::EngineError;
use kanca_engine::programs::{Fault, Trial, TrialEvent, TrialInput};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event, published (`event_id`) or made up (`type`, `data`, perhaps `ordering_key`), and programs that need not be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointTrialInput {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub event_id: Option<EventId>,
    #[serde(default, rename = "type", deserialize_with = "present")]
    pub kind: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub data: Option<Box<RawValue>>,
    /// That of a made-up event, as filters see it; a published one brings its own.
    #[serde(default)]
    pub ordering_key: Option<String>,
    /// Absent = the endpoint's own, `null` = none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub filter: Option<Option<String>>,
    /// Absent = the endpoint's own, `null` = none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub transformation: Option<Option<String>>,
}

/// What an attempt would send, and what the programs said.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointTrial {
    /// Whether the endpoint's types include the event's.
    pub matches_types: bool,
    /// `null` without a filter.
    pub filter: Option<FilterTrial>,
    /// `null` without a transformation.
    pub transformation: Option<TransformationTrial>,
    /// `null` when the transformation fails or skips the event.
    pub request: Option<TrialRequest>,
}

/// What a filter said.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilterTrial {
    /// `true` also when it failed: then the event is delivered anyway.
    pub passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ProgramError>,
    pub micros: u64,
}

/// What a transformation said.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransformationTrial {
    /// `null` when it failed or skips the event.
    pub output: Option<TrialOutput>,
    pub skipped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ProgramError>,
    pub micros: u64,
}

/// What a transformation gave.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialOutput {
    pub body: String,
    /// Headers that it sets.
    pub headers: Vec<(String, String)>,
}

/// What is wrong with a program; line and column count from 1.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgramError {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub column: Option<u32>,
}

/// The request that an attempt would make, without the headers that every request has (`host`, `user-agent`,
/// `content-length`); values of secret headers are masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialRequest {
    #[schema(value_type = Vec<(String, String)>)]
    pub headers: Vec<Header>,
    pub body: String,
}

/// Tries an endpoint's filter and transformation on an event. Nothing is sent.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/try", tag = "endpoints", params(("id" = String, Path)),
    request_body = EndpointTrialInput,
    responses((status = 200, body = EndpointTrial)))]
pub async fn run(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Json(input): Json<EndpointTrialInput>,
) -> Answer<axum::Json<EndpointTrial>> {
    let ordering_key = input.ordering_key.as_deref().map(str::parse::<OrderingKey>).transpose();
    let ordering_key = ordering_key.map_err(|e| EngineError::invalid("ordering_key", e.to_string()))?;
    let event = match (input.event_id, input.kind, input.data) {
        (Some(_), None, None) if ordering_key.is_some() => {
            let message = "a published event brings its own; leave it out, or give type and data instead of event_id";
            return Err(EngineError::invalid("ordering_key", message).into());
        }
        (Some(id), None, None) => TrialEvent::Stored(id),
        (None, Some(kind), Some(data)) => {
            let event_type: EventType = kind
                .parse()
                .map_err(|e: kanca_domain::events::InvalidEventType| EngineError::invalid("type", e.to_string()))?;
            let data =
                EventData::parse(data.get().as_bytes()).map_err(|e| EngineError::invalid("data", e.to_string()))?;
            TrialEvent::Made { event_type, data, ordering_key }
        }
        _ => return Err(EngineError::invalid("event_id", "give either event_id, or type and data").into()),
    };
    let input = TrialInput { event, filter: input.filter, transformation: input.transformation };
    Ok(axum::Json(shown(app.engine.try_programs(auth.project(), id, input).await?)))
}

fn shown(trial: Trial) -> EndpointTrial {
    let filter = trial.filter.map(|f| FilterTrial {
        passed: !matches!(f.result, Ok(false)),
        error: f.result.err().map(error),
        micros: f.micros,
    });
    let transformation = trial.transformation.map(|t| TransformationTrial {
        output: t.output.map(|(headers, body)| TrialOutput { body: text(&body), headers }),
        skipped: t.skipped,
        error: t.error.map(error),
        micros: t.micros,
    });
    let request = trial.request.map(|(headers, body)| TrialRequest { headers, body: text(&body) });
    EndpointTrial { matches_types: trial.matches_types, filter, transformation, request }
}

fn error(fault: Fault) -> ProgramError {
    ProgramError { message: fault.message, line: fault.line, column: fault.column }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
