//! HTTP: the API, the chat, the inboxes, live streams, the OpenAPI document and the embedded panel. It shapes what comes
//! in and goes out; the rules are the engine's.

pub mod api;
mod body;
mod budget;
mod capture;
mod chat;
mod extract;
mod json;
mod live;
pub mod openapi;
mod panel;
mod problems;
mod server;
mod time;
mod webhook_handshakes;
mod webhook_keys;

pub use server::{Shutdown, serve};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use budget::Budget;
use extract::{NoQuery, Query};
use kanca_domain::addresses::Cidr;
use kanca_engine::Engine;
use problems::Problem;
use std::sync::Arc;

/// What handlers share.
#[derive(Clone)]
pub struct App {
    pub engine: Engine,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[Cidr]>,
    /// Memory for the bodies that inboxes are sent.
    captures: Budget,
}

impl App {
    /// What handlers share.
    pub fn new(engine: Engine, trusted_proxies: Vec<Cidr>) -> Self {
        Self { engine, trusted_proxies: trusted_proxies.into(), captures: Budget::default() }
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    Router::new()
        .nest("/api/v1", api_routes())
        .route("/api/{*rest}", any(no_such_call))
        .nest("/chat/v1", chat_routes())
        .route("/chat/{*rest}", any(no_such_call).layer(middleware::from_fn(chat::cors::layer)))
        .route("/.well-known/webhook-keys/{id}", get(webhook_keys::keys))
        .route("/webhook-handshakes/{id}", get(webhook_handshakes::grant).post(webhook_handshakes::grant_by_post))
        .route("/in/", any(capture::capture))
        .route("/in/{*rest}", any(capture::capture))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/", get(panel::index))
        .route("/widget.js", get(panel::widget))
        .route("/demo", get(panel::demo))
        .route("/demo/style.css", get(panel::chat_style))
        .route("/demo/{bot}", get(panel::bot_page))
        .fallback(panel::asset)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

fn api_routes() -> Router<App> {
    use api::{
        accounts, bots, conversations, deliveries, endpoint_trials, endpoints, event_batches, event_types, events,
        inboxes, overview, project, replays, scenarios, stats, traces,
    };
    Router::new()
        .route("/openapi.json", get(openapi_json))
        .route("/session", get(accounts::session).post(accounts::log_in).delete(accounts::log_out))
        .route("/setup", post(accounts::set_up))
        .route("/projects", get(accounts::projects).post(accounts::create_project))
        .route("/project", get(project::get).patch(project::patch))
        .route("/api-keys", get(accounts::api_keys).post(accounts::create_api_key))
        .route("/api-keys/{id}", delete(accounts::delete_api_key))
        .route("/overview", get(overview::overview))
        .route("/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/endpoints/{id}", get(endpoints::get).patch(endpoints::patch).delete(endpoints::delete))
        .route("/endpoints/{id}/try", post(endpoint_trials::run))
        .route("/endpoints/{id}/retry-failed", post(replays::retry_failed))
        .route("/endpoints/{id}/recover", post(replays::recover))
        .route("/endpoints/{id}/test", post(replays::test))
        .route("/endpoints/{id}/stats", get(stats::stats))
        .route("/endpoints/{id}/secret", get(endpoints::secrets::secret))
        .route("/endpoints/{id}/handshake", post(endpoints::handshake))
        .route("/endpoints/{id}/secret/rotate", post(endpoints::secrets::rotate))
        .route("/event-types", get(event_types::list).post(event_types::create))
        .route("/event-types/{name}", get(event_types::get).patch(event_types::patch).delete(event_types::delete))
        .route("/events", get(events::list).post(events::publish))
        .route("/events/batch", post(event_batches::publish))
        .route("/events/{id}", get(events::get))
        .route("/events/{id}/trace", get(traces::trace))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/retry", post(replays::retry_many))
        .route("/deliveries/{id}", get(deliveries::get))
        .route("/deliveries/{id}/retry", post(deliveries::retry))
        .route("/inboxes", get(inboxes::list).post(inboxes::create))
        .route("/inboxes/{id}", get(inboxes::get).patch(inboxes::patch).delete(inboxes::delete))
        .route("/inboxes/{id}/requests", get(inboxes::requests).delete(inboxes::clear))
        .route("/inboxes/{id}/requests/{request}", get(inboxes::get_request).delete(inboxes::delete_request))
        .route("/inboxes/{id}/requests/{request}/body", get(inboxes::request_body))
        .route("/inboxes/{id}/live", get(inboxes::live))
        .route("/bots", get(bots::list).post(bots::create))
        .route("/bots/{id}", get(bots::get).patch(bots::patch).delete(bots::delete))
        .route("/bots/{id}/identity-secret", get(bots::identity_secret))
        .route("/bots/{id}/scenarios", get(scenarios::list_of_bot).post(scenarios::create))
        .route("/scenarios", get(scenarios::list))
        .route("/scenario.schema.json", get(scenarios::schema))
        .route("/scenarios/{id}", get(scenarios::get).patch(scenarios::patch).delete(scenarios::delete))
        .route("/scenarios/{id}/draft", put(scenarios::put_draft))
        .route("/scenarios/{id}/publish", post(scenarios::publish))
        .route("/scenarios/{id}/versions", get(scenarios::versions))
        .route("/scenarios/{id}/export", get(scenarios::export))
        .route("/scenarios/{id}/test", post(scenarios::test))
        .route("/conversations", get(conversations::list))
        .route("/conversations/live", get(conversations::live))
        .route("/conversations/{id}", get(conversations::get))
        .route("/conversations/{id}/messages", get(conversations::messages))
        .fallback(no_such_call)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn(extract::no_stray_query))
        .layer(middleware::map_response(api_headers))
}

fn chat_routes() -> Router<App> {
    Router::new()
        .route("/bots/{bot}", get(chat::bot))
        .route("/conversations", post(chat::start))
        .route("/conversations/{id}/messages", get(chat::messages).post(chat::say))
        .route("/conversations/{id}/contact", put(chat::contact))
        .route("/socket", get(chat::socket::socket))
        .fallback(no_such_call)
        // Said here, before the layer: the router's own answer to a wrong method is outside of it, and a preflight
        // (OPTIONS) is a wrong method to each of these routes.
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn(extract::no_stray_query))
        .layer(middleware::from_fn(chat::cors::layer))
}

async fn no_such_call() -> Problem {
    Problem::not_found("There is no such call. The document at /api/v1/openapi.json lists them all.")
}

/// Answers of the API are never cached and never guessed at.
async fn api_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn openapi_json(Query(NoQuery {}): Query<NoQuery>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::json()).into_response()
}

/// The process is up.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Storage answers and the configuration is loaded.
async fn readyz(State(app): State<App>) -> Response {
    match app.engine.setup_needed().await {
        Ok(_) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}
