//! Who works when. Each endpoint has a queue of its own with at most a set number of workers, so that a dead or slow
//! endpoint holds nobody but itself; workers are started when there is work and go when there is none.

use super::queue::{Next, Queue};
use super::{Job, outcome::Step};
use crate::Engine;
use crate::endpoints::Endpoint;
use jiff::Timestamp;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::ids::{DeliveryId, EndpointId};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Deliveries read from the table at a time at most.
const REFILL: usize = 128;
/// Payload bytes of all jobs in memory, roughly; beyond it deliveries wait in the table, and each endpoint is given one
/// at a time.
const MAX_WEIGHT: usize = 32 << 20;
/// What a delivery is taken to weigh before any has been seen: the most that one with the greatest event does.
const LIKELY_WEIGHT: usize = 2 << 20;
/// How long after a failed refill the table is read again.
const REFILL_PAUSE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(crate) struct Dispatcher {
    queues: RwLock<HashMap<EndpointId, Arc<Mutex<Queue>>>>,
    /// When to look into the table, by time; at most one entry per endpoint matters, later ones are harmless.
    alarms: Mutex<BTreeSet<(Timestamp, EndpointId)>>,
    alarm_changed: Notify,
    weight: AtomicUsize,
    /// What the heaviest delivery seen lately weighs; sinks with each reading of the table. 0 before the first.
    likely_weight: AtomicUsize,
    /// Attempts under way.
    running: AtomicUsize,
    idle: Notify,
    stopping: AtomicBool,
}

impl Dispatcher {
    fn queue(&self, endpoint: EndpointId) -> Arc<Mutex<Queue>> {
        if let Some(queue) = self.queues.read().get(&endpoint) {
            return queue.clone();
        }
        self.queues.write().entry(endpoint).or_default().clone()
    }

    /// Reserves memory for a new delivery of an endpoint.
    pub fn reserve(&self, endpoint: EndpointId, delivery: DeliveryId, now: Timestamp) -> bool {
        self.has_room() && self.queue(endpoint).lock().reserve(delivery, now)
    }

    fn has_room(&self) -> bool {
        self.weight.load(Ordering::Relaxed) < MAX_WEIGHT
    }

    /// Takes notice of the heaviest delivery that a reading of the table brought.
    fn note_read(&self, heaviest: Option<usize>) {
        let before = self.likely_weight.load(Ordering::Relaxed);
        let sunk = (before - before / 8).max(heaviest.unwrap_or(0));
        self.likely_weight.store(sunk, Ordering::Relaxed);
    }

    /// How many deliveries to read so that they fit, going by the heaviest seen lately; never none.
    fn refill_size(&self) -> u32 {
        let free = MAX_WEIGHT.saturating_sub(self.weight.load(Ordering::Relaxed));
        let each = match self.likely_weight.load(Ordering::Relaxed) {
            0 => LIKELY_WEIGHT,
            known => known,
        };
        // Several endpoints may read at once: none takes more than a quarter of what is free.
        u32::try_from((free / 4 / each).clamp(1, REFILL)).unwrap_or(1)
    }

    /// Takes over jobs whose deliveries are durable now.
    pub fn start(&self, engine: &Engine, jobs: Vec<(Arc<Endpoint>, Job)>, held: &[DeliveryId]) {
        for (endpoint, job) in jobs {
            let id = endpoint.record.id;
            let queue = self.queue(id);
            self.likely_weight.fetch_max(job.event.weight(), Ordering::Relaxed);
            if job.reserved {
                let (weight, is_held) = (job.event.weight(), held.contains(&job.id));
                self.weight.fetch_add(weight, Ordering::Relaxed);
                if !queue.lock().put_reserved(job, is_held) {
                    self.weight.fetch_sub(weight, Ordering::Relaxed);
                }
            } else if !held.contains(&job.id) {
                queue.lock().note_due(job.event.accepted_at);
            }
            self.recruit(engine, id, &queue);
        }
    }

    /// Gives reserved memory back when nothing was stored.
    pub fn drop_claims(&self, jobs: Vec<(Arc<Endpoint>, Job)>) {
        for (endpoint, job) in jobs {
            if job.reserved {
                self.queue(endpoint.record.id).lock().cancel_reservation(job.id);
            }
        }
    }

    /// The table has something due for an endpoint at this time.
    pub fn note_due(&self, endpoint: EndpointId, due: Timestamp) {
        self.queue(endpoint).lock().note_due(due);
        self.set_alarm(endpoint, due);
    }

    fn set_alarm(&self, endpoint: EndpointId, due: Timestamp) {
        let mut alarms = self.alarms.lock();
        alarms.insert((due, endpoint));
        if alarms.first() == Some(&(due, endpoint)) {
            self.alarm_changed.notify_one();
        }
    }

    /// Lets go of what was held: the endpoint's ordering was switched off, in the table, too.
    pub fn promote_all(&self, endpoint: EndpointId, now: Timestamp) {
        let queue = self.queue(endpoint);
        let mut queue = queue.lock();
        queue.promote_all();
        queue.note_due(now);
    }

    /// Drops what is in memory for a deleted endpoint.
    pub fn forget(&self, endpoint: EndpointId) {
        let weight = self.queue(endpoint).lock().forget();
        self.weight.fetch_sub(weight, Ordering::Relaxed);
    }

    fn recruit(&self, engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>) {
        if !engine.may_attempt(endpoint) || self.stopping.load(Ordering::Relaxed) {
            return;
        }
        let (now, room) = (engine.clock.now(), self.has_room());
        let wanted = queue.lock().recruit(now, engine.settings.endpoint_concurrency, room);
        for _ in 0..wanted {
            let (engine, queue) = (engine.clone(), queue.clone());
            tokio::spawn(async move { work(engine, endpoint, queue).await });
        }
    }

    /// Waits until no attempt is under way, or the time is up.
    pub async fn drain(&self, most: Duration) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = tokio::time::timeout(most, async {
            while self.running.load(Ordering::SeqCst) > 0 {
                let idle = self.idle.notified();
                if self.running.load(Ordering::SeqCst) == 0 {
                    break;
                }
                idle.await;
            }
        })
        .await;
    }

    fn pop_alarms(&self, now: Timestamp) -> (Vec<EndpointId>, Option<Timestamp>) {
        let mut alarms = self.alarms.lock();
        let mut due = Vec::new();
        while let Some(&(at, endpoint)) = alarms.first() {
            if at > now {
                return (due, Some(at));
            }
            alarms.pop_first();
            due.push(endpoint);
        }
        (due, None)
    }
}

impl Engine {
    /// Whether an attempt to this endpoint may start now.
    fn may_attempt(&self, endpoint: EndpointId) -> bool {
        let active = self.snapshot.load().endpoints.get(&endpoint).map(|e| e.record.status);
        active == Some(EndpointStatus::Active) && self.writable()
    }

    /// Starts workers for an endpoint if there is work, such as after it was resumed.
    pub(crate) fn look_for_due(&self, endpoint: EndpointId) {
        let queue = self.dispatcher.queue(endpoint);
        self.dispatcher.recruit(self, endpoint, &queue);
    }

    /// Starts workers for every endpoint with work, such as when the disk has room again.
    pub(crate) fn look_everywhere(&self) {
        let endpoints: Vec<_> = self.dispatcher.queues.read().keys().copied().collect();
        for endpoint in endpoints {
            self.look_for_due(endpoint);
        }
    }

    /// Finds out, at start, when each endpoint has something due.
    pub(crate) async fn resume_deliveries(&self) -> crate::errors::Result<()> {
        let endpoints: Vec<_> = self.snapshot.load().endpoints.keys().copied().collect();
        for endpoint in endpoints {
            if let Some(due) = self.storage.claim_due(endpoint, self.clock.now(), 0).await?.next_due {
                self.dispatcher.note_due(endpoint, due);
            }
        }
        Ok(())
    }

    /// Wakes endpoints when their next delivery is due; runs until the process stops.
    pub(crate) async fn run_alarms(&self) {
        loop {
            let changed = self.dispatcher.alarm_changed.notified();
            let (due, next) = self.dispatcher.pop_alarms(self.clock.now());
            for endpoint in due {
                self.look_for_due(endpoint);
            }
            // A clock that jumps must not stall retries: look at least once a second.
            let pause = next.map_or(Duration::from_secs(1), |at| until(self.clock.now(), at));
            let _ = tokio::time::timeout(pause.min(Duration::from_secs(1)), changed).await;
        }
    }
}

/// One worker of one endpoint.
async fn work(engine: Engine, endpoint: EndpointId, queue: Arc<Mutex<Queue>>) {
    let dispatcher = &engine.dispatcher;
    loop {
        let may_start = engine.may_attempt(endpoint) && !dispatcher.stopping.load(Ordering::Relaxed);
        let next = queue.lock().next(engine.clock.now(), may_start, dispatcher.has_room());
        match next {
            Next::Work(job) => {
                dispatcher.running.fetch_add(1, Ordering::SeqCst);
                let weight = job.event.weight();
                let step = engine.attempt_and_record(endpoint, *job).await;
                dispatcher.weight.fetch_sub(weight, Ordering::Relaxed);
                if dispatcher.running.fetch_sub(1, Ordering::SeqCst) == 1 {
                    dispatcher.idle.notify_waiters();
                }
                queue.lock().done();
                take_step(&engine, endpoint, &queue, step);
                // What waited for room in memory may go on now.
                dispatcher.recruit(&engine, endpoint, &queue);
            }
            Next::Refill => refill(&engine, endpoint, &queue).await,
            Next::Rest => return,
        }
    }
}

fn take_step(engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>, step: Step) {
    if let Some(due) = step.due {
        engine.dispatcher.note_due(endpoint, due);
    }
    if let Some(promoted) = step.promoted {
        if !queue.lock().promote(promoted) {
            engine.dispatcher.note_due(endpoint, engine.clock.now());
        }
        engine.dispatcher.recruit(engine, endpoint, queue);
    }
}

async fn refill(engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>) {
    let now = engine.clock.now();
    match engine.storage.claim_due(endpoint, now, engine.dispatcher.refill_size()).await {
        Ok(claimed) => {
            let jobs: Vec<_> = claimed.items.into_iter().map(Job::from_table).collect();
            let weight: usize = jobs.iter().map(|j| j.event.weight()).sum();
            engine.dispatcher.weight.fetch_add(weight, Ordering::Relaxed);
            engine.dispatcher.note_read(jobs.iter().map(|j| j.event.weight()).max());
            let next = queue.lock().refilled(jobs, claimed.next_due);
            if let Some(due) = next {
                engine.dispatcher.set_alarm(endpoint, due);
            }
            engine.dispatcher.recruit(engine, endpoint, queue);
        }
        Err(error) => {
            tracing::warn!(%endpoint, %error, "due deliveries could not be read; trying again");
            let again = now + REFILL_PAUSE;
            queue.lock().refill_failed(again);
            engine.dispatcher.set_alarm(endpoint, again);
        }
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
