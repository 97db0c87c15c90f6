//! Where an attempt leaves its delivery, and manual retries: the state machine's steps, each in one transaction.

use crate::attempts;
use crate::faults::Run;
use crate::jobs::Tx;
use crate::journal::{Asked, Key, Outcome as OutcomeRow, Record};
use crate::rows::{Code, id, key, micros};
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EndpointId, Id, ProjectId};
use kanca_storage::deliveries::{Outcome, Recorded, Verdict};
use kanca_storage::{Result, StorageError};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

/// The bytes of an outcome from which on it goes straight into the tables.
const SMALL: usize = 256 << 10;

/// An outcome as bytes, made by the caller's thread.
pub(crate) struct Prepared {
    pub(crate) delivery: Uuid,
    /// The status that it leads to, if nothing happened to the delivery meanwhile.
    pub(crate) leads_to: DeliveryStatus,
    pub(crate) bytes: Vec<u8>,
}

impl Prepared {
    pub(crate) fn new(outcome: &Outcome) -> Result<Self> {
        let leads_to = match outcome.verdict {
            Verdict::Retry { .. } => DeliveryStatus::Pending,
            Verdict::Delivered => DeliveryStatus::Delivered,
            Verdict::Failed => DeliveryStatus::Failed,
            Verdict::Cancelled => DeliveryStatus::Cancelled,
        };
        Ok(Self { delivery: outcome.delivery_id.uuid(), leads_to, bytes: OutcomeRow::bytes_of(outcome, leads_to)? })
    }

    /// Whether it takes little room in the journal.
    pub(crate) fn is_small(&self) -> bool {
        self.bytes.len() <= SMALL
    }
}

/// What the rules need to know of a delivery.
struct Stored {
    project: ProjectId,
    endpoint: EndpointId,
    status: DeliveryStatus,
    held: bool,
    manual: bool,
    queue_key: Option<String>,
    /// The end it had before a manual attempt.
    prior: Option<(DeliveryStatus, i64)>,
}

fn stored(tx: &Tx<'_>, delivery: DeliveryId) -> Run<Stored> {
    let mut statement = tx.prepare(
        "SELECT project_id, endpoint_id, status, held, manual, queue_key, prior_status, prior_completed_at \
         FROM deliveries WHERE id = ?1",
    )?;
    let found = statement.query_row([key(delivery)], |row| {
        let prior = match row.get(7)? {
            Some(completed_at) => Some((Code::read(row, 6)?, completed_at)),
            None => None,
        };
        Ok(Stored {
            project: id(row, 0)?,
            endpoint: id(row, 1)?,
            status: Code::read(row, 2)?,
            held: row.get(3)?,
            manual: row.get(4)?,
            queue_key: row.get(5)?,
            prior,
        })
    });
    found.optional()?.ok_or_else(|| StorageError::NotFound("the delivery").into())
}

/// Records an outcome and ends the claim.
pub(crate) fn record(tx: &mut Tx<'_>, bytes: &[u8]) -> Run<Recorded> {
    match Record::of(bytes)? {
        Record::Outcome(outcome) => record_row(tx, &outcome),
        Record::Event(_) => Err(StorageError::Internal("an event came in the place of an outcome".into()).into()),
    }
}

/// The same, of a row that was read.
pub(crate) fn record_row(tx: &mut Tx<'_>, outcome: &OutcomeRow<'_>) -> Run<Recorded> {
    let delivery = outcome.delivery;
    if let Some(recorded) = record_success(tx, outcome)? {
        return Ok(recorded);
    }
    let was = stored(tx, DeliveryId::from_uuid(Uuid::from_bytes(delivery)))?;
    if let Some(attempt) = &outcome.attempt {
        attempts::add(tx, delivery, attempt)?;
    }
    let attempts = i64::from(outcome.attempt.is_some());
    tx.memory.end_claim(Uuid::from_bytes(delivery));
    if was.status != DeliveryStatus::Pending {
        // Cancelled or ended meanwhile: what was tried is kept, the state is not touched.
        tx.execute(
            "UPDATE deliveries SET attempt_count = attempt_count + ?2 WHERE id = ?1",
            params![delivery, attempts],
        )?;
        return Ok(Recorded { status: was.status, promoted: None });
    }
    let (status, completed_at) = match (outcome.asked()?, was.prior) {
        (Asked::Retry(due), _) => {
            retry_at(tx, delivery, &was, due, attempts)?;
            return Ok(Recorded { status: DeliveryStatus::Pending, promoted: None });
        }
        (Asked::End(DeliveryStatus::Failed | DeliveryStatus::Cancelled), Some(prior)) => prior,
        (Asked::End(status), _) => (status, outcome.at),
    };
    tx.execute(
        "UPDATE deliveries SET status = ?2, completed_at = ?3, due = NULL, held = 0, manual = 0, prior_status = NULL, \
         prior_completed_at = NULL, attempt_count = attempt_count + ?4 WHERE id = ?1",
        params![delivery, status.code(), completed_at, attempts],
    )?;
    tx.memory.count(was.project.uuid(), was.endpoint.uuid(), Some(DeliveryStatus::Pending), status, 1);
    let promoted = match &was.queue_key {
        Some(queue_key) if !was.held => promote(tx, was.endpoint, queue_key, outcome.at)?,
        _ => None,
    };
    Ok(Recorded { status, promoted })
}

/// The usual case, without reading anything: the first attempt of a delivery that was taken when it was accepted.
fn record_success(tx: &mut Tx<'_>, outcome: &OutcomeRow<'_>) -> Run<Option<Recorded>> {
    let delivery = Uuid::from_bytes(outcome.delivery);
    let (true, Some(attempt), Some(claim)) = (outcome.is_arrival(), &outcome.attempt, tx.memory.claimed(delivery))
    else {
        return Ok(None);
    };
    let (endpoint, Some(accepted)) = (claim.endpoint, claim.accepted.clone()) else { return Ok(None) };
    let changed = tx.execute(
        "UPDATE deliveries SET status = 1, completed_at = ?2, due = NULL, attempt_count = attempt_count + 1 \
         WHERE id = ?1 AND status = 0 AND held = 0 AND manual = 0",
        params![outcome.delivery, outcome.at],
    )?;
    if changed == 0 {
        return Ok(None);
    }
    attempts::add(tx, outcome.delivery, attempt)?;
    tx.memory.end_claim(delivery);
    let status = DeliveryStatus::Delivered;
    tx.memory.count(accepted.project, endpoint, Some(DeliveryStatus::Pending), status, 1);
    let promoted = match &accepted.queue_key {
        Some(queue_key) => promote(tx, EndpointId::from_uuid(endpoint), queue_key, outcome.at)?,
        None => None,
    };
    Ok(Some(Recorded { status, promoted }))
}

fn retry_at(tx: &mut Tx<'_>, delivery: Key, was: &Stored, due: i64, attempts: i64) -> Run<()> {
    // A manual attempt follows no schedule, so it uses no step of it; a held delivery has no due time.
    tx.execute(
        "UPDATE deliveries SET due = ?2, steps_used = steps_used + ?3, attempt_count = attempt_count + ?4 \
         WHERE id = ?1",
        params![delivery, (!was.held).then_some(due), i64::from(!was.manual), attempts],
    )?;
    if !was.held {
        tx.memory.now_due(was.endpoint.uuid(), (due, Uuid::from_bytes(delivery)));
    }
    Ok(())
}

/// Lets the oldest delivery go that was held behind this key; it starts when it was to start at the earliest.
fn promote(tx: &mut Tx<'_>, endpoint: EndpointId, queue_key: &str, at: i64) -> Run<Option<DeliveryId>> {
    let next = tx
        .prepare(
            "SELECT id, max(?3, coalesce(not_before, ?3)) FROM deliveries INDEXED BY deliveries_queued \
             WHERE endpoint_id = ?1 AND queue_key = ?2 AND status = 0 AND queue_key IS NOT NULL AND held = 1 ORDER BY id LIMIT 1",
        )?
        .query_row(params![key(endpoint), queue_key, at], |row| Ok((id::<DeliveryId>(row, 0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((next, due)) = next else { return Ok(None) };
    tx.execute("UPDATE deliveries SET held = 0, due = ?2 WHERE id = ?1", params![key(next), due])?;
    tx.memory.now_due(endpoint.uuid(), (due, next.uuid()));
    Ok(Some(next))
}

/// Makes a delivery due now: a pending one early, an ended one for a single manual attempt, a skipped one from the start.
pub(crate) fn retry_now(tx: &mut Tx<'_>, project: ProjectId, delivery: DeliveryId, now: Timestamp) -> Run<()> {
    let was = stored(tx, delivery)?;
    if was.project != project {
        return Err(StorageError::NotFound("the delivery").into());
    }
    if tx.memory.is_endpoint_deleted(was.endpoint.uuid()) {
        return Err(StorageError::Conflict("the webhook was deleted, so this delivery cannot be tried again").into());
    }
    if was.held {
        return Ok(());
    }
    let change = match was.status {
        DeliveryStatus::Pending => "UPDATE deliveries SET due = min(due, ?2) WHERE id = ?1",
        DeliveryStatus::Delivered | DeliveryStatus::Failed => {
            "UPDATE deliveries SET status = 0, manual = 1, due = ?2, prior_status = status, \
             prior_completed_at = completed_at, completed_at = NULL, queue_key = NULL WHERE id = ?1"
        }
        DeliveryStatus::Cancelled => {
            "UPDATE deliveries SET status = 0, due = ?2, steps_used = 0, restarted_at = ?2, completed_at = NULL, \
             queue_key = NULL, waiter = NULL WHERE id = ?1"
        }
    };
    tx.execute(change, params![key(delivery), micros(now)])?;
    if was.status.is_end() {
        tx.memory.count(project.uuid(), was.endpoint.uuid(), Some(was.status), DeliveryStatus::Pending, 1);
    }
    tx.memory.search_anew(was.endpoint.uuid());
    Ok(())
}
