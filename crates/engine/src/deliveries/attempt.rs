//! One HTTP exchange of a delivery: sign the exact bytes, send them, and write down what happened.

use super::{EventBody, Job, SharedBody};
use crate::Engine;
use crate::endpoints::{Endpoint, MASK};
use crate::ports::{IncomingResponse, OutgoingRequest, Route, SendFailure, SendFailureKind};
use jiff::Timestamp;
use kanca_domain::attempts::ReasonCode;
use kanca_storage::deliveries::{AttemptRecord, ReceivedResponse, SentRequest};
use std::time::Duration;

/// Bytes of a response body kept with an attempt.
const KEPT_RESPONSE: usize = 16 * 1024;
/// Bytes of a response body read when a conversation waits for it.
const READ_ANSWER: usize = 256 * 1024;

/// The header that carries how many of Kanca's own inboxes a request has passed.
pub const HOPS_HEADER: &str = "kanca-hops";

/// A finished exchange.
pub(super) struct Exchange {
    pub result: Result<IncomingResponse, SendFailure>,
    pub record: AttemptRecord,
    pub code: ReasonCode,
}

impl Engine {
    /// Sends a delivery once, within `timeout`.
    pub(super) async fn exchange(&self, endpoint: &Endpoint, job: &Job, timeout: Duration) -> Exchange {
        let format = endpoint.record.format;
        let body = job.event.encoded(format);
        let (url, route) = self.destination(endpoint);
        let started_at = self.clock.now();
        let hops = (route == Route::OwnInbox).then_some(job.event.hops + 1);
        let request = OutgoingRequest {
            url: url.clone(),
            headers: headers(&job.event, endpoint, &body, started_at, hops, false),
            body: body.bytes.clone(),
            timeout,
            response_limit: if job.waiter.is_some() { READ_ANSWER } else { KEPT_RESPONSE },
            route,
        };
        let shown = headers_masked(&request.headers, endpoint);
        let clock = std::time::Instant::now();
        let result = self.sender.send(request).await;
        let duration_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (code, reason) = explain(&result, timeout);
        let record = AttemptRecord {
            id: self.ids.next(),
            number: job.attempt_count + 1,
            started_at,
            duration_us,
            success: code == ReasonCode::Success,
            reason_code: code.as_str().to_owned(),
            reason,
            manual: job.manual,
            format,
            request: SentRequest { method: "POST".into(), url, headers: shown },
            response: result.as_ref().ok().map(kept),
        };
        Exchange { result, record, code }
    }
}

/// The headers of an attempt in order; with `masked`, values of the endpoint's own headers are hidden.
pub(super) fn headers(
    event: &EventBody,
    endpoint: &Endpoint,
    body: &SharedBody,
    at: Timestamp,
    hops: Option<u8>,
    masked: bool,
) -> Vec<(String, String)> {
    let id = event.event_id.to_string();
    let seconds = at.as_second();
    let signature = endpoint.key.sign(&id, seconds, &body.bytes);
    let mut headers = Vec::with_capacity(6 + endpoint.headers.len());
    headers.push(("content-type".to_owned(), body.content_type.to_owned()));
    headers.push(("webhook-id".to_owned(), id));
    headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
    headers.push(("webhook-signature".to_owned(), signature));
    headers.extend(hops.map(|h| (HOPS_HEADER.to_owned(), h.to_string())));
    let own = endpoint.headers.iter();
    headers.extend(own.map(|(name, value)| (name.clone(), if masked { MASK.to_owned() } else { value.clone() })));
    headers
}

fn headers_masked(headers: &[(String, String)], endpoint: &Endpoint) -> Vec<(String, String)> {
    let own = headers.len() - endpoint.headers.len();
    headers
        .iter()
        .enumerate()
        .map(|(at, (name, value))| (name.clone(), if at < own { value.clone() } else { MASK.to_owned() }))
        .collect()
}

fn kept(response: &IncomingResponse) -> ReceivedResponse {
    ReceivedResponse {
        status: response.status,
        headers: response.headers.clone(),
        body: response.body.slice(..response.body.len().min(KEPT_RESPONSE)),
        truncated: response.truncated || response.body.len() > KEPT_RESPONSE,
    }
}

fn explain(result: &Result<IncomingResponse, SendFailure>, timeout: Duration) -> (ReasonCode, String) {
    let (code, detail) = match result {
        Ok(response) => (ReasonCode::of_status(response.status), response.status.to_string()),
        Err(failure) => {
            let code = match failure.kind {
                SendFailureKind::InvalidUrl => ReasonCode::InvalidUrl,
                SendFailureKind::Dns => ReasonCode::Dns,
                SendFailureKind::Blocked => ReasonCode::BlockedAddress,
                SendFailureKind::Refused => ReasonCode::Refused,
                SendFailureKind::Tls => ReasonCode::Tls,
                SendFailureKind::Timeout => ReasonCode::Timeout,
                SendFailureKind::Reset => ReasonCode::Reset,
                SendFailureKind::Protocol => ReasonCode::Protocol,
            };
            let detail = if failure.kind == SendFailureKind::Timeout {
                format!("{:.1} s", timeout.as_secs_f64())
            } else {
                failure.detail.clone()
            };
            (code, detail)
        }
    };
    (code, code.words(&detail))
}
