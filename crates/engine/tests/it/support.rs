//! A world whose clock is turned by the test and whose services answer by script.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use kanca_domain::attempts::Timings;
use kanca_domain::events::EventData;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, ProjectId};
use kanca_engine::endpoints::{Endpoint, EndpointPatch, NewEndpoint, OptionsInput};
use kanca_engine::events::{Publication, Published};
use kanca_engine::ports::{
    ClientIdentity, Clock, IncomingResponse, InvalidIdentity, OutgoingRequest, Random, SendFailure, SendFailureKind,
    Sender, Sent,
};
use kanca_engine::settings::Settings;
use kanca_engine::storage::PageRequest;
use kanca_engine::storage::deliveries::{DeliveryFilter, DeliveryRecord};
use kanca_engine::{Engine, Parts};
use kanca_storage_sqlite::SqliteStorage;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Milliseconds since 1970, and milliseconds that passed.
pub struct TestClock(AtomicI64, AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn running(&self) -> Duration {
        Duration::from_millis(self.1.load(Ordering::SeqCst))
    }
}

/// A different number each time, the same in every run.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst) | 1;
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
    }
}

/// What every exchange of these stories took.
pub const TIMINGS: Timings = Timings {
    dns_us: Some(100),
    connect_us: Some(200),
    tls_us: None,
    first_byte_us: Some(300),
    total_us: 700,
    reused: false,
    remote: None,
};

type Answer = Box<dyn FnMut(&OutgoingRequest) -> Result<IncomingResponse, SendFailure> + Send>;

/// Somebody else's service.
pub struct Service {
    clock: Arc<TestClock>,
    answer: Mutex<Answer>,
    pub seen: Mutex<Vec<(Timestamp, OutgoingRequest)>>,
}

#[async_trait]
impl Sender for Service {
    fn read_identity(&self, certificate_pem: &str, private_key_pem: &str) -> Result<ClientIdentity, InvalidIdentity> {
        let Some(year) = certificate_pem.strip_prefix("until ") else {
            return Err(InvalidIdentity { field: "certificate_pem", problem: "this is no certificate at all".into() });
        };
        Ok(ClientIdentity {
            id: [7; 32],
            certificate_pem: certificate_pem.into(),
            private_key_pem: private_key_pem.into(),
            subject: "CN=kanca".into(),
            not_after: format!("{year}-01-01T00:00:00Z").parse().unwrap(),
        })
    }

    async fn send(&self, request: OutgoingRequest) -> Sent {
        self.seen.lock().push((self.clock.now(), request.clone()));
        let result = (self.answer.lock())(&request);
        Sent { headers: request.headers, result, timings: TIMINGS }
    }
}

pub fn status(status: u16) -> Result<IncomingResponse, SendFailure> {
    answer(status, "")
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a service's script gives, as `refused` is")]
pub fn answer(status: u16, body: &str) -> Result<IncomingResponse, SendFailure> {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Ok(IncomingResponse { status, headers, body: body.to_owned().into(), truncated: false })
}

pub fn refused() -> Result<IncomingResponse, SendFailure> {
    Err(SendFailure { kind: SendFailureKind::Refused, detail: "203.0.113.1:80".into() })
}

pub struct World {
    pub engine: Engine,
    pub service: Arc<Service>,
    pub clock: Arc<TestClock>,
    random: Arc<Counting>,
    dir: Arc<TempDir>,
    settings: Settings,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::new("http://kanca.test")).await
    }

    pub async fn with(settings: Settings) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000), AtomicU64::new(0)));
        let service =
            Service { clock: clock.clone(), answer: Mutex::new(Box::new(|_| status(200))), seen: Mutex::default() };
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let world = Self::start(clock, Arc::new(service), Arc::default(), dir, settings).await;
        // The demo's webhook would get every conversation, too.
        for demo in world.engine.endpoints(world.project()) {
            world.engine.delete_endpoint(world.project(), demo.record.id).await.unwrap();
        }
        world
    }

    async fn start(
        clock: Arc<TestClock>,
        service: Arc<Service>,
        random: Arc<Counting>,
        dir: Arc<TempDir>,
        settings: Settings,
    ) -> Self {
        let engine = Engine::start(Parts {
            storage: Arc::new(SqliteStorage::open(dir.path()).unwrap()),
            sender: service.clone(),
            clock: clock.clone(),
            random: random.clone(),
            sealing_key: [7; 32],
            automation_key: None,
            look_at_space: Box::new(|| None),
            settings: settings.clone(),
        });
        Self { engine: engine.await.unwrap(), service, clock, random, dir, settings }
    }

    /// Stops the process in order and starts it again on the same data.
    pub async fn restart(self) -> Self {
        self.restart_with_clock_set_by(SignedDuration::ZERO).await
    }

    /// The same; somebody sets the clock while nothing runs.
    pub async fn restart_with_clock_set_by(self, by: SignedDuration) -> Self {
        self.engine.drain(Duration::from_secs(1)).await;
        self.engine.close().await;
        self.set_clock(self.clock.now() + by);
        let Self { service, clock, random, dir, settings, .. } = self;
        Self::start(clock, service, random, dir, settings).await
    }

    pub fn project(&self) -> ProjectId {
        self.engine.default_project()
    }

    pub fn service_answers(
        &self,
        answer: impl FnMut(&OutgoingRequest) -> Result<IncomingResponse, SendFailure> + Send + 'static,
    ) {
        *self.service.answer.lock() = Box::new(answer);
    }

    pub fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.clock.1.fetch_add(millis.unsigned_abs(), Ordering::SeqCst);
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Time passes until the clock says so.
    pub fn turn_clock_to(&self, at: Timestamp) {
        let passes = at.as_millisecond() + 1 - self.clock.now().as_millisecond();
        self.pass(Duration::from_millis(passes.try_into().expect("time does not go back")));
    }

    /// Somebody sets the clock.
    pub fn set_clock(&self, at: Timestamp) {
        self.clock.0.store(at.as_millisecond(), Ordering::SeqCst);
    }

    pub async fn endpoint(&self, name: &str, types: &[&str]) -> Arc<Endpoint> {
        let new = NewEndpoint {
            name: name.into(),
            url: format!("https://{name}.example/hook"),
            event_types: Some(types.iter().map(ToString::to_string).collect()),
            ..NewEndpoint::default()
        };
        self.engine.create_endpoint(self.project(), new).await.unwrap().0
    }

    /// Lets an endpoint fail for as long as it likes.
    pub async fn never_disable(&self, endpoint: EndpointId) {
        let options = OptionsInput { disable_after_seconds: Some(Some(0)), ..OptionsInput::default() };
        let patch = EndpointPatch { options, ..EndpointPatch::default() };
        self.engine.patch_endpoint(self.project(), endpoint, patch).await.unwrap();
    }

    pub async fn publish(&self, event_type: &str, ordering_key: Option<&str>) -> EventId {
        let publication = Publication {
            event_type: event_type.parse().unwrap(),
            data: EventData::parse(br#"{"n":1}"#).unwrap(),
            timestamp: None,
            ordering_key: ordering_key.map(|k| k.parse().unwrap()),
            idempotency_key: None,
            hops: 0,
        };
        match self.engine.publish(self.project(), publication).await.unwrap() {
            Published::New(id) | Published::Repeated(id) => id,
        }
    }

    pub async fn delivery_of(&self, event: EventId) -> DeliveryRecord {
        let filter = DeliveryFilter { event_id: Some(event), ..DeliveryFilter::default() };
        let page = PageRequest { after: None, limit: 10 };
        self.engine.deliveries(self.project(), filter, page).await.unwrap().items.pop().unwrap()
    }

    pub async fn delivery(&self, id: DeliveryId) -> DeliveryRecord {
        self.engine.delivery(self.project(), id).await.unwrap().delivery
    }

    /// How often the service was asked for an event.
    pub fn asked_for(&self, event: EventId) -> usize {
        let id = event.to_string();
        let seen = self.service.seen.lock();
        seen.iter().filter(|(_, r)| r.headers.iter().any(|(n, v)| n == "webhook-id" && *v == id)).count()
    }
}

/// Waits until something holds; the condition is looked at again and again, nothing is slept for luck.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(std::time::Instant::now() < deadline, "still not so after 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub fn near(expected: SignedDuration, actual: SignedDuration) -> bool {
    let off = (actual.as_secs_f64() - expected.as_secs_f64()).abs();
    off <= expected.as_secs_f64() * 0.1 + 0.01
}
