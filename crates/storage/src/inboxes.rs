//! Inboxes and the requests they captured, byte for byte.

use crate::{Page, PageRequest, Result};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::ids::{InboxId, ProjectId, RequestId};
pub use kanca_domain::inboxes::ConfiguredResponse;
use serde::{Deserialize, Serialize};

/// An inbox as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRecord {
    pub id: InboxId,
    pub project_id: ProjectId,
    pub name: String,
    /// Unique in the installation: it is the address.
    pub slug: String,
    pub response: ConfiguredResponse,
    /// A Standard Webhooks secret to check signatures with, sealed; empty when there is none.
    pub sealed_signing_secret: Vec<u8>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What an inbox holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxUse {
    pub request_count: u64,
    /// Bytes of bodies and heads kept.
    pub bytes: u64,
    pub last_request_at: Option<Timestamp>,
}

/// How a captured request's signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureState {
    /// It carries a signature that one of the tried secrets made.
    Valid,
    /// It carries a signature that none of them made, or a stale one.
    Invalid,
    /// There is a secret to try, but the request carries no signature.
    Unsigned,
    /// There is no secret to try.
    Unchecked,
}

/// A captured request without its headers and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSummary {
    pub id: RequestId,
    pub inbox_id: InboxId,
    pub received_at: Timestamp,
    pub method: String,
    /// The raw request target as it stood in the request line.
    pub target: Vec<u8>,
    pub content_type: Option<String>,
    /// Body length in bytes; for an oversize request what was announced or read before it was cut off.
    pub size: u64,
    pub remote_addr: String,
    /// Refused with 413: the row says so, the body is not kept.
    pub oversize: bool,
    pub response_status: u16,
    /// Microseconds from the end of the request's head to the commit's start.
    pub duration_us: u64,
    pub signature: SignatureState,
    pub signature_detail: Option<String>,
    /// What its body says that it is about, such as `order.paid`.
    pub event_type: Option<String>,
}

/// A captured request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    pub summary: RequestSummary,
    /// Every header in order, repeated ones apart, names as they were spelled, values as raw bytes.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Bytes,
}

/// How much an inbox keeps: the newest requests within both limits, and the newest one in any case.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    pub requests: u64,
    pub bytes: u64,
}

/// Storage of inboxes.
#[async_trait]
pub trait Inboxes: Send + Sync {
    /// Stores a new inbox; `Conflict` when the slug is taken (in any project).
    async fn create_inbox(&self, inbox: InboxRecord) -> Result<()>;
    /// Replaces an inbox; `Conflict` when the slug is taken.
    async fn update_inbox(&self, inbox: InboxRecord) -> Result<()>;
    /// Deletes an inbox with its requests.
    async fn delete_inbox(&self, project: ProjectId, inbox: InboxId) -> Result<()>;
    /// The inboxes of all projects; the engine keeps them in its snapshot.
    async fn all_inboxes(&self) -> Result<Vec<InboxRecord>>;
    /// What the inbox holds; zeros when nothing.
    async fn inbox_use(&self, project: ProjectId, inbox: InboxId) -> Result<InboxUse>;
    /// Stores a captured request in a durable commit and drops the oldest ones beyond `keep` in the same commit.
    /// `NotFound` when the inbox was deleted meanwhile. Captures are committed in the order in which their futures were
    /// first polled, so that a reader who sees one request has all earlier ones, too.
    async fn capture(&self, project: ProjectId, request: RequestRecord, keep: Keep) -> Result<()>;
    /// Requests of an inbox, newest first.
    async fn requests(&self, project: ProjectId, inbox: InboxId, page: PageRequest) -> Result<Page<RequestSummary>>;
    /// Requests after `after` (exclusive), oldest first, for a stream that resumes.
    async fn requests_after(
        &self,
        project: ProjectId,
        inbox: InboxId,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestSummary>>;
    /// One request with headers and body.
    async fn request(&self, project: ProjectId, inbox: InboxId, request: RequestId) -> Result<Option<RequestRecord>>;
    /// Deletes one request; `NotFound` when it is not there.
    async fn delete_request(&self, project: ProjectId, inbox: InboxId, request: RequestId) -> Result<()>;
    /// Deletes all requests of an inbox.
    async fn clear_inbox(&self, project: ProjectId, inbox: InboxId) -> Result<()>;
}
