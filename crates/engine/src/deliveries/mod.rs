//! Deliveries: from the commit that made them to the outcome that ends them.
//!
//! `queue` keeps what is in memory for one endpoint, `dispatcher` decides who works when, `attempt` makes one HTTP
//! exchange and `outcome` says what it means. The table is the truth: what does not fit in memory waits there, and all
//! that is here can be rebuilt from it.

mod alarms;
mod attempt;
mod body;
mod bulk;
mod crew;
mod dispatcher;
mod outage;
mod outcome;
mod queue;
mod shares;

pub use attempt::HOPS_HEADER;
pub(crate) use attempt::{headers, masked, reason_of};
pub(crate) use body::{Changed, finished};
pub(crate) use bulk::Turn;
pub(crate) use dispatcher::Dispatcher;
pub use dispatcher::Health;
pub(crate) use outcome::Ended;
pub(crate) use queue::Asked;
pub(crate) use shares::JOB_WEIGHT;

use self::shares::Room;
use crate::Engine;
use crate::endpoints::{Endpoint, MASK};
use crate::errors::{EngineError, Result};
use jiff::Timestamp;
use kanca_domain::attempts::{CurlHeader, curl_command};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::{EventData, EventType};
use kanca_domain::formats::{self, Encoded, Envelope, Format, TooLarge};
use kanca_domain::ids::{DeliveryId, EventId, ProjectId};
use kanca_storage::deliveries::{AttemptRecord, DeliveryFilter, DeliveryRecord, DueDelivery, StatusCounts, Waiter};
use kanca_storage::{Page, PageRequest};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// What all deliveries of one event share; each format is encoded once.
pub(crate) struct EventBody {
    pub project_id: ProjectId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub timestamp: Timestamp,
    pub accepted_at: Timestamp,
    pub data: EventData,
    pub hops: u8,
    /// The event is a test, and says so.
    pub test: bool,
    /// The memory that it takes, as long as any delivery is there that needs it.
    _room: Option<Room>,
    encoded: [OnceLock<Result<Kept, TooLarge>>; Format::ALL.len()],
}

/// What is kept of an event in a format.
#[derive(Clone)]
enum Kept {
    Whole(SharedBody),
    /// Nothing, as it takes more memory than is counted for the event: whoever needs it makes it.
    Nothing,
}

/// An encoded body that attempts share without copying.
#[derive(Clone)]
pub(crate) struct SharedBody {
    pub content_type: Cow<'static, str>,
    pub bytes: bytes::Bytes,
    /// What a transformation changed besides.
    pub changed: Option<Arc<body::Changed>>,
}

/// The body that an attempt sent.
fn sent_body(event: &EventBody, attempt: &AttemptRecord) -> bytes::Bytes {
    let stored = attempt.request_body.clone();
    stored.unwrap_or_else(|| event.encoded(attempt.format).map(|b| b.bytes).unwrap_or_default())
}

impl EventBody {
    pub fn new(
        project_id: ProjectId,
        event_id: EventId,
        event_type: EventType,
        timestamp: Timestamp,
        accepted_at: Timestamp,
        data: EventData,
        hops: u8,
    ) -> Self {
        let (test, encoded) = (false, Default::default());
        Self { project_id, event_id, event_type, timestamp, accepted_at, data, hops, test, _room: None, encoded }
    }

    /// The same, and the memory it takes is counted until it is dropped.
    pub fn counted(self, dispatcher: &Dispatcher) -> Self {
        Self { _room: Some(dispatcher.room(self.project_id, self.weight())), ..self }
    }

    /// The same, marked as a test or not.
    pub fn marked(self, test: bool) -> Self {
        Self { test, ..self }
    }

    /// The body in a format, over the exact bytes that are signed and sent.
    pub fn encoded(&self, format: Format) -> Result<SharedBody, TooLarge> {
        let mut made = None;
        let kept = self.encoded[format as usize].get_or_init(|| {
            let body = self.encode(format)?;
            made = Some(body.clone());
            Ok(if self.is_paid_for(&body) { Kept::Whole(body) } else { Kept::Nothing })
        });
        match kept {
            Ok(Kept::Whole(body)) => Ok(body.clone()),
            Ok(Kept::Nothing) => made.map_or_else(|| self.encode(format), Ok),
            Err(error) => Err(*error),
        }
    }

    fn encode(&self, format: Format) -> Result<SharedBody, TooLarge> {
        let timestamp = self.timestamp.to_string();
        let Encoded { content_type, body } = formats::encode(format, &self.envelope(&timestamp))?;
        Ok(SharedBody { content_type: content_type.into(), bytes: body.into(), changed: None })
    }

    /// Whether the memory that a body takes is counted with the event.
    fn is_paid_for(&self, body: &SharedBody) -> bool {
        body.bytes.len() <= self.weight()
    }

    /// What is written of it; `timestamp` is the text of its time.
    pub fn envelope<'a>(&'a self, timestamp: &'a str) -> Envelope<'a> {
        let (project, id) = (self.project_id, self.event_id);
        Envelope { project, id, event_type: &self.event_type, timestamp, data: &self.data }
    }

    /// Bytes that it takes in memory, roughly: the data, and as much again for its encoded form.
    pub fn weight(&self) -> usize {
        self.data.as_str().len() * 2 + size_of::<Self>()
    }
}

/// A delivery in memory.
#[derive(Clone)]
pub(crate) struct Job {
    pub id: DeliveryId,
    pub event: Arc<EventBody>,
    pub steps_used: u32,
    pub attempt_count: u32,
    /// Its age counts from here.
    pub scheduled_from: Timestamp,
    pub manual: bool,
    pub waiter: Option<Waiter>,
    /// Whether memory was reserved for it; without, it waits in the table.
    pub reserved: bool,
    /// When it is due there, if not at once.
    pub later: Option<Timestamp>,
}

impl Job {
    pub fn first(id: DeliveryId, event: Arc<EventBody>, waiter: Option<Waiter>, reserved: bool) -> Self {
        let scheduled_from = event.accepted_at;
        let (manual, later) = (false, None);
        Self { id, event, steps_used: 0, attempt_count: 0, scheduled_from, manual, waiter, reserved, later }
    }

    /// Bytes that it takes in memory, roughly, if nobody shares its event.
    pub fn weight(&self) -> usize {
        self.event.weight() + JOB_WEIGHT
    }

    fn from_table(due: DueDelivery, dispatcher: &Dispatcher) -> Self {
        let event = EventBody::new(
            due.project_id,
            due.event_id,
            due.event_type,
            due.timestamp,
            due.accepted_at,
            due.data,
            due.hops,
        );
        Self {
            id: due.id,
            event: Arc::new(event.marked(due.test).counted(dispatcher)),
            scheduled_from: due.scheduled_from,
            steps_used: due.steps_used,
            attempt_count: due.attempt_count,
            manual: due.manual,
            waiter: due.waiter,
            reserved: true,
            later: None,
        }
    }
}

/// A delivery with everything that explains it.
pub struct DeliveryDetail {
    pub delivery: DeliveryRecord,
    pub format: Format,
    /// Each attempt with the exact body it sent.
    pub attempts: Vec<(AttemptRecord, bytes::Bytes)>,
    /// The last (or next) attempt as a command to paste; secret header values are placeholders.
    pub curl: String,
}

impl Engine {
    /// Deliveries of a project, newest first.
    pub async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRecord>> {
        let page = self.storage.deliveries(project, filter, page).await?;
        let items = page.items.into_iter().map(|delivery| self.by_the_clock(delivery)).collect();
        Ok(Page { items, ..page })
    }

    /// Numbers of the project's deliveries by status.
    pub async fn delivery_counts(&self, project: ProjectId) -> Result<StatusCounts> {
        Ok(self.storage.delivery_counts(project).await?)
    }

    /// One delivery with its attempts.
    pub async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<DeliveryDetail> {
        let found = self.storage.delivery(project, id).await?;
        let (delivery, attempts) = found.ok_or(EngineError::NotFound("delivery"))?;
        let delivery = self.by_the_clock(delivery);
        let event = self.event(project, delivery.event_id).await?;
        let data = event.data.ok_or_else(|| EngineError::Internal("an event was read without its data".into()))?;
        let body =
            EventBody::new(project, event.id, event.event_type, event.timestamp, event.accepted_at, data, event.hops);
        let body = body.marked(event.test);
        let endpoint = self.endpoint(project, delivery.endpoint_id).ok();
        let format = attempts
            .last()
            .map(|a| a.format)
            .or_else(|| endpoint.as_ref().map(|e| e.record.format))
            .unwrap_or(Format::Json);
        let curl = self.curl(&body, attempts.last(), endpoint.as_deref(), format);
        let attempts = attempts
            .into_iter()
            .map(|a| {
                let bytes = sent_body(&body, &a);
                (a, bytes)
            })
            .collect();
        Ok(DeliveryDetail { delivery, format, attempts, curl })
    }

    fn curl(
        &self,
        body: &EventBody,
        last: Option<&AttemptRecord>,
        endpoint: Option<&Endpoint>,
        format: Format,
    ) -> String {
        let Ok(encoded) = body.encoded(format) else { return String::new() };
        let bytes = last.map_or_else(|| encoded.bytes.clone(), |last| sent_body(body, last));
        let (method, url, headers) = match (last, endpoint) {
            (Some(AttemptRecord { request, .. }), _) => {
                (request.method.clone(), request.url.clone(), request.headers.clone())
            }
            (None, Some(endpoint)) => {
                let headers = attempt::headers(body, endpoint, &encoded, self.clock.now(), None);
                let url = self.destination(endpoint).0;
                ("POST".to_owned(), url, attempt::masked(headers, endpoint, None))
            }
            (None, None) => return String::new(),
        };
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| CurlHeader { name, value: value.as_bytes(), is_secret: value == MASK })
            .collect();
        curl_command(&method, &url, &headers, &bytes)
    }

    /// Makes a delivery due now; see the port for what that means in each state.
    pub async fn retry_delivery(&self, project: ProjectId, id: DeliveryId) -> Result<DeliveryRecord> {
        let now = self.clock.now();
        let delivery = match self.storage.retry_delivery(project, id, now).await {
            Err(kanca_storage::StorageError::Conflict(_)) => {
                return Err(EngineError::conflict(
                    "endpoint-deleted",
                    "The webhook of this delivery was deleted, so there is nowhere to send it. Publish the event again \
                     to send it to other webhooks.",
                ));
            }
            other => other?,
        };
        let delivery = self.by_the_clock(delivery);
        self.dispatcher.note_due(delivery.endpoint_id, now);
        if delivery.status == DeliveryStatus::Pending && !delivery.held {
            // A person waits for it: neither the backlog nor an open breaker comes first.
            self.hurry(delivery.endpoint_id, id, None).await;
        }
        Ok(delivery)
    }
}
