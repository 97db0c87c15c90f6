//! Handing out due deliveries. Claims live in memory: the process that owns the data directory is the only one that
//! delivers, so at its start every claim is void.
//!
//! The writer decides who gets what, by walking the small index of due deliveries; a reader then loads the events,
//! which may be large and cold, so that accepting never waits for them.

use crate::faults::Run;
use crate::jobs::Tx;
use crate::journal::Journal;
use crate::memory::Claim;
use crate::rows::{Code, id, key, number, opt_json, parsed, time};
use crate::writer::Writer;
use crate::{SqliteStorage, events};
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EndpointId, Id};
use kanca_storage::Result;
use kanca_storage::deliveries::{Claimed, DueDelivery};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

/// Gives claims back when the caller goes away before it has them (a request that was dropped half-way).
pub(crate) struct ClaimGuard {
    by: Release,
    deliveries: Vec<Uuid>,
}

enum Release {
    Writer(Writer),
    /// After what the journal's thread was asked for before.
    Journal(Journal),
}

impl ClaimGuard {
    pub(crate) fn new(writer: &Writer, deliveries: Vec<Uuid>) -> Self {
        Self { by: Release::Writer(writer.clone()), deliveries }
    }

    /// The same for deliveries that come by the journal.
    pub(crate) fn after_journal(journal: &Journal, deliveries: Vec<Uuid>) -> Self {
        Self { by: Release::Journal(journal.clone()), deliveries }
    }

    /// The caller has them.
    pub(crate) fn keep(mut self) {
        self.deliveries.clear();
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            let deliveries = std::mem::take(&mut self.deliveries);
            match &self.by {
                Release::Writer(writer) => writer.release(deliveries),
                Release::Journal(journal) => journal.release(deliveries),
            }
        }
    }
}

impl SqliteStorage {
    pub(crate) async fn claim_due_of(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<Claimed> {
        self.after_journal().await;
        let writer = self.writer.clone();
        let (guard, next_due) = self
            .writer
            .call_then(
                move |tx| find_due(tx, endpoint, now, limit as usize),
                move |(deliveries, next_due)| (ClaimGuard::new(&writer, deliveries), next_due),
            )
            .await?;
        Ok(Claimed { items: self.load(guard).await?, next_due })
    }

    pub(crate) async fn claim_these(&self, deliveries: Vec<DeliveryId>) -> Result<Vec<DueDelivery>> {
        self.after_journal().await;
        let writer = self.writer.clone();
        let guard = self
            .writer
            .call_then(move |tx| find_these(tx, &deliveries), move |deliveries| ClaimGuard::new(&writer, deliveries))
            .await?;
        self.load(guard).await
    }

    /// What a caller that went away has left in the journal's queue comes before a search for what is due: it may have
    /// been told to search for just that.
    async fn after_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.catch_up().await;
        }
    }

    pub(crate) async fn release_these(&self, deliveries: Vec<DeliveryId>) -> Result<()> {
        if let Some(journal) = &self.journal {
            journal.forget(&deliveries.iter().map(|delivery| delivery.uuid()).collect::<Vec<_>>());
        }
        self.writer
            .call(move |tx| {
                for delivery in &deliveries {
                    tx.memory.release(delivery.uuid());
                }
                Ok(())
            })
            .await
    }

    /// What an attempt needs; a delivery that was cancelled since it was claimed is left out and given back.
    async fn load(&self, guard: ClaimGuard) -> Result<Vec<DueDelivery>> {
        if guard.deliveries.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = guard.deliveries.clone();
        let items = self.readers.call(move |sql| load(sql, &wanted)).await?;
        if items.len() < guard.deliveries.len() {
            let gone = guard.deliveries.iter().filter(|id| !items.iter().any(|item| item.id.uuid() == **id));
            drop(ClaimGuard::new(&self.writer, gone.copied().collect()));
        }
        guard.keep();
        if let Some(journal) = &self.journal {
            journal.handed_out(&items);
        }
        Ok(items)
    }
}

/// Claims what is due; also says when the next one is.
fn find_due(
    tx: &mut Tx<'_>,
    endpoint: EndpointId,
    now: Timestamp,
    limit: usize,
) -> Run<(Vec<Uuid>, Option<Timestamp>)> {
    let mut found = Vec::new();
    let mut next_due = None;
    if tx.memory.is_endpoint_deleted(endpoint.uuid()) {
        return Ok((found, next_due));
    }
    let mut all_claimed_to = tx.memory.search_from(endpoint.uuid());
    let mut statement = tx.sql.prepare_cached(
        "SELECT due, id FROM deliveries INDEXED BY deliveries_due \
         WHERE endpoint_id = ?1 AND due IS NOT NULL AND (due, id) > (?2, ?3) ORDER BY due, id",
    )?;
    let (from_due, from_id) = all_claimed_to;
    let mut rows = statement.query(params![key(endpoint), from_due, from_id.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let (due, delivery) = (time(row, 0)?, id::<DeliveryId>(row, 1)?.uuid());
        if tx.memory.claimed(delivery).is_none() {
            if due > now || found.len() == limit {
                next_due = Some(due);
                break;
            }
            tx.memory.claim(delivery, Claim { endpoint: endpoint.uuid(), accepted: None });
            found.push(delivery);
        }
        all_claimed_to = (row.get(0)?, delivery);
    }
    tx.memory.search_ended(endpoint.uuid(), all_claimed_to);
    Ok((found, next_due))
}

fn find_these(tx: &mut Tx<'_>, deliveries: &[DeliveryId]) -> Run<Vec<Uuid>> {
    let mut found = Vec::new();
    let mut statement =
        tx.sql.prepare_cached("SELECT endpoint_id, status FROM deliveries WHERE id = ?1 AND due IS NOT NULL")?;
    for delivery in deliveries {
        let row = statement.query_row([key(*delivery)], |row| Ok((id::<EndpointId>(row, 0)?, Code::read(row, 1)?)));
        if let Some((endpoint, DeliveryStatus::Pending)) = row.optional()?
            && tx.memory.claimed(delivery.uuid()).is_none()
            && !tx.memory.is_endpoint_deleted(endpoint.uuid())
        {
            tx.memory.claim(delivery.uuid(), Claim { endpoint: endpoint.uuid(), accepted: None });
            found.push(delivery.uuid());
        }
    }
    Ok(found)
}

fn load(sql: &Connection, deliveries: &[Uuid]) -> Run<Vec<DueDelivery>> {
    let mut statement = sql.prepare_cached(
        "SELECT d.id, d.project_id, d.endpoint_id, d.event_id, e.type, e.timestamp, e.accepted_at, e.hops, \
         d.queue_key, d.steps_used, d.attempt_count, d.manual, d.waiter, e.data, e.test, \
         coalesce(d.restarted_at, d.created_at) \
         FROM deliveries d JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id \
         WHERE d.id = ?1 AND d.status = 0 AND d.held = 0",
    )?;
    let mut items = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        items.extend(statement.query_row([delivery.as_bytes()], due_delivery).optional()?);
    }
    Ok(items)
}

fn due_delivery(row: &Row<'_>) -> rusqlite::Result<DueDelivery> {
    Ok(DueDelivery {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        endpoint_id: id(row, 2)?,
        event_id: id(row, 3)?,
        event_type: parsed(row, 4)?,
        timestamp: parsed(row, 5)?,
        accepted_at: time(row, 6)?,
        hops: number(row, 7)?,
        test: row.get(14)?,
        scheduled_from: time(row, 15)?,
        queue_key: row.get(8)?,
        steps_used: number(row, 9)?,
        attempt_count: number(row, 10)?,
        manual: row.get(11)?,
        waiter: opt_json(row, 12)?,
        data: events::data(row, 13)?,
    })
}
