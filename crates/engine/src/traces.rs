//! Why (not) delivered: for an event each endpoint that gets it, with its attempts and what it waits for, and each that
//! does not, with the reason.

use crate::Engine;
use crate::endpoints::Endpoint;
use crate::errors::Result;
use jiff::Timestamp;
use kanca_domain::closed_list;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::events::{Because, BuiltIn};
use kanca_domain::ids::{DeliveryId, EventId, ProjectId};
use kanca_domain::pace::Waiting;
use kanca_storage::PageRequest;
use kanca_storage::deliveries::{AttemptRecord, DeliveryFilter, DeliveryRecord};
use kanca_storage::events::{EventRecord, Explanation};
use std::collections::HashSet;

/// Deliveries, and endpoints without one, that are traced at most.
const MOST: u32 = 200;

/// What became of an event.
pub struct Trace {
    pub event: EventRecord,
    /// What is to be said of the event as a whole.
    pub notes: Vec<Explanation>,
    /// Oldest first.
    pub deliveries: Vec<Traced>,
    /// Endpoints that do not get it, each with the reason.
    pub not_sent: Vec<Explanation>,
    /// Whether there is more of either than is traced.
    pub truncated: bool,
}

/// A delivery of the event.
pub struct Traced {
    pub delivery: DeliveryRecord,
    /// Oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// Made later than the event, by a recovery.
    pub recovered: bool,
    /// What was said of this endpoint when the event was published, such as that its filter failed.
    pub notes: Vec<Explanation>,
    /// What it waits for, while it is pending.
    pub wait: Option<Wait>,
}

/// What a pending delivery waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub reason: WaitReason,
    pub until: Option<Timestamp>,
    /// The delivery that has to end first.
    pub behind: Option<DeliveryId>,
}

closed_list! {
    /// Why a pending delivery waits. The code is part of the API, so none may change its meaning.
    WaitReason {
        /// An earlier delivery of its ordering key has to end first.
        Ordering = "ordering";
        /// Its endpoint is paused.
        Paused = "paused";
        /// Its endpoint is disabled.
        Disabled = "disabled";
        /// Its endpoint was deleted; it is being cancelled.
        Deleted = "deleted";
        /// The server's disk is full or cannot be written, so no attempt starts.
        DiskFull = "disk_full";
        /// The endpoint failed too often; a probe finds out whether it is there again.
        Breaker = "breaker";
        /// The receiver has not agreed yet to get events.
        Handshake = "handshake";
        /// The receiver asked to be left alone.
        RetryAfter = "retry_after";
        /// The endpoint's rate is used up.
        RateLimit = "rate_limit";
        /// Its time has not come: the next step of the schedule, or its place in a replay.
        Schedule = "schedule";
        /// It is its turn: an attempt is under way or about to start.
        Turn = "turn";
    }
}

impl Engine {
    /// What became of an event, and why.
    pub async fn trace(&self, project: ProjectId, id: EventId) -> Result<Trace> {
        let mut event = self.event(project, id).await?;
        let filter = DeliveryFilter { event_id: Some(id), ..DeliveryFilter::default() };
        let page = self.storage.deliveries(project, filter, PageRequest { after: None, limit: MOST }).await?;
        let mut truncated = page.next.is_some();
        let mut deliveries = Vec::with_capacity(page.items.len());
        for listed in page.items.into_iter().rev() {
            // Read again with its attempts; it cannot be gone, but it may have moved on.
            let Some((delivery, attempts)) = self.storage.delivery(project, listed.id).await? else { continue };
            let delivery = self.by_the_clock(delivery);
            let recovered = delivery.created_at > event.accepted_at;
            let wait = self.waits_for(&delivery).await?;
            let about = event.explanation.iter().filter(|told| told.endpoint_id == Some(delivery.endpoint_id));
            let notes = about.cloned().collect();
            deliveries.push(Traced { delivery, attempts, recovered, notes, wait });
        }
        let reached: HashSet<_> = deliveries.iter().map(|traced| traced.delivery.endpoint_id).collect();
        let (about_endpoints, mut notes): (Vec<_>, Vec<_>) =
            std::mem::take(&mut event.explanation).into_iter().partition(|told| told.endpoint_id.is_some());
        let mut not_sent: Vec<_> = about_endpoints
            .into_iter()
            .filter(|told| told.endpoint_id.is_none_or(|id| !reached.contains(&id)))
            .collect();
        let addressed = event.test || BuiltIn::of(&event.event_type).is_some_and(BuiltIn::is_addressed);
        if !addressed {
            let explained: HashSet<_> = not_sent.iter().filter_map(|told| told.endpoint_id).collect();
            let others = self.endpoints(project).into_iter().rev();
            let others = others.filter(|e| !reached.contains(&e.record.id) && !explained.contains(&e.record.id));
            not_sent.extend(others.map(|endpoint| not_matched(&endpoint, &event)));
        }
        truncated |= not_sent.len() > MOST as usize;
        not_sent.truncate(MOST as usize);
        let name = &event.event_type;
        let is_known = event.test || BuiltIn::of(name).is_some() || self.registered(project, name).is_some();
        if !is_known && !self.validation(project).is_off() {
            let because = Because::UnregisteredType { event_type: name.as_str().to_owned() };
            notes.push(Explanation::of_event(because));
        }
        Ok(Trace { event, notes, deliveries, not_sent, truncated })
    }

    /// What a delivery waits for, while it is pending.
    pub async fn waits_for(&self, delivery: &DeliveryRecord) -> Result<Option<Wait>> {
        let project = delivery.project_id;
        if delivery.status != DeliveryStatus::Pending {
            return Ok(None);
        }
        let because = |reason| Wait { reason, until: None, behind: None };
        let Ok(endpoint) = self.endpoint(project, delivery.endpoint_id) else {
            return Ok(Some(because(WaitReason::Deleted)));
        };
        if delivery.held {
            let behind = self.storage.waits_behind(project, delivery.id).await?;
            return Ok(Some(Wait { behind, ..because(WaitReason::Ordering) }));
        }
        match endpoint.record.status {
            EndpointStatus::Paused => return Ok(Some(because(WaitReason::Paused))),
            EndpointStatus::Disabled => return Ok(Some(because(WaitReason::Disabled))),
            EndpointStatus::Active if !self.writable() => return Ok(Some(because(WaitReason::DiskFull))),
            EndpointStatus::Active => {}
        }
        let due = delivery.due.unwrap_or(delivery.created_at);
        let (reason, until) = match self.endpoint_health(&endpoint).waiting {
            Some(Waiting::Breaker(until)) if until.is_none_or(|until| until > due) => (WaitReason::Breaker, until),
            Some(Waiting::Handshake) => (WaitReason::Handshake, None),
            Some(Waiting::Held(until)) if until > due => (WaitReason::RetryAfter, Some(until)),
            Some(Waiting::Rate(until)) if until > due => (WaitReason::RateLimit, Some(until)),
            _ if due > self.clock.now() => (WaitReason::Schedule, Some(due)),
            _ => (WaitReason::Turn, None),
        };
        Ok(Some(Wait { reason, until, behind: None }))
    }
}

/// Why an endpoint that exists now has no delivery of an event, as far as that can still be known.
fn not_matched(endpoint: &Endpoint, event: &EventRecord) -> Explanation {
    let record = &endpoint.record;
    let event_type = event.event_type.as_str().to_owned();
    let because = if record.created_at > event.accepted_at {
        Because::CreatedLater
    } else if endpoint.subscription.matches(&event.event_type) {
        Because::SubscribedLater { event_type }
    } else {
        Because::NotSubscribed { event_type }
    };
    Explanation::of_endpoint(record.id, Some(&record.name), because)
}
