//! Where receivers of `CloudEvents` agree later than they were asked (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section
//! 4.1.3): with GET, so that a person can open the address from a log, or with POST. The key in the address is the
//! permission to do so.

use crate::App;
use crate::extract::{PathId, Query};
use crate::problems::{Answer, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::endpoints::handshake::ALLOWED_RATE;
use kanca_domain::ids::EndpointId;
use serde::Deserialize;

/// The key that came with the question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granting {
    key: String,
}

/// Agrees to events, in the name of the receiver that was asked. `WebHook-Allowed-Rate` may say how many in a minute.
#[utoipa::path(get, path = "/webhook-handshakes/{id}", tag = "endpoints",
    params(("id" = String, Path), ("key" = String, Query)),
    responses((status = 200)), security(()))]
pub async fn grant(
    State(app): State<App>,
    PathId(id): PathId<EndpointId>,
    Query(Granting { key }): Query<Granting>,
    headers: HeaderMap,
) -> Answer<Response> {
    let rate = headers.get(ALLOWED_RATE).and_then(|rate| rate.to_str().ok());
    if !app.engine.grant_handshake(id, &key, rate).await? {
        return Err(Problem::not_found(
            "This address grants nothing: the webhook is gone, its URL has changed since, or the key is wrong.",
        ));
    }
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, "The receiver agrees. Its events are on their way.\n").into_response())
}

/// The same with POST.
#[utoipa::path(post, path = "/webhook-handshakes/{id}", tag = "endpoints",
    params(("id" = String, Path), ("key" = String, Query)),
    responses((status = 200)), security(()))]
pub async fn grant_by_post(
    app: State<App>,
    id: PathId<EndpointId>,
    granting: Query<Granting>,
    headers: HeaderMap,
) -> Answer<Response> {
    grant(app, id, granting, headers).await
}
