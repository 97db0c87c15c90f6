//! Numbers of deliveries by status, kept exact without ever counting rows, and the newest id's millisecond.
//!
//! Jobs only note their changes in memory; they are summed up and stored once for each commit.

use crate::faults::Run;
use crate::jobs::Tx;
use crate::rows::{id, int, key, uint};
use kanca_domain::ids::{EndpointId, EventId, ProjectId};
use kanca_storage::deliveries::StatusCounts;
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;

/// Stores what the jobs of this commit noted.
pub(crate) fn store(tx: &mut Tx<'_>) -> Run<()> {
    for change in tx.memory.changed_counts() {
        let [pending, delivered, failed, cancelled] = change.by_status;
        let params =
            params![change.project.as_bytes(), change.endpoint.as_bytes(), pending, delivered, failed, cancelled];
        let changed = tx.execute(
            "UPDATE delivery_counts SET pending = pending + ?3, delivered = delivered + ?4, failed = failed + ?5, \
             cancelled = cancelled + ?6 WHERE project_id = ?1 AND endpoint_id = ?2",
            params,
        )?;
        if changed == 0 {
            tx.execute("INSERT INTO delivery_counts VALUES (?1, ?2, ?3, ?4, ?5, ?6)", params)?;
        }
    }
    if let Some(millis) = tx.memory.grown_millis() {
        tx.execute("UPDATE newest_id SET millis = max(millis, ?1)", [int(millis)])?;
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StatusCounts> {
    let n = |column: &str| row.get::<_, i64>(column).map(uint);
    Ok(StatusCounts {
        pending: n("pending")?,
        delivered: n("delivered")?,
        failed: n("failed")?,
        cancelled: n("cancelled")?,
    })
}

/// The numbers of a project.
pub(crate) fn of_project(sql: &Connection, project: ProjectId) -> Run<StatusCounts> {
    let mut statement = sql.prepare_cached(
        "SELECT coalesce(sum(pending), 0) pending, coalesce(sum(delivered), 0) delivered, \
         coalesce(sum(failed), 0) failed, coalesce(sum(cancelled), 0) cancelled \
         FROM delivery_counts WHERE project_id = ?1",
    )?;
    Ok(statement.query_row([key(project)], from_row)?)
}

/// The numbers of each endpoint of a project, deleted ones too.
pub(crate) fn of_endpoints(sql: &Connection, project: ProjectId) -> Run<HashMap<EndpointId, StatusCounts>> {
    let mut statement = sql.prepare_cached("SELECT * FROM delivery_counts WHERE project_id = ?1")?;
    let rows = statement.query_map([key(project)], |row| Ok((id(row, "endpoint_id")?, from_row(row)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The numbers of one event, counted: an event has few deliveries.
pub(crate) fn of_event(sql: &Connection, event: EventId) -> rusqlite::Result<StatusCounts> {
    let mut statement = sql.prepare_cached(
        "SELECT coalesce(sum(status = 0), 0) pending, coalesce(sum(status = 1), 0) delivered, \
         coalesce(sum(status = 2), 0) failed, coalesce(sum(status = 3), 0) cancelled \
         FROM deliveries WHERE event_id = ?1",
    )?;
    statement.query_row([key(event)], from_row)
}
