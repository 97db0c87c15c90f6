//! What the behaviours have in common: ids and instants in order, and things with everything filled in.

use crate::SharedStorage;
use crate::accounts::ProjectRecord;
use crate::deliveries::{
    AttemptRecord, DeliveryRecord, DueDelivery, NewDelivery, Outcome, ReceivedResponse, Recorded, SentRequest, Verdict,
};
use crate::endpoints::EndpointRecord;
use crate::events::{Accepted, Idempotency, NewEvent};
use crate::pages::{Page, PageRequest};
use jiff::{SignedDuration, Timestamp};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::{EndpointOptions, EndpointStatus, Ordering};
use kanca_domain::events::EventData;
use kanca_domain::formats::Format;
use kanca_domain::ids::{DeliveryId, EndpointId, Id, ProjectId};
use kanca_domain::projects::ProjectOptions;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use uuid::Uuid;

/// The instant at which every story begins.
pub const START: i64 = 1_700_000_000;

/// A storage with one project and one endpoint in it.
pub struct World {
    pub storage: SharedStorage,
    pub project: ProjectId,
    pub endpoint: EndpointId,
    next: AtomicU64,
}

impl World {
    /// Puts a project and an endpoint into an empty storage.
    pub async fn new(storage: SharedStorage) -> Self {
        let next = AtomicU64::new(1);
        let id = |n| Uuid::from_bytes(uuid::Builder::from_unix_timestamp_millis(n, &[0; 10]).into_uuid().into_bytes());
        let world = Self {
            storage,
            project: ProjectId::from_uuid(id(1_600_000_000_000)),
            endpoint: EndpointId::from_uuid(id(1_600_000_000_001)),
            next,
        };
        let project = world.project_named(world.project, "shop");
        world.storage.create_project(project, None).await.unwrap();
        let endpoint = EndpointRecord { id: world.endpoint, ..world.new_endpoint() };
        world.storage.create_endpoint(endpoint).await.unwrap();
        world
    }

    /// A new id; each is greater than those before it.
    pub fn id<I: Id>(&self) -> I {
        let n = self.next.fetch_add(1, Atomic::Relaxed);
        I::new(u64::try_from(START).unwrap() * 1000 + n, &[3; 10])
    }

    /// A project without options.
    pub fn project_named(&self, id: ProjectId, name: &str) -> ProjectRecord {
        ProjectRecord { id, name: name.into(), options: ProjectOptions::default(), created_at: at(0) }
    }

    /// Another project.
    pub async fn other_project(&self) -> ProjectId {
        let project = self.project_named(self.id(), "another shop");
        let id = project.id;
        self.storage.create_project(project, None).await.unwrap();
        id
    }

    /// An endpoint that is not stored yet.
    pub fn new_endpoint(&self) -> EndpointRecord {
        EndpointRecord {
            id: self.id(),
            project_id: self.project,
            name: "orders".into(),
            url: "https://example.com/hook".into(),
            event_types: None,
            format: Format::Json,
            ordering: Ordering::Key,
            status: EndpointStatus::Active,
            disabled_reason: None,
            disabled_code: None,
            inbox_id: None,
            sealed_secret: vec![1, 0, 255],
            sealed_headers: Vec::new(),
            options: EndpointOptions::default(),
            sealed_options: Vec::new(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    /// One more endpoint of the project.
    pub async fn another_endpoint(&self) -> EndpointId {
        let endpoint = self.new_endpoint();
        let id = endpoint.id;
        self.storage.create_endpoint(endpoint).await.unwrap();
        id
    }

    /// An event without deliveries, accepted at the start.
    pub fn event(&self) -> NewEvent {
        NewEvent {
            id: self.id(),
            project_id: self.project,
            event_type: "order.paid".parse().unwrap(),
            timestamp: at(0),
            accepted_at: at(0),
            data: EventData::parse(br#"{"order":1}"#).unwrap(),
            ordering_key: None,
            idempotency: None,
            hops: 0,
            test: false,
            explanation: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// A delivery to an endpoint, due at the start, not taken by the caller.
    pub fn delivery(&self, endpoint: EndpointId) -> NewDelivery {
        NewDelivery { id: self.id(), endpoint_id: endpoint, queue_key: None, due: at(0), waiter: None, claim: false }
    }

    /// An event with one delivery to the endpoint of the world.
    pub fn event_for_one(&self) -> NewEvent {
        NewEvent { deliveries: vec![self.delivery(self.endpoint)], ..self.event() }
    }

    /// The same with an ordering key, which is also the queue key.
    pub fn event_with_key(&self, key: &str) -> NewEvent {
        let delivery = NewDelivery { queue_key: Some(key.into()), ..self.delivery(self.endpoint) };
        NewEvent { ordering_key: Some(key.into()), deliveries: vec![delivery], ..self.event() }
    }

    /// Accepts an event and returns its first delivery.
    pub async fn accept(&self, event: NewEvent) -> DeliveryId {
        let delivery = event.deliveries[0].id;
        let accepted = self.storage.accept_event(event).await.unwrap();
        assert!(matches!(accepted, Accepted::New { .. }), "{accepted:?}");
        delivery
    }

    /// Accepts an event with one delivery that is due at `due`.
    pub async fn accept_due(&self, due: Timestamp) -> DeliveryId {
        let mut event = self.event_for_one();
        event.deliveries[0].due = due;
        self.accept(event).await
    }

    /// Claims what is due for the endpoint of the world.
    pub async fn claim_due(&self, now: Timestamp, limit: u32) -> (Vec<DeliveryId>, Option<Timestamp>) {
        let claimed = self.storage.claim_due(self.endpoint, now, limit).await.unwrap();
        (claimed.items.iter().map(|item| item.id).collect(), claimed.next_due)
    }

    /// Claims one delivery by name.
    pub async fn claim(&self, delivery: DeliveryId) -> Option<DueDelivery> {
        self.storage.claim(vec![delivery]).await.unwrap().pop()
    }

    /// An attempt as it might have been.
    pub fn attempt(&self, number: u32) -> AttemptRecord {
        AttemptRecord {
            id: self.id(),
            number,
            started_at: at(1),
            duration_us: 1234,
            success: true,
            reason_code: "ok".into(),
            reason: "200 OK".into(),
            manual: false,
            format: Format::Json,
            request: SentRequest {
                method: "POST".into(),
                url: "https://example.com/hook".into(),
                headers: vec![("webhook-id".into(), "evt_1".into())],
            },
            request_body: None,
            response: Some(ReceivedResponse {
                status: 200,
                headers: vec![("content-type".into(), "text/plain".into())],
                body: "ok".into(),
                truncated: false,
            }),
            timings: None,
        }
    }

    /// The outcome of an attempt.
    pub fn outcome(&self, delivery: DeliveryId, verdict: Verdict, when: Timestamp) -> Outcome {
        Outcome { delivery_id: delivery, attempt: Some(self.attempt(1)), verdict, at: when }
    }

    /// Records an outcome with an attempt.
    pub async fn record(&self, delivery: DeliveryId, verdict: Verdict, when: Timestamp) -> Recorded {
        self.storage.record_outcome(&self.outcome(delivery, verdict, when)).await.unwrap()
    }

    /// The delivery as stored.
    pub async fn stored(&self, delivery: DeliveryId) -> DeliveryRecord {
        self.storage.delivery(self.project, delivery).await.unwrap().unwrap().0
    }

    /// Its status.
    pub async fn status(&self, delivery: DeliveryId) -> DeliveryStatus {
        self.stored(delivery).await.status
    }
}

/// An instant, in seconds after the start.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// `seconds` after an instant.
pub fn after(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// A first page of this size.
pub fn first(limit: u32) -> PageRequest {
    PageRequest { after: None, limit }
}

/// An idempotency key; `content` stands for the event's content.
pub fn idempotency(key: &str, content: u8) -> Option<Idempotency> {
    Some(Idempotency { key: key.into(), fingerprint: [content; 32] })
}

/// All items of a list, read in pages of this size.
pub async fn all<T>(limit: u32, read: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut items, mut page) = (Vec::new(), first(limit));
    loop {
        let part = read(page).await;
        assert!(part.items.len() <= limit as usize, "a page holds at most its limit");
        items.extend(part.items);
        match part.next {
            Some(next) => page.after = Some(next),
            None => return items,
        }
    }
}
