//! Publishing events: match the endpoints, commit the event with its deliveries, hand them to the dispatcher.

use crate::Engine;
use crate::deliveries::{Asked, EventBody, JOB_WEIGHT, Job};
use crate::endpoints::Endpoint;
use crate::errors::{EngineError, FieldError, Result};
use jiff::Timestamp;
use kanca_domain::endpoints::Ordering;
use kanca_domain::events::{EventData, EventType, IdempotencyKey, OrderingKey};
use kanca_domain::ids::{DeliveryId, EventId, ProjectId};
use kanca_storage::deliveries::{NewDelivery, Waiter};
use kanca_storage::events::{Accepted, AllAccepted, EventRecord, Explanation, Idempotency, NewEvent};
use kanca_storage::{Page, PageRequest};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// An event that somebody publishes.
#[derive(Debug, Clone)]
pub struct Publication {
    pub event_type: EventType,
    pub data: EventData,
    /// When it happened; the time of acceptance unless given.
    pub timestamp: Option<Timestamp>,
    pub ordering_key: Option<OrderingKey>,
    pub idempotency_key: Option<IdempotencyKey>,
    pub hops: u8,
}

/// How a publication was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    New(EventId),
    /// The same content came under the same key before; nothing was stored again.
    Repeated(EventId),
}

/// An event prepared for a commit, with the jobs that may start when the commit is done.
pub(crate) struct Prepared {
    pub event: NewEvent,
    pub jobs: Vec<(Arc<Endpoint>, Job)>,
    /// Whether it goes to whoever subscribes, so that filters are asked.
    pub is_by_subscription: bool,
}

/// Prepared events that are not with storage yet; dropped before that, they give back what was reserved for them.
struct Reserved<'e>(&'e Engine, Vec<Prepared>);

impl Reserved<'_> {
    fn take(mut self) -> Vec<Prepared> {
        std::mem::take(&mut self.1)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        for prepared in self.1.drain(..) {
            self.0.dispatcher.drop_claims(prepared.jobs);
        }
    }
}

/// Whom a prepared event goes to.
pub(crate) enum Audience {
    /// Every endpoint that subscribes to its type.
    Subscribers,
    /// One endpoint only, whatever its types; a conversation may wait for the answer.
    Only(Arc<Endpoint>, Option<Waiter>),
    /// One endpoint only, whatever its types, as a test.
    Test(Arc<Endpoint>),
    /// Nobody, for the given reason.
    Nobody(Explanation),
}

/// Deliveries on their way from a commit to their queues.
///
/// A caller that goes away in the middle leaves a commit that may have happened: the claims are given back by storage,
/// and here the queues are told to look into the table.
struct Handover<'a> {
    engine: &'a Engine,
    jobs: Vec<(Arc<Endpoint>, Job)>,
}

impl Handover<'_> {
    fn start(mut self, held: &[DeliveryId]) {
        self.engine.dispatcher.start(self.engine, std::mem::take(&mut self.jobs), held);
    }

    fn drop_claims(mut self) {
        self.engine.dispatcher.drop_claims(std::mem::take(&mut self.jobs));
    }
}

impl Drop for Handover<'_> {
    fn drop(&mut self) {
        for (endpoint, job) in self.jobs.drain(..) {
            let (id, due) = (endpoint.record.id, job.event.accepted_at);
            self.engine.dispatcher.drop_claims(vec![(endpoint, job)]);
            self.engine.dispatcher.note_due(id, due);
            self.engine.look_for_due(id);
        }
    }
}

impl Engine {
    /// Publishes an event in a project. Returns when the event and its deliveries are durable.
    pub async fn publish(&self, project: ProjectId, publication: Publication) -> Result<Published> {
        self.accepts_events()?;
        let note = self.validate(project, &publication).await?;
        let mut prepared = self.prepare(project, publication, &Audience::Subscribers);
        prepared.event.explanation.extend(note);
        let mut reserved = Reserved(self, vec![prepared]);
        self.sift(&mut reserved.1).await;
        let Some(prepared) = reserved.take().pop() else {
            return Err(EngineError::Internal("an event was prepared and is gone".into()));
        };
        self.accept(prepared).await
    }

    /// Stores a prepared event and lets its deliveries go.
    pub(crate) async fn accept(&self, prepared: Prepared) -> Result<Published> {
        let Prepared { event, jobs, .. } = prepared;
        let id = event.id;
        let handover = Handover { engine: self, jobs };
        let accepted = self.storage.accept_event(event).await;
        if let Ok(Accepted::New { held }) = &accepted {
            handover.start(held);
        } else {
            handover.drop_claims();
        }
        match accepted.map_err(|e| self.note_storage(e))? {
            Accepted::New { .. } => Ok(Published::New(id)),
            Accepted::Repeated { event_id } => Ok(Published::Repeated(event_id)),
            Accepted::KeyTaken { event_id } => Err(EngineError::conflict(
                "idempotency-key-taken",
                format!(
                    "This idempotency key was used within the last 24 hours for another content (event {event_id}). \
                     Use a new key for a new event."
                ),
            )),
        }
    }

    /// Publishes events in a project, all of them or none. Returns when all are durable, with one answer for each.
    pub async fn publish_all(&self, project: ProjectId, publications: Vec<Publication>) -> Result<Vec<Published>> {
        self.accepts_events()?;
        let notes = self.validate_all(project, &publications).await?;
        let audience = Audience::Subscribers;
        let prepared = publications.into_iter().map(|publication| self.prepare(project, publication, &audience));
        let mut reserved = Reserved(self, prepared.collect());
        for (place, note) in notes {
            reserved.1[place].event.explanation.push(note);
        }
        self.sift(&mut reserved.1).await;
        let (events, jobs): (Vec<_>, Vec<_>) = reserved.take().into_iter().map(|p| (p.event, p.jobs)).unzip();
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        let handovers = jobs.into_iter().map(|jobs| Handover { engine: self, jobs });
        let handovers: Vec<_> = handovers.collect();
        let accepted = match self.storage.accept_events(events).await {
            Ok(AllAccepted::Stored(accepted)) => accepted,
            other => {
                for handover in handovers {
                    handover.drop_claims();
                }
                return Err(match other {
                    Ok(AllAccepted::KeysTaken(taken)) => keys_taken(&taken, &ids),
                    Err(error) => self.note_storage(error),
                    Ok(AllAccepted::Stored(_)) => EngineError::Internal("stored, and not stored".into()),
                });
            }
        };
        let mut published = Vec::with_capacity(ids.len());
        for ((id, handover), accepted) in ids.into_iter().zip(handovers).zip(accepted) {
            published.push(match accepted {
                Accepted::New { held } => {
                    handover.start(&held);
                    Published::New(id)
                }
                Accepted::Repeated { event_id } | Accepted::KeyTaken { event_id } => {
                    handover.drop_claims();
                    Published::Repeated(event_id)
                }
            });
        }
        Ok(published)
    }

    /// Makes the event, its deliveries and their jobs, without writing anything.
    pub(crate) fn prepare(&self, project: ProjectId, publication: Publication, audience: &Audience) -> Prepared {
        let now = self.clock.now();
        let id: EventId = self.ids.next();
        let ordering_key = publication.ordering_key.as_ref().map(|k| k.as_str().to_owned());
        let idempotency = publication
            .idempotency_key
            .as_ref()
            .map(|key| Idempotency { key: key.as_str().to_owned(), fingerprint: fingerprint(&publication) });
        let timestamp = publication.timestamp.unwrap_or_else(|| milliseconds(now));
        let test = matches!(audience, Audience::Test(_));
        let body = EventBody::new(
            project,
            id,
            publication.event_type.clone(),
            timestamp,
            now,
            publication.data.clone(),
            publication.hops,
        );
        let snapshot = self.snapshot.load();
        let matched;
        let (endpoints, waiter, explanation) = match audience {
            Audience::Subscribers => {
                matched = snapshot.matched(project, &publication.event_type);
                (matched.endpoints.as_slice(), None, matched.explanation.clone())
            }
            Audience::Only(endpoint, waiter) => (std::slice::from_ref(endpoint), waiter.clone(), Vec::new()),
            Audience::Test(endpoint) => (std::slice::from_ref(endpoint), None, Vec::new()),
            Audience::Nobody(reason) => ([].as_slice(), None, vec![reason.clone()]),
        };
        let due = self.plan.now();
        let options = snapshot.projects.get(&project).map(|project| &project.options);
        // Somebody waits for a test, and a conversation for its answer.
        let waits = !test && waiter.is_none();
        let later = |endpoint: &Endpoint| {
            let delay = if waits { endpoint.record.options.first_delay(options) } else { Duration::ZERO };
            (!delay.is_zero()).then(|| due.saturating_add(delay).unwrap_or(due))
        };
        let (memory, weight) = (self.dispatcher.allowance(project), body.weight() + JOB_WEIGHT);
        let mut deliveries = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            let delivery: DeliveryId = self.ids.next();
            let keyed = endpoint.record.ordering == Ordering::Key && waiter.is_none();
            let queue_key = ordering_key.clone().filter(|_| keyed);
            let later = later(endpoint);
            let rate = endpoint.record.options.rate_in_force();
            let asked = Asked { id: delivery, weight, waited_for: waiter.is_some(), rate };
            // What is not due yet waits in the table.
            let claim = later.is_none() && self.dispatcher.reserve(endpoint, &asked, memory, due);
            deliveries.push(NewDelivery {
                id: delivery,
                endpoint_id: endpoint.record.id,
                queue_key,
                due: later.unwrap_or(due),
                waiter: waiter.clone(),
                claim,
            });
        }
        // Counted from the first moment, so that a crowd of callers is seen.
        let stays = deliveries.iter().any(|delivery| delivery.claim);
        let body = body.marked(test);
        let body = Arc::new(if stays { body.counted(&self.dispatcher) } else { body });
        let job = |delivery: &NewDelivery| Job {
            later: (delivery.due > due).then_some(delivery.due),
            ..Job::first(delivery.id, body.clone(), waiter.clone(), delivery.claim)
        };
        let jobs = endpoints.iter().cloned().zip(deliveries.iter().map(job)).collect();
        let event = NewEvent {
            id,
            project_id: project,
            event_type: publication.event_type,
            timestamp,
            accepted_at: now,
            data: publication.data,
            ordering_key,
            idempotency,
            hops: publication.hops,
            test,
            explanation,
            deliveries,
        };
        Prepared { event, jobs, is_by_subscription: matches!(audience, Audience::Subscribers) }
    }

    /// Events of a project, newest first, without data.
    pub async fn events(
        &self,
        project: ProjectId,
        event_type: Option<&EventType>,
        page: PageRequest,
    ) -> Result<Page<EventRecord>> {
        Ok(self.storage.events(project, event_type.map(EventType::as_str), page).await?)
    }

    /// How many events the project accepted since an instant.
    pub async fn events_since(&self, project: ProjectId, since: Timestamp) -> Result<u64> {
        Ok(self.storage.count_events_since(project, since).await?)
    }

    /// One event of a project, with data.
    pub async fn event(&self, project: ProjectId, id: EventId) -> Result<EventRecord> {
        self.storage.event(project, id).await?.ok_or(EngineError::NotFound("event"))
    }
}

/// What is said when events of a batch came under keys that another content has.
fn keys_taken(taken: &[(usize, EventId)], ids: &[EventId]) -> EngineError {
    let fields = taken.iter().map(|(place, by)| {
        let other = match ids.iter().position(|id| id == by) {
            Some(earlier) => format!("events[{earlier}] has this key with another content"),
            None => format!("was used within the last 24 hours for another content (event {by})"),
        };
        FieldError { field: format!("events[{place}].idempotency_key"), message: format!("{other}; use a new key") }
    });
    EngineError::KeysTaken(fields.collect())
}

/// An instant without what is finer than a millisecond: nobody asked for nine digits in every body.
pub(crate) fn milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// SHA-256 over what makes the content: type, data, timestamp and ordering key, each with its length before it.
fn fingerprint(publication: &Publication) -> [u8; 32] {
    let timestamp = publication.timestamp.map(|t| t.to_string()).unwrap_or_default();
    let key = publication.ordering_key.as_ref().map_or("", |k| k.as_str());
    let mut hash = Sha256::new();
    for part in [publication.event_type.as_str(), publication.data.as_str(), &timestamp, key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
