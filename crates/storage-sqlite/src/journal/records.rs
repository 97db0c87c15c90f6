//! The rows of events and outcomes, as views that are bound to SQL and as bytes (postcard's format).
//!
//! Whoever asks makes the bytes; the journal writes them as they are, and the writer binds what they hold without
//! copying it again. A later version must still read what this one wrote: after a kill it may be the one that applies it.

use crate::attempts::packed;
use crate::rows::{Code, json, json_of_headers, key, micros, push_json};
use crate::{events, faults::Run};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_storage::deliveries::{self, AttemptRecord, NewDelivery, SentRequest, Verdict};
use kanca_storage::{Result, StorageError};
use serde::{Deserialize, Serialize};

/// The bytes of an id.
pub(crate) type Key = [u8; 16];

/// A row of the journal.
#[derive(Serialize, Deserialize)]
pub(crate) enum Record<'a> {
    #[serde(borrow)]
    Event(Event<'a>),
    #[serde(borrow)]
    Outcome(Outcome<'a>),
}

/// An event with its deliveries. Instants are microseconds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Event<'a> {
    pub id: Key,
    pub project: Key,
    pub kind: &'a str,
    pub timestamp: &'a str,
    pub accepted_at: i64,
    pub data: &'a str,
    pub ordering_key: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
    pub hops: u8,
    pub test: bool,
    pub explanation: Option<&'a str>,
    #[serde(borrow)]
    pub deliveries: Vec<Delivery<'a>>,
}

/// A delivery of an event.
#[derive(Serialize, Deserialize)]
pub(crate) struct Delivery<'a> {
    pub id: Key,
    pub endpoint: Key,
    pub due: i64,
    pub queue_key: Option<&'a str>,
    pub waiter: Option<&'a str>,
    pub claim: bool,
}

/// An outcome with its attempt.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outcome<'a> {
    pub delivery: Key,
    pub at: i64,
    /// The code of the status that the verdict asks for; pending is tried again at `due`.
    status: u8,
    due: i64,
    #[serde(borrow)]
    pub attempt: Option<Attempt<'a>>,
}

/// An attempt; request, headers and timings are JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attempt<'a> {
    pub id: Key,
    pub number: u32,
    pub started_at: i64,
    pub duration_us: u64,
    pub success: bool,
    pub manual: bool,
    pub format: u8,
    pub reason_code: &'a str,
    pub reason: &'a str,
    pub request: &'a str,
    pub request_body: Option<&'a [u8]>,
    pub timings: Option<&'a str>,
    #[serde(borrow)]
    pub response: Option<Response<'a>>,
}

/// The response of an attempt.
#[derive(Serialize, Deserialize)]
pub(crate) struct Response<'a> {
    pub status: u16,
    pub truncated: bool,
    pub headers: &'a str,
    pub body: &'a [u8],
}

/// What an outcome asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Tried again then, in microseconds.
    Retry(i64),
    End(DeliveryStatus),
}

impl<'a> Record<'a> {
    /// Reads a row back.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(unreadable)
    }

    fn bytes(&self, likely: usize) -> Result<Vec<u8>> {
        postcard::to_extend(self, Vec::with_capacity(likely))
            .map_err(|error| StorageError::Internal(format!("a row cannot be written: {error}")))
    }
}

fn unreadable(why: impl std::fmt::Display) -> StorageError {
    StorageError::Internal(format!(
        "the journal holds a row that this version cannot read ({why}); start the version that wrote it and stop it \
         orderly, then this one"
    ))
}

impl<'a> Event<'a> {
    /// The row of an event.
    pub(crate) fn of(prepared: &'a events::Prepared) -> Self {
        let event = &prepared.event;
        let delivery = |(delivery, waiter): (&'a NewDelivery, &'a Option<String>)| Delivery {
            id: key(delivery.id),
            endpoint: key(delivery.endpoint_id),
            due: micros(delivery.due),
            queue_key: delivery.queue_key.as_deref(),
            waiter: waiter.as_deref(),
            claim: delivery.claim,
        };
        Self {
            id: key(event.id),
            project: key(event.project_id),
            kind: event.event_type.as_str(),
            timestamp: &prepared.timestamp,
            accepted_at: micros(event.accepted_at),
            data: event.data.as_str(),
            ordering_key: event.ordering_key.as_deref(),
            idempotency_key: event.idempotency.as_ref().map(|idempotency| idempotency.key.as_str()),
            hops: event.hops,
            test: event.test,
            explanation: prepared.explanation.as_deref(),
            deliveries: event.deliveries.iter().zip(&prepared.waiters).map(delivery).collect(),
        }
    }

    /// The bytes of its row.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>> {
        let likely = 256 + self.data.len() + 64 * self.deliveries.len();
        Record::Event(self).bytes(likely)
    }
}

impl Outcome<'_> {
    /// The bytes of the row of an outcome that leads to this status.
    pub(crate) fn bytes_of(outcome: &deliveries::Outcome, status: DeliveryStatus) -> Result<Vec<u8>> {
        let due = match outcome.verdict {
            Verdict::Retry { due } => micros(due),
            Verdict::Delivered | Verdict::Failed | Verdict::Cancelled => 0,
        };
        let texts = outcome.attempt.as_ref().map(Texts::of).transpose()?;
        let attempt = outcome.attempt.as_ref().zip(texts.as_ref()).map(|(attempt, texts)| Attempt::of(attempt, texts));
        let likely = 512 + texts.as_ref().map_or(0, Texts::len);
        let row =
            Outcome { delivery: key(outcome.delivery_id), at: micros(outcome.at), status: code(status), due, attempt };
        Record::Outcome(row).bytes(likely)
    }

    /// What it asks for.
    pub(crate) fn asked(&self) -> Run<Asked> {
        let status = DeliveryStatus::ALL.get(usize::from(self.status)).copied();
        Ok(match status.ok_or_else(|| unreadable("an unknown status"))? {
            DeliveryStatus::Pending => Asked::Retry(self.due),
            ended => Asked::End(ended),
        })
    }

    /// Whether a delivery has arrived by it.
    pub(crate) fn is_arrival(&self) -> bool {
        self.status == code(DeliveryStatus::Delivered) && self.attempt.is_some()
    }
}

/// The parts of an attempt that are stored as JSON.
struct Texts {
    request: String,
    response_headers: Option<String>,
    timings: Option<String>,
}

impl Texts {
    fn of(attempt: &AttemptRecord) -> Result<Self> {
        Ok(Self {
            request: json_of_request(&attempt.request)?,
            response_headers: attempt.response.as_ref().map(|r| json_of_headers(&r.headers)).transpose()?,
            timings: attempt.timings.as_ref().map(|timings| json(&packed(timings))).transpose()?,
        })
    }

    fn len(&self) -> usize {
        self.request.len() + self.response_headers.as_ref().map_or(0, String::len)
    }
}

/// What `Serialize` makes of it, in less time.
fn json_of_request(request: &SentRequest) -> Result<String> {
    let SentRequest { method, url, headers } = request;
    let headers = json_of_headers(headers)?;
    let mut text = String::with_capacity(64 + method.len() + url.len() + headers.len());
    text.push_str("{\"method\":");
    push_json(&mut text, method)?;
    text.push_str(",\"url\":");
    push_json(&mut text, url)?;
    text.push_str(",\"headers\":");
    text.push_str(&headers);
    text.push('}');
    Ok(text)
}

impl<'a> Attempt<'a> {
    fn of(attempt: &'a AttemptRecord, texts: &'a Texts) -> Self {
        let response = attempt.response.as_ref().map(|response| Response {
            status: response.status,
            truncated: response.truncated,
            headers: texts.response_headers.as_deref().unwrap_or("[]"),
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
            request: &texts.request,
            request_body: attempt.request_body.as_deref(),
            timings: texts.timings.as_deref(),
            response,
        }
    }
}

fn code(value: impl Code) -> u8 {
    u8::try_from(value.code()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
