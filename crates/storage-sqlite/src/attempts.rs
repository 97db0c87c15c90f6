//! Attempts: one row for each HTTP exchange. The request's body is encoded again when shown,
//! unless a transformation made it.

use crate::faults::Run;
use crate::inserts::{Binder, Insert, insert};
use crate::jobs::Tx;
use crate::journal::{Attempt, Key};
use crate::rows::{Code, from_json, id, int, key, number, opt_json, time, uint};
use bytes::Bytes;
use kanca_domain::attempts::Timings;
use kanca_domain::ids::DeliveryId;
use kanca_storage::deliveries::{AttemptRecord, ReceivedResponse};
use rusqlite::{Connection, Row, params};
use std::net::SocketAddr;
use uuid::Uuid;

/// Stores an attempt.
pub(crate) fn add(tx: &mut Tx<'_>, delivery: Key, attempt: &Attempt<'_>) -> Run<()> {
    let attempt = AttemptOf::new(tx, delivery, attempt);
    insert(tx, &[attempt])
}

/// An attempt that is to be stored, of this delivery.
pub(crate) struct AttemptOf<'a> {
    delivery: Key,
    attempt: &'a Attempt<'a>,
}

impl<'a> AttemptOf<'a> {
    pub(crate) fn new(tx: &mut Tx<'_>, delivery: Key, attempt: &'a Attempt<'a>) -> Self {
        tx.memory.note_id(Uuid::from_bytes(attempt.id));
        Self { delivery, attempt }
    }
}

impl Insert for AttemptOf<'_> {
    const INTO: &'static str = "attempts (id, delivery_id, number, started_at, duration_us, success, manual, format, \
                                reason_code, reason, request, response_status, truncated, response_headers, \
                                response_body, timings, request_body)";
    const VALUES: &'static str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        let attempt = self.attempt;
        let response = attempt.response.as_ref();
        to.bind(params![
            attempt.id,
            self.delivery,
            attempt.number,
            attempt.started_at,
            int(attempt.duration_us),
            attempt.success,
            attempt.manual,
            attempt.format,
            attempt.reason_code,
            attempt.reason,
            attempt.request,
            response.map(|r| r.status),
            response.map(|r| r.truncated),
            response.map(|r| r.headers),
            response.map(|r| r.body),
            attempt.timings,
            attempt.request_body,
        ])
    }
}

/// Timings as a JSON array, which is half as long as an object: look-up, connecting, TLS, first byte, total, whether the
/// connection was open already, address.
pub(crate) type Packed = (Option<u32>, Option<u32>, Option<u32>, Option<u32>, u32, bool, Option<SocketAddr>);

pub(crate) fn packed(t: &Timings) -> Packed {
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
