//! Endpoints (in the panel: webhooks).

pub mod options;
pub mod secrets;

use super::{DeliveryCounts, List, PageQuery, codes, object_or_null, present};
use crate::App;
use crate::extract::{Auth, Json, NoQuery, PathId, Query};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kanca_domain::endpoints::{DisabledCode, EndpointStatus, Ordering};
use kanca_domain::formats::Format;
use kanca_domain::ids::{EndpointId, Id, InboxId};
use kanca_domain::pace::Waiting;
use kanca_domain::retries::Schedule;
use kanca_domain::signatures::Version;
use kanca_engine::endpoints::{Endpoint as Record, EndpointPatch as Patch, MASK, NewEndpoint, OptionsInput};
use kanca_engine::storage::deliveries::StatusCounts;
use options::{
    ClientCertificate, ClientCertificateInput, EndpointAuth, EndpointHandshake, EndpointProxy, RateLimit, SignatureName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A URL that wants events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Endpoint {
    #[schema(value_type = String)]
    pub id: EndpointId,
    pub name: String,
    pub url: String,
    /// Types, `prefix.*` or `*`; `null` = all, empty = none.
    pub event_types: Option<Vec<String>>,
    #[schema(value_type = FormatName)]
    pub format: Format,
    /// Which signatures are made.
    #[schema(value_type = SignatureName)]
    pub signature: Version,
    /// `whpk_…`, with which `v1a` signatures are checked.
    pub public_key: Option<String>,
    /// After a rotation: until when requests are signed with the secret before, too.
    pub previous_valid_until: Option<String>,
    #[schema(value_type = OrderingName)]
    pub ordering: Ordering,
    /// Names of the custom headers; values are never shown.
    pub headers: BTreeMap<String, String>,
    #[schema(value_type = EndpointStatusName)]
    pub status: EndpointStatus,
    /// Why it is disabled, in English.
    pub disabled_reason: Option<String>,
    #[schema(schema_with = codes::disabled)]
    pub disabled_reason_code: Option<DisabledCode>,
    /// Since when it does nothing but fail.
    pub failing_since: Option<String>,
    /// Why nothing is sent to it now, although it is active.
    pub waiting: Option<EndpointWaiting>,
    /// The inbox of this project that the URL points to.
    #[schema(value_type = Option<String>)]
    pub inbox_id: Option<InboxId>,
    /// Seconds before each attempt, the first one included; `null` = the project's.
    pub retry_schedule: Option<Vec<u64>>,
    /// How long one attempt may take; `null` = 15.
    pub timeout_seconds: Option<u32>,
    pub rate_limit: Option<RateLimit>,
    pub max_concurrency: Option<u32>,
    /// After how many seconds of failing only it is disabled; 0 = never, `null` = the project's.
    pub disable_after_seconds: Option<u32>,
    /// How Kanca identifies itself; secrets are shown as `••••`.
    pub auth: Option<EndpointAuth>,
    pub client_certificate: Option<ClientCertificate>,
    pub proxy: Option<EndpointProxy>,
    /// Whether the receiver agrees to get events; `null` for formats that need no handshake.
    pub handshake: Option<EndpointHandshake>,
    /// A CEL expression over the event.
    pub filter: Option<String>,
    /// A JavaScript program that changes what is sent.
    pub transformation: Option<String>,
    pub counts: DeliveryCounts,
    pub created_at: String,
    pub updated_at: String,
    /// The signing secret; shown when the endpoint is created, later only by its own call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<String>,
}

/// How bodies are written.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum FormatName {
    Json,
    Xml,
    Form,
    CloudeventsStructured,
    CloudeventsBinary,
    Text,
}

/// Whether events with the same ordering key go one after another.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum OrderingName {
    Key,
    None,
}

/// Whether an endpoint gets events: a paused one keeps them for later, a disabled one does not get new ones.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EndpointStatusName {
    Active,
    Paused,
    Disabled,
}

/// Why nothing is sent to an endpoint now.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointWaiting {
    /// `breaker`: too many failures one after another, one probe at a time finds out whether it is there again.
    /// `retry_after`: the receiver asked for a pause. `rate_limit`: the rate that was set is used up.
    /// `handshake`: the receiver has not agreed yet to get events; see the endpoint's `handshake`.
    #[schema(value_type = String)]
    pub reason: &'static str,
    /// When it is tried again; null while a probe is under way, and for `handshake`.
    pub until: Option<String>,
}

impl From<Waiting> for EndpointWaiting {
    fn from(waiting: Waiting) -> Self {
        let (reason, until) = match waiting {
            Waiting::Breaker(until) => ("breaker", until),
            Waiting::Held(until) => ("retry_after", Some(until)),
            Waiting::Rate(until) => ("rate_limit", Some(until)),
            Waiting::Handshake => ("handshake", None),
        };
        Self { reason, until: until.map(rfc3339) }
    }
}

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointInput {
    pub name: String,
    pub url: String,
    /// Absent or `null` = all.
    #[serde(default)]
    pub event_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<FormatName>)]
    pub format: Option<Format>,
    /// `whsec_…` for `v1` or `whsk_…` for `v1a`; generated when absent.
    #[serde(default, deserialize_with = "present")]
    pub secret: Option<String>,
    /// Which signatures are made; absent = those of the secret, or `v1`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<SignatureName>)]
    pub signature: Option<Option<Version>>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OrderingName>)]
    pub ordering: Option<Ordering>,
    /// Seconds before each attempt, the first one included, such as `[0, 5, 300]`; `null` = the project's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<u64>>)]
    pub retry_schedule: Option<Option<Vec<u64>>>,
    /// How long one attempt may take, 1 to 60; `null` = 15.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub timeout_seconds: Option<Option<u64>>,
    /// `null` = no limit.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<RateLimit>)]
    pub rate_limit: Option<Option<RateLimit>>,
    /// How many attempts may be under way, 1 to 256; `null` = Kanca finds out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub max_concurrency: Option<Option<u64>>,
    /// After how many seconds of failing only it is disabled; 0 = never, `null` = the project's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub disable_after_seconds: Option<Option<u64>>,
    /// Basic or bearer; what is `••••` stays as stored, `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<EndpointAuth>)]
    pub auth: Option<Option<EndpointAuth>>,
    /// Shown to receivers that ask for a client certificate; `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<ClientCertificateInput>)]
    pub client_certificate: Option<Option<ClientCertificateInput>>,
    /// `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<EndpointProxy>)]
    pub proxy: Option<Option<EndpointProxy>>,
    /// A CEL expression over the event; `null` = all matching events.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub filter: Option<Option<String>>,
    /// A JavaScript program that changes what is sent; `null` = none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub transformation: Option<Option<String>>,
}

/// Changes; absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointPatch {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    pub event_types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<FormatName>)]
    pub format: Option<Format>,
    /// Takes the place of the secret at once. `POST …/secret/rotate` leaves the old one valid for a while.
    #[serde(default, deserialize_with = "present")]
    pub secret: Option<String>,
    /// Another one than before makes a new secret unless one is given; `null` = `v1`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<SignatureName>)]
    pub signature: Option<Option<Version>>,
    /// Replaces all headers; the value `••••` keeps the stored one.
    #[serde(default, deserialize_with = "present")]
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<OrderingName>)]
    pub ordering: Option<Ordering>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EndpointStatusName>)]
    pub status: Option<EndpointStatus>,
    /// Seconds before each attempt, the first one included, such as `[0, 5, 300]`; `null` = the project's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<u64>>)]
    pub retry_schedule: Option<Option<Vec<u64>>>,
    /// How long one attempt may take, 1 to 60; `null` = 15.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub timeout_seconds: Option<Option<u64>>,
    /// `null` = no limit.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<RateLimit>)]
    pub rate_limit: Option<Option<RateLimit>>,
    /// How many attempts may be under way, 1 to 256; `null` = Kanca finds out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub max_concurrency: Option<Option<u64>>,
    /// After how many seconds of failing only it is disabled; 0 = never, `null` = the project's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    pub disable_after_seconds: Option<Option<u64>>,
    /// Basic or bearer; what is `••••` stays as stored, `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<EndpointAuth>)]
    pub auth: Option<Option<EndpointAuth>>,
    /// Shown to receivers that ask for a client certificate; `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<ClientCertificateInput>)]
    pub client_certificate: Option<Option<ClientCertificateInput>>,
    /// `null` = none.
    #[serde(default, deserialize_with = "object_or_null")]
    #[schema(value_type = Option<EndpointProxy>)]
    pub proxy: Option<Option<EndpointProxy>>,
    /// A CEL expression over the event; `null` = all matching events.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub filter: Option<Option<String>>,
    /// A JavaScript program that changes what is sent; `null` = none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub transformation: Option<Option<String>>,
}

/// The options among an input's fields, which a new endpoint and a change have alike.
macro_rules! options {
    ($input:ident) => {
        OptionsInput {
            retry_schedule: $input.retry_schedule,
            timeout_seconds: $input.timeout_seconds,
            rate_limit: $input.rate_limit.map(|limit| limit.map(Into::into)),
            max_concurrency: $input.max_concurrency,
            disable_after_seconds: $input.disable_after_seconds,
            auth: $input.auth.map(|auth| auth.map(Into::into)),
            client_certificate: $input.client_certificate.map(|given| given.map(Into::into)),
            proxy: $input.proxy.map(|proxy| proxy.map(Into::into)),
            filter: $input.filter,
            transformation: $input.transformation,
        }
    };
}

/// The project's endpoints, newest first.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Endpoint>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Endpoint>>> {
    let page = query.page()?;
    let counts = app.engine.endpoint_counts(auth.project()).await?;
    let all = app.engine.endpoints(auth.project());
    let show = |e: Arc<Record>| endpoint(&app, &e, counts.get(&e.record.id), None);
    Ok(axum::Json(List::part(all, page, |e| e.record.id.uuid(), show)))
}

/// Creates an endpoint.
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "endpoints", request_body = EndpointInput,
    responses((status = 201, body = Endpoint)))]
pub async fn create(State(app): State<App>, auth: Auth, Json(input): Json<EndpointInput>) -> Answer<Response> {
    let new = NewEndpoint {
        options: options!(input),
        name: input.name,
        url: input.url,
        event_types: input.event_types,
        format: input.format,
        secret: input.secret,
        signature: input.signature.map(Option::unwrap_or_default),
        headers: input.headers.into_iter().collect(),
        ordering: input.ordering,
    };
    let (record, secret) = app.engine.create_endpoint(auth.project(), new).await?;
    Ok((StatusCode::CREATED, axum::Json(endpoint(&app, &record, None, Some(secret)))).into_response())
}

/// One endpoint.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = String, Path)),
    responses((status = 200, body = Endpoint)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Endpoint>> {
    let record = app.engine.endpoint(auth.project(), id)?;
    with_counts(&app, &auth, &record).await
}

/// Changes an endpoint; in force when the answer is there.
#[utoipa::path(patch, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = String, Path)), request_body = EndpointPatch,
    responses((status = 200, body = Endpoint)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Json(input): Json<EndpointPatch>,
) -> Answer<axum::Json<Endpoint>> {
    let patch = Patch {
        options: options!(input),
        name: input.name,
        url: input.url,
        event_types: input.event_types,
        format: input.format,
        secret: input.secret,
        signature: input.signature.map(Option::unwrap_or_default),
        headers: input.headers.map(|h| h.into_iter().collect()),
        ordering: input.ordering,
        status: input.status,
    };
    let record = app.engine.patch_endpoint(auth.project(), id, patch).await?;
    with_counts(&app, &auth, &record).await
}

async fn with_counts(app: &App, auth: &Auth, record: &Record) -> Answer<axum::Json<Endpoint>> {
    let counts = app.engine.endpoint_counts(auth.project()).await?;
    Ok(axum::Json(endpoint(app, record, counts.get(&record.record.id), None)))
}

/// Asks the receiver again whether it wants events, for the `CloudEvents` formats; answers with what came of it.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/handshake", tag = "endpoints", params(("id" = String, Path)),
    responses((status = 200, body = Endpoint), (status = 409, body = Problem)))]
pub async fn handshake(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
) -> Answer<axum::Json<Endpoint>> {
    let record = app.engine.repeat_handshake(auth.project(), id).await?;
    with_counts(&app, &auth, &record).await
}

/// Deletes an endpoint; its pending deliveries are cancelled.
#[utoipa::path(delete, path = "/api/v1/endpoints/{id}", tag = "endpoints", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, auth: Auth, PathId(id): PathId<EndpointId>) -> Answer<StatusCode> {
    app.engine.delete_endpoint(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn endpoint(app: &App, endpoint: &Record, counts: Option<&StatusCounts>, secret: Option<String>) -> Endpoint {
    let record = &endpoint.record;
    let options = &record.options;
    let health = app.engine.endpoint_health(endpoint);
    Endpoint {
        id: record.id,
        name: record.name.clone(),
        url: app.engine.destination(endpoint).0,
        event_types: record.event_types.clone(),
        format: record.format,
        signature: endpoint.signature(),
        public_key: endpoint.public_key().map(|key| key.to_string()),
        previous_valid_until: endpoint.previous_valid_until(app.engine.now()).map(rfc3339),
        ordering: record.ordering,
        headers: endpoint.header_names().map(|name| (name.to_owned(), MASK.to_owned())).collect(),
        status: record.status,
        disabled_reason: record.disabled_reason.clone(),
        disabled_reason_code: record.disabled_code,
        failing_since: health.failing_since.map(rfc3339),
        waiting: health.waiting.map(EndpointWaiting::from),
        inbox_id: record.inbox_id,
        retry_schedule: options.retry_schedule.as_ref().map(Schedule::seconds),
        timeout_seconds: options.timeout_seconds,
        rate_limit: options
            .rate_limit
            .map(|limit| RateLimit { requests: limit.requests.into(), per_seconds: limit.per_seconds.into() }),
        max_concurrency: options.max_concurrency,
        disable_after_seconds: options.disable_after_seconds,
        auth: endpoint.auth().map(Into::into),
        client_certificate: endpoint.client_certificate().map(|(subject, not_after)| ClientCertificate {
            subject: subject.to_owned(),
            not_after: rfc3339(not_after),
        }),
        proxy: endpoint.proxy().map(Into::into),
        handshake: options.handshake.as_ref().map(Into::into),
        filter: options.filter.clone(),
        transformation: options.transformation.clone(),
        counts: counts.copied().unwrap_or_default().into(),
        created_at: rfc3339(record.created_at),
        updated_at: rfc3339(record.updated_at),
        secret,
    }
}
