//! What all endpoints share, memory for payloads and places for attempts, and how it is divided among projects: while
//! there is plenty anybody may have it; when it gets scarce, nobody has more than an equal part.

use kanca_domain::ids::ProjectId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Payload bytes of all jobs in memory, roughly; beyond it deliveries wait in the table, and each endpoint is given one
/// at a time.
const MAX_WEIGHT: usize = 32 << 20;
/// The part of it that long queues leave free: however many endpoints are slow, one that keeps up finds room.
const KEPT_FREE: usize = MAX_WEIGHT / 4;
/// A queue with no more than that is not long.
const LITTLE: usize = 256 << 10;
/// Attempts under way in all. Each needs a socket and some buffers; endpoints that do not answer hold few of them,
/// because their pace shrinks.
const MAX_PLACES: usize = 4_096;

/// Bytes that a delivery which waits takes in memory beside its event, roughly.
pub(crate) const JOB_WEIGHT: usize = 256;

/// What may be taken of the memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowance {
    /// Whether anything.
    any: bool,
    /// Bytes that are free for long queues.
    free: usize,
}

impl Allowance {
    /// Whether a queue may have so many bytes in memory: none has more than twice of what is left for the others.
    pub fn fits(self, weight: usize) -> bool {
        self.any && (weight <= LITTLE || weight / 2 <= self.free)
    }

    #[cfg(test)]
    pub const PLENTY: Self = Self { any: true, free: usize::MAX };
}

/// What is in use.
#[derive(Default)]
pub(super) struct Shares {
    used: Mutex<Used>,
    freed: Notify,
}

#[derive(Default)]
struct Used {
    weight: usize,
    places: usize,
    projects: HashMap<ProjectId, Part>,
}

#[derive(Default, Clone, Copy)]
struct Part {
    weight: usize,
    places: usize,
}

impl Used {
    /// Whether one more fits: half is for whoever comes, the rest in equal parts, of which a last one is for those who
    /// have nothing yet.
    fn fits(&self, project: ProjectId, used: usize, most: usize, own: impl Fn(Part) -> usize) -> bool {
        if used >= most {
            return false;
        }
        let part = (most - most / 8) / self.projects.len().max(1);
        used < most / 2 || self.projects.get(&project).is_none_or(|used| own(*used) < part)
    }

    fn change(&mut self, project: ProjectId, change: impl FnOnce(&mut Part)) {
        let part = self.projects.entry(project).or_default();
        change(part);
        if part.weight == 0 && part.places == 0 {
            self.projects.remove(&project);
        }
    }
}

impl Shares {
    /// What a project may have in memory beside what it has.
    pub fn allowance(&self, project: ProjectId) -> Allowance {
        let used = self.used.lock();
        let any = used.fits(project, used.weight, MAX_WEIGHT, |part| part.weight);
        Allowance { any, free: MAX_WEIGHT.saturating_sub(used.weight + KEPT_FREE) }
    }

    /// Bytes that one endpoint may read from the table: several may read at once, so none takes more than a quarter of
    /// what is free.
    pub fn readable(&self) -> usize {
        let free = MAX_WEIGHT.saturating_sub(self.used.lock().weight);
        (free.saturating_sub(KEPT_FREE) / 4).max(free / 16)
    }

    /// A delivery came into memory.
    pub fn add_weight(&self, project: ProjectId, weight: usize) {
        let mut used = self.used.lock();
        used.weight += weight;
        used.change(project, |part| part.weight += weight);
    }

    /// Deliveries left memory.
    pub fn drop_weight(&self, project: ProjectId, weight: usize) {
        let mut used = self.used.lock();
        used.weight = used.weight.saturating_sub(weight);
        used.change(project, |part| part.weight = part.weight.saturating_sub(weight));
    }

    /// An event came into memory; it leaves when this is dropped.
    pub fn room(self: &Arc<Self>, project: ProjectId, bytes: usize) -> Room {
        self.add_weight(project, bytes);
        Room { shares: self.clone(), project, bytes }
    }

    /// Waits for a place for an attempt of a delivery, which is no longer one that waits in memory then.
    pub async fn take_place(&self, project: ProjectId) -> Place<'_> {
        loop {
            let freed = self.freed.notified();
            if self.try_place(project) {
                return Place { shares: self, project };
            }
            freed.await;
        }
    }

    fn try_place(&self, project: ProjectId) -> bool {
        let mut used = self.used.lock();
        let fits = used.fits(project, used.places, MAX_PLACES, |part| part.places);
        if fits {
            used.places += 1;
            used.weight = used.weight.saturating_sub(JOB_WEIGHT);
            used.change(project, |part| {
                part.places += 1;
                part.weight = part.weight.saturating_sub(JOB_WEIGHT);
            });
        }
        fits
    }
}

/// The memory that an event takes, given back when dropped.
pub(crate) struct Room {
    shares: Arc<Shares>,
    project: ProjectId,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shares.drop_weight(self.project, self.bytes);
    }
}

/// A place for an attempt, given back when dropped.
pub(super) struct Place<'a> {
    shares: &'a Shares,
    project: ProjectId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let scarce = {
            let mut used = self.shares.used.lock();
            let scarce = used.places >= MAX_PLACES / 2;
            used.places -= 1;
            used.change(self.project, |part| part.places = part.places.saturating_sub(1));
            scarce
        };
        if scarce {
            self.shares.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanca_domain::ids::Id as _;

    fn project(n: u8) -> ProjectId {
        ProjectId::new(1, &[n; 10])
    }

    #[test]
    fn one_project_never_takes_what_is_there_for_another() {
        let shares = Shares::default();
        let mine: Vec<_> = std::iter::from_fn(|| shares.try_place(project(1)).then_some(())).collect();
        assert_eq!(mine.len(), MAX_PLACES - MAX_PLACES / 8, "alone it may have nearly everything");
        assert!(shares.try_place(project(2)), "but there is always a place for somebody new");
        let shares = Shares::default();
        assert!(shares.try_place(project(2)));
        let mine = std::iter::from_fn(|| shares.try_place(project(1)).then_some(())).count();
        assert_eq!(mine, MAX_PLACES / 2 - 1);
        let others = std::iter::from_fn(|| shares.try_place(project(2)).then_some(())).count();
        assert_eq!(others, (MAX_PLACES - MAX_PLACES / 8) / 2 - 1);
        assert!(shares.try_place(project(3)));
        for n in 4..=u8::MAX {
            while shares.try_place(project(n)) {}
        }
        assert!(shares.used.lock().places <= MAX_PLACES && !shares.try_place(project(0)), "in all there is an end");
    }

    #[test]
    fn memory_is_divided_in_the_same_way_and_nothing_is_kept_of_who_is_done() {
        let shares = Shares::default();
        shares.add_weight(project(1), MAX_WEIGHT / 2);
        assert!(shares.allowance(project(1)).any, "alone it may have more");
        shares.add_weight(project(2), 1);
        assert!(!shares.allowance(project(1)).any);
        assert!(shares.allowance(project(2)).any);
        shares.drop_weight(project(1), MAX_WEIGHT / 2);
        shares.drop_weight(project(2), 1);
        assert!(shares.used.lock().projects.is_empty());
    }

    #[test]
    fn however_many_endpoints_are_slow_some_memory_is_left_for_the_others() {
        let shares = Shares::default();
        let fill = |most: usize| {
            let mut weight = 0;
            while weight < most && shares.allowance(project(1)).fits(weight + 4_096) {
                shares.add_weight(project(1), 4_096);
                weight += 4_096;
            }
            weight
        };
        assert!(fill(usize::MAX) >= MAX_WEIGHT / 2 - 4_096, "one alone has much of it");
        for _ in 0..10 {
            assert!(fill(usize::MAX) >= LITTLE);
        }
        assert_eq!(fill(LITTLE), LITTLE, "one that keeps up has room for every attempt");
        assert!(shares.allowance(project(2)).fits(LITTLE), "in another project, too");
        assert!(shares.readable() > LITTLE);
    }

    #[tokio::test]
    async fn who_waits_for_a_place_gets_the_next_one() {
        let shares = std::sync::Arc::new(Shares::default());
        let taken: Vec<_> =
            std::iter::from_fn(|| shares.try_place(project(1)).then(|| Place { shares: &shares, project: project(1) }))
                .collect();
        let waiting = shares.take_place(project(1));
        let mut waiting = std::pin::pin!(waiting);
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("nothing is free"),
            () = tokio::task::yield_now() => {}
        }
        drop(taken);
        drop(waiting.await);
    }
}
