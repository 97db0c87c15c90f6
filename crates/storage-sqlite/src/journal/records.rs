//! Rows as bytes: each with its length before it, in postcard's format.
//! What is written here is read by the same version only, or by a later one that still knows it: an upgrade follows a
//! stop, and at a stop everything is in the tables.

use super::Row;
use crate::rows::{Code, key, micros};
use crate::{attempts, events, outcomes};
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::Id;
use kanca_storage::deliveries::{AttemptRecord, NewDelivery, ReceivedResponse, Verdict};
use kanca_storage::events::NewEvent;
use kanca_storage::{Result, StorageError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

type Key = [u8; 16];

#[derive(Serialize, Deserialize)]
enum Record<'a> {
    #[serde(borrow)]
    Event(Event<'a>),
    Outcome(Outcome<'a>),
}

#[derive(Serialize, Deserialize)]
struct Event<'a> {
    id: Key,
    project: Key,
    event_type: &'a str,
    timestamp: &'a str,
    accepted_at: i64,
    data: &'a str,
    ordering_key: Option<&'a str>,
    hops: u8,
    test: bool,
    explanation: Option<&'a str>,
    #[serde(borrow)]
    deliveries: Vec<Delivery<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Delivery<'a> {
    id: Key,
    endpoint: Key,
    due: i64,
    waiter: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Outcome<'a> {
    delivery: Key,
    at: i64,
    /// The status it leads to; pending is tried again at `due`.
    status: u8,
    due: i64,
    #[serde(borrow)]
    attempt: Option<Attempt<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Attempt<'a> {
    id: Key,
    number: u32,
    started_at: i64,
    duration_us: u64,
    success: bool,
    manual: bool,
    format: u8,
    reason_code: &'a str,
    reason: &'a str,
    request: &'a str,
    request_body: Option<&'a [u8]>,
    timings: Option<&'a str>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Response<'a> {
    status: u16,
    truncated: bool,
    headers: &'a str,
    body: &'a [u8],
}

/// Appends a row to a record.
pub(super) fn write(row: &Row, record: Vec<u8>) -> Result<Vec<u8>> {
    let start = record.len();
    let mut record = record;
    record.extend_from_slice(&[0; 4]);
    let mut record = match row {
        Row::Event(event) => postcard::to_extend(&Record::Event(Event::of(event)), record),
        Row::Outcome(outcome) => postcard::to_extend(&Record::Outcome(Outcome::of(outcome)), record),
    }
    .map_err(|error| StorageError::Internal(format!("a row cannot be written to the journal: {error}")))?;
    let length = u32::try_from(record.len() - start - 4).unwrap_or(u32::MAX);
    record[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(record)
}

/// The rows of a record.
pub(super) fn read(mut bytes: &[u8]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let row = rest.get(..length).ok_or_else(|| unreadable("it ends in the middle of a row"))?;
        rows.push(postcard::from_bytes::<Record<'_>>(row).map_err(unreadable)?.into_row()?);
        bytes = &rest[length..];
    }
    Ok(rows)
}

fn unreadable(why: impl std::fmt::Display) -> StorageError {
    StorageError::Internal(format!(
        "the journal holds a row that this version cannot read ({why}); start the version that wrote it and stop it \
         orderly, then this one"
    ))
}

fn code(value: impl Code) -> u8 {
    u8::try_from(value.code()).unwrap_or(u8::MAX)
}

fn value<C: Code>(code: u8) -> Result<C> {
    C::ALL.get(usize::from(code)).copied().ok_or_else(|| unreadable(format!("no value has the number {code}")))
}

fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(unreadable)
}

fn id<I: Id>(bytes: Key) -> I {
    I::from_uuid(Uuid::from_bytes(bytes))
}

impl Record<'_> {
    fn into_row(self) -> Result<Row> {
        Ok(match self {
            Self::Event(event) => Row::Event(event.into_prepared()?),
            Self::Outcome(outcome) => Row::Outcome(outcome.into_prepared()?),
        })
    }
}

impl<'a> Event<'a> {
    fn of(prepared: &'a events::Prepared) -> Self {
        let event = &prepared.event;
        let delivery = |(delivery, waiter): (&NewDelivery, &'a Option<String>)| Delivery {
            id: key(delivery.id),
            endpoint: key(delivery.endpoint_id),
            due: micros(delivery.due),
            waiter: waiter.as_deref(),
        };
        Self {
            id: key(event.id),
            project: key(event.project_id),
            event_type: event.event_type.as_str(),
            timestamp: &prepared.timestamp,
            accepted_at: micros(event.accepted_at),
            data: event.data.as_str(),
            ordering_key: event.ordering_key.as_deref(),
            hops: event.hops,
            test: event.test,
            explanation: prepared.explanation.as_deref(),
            deliveries: event.deliveries.iter().zip(&prepared.waiters).map(delivery).collect(),
        }
    }

    fn into_prepared(self) -> Result<events::Prepared> {
        let waiters = self.deliveries.iter().map(|d| d.waiter.map(str::to_owned)).collect();
        let delivery = |delivery: &Delivery<'_>| {
            let waiter = delivery.waiter.map(serde_json::from_str).transpose().map_err(unreadable)?;
            let (id, endpoint_id) = (id(delivery.id), id(delivery.endpoint));
            Ok(NewDelivery { id, endpoint_id, queue_key: None, due: time(delivery.due)?, waiter, claim: false })
        };
        let explanation = self.explanation.map(serde_json::from_str).transpose().map_err(unreadable)?;
        let event = NewEvent {
            id: id(self.id),
            project_id: id(self.project),
            event_type: self.event_type.parse().map_err(unreadable)?,
            timestamp: self.timestamp.parse().map_err(unreadable)?,
            accepted_at: time(self.accepted_at)?,
            data: kanca_domain::events::EventData::parse(self.data.as_bytes()).map_err(unreadable)?,
            ordering_key: self.ordering_key.map(str::to_owned),
            idempotency: None,
            hops: self.hops,
            test: self.test,
            explanation: explanation.unwrap_or_default(),
            deliveries: self.deliveries.iter().map(delivery).collect::<Result<_>>()?,
        };
        Ok(events::Prepared {
            event,
            timestamp: self.timestamp.to_owned(),
            explanation: self.explanation.map(str::to_owned),
            waiters,
        })
    }
}

impl<'a> Outcome<'a> {
    fn of(prepared: &'a outcomes::Prepared) -> Self {
        let (status, due) = match prepared.verdict {
            Verdict::Retry { due } => (DeliveryStatus::Pending, micros(due)),
            Verdict::Delivered => (DeliveryStatus::Delivered, 0),
            Verdict::Failed => (DeliveryStatus::Failed, 0),
            Verdict::Cancelled => (DeliveryStatus::Cancelled, 0),
        };
        Self {
            delivery: key(prepared.delivery),
            at: micros(prepared.at),
            status: code(status),
            due,
            attempt: prepared.attempt.as_ref().map(Attempt::of),
        }
    }

    fn into_prepared(self) -> Result<outcomes::Prepared> {
        let verdict = match value(self.status)? {
            DeliveryStatus::Pending => Verdict::Retry { due: time(self.due)? },
            DeliveryStatus::Delivered => Verdict::Delivered,
            DeliveryStatus::Failed => Verdict::Failed,
            DeliveryStatus::Cancelled => Verdict::Cancelled,
        };
        let attempt = self.attempt.map(Attempt::into_prepared).transpose()?;
        Ok(outcomes::Prepared { delivery: id(self.delivery), attempt, verdict, at: time(self.at)? })
    }
}

impl<'a> Attempt<'a> {
    fn of(prepared: &'a attempts::Prepared) -> Self {
        let attempt = &prepared.attempt;
        let response = attempt.response.as_ref().map(|response| Response {
            status: response.status,
            truncated: response.truncated,
            headers: prepared.response_headers.as_deref().unwrap_or("[]"),
            body: &response.body,
        });
        Self {
            id: key(attempt.id),
            number: attempt.number,
            started_at: micros(attempt.started_at),
            duration_us: attempt.duration_us,
            success: attempt.success,
            manual: attempt.manual,
            format: code(attempt.format),
            reason_code: &attempt.reason_code,
            reason: &attempt.reason,
            request: &prepared.request,
            request_body: attempt.request_body.as_deref(),
            timings: prepared.timings.as_deref(),
            response,
        }
    }

    fn into_prepared(self) -> Result<attempts::Prepared> {
        let response = |response: &Response<'_>| -> Result<ReceivedResponse> {
            Ok(ReceivedResponse {
                status: response.status,
                headers: serde_json::from_str(response.headers).map_err(unreadable)?,
                body: bytes::Bytes::copy_from_slice(response.body),
                truncated: response.truncated,
            })
        };
        let response_headers = self.response.as_ref().map(|response| response.headers.to_owned());
        let attempt = AttemptRecord {
            id: id(self.id),
            number: self.number,
            started_at: time(self.started_at)?,
            duration_us: self.duration_us,
            success: self.success,
            reason_code: self.reason_code.to_owned(),
            reason: self.reason.to_owned(),
            manual: self.manual,
            format: value(self.format)?,
            request: serde_json::from_str(self.request).map_err(unreadable)?,
            request_body: self.request_body.map(bytes::Bytes::copy_from_slice),
            response: self.response.as_ref().map(response).transpose()?,
            // Stored as the text below.
            timings: None,
        };
        let (request, timings) = (self.request.to_owned(), self.timings.map(str::to_owned));
        Ok(attempts::Prepared { attempt, request, response_headers, timings })
    }
}

#[cfg(test)]
mod tests;
