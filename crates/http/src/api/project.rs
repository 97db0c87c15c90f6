//! The project that a key or the panel works in: its name, and what holds for its endpoints unless one says otherwise.

use super::present;
use crate::App;
use crate::extract::{Auth, Json, NoQuery, Query};
use crate::problems::Answer;
use crate::time::rfc3339;
use axum::extract::State;
use kanca_domain::ids::ProjectId;
use kanca_domain::projects::Validation;
use kanca_domain::retries::Schedule;
use kanca_engine::projects::ProjectPatch as Patch;
use kanca_engine::storage::accounts::ProjectRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A project with its options.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectSettings {
    #[schema(value_type = String)]
    pub id: ProjectId,
    pub name: String,
    /// Seconds before each attempt, the first one included; `null` = 0 s, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h.
    pub retry_schedule: Option<Vec<u64>>,
    /// After how many seconds of failing only a webhook is disabled; 0 = never, `null` = 5 days.
    pub disable_after_seconds: Option<u32>,
    #[schema(value_type = ValidationName)]
    pub validation: Validation,
    pub retention: RetentionSettings,
    pub created_at: String,
}

/// How long what happened is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionSettings {
    /// Days that ended events, with their deliveries and attempts, and captured requests are kept; 0 = for ever,
    /// `null` = as the installation says (`KANCA_KEEP_DAYS`).
    pub days: Option<u32>,
}

/// How long what happened is kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionPatch {
    /// 1 to 3650; 0 = for ever, `null` = as the installation says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub days: Option<Option<u64>>,
}

/// What becomes of an event that its type's schema does not allow.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ValidationName {
    Off,
    Warn,
    Reject,
}

/// Changes; absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
    /// Seconds before each attempt, the first one included, such as `[0, 5, 300]`; `null` = the default.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<u64>>)]
    pub retry_schedule: Option<Option<Vec<u64>>>,
    /// 0 = never, `null` = 5 days.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub disable_after_seconds: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ValidationName>)]
    pub validation: Option<Validation>,
    /// `null` = the default.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RetentionPatch>)]
    pub retention: Option<Option<RetentionPatch>>,
}

/// The project with its options.
#[utoipa::path(get, path = "/api/v1/project", tag = "project", responses((status = 200, body = ProjectSettings)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<ProjectSettings>> {
    Ok(axum::Json(shown(&*app.engine.project(auth.project())?)))
}

/// Changes the project; in force when the answer is there.
#[utoipa::path(patch, path = "/api/v1/project", tag = "project", request_body = ProjectPatch,
    responses((status = 200, body = ProjectSettings)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    Json(input): Json<ProjectPatch>,
) -> Answer<axum::Json<ProjectSettings>> {
    let ProjectPatch { name, retry_schedule, disable_after_seconds, validation, retention } = input;
    let keep_days = retention.and_then(|retention| retention.map_or(Some(None), |retention| retention.days));
    let patch = Patch { name, retry_schedule, disable_after_seconds, validation, keep_days };
    Ok(axum::Json(shown(&*app.engine.patch_project(auth.project(), patch).await?)))
}

fn shown(record: &ProjectRecord) -> ProjectSettings {
    let options = &record.options;
    ProjectSettings {
        id: record.id,
        name: record.name.clone(),
        retry_schedule: options.retry_schedule.as_ref().map(Schedule::seconds),
        disable_after_seconds: options.disable_after_seconds,
        validation: options.validation,
        retention: RetentionSettings { days: options.retention.days },
        created_at: rfc3339(record.created_at),
    }
}
