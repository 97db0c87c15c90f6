//! Accepting events, and reading them.

use crate::claims::ClaimGuard;
use crate::faults::Run;
use crate::jobs::Tx;
use crate::journal::{Event as EventRow, Record};
use crate::new_events::NewEvents;
use crate::rows::{before, id, int, json, key, micros, number, opt_json, page_limit, page_of, parsed, time, wrong};
use crate::{SqliteStorage, counts};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use kanca_domain::events::EventData;
use kanca_domain::ids::{DeliveryId, EventId, Id, ProjectId};
use kanca_storage::deliveries::StatusCounts;
use kanca_storage::events::{Accepted, AllAccepted, EventRecord, Events, Idempotency, NewEvent};
use kanca_storage::{Page, PageRequest, Result, StorageError};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

/// How long an idempotency key is remembered.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Bytes of data, and deliveries, from which on an event goes straight into the tables.
const SMALL: usize = 256 << 10;
const FEW: usize = 256;

/// An event with everything turned into text by the caller's thread, so that the writer only writes.
pub(crate) struct Prepared {
    pub(crate) event: NewEvent,
    pub(crate) timestamp: String,
    pub(crate) explanation: Option<String>,
    pub(crate) waiters: Vec<Option<String>>,
}

impl Prepared {
    pub(crate) fn new(event: NewEvent) -> Result<Self> {
        let explanation = if event.explanation.is_empty() { None } else { Some(json(&event.explanation)?) };
        let waiters =
            event.deliveries.iter().map(|d| d.waiter.as_ref().map(json).transpose()).collect::<Result<_>>()?;
        Ok(Self { timestamp: event.timestamp.to_string(), explanation, waiters, event })
    }

    /// Whether nothing has to be read to accept it, and it takes little room in the journal.
    pub(crate) fn is_plain(&self) -> bool {
        self.event.idempotency.is_none()
            && self.event.data.as_str().len() <= SMALL
            && self.event.deliveries.len() <= FEW
            && self.event.deliveries.iter().all(|delivery| delivery.queue_key.is_none())
    }

    /// The deliveries that the caller takes at once.
    pub(crate) fn to_claim(&self) -> impl Iterator<Item = Uuid> {
        self.event.deliveries.iter().filter(|d| d.claim).map(|d| d.id.uuid())
    }
}

/// Stores an event with its deliveries, unless its idempotency key is known.
pub(crate) fn accept(tx: &mut Tx<'_>, prepared: &Prepared) -> Run<Accepted> {
    let event = &prepared.event;
    if let Some(idempotency) = &event.idempotency
        && let Some(known) = known_key(tx, event, idempotency)?
    {
        return Ok(known);
    }
    let held = store(tx, &EventRow::of(prepared))?;
    Ok(Accepted::New { held })
}

/// The same of an event that was written as a row, without an idempotency key.
pub(crate) fn accept_row(tx: &mut Tx<'_>, row: &[u8]) -> Run<Accepted> {
    match Record::of(row)? {
        Record::Event(event) => Ok(Accepted::New { held: store(tx, &event)? }),
        Record::Outcome(_) => Err(StorageError::Internal("an outcome came in the place of an event".into()).into()),
    }
}

/// Stores an event with its deliveries. Returns those that must not start.
fn store(tx: &mut Tx<'_>, event: &EventRow<'_>) -> Run<Vec<DeliveryId>> {
    let mut new = NewEvents::default();
    let held = new.add(tx, event, &mut |_| None)?;
    new.insert(tx)?;
    Ok(held)
}

/// What is known of the event's key; an unknown key is stored.
fn known_key(tx: &mut Tx<'_>, event: &NewEvent, idempotency: &Idempotency) -> Run<Option<Accepted>> {
    if let Some((event_id, fingerprint)) = stored_key(tx, event, idempotency)? {
        let same = fingerprint == idempotency.fingerprint;
        return Ok(Some(if same { Accepted::Repeated { event_id } } else { Accepted::KeyTaken { event_id } }));
    }
    tx.execute(
        "INSERT OR REPLACE INTO idempotency (project_id, key, event_id, fingerprint, accepted_at) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            key(event.project_id),
            idempotency.key,
            key(event.id),
            idempotency.fingerprint,
            micros(event.accepted_at)
        ],
    )?;
    Ok(None)
}

/// Who came under the event's key within the window, and with which content.
pub(crate) fn stored_key(tx: &Tx<'_>, event: &NewEvent, idempotency: &Idempotency) -> Run<Option<(EventId, [u8; 32])>> {
    let oldest = micros(event.accepted_at.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN));
    let found = tx
        .prepare(
            "SELECT event_id, fingerprint FROM idempotency WHERE project_id = ?1 AND key = ?2 AND accepted_at > ?3",
        )?
        .query_row(params![key(event.project_id), idempotency.key, oldest], |row| Ok((id(row, 0)?, row.get(1)?)));
    Ok(found.optional()?)
}

#[async_trait]
impl Events for SqliteStorage {
    async fn accept_event(&self, event: NewEvent) -> Result<Accepted> {
        let prepared = Prepared::new(event)?;
        let to_claim = prepared.to_claim().collect();
        let (guard, accepted);
        if let Some(journal) = self.journal.as_ref().filter(|journal| journal.takes_event(&prepared)) {
            guard = ClaimGuard::after_journal(journal, to_claim);
            let bytes = EventRow::of(&prepared).into_bytes()?;
            // What it was made of is freed here, where it was made.
            drop(prepared);
            accepted = journal.accept(bytes).await;
        } else {
            guard = ClaimGuard::new(&self.writer, to_claim);
            accepted = self.writer.call(move |tx| accept(tx, &prepared)).await;
        }
        if accepted.is_ok() {
            guard.keep();
        }
        accepted
    }

    async fn accept_events(&self, events: Vec<NewEvent>) -> Result<AllAccepted> {
        self.accept_together(events).await
    }

    async fn events(
        &self,
        project: ProjectId,
        event_type: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<EventRecord>> {
        let event_type = event_type.map(str::to_owned);
        let limit = page_limit(page);
        self.settled_readers()
            .await
            .call(move |sql| {
                let (before, rows) = (before(page), int(limit as u64 + 1));
                let mut items: Vec<EventRecord> = match event_type {
                    None => sql
                        .prepare_cached(
                            "SELECT id, project_id, type, timestamp, accepted_at, hops, ordering_key, \
                             idempotency_key, explanation, test FROM events \
                             WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                        )?
                        .query_map(params![key(project), before, rows], event)?
                        .collect::<rusqlite::Result<_>>()?,
                    Some(event_type) => sql
                        .prepare_cached(
                            "SELECT id, project_id, type, timestamp, accepted_at, hops, ordering_key, \
                             idempotency_key, explanation, test FROM events \
                             WHERE project_id = ?1 AND type = ?4 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                        )?
                        .query_map(params![key(project), before, rows, event_type], event)?
                        .collect::<rusqlite::Result<_>>()?,
                };
                for item in items.iter_mut().take(limit) {
                    item.deliveries = counts::of_event(sql, item.id)?;
                }
                Ok(page_of(items, limit, |event| event.id.uuid()))
            })
            .await
    }

    async fn event(&self, project: ProjectId, event_id: EventId) -> Result<Option<EventRecord>> {
        self.settled_readers()
            .await
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, project_id, type, timestamp, accepted_at, hops, ordering_key, idempotency_key, \
                     explanation, test, data FROM events WHERE project_id = ?1 AND id = ?2",
                )?;
                let found = statement.query_row(params![key(project), key(event_id)], |row| {
                    let mut found = event(row)?;
                    found.data = Some(data(row, 10)?);
                    found.deliveries = counts::of_event(sql, event_id)?;
                    Ok(found)
                });
                Ok(found.optional()?)
            })
            .await
    }

    async fn count_events_since(&self, project: ProjectId, since: Timestamp) -> Result<u64> {
        self.settled_readers()
            .await
            .call(move |sql| {
                // The id holds the time of acceptance, so no further index is needed; a minute is left for an id that
                // was made before its event was accepted.
                let millis = u64::try_from(since.as_millisecond()).unwrap_or(0).saturating_sub(60_000);
                let first = EventId::new(millis, &[0; 10]);
                let mut statement = sql.prepare_cached(
                    "SELECT count(*) FROM events WHERE project_id = ?1 AND id >= ?2 AND accepted_at >= ?3",
                )?;
                Ok(statement.query_row(params![key(project), key(first), micros(since)], |row| number(row, 0))?)
            })
            .await
    }

    async fn prune_idempotency(&self, now: Timestamp, limit: u32) -> Result<u32> {
        let oldest = micros(now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN));
        self.writer
            .call(move |tx| {
                let pruned = tx.execute(
                    "DELETE FROM idempotency WHERE (project_id, key) IN (SELECT project_id, key FROM idempotency \
                     WHERE accepted_at <= ?1 ORDER BY accepted_at LIMIT ?2)",
                    params![oldest, limit],
                )?;
                Ok(u32::try_from(pruned).unwrap_or(u32::MAX))
            })
            .await
    }
}

/// The stored JSON text, exactly.
pub(crate) fn data(row: &Row<'_>, column: usize) -> rusqlite::Result<EventData> {
    EventData::parse(row.get_ref(column)?.as_bytes()?).map_err(|error| wrong(Type::Text, error))
}

/// A row of id, project, type, timestamp, acceptance, hops, both keys, explanation and test.
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
    Ok(EventRecord {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        event_type: parsed(row, 2)?,
        timestamp: parsed(row, 3)?,
        accepted_at: time(row, 4)?,
        data: None,
        hops: number(row, 5)?,
        ordering_key: row.get(6)?,
        idempotency_key: row.get(7)?,
        explanation: opt_json(row, 8)?.unwrap_or_default(),
        test: row.get(9)?,
        deliveries: StatusCounts::default(),
    })
}
