//! Dropping old rows in portions that are too small to be felt.
//!
//! What may go is found by a reader; the writer only looks once more and deletes, by key, and goes when nobody else waits
//! for it. Rows go in the order in which they came, so whole pages become free, and SQLite fills them again before the
//! file grows.

mod oldest;

use crate::SqliteStorage;
use crate::faults::Run;
use crate::jobs::Tx;
use crate::rows::{Code, int, key, micros, uint};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{EventId, Id, InboxId, ProjectId};
use kanca_storage::Result;
use kanca_storage::retention::{Dropped, DroppedRequests, Oldest, Retention};
use rusqlite::{Connection, params};
use std::time::Duration;
use uuid::Uuid;

/// How much one commit may drop: about so many entries of tables and indexes, and pages of long values.
const WORK: u64 = 600;
/// A page of long values.
const PAGE: u64 = 8_192;
/// How long a portion waits for a moment in which nobody else writes.
const PATIENCE: Duration = Duration::from_millis(25);

/// An event that may go when it is looked at, and may not when it is dropped.
struct Candidate {
    rowid: i64,
    event: [u8; 16],
}

/// What a reader saw.
struct Portion {
    candidates: Vec<Candidate>,
    /// The last event that was looked at, when there may be more to drop after it.
    last: Option<[u8; 16]>,
}

#[async_trait]
impl Retention for SqliteStorage {
    async fn live_bytes(&self) -> Result<u64> {
        self.settled_readers()
            .await
            .call(|sql| {
                let pragma = |name: &str| sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                Ok(uint((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?))
            })
            .await
    }

    async fn drop_old_events(
        &self,
        project: ProjectId,
        before: Timestamp,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Dropped<EventId>> {
        let (after, before) = (after.map_or([0; 16], key), micros(before));
        let find = move |sql: &Connection| {
            let mut statement = sql.prepare_cached(
                "SELECT rowid, id, accepted_at, octet_length(data) FROM events \
                 WHERE project_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
            portion(sql, limit, before, statement.query(params![key(project), after, limit])?)
        };
        let Portion { candidates, last } = self.settled_readers().await.call(find).await?;
        let next = last.map(|event| EventId::from_uuid(Uuid::from_bytes(event)));
        let nothing = Dropped { events: 0, deliveries: 0, attempts: 0, requests: 0, next };
        if candidates.is_empty() {
            return Ok(nothing);
        }
        self.writer.quiet(PATIENCE).await;
        self.writer
            .call(move |tx| {
                let mut dropped = nothing;
                for candidate in &candidates {
                    drop_event(tx, candidate, &mut dropped)?;
                }
                Ok(dropped)
            })
            .await
    }

    async fn drop_oldest(&self, after: Oldest, limit: u32) -> Result<Dropped<Oldest>> {
        self.drop_what_came_first(after, limit).await
    }

    async fn drop_old_requests(
        &self,
        project: ProjectId,
        inbox: InboxId,
        before: Timestamp,
        limit: u32,
    ) -> Result<DroppedRequests> {
        let old =
            self.settled_readers().await.call(move |sql| old_requests(sql, project, inbox, before, limit)).await?;
        let (rowids, more) = old;
        if rowids.is_empty() {
            return Ok(DroppedRequests { requests: 0, more: false });
        }
        self.writer.quiet(PATIENCE).await;
        let requests = self.writer.call(move |tx| drop_requests(tx, key(inbox), &rowids)).await?;
        Ok(DroppedRequests { requests, more })
    }
}

/// Reads events until there is work enough for one commit. There may be more to drop after it unless it is the end, or
/// nothing in it is old: events come in the order of their age, save for what a clock did that was set back.
fn portion(sql: &Connection, limit: u32, before: i64, mut rows: rusqlite::Rows<'_>) -> Run<Portion> {
    let (mut portion, mut seen, mut old, mut work) = (Portion { candidates: Vec::new(), last: None }, 0, false, 0);
    while let Some(row) = rows.next()? {
        let (event, accepted_at): ([u8; 16], i64) = (row.get(1)?, row.get(2)?);
        seen += 1;
        portion.last = Some(event);
        if accepted_at >= before {
            continue;
        }
        old = true;
        let Some(takes) = work_of_event(sql, event, uint(row.get(3)?))? else { continue };
        portion.candidates.push(Candidate { rowid: row.get(0)?, event });
        work += takes;
        if work >= WORK {
            return Ok(portion);
        }
    }
    if seen < limit || !old {
        portion.last = None;
    }
    Ok(portion)
}

/// How much it takes to drop an event with so many bytes of data; `None` when one of its deliveries is pending.
fn work_of_event(sql: &Connection, event: [u8; 16], bytes: u64) -> Run<Option<u64>> {
    let mut statement = sql.prepare_cached(
        "SELECT coalesce(sum(status = 0), 0), count(*), coalesce(sum(attempt_count), 0) FROM deliveries \
         WHERE event_id = ?1",
    )?;
    let (pending, deliveries, attempts): (i64, _, _) =
        statement.query_row([event], |row| Ok((row.get(0)?, uint(row.get(1)?), uint(row.get(2)?))))?;
    Ok((pending == 0).then_some(3 + 4 * deliveries + 3 * attempts + bytes / PAGE))
}

/// How much it takes to drop a request of so many bytes.
fn work_of_request(bytes: u64) -> u64 {
    2 + bytes / PAGE
}

/// Drops an event with its deliveries and attempts, unless one of them is pending or in somebody's hands.
fn drop_event<After>(tx: &mut Tx<'_>, candidate: &Candidate, dropped: &mut Dropped<After>) -> Run<()> {
    let mut statement = tx.prepare("SELECT id, status, project_id, endpoint_id FROM deliveries WHERE event_id = ?1")?;
    let deliveries = statement
        .query_map([candidate.event], |row| {
            let uuid = |column| row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes);
            Ok((uuid(0)?, DeliveryStatus::read(row, 1)?, uuid(2)?, uuid(3)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    drop(statement);
    let in_use = |(id, status, ..): &(Uuid, DeliveryStatus, Uuid, Uuid)| {
        *status == DeliveryStatus::Pending || tx.memory.claimed(*id).is_some()
    };
    if deliveries.iter().any(in_use) {
        return Ok(());
    }
    let events =
        tx.execute("DELETE FROM events WHERE rowid = ?1 AND id = ?2", params![candidate.rowid, candidate.event])?;
    for (id, status, project, endpoint) in deliveries {
        dropped.attempts += tx.execute("DELETE FROM attempts WHERE delivery_id = ?1", [id.as_bytes()])? as u64;
        dropped.deliveries += tx.execute("DELETE FROM deliveries WHERE id = ?1", [id.as_bytes()])? as u64;
        tx.memory.drop_count(project, endpoint, status);
    }
    dropped.events += events as u64;
    Ok(())
}

/// The oldest requests that are old enough, as many as one commit drops, and whether there may be more.
fn old_requests(
    sql: &Connection,
    project: ProjectId,
    inbox: InboxId,
    before: Timestamp,
    limit: u32,
) -> Run<(Vec<i64>, bool)> {
    let mut statement = sql.prepare_cached(
        "SELECT rowid, received_at, kept_bytes FROM requests WHERE inbox_id = ?1 \
         AND EXISTS (SELECT 1 FROM inboxes WHERE id = ?1 AND project_id = ?2) ORDER BY id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![key(inbox), key(project), limit])?;
    let (mut rowids, mut seen, mut work) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        seen += 1;
        if row.get::<_, i64>(1)? >= micros(before) {
            continue;
        }
        rowids.push(row.get(0)?);
        work += work_of_request(uint(row.get(2)?));
        if work >= WORK {
            return Ok((rowids, true));
        }
    }
    let more = seen == limit && !rowids.is_empty();
    Ok((rowids, more))
}

/// Drops requests that are still there.
fn drop_requests(tx: &mut Tx<'_>, inbox: [u8; 16], rowids: &[i64]) -> Run<u64> {
    let (mut requests, mut bytes) = (0, 0);
    for rowid in rowids {
        let kept = tx
            .prepare("DELETE FROM requests WHERE rowid = ?1 AND inbox_id = ?2 RETURNING kept_bytes")?
            .query_map(params![rowid, inbox], |row| row.get::<_, i64>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        requests += kept.len() as u64;
        bytes += kept.iter().sum::<i64>();
    }
    tx.execute(
        "UPDATE inboxes SET request_count = request_count - ?2, bytes = bytes - ?3 WHERE id = ?1",
        params![inbox, int(requests), bytes],
    )?;
    Ok(requests)
}
