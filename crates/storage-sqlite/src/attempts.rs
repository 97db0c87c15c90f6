//! Attempts: one row for each HTTP exchange. The request's body is encoded again when shown,
//! unless a transformation made it.

use crate::faults::Run;
use crate::jobs::Tx;
use crate::rows::{Code, from_json, id, int, json, key, micros, number, opt_json, time, uint};
use bytes::Bytes;
use kanca_domain::attempts::Timings;
use kanca_domain::ids::{DeliveryId, Id};
use kanca_storage::Result;
use kanca_storage::deliveries::{AttemptRecord, ReceivedResponse};
use rusqlite::{Connection, Row, params};
use std::net::SocketAddr;

/// An attempt with its JSON made by the caller's thread.
pub(crate) struct Prepared {
    pub(crate) attempt: AttemptRecord,
    pub(crate) request: String,
    pub(crate) response_headers: Option<String>,
    pub(crate) timings: Option<String>,
}

impl Prepared {
    pub(crate) fn new(attempt: AttemptRecord) -> Result<Self> {
        let request = json(&attempt.request)?;
        let response_headers = attempt.response.as_ref().map(|response| json(&response.headers)).transpose()?;
        let timings = attempt.timings.as_ref().map(|timings| json(&packed(timings))).transpose()?;
        Ok(Self { attempt, request, response_headers, timings })
    }

    /// Bytes beyond what an attempt usually takes, roughly.
    pub(crate) fn extra(&self) -> usize {
        let response = self.attempt.response.as_ref().map_or(0, |response| response.body.len());
        response + self.attempt.request_body.as_ref().map_or(0, Bytes::len) + self.request.len()
    }
}

pub(crate) fn add(tx: &mut Tx<'_>, delivery: DeliveryId, prepared: &Prepared) -> Run<()> {
    let Prepared { attempt, request, response_headers, timings } = prepared;
    let response = attempt.response.as_ref();
    tx.memory.note_id(attempt.id.uuid());
    tx.execute(
        "INSERT INTO attempts (id, delivery_id, number, started_at, duration_us, success, manual, format, reason_code, \
         reason, request, response_status, truncated, response_headers, response_body, timings, \
         request_body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            key(attempt.id),
            key(delivery),
            attempt.number,
            micros(attempt.started_at),
            int(attempt.duration_us),
            attempt.success,
            attempt.manual,
            attempt.format.code(),
            attempt.reason_code,
            attempt.reason,
            request,
            response.map(|r| r.status),
            response.map(|r| r.truncated),
            response_headers,
            response.map(|r| r.body.as_ref()),
            timings,
            attempt.request_body.as_deref()
        ],
    )?;
    Ok(())
}

/// Timings as a JSON array, which is half as long as an object: look-up, connecting, TLS, first byte, total, whether the
/// connection was open already, address.
type Packed = (Option<u32>, Option<u32>, Option<u32>, Option<u32>, u32, bool, Option<SocketAddr>);

fn packed(t: &Timings) -> Packed {
    (t.dns_us, t.connect_us, t.tls_us, t.first_byte_us, t.total_us, t.reused, t.remote)
}

fn unpacked((dns_us, connect_us, tls_us, first_byte_us, total_us, reused, remote): Packed) -> Timings {
    Timings { dns_us, connect_us, tls_us, first_byte_us, total_us, reused, remote }
}

/// The attempts of a delivery, oldest first.
pub(crate) fn of_delivery(sql: &Connection, delivery: DeliveryId) -> Run<Vec<AttemptRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM attempts WHERE delivery_id = ?1 ORDER BY number, rowid")?;
    Ok(statement.query_map([key(delivery)], attempt)?.collect::<rusqlite::Result<_>>()?)
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    let response = match row.get::<_, Option<i64>>("response_status")? {
        None => None,
        Some(_) => Some(ReceivedResponse {
            status: number(row, "response_status")?,
            headers: opt_json(row, "response_headers")?.unwrap_or_default(),
            body: Bytes::from(row.get::<_, Vec<u8>>("response_body")?),
            truncated: row.get("truncated")?,
        }),
    };
    Ok(AttemptRecord {
        id: id(row, "id")?,
        number: number(row, "number")?,
        started_at: time(row, "started_at")?,
        duration_us: uint(row.get("duration_us")?),
        success: row.get("success")?,
        reason_code: row.get("reason_code")?,
        reason: row.get("reason")?,
        manual: row.get("manual")?,
        format: Code::read(row, "format")?,
        request: from_json(row, "request")?,
        request_body: row.get::<_, Option<Vec<u8>>>("request_body")?.map(Bytes::from),
        response,
        timings: opt_json(row, "timings")?.map(unpacked),
    })
}
