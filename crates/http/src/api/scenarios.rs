//! Scenarios: drafts, publishing, versions, export, test.

use super::{List, PageQuery, present};
use crate::App;
use crate::extract::{Auth, BODY_LIMIT, Json, NoQuery, PathId, Query, read_json};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::{BotId, ConversationId, Id, ScenarioId, VersionId};
use kanca_domain::scenario::Problem as ScenarioProblem;
use kanca_engine::scenarios::ScenarioDetail;
use kanca_engine::storage::scenarios::{PublishedVersion, ScenarioRecord, VersionRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A bot's flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Scenario {
    #[schema(value_type = String)]
    pub id: ScenarioId,
    #[schema(value_type = String)]
    pub bot_id: BotId,
    pub bot_name: String,
    pub name: String,
    /// The draft document (see `/api/v1/scenario.schema.json`); absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub draft: Option<Value>,
    /// Counts up with each change of the draft.
    pub draft_revision: u64,
    pub published: Option<Published>,
    /// Whether new conversations of the bot start with it.
    pub active: bool,
    /// What is wrong in the draft; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    pub problems: Option<Vec<ScenarioProblem>>,
    pub created_at: String,
    pub updated_at: String,
}

/// A published version.
#[derive(Debug, Serialize, ToSchema)]
pub struct Published {
    #[schema(value_type = String)]
    pub version_id: VersionId,
    pub number: u64,
    pub published_at: String,
}

/// A new scenario, blank or from a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioInput {
    pub name: String,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub draft: Option<Value>,
}

/// Changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioPatch {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
}

/// `?revision=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftQuery {
    revision: Option<u64>,
}

/// A conversation over the present draft; chat with it by the chat API.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestConversation {
    #[schema(value_type = String)]
    pub conversation_id: ConversationId,
    pub token: String,
}

/// All scenarios of the project, newest first, without drafts.
#[utoipa::path(get, path = "/api/v1/scenarios", tag = "scenarios", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<Scenario>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Scenario>>> {
    listed(&app, &auth, None, &query).await
}

/// A bot's scenarios, newest first, without drafts.
#[utoipa::path(get, path = "/api/v1/bots/{id}/scenarios", tag = "scenarios", params(("id" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Scenario>)))]
pub async fn list_of_bot(
    State(app): State<App>,
    auth: Auth,
    PathId(bot): PathId<BotId>,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Scenario>>> {
    listed(&app, &auth, Some(bot), &query).await
}

async fn listed(app: &App, auth: &Auth, bot: Option<BotId>, query: &PageQuery) -> Answer<axum::Json<List<Scenario>>> {
    let records = app.engine.scenarios(auth.project(), bot).await?;
    Ok(axum::Json(List::part(records, query.page()?, |r| r.id.uuid(), |r| scenario(app, auth, r, None))))
}

/// Creates a scenario.
#[utoipa::path(post, path = "/api/v1/bots/{id}/scenarios", tag = "scenarios", params(("id" = String, Path)), request_body = ScenarioInput,
    responses((status = 201, body = Scenario)))]
pub async fn create(
    State(app): State<App>,
    auth: Auth,
    PathId(bot): PathId<BotId>,
    Json(input): Json<ScenarioInput>,
) -> Answer<Response> {
    let detail = app.engine.create_scenario(auth.project(), bot, input.name, input.draft).await?;
    Ok((StatusCode::CREATED, axum::Json(detailed(&app, &auth, detail))).into_response())
}

/// One scenario with its draft and what is wrong in it.
#[utoipa::path(get, path = "/api/v1/scenarios/{id}", tag = "scenarios", params(("id" = String, Path)), responses((status = 200, body = Scenario)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Scenario>> {
    Ok(axum::Json(detailed(&app, &auth, app.engine.scenario(auth.project(), id).await?)))
}

/// Changes the name.
#[utoipa::path(patch, path = "/api/v1/scenarios/{id}", tag = "scenarios", params(("id" = String, Path)), request_body = ScenarioPatch,
    responses((status = 200, body = Scenario)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
    Json(input): Json<ScenarioPatch>,
) -> Answer<axum::Json<Scenario>> {
    let detail = match input.name {
        Some(name) => app.engine.rename_scenario(auth.project(), id, &name).await?,
        None => app.engine.scenario(auth.project(), id).await?,
    };
    Ok(axum::Json(detailed(&app, &auth, detail)))
}

/// Deletes a scenario.
#[utoipa::path(delete, path = "/api/v1/scenarios/{id}", tag = "scenarios", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, auth: Auth, PathId(id): PathId<ScenarioId>) -> Answer<StatusCode> {
    app.engine.delete_scenario(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the draft. Problems do not keep it from being stored; they are in the answer.
#[utoipa::path(put, path = "/api/v1/scenarios/{id}/draft", tag = "scenarios",
    params(("id" = String, Path), ("revision" = Option<u64>, Query)), request_body = Object,
    responses((status = 200, body = Scenario), (status = 409, body = Problem)))]
pub async fn put_draft(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
    Query(query): Query<DraftQuery>,
    request: Request,
) -> Answer<axum::Json<Scenario>> {
    let (parts, body) = request.into_parts();
    let bytes = read_json(&parts.headers, body, BODY_LIMIT).await?;
    let _: serde::de::IgnoredAny = crate::json::parse_json(&bytes)?;
    let detail = app.engine.save_draft(auth.project(), id, &bytes, query.revision).await?;
    Ok(axum::Json(detailed(&app, &auth, detail)))
}

/// Freezes the draft as the next version; new conversations of the bot start with it.
#[utoipa::path(post, path = "/api/v1/scenarios/{id}/publish", tag = "scenarios", params(("id" = String, Path)),
    responses((status = 200, body = Published), (status = 422, body = Problem)))]
pub async fn publish(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
) -> Answer<axum::Json<Published>> {
    Ok(axum::Json(published(&app.engine.publish_scenario(auth.project(), id).await?)))
}

/// Published versions, newest first.
#[utoipa::path(get, path = "/api/v1/scenarios/{id}/versions", tag = "scenarios", params(("id" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Published>)))]
pub async fn versions(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Published>>> {
    let versions = app.engine.versions(auth.project(), id).await?;
    let show = |v: VersionRecord| Published {
        version_id: v.id,
        number: v.number.unwrap_or_default(),
        published_at: rfc3339(v.created_at),
    };
    Ok(axum::Json(List::part(versions, query.page()?, |v| v.id.uuid(), show)))
}

/// The draft as a file, for another bot or server.
#[utoipa::path(get, path = "/api/v1/scenarios/{id}/export", tag = "scenarios", params(("id" = String, Path)), responses((status = 200, body = Object)))]
pub async fn export(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ScenarioId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Response> {
    let ScenarioDetail { scenario: record, .. } = app.engine.scenario(auth.project(), id).await?;
    let mut document = serde_json::from_str::<serde_json::Map<String, Value>>(&record.draft).unwrap_or_default();
    document.insert("name".into(), Value::String(record.name));
    let body = serde_json::to_string_pretty(&document).unwrap_or_default();
    let name = format!("attachment; filename=\"{id}.json\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, body).into_response())
}

/// The JSON Schema of a scenario document.
#[utoipa::path(get, path = "/api/v1/scenario.schema.json", tag = "scenarios", responses((status = 200, body = Object)), security(()))]
pub async fn schema(Query(NoQuery {}): Query<NoQuery>) -> axum::Json<Value> {
    axum::Json(kanca_domain::scenario::schema())
}

/// Opens a conversation over the present draft.
#[utoipa::path(post, path = "/api/v1/scenarios/{id}/test", tag = "scenarios", params(("id" = String, Path)),
    responses((status = 201, body = TestConversation), (status = 422, body = Problem)))]
pub async fn test(State(app): State<App>, auth: Auth, PathId(id): PathId<ScenarioId>) -> Answer<Response> {
    let session = app.engine.test_scenario(auth.project(), id).await?;
    let body = TestConversation { conversation_id: session.id, token: session.token };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

fn detailed(app: &App, auth: &Auth, detail: ScenarioDetail) -> Scenario {
    scenario(app, auth, detail.scenario, Some(detail.problems))
}

fn scenario(app: &App, auth: &Auth, record: ScenarioRecord, problems: Option<Vec<ScenarioProblem>>) -> Scenario {
    let bot = app.engine.bot(auth.project(), record.bot_id).ok();
    Scenario {
        active: bot.as_ref().is_some_and(|b| b.active_scenario_id == Some(record.id)),
        bot_name: bot.map(|b| b.name.clone()).unwrap_or_default(),
        id: record.id,
        bot_id: record.bot_id,
        name: record.name,
        draft: problems.as_ref().and_then(|_| serde_json::from_str(&record.draft).ok()),
        draft_revision: record.draft_revision,
        published: record.published.as_ref().map(published),
        problems,
        created_at: rfc3339(record.created_at),
        updated_at: rfc3339(record.updated_at),
    }
}

fn published(version: &PublishedVersion) -> Published {
    Published { version_id: version.version_id, number: version.number, published_at: rfc3339(version.published_at) }
}
