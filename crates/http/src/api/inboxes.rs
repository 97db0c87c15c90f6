//! Inboxes and what they captured.

use super::{List, PageQuery, object, present};
use crate::App;
use crate::extract::{Auth, Json, NoQuery, PathId, PathIds, Query};
use crate::live::{Feed, stream};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kanca_domain::ids::{Id, InboxId, ProjectId, RequestId};
use kanca_engine::inboxes::{Inbox as Record, InboxPatch as Patch, InboxSignal, NewInbox};
use kanca_engine::storage::inboxes::{ConfiguredResponse, RequestSummary, SignatureState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An address that receives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inbox {
    #[schema(value_type = String)]
    pub id: InboxId,
    pub name: String,
    pub slug: String,
    /// The address to send to.
    pub url: String,
    pub response: InboxResponse,
    /// Whether signatures are checked with a secret of its own.
    pub has_signing_secret: bool,
    pub request_count: u64,
    pub last_request_at: Option<String>,
    pub created_at: String,
}

/// What an inbox answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxResponse {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What an inbox shall answer; 200 without a body unless said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxResponseInput {
    /// 200–599.
    #[serde(default = "ok")]
    pub status: u16,
    /// Without `content-type`, a body that parses as JSON goes out as JSON.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

fn ok() -> u16 {
    200
}

/// A new inbox; everything is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxInput {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
    /// 3–64 of `a-z0-9-`; 128 random bits when absent.
    #[serde(default, deserialize_with = "present")]
    pub slug: Option<String>,
    /// A Standard Webhooks secret to check signatures with.
    #[serde(default)]
    pub signing_secret: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub response: Option<InboxResponseInput>,
}

/// Changes; absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InboxPatch {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub slug: Option<String>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub signing_secret: Option<Option<String>>,
    #[serde(default, deserialize_with = "object")]
    pub response: Option<InboxResponseInput>,
}

/// A captured request, without headers and body.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CapturedRequest {
    #[schema(value_type = String)]
    pub id: RequestId,
    #[schema(value_type = String)]
    pub inbox_id: InboxId,
    pub received_at: String,
    pub method: String,
    /// The raw request target.
    pub target: String,
    pub content_type: Option<String>,
    /// Body length in bytes.
    pub size: u64,
    pub remote_addr: String,
    /// Refused with 413 because the body was larger than allowed; the body is not kept.
    pub oversize: bool,
    pub response_status: u16,
    pub duration_us: u64,
    pub signature: Signature,
    pub signature_detail: Option<String>,
    /// What the body says that it is about: the text of `type` or `event` at the top of its JSON.
    pub event_type: Option<String>,
}

/// How a request's signature stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    Valid,
    Invalid,
    Unsigned,
    Unchecked,
}

/// A captured request with headers and body.
#[derive(Debug, Serialize, ToSchema)]
pub struct CapturedRequestDetail {
    #[serde(flatten)]
    pub request: CapturedRequest,
    /// Every header in order, repeated ones apart.
    pub headers: Vec<(String, String)>,
    /// Base64.
    pub body: String,
}

/// The project's inboxes, newest first.
#[utoipa::path(get, path = "/api/v1/inboxes", tag = "inboxes",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Inbox>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<Inbox>>> {
    let page = query.page()?;
    let List { items: records, next } =
        List::part(app.engine.inboxes(auth.project()), page, |i| i.record.id.uuid(), |i| i);
    let mut items = Vec::with_capacity(records.len());
    for record in records {
        items.push(shown(&app, &record).await?);
    }
    Ok(axum::Json(List { items, next }))
}

/// Creates an inbox; its address works at once.
#[utoipa::path(post, path = "/api/v1/inboxes", tag = "inboxes", request_body = InboxInput,
    responses((status = 201, body = Inbox), (status = 409, body = Problem)))]
pub async fn create(State(app): State<App>, auth: Auth, Json(input): Json<InboxInput>) -> Answer<Response> {
    let new = NewInbox {
        name: input.name,
        slug: input.slug,
        signing_secret: input.signing_secret,
        response: input.response.map(configured),
    };
    let record = app.engine.create_inbox(auth.project(), new).await?;
    Ok((StatusCode::CREATED, axum::Json(shown(&app, &record).await?)).into_response())
}

/// One inbox.
#[utoipa::path(get, path = "/api/v1/inboxes/{id}", tag = "inboxes", params(("id" = String, Path)), responses((status = 200, body = Inbox)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<InboxId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Inbox>> {
    let record = app.engine.inbox(auth.project(), id)?;
    Ok(axum::Json(shown(&app, &record).await?))
}

/// Changes an inbox.
#[utoipa::path(patch, path = "/api/v1/inboxes/{id}", tag = "inboxes", params(("id" = String, Path)), request_body = InboxPatch,
    responses((status = 200, body = Inbox), (status = 409, body = Problem)))]
pub async fn patch(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<InboxId>,
    Json(input): Json<InboxPatch>,
) -> Answer<axum::Json<Inbox>> {
    let patch = Patch {
        name: input.name,
        slug: input.slug,
        signing_secret: input.signing_secret,
        response: input.response.map(configured),
    };
    let record = app.engine.patch_inbox(auth.project(), id, patch).await?;
    Ok(axum::Json(shown(&app, &record).await?))
}

/// Deletes an inbox with its requests.
#[utoipa::path(delete, path = "/api/v1/inboxes/{id}", tag = "inboxes", params(("id" = String, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, auth: Auth, PathId(id): PathId<InboxId>) -> Answer<StatusCode> {
    app.engine.delete_inbox(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an inbox captured, newest first.
#[utoipa::path(get, path = "/api/v1/inboxes/{id}/requests", tag = "inboxes",
    params(("id" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<CapturedRequest>)))]
pub async fn requests(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<InboxId>,
    Query(query): Query<PageQuery>,
) -> Answer<axum::Json<List<CapturedRequest>>> {
    let page = query.page()?;
    Ok(axum::Json(List::of(app.engine.requests(auth.project(), id, page).await?, |r| request(&r))))
}

/// One captured request.
#[utoipa::path(get, path = "/api/v1/inboxes/{id}/requests/{request}", tag = "inboxes",
    params(("id" = String, Path), ("request" = String, Path)), responses((status = 200, body = CapturedRequestDetail)))]
pub async fn get_request(
    State(app): State<App>,
    auth: Auth,
    PathIds(id, request_id): PathIds<InboxId, RequestId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<CapturedRequestDetail>> {
    let record = app.engine.request(auth.project(), id, request_id).await?;
    let text = |bytes: &[u8]| latin1(bytes);
    Ok(axum::Json(CapturedRequestDetail {
        request: request(&record.summary),
        headers: record.headers.iter().map(|(name, value)| (text(name), text(value))).collect(),
        body: STANDARD.encode(&record.body),
    }))
}

/// The body of a captured request as a download, byte for byte.
#[utoipa::path(get, path = "/api/v1/inboxes/{id}/requests/{request}/body", tag = "inboxes",
    params(("id" = String, Path), ("request" = String, Path)), responses((status = 200, content_type = "application/octet-stream")))]
pub async fn request_body(
    State(app): State<App>,
    auth: Auth,
    PathIds(id, request_id): PathIds<InboxId, RequestId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Response> {
    let record = app.engine.request(auth.project(), id, request_id).await?;
    let name = format!("attachment; filename=\"{request_id}.bin\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"))),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ];
    Ok((headers, record.body).into_response())
}

/// Deletes one captured request.
#[utoipa::path(delete, path = "/api/v1/inboxes/{id}/requests/{request}", tag = "inboxes",
    params(("id" = String, Path), ("request" = String, Path)), responses((status = 204)))]
pub async fn delete_request(
    State(app): State<App>,
    auth: Auth,
    PathIds(id, request): PathIds<InboxId, RequestId>,
) -> Answer<StatusCode> {
    app.engine.delete_request(auth.project(), id, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes all captured requests of an inbox.
#[utoipa::path(delete, path = "/api/v1/inboxes/{id}/requests", tag = "inboxes", params(("id" = String, Path)), responses((status = 204)))]
pub async fn clear(State(app): State<App>, auth: Auth, PathId(id): PathId<InboxId>) -> Answer<StatusCode> {
    app.engine.clear_inbox(auth.project(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What arrives, live (server-sent events). With `Last-Event-ID` it goes on where it broke off.
#[utoipa::path(get, path = "/api/v1/inboxes/{id}/live", tag = "inboxes", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream")))]
pub async fn live(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<InboxId>,
    Query(NoQuery {}): Query<NoQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    app.engine.inbox(auth.project(), id)?;
    let signals = app.engine.watch_inbox(id);
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<RequestId>().ok());
    let last = match last {
        Some(last) => last,
        None => app.engine.newest_request(auth.project(), id).await?,
    };
    Ok(stream(InboxFeed { app, project: auth.project(), inbox: id, last }, signals))
}

/// Signals only wake it: what goes out is read from the table in the order of ids, which is the order of commits.
struct InboxFeed {
    app: App,
    project: ProjectId,
    inbox: InboxId,
    /// The newest request that the listener has.
    last: RequestId,
}

impl Feed for InboxFeed {
    type Signal = InboxSignal;

    async fn missed(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let more = self.app.engine.requests_after(self.project, self.inbox, self.last, 200).await;
            let more = more.unwrap_or_default();
            let Some(newest) = more.last().map(|r| r.id) else { return events };
            self.last = newest;
            events.extend(
                more.iter()
                    .filter_map(|r| Event::default().event("request").id(r.id.to_string()).json_data(request(r)).ok()),
            );
        }
    }

    async fn news(&mut self, signal: InboxSignal) -> Vec<Event> {
        let (name, data) = match signal {
            InboxSignal::Captured(summary) if summary.id <= self.last => return Vec::new(),
            InboxSignal::Captured(_) => return self.missed().await,
            InboxSignal::Deleted(id) => ("deleted", serde_json::json!({"id": id})),
            InboxSignal::Cleared => ("cleared", serde_json::json!({})),
        };
        Event::default().event(name).json_data(data).into_iter().collect()
    }
}

async fn shown(app: &App, record: &Record) -> Answer<Inbox> {
    let held = app.engine.inbox_use(record.record.project_id, record.record.id).await?;
    let ConfiguredResponse { status, headers, body } = record.record.response.clone();
    Ok(Inbox {
        id: record.record.id,
        name: record.record.name.clone(),
        slug: record.record.slug.clone(),
        url: app.engine.inbox_address(&record.record.slug),
        response: InboxResponse { status, headers: headers.into_iter().collect(), body },
        has_signing_secret: record.has_signing_secret(),
        request_count: held.request_count,
        last_request_at: held.last_request_at.map(rfc3339),
        created_at: rfc3339(record.record.created_at),
    })
}

fn configured(response: InboxResponseInput) -> ConfiguredResponse {
    ConfiguredResponse { status: response.status, headers: response.headers.into_iter().collect(), body: response.body }
}

fn request(summary: &RequestSummary) -> CapturedRequest {
    CapturedRequest {
        id: summary.id,
        inbox_id: summary.inbox_id,
        received_at: rfc3339(summary.received_at),
        method: summary.method.clone(),
        target: latin1(&summary.target),
        content_type: summary.content_type.clone(),
        size: summary.size,
        remote_addr: summary.remote_addr.clone(),
        oversize: summary.oversize,
        response_status: summary.response_status,
        duration_us: summary.duration_us,
        signature: match summary.signature {
            SignatureState::Valid => Signature::Valid,
            SignatureState::Invalid => Signature::Invalid,
            SignatureState::Unsigned => Signature::Unsigned,
            SignatureState::Unchecked => Signature::Unchecked,
        },
        signature_detail: summary.signature_detail.clone(),
        event_type: summary.event_type.clone(),
    }
}

/// Bytes of a head as text: UTF-8 where they are, else each byte as its Latin-1 character (RFC 9110 §5.5), so that no
/// byte is lost.
fn latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}
