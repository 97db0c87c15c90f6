//! What the writer keeps in memory beside the tables: claims, and changes of counters until the next commit.
//!
//! Only the writer's thread touches it, in step with its transaction: each change is logged, so that a rolled back job
//! takes back its changes too. Nothing of it needs to survive a restart (claims are void then, counters are stored).

use kanca_domain::deliveries::DeliveryStatus;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A place in the order in which an endpoint's deliveries become due.
pub(crate) type Place = (i64, Uuid);

#[derive(Default)]
pub(crate) struct Memory {
    /// Deliveries that were handed out.
    claims: HashMap<Uuid, Claim>,
    /// For an endpoint, a place up to which every due delivery is claimed; a search may start after it.
    all_claimed_to: HashMap<Uuid, Place>,
    /// Endpoints that were deleted: an event matched before must not make them pending work.
    deleted_endpoints: HashSet<Uuid>,
    counts: Vec<CountChange>,
    newest_millis: u64,
    /// As of the last commit.
    stored_millis: u64,
    undo: Vec<Undo>,
}

/// What is known of a delivery that was handed out.
#[derive(Clone)]
pub(crate) struct Claim {
    pub endpoint: Uuid,
    /// For one that was taken when it was accepted, what its outcome would otherwise have to read again.
    pub accepted: Option<AcceptedClaim>,
}

#[derive(Clone)]
pub(crate) struct AcceptedClaim {
    pub project: Uuid,
    pub queue_key: Option<String>,
}

/// A change of one endpoint's numbers.
#[derive(Clone, Copy)]
pub(crate) struct CountChange {
    pub project: Uuid,
    pub endpoint: Uuid,
    pub by_status: [i64; 4],
}

enum Undo {
    Claimed(Uuid),
    Released(Uuid, Claim),
    EndpointDeleted(Uuid),
}

/// A moment to go back to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    undo: usize,
    counts: usize,
    newest_millis: u64,
}

impl Memory {
    pub(crate) fn new(deleted_endpoints: HashSet<Uuid>, newest_millis: u64) -> Self {
        Self { deleted_endpoints, newest_millis, stored_millis: newest_millis, ..Self::default() }
    }

    pub(crate) fn claimed(&self, delivery: Uuid) -> Option<&Claim> {
        self.claims.get(&delivery)
    }

    pub(crate) fn claim(&mut self, delivery: Uuid, claim: Claim) {
        if self.claims.insert(delivery, claim).is_none() {
            self.undo.push(Undo::Claimed(delivery));
        }
    }

    /// Gives a delivery back; unknown ones are no error.
    pub(crate) fn release(&mut self, delivery: Uuid) {
        if let Some(claim) = self.claims.remove(&delivery) {
            self.all_claimed_to.remove(&claim.endpoint);
            self.undo.push(Undo::Released(delivery, claim));
        }
    }

    /// Ends a claim of a delivery that is no longer due where it was (it ended, or `now_due` says where it is now).
    pub(crate) fn end_claim(&mut self, delivery: Uuid) {
        if let Some(claim) = self.claims.remove(&delivery) {
            self.undo.push(Undo::Released(delivery, claim));
        }
    }

    /// Where to start searching for unclaimed deliveries of an endpoint.
    pub(crate) fn search_from(&self, endpoint: Uuid) -> Place {
        self.all_claimed_to.get(&endpoint).copied().unwrap_or((i64::MIN, Uuid::nil()))
    }

    /// All deliveries of the endpoint up to `place` are claimed.
    pub(crate) fn search_ended(&mut self, endpoint: Uuid, place: Place) {
        self.all_claimed_to.insert(endpoint, place);
    }

    /// An unclaimed delivery is due at this place from now on.
    pub(crate) fn now_due(&mut self, endpoint: Uuid, place: Place) {
        if self.all_claimed_to.get(&endpoint).is_some_and(|known| place <= *known) {
            self.all_claimed_to.remove(&endpoint);
        }
    }

    /// Any number of the endpoint's deliveries may be due earlier than before.
    pub(crate) fn search_anew(&mut self, endpoint: Uuid) {
        self.all_claimed_to.remove(&endpoint);
    }

    /// The endpoint's deliveries have lost their queue keys; what was remembered of them must be read again.
    pub(crate) fn queues_dissolved(&mut self, endpoint: Uuid) {
        for claim in self.claims.values_mut().filter(|claim| claim.endpoint == endpoint) {
            claim.accepted = None;
        }
    }

    pub(crate) fn endpoint_deleted(&mut self, endpoint: Uuid) {
        if self.deleted_endpoints.insert(endpoint) {
            self.undo.push(Undo::EndpointDeleted(endpoint));
        }
    }

    pub(crate) fn deleted_endpoints(&self) -> &HashSet<Uuid> {
        &self.deleted_endpoints
    }

    pub(crate) fn is_endpoint_deleted(&self, endpoint: Uuid) -> bool {
        self.deleted_endpoints.contains(&endpoint)
    }

    /// `n` deliveries went from one status to another; `None` = they are new.
    pub(crate) fn count(
        &mut self,
        project: Uuid,
        endpoint: Uuid,
        from: Option<DeliveryStatus>,
        to: DeliveryStatus,
        n: i64,
    ) {
        if from == Some(to) || n == 0 {
            return;
        }
        let mut by_status = [0; 4];
        by_status[to as usize] += n;
        if let Some(from) = from {
            by_status[from as usize] -= n;
        }
        self.counts.push(CountChange { project, endpoint, by_status });
    }

    /// An ended delivery is dropped.
    pub(crate) fn drop_count(&mut self, project: Uuid, endpoint: Uuid, status: DeliveryStatus) {
        let mut by_status = [0; 4];
        by_status[status as usize] = -1;
        self.counts.push(CountChange { project, endpoint, by_status });
    }

    /// The changes since the last commit, one for each touched endpoint.
    pub(crate) fn changed_counts(&self) -> impl Iterator<Item = CountChange> + use<> {
        let mut sums: HashMap<(Uuid, Uuid), [i64; 4]> = HashMap::new();
        for change in &self.counts {
            let sum = sums.entry((change.project, change.endpoint)).or_default();
            for (total, n) in sum.iter_mut().zip(change.by_status) {
                *total += n;
            }
        }
        sums.into_iter()
            .filter(|(_, by_status)| *by_status != [0; 4])
            .map(|((project, endpoint), by_status)| CountChange { project, endpoint, by_status })
    }

    /// Notes the time in an id that is being stored.
    pub(crate) fn note_id(&mut self, id: Uuid) {
        let bytes = id.as_bytes();
        let millis = bytes[..6].iter().fold(0u64, |millis, byte| millis << 8 | u64::from(*byte));
        self.newest_millis = self.newest_millis.max(millis);
    }

    /// The greatest millisecond in a stored id, when it has grown since the last commit.
    pub(crate) fn grown_millis(&self) -> Option<u64> {
        (self.newest_millis > self.stored_millis).then_some(self.newest_millis)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { undo: self.undo.len(), counts: self.counts.len(), newest_millis: self.newest_millis }
    }

    /// Takes back everything since the mark.
    pub(crate) fn roll_back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            match self.undo.pop() {
                Some(Undo::Claimed(delivery)) => drop(self.claims.remove(&delivery)),
                Some(Undo::Released(delivery, claim)) => drop(self.claims.insert(delivery, claim)),
                Some(Undo::EndpointDeleted(endpoint)) => drop(self.deleted_endpoints.remove(&endpoint)),
                None => break,
            }
        }
        self.counts.truncate(mark.counts);
        self.newest_millis = mark.newest_millis;
        self.all_claimed_to.clear();
    }

    /// Takes back everything since the last commit.
    pub(crate) fn roll_back_all(&mut self) {
        self.roll_back_to(Mark { undo: 0, counts: 0, newest_millis: self.stored_millis });
    }

    /// The transaction was committed: nothing can be taken back any more.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
        self.counts.clear();
        self.stored_millis = self.newest_millis;
    }
}
