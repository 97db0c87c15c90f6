//! What is in memory for one endpoint: jobs that may start, jobs held behind another of their key, the endpoint's pace,
//! and when to look into the table again. A plain state machine under a lock; nothing here waits.

use super::Job;
use super::shares::Allowance;
use jiff::Timestamp;
use kanca_domain::endpoints::options::RateLimit;
use kanca_domain::ids::DeliveryId;
use kanca_domain::pace::{Admission, Pace, Signal};
pub(super) use kanca_storage::endpoints::Outage;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Jobs of one endpoint kept in memory at most; what does not fit waits in the table.
const MAX_JOBS: usize = 16_384;
/// So many rounds of attempts are read from the table at a time; where the pace says what goes out soon, no more of them
/// stay in memory.
const ROUNDS: usize = 4;
/// Jobs held behind another stay in memory as long as there are no more of them, and the endpoint has no more bytes.
const MOST_HELD: usize = 1_024;
const MUCH: usize = 4 << 20;

/// What a worker does next.
pub(super) enum Next {
    Work(Box<Job>),
    /// Read due deliveries from the table, at most so many.
    Refill(usize),
    /// Nothing to do; the worker is counted out.
    Rest,
    /// There is work, but not before this instant; the worker is counted out.
    RestUntil(Timestamp),
}

/// What the user and the installation allow an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Attempts at a time at most.
    pub most: u32,
    pub rate: Option<RateLimit>,
}

/// A delivery for which memory is wanted.
pub(crate) struct Asked {
    pub id: DeliveryId,
    /// What [`Job::weight`] will be.
    pub weight: usize,
    /// Whether a conversation waits for it.
    pub waited_for: bool,
    /// What the endpoint allows.
    pub rate: Option<RateLimit>,
}

/// Attempts at a time that somebody waits for, beyond those of the pace.
const URGENT: usize = 64;
/// Outcomes that are not written down yet; with so many no new attempt starts.
const UNRECORDED: usize = 256;

#[derive(Default)]
pub(super) struct Queue {
    /// Jobs that somebody waits for, a conversation or a person: the pace does not hold them up.
    urgent: VecDeque<Job>,
    ready: VecDeque<Job>,
    pub pace: Pace,
    /// How long Kanca had run when the endpoint began to do nothing but fail.
    failing_from: Option<Duration>,
    held: HashMap<DeliveryId, Job>,
    /// Bytes that all of these, the reserved ones and those under way take.
    weight: usize,
    /// Places given out for jobs whose commit is under way, and whether the job was promoted before it came: who stores
    /// it may hear of the commit later than who ends the delivery before it.
    reserved: HashMap<DeliveryId, bool>,
    workers: usize,
    /// Workers in the middle of something, who are not there for the next job.
    busy: usize,
    /// Those of them in the middle of an attempt.
    attempts: usize,
    refilling: bool,
    /// When the table has something due that is not in memory; at or before now = there is a backlog.
    next_due: Option<Timestamp>,
    /// Due times noted while a refill was under way.
    noted: Option<Timestamp>,
    /// The endpoint is gone; jobs are dropped.
    forgotten: bool,
}

impl Queue {
    /// Takes a place in memory for a new delivery, unless there is none, older ones wait in the table (which a new one must
    /// not overtake) or it would not be sent soon. What a conversation waits for stands behind nothing of this.
    pub fn reserve(&mut self, asked: &Asked, memory: Allowance, now: Timestamp) -> bool {
        let behind = self.refilling || self.next_due.is_some_and(|due| due <= now);
        let is_soon = self.pace.soon(now, asked.rate).is_none_or(|soon| self.len() < size(soon) * ROUNDS);
        let fits = memory.fits(self.weight + asked.weight) && !behind && is_soon;
        let goes_first = asked.waited_for && self.urgent.len() + self.reserved.len() < URGENT;
        let granted = (fits || goes_first) && !self.is_full() && !self.forgotten;
        if granted {
            self.reserved.insert(asked.id, false);
            self.weight += asked.weight;
        }
        granted
    }

    /// Whether no more jobs find a place in memory.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_JOBS
    }

    fn len(&self) -> usize {
        self.urgent.len() + self.ready.len() + self.held.len() + self.reserved.len()
    }

    /// Gives a reserved place back without its job.
    pub fn cancel_reservation(&mut self, job: &Job) {
        if self.reserved.remove(&job.id).is_some() {
            self.lighten(job.weight());
        }
    }

    /// Puts a job in whose place was reserved; `false` when the endpoint is gone meanwhile, and the job with it.
    pub fn put_reserved(&mut self, job: Job, held: bool) -> bool {
        let promoted = self.reserved.remove(&job.id).unwrap_or(false);
        if self.forgotten {
            return false;
        }
        if held && !promoted {
            self.held.insert(job.id, job);
        } else {
            self.line_up(job);
        }
        true
    }

    /// A job that somebody waits for, and that memory was not reserved for, may start; `false` when the endpoint is gone.
    pub fn put_urgent(&mut self, job: Job) -> bool {
        if !self.forgotten {
            self.weight += job.weight();
            self.urgent.push_back(job);
        }
        !self.forgotten
    }

    /// Somebody waits for this job, if it is in memory and may start.
    pub fn hasten(&mut self, id: DeliveryId) {
        if let Some(at) = self.ready.iter().position(|job| job.id == id) {
            self.urgent.extend(self.ready.remove(at));
        }
    }

    fn line_up(&mut self, job: Job) {
        if job.manual || job.waiter.is_some() {
            self.urgent.push_back(job);
        } else {
            self.ready.push_back(job);
        }
    }

    /// The job held under this id may start; `false` when it is neither in memory nor about to be.
    pub fn promote(&mut self, id: DeliveryId) -> bool {
        if let Some(promoted) = self.reserved.get_mut(&id) {
            *promoted = true;
            return true;
        }
        let job = self.held.remove(&id);
        let found = job.is_some();
        self.ready.extend(job);
        found
    }

    /// All held jobs may start, those on their way too: the endpoint's ordering was switched off.
    pub fn promote_all(&mut self) {
        self.reserved.values_mut().for_each(|promoted| *promoted = true);
        self.ready.extend(self.held.drain().map(|(_, job)| job));
    }

    /// When the table is known to have something due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due
    }

    /// The table has something due at this time. Says whether that is earlier than what was known.
    pub fn note_due(&mut self, due: Timestamp) -> bool {
        let is_earlier = self.next_due.is_none_or(|known| due < known);
        self.next_due = earliest(self.next_due, Some(due));
        if self.refilling {
            self.noted = earliest(self.noted, Some(due));
        }
        is_earlier
    }

    /// The receiver is asked in another way from now on, or `is_another`.
    pub fn start_afresh(&mut self, is_another: bool) {
        self.pace.start_afresh(is_another);
        self.failing_from = None;
    }

    /// Goes on with an outage from before a restart.
    pub fn remember_outage(&mut self, outage: Outage) {
        self.pace = Pace::failing_since(outage.since);
        self.failing_from = Some(outage.running);
    }

    /// Since when there were failures only; `running` tells how long Kanca has run by now.
    pub fn outage(&mut self, running: impl FnOnce() -> Duration) -> Option<Outage> {
        let Some(since) = self.pace.outage_began() else {
            self.failing_from = None;
            return None;
        };
        Some(Outage { since, running: *self.failing_from.get_or_insert_with(running) })
    }

    /// How many workers should be started now; they are counted in.
    pub fn recruit(&mut self, now: Timestamp, terms: Terms, memory: impl FnOnce() -> Allowance) -> usize {
        if self.unrecorded() >= UNRECORDED {
            return 0;
        }
        let refill = usize::from(self.refill_due(now, terms, memory));
        let limit = size(self.pace.limit(terms.most));
        let paced = self.ready.len().min(limit.saturating_sub(self.attempts));
        let free = self.workers - self.busy;
        let most = size(terms.most) + self.urgent.len().min(URGENT) + self.unrecorded();
        let work = self.urgent.len() + paced + refill;
        let wanted = work.saturating_sub(free).min(most.saturating_sub(self.workers));
        self.workers += wanted;
        wanted
    }

    /// Attempts that have their answer, which is being written down.
    fn unrecorded(&self) -> usize {
        self.busy - self.attempts - usize::from(self.refilling)
    }

    /// What the calling worker does next; without terms nothing may start.
    pub fn next(&mut self, now: Timestamp, terms: Option<Terms>, memory: impl FnOnce() -> Allowance) -> Next {
        if let Some(terms) = terms.filter(|_| !self.forgotten && self.unrecorded() < UNRECORDED) {
            if let Some(job) = self.urgent.pop_front() {
                self.pace.count(now, terms.rate);
                return self.work(job);
            }
            if self.refill_due(now, terms, memory) {
                self.refilling = true;
                self.noted = None;
                self.busy += 1;
                return Next::Refill(self.round(now, terms) * ROUNDS - self.ready.len());
            }
            if !self.ready.is_empty() {
                let under_way = u32::try_from(self.attempts).unwrap_or(u32::MAX);
                match self.pace.admit(now, under_way, terms.most, terms.rate) {
                    Admission::Go => {
                        if let Some(job) = self.ready.pop_front() {
                            return self.work(job);
                        }
                    }
                    Admission::At(at) => {
                        self.workers -= 1;
                        return Next::RestUntil(at);
                    }
                    Admission::AfterOthers => {}
                }
            }
        }
        self.workers -= 1;
        Next::Rest
    }

    fn work(&mut self, job: Job) -> Next {
        self.busy += 1;
        self.attempts += 1;
        Next::Work(Box::new(job))
    }

    /// An attempt has its answer, which changes the pace; the worker is busy until that is written down.
    pub fn answered(&mut self, now: Timestamp, signal: Signal, terms: Option<Terms>) {
        self.attempts -= 1;
        self.pace.ended(now, signal, terms.map_or(u32::MAX, |terms| terms.most));
    }

    /// A worker is done with its job, which had this weight, and will ask for the next.
    pub fn done(&mut self, weight: usize) {
        self.busy -= 1;
        self.lighten(weight);
    }

    fn lighten(&mut self, by: usize) {
        // Of a forgotten endpoint nothing counts any more.
        self.weight = self.weight.saturating_sub(by);
    }

    /// How many attempts are made at a time, or within about a second where that is less.
    fn round(&self, now: Timestamp, terms: Terms) -> usize {
        let limit = self.pace.limit(terms.most);
        size(self.pace.soon(now, terms.rate).map_or(limit, |soon| soon.min(limit)))
    }

    /// Whether the table is to be read: before the last ones that are ready have left, so that nobody waits for it.
    /// Without room in memory an endpoint that has nothing under way still gets its next delivery, so that the backlogs
    /// of others do not stop it.
    fn refill_due(&self, now: Timestamp, terms: Terms, memory: impl FnOnce() -> Allowance) -> bool {
        if self.refilling || self.next_due.is_none_or(|due| due > now) {
            return false;
        }
        if memory().fits(self.weight) {
            self.ready.len() < self.round(now, terms)
        } else {
            self.ready.is_empty() && self.busy == 0
        }
    }

    /// Takes out what is not sent soon, to wait in the table, where it takes no memory from others: everything where
    /// nothing is sent (no `terms`), all but a few where the pace says how little is. What is held behind another is not
    /// sent soon then, either, nor where there is much of it.
    pub fn shed(&mut self, now: Timestamp, terms: Option<Terms>) -> Vec<Job> {
        let soon = terms.map_or(Some(0), |terms| self.pace.soon(now, terms.rate));
        let kept = soon.map_or(usize::MAX, |soon| size(soon) * ROUNDS);
        let holds_much = self.held.len() > MOST_HELD || !self.held.is_empty() && self.weight > MUCH;
        if self.ready.len() + self.held.len() <= kept && !holds_much {
            return Vec::new();
        }
        let of_ready = self.ready.drain(kept.min(self.ready.len())..);
        let shed: Vec<_> = of_ready.chain(self.held.drain().map(|(_, job)| job)).collect();
        self.lighten(shed.iter().map(Job::weight).sum());
        self.note_due(now);
        shed
    }

    /// Takes what a refill found. Returns when to look again, if that is known, and what is to be put back because the
    /// endpoint is gone.
    pub fn refilled(&mut self, jobs: Vec<Job>, next_due: Option<Timestamp>) -> (Option<Timestamp>, Vec<Job>) {
        self.refilling = false;
        self.busy -= 1;
        if self.forgotten {
            return (None, jobs);
        }
        self.next_due = earliest(next_due, self.noted.take());
        for job in jobs {
            self.weight += job.weight();
            self.line_up(job);
        }
        (self.next_due, Vec::new())
    }

    /// A refill failed; it is tried again at `due`.
    pub fn refill_failed(&mut self, due: Timestamp) {
        self.refilling = false;
        self.busy -= 1;
        self.next_due = Some(due);
    }

    /// Drops everything because the endpoint is gone; returns how many were in memory.
    pub fn forget(&mut self) -> usize {
        self.forgotten = true;
        (self.next_due, self.weight) = (None, 0);
        self.reserved.clear();
        let dropped = self.urgent.drain(..).chain(self.ready.drain(..)).chain(self.held.drain().map(|(_, job)| job));
        dropped.count()
    }

    #[cfg(test)]
    fn workers(&self) -> usize {
        self.workers
    }
}

fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
