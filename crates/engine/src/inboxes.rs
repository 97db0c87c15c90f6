//! Inboxes: addresses that receive. A request is stored byte for byte in one commit, then answered as configured.

use crate::Engine;
use crate::begun::Begun;
use crate::errors::{EngineError, FieldError, Result};
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::endpoints::{DisabledCode, EndpointStatus};
use kanca_domain::ids::{Id, InboxId, ProjectId, RequestId};
use kanca_domain::inboxes::{Slug, event_type_of};
use kanca_domain::signatures::{self, SignatureHeaders, SignatureProblem, TOLERANCE_SECONDS, Verifier};
use kanca_storage::inboxes::{
    ConfiguredResponse, InboxRecord, InboxUse, RequestRecord, RequestSummary, SignatureState,
};
use kanca_storage::{Page, PageRequest, StorageError};
use std::cmp::Reverse;
use std::sync::Arc;

/// An inbox ready for use, with its secret opened.
pub struct Inbox {
    pub record: InboxRecord,
    pub(crate) signing_secret: Option<Verifier>,
}

impl Inbox {
    /// Whether signatures are checked with a secret of its own.
    pub fn has_signing_secret(&self) -> bool {
        self.signing_secret.is_some()
    }
}

/// Input for a new inbox.
#[derive(Debug, Clone, Default)]
pub struct NewInbox {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub signing_secret: Option<String>,
    pub response: Option<ConfiguredResponse>,
}

/// Changes to an inbox; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct InboxPatch {
    pub name: Option<String>,
    pub slug: Option<String>,
    /// `Some(None)` removes it.
    pub signing_secret: Option<Option<String>>,
    pub response: Option<ConfiguredResponse>,
}

/// A request as it came in, before it is stored.
pub struct Incoming {
    pub method: String,
    pub target: Vec<u8>,
    /// In order, repeated ones apart, names as they were spelled.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Bytes,
    /// Set when the body was longer than allowed: what was announced or read before it was cut off.
    pub oversize: Option<u64>,
    pub remote_addr: String,
    /// When its head had been read.
    pub started: std::time::Instant,
    /// From [`crate::HOPS_HEADER`]; 0 when absent.
    pub hops: u8,
}

/// A signal to whoever watches an inbox.
#[derive(Debug, Clone)]
pub enum InboxSignal {
    Captured(Arc<RequestSummary>),
    Deleted(RequestId),
    Cleared,
}

/// A request that passed this many of Kanca's own inboxes is refused: it runs in a circle.
const MAX_HOPS: u8 = 8;

impl Engine {
    /// Creates an inbox; its address works when the call returns.
    pub async fn create_inbox(&self, project: ProjectId, new: NewInbox) -> Result<Arc<Inbox>> {
        let _guard = self.config.lock().await;
        let now = self.clock.now();
        let id: InboxId = self.ids.next();
        let slug = new.slug.clone().unwrap_or_else(|| self.random_slug());
        let record = InboxRecord {
            id,
            project_id: project,
            name: new.name.unwrap_or_else(|| format!("Inbox {}", self.inboxes(project).len() + 1)),
            slug,
            response: new.response.unwrap_or_default(),
            sealed_signing_secret: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let inbox = self.check_inbox(record, new.signing_secret.as_deref(), None)?;
        self.storage.create_inbox(inbox.record.clone()).await.map_err(slug_taken)?;
        self.update_snapshot(|s| s.put_inbox(inbox.clone()));
        Ok(inbox)
    }

    /// Changes an inbox.
    pub async fn patch_inbox(&self, project: ProjectId, id: InboxId, patch: InboxPatch) -> Result<Arc<Inbox>> {
        let _guard = self.config.lock().await;
        let old = self.inbox(project, id)?;
        let mut record = old.record.clone();
        record.name = patch.name.unwrap_or(record.name);
        record.slug = patch.slug.unwrap_or(record.slug);
        record.response = patch.response.unwrap_or(record.response);
        record.updated_at = self.clock.now();
        let (text, kept) = match &patch.signing_secret {
            None => (None, old.signing_secret.clone()),
            Some(text) => (text.as_deref(), None),
        };
        let inbox = self.check_inbox(record, text, kept)?;
        self.storage.update_inbox(inbox.record.clone()).await.map_err(slug_taken)?;
        self.update_snapshot(|s| s.put_inbox(inbox.clone()));
        Ok(inbox)
    }

    /// Checks all fields and makes the inbox usable; `secret` is a new one as text, `kept` the one it has.
    fn check_inbox(&self, mut record: InboxRecord, secret: Option<&str>, kept: Option<Verifier>) -> Result<Arc<Inbox>> {
        let mut wrong: Vec<FieldError> = Vec::new();
        let mut note = |field: &str, result: Result<(), String>| {
            if let Err(message) = result {
                wrong.push(FieldError { field: field.into(), message });
            }
        };
        note("name", kanca_domain::endpoints::check_name(&record.name).map(|_| ()).map_err(|e| e.to_string()));
        note("slug", record.slug.parse::<Slug>().map(|_| ()).map_err(|e| e.to_string()));
        note("response", record.response.check().map_err(|e| e.to_string()));
        let parsed = secret.map(Verifier::parse_foreign).transpose();
        note("signing_secret", parsed.as_ref().map(|_| ()).map_err(ToString::to_string));
        if !wrong.is_empty() {
            return Err(EngineError::Invalid(wrong));
        }
        let signing_secret = parsed.ok().flatten().or(kept);
        let text = signing_secret.as_ref().map(Verifier::reveal).unwrap_or_default();
        record.sealed_signing_secret = self.sealer.seal(&secret_place(record.id), text.as_bytes())?;
        Ok(Arc::new(Inbox { record, signing_secret }))
    }

    pub(crate) fn load_inbox(&self, record: InboxRecord) -> Result<Arc<Inbox>> {
        let opened = self.sealer.open(&secret_place(record.id), &record.sealed_signing_secret)?;
        let text = String::from_utf8(opened).unwrap_or_default();
        let signing_secret = (!text.is_empty()).then(|| Verifier::parse_foreign(&text)).transpose();
        let signing_secret = signing_secret.map_err(|e| EngineError::Internal(e.to_string()))?;
        Ok(Arc::new(Inbox { record, signing_secret }))
    }

    /// Deletes an inbox with its requests. Webhooks that point to it are disabled.
    pub async fn delete_inbox(&self, project: ProjectId, id: InboxId) -> Result<()> {
        let _guard = self.config.lock().await;
        self.inbox(project, id)?;
        // Another project may take the address one day, and must not get what was meant for this one.
        let pointing = self.endpoints(project).into_iter().filter(|e| e.record.inbox_id == Some(id));
        for endpoint in pointing.filter(|e| e.record.status != EndpointStatus::Disabled) {
            let reason = "The inbox that it pointed to was deleted.";
            self.disable_endpoint(&endpoint, DisabledCode::InboxDeleted, reason).await?;
        }
        self.storage.delete_inbox(project, id).await?;
        self.update_snapshot(|s| s.remove_inbox(id));
        Ok(())
    }

    /// One inbox of a project.
    pub fn inbox(&self, project: ProjectId, id: InboxId) -> Result<Arc<Inbox>> {
        let snapshot = self.snapshot.load();
        let found = snapshot.inboxes.get(&id).filter(|i| i.record.project_id == project);
        found.cloned().ok_or(EngineError::NotFound("inbox"))
    }

    /// The inboxes of a project, newest first.
    pub fn inboxes(&self, project: ProjectId) -> Vec<Arc<Inbox>> {
        let snapshot = self.snapshot.load();
        let mut found: Vec<_> = snapshot.inboxes.values().filter(|i| i.record.project_id == project).cloned().collect();
        found.sort_by_key(|i| Reverse(i.record.id));
        found
    }

    /// The inbox at an address, for capturing.
    pub fn inbox_at(&self, slug: &str) -> Option<Arc<Inbox>> {
        self.snapshot.load().slugs.get(slug).cloned()
    }

    /// The full address of a slug.
    pub fn inbox_address(&self, slug: &str) -> String {
        format!("{}/in/{slug}", self.settings.inbox_url)
    }

    /// What an inbox holds.
    pub async fn inbox_use(&self, project: ProjectId, id: InboxId) -> Result<InboxUse> {
        Ok(self.storage.inbox_use(project, id).await?)
    }

    /// Refuses a capture before its body is read: no room, too fast, or running in a circle.
    pub fn may_capture(&self, inbox: &Inbox, client: std::net::IpAddr, hops: u8) -> Result<()> {
        self.accepts_public_work()?;
        if hops > MAX_HOPS {
            return Err(EngineError::conflict(
                "loop-detected",
                format!("This request passed {hops} of Kanca's own inboxes; it runs in a circle and is stopped here."),
            ));
        }
        self.limits.captures_per_client.check(&client)?;
        self.limits.captures_per_inbox.check(&inbox.record.id)
    }

    /// Stores a request. Returns when it is durable; the caller then answers.
    pub async fn capture(&self, inbox: &Inbox, incoming: Incoming) -> Result<Arc<RequestSummary>> {
        let now = self.clock.now();
        let (signature, signature_detail) = if incoming.oversize.is_some() {
            (SignatureState::Unchecked, Some("The body was too large to be read, so it was not checked.".into()))
        } else {
            self.check_signature(inbox, &incoming, now)
        };
        let content_type = header(&incoming.headers, "content-type").map(|v| String::from_utf8_lossy(v).into_owned());
        let mut summary = RequestSummary {
            id: RequestId::from_uuid(uuid::Uuid::nil()),
            inbox_id: inbox.record.id,
            received_at: now,
            method: incoming.method,
            target: incoming.target,
            content_type,
            size: incoming.oversize.unwrap_or(incoming.body.len() as u64),
            remote_addr: incoming.remote_addr,
            oversize: incoming.oversize.is_some(),
            response_status: if incoming.oversize.is_some() { 413 } else { inbox.record.response.status },
            duration_us: u64::try_from(incoming.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            signature,
            signature_detail,
            event_type: event_type_of(&incoming.body),
        };
        let project = inbox.record.project_id;
        let stored = {
            // Ids are given in the order of commits: a stream that resumes after an id misses nothing.
            let _order = self.capture_order.lock();
            summary.id = self.ids.next();
            let record = RequestRecord { summary: summary.clone(), headers: incoming.headers, body: incoming.body };
            Begun::begin(self.storage.capture(project, record, self.settings.inbox_keep))
        };
        stored.end().await.map_err(|error| self.note_storage(error))?;
        let summary = Arc::new(summary);
        self.inbox_live.publish(inbox.record.id, InboxSignal::Captured(summary.clone()));
        Ok(summary)
    }

    /// Tries the inbox's own secret and those of the project's endpoints that point here.
    fn check_signature(&self, inbox: &Inbox, incoming: &Incoming, now: Timestamp) -> (SignatureState, Option<String>) {
        let snapshot = self.snapshot.load();
        let pointing = snapshot.endpoints.values().filter(|e| e.record.inbox_id == Some(inbox.record.id));
        let keys: Vec<Verifier> =
            inbox.signing_secret.iter().cloned().chain(pointing.flat_map(|e| e.signing.verifiers(now))).collect();
        if keys.is_empty() {
            return (SignatureState::Unchecked, None);
        }
        let named = incoming.headers.iter().filter_map(|(n, v)| Some((std::str::from_utf8(n).ok()?, v.as_slice())));
        let headers = SignatureHeaders::find(named);
        match signatures::verify(&headers, &incoming.body, now.as_second(), TOLERANCE_SECONDS, &keys) {
            Ok(()) => (SignatureState::Valid, None),
            Err(SignatureProblem::Unsigned) => (SignatureState::Unsigned, None),
            Err(problem) => (SignatureState::Invalid, Some(problem.to_string())),
        }
    }

    /// Requests of an inbox, newest first.
    pub async fn requests(&self, project: ProjectId, id: InboxId, page: PageRequest) -> Result<Page<RequestSummary>> {
        self.inbox(project, id)?;
        Ok(self.storage.requests(project, id, page).await?)
    }

    /// The newest request of an inbox; the least possible id when there is none.
    pub async fn newest_request(&self, project: ProjectId, id: InboxId) -> Result<RequestId> {
        let newest = self.storage.requests(project, id, PageRequest { after: None, limit: 1 }).await?;
        Ok(newest.items.first().map_or(RequestId::from_uuid(uuid::Uuid::nil()), |r| r.id))
    }

    /// Requests after one, oldest first, for a stream that resumes.
    pub async fn requests_after(
        &self,
        project: ProjectId,
        id: InboxId,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestSummary>> {
        Ok(self.storage.requests_after(project, id, after, limit).await?)
    }

    /// One request with headers and body.
    pub async fn request(&self, project: ProjectId, id: InboxId, request: RequestId) -> Result<RequestRecord> {
        self.inbox(project, id)?;
        self.storage.request(project, id, request).await?.ok_or(EngineError::NotFound("request"))
    }

    /// Deletes one request.
    pub async fn delete_request(&self, project: ProjectId, id: InboxId, request: RequestId) -> Result<()> {
        self.inbox(project, id)?;
        self.storage.delete_request(project, id, request).await?;
        self.inbox_live.publish(id, InboxSignal::Deleted(request));
        Ok(())
    }

    /// Deletes all requests of an inbox.
    pub async fn clear_inbox(&self, project: ProjectId, id: InboxId) -> Result<()> {
        self.inbox(project, id)?;
        self.storage.clear_inbox(project, id).await?;
        self.inbox_live.publish(id, InboxSignal::Cleared);
        Ok(())
    }

    fn random_slug(&self) -> String {
        let mut bytes = [0u8; 16];
        self.random.fill(&mut bytes);
        Slug::from_random(&bytes).to_string()
    }
}

fn secret_place(id: InboxId) -> String {
    format!("{id}/signing_secret")
}

fn slug_taken(error: StorageError) -> EngineError {
    match error {
        StorageError::Conflict(_) => {
            EngineError::conflict("slug-taken", "Another inbox has this slug. Choose another one, or leave it out.")
        }
        other => other.into(),
    }
}

/// The first value of a header.
fn header<'a>(headers: &'a [(Vec<u8>, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
}
