//! Dropping what came first of everything, when the data is larger than it may be.
//!
//! Events and captured requests are in tables of their own. Their ids come from one source that only goes up, so the
//! smaller id of two came first, whatever the clock said.

use super::{Candidate, PATIENCE, WORK, drop_event, drop_requests, work_of_event, work_of_request};
use crate::SqliteStorage;
use crate::faults::Run;
use crate::rows::{int, uint};
use kanca_storage::Result;
use kanca_storage::retention::{Dropped, Oldest};
use rusqlite::{Connection, Row, Rows};
use std::collections::HashMap;

/// What a reader saw.
#[derive(Default)]
struct Portion {
    events: Vec<Candidate>,
    /// Rows of requests by inbox.
    requests: HashMap<[u8; 16], Vec<i64>>,
    /// Where to go on, unless there was nothing more to look at.
    next: Option<Oldest>,
}

impl SqliteStorage {
    pub(super) async fn drop_what_came_first(&self, after: Oldest, limit: u32) -> Result<Dropped<Oldest>> {
        let found = self.settled_readers().await.call(move |sql| portion(sql, after, limit)).await?;
        let Portion { events, requests, next } = found;
        let nothing = Dropped { events: 0, deliveries: 0, attempts: 0, requests: 0, next };
        if events.is_empty() && requests.is_empty() {
            return Ok(nothing);
        }
        self.writer.quiet(PATIENCE).await;
        self.writer
            .call(move |tx| {
                let mut dropped = nothing;
                for event in &events {
                    drop_event(tx, event, &mut dropped)?;
                }
                for (inbox, rowids) in &requests {
                    dropped.requests += drop_requests(tx, *inbox, rowids)?;
                }
                Ok(dropped)
            })
            .await
    }
}

/// A row of either table: its number, its id, the inbox of a request, and the bytes of its long value.
struct Found {
    rowid: i64,
    id: [u8; 16],
    inbox: Option<[u8; 16]>,
    bytes: u64,
}

impl Found {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { rowid: row.get(0)?, id: row.get(1)?, inbox: row.get(2)?, bytes: uint(row.get(3)?) })
    }
}

fn next(rows: &mut Rows<'_>) -> Run<Option<Found>> {
    Ok(rows.next()?.map(Found::of).transpose()?)
}

/// Reads from both tables in the order in which their rows came, until there is work enough for one commit.
fn portion(sql: &Connection, after: Oldest, limit: u32) -> Run<Portion> {
    let mut events =
        sql.prepare_cached("SELECT rowid, id, NULL, octet_length(data) FROM events WHERE rowid > ?1 ORDER BY rowid")?;
    let mut requests =
        sql.prepare_cached("SELECT rowid, id, inbox_id, kept_bytes FROM requests WHERE rowid > ?1 ORDER BY rowid")?;
    let (mut events, mut requests) = (events.query([int(after.events)])?, requests.query([int(after.requests)])?);
    let (mut event, mut request) = (next(&mut events)?, next(&mut requests)?);
    let (mut portion, mut reached, mut work) = (Portion::default(), after, 0);
    for _ in 0..limit {
        let is_event = match (&event, &request) {
            (Some(event), Some(request)) => event.id < request.id,
            (one, _) => one.is_some(),
        };
        let (head, rows) = if is_event { (&mut event, &mut events) } else { (&mut request, &mut requests) };
        let Some(first) = std::mem::replace(head, next(rows)?) else { return Ok(portion) };
        if let Some(inbox) = first.inbox {
            reached.requests = uint(first.rowid);
            work += work_of_request(first.bytes);
            portion.requests.entry(inbox).or_default().push(first.rowid);
        } else {
            reached.events = uint(first.rowid);
            if let Some(takes) = work_of_event(sql, first.id, first.bytes)? {
                work += takes;
                portion.events.push(Candidate { rowid: first.rowid, event: first.id });
            }
        }
        if work >= WORK {
            break;
        }
    }
    portion.next = Some(reached);
    Ok(portion)
}
