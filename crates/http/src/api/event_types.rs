//! The registry of event types, together with Kanca's own types.

use super::{List, PageQuery, present};
use crate::App;
use crate::extract::{Auth, Json, NoQuery, Query};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kanca_domain::events::BuiltIn;
use kanca_engine::EngineError;
use kanca_engine::event_types::{EventTypePatch as Patch, NewEventType, RegisteredType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event type.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTypeDetail {
    pub name: String,
    pub description: String,
    /// A JSON Schema of the event's `data`, as it was written.
    #[schema(value_type = Option<Value>)]
    pub schema: Option<Box<RawValue>>,
    /// Such `data`, as it was written.
    #[schema(value_type = Option<Value>)]
    pub example: Option<Box<RawValue>>,
    /// One of Kanca's own, which cannot be changed.
    pub built_in: bool,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
}

/// A type to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTypeInput {
    /// As in events: segments of letters, digits, `_` and `-` joined by full stops.
    pub name: String,
    /// At most 2,000 characters.
    #[serde(default)]
    pub description: String,
    /// A JSON Schema (draft 2020-12 unless `$schema` says otherwise), at most 64 KiB; `$ref` within itself only.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub schema: Option<Box<RawValue>>,
    /// Any JSON value that the schema allows, at most 64 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub example: Option<Box<RawValue>>,
}

/// Changes; absent fields stay as they are, `null` takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTypePatch {
    #[serde(default, deserialize_with = "present")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    pub schema: Option<Option<Box<RawValue>>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    pub example: Option<Option<Box<RawValue>>>,
}

/// The project's registered types by name, then Kanca's own that can be subscribed to.
#[utoipa::path(get, path = "/api/v1/event-types", tag = "event-types",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<EventTypeDetail>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(_): Query<PageQuery>,
) -> Answer<axum::Json<List<EventTypeDetail>>> {
    let registered = app.engine.event_types(auth.project());
    let mut items = registered.iter().map(|registered| shown(registered)).collect::<Answer<Vec<_>>>()?;
    items.extend(BuiltIn::ALL.iter().filter(|built_in| !built_in.is_addressed()).map(|built_in| own(*built_in)));
    Ok(axum::Json(List::whole(items)))
}

/// Registers a type.
#[utoipa::path(post, path = "/api/v1/event-types", tag = "event-types", request_body = EventTypeInput,
    responses((status = 201, body = EventTypeDetail), (status = 409, body = Problem)))]
pub async fn create(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
    Json(input): Json<EventTypeInput>,
) -> Answer<(StatusCode, axum::Json<EventTypeDetail>)> {
    let EventTypeInput { name, description, schema, example } = input;
    let new =
        NewEventType { name, description, schema: schema.as_deref().map(text), example: example.as_deref().map(text) };
    let registered = app.engine.create_event_type(auth.project(), new).await?;
    Ok((StatusCode::CREATED, axum::Json(shown(&registered)?)))
}

/// One type, a registered one or one of Kanca's own.
#[utoipa::path(get, path = "/api/v1/event-types/{name}", tag = "event-types", params(("name" = String, Path)),
    responses((status = 200, body = EventTypeDetail)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    Path(name): Path<String>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<EventTypeDetail>> {
    let built_in = BuiltIn::ALL.iter().find(|built_in| built_in.name() == name && !built_in.is_addressed());
    match built_in {
        Some(built_in) => Ok(axum::Json(own(*built_in))),
        None => Ok(axum::Json(shown(&*app.engine.event_type(auth.project(), &name)?)?)),
    }
}

/// Changes a registered type; in force when the answer is there.
#[utoipa::path(patch, path = "/api/v1/event-types/{name}", tag = "event-types", params(("name" = String, Path)), request_body = EventTypePatch,
    responses((status = 200, body = EventTypeDetail)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    Path(name): Path<String>,
    Json(input): Json<EventTypePatch>,
) -> Answer<axum::Json<EventTypeDetail>> {
    let EventTypePatch { description, schema, example } = input;
    let patch = Patch {
        description,
        schema: schema.map(|s| s.as_deref().map(text)),
        example: example.map(|e| e.as_deref().map(text)),
    };
    Ok(axum::Json(shown(&*app.engine.patch_event_type(auth.project(), &name, patch).await?)?))
}

/// Deletes a registered type; events of it stay, and further ones are not checked.
#[utoipa::path(delete, path = "/api/v1/event-types/{name}", tag = "event-types", params(("name" = String, Path)),
    responses((status = 204)))]
pub async fn delete(State(app): State<App>, auth: Auth, Path(name): Path<String>) -> Answer<StatusCode> {
    app.engine.delete_event_type(auth.project(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn text(json: &RawValue) -> String {
    json.get().to_owned()
}

fn own(built_in: BuiltIn) -> EventTypeDetail {
    EventTypeDetail {
        name: built_in.name().to_owned(),
        description: built_in.description().to_owned(),
        schema: None,
        example: None,
        built_in: true,
        created_at: None,
        updated_at: None,
    }
}

fn shown(registered: &RegisteredType) -> Answer<EventTypeDetail> {
    let record = &registered.record;
    let raw = |text: &Option<String>| text.clone().map(RawValue::from_string).transpose();
    let wrong = |error: serde_json::Error| Problem::from(EngineError::Internal(error.to_string()));
    Ok(EventTypeDetail {
        name: record.name.as_str().to_owned(),
        description: record.description.clone(),
        schema: raw(&record.schema).map_err(wrong)?,
        example: raw(&record.example).map_err(wrong)?,
        built_in: false,
        created_at: Some(rfc3339(record.created_at)),
        updated_at: Some(rfc3339(record.updated_at)),
    })
}
