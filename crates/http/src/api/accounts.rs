//! Set-up, log-in, sessions, API keys, projects.

use super::{List, PageQuery};
use crate::App;
use crate::extract::{Auth, COOKIE, Client, Json, NoQuery, PathId, Query, check_panel_request, session_token};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::{ApiKeyId, Id, ProjectId, UserId};
use kanca_engine::accounts::NewSession;
use kanca_engine::storage::accounts::{ApiKeyRecord, ProjectRecord, UserRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the panel stands: it needs to be set up, somebody has to log in, or it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    Setup,
    Login,
    Ready,
}

/// The panel's session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    pub state: SessionState,
    pub user: Option<User>,
    pub project: Option<ProjectName>,
    /// Kanca's version.
    pub version: String,
    /// Origin of the panel and the widget.
    pub public_url: String,
    /// Origin of inbox addresses.
    pub inbox_url: String,
}

/// A person who may log in.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    #[schema(value_type = String)]
    pub id: UserId,
    pub email: String,
}

/// A project by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectName {
    #[schema(value_type = String)]
    pub id: ProjectId,
    pub name: String,
}

/// What the one-time link asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupInput {
    /// From the link.
    pub token: String,
    pub email: String,
    /// At least 10 characters.
    pub password: String,
}

/// What log-in asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginInput {
    pub email: String,
    pub password: String,
}

/// A name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameInput {
    pub name: String,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct Project {
    #[schema(value_type = String)]
    pub id: ProjectId,
    pub name: String,
    pub created_at: String,
    /// The project's first API key; shown when it is created, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    #[schema(value_type = String)]
    pub id: ApiKeyId,
    pub name: String,
    /// The key's first characters.
    pub hint: String,
    pub created_at: String,
    pub last_used_at: Option<String>,
    /// The key itself; shown when it is created, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
}

/// Where the panel stands; answers without log-in, too.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", responses((status = 200, body = Session)), security(()))]
pub async fn session(
    State(app): State<App>,
    headers: HeaderMap,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Session>> {
    let access = match session_token(&headers) {
        Some(token) => app.engine.access_of_session(&token, None).await.ok(),
        None => None,
    };
    let user = access.and_then(|a| a.user);
    Ok(axum::Json(shown(&app, user).await?))
}

async fn shown(app: &App, user: Option<UserRecord>) -> Answer<Session> {
    let state = match &user {
        Some(_) => SessionState::Ready,
        None if app.engine.setup_needed().await? => SessionState::Setup,
        None => SessionState::Login,
    };
    let settings = app.engine.settings();
    let project = user
        .as_ref()
        .and_then(|_| app.engine.default_project_record())
        .map(|p| ProjectName { id: p.id, name: p.name.clone() });
    Ok(Session {
        state,
        user: user.map(|u| User { id: u.id, email: u.email }),
        project,
        version: env!("CARGO_PKG_VERSION").into(),
        public_url: settings.public_url.clone(),
        inbox_url: settings.inbox_url.clone(),
    })
}

/// Sets the owner's e-mail and password through the one-time link, and logs in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "accounts", request_body = SetupInput, responses((status = 201, body = Session), (status = 409, body = Problem), (status = 429, body = Problem)), security(()))]
pub async fn set_up(
    State(app): State<App>,
    Client(client): Client,
    method: Method,
    headers: HeaderMap,
    Json(input): Json<SetupInput>,
) -> Answer<Response> {
    check_panel_request(&method, &headers, &app)?;
    let session = app.engine.set_up(&input.token, &input.email, input.password, client).await?;
    begin(&app, StatusCode::CREATED, session).await
}

/// Logs in to the panel.
#[utoipa::path(post, path = "/api/v1/session", tag = "accounts", request_body = LoginInput, responses((status = 200, body = Session), (status = 401, body = Problem), (status = 429, body = Problem)), security(()))]
pub async fn log_in(
    State(app): State<App>,
    Client(client): Client,
    method: Method,
    headers: HeaderMap,
    Json(input): Json<LoginInput>,
) -> Answer<Response> {
    check_panel_request(&method, &headers, &app)?;
    let session = app.engine.log_in(&input.email, input.password, client).await?;
    begin(&app, StatusCode::OK, session).await
}

async fn begin(app: &App, status: StatusCode, session: NewSession) -> Answer<Response> {
    let cookie = cookie(app, &session.token, session.lifetime.as_secs());
    let body = shown(app, Some(session.user)).await?;
    Ok((status, [(header::SET_COOKIE, cookie)], axum::Json(body)).into_response())
}

/// Logs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts", responses((status = 204)), security(()))]
pub async fn log_out(State(app): State<App>, method: Method, headers: HeaderMap) -> Answer<Response> {
    check_panel_request(&method, &headers, &app)?;
    if let Some(token) = session_token(&headers) {
        app.engine.log_out(&token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&app, "", 0))]).into_response())
}

fn cookie(app: &App, token: &str, seconds: u64) -> HeaderValue {
    let secure = if app.engine.settings().public_url.starts_with("https:") { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The projects that the caller may see, newest first.
#[utoipa::path(get, path = "/api/v1/projects", tag = "accounts", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<Project>)))]
pub async fn projects(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Project>>> {
    let all = app.engine.projects(&auth.0);
    Ok(axum::Json(List::part(all, query.page()?, |p| p.id.uuid(), |p| project(&p, None))))
}

/// Creates a project with a key of its own. For the owner only.
#[utoipa::path(post, path = "/api/v1/projects", tag = "accounts", request_body = NameInput, responses((status = 201, body = Project)))]
pub async fn create_project(State(app): State<App>, auth: Auth, Json(input): Json<NameInput>) -> Answer<Response> {
    let (record, key) = app.engine.create_project(&auth.0, &input.name).await?;
    Ok((StatusCode::CREATED, axum::Json(project(&record, Some(key)))).into_response())
}

fn project(record: &ProjectRecord, key: Option<String>) -> Project {
    Project { id: record.id, name: record.name.clone(), created_at: rfc3339(record.created_at), key }
}

/// The project's API keys, newest first.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "accounts", params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<ApiKey>)))]
pub async fn api_keys(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<ApiKey>>> {
    let keys = app.engine.api_keys(auth.project()).await?;
    Ok(axum::Json(List::part(keys, query.page()?, |k| k.id.uuid(), |k| api_key(&k, None))))
}

/// Creates an API key.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "accounts", request_body = NameInput, responses((status = 201, body = ApiKey)))]
pub async fn create_api_key(State(app): State<App>, auth: Auth, Json(input): Json<NameInput>) -> Answer<Response> {
    let (record, key) = app.engine.create_api_key(auth.project(), &input.name).await?;
    Ok((StatusCode::CREATED, axum::Json(api_key(&record, Some(key)))).into_response())
}

/// Revokes an API key; it is refused from now on.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "accounts", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete_api_key(State(app): State<App>, auth: Auth, PathId(id): PathId<ApiKeyId>) -> Answer<StatusCode> {
    app.engine.delete_api_key(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn api_key(record: &ApiKeyRecord, key: Option<String>) -> ApiKey {
    ApiKey {
        id: record.id,
        name: record.name.clone(),
        hint: record.hint.clone(),
        created_at: rfc3339(record.created_at),
        last_used_at: record.last_used_at.map(rfc3339),
        key,
    }
}
