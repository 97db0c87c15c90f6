//! Deliveries as lists and single records; claims and outcomes have modules of their own.

use crate::faults::Run;
use crate::rows::{Code, before, id, int, key, number, opt_json, opt_key, opt_time, page_limit, page_of, parsed, time};
use crate::{SqliteStorage, attempts, counts, outcomes};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, Id, ProjectId};
use kanca_storage::deliveries::{
    AttemptRecord, Claimed, Deliveries, DeliveryFilter, DeliveryRecord, DueDelivery, Outcome, Recorded, StatusCounts,
};
use kanca_storage::{Page, PageRequest, Result, StorageError};
use rusqlite::{Connection, OptionalExtension, Row, params};

#[async_trait]
impl Deliveries for SqliteStorage {
    async fn claim_due(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<Claimed> {
        self.claim_due_of(endpoint, now, limit).await
    }

    async fn claim(&self, deliveries: Vec<DeliveryId>) -> Result<Vec<DueDelivery>> {
        self.claim_these(deliveries).await
    }

    async fn release(&self, deliveries: Vec<DeliveryId>) -> Result<()> {
        self.release_these(deliveries).await
    }

    async fn record_outcome(&self, outcome: &Outcome) -> Result<Recorded> {
        let outcome = outcomes::Prepared::new(outcome)?;
        match self.journal.as_ref().filter(|journal| journal.takes_outcome(&outcome)) {
            Some(journal) => journal.record(outcome).await,
            None => self.writer.call(move |tx| outcomes::record(tx, &outcome.bytes)).await,
        }
    }

    async fn retry_delivery(&self, project: ProjectId, delivery: DeliveryId, now: Timestamp) -> Result<DeliveryRecord> {
        self.writer
            .call(move |tx| {
                outcomes::retry_now(tx, project, delivery, now)?;
                one(tx.sql, project, delivery)?.ok_or_else(|| StorageError::NotFound("the delivery").into())
            })
            .await
    }

    async fn waits_behind(&self, project: ProjectId, delivery: DeliveryId) -> Result<Option<DeliveryId>> {
        self.settled_readers()
            .await
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT q.id FROM deliveries d JOIN deliveries q INDEXED BY deliveries_queued \
                     ON q.endpoint_id = d.endpoint_id AND q.queue_key = d.queue_key AND q.status = 0 \
                     AND q.queue_key IS NOT NULL AND q.held = 0 \
                     WHERE d.id = ?1 AND d.project_id = ?2 AND d.held = 1 ORDER BY q.id LIMIT 1",
                )?;
                Ok(statement.query_row(params![key(delivery), key(project)], |row| id(row, 0)).optional()?)
            })
            .await
    }

    async fn deliveries(
        &self,
        project: ProjectId,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRecord>> {
        let limit = page_limit(page);
        self.settled_readers()
            .await
            .call(move |sql| {
                let ids = List { sql, project, before: before(page), rows: limit + 1 }.ids(filter)?;
                let mut items = Vec::with_capacity(ids.len());
                for delivery in ids {
                    items.extend(one(sql, project, delivery)?);
                }
                Ok(page_of(items, limit, |delivery| delivery.id.uuid()))
            })
            .await
    }

    async fn delivery(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>> {
        self.settled_readers()
            .await
            .call(move |sql| match one(sql, project, delivery)? {
                Some(record) => Ok(Some((record, attempts::of_delivery(sql, delivery)?))),
                None => Ok(None),
            })
            .await
    }

    async fn delivery_counts(&self, project: ProjectId) -> Result<StatusCounts> {
        self.settled_readers().await.call(move |sql| counts::of_project(sql, project)).await
    }
}

/// A list of deliveries, newest first.
///
/// No index serves a project's list as such: it is merged from its endpoints' lists, so that a delivery costs one index
/// entry fewer. An endpoint's numbers by status say along which index what is wanted lies densest.
struct List<'a> {
    sql: &'a Connection,
    project: ProjectId,
    before: [u8; 16],
    rows: usize,
}

/// The numbers of an endpoint.
struct Numbers {
    endpoint: EndpointId,
    by_status: [i64; 4],
}

impl List<'_> {
    fn ids(&self, filter: DeliveryFilter) -> Run<Vec<DeliveryId>> {
        if let Some(event) = filter.event_id {
            return self.of_event(event, filter);
        }
        let mut ids = Vec::new();
        for numbers in self.endpoints(filter.endpoint_id)? {
            if filter.status.is_none_or(|status| numbers.by_status[status as usize] > 0) {
                ids.extend(self.of_endpoint(&numbers, filter.status)?);
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.truncate(self.rows);
        Ok(ids)
    }

    fn of_event(&self, event: EventId, filter: DeliveryFilter) -> Run<Vec<DeliveryId>> {
        let sql = "SELECT id FROM deliveries WHERE event_id = ?1 AND project_id = ?2 AND id < ?3 \
                   AND (?4 IS NULL OR endpoint_id = ?4) AND (?5 IS NULL OR status = ?5) ORDER BY id DESC LIMIT ?6";
        let (endpoint, status) = (opt_key(filter.endpoint_id), filter.status.map(Code::code));
        self.read(sql, params![key(event), key(self.project), self.before, endpoint, status, self.limit()])
    }

    /// The project's endpoints that ever had a delivery.
    fn endpoints(&self, only: Option<EndpointId>) -> Run<Vec<Numbers>> {
        let mut statement = self.sql.prepare_cached(
            "SELECT endpoint_id, pending, delivered, failed, cancelled FROM delivery_counts \
             WHERE project_id = ?1 AND (?2 IS NULL OR endpoint_id = ?2)",
        )?;
        let rows = statement.query_map(params![key(self.project), opt_key(only)], |row| {
            let by_status = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok(Numbers { endpoint: id(row, 0)?, by_status })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn of_endpoint(&self, numbers: &Numbers, status: Option<DeliveryStatus>) -> Run<Vec<DeliveryId>> {
        let (endpoint, before, limit) = (key(numbers.endpoint), self.before, self.limit());
        match status {
            None => self.read(
                "SELECT id FROM deliveries WHERE endpoint_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                params![endpoint, before, limit],
            ),
            Some(DeliveryStatus::Failed | DeliveryStatus::Cancelled) => self.read(
                "SELECT id FROM deliveries INDEXED BY deliveries_not_arrived \
                 WHERE endpoint_id = ?1 AND status = ?4 AND status >= 2 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                params![endpoint, before, limit, status.map(Code::code)],
            ),
            Some(DeliveryStatus::Pending) if numbers.pending_lie_apart(limit) => self.read(
                "SELECT id FROM deliveries INDEXED BY deliveries_due \
                 WHERE endpoint_id = ?1 AND due IS NOT NULL AND id < ?2 UNION \
                 SELECT id FROM deliveries INDEXED BY deliveries_queued \
                 WHERE endpoint_id = ?1 AND status = 0 AND queue_key IS NOT NULL AND id < ?2 ORDER BY id DESC LIMIT ?3",
                params![endpoint, before, limit],
            ),
            Some(DeliveryStatus::Pending | DeliveryStatus::Delivered) => self.read(
                "SELECT id FROM deliveries INDEXED BY deliveries_of_endpoint \
                 WHERE endpoint_id = ?1 AND id < ?2 AND status = ?4 ORDER BY id DESC LIMIT ?3",
                params![endpoint, before, limit, status.map(Code::code)],
            ),
        }
    }

    fn limit(&self) -> i64 {
        int(self.rows as u64)
    }

    fn read(&self, sql: &str, params: impl rusqlite::Params) -> Run<Vec<DeliveryId>> {
        let mut statement = self.sql.prepare_cached(sql)?;
        Ok(statement.query_map(params, |row| id(row, 0))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Numbers {
    /// Whether reading all that is pending is cheaper than walking the endpoint's list until a page is full.
    fn pending_lie_apart(&self, limit: i64) -> bool {
        let pending = self.by_status[DeliveryStatus::Pending as usize].max(1);
        let total: i64 = self.by_status.iter().sum();
        pending < limit.saturating_mul(total) / pending
    }
}

/// One delivery of a project.
pub(crate) fn one(sql: &Connection, project: ProjectId, delivery: DeliveryId) -> Run<Option<DeliveryRecord>> {
    let mut statement = sql.prepare_cached(
        "SELECT d.id, d.project_id, d.event_id, e.type, d.endpoint_id, coalesce(p.name, ''), d.status, e.ordering_key, \
         d.held, d.due, d.steps_used, d.attempt_count, d.manual, d.waiter, d.created_at, d.completed_at, \
         (SELECT a.reason FROM attempts a WHERE a.delivery_id = d.id ORDER BY a.rowid DESC LIMIT 1), \
         (SELECT a.reason_code FROM attempts a WHERE a.delivery_id = d.id ORDER BY a.rowid DESC LIMIT 1) \
         FROM deliveries d JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id \
         LEFT JOIN endpoints p ON p.id = d.endpoint_id WHERE d.id = ?1 AND d.project_id = ?2",
    )?;
    Ok(statement.query_row(params![key(delivery), key(project)], delivery_record).optional()?)
}

fn delivery_record(row: &Row<'_>) -> rusqlite::Result<DeliveryRecord> {
    Ok(DeliveryRecord {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        event_id: id(row, 2)?,
        event_type: parsed(row, 3)?,
        endpoint_id: id(row, 4)?,
        endpoint_name: row.get(5)?,
        status: Code::read(row, 6)?,
        ordering_key: row.get(7)?,
        held: row.get(8)?,
        due: opt_time(row, 9)?,
        steps_used: number(row, 10)?,
        attempt_count: number(row, 11)?,
        manual: row.get(12)?,
        waiter: opt_json(row, 13)?,
        created_at: time(row, 14)?,
        completed_at: opt_time(row, 15)?,
        last_reason: row.get(16)?,
        last_reason_code: row.get(17)?,
    })
}
