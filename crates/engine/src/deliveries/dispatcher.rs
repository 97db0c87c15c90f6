//! Who works when. Each endpoint has a queue of its own with a pace of its own, so that a dead or slow endpoint holds
//! nobody but itself; workers are started when there is work and go when there is none. What all endpoints share,
//! memory and places for attempts, is divided among projects (`shares`).

use super::alarms::{Alarms, Awaited};
use super::bulk::Bulk;
use super::crew::{Crew, Task};
use super::queue::{Asked, Next, Outage, Queue, Terms};
use super::shares::{Allowance, JOB_WEIGHT, Room, Shares};
use super::{Job, outcome::Step};
use crate::Engine;
use crate::endpoints::Endpoint;
use jiff::Timestamp;
use kanca_domain::endpoints::options::RateLimit;
use kanca_domain::ids::{DeliveryId, EndpointId, ProjectId};
use kanca_domain::pace::Waiting;
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Deliveries read from the table at a time at most.
const REFILL: usize = 512;
/// What a delivery is taken to weigh before any has been seen: the most that one with the greatest event does.
const LIKELY_WEIGHT: usize = 2 << 20;
/// How long after a failed refill the table is read again.
const REFILL_PAUSE: Duration = Duration::from_millis(500);

/// How an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Since when there were failures only.
    pub failing_since: Option<Timestamp>,
    /// Why nothing goes to it now although it is active.
    pub waiting: Option<Waiting>,
}

#[derive(Default)]
pub(crate) struct Dispatcher {
    queues: RwLock<HashMap<EndpointId, Arc<Mutex<Queue>>>>,
    pub(super) alarms: Alarms,
    shares: Arc<Shares>,
    pub(super) bulk: Bulk,
    crew: Arc<Crew>,
    /// What the heaviest delivery seen lately weighs; sinks with each reading of the table. 0 before the first.
    likely_weight: AtomicUsize,
    /// Attempts under way.
    running: AtomicUsize,
    idle: Notify,
    stopping: AtomicBool,
    /// Endpoints whose outage is written down.
    pub(super) noted_outages: Mutex<HashSet<EndpointId>>,
    pub(super) outage_writes: tokio::sync::Mutex<()>,
}

impl Dispatcher {
    fn queue(&self, endpoint: EndpointId) -> Arc<Mutex<Queue>> {
        if let Some(queue) = self.queues.read().get(&endpoint) {
            return queue.clone();
        }
        self.queues.write().entry(endpoint).or_default().clone()
    }

    /// What a project may have in memory beside what it has.
    pub fn allowance(&self, project: ProjectId) -> Allowance {
        self.shares.allowance(project)
    }

    /// Reserves memory for a new delivery of an endpoint.
    pub fn reserve(&self, endpoint: &Endpoint, asked: &Asked, memory: Allowance, now: Timestamp) -> bool {
        endpoint.sends() && self.queue(endpoint.record.id).lock().reserve(asked, memory, now)
    }

    /// The memory of an event of so many bytes.
    pub fn room(&self, project: ProjectId, bytes: usize) -> Room {
        self.shares.room(project, bytes)
    }

    /// An endpoint's receiver is asked in another way from now on, or `is_another`.
    pub fn start_afresh(&self, endpoint: EndpointId, is_another: bool) {
        self.queue(endpoint).lock().start_afresh(is_another);
    }

    /// Goes on with an outage known from before a restart.
    pub fn remember_outage(&self, endpoint: EndpointId, outage: Outage) {
        self.queue(endpoint).lock().remember_outage(outage);
    }

    /// The outage of an endpoint, as it is now.
    pub fn outage(&self, endpoint: EndpointId, running: impl FnOnce() -> Duration) -> Option<Outage> {
        self.queue(endpoint).lock().outage(running)
    }

    /// Since when an endpoint only fails, and why nothing goes to it now although it is active.
    pub fn health(&self, endpoint: EndpointId, now: Timestamp, rate: Option<RateLimit>) -> Health {
        let queue = self.queue(endpoint);
        let queue = queue.lock();
        Health { failing_since: queue.pace.outage_began(), waiting: queue.pace.waiting(now, rate) }
    }

    /// Takes notice of the heaviest delivery that a reading of the table brought.
    fn note_read(&self, heaviest: Option<usize>) {
        let before = self.likely_weight.load(Ordering::Relaxed);
        let sunk = (before - before / 8).max(heaviest.unwrap_or(0));
        self.likely_weight.store(sunk, Ordering::Relaxed);
    }

    /// How many of `wanted` deliveries to read so that they fit, going by the heaviest seen lately; never none.
    fn refill_size(&self, wanted: usize) -> u32 {
        let each = match self.likely_weight.load(Ordering::Relaxed) {
            0 => LIKELY_WEIGHT,
            known => known,
        };
        u32::try_from((self.shares.readable() / each).min(wanted).clamp(1, REFILL)).unwrap_or(1)
    }

    /// Takes over jobs whose deliveries are durable now.
    pub fn start(&self, engine: &Engine, jobs: Vec<(Arc<Endpoint>, Job)>, held: &[DeliveryId]) {
        // They are all of one event.
        let reserved = jobs.iter().filter(|(_, job)| job.reserved).count();
        if let Some((_, job)) = jobs.first() {
            self.likely_weight.fetch_max(job.weight(), Ordering::Relaxed);
            self.shares.add_weight(job.event.project_id, reserved * JOB_WEIGHT);
        }
        for (endpoint, job) in jobs {
            let id = endpoint.record.id;
            let queue = self.queue(id);
            if job.reserved {
                let (project, is_held) = (job.event.project_id, held.contains(&job.id));
                if !queue.lock().put_reserved(job, is_held) {
                    self.shares.drop_weight(project, JOB_WEIGHT);
                }
            } else if !held.contains(&job.id) {
                if let Some(due) = job.later {
                    self.note_due(id, due);
                } else {
                    queue.lock().note_due(engine.plan.now());
                }
            }
            self.recruit(engine, id, &queue);
        }
    }

    /// Gives reserved memory back when nothing was stored.
    pub fn drop_claims(&self, jobs: Vec<(Arc<Endpoint>, Job)>) {
        for (endpoint, job) in jobs {
            if job.reserved {
                self.queue(endpoint.record.id).lock().cancel_reservation(&job);
            }
        }
    }

    /// The table has something due for an endpoint at this time.
    pub fn note_due(&self, endpoint: EndpointId, due: Timestamp) {
        // For what was known before there is an alarm; one for each of many retries would be a list of them in memory.
        if self.queue(endpoint).lock().note_due(due) {
            self.alarms.set((due, endpoint, None));
        }
    }

    /// Whatever the clock did since an endpoint's alarm went off, there is one for what is due next.
    pub(super) fn watch(&self, endpoint: EndpointId, now: Timestamp) {
        let next = self.queue(endpoint).lock().next_due();
        if let Some(due) = next.filter(|due| *due > now) {
            self.alarms.set((due, endpoint, None));
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
    pub fn forget(&self, project: ProjectId, endpoint: EndpointId) {
        let dropped = self.queue(endpoint).lock().forget();
        self.shares.drop_weight(project, dropped * JOB_WEIGHT);
    }

    fn recruit(&self, engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>) {
        let (now, terms) = (engine.plan.now(), engine.terms(endpoint));
        let (wanted, shed) = {
            let mut queue = queue.lock();
            let wanted =
                terms.map_or(0, |(project, terms)| queue.recruit(now, terms, || self.shares.allowance(project)));
            let is_quiet = || engine.snapshot.load().endpoints.get(&endpoint).is_some_and(|endpoint| !endpoint.sends());
            let shed = if terms.is_some() || is_quiet() { queue.shed(now, terms.map(|(_, t)| t)) } else { Vec::new() };
            (wanted, shed)
        };
        engine.put_back(endpoint, queue, &shed);
        for _ in 0..wanted {
            self.crew.take_on(Task { engine: engine.clone(), endpoint, queue: queue.clone() });
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
}

impl Engine {
    /// Whose the endpoint is and what it is allowed, if attempts may start at all now.
    fn terms(&self, endpoint: EndpointId) -> Option<(ProjectId, Terms)> {
        if !self.writable() || self.dispatcher.stopping.load(Ordering::Relaxed) {
            return None;
        }
        let snapshot = self.snapshot.load();
        let record = &snapshot.endpoints.get(&endpoint).filter(|e| e.sends())?.record;
        let usual = u32::try_from(self.settings.endpoint_concurrency).unwrap_or(u32::MAX);
        let most = record.options.max_concurrency.unwrap_or(usual);
        Some((record.project_id, Terms { most, rate: record.options.rate_in_force() }))
    }

    /// Since when an endpoint only fails, and why nothing goes to it now although it is active.
    pub fn endpoint_health(&self, endpoint: &Endpoint) -> Health {
        let rate = endpoint.record.options.rate_in_force();
        let Health { failing_since, waiting } = self.dispatcher.health(endpoint.record.id, self.plan.now(), rate);
        let shown = |at| self.plan.shown(at);
        let waiting = waiting.map(|waiting| match waiting {
            Waiting::Breaker(until) => Waiting::Breaker(until.map(shown)),
            Waiting::Held(until) => Waiting::Held(shown(until)),
            Waiting::Rate(until) => Waiting::Rate(shown(until)),
            Waiting::Handshake => Waiting::Handshake,
        });
        let waiting = match endpoint.record.status.sends() {
            true if endpoint.sends() => waiting,
            true => Some(Waiting::Handshake),
            false => None,
        };
        Health { failing_since: failing_since.map(shown), waiting }
    }

    /// Takes one delivery that somebody waits for and attempts it at once, past the endpoint's queue.
    /// Given how many `attempts` it had, only if there were no more meanwhile.
    pub(crate) async fn hurry(&self, endpoint: EndpointId, delivery: DeliveryId, attempts: Option<u32>) {
        let queue = self.dispatcher.queue(endpoint);
        let is_full = {
            let mut queue = queue.lock();
            queue.hasten(delivery);
            queue.is_full()
        };
        // What finds no place in memory takes its turn from the table.
        if is_full || self.terms(endpoint).is_none() {
            return self.look_for_due(endpoint);
        }
        match self.storage.claim(vec![delivery]).await {
            Ok(claimed) => {
                for due in claimed {
                    if attempts.is_some_and(|attempts| attempts != due.attempt_count) {
                        self.give_back(endpoint, &queue, vec![due.id]);
                        continue;
                    }
                    let job = Job::from_table(due, &self.dispatcher);
                    let project = job.event.project_id;
                    self.dispatcher.shares.add_weight(project, JOB_WEIGHT);
                    if !queue.lock().put_urgent(job) {
                        self.dispatcher.shares.drop_weight(project, JOB_WEIGHT);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%delivery, %error, "a delivery could not be taken at once; it takes its turn");
            }
        }
        self.look_for_due(endpoint);
    }

    /// Starts workers for an endpoint if there is work, such as after it was resumed.
    pub(crate) fn look_for_due(&self, endpoint: EndpointId) {
        let queue = self.dispatcher.queue(endpoint);
        self.dispatcher.recruit(self, endpoint, &queue);
    }

    /// Lets go of jobs in memory: they wait in the table.
    fn put_back(&self, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>, jobs: &[Job]) {
        let Some(project) = jobs.first().map(|job| job.event.project_id) else { return };
        self.dispatcher.shares.drop_weight(project, jobs.len() * JOB_WEIGHT);
        self.give_back(endpoint, queue, jobs.iter().map(|job| job.id).collect());
    }

    /// Lets go of claims, however long the disk takes for it, and looks into the table then.
    fn give_back(&self, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>, deliveries: Vec<DeliveryId>) {
        let queue = queue.clone();
        self.spawn(move |engine| async move {
            while let Err(error) = engine.storage.release(deliveries.clone()).await {
                if !error.is_about_the_disk() {
                    tracing::error!(%endpoint, %error, "deliveries could not be put back; they go on after a restart");
                    return;
                }
                tokio::time::sleep(REFILL_PAUSE).await;
            }
            queue.lock().note_due(engine.plan.now());
            engine.look_for_due(endpoint);
        });
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
        self.resume_outages().await?;
        let endpoints: Vec<_> = self.snapshot.load().endpoints.keys().copied().collect();
        for endpoint in endpoints {
            if let Some(due) = self.storage.claim_due(endpoint, self.plan.now(), 0).await?.next_due {
                self.dispatcher.note_due(endpoint, due);
            }
        }
        Ok(())
    }
}

/// One worker of one endpoint, until there is nothing to do for it.
pub(super) async fn work(Task { engine, endpoint, queue }: Task) {
    let dispatcher = &engine.dispatcher;
    loop {
        let (next, terms) = {
            let mut queue = queue.lock();
            // Asked under the lock: whoever allows attempts again counts this worker, or starts another.
            let (project, terms) = engine.terms(endpoint).unzip();
            let memory = || project.map(|project| dispatcher.shares.allowance(project)).unwrap_or_default();
            (queue.next(engine.plan.now(), terms, memory), terms)
        };
        match next {
            Next::Work(job) => {
                dispatcher.running.fetch_add(1, Ordering::SeqCst);
                let (project, delivery) = (job.event.project_id, job.id);
                let (weight, waited_for, attempts) = (job.weight(), job.waiter.is_some(), job.attempt_count + 1);
                let place = dispatcher.shares.take_place(project).await;
                let attempted = engine.attempt(endpoint, *job).await;
                drop(place);
                let (signal, hold) = attempted.as_ref().map_or_else(Default::default, |a| (a.signal, a.hold));
                let now = engine.plan.now();
                let outage = {
                    let mut queue = queue.lock();
                    queue.answered(now, signal, terms);
                    if let Some(wait) = hold {
                        queue.pace.hold(now, wait);
                    }
                    queue.outage(|| engine.plan.running())
                };
                engine.watch_outage(endpoint, outage);
                // The next one need not wait until this one is written down.
                dispatcher.recruit(&engine, endpoint, &queue);
                let step = match attempted {
                    Some(attempted) => engine.conclude(attempted).await,
                    None => Step::default(),
                };
                if dispatcher.running.fetch_sub(1, Ordering::SeqCst) == 1 {
                    dispatcher.idle.notify_waiters();
                }
                queue.lock().done(weight);
                if let Some(due) = step.due.filter(|_| waited_for) {
                    dispatcher.alarms.set((due, endpoint, Some(Awaited { delivery, attempts })));
                }
                take_step(&engine, endpoint, &queue, step);
            }
            Next::Refill(wanted) => refill(&engine, endpoint, &queue, wanted).await,
            Next::RestUntil(at) => return dispatcher.alarms.set((at, endpoint, None)),
            Next::Rest => return,
        }
    }
}

fn take_step(engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>, step: Step) {
    if let Some(due) = step.due {
        engine.dispatcher.note_due(endpoint, due);
    }
    if step.promoted.is_some_and(|promoted| !queue.lock().promote(promoted)) {
        engine.dispatcher.note_due(endpoint, engine.plan.now());
    }
}

async fn refill(engine: &Engine, endpoint: EndpointId, queue: &Arc<Mutex<Queue>>, wanted: usize) {
    let now = engine.plan.now();
    match engine.storage.claim_due(endpoint, now, engine.dispatcher.refill_size(wanted)).await {
        Ok(claimed) => {
            let jobs: Vec<_> = claimed.items.into_iter().map(|due| Job::from_table(due, &engine.dispatcher)).collect();
            for job in &jobs {
                engine.dispatcher.shares.add_weight(job.event.project_id, JOB_WEIGHT);
            }
            engine.dispatcher.note_read(jobs.iter().map(Job::weight).max());
            let (next, gone) = queue.lock().refilled(jobs, claimed.next_due);
            engine.put_back(endpoint, queue, &gone);
            if let Some(due) = next {
                engine.dispatcher.alarms.set((due, endpoint, None));
            }
            engine.dispatcher.recruit(engine, endpoint, queue);
        }
        Err(error) => {
            tracing::warn!(%endpoint, %error, "due deliveries could not be read; trying again");
            let again = now + REFILL_PAUSE;
            queue.lock().refill_failed(again);
            engine.dispatcher.alarms.set((again, endpoint, None));
        }
    }
}
