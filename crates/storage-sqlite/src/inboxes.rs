//! Inboxes and the ring of requests that each keeps, byte for byte.

use crate::SqliteStorage;
use crate::faults::{Fault, Run};
use crate::headers;
use crate::jobs::Tx;
use crate::rows::{
    Code, before, from_json, id, int, json, key, micros, number, opt_time, page_limit, page_of, time, uint,
};
use async_trait::async_trait;
use bytes::Bytes;
use kanca_domain::ids::{Id, InboxId, ProjectId, RequestId};
use kanca_storage::inboxes::{InboxRecord, InboxUse, Inboxes, Keep, RequestRecord, RequestSummary};
use kanca_storage::{Page, PageRequest, Result, StorageError};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

const SLUG_TAKEN: &str = "this address is taken; choose another slug";

#[async_trait]
impl Inboxes for SqliteStorage {
    async fn create_inbox(&self, inbox: InboxRecord) -> Result<()> {
        let response = json(&inbox.response)?;
        self.writer
            .call(move |tx| {
                tx.memory.note_id(inbox.id.uuid());
                tx.prepare(
                    "INSERT INTO inboxes (id, project_id, name, slug, response, sealed_signing_secret, created_at, \
                     updated_at, request_count, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0)",
                )?
                .execute(params![
                    key(inbox.id),
                    key(inbox.project_id),
                    inbox.name,
                    inbox.slug,
                    response,
                    inbox.sealed_signing_secret,
                    micros(inbox.created_at),
                    micros(inbox.updated_at)
                ])
                .map_err(|error| Fault::or_conflict(error, SLUG_TAKEN))?;
                Ok(())
            })
            .await
    }

    async fn update_inbox(&self, inbox: InboxRecord) -> Result<()> {
        let response = json(&inbox.response)?;
        self.writer
            .call(move |tx| {
                let changed = tx
                    .prepare(
                        "UPDATE inboxes SET name = ?3, slug = ?4, response = ?5, sealed_signing_secret = ?6, \
                         updated_at = ?7 WHERE id = ?1 AND project_id = ?2",
                    )?
                    .execute(params![
                        key(inbox.id),
                        key(inbox.project_id),
                        inbox.name,
                        inbox.slug,
                        response,
                        inbox.sealed_signing_secret,
                        micros(inbox.updated_at)
                    ])
                    .map_err(|error| Fault::or_conflict(error, SLUG_TAKEN))?;
                found(changed, "the inbox")
            })
            .await
    }

    async fn delete_inbox(&self, project: ProjectId, inbox: InboxId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let deleted = tx.execute(
                    "DELETE FROM inboxes WHERE id = ?1 AND project_id = ?2",
                    params![key(inbox), key(project)],
                )?;
                found(deleted, "the inbox")?;
                tx.execute("DELETE FROM requests WHERE inbox_id = ?1", [key(inbox)])?;
                Ok(())
            })
            .await
    }

    async fn all_inboxes(&self) -> Result<Vec<InboxRecord>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM inboxes ORDER BY id")?;
                Ok(statement.query_map([], inbox)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn inbox_use(&self, project: ProjectId, inbox: InboxId) -> Result<InboxUse> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT request_count, bytes, (SELECT received_at FROM requests WHERE inbox_id = i.id \
                     ORDER BY id DESC LIMIT 1) FROM inboxes i WHERE id = ?1 AND project_id = ?2",
                )?;
                let found = statement.query_row(params![key(inbox), key(project)], |row| {
                    Ok(InboxUse {
                        request_count: uint(row.get(0)?),
                        bytes: uint(row.get(1)?),
                        last_request_at: opt_time(row, 2)?,
                    })
                });
                Ok(found.optional()?.unwrap_or_default())
            })
            .await
    }

    async fn capture(&self, project: ProjectId, request: RequestRecord, keep: Keep) -> Result<()> {
        let headers = headers::encode(&request.headers);
        let kept = (headers.len() + request.summary.target.len() + request.body.len()) as u64;
        self.writer
            .call(move |tx| {
                let inbox = request.summary.inbox_id;
                let changed = tx.execute(
                    "UPDATE inboxes SET request_count = request_count + 1, bytes = bytes + ?3 \
                     WHERE id = ?1 AND project_id = ?2",
                    params![key(inbox), key(project), int(kept)],
                )?;
                found(changed, "the inbox")?;
                insert(tx, &request, &headers, kept)?;
                prune(tx, inbox, keep)
            })
            .await
    }

    async fn requests(&self, project: ProjectId, inbox: InboxId, page: PageRequest) -> Result<Page<RequestSummary>> {
        let limit = page_limit(page);
        self.readers
            .call(move |sql| {
                if !is_in_project(sql, project, inbox)? {
                    return Ok(Page { items: Vec::new(), next: None });
                }
                let mut statement = sql.prepare_cached(
                    "SELECT id, inbox_id, received_at, method, target, content_type, size, remote_addr, oversize, \
                     response_status, duration_us, signature, signature_detail, event_type FROM requests \
                     WHERE inbox_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                )?;
                let rows = statement.query_map(params![key(inbox), before(page), int(limit as u64 + 1)], summary)?;
                Ok(page_of(rows.collect::<rusqlite::Result<_>>()?, limit, |request| request.id.uuid()))
            })
            .await
    }

    async fn requests_after(
        &self,
        project: ProjectId,
        inbox: InboxId,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestSummary>> {
        self.readers
            .call(move |sql| {
                if !is_in_project(sql, project, inbox)? {
                    return Ok(Vec::new());
                }
                let mut statement = sql.prepare_cached(
                    "SELECT id, inbox_id, received_at, method, target, content_type, size, remote_addr, oversize, \
                     response_status, duration_us, signature, signature_detail, event_type FROM requests \
                     WHERE inbox_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                )?;
                let rows = statement.query_map(params![key(inbox), key(after), limit], summary)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn request(&self, project: ProjectId, inbox: InboxId, request: RequestId) -> Result<Option<RequestRecord>> {
        self.readers
            .call(move |sql| {
                if !is_in_project(sql, project, inbox)? {
                    return Ok(None);
                }
                let mut statement = sql.prepare_cached(
                    "SELECT id, inbox_id, received_at, method, target, content_type, size, remote_addr, oversize, \
                     response_status, duration_us, signature, signature_detail, event_type, headers, body FROM requests \
                     WHERE inbox_id = ?1 AND id = ?2",
                )?;
                let found = statement.query_row(params![key(inbox), key(request)], |row| {
                    let headers = headers::decode(row.get_ref(14)?.as_bytes()?);
                    Ok(RequestRecord {
                        summary: summary(row)?,
                        headers: headers.ok_or_else(|| crate::rows::wrong(Type::Blob, "the headers are cut off"))?,
                        body: Bytes::from(row.get::<_, Vec<u8>>(15)?),
                    })
                });
                Ok(found.optional()?)
            })
            .await
    }

    async fn delete_request(&self, project: ProjectId, inbox: InboxId, request: RequestId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let kept = tx
                    .prepare(
                        "SELECT kept_bytes FROM requests WHERE inbox_id = ?1 AND id = ?2 \
                         AND EXISTS (SELECT 1 FROM inboxes WHERE id = ?1 AND project_id = ?3)",
                    )?
                    .query_row(params![key(inbox), key(request), key(project)], |row| row.get::<_, i64>(0))
                    .optional()?
                    .ok_or(StorageError::NotFound("the request"))?;
                tx.execute("DELETE FROM requests WHERE inbox_id = ?1 AND id = ?2", params![key(inbox), key(request)])?;
                tx.execute(
                    "UPDATE inboxes SET request_count = request_count - 1, bytes = bytes - ?2 WHERE id = ?1",
                    params![key(inbox), kept],
                )?;
                Ok(())
            })
            .await
    }

    async fn clear_inbox(&self, project: ProjectId, inbox: InboxId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE inboxes SET request_count = 0, bytes = 0 WHERE id = ?1 AND project_id = ?2",
                    params![key(inbox), key(project)],
                )?;
                found(changed, "the inbox")?;
                tx.execute("DELETE FROM requests WHERE inbox_id = ?1", [key(inbox)])?;
                Ok(())
            })
            .await
    }
}

fn found(rows: usize, what: &'static str) -> Run<()> {
    if rows == 0 { Err(StorageError::NotFound(what).into()) } else { Ok(()) }
}

fn is_in_project(sql: &Connection, project: ProjectId, inbox: InboxId) -> Run<bool> {
    let mut statement = sql.prepare_cached("SELECT 1 FROM inboxes WHERE id = ?1 AND project_id = ?2")?;
    Ok(statement.exists(params![key(inbox), key(project)])?)
}

fn insert(tx: &mut Tx<'_>, request: &RequestRecord, headers: &[u8], kept: u64) -> Run<()> {
    let summary = &request.summary;
    tx.memory.note_id(summary.id.uuid());
    tx.execute(
        "INSERT INTO requests (id, inbox_id, received_at, method, target, content_type, size, kept_bytes, remote_addr, \
         oversize, response_status, duration_us, signature, signature_detail, event_type, headers, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            key(summary.id),
            key(summary.inbox_id),
            micros(summary.received_at),
            summary.method,
            summary.target,
            summary.content_type,
            int(summary.size),
            int(kept),
            summary.remote_addr,
            summary.oversize,
            summary.response_status,
            int(summary.duration_us),
            summary.signature.code(),
            summary.signature_detail,
            summary.event_type,
            headers,
            request.body.as_ref()
        ],
    )?;
    Ok(())
}

/// Drops the oldest requests beyond the limits; the newest stays whatever its size.
fn prune(tx: &mut Tx<'_>, inbox: InboxId, keep: Keep) -> Run<()> {
    let (mut count, mut bytes) = tx
        .prepare("SELECT request_count, bytes FROM inboxes WHERE id = ?1")?
        .query_row([key(inbox)], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))?;
    if count <= keep.requests.max(1) && (bytes <= keep.bytes || count <= 1) {
        return Ok(());
    }
    while count > 1 && (count > keep.requests || bytes > keep.bytes) {
        let (rowid, kept): (i64, i64) = tx
            .prepare("SELECT rowid, kept_bytes FROM requests WHERE inbox_id = ?1 ORDER BY id LIMIT 1")?
            .query_row([key(inbox)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        tx.execute("DELETE FROM requests WHERE rowid = ?1", [rowid])?;
        count -= 1;
        bytes = bytes.saturating_sub(uint(kept));
    }
    tx.execute(
        "UPDATE inboxes SET request_count = ?2, bytes = ?3 WHERE id = ?1",
        params![key(inbox), int(count), int(bytes)],
    )?;
    Ok(())
}

fn inbox(row: &Row<'_>) -> rusqlite::Result<InboxRecord> {
    Ok(InboxRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        slug: row.get("slug")?,
        response: from_json(row, "response")?,
        sealed_signing_secret: row.get("sealed_signing_secret")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

fn summary(row: &Row<'_>) -> rusqlite::Result<RequestSummary> {
    Ok(RequestSummary {
        id: id(row, 0)?,
        inbox_id: id(row, 1)?,
        received_at: time(row, 2)?,
        method: row.get(3)?,
        target: row.get(4)?,
        content_type: row.get(5)?,
        size: uint(row.get(6)?),
        remote_addr: row.get(7)?,
        oversize: row.get(8)?,
        response_status: number(row, 9)?,
        duration_us: uint(row.get(10)?),
        signature: Code::read(row, 11)?,
        signature_detail: row.get(12)?,
        event_type: row.get(13)?,
    })
}
