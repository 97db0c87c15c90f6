//! Endpoints (in the panel: webhooks).

use crate::{Result, deliveries::StatusCounts};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::endpoints::{DisabledCode, EndpointOptions, EndpointStatus, Ordering};
use kanca_domain::formats::Format;
use kanca_domain::ids::{EndpointId, InboxId, ProjectId};
use std::collections::HashMap;
use std::time::Duration;

/// An endpoint as stored. Secrets are sealed (encrypted) by the engine before they come here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRecord {
    pub id: EndpointId,
    pub project_id: ProjectId,
    pub name: String,
    pub url: String,
    /// Type patterns; `None` = all, empty = none.
    pub event_types: Option<Vec<String>>,
    pub format: Format,
    pub ordering: Ordering,
    pub status: EndpointStatus,
    /// Why it is disabled, in English words.
    pub disabled_reason: Option<String>,
    /// The same for programs and readers of other languages; `None` when an earlier version disabled it.
    pub disabled_code: Option<DisabledCode>,
    /// The inbox of the same project that the URL points to.
    pub inbox_id: Option<InboxId>,
    /// The signing secret, sealed.
    pub sealed_secret: Vec<u8>,
    /// The custom headers as a JSON object, sealed; empty when there are none.
    pub sealed_headers: Vec<u8>,
    pub options: EndpointOptions,
    /// The options that are secrets as a JSON object, sealed; empty when there are none.
    pub sealed_options: Vec<u8>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An endpoint does nothing but fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it began, by the time that the engine plans by.
    pub since: Timestamp,
    /// How long Kanca had run by then, in all its processes.
    pub running: Duration,
}

/// Storage of endpoints.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Stores a new endpoint.
    async fn create_endpoint(&self, endpoint: EndpointRecord) -> Result<()>;
    /// Replaces an endpoint. When its ordering is now `none`, deliveries held behind others are let go (`held` off, no
    /// queue key) in the same commit. `NotFound` when it is not in the project.
    async fn update_endpoint(&self, endpoint: EndpointRecord) -> Result<()>;
    /// Deletes an endpoint; its pending deliveries become `cancelled` (at `now`), some hundred of them in the same commit
    /// and the others by `Replays::cancel_pending`; none is handed out to be attempted meanwhile. Deliveries and attempts
    /// stay readable; they keep the endpoint's id and its last name.
    async fn delete_endpoint(&self, project: ProjectId, endpoint: EndpointId, now: Timestamp) -> Result<()>;
    /// The endpoints of all projects, without deleted ones; the engine keeps them in its snapshot.
    async fn all_endpoints(&self) -> Result<Vec<EndpointRecord>>;
    /// Notes since when an endpoint does nothing but fail; `None` when it no longer does. Unknown endpoints are no error.
    async fn note_outage(&self, endpoint: EndpointId, outage: Option<Outage>) -> Result<()>;
    /// The endpoints of all projects that did nothing but fail, and since when, without deleted ones; read at the start.
    async fn outages(&self) -> Result<HashMap<EndpointId, Outage>>;
    /// Numbers of deliveries by status for each endpoint of a project, exact at the time of a commit.
    async fn endpoint_counts(&self, project: ProjectId) -> Result<HashMap<EndpointId, StatusCounts>>;
}
