//! Endpoints. A deleted one stays as a tombstone with its last name.

use crate::faults::Fault;
use crate::replays::cancel_some;
use crate::rows::{Code, from_json, id, json, key, micros, number, opt_id, opt_json, opt_key, time};
use crate::{SqliteStorage, counts};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::endpoints::{DisabledCode, Ordering};
use kanca_domain::ids::{EndpointId, Id, ProjectId};
use kanca_storage::deliveries::StatusCounts;
use kanca_storage::endpoints::{EndpointRecord, Endpoints, Outage};
use kanca_storage::{Result, StorageError};
use rusqlite::{Row, params};
use std::collections::HashMap;
use std::time::Duration;

/// Deliveries that are cancelled in the commit of the deletion; a backlog would hold everybody else up.
const CANCELLED_AT_ONCE: u32 = 500;

#[async_trait]
impl Endpoints for SqliteStorage {
    async fn create_endpoint(&self, endpoint: EndpointRecord) -> Result<()> {
        let event_types = endpoint.event_types.as_ref().map(json).transpose()?;
        let options = json(&endpoint.options)?;
        self.writer
            .call(move |tx| {
                tx.memory.note_id(endpoint.id.uuid());
                tx.prepare(
                    "INSERT INTO endpoints (id, project_id, name, url, event_types, format, ordering, status, \
                     disabled_reason, inbox_id, sealed_secret, sealed_headers, options, sealed_options, created_at, \
                     updated_at, disabled_code) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                )?
                .execute(params![
                    key(endpoint.id),
                    key(endpoint.project_id),
                    endpoint.name,
                    endpoint.url,
                    event_types,
                    endpoint.format.code(),
                    endpoint.ordering.code(),
                    endpoint.status.code(),
                    endpoint.disabled_reason,
                    opt_key(endpoint.inbox_id),
                    endpoint.sealed_secret,
                    endpoint.sealed_headers,
                    options,
                    endpoint.sealed_options,
                    micros(endpoint.created_at),
                    micros(endpoint.updated_at),
                    endpoint.disabled_code.map(DisabledCode::as_str)
                ])
                .map_err(|error| Fault::or_conflict(error, "the endpoint exists already"))?;
                Ok(())
            })
            .await
    }

    async fn update_endpoint(&self, endpoint: EndpointRecord) -> Result<()> {
        let event_types = endpoint.event_types.as_ref().map(json).transpose()?;
        let options = json(&endpoint.options)?;
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE endpoints SET name = ?3, url = ?4, event_types = ?5, format = ?6, ordering = ?7, \
                     status = ?8, disabled_reason = ?9, inbox_id = ?10, sealed_secret = ?11, sealed_headers = ?12, \
                     options = ?13, sealed_options = ?14, updated_at = ?15, disabled_code = ?16 \
                     WHERE id = ?1 AND project_id = ?2 AND deleted_at IS NULL",
                    params![
                        key(endpoint.id),
                        key(endpoint.project_id),
                        endpoint.name,
                        endpoint.url,
                        event_types,
                        endpoint.format.code(),
                        endpoint.ordering.code(),
                        endpoint.status.code(),
                        endpoint.disabled_reason,
                        opt_key(endpoint.inbox_id),
                        endpoint.sealed_secret,
                        endpoint.sealed_headers,
                        options,
                        endpoint.sealed_options,
                        micros(endpoint.updated_at),
                        endpoint.disabled_code.map(DisabledCode::as_str)
                    ],
                )?;
                if changed == 0 {
                    return Err(StorageError::NotFound("the endpoint").into());
                }
                if endpoint.ordering == Ordering::None {
                    tx.execute(
                        "UPDATE deliveries INDEXED BY deliveries_queued \
                         SET due = coalesce(due, max(?2, not_before), ?2), held = 0, queue_key = NULL \
                         WHERE endpoint_id = ?1 AND status = 0 AND queue_key IS NOT NULL",
                        params![key(endpoint.id), micros(endpoint.updated_at)],
                    )?;
                    tx.memory.search_anew(endpoint.id.uuid());
                    tx.memory.queues_dissolved(endpoint.id.uuid());
                }
                Ok(())
            })
            .await
    }

    async fn delete_endpoint(&self, project: ProjectId, endpoint: EndpointId, now: Timestamp) -> Result<()> {
        if let Some(journal) = &self.journal {
            journal.endpoint_deleted(endpoint.uuid());
        }
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE endpoints SET deleted_at = ?3, updated_at = ?3, url = '', event_types = '[]', \
                     disabled_reason = NULL, disabled_code = NULL, inbox_id = NULL, sealed_secret = x'', \
                     sealed_headers = x'', options = '{}', sealed_options = x'' \
                     WHERE id = ?1 AND project_id = ?2 AND deleted_at IS NULL",
                    params![key(endpoint), key(project), micros(now)],
                )?;
                if changed == 0 {
                    return Err(StorageError::NotFound("the endpoint").into());
                }
                cancel_some(tx, project, endpoint, now, CANCELLED_AT_ONCE)?;
                tx.memory.endpoint_deleted(endpoint.uuid());
                Ok(())
            })
            .await
    }

    async fn all_endpoints(&self) -> Result<Vec<EndpointRecord>> {
        self.readers
            .call(|sql| {
                let mut statement =
                    sql.prepare_cached("SELECT * FROM endpoints WHERE deleted_at IS NULL ORDER BY id")?;
                Ok(statement.query_map([], endpoint)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn note_outage(&self, endpoint: EndpointId, outage: Option<Outage>) -> Result<()> {
        self.writer
            .call(move |tx| {
                match outage {
                    Some(Outage { since, running }) => tx.execute(
                        "INSERT OR REPLACE INTO outages (endpoint_id, since, running) VALUES (?1, ?2, ?3)",
                        params![key(endpoint), micros(since), i64::try_from(running.as_micros()).unwrap_or(i64::MAX)],
                    )?,
                    None => tx.execute("DELETE FROM outages WHERE endpoint_id = ?1", [key(endpoint)])?,
                };
                Ok(())
            })
            .await
    }

    async fn outages(&self) -> Result<HashMap<EndpointId, Outage>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT o.endpoint_id, o.since, o.running FROM outages o JOIN endpoints e ON e.id = o.endpoint_id \
                     WHERE e.deleted_at IS NULL",
                )?;
                let rows = statement.query_map([], |row| {
                    let running = Duration::from_micros(number(row, 2)?);
                    Ok((id(row, 0)?, Outage { since: time(row, 1)?, running }))
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn endpoint_counts(&self, project: ProjectId) -> Result<HashMap<EndpointId, StatusCounts>> {
        self.settled_readers().await.call(move |sql| counts::of_endpoints(sql, project)).await
    }
}

fn endpoint(row: &Row<'_>) -> rusqlite::Result<EndpointRecord> {
    Ok(EndpointRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        url: row.get("url")?,
        event_types: opt_json(row, "event_types")?,
        format: Code::read(row, "format")?,
        ordering: Code::read(row, "ordering")?,
        status: Code::read(row, "status")?,
        disabled_reason: row.get("disabled_reason")?,
        disabled_code: row.get::<_, Option<String>>("disabled_code")?.and_then(|code| DisabledCode::of_code(&code)),
        inbox_id: opt_id(row, "inbox_id")?,
        sealed_secret: row.get("sealed_secret")?,
        sealed_headers: row.get("sealed_headers")?,
        options: from_json(row, "options")?,
        sealed_options: row.get("sealed_options")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
