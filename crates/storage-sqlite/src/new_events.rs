//! New events on their way into the tables, with their deliveries, and with the attempts of those that have arrived
//! already: many of them go in together.

use crate::attempts::AttemptOf;
use crate::faults::Run;
use crate::inserts::{Binder, Insert, insert};
use crate::jobs::Tx;
use crate::journal::{Delivery as DeliveryRow, Event as EventRow, Key, Outcome as OutcomeRow};
use crate::memory::{AcceptedClaim, Claim};
use crate::rows::Code;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, Id};
use rusqlite::params;
use uuid::Uuid;

/// Rows for the three tables.
#[derive(Default)]
pub(crate) struct NewEvents<'a> {
    events: Vec<&'a EventRow<'a>>,
    deliveries: Vec<NewDeliveryRow<'a>>,
    attempts: Vec<AttemptOf<'a>>,
}

impl<'a> NewEvents<'a> {
    /// Adds an event with its deliveries. `ended` tells, once, the outcome of a delivery that has arrived already. Returns
    /// those that must not start.
    pub(crate) fn add(
        &mut self,
        tx: &mut Tx<'_>,
        event: &'a EventRow<'a>,
        ended: &mut impl FnMut(Key) -> Option<&'a OutcomeRow<'a>>,
    ) -> Run<Vec<DeliveryId>> {
        tx.memory.note_id(Uuid::from_bytes(event.id));
        self.events.push(event);
        let mut held = Vec::new();
        for delivery in &event.deliveries {
            tx.memory.note_id(Uuid::from_bytes(delivery.id));
            let deleted = tx.memory.is_endpoint_deleted(Uuid::from_bytes(delivery.endpoint));
            let end = if deleted { None } else { ended(delivery.id) };
            let row = match end {
                Some(end) => {
                    self.attempts.extend(end.attempt.as_ref().map(|attempt| AttemptOf::new(tx, delivery.id, attempt)));
                    NewDeliveryRow::arrived(tx, event, delivery, end)
                }
                None => self.waiting(tx, event, delivery, deleted)?,
            };
            if row.due.is_none() && end.is_none() {
                held.push(DeliveryId::from_uuid(Uuid::from_bytes(delivery.id)));
            }
            self.deliveries.push(row);
        }
        Ok(held)
    }

    /// One that is to be attempted, unless its endpoint was deleted.
    fn waiting(
        &self,
        tx: &mut Tx<'_>,
        event: &'a EventRow<'a>,
        delivery: &'a DeliveryRow<'a>,
        deleted: bool,
    ) -> Run<NewDeliveryRow<'a>> {
        let (id, endpoint) = (Uuid::from_bytes(delivery.id), Uuid::from_bytes(delivery.endpoint));
        let project = Uuid::from_bytes(event.project);
        let held = !deleted && (self.holds(delivery) || is_held(tx, delivery)?);
        let status = if deleted { DeliveryStatus::Cancelled } else { DeliveryStatus::Pending };
        let starts = !held && !deleted;
        tx.memory.count(project, endpoint, None, status, 1);
        if delivery.claim && !deleted {
            let accepted = starts.then(|| AcceptedClaim { project, queue_key: delivery.queue_key.map(str::to_owned) });
            tx.memory.claim(id, Claim { endpoint, accepted });
        } else if starts {
            tx.memory.now_due(endpoint, (delivery.due, id));
        }
        let (due, completed_at) = (starts.then_some(delivery.due), deleted.then_some(event.accepted_at));
        Ok(NewDeliveryRow { event, delivery, status, held, due, attempts: 0, completed_at })
    }

    /// Whether one that is on its way with this goes before the delivery.
    fn holds(&self, delivery: &DeliveryRow<'_>) -> bool {
        let is_before = |new: &NewDeliveryRow<'_>| {
            new.status == DeliveryStatus::Pending
                && (new.delivery.endpoint, new.delivery.queue_key) == (delivery.endpoint, delivery.queue_key)
        };
        delivery.queue_key.is_some() && self.deliveries.iter().any(is_before)
    }

    /// How many rows there are, attempts aside.
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.deliveries.len()
    }

    /// Inserts all of it.
    pub(crate) fn insert(&self, tx: &Tx<'_>) -> Run<()> {
        insert(tx, &self.events)?;
        insert(tx, &self.deliveries)?;
        insert(tx, &self.attempts)
    }
}

impl Insert for &EventRow<'_> {
    const INTO: &'static str = "events (id, project_id, type, timestamp, accepted_at, hops, ordering_key, \
                                idempotency_key, explanation, data, test)";
    const VALUES: &'static str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.bind(params![
            self.id,
            self.project,
            self.kind,
            self.timestamp,
            self.accepted_at,
            self.hops,
            self.ordering_key,
            self.idempotency_key,
            self.explanation,
            self.data,
            self.test,
        ])
    }
}

/// A delivery of a new event.
struct NewDeliveryRow<'a> {
    event: &'a EventRow<'a>,
    delivery: &'a DeliveryRow<'a>,
    status: DeliveryStatus,
    held: bool,
    due: Option<i64>,
    attempts: u32,
    completed_at: Option<i64>,
}

impl<'a> NewDeliveryRow<'a> {
    /// One that arrived at the first attempt.
    fn arrived(tx: &mut Tx<'_>, event: &'a EventRow<'a>, delivery: &'a DeliveryRow<'a>, end: &OutcomeRow<'_>) -> Self {
        let status = DeliveryStatus::Delivered;
        tx.memory.count(Uuid::from_bytes(event.project), Uuid::from_bytes(delivery.endpoint), None, status, 1);
        Self { event, delivery, status, held: false, due: None, attempts: 1, completed_at: Some(end.at) }
    }

    /// What is kept for one that is held and was not to start at once.
    fn not_before(&self) -> Option<i64> {
        (self.held && self.delivery.due > self.event.accepted_at).then_some(self.delivery.due)
    }
}

/// Whether one in the table goes before the delivery.
fn is_held(tx: &Tx<'_>, delivery: &DeliveryRow<'_>) -> Run<bool> {
    let Some(queue_key) = delivery.queue_key else { return Ok(false) };
    let mut statement = tx.prepare(
        "SELECT 1 FROM deliveries INDEXED BY deliveries_queued \
         WHERE endpoint_id = ?1 AND queue_key = ?2 AND status = 0 AND queue_key IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.exists(params![delivery.endpoint, queue_key])?)
}

impl Insert for NewDeliveryRow<'_> {
    const INTO: &'static str = "deliveries (id, project_id, event_id, endpoint_id, status, held, manual, due, \
                                steps_used, attempt_count, created_at, completed_at, queue_key, waiter, not_before)";
    const VALUES: &'static str = "(?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?, ?, ?)";

    fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.bind(params![
            self.delivery.id,
            self.event.project,
            self.event.id,
            self.delivery.endpoint,
            self.status.code(),
            self.held,
            self.due,
            self.attempts,
            self.event.accepted_at,
            self.completed_at,
            self.delivery.queue_key,
            self.delivery.waiter,
            self.not_before(),
        ])
    }
}
