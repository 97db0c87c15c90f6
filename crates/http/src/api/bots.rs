//! Bots.

use super::{List, PageQuery, present};
use crate::App;
use crate::extract::{Auth, Json, NoQuery, PathId, Query};
use crate::problems::Answer;
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::{BotId, Id, ScenarioId};
use kanca_engine::scenarios::BotPatch as Patch;
use kanca_engine::storage::scenarios::BotRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The languages that Kanca speaks.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LanguageName {
    En,
    Tr,
}

/// A bot.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bot {
    #[schema(value_type = String)]
    pub id: BotId,
    pub name: String,
    #[schema(value_type = LanguageName)]
    pub language: String,
    /// Origins whose pages may talk to it; empty = any.
    pub allowed_origins: Vec<String>,
    /// New conversations start with this scenario.
    #[schema(value_type = Option<String>)]
    pub active_scenario_id: Option<ScenarioId>,
    /// A page with the widget.
    pub chat_url: String,
    pub created_at: String,
    /// Key of `identity_hash`; shown when the bot is created, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub identity_secret: Option<String>,
}

/// A new bot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BotInput {
    pub name: String,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<LanguageName>)]
    pub language: Option<String>,
}

/// Changes; absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BotPatch {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<LanguageName>)]
    pub language: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub allowed_origins: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub active_scenario_id: Option<ScenarioId>,
}

/// The project's bots, newest first.
#[utoipa::path(get, path = "/api/v1/bots", tag = "bots", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<Bot>)))]
pub async fn list(State(app): State<App>, auth: Auth, Query(query): Query<PageQuery>) -> Answer<axum::Json<List<Bot>>> {
    let all = app.engine.bots(auth.project());
    Ok(axum::Json(List::part(all, query.page()?, |b| b.id.uuid(), |b| bot(&app, &b, None))))
}

/// Creates a bot.
#[utoipa::path(post, path = "/api/v1/bots", tag = "bots", request_body = BotInput, responses((status = 201, body = Bot)))]
pub async fn create(State(app): State<App>, auth: Auth, Json(input): Json<BotInput>) -> Answer<Response> {
    let (record, secret) = app.engine.create_bot(auth.project(), input.name, input.language).await?;
    Ok((StatusCode::CREATED, axum::Json(bot(&app, &record, Some(secret)))).into_response())
}

/// One bot.
#[utoipa::path(get, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = String, Path)), responses((status = 200, body = Bot)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<BotId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Bot>> {
    Ok(axum::Json(bot(&app, &*app.engine.bot(auth.project(), id)?, None)))
}

/// The key of `identity_hash`; for the site's server only.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentitySecret {
    pub identity_secret: String,
}

/// Shows the key of `identity_hash`.
#[utoipa::path(get, path = "/api/v1/bots/{id}/identity-secret", tag = "bots", params(("id" = String, Path)),
    responses((status = 200, body = IdentitySecret)))]
pub async fn identity_secret(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<BotId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<IdentitySecret>> {
    Ok(axum::Json(IdentitySecret { identity_secret: app.engine.identity_secret(auth.project(), id)? }))
}

/// Changes a bot.
#[utoipa::path(patch, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = String, Path)), request_body = BotPatch,
    responses((status = 200, body = Bot)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<BotId>,
    Json(input): Json<BotPatch>,
) -> Answer<axum::Json<Bot>> {
    let BotPatch { name, language, allowed_origins, active_scenario_id } = input;
    let patch = Patch { name, language, allowed_origins, active_scenario_id };
    Ok(axum::Json(bot(&app, &*app.engine.patch_bot(auth.project(), id, patch).await?, None)))
}

/// Deletes a bot with its scenarios; conversations stay readable.
#[utoipa::path(delete, path = "/api/v1/bots/{id}", tag = "bots", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, auth: Auth, PathId(id): PathId<BotId>) -> Answer<StatusCode> {
    app.engine.delete_bot(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn bot(app: &App, record: &BotRecord, identity_secret: Option<String>) -> Bot {
    Bot {
        id: record.id,
        name: record.name.clone(),
        language: record.language.clone(),
        allowed_origins: record.allowed_origins.clone(),
        active_scenario_id: record.active_scenario_id,
        chat_url: format!("{}/demo/{}", app.engine.settings().public_url, record.id),
        created_at: rfc3339(record.created_at),
        identity_secret,
    }
}
