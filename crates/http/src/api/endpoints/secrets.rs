//! The signing secret of an endpoint: the one call that shows it, and its rotation.

use crate::App;
use crate::api::present;
use crate::extract::{Auth, JsonOrNothing, NoQuery, PathId, Query};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use kanca_domain::ids::EndpointId;
use kanca_engine::endpoints::Rotation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A signing secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointSecret {
    pub secret: String,
}

/// A new secret; the one before stays valid for a while, in which requests are signed with both.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationInput {
    /// `whsec_…` or `whsk_…`; generated when absent.
    #[serde(default, deserialize_with = "present")]
    pub secret: Option<String>,
    /// How long the secret before stays valid, at most 604800 (7 days); absent = 86400 (a day), 0 = not at all.
    #[serde(default, deserialize_with = "present")]
    pub overlap_seconds: Option<u64>,
}

/// The new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct RotatedSecret {
    pub secret: String,
    /// Until when the one before is valid; `null` when it is not any more.
    pub previous_valid_until: Option<String>,
}

/// Gives the endpoint a new signing secret and leaves the one before valid for a while.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/secret/rotate", tag = "endpoints", params(("id" = String, Path)),
    request_body = Option<RotationInput>, responses((status = 200, body = RotatedSecret), (status = 409, body = Problem)))]
pub async fn rotate(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    JsonOrNothing(input): JsonOrNothing<RotationInput>,
) -> Answer<axum::Json<RotatedSecret>> {
    let rotation = Rotation { secret: input.secret, overlap_seconds: input.overlap_seconds };
    let (secret, until) = app.engine.rotate_secret(auth.project(), id, rotation).await?;
    Ok(axum::Json(RotatedSecret { secret, previous_valid_until: until.map(rfc3339) }))
}

/// Shows the signing secret.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}/secret", tag = "endpoints", params(("id" = String, Path)),
    responses((status = 200, body = EndpointSecret)))]
pub async fn secret(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<EndpointSecret>> {
    Ok(axum::Json(EndpointSecret { secret: app.engine.endpoint_secret(auth.project(), id)? }))
}
