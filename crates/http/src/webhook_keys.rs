//! The public keys of `v1a` signatures, for whoever receives webhooks: no log-in, and answers may be kept for a while.
//!
//! Who knows an endpoint's id learns its public keys and nothing else. An endpoint without a pair of keys and one that does
//! not exist are answered alike.

use crate::App;
use crate::extract::{NoQuery, PathId, Query};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::EndpointId;
use serde::Serialize;
use utoipa::ToSchema;

/// Five minutes: short enough that a rotation with the usual overlap of a day is seen in time.
const CACHE: &str = "public, max-age=300";

/// Public keys of an endpoint, the present one first.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookKeys {
    pub keys: Vec<WebhookKey>,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookKey {
    /// `whpk_…`
    pub public_key: String,
    /// `ed25519`
    pub algorithm: &'static str,
    /// After a rotation: until when the key before is in use; `null` for the present one.
    pub valid_until: Option<String>,
}

/// The public keys of an endpoint's `v1a` signatures. Needs no key.
#[utoipa::path(get, path = "/.well-known/webhook-keys/{id}", tag = "endpoints", params(("id" = String, Path)),
    responses((status = 200, body = WebhookKeys)), security(()))]
pub async fn keys(
    State(app): State<App>,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Response> {
    let keys = app.engine.public_keys(id);
    if keys.is_empty() {
        return Err(Problem::not_found("There is no webhook with this id that has public keys."));
    }
    let keys = keys.into_iter().map(|(key, until)| WebhookKey {
        public_key: key.to_string(),
        algorithm: "ed25519",
        valid_until: until.map(rfc3339),
    });
    let headers = [
        (header::CACHE_CONTROL, CACHE),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, axum::Json(WebhookKeys { keys: keys.collect() })).into_response())
}
