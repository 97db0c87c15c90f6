//! Sending many deliveries again, making them later, and cancelling them: each in steps of a few hundred rows. What a
//! step is about is read by the readers; the writer changes rows by their keys only.

use crate::SqliteStorage;
use crate::events::{data, event};
use crate::faults::Run;
use crate::jobs::Tx;
use crate::rows::{Code, from_json, id, int, json, key, micros, number, time, uint};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::TypePattern;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, Id, ProjectId, ReplayId};
use kanca_storage::Result;
use kanca_storage::events::EventRecord;
use kanca_storage::replays::{Again, Gap, Recovered, Replay, Replays, Selected, Selection, Step, Work};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

/// How much earlier than its event's acceptance the time in an id may be.
const ID_LEEWAY_MILLIS: i64 = 60_000;

#[async_trait]
impl Replays for SqliteStorage {
    async fn count_selected(&self, selection: Selection) -> Result<u64> {
        self.settled_readers().await.call(move |sql| count(sql, &selection)).await
    }

    async fn selected(&self, selection: Selection, after: Option<DeliveryId>, limit: u32) -> Result<Vec<Selected>> {
        self.settled_readers().await.call(move |sql| select(sql, &selection, after, limit)).await
    }

    async fn without_delivery(
        &self,
        gap: Gap,
        after: Option<EventId>,
        limit: u32,
        with_data: bool,
    ) -> Result<Vec<EventRecord>> {
        self.settled_readers().await.call(move |sql| missing(sql, &gap, after, limit, with_data)).await
    }

    async fn begin_replays(&self, replays: Vec<Replay>) -> Result<()> {
        let works = replays.iter().map(|replay| json(&replay.work)).collect::<Result<Vec<_>>>()?;
        self.writer
            .call(move |tx| {
                for (replay, work) in replays.iter().zip(&works) {
                    tx.memory.note_id(replay.id.uuid());
                    let after = replay.after.map(Uuid::into_bytes);
                    tx.execute(
                        "INSERT INTO replays (id, work, after, next_due) VALUES (?1, ?2, ?3, ?4)",
                        params![key(replay.id), work, after, micros(replay.next_due)],
                    )?;
                }
                Ok(())
            })
            .await
    }

    async fn unfinished_replays(&self) -> Result<Vec<Replay>> {
        self.settled_readers()
            .await
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT id, work, after, next_due FROM replays ORDER BY id")?;
                Ok(statement.query_map([], replay)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn send_again(&self, step: Step, deliveries: Vec<Again>) -> Result<u64> {
        self.writer.call(move |tx| send_again(tx, &step, &deliveries)).await
    }

    async fn recover(&self, step: Step, deliveries: Vec<Recovered>) -> Result<u64> {
        self.writer.call(move |tx| recover(tx, &step, &deliveries)).await
    }

    async fn cancel_pending(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<u64> {
        self.writer
            .call(move |tx| {
                let project = tx
                    .prepare("SELECT project_id FROM endpoints WHERE id = ?1 AND deleted_at IS NOT NULL")?
                    .query_row([key(endpoint)], |row| id::<ProjectId>(row, 0))
                    .optional()?;
                project.map_or(Ok(0), |project| cancel_some(tx, project, endpoint, now, limit))
            })
            .await
    }

    async fn deleted_with_pending(&self) -> Result<Vec<EndpointId>> {
        self.settled_readers()
            .await
            .call(|sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT c.endpoint_id FROM delivery_counts c JOIN endpoints e ON e.id = c.endpoint_id \
                     WHERE c.pending > 0 AND e.deleted_at IS NOT NULL",
                )?;
                Ok(statement.query_map([], |row| id(row, 0))?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}

/// Cancels some pending deliveries of an endpoint.
pub(crate) fn cancel_some(
    tx: &mut Tx<'_>,
    project: ProjectId,
    endpoint: EndpointId,
    now: Timestamp,
    limit: u32,
) -> Run<u64> {
    // One that is the head of its key is named by both indexes, and counts twice towards the limit.
    let cancelled = tx.execute(
        "UPDATE deliveries SET status = 3, completed_at = ?2, due = NULL, held = 0, manual = 0, \
         prior_status = NULL, prior_completed_at = NULL WHERE id IN ( \
         SELECT id FROM deliveries INDEXED BY deliveries_due \
         WHERE endpoint_id = ?1 AND due IS NOT NULL UNION ALL \
         SELECT id FROM deliveries INDEXED BY deliveries_queued \
         WHERE endpoint_id = ?1 AND status = 0 AND queue_key IS NOT NULL LIMIT ?3)",
        params![key(endpoint), micros(now), limit],
    )?;
    let n = i64::try_from(cancelled).unwrap_or(i64::MAX);
    let (from, to) = (DeliveryStatus::Pending, DeliveryStatus::Cancelled);
    tx.memory.count(project.uuid(), endpoint.uuid(), Some(from), to, n);
    Ok(uint(n))
}

/// The index in which what is wanted lies densest, with what that index demands.
fn along(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Failed | DeliveryStatus::Cancelled => "INDEXED BY deliveries_not_arrived WHERE d.status >= 2",
        DeliveryStatus::Pending | DeliveryStatus::Delivered => "INDEXED BY deliveries_of_endpoint WHERE TRUE",
    }
}

/// Reads along a selection; `?10` is the query's own.
fn read<T>(
    sql: &Connection,
    selection: &Selection,
    after: Option<DeliveryId>,
    columns: (&str, &str, i64),
    show: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Run<Vec<T>> {
    let (wanted, tail, parameter) = columns;
    let along = along(selection.status);
    let text = format!(
        "SELECT {wanted} FROM (SELECT * FROM deliveries d {along} AND d.endpoint_id = ?1 AND d.status = ?2 \
         AND d.id > ?3 AND d.id < ?11) d JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id \
         WHERE d.project_id = ?4 AND d.created_at >= ?5 AND d.created_at < ?6 AND d.completed_at <= ?7 \
         AND (?8 IS NULL OR e.type = ?8) AND (?9 IS NULL OR substr(e.type, 1, length(?9)) = ?9) {tail}"
    );
    let (exact, prefix) = match &selection.event_type {
        None | Some(TypePattern::Any) => (None, None),
        Some(TypePattern::Exact(exact)) => (Some(exact.as_str()), None),
        Some(TypePattern::Below(prefix)) => (None, Some(&**prefix)),
    };
    let since = selection.since.map_or(0, micros);
    let mut statement = sql.prepare_cached(&text)?;
    let rows = statement.query_map(
        params![
            key(selection.endpoint_id),
            selection.status.code(),
            after.map_or_else(|| first_id(since), key),
            key(selection.project_id),
            since,
            selection.until.map_or(i64::MAX, micros),
            micros(selection.ended_by),
            exact,
            prefix,
            parameter,
            bound(selection.before)
        ],
        show,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn count(sql: &Connection, selection: &Selection) -> Run<u64> {
    let counted = read(sql, selection, None, ("count(*)", "AND ?10 = 0", 0), |row| number::<u64>(row, 0))?;
    Ok(counted.into_iter().sum())
}

fn select(sql: &Connection, selection: &Selection, after: Option<DeliveryId>, limit: u32) -> Run<Vec<Selected>> {
    let columns = ("d.id, e.ordering_key", "ORDER BY d.id LIMIT ?10", i64::from(limit));
    read(sql, selection, after, columns, |row| Ok(Selected { id: id(row, 0)?, ordering_key: row.get(1)? }))
}

/// An id that those that are looked for are below.
fn bound(before: Option<ReplayId>) -> [u8; 16] {
    before.map_or(Uuid::max(), Id::uuid).into_bytes()
}

/// An id below all those that were made at or after an instant.
fn first_id(micros: i64) -> [u8; 16] {
    let millis = (micros / 1_000).saturating_sub(ID_LEEWAY_MILLIS);
    key(EventId::new(uint(millis), &[0; 10]))
}

fn missing(sql: &Connection, gap: &Gap, after: Option<EventId>, limit: u32, with_data: bool) -> Run<Vec<EventRecord>> {
    let mut statement = sql.prepare_cached(
        "SELECT id, project_id, type, timestamp, accepted_at, hops, ordering_key, idempotency_key, explanation, test, \
         CASE WHEN ?7 THEN data END FROM events e WHERE project_id = ?1 AND id > ?2 AND id < ?8 AND accepted_at >= ?3 \
         AND accepted_at < ?4 AND test = 0 AND NOT EXISTS ( \
         SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.endpoint_id = ?5) ORDER BY id LIMIT ?6",
    )?;
    let since = micros(gap.since);
    let rows = statement.query_map(
        params![
            key(gap.project_id),
            after.map_or_else(|| first_id(since), key),
            since,
            micros(gap.until),
            key(gap.endpoint_id),
            limit,
            with_data,
            bound(gap.before)
        ],
        |row| {
            let mut found = event(row)?;
            found.data = if with_data { Some(data(row, 10)?) } else { None };
            Ok(found)
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn replay(row: &Row<'_>) -> rusqlite::Result<Replay> {
    Ok(Replay {
        id: id(row, 0)?,
        work: from_json(row, 1)?,
        after: row.get::<_, Option<[u8; 16]>>(2)?.map(Uuid::from_bytes),
        next_due: time(row, 3)?,
    })
}

/// Moves the replay on; says whether its deliveries may be changed.
fn move_on(tx: &mut Tx<'_>, step: &Step) -> Run<bool> {
    let replay = &step.replay;
    let gone = tx.memory.is_endpoint_deleted(replay.work.endpoint_id().uuid());
    if step.finished || gone {
        tx.execute("DELETE FROM replays WHERE id = ?1", [key(replay.id)])?;
    } else {
        tx.execute(
            "UPDATE replays SET after = ?2, next_due = ?3 WHERE id = ?1",
            params![key(replay.id), replay.after.map(Uuid::into_bytes), micros(replay.next_due)],
        )?;
    }
    Ok(!gone)
}

fn send_again(tx: &mut Tx<'_>, step: &Step, deliveries: &[Again]) -> Run<u64> {
    let Work::Again(selection) = &step.replay.work else { return Ok(0) };
    if !move_on(tx, step)? {
        return Ok(0);
    }
    let endpoint = selection.endpoint_id;
    let mut changed = 0;
    for delivery in deliveries {
        let held = is_queued(tx, endpoint, delivery.queue_key.as_deref())?;
        let due = micros(delivery.due);
        let updated = tx.execute(
            "UPDATE deliveries SET status = 0, held = ?5, due = ?6, manual = 0, steps_used = 0, restarted_at = ?7, \
             completed_at = NULL, prior_status = NULL, prior_completed_at = NULL, queue_key = ?8, waiter = NULL \
             WHERE id = ?1 AND project_id = ?2 AND endpoint_id = ?3 AND status = ?4",
            params![
                key(delivery.id),
                key(selection.project_id),
                key(endpoint),
                selection.status.code(),
                held,
                (!held).then_some(due),
                micros(step.now),
                delivery.queue_key
            ],
        )?;
        if updated > 0 {
            changed += 1;
            if !held {
                tx.memory.now_due(endpoint.uuid(), (due, delivery.id.uuid()));
            }
        }
    }
    let (from, to) = (selection.status, DeliveryStatus::Pending);
    tx.memory.count(selection.project_id.uuid(), endpoint.uuid(), Some(from), to, int(changed));
    Ok(changed)
}

fn recover(tx: &mut Tx<'_>, step: &Step, deliveries: &[Recovered]) -> Run<u64> {
    let Work::Recover(gap) = &step.replay.work else { return Ok(0) };
    if !move_on(tx, step)? {
        return Ok(0);
    }
    let endpoint = gap.endpoint_id;
    let mut made = 0;
    for Recovered { event_id, delivery } in deliveries {
        let held = is_queued(tx, endpoint, delivery.queue_key.as_deref())?;
        let due = micros(delivery.due);
        let inserted = tx.execute(
            "INSERT INTO deliveries (id, project_id, event_id, endpoint_id, status, held, manual, due, steps_used, \
             attempt_count, created_at, queue_key) SELECT ?1, ?2, ?3, ?4, 0, ?5, 0, ?6, 0, 0, ?7, ?8 \
             WHERE EXISTS (SELECT 1 FROM events WHERE project_id = ?2 AND id = ?3) \
             AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event_id = ?3 AND endpoint_id = ?4)",
            params![
                key(delivery.id),
                key(gap.project_id),
                key(*event_id),
                key(endpoint),
                held,
                (!held).then_some(due),
                micros(step.now),
                delivery.queue_key
            ],
        )?;
        if inserted > 0 {
            made += 1;
            tx.memory.note_id(delivery.id.uuid());
            if !held {
                tx.memory.now_due(endpoint.uuid(), (due, delivery.id.uuid()));
            }
        }
    }
    tx.memory.count(gap.project_id.uuid(), endpoint.uuid(), None, DeliveryStatus::Pending, int(made));
    Ok(made)
}

/// Whether something pending of this key has to end first.
fn is_queued(tx: &Tx<'_>, endpoint: EndpointId, queue_key: Option<&str>) -> Run<bool> {
    let Some(queue_key) = queue_key else { return Ok(false) };
    let mut statement = tx.prepare(
        "SELECT 1 FROM deliveries INDEXED BY deliveries_queued \
         WHERE endpoint_id = ?1 AND queue_key = ?2 AND status = 0 AND queue_key IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.exists(params![key(endpoint), queue_key])?)
}
