//! One HTTP exchange of a delivery: sign the exact bytes, send them, and write down what happened.

use super::body::Changed;
use super::bulk::Paid;
use super::{EventBody, Job, SharedBody};
use crate::Engine;
use crate::endpoints::{Endpoint, MASK};
use crate::ports::{IncomingResponse, Method, OutgoingRequest, Route, SendFailureKind, Sent};
use jiff::Timestamp;
use kanca_domain::attempts::{AttemptEnd, ReasonCode};
use kanca_domain::endpoints::handshake::REQUEST_ORIGIN;
use kanca_domain::headers::{self, Header};
use kanca_domain::{formats, retries};
use kanca_storage::deliveries::{AttemptRecord, ReceivedResponse, SentRequest};
use std::time::{Duration, Instant};

/// Bytes of a response body kept with an attempt.
const KEPT_RESPONSE: usize = 16 * 1024;
/// Bytes of a response body read when a conversation waits for it.
const READ_ANSWER: usize = 256 * 1024;

/// The header that carries how many of Kanca's own inboxes a request has passed.
pub const HOPS_HEADER: &str = "kanca-hops";

/// The header that marks a test event.
const TEST_HEADER: &str = "kanca-test";

/// A finished exchange.
pub(super) struct Exchange {
    pub response: Option<IncomingResponse>,
    pub record: AttemptRecord,
    pub end: AttemptEnd,
    /// The memory of a large body, until it is written down.
    pub paid: Option<Paid>,
}

impl Exchange {
    /// How long the receiver asked to be left alone (`Retry-After`, RFC 9110 §10.2.3).
    pub fn wait_asked(&self, now: Timestamp) -> Option<Duration> {
        let value = headers::find(&self.response.as_ref()?.headers, "retry-after")?;
        retries::retry_after(value, now)
    }
}

impl Engine {
    /// Sends a delivery once, within `timeout`.
    pub(super) async fn exchange(&self, endpoint: &Endpoint, job: &Job, timeout: Duration) -> Exchange {
        let format = endpoint.record.format;
        let (url, route) = self.destination(endpoint);
        let (mut started_at, mut clock) = (self.clock.now(), Instant::now());
        let (mut request_body, mut paid, mut timeout) = (None, None, timeout);
        let (shown, result, timings) = match self.body(endpoint, job, &url, timeout).await {
            Ok((body, memory)) => {
                if memory.is_some() {
                    // Waiting for it is none of the receiver's time.
                    (started_at, clock, paid) = (self.clock.now(), Instant::now(), memory);
                    timeout = self.time_left(endpoint, job).unwrap_or(Duration::from_millis(1));
                }
                request_body = body.changed.as_ref().and_then(|c| c.body.then(|| body.bytes.clone()));
                // A transformation's run is part of the attempt's time.
                let spent = body.changed.as_ref().map_or(Duration::ZERO, |_| clock.elapsed());
                let left = timeout.saturating_sub(spent).max(Duration::from_millis(1));
                let hops = (route == Route::OwnInbox).then_some(job.event.hops + 1);
                let request = OutgoingRequest {
                    method: Method::Post,
                    url: url.clone(),
                    headers: headers(&job.event, endpoint, &body, started_at, hops),
                    body: body.bytes.clone(),
                    timeout: left,
                    response_limit: if job.waiter.is_some() { READ_ANSWER } else { KEPT_RESPONSE },
                    route,
                    identity: endpoint.way.identity.clone(),
                    proxy: endpoint.way.proxy.clone(),
                };
                let Sent { headers, result, timings } = self.sender.send(request).await;
                let shown = masked(headers, endpoint, body.changed.as_deref());
                let result = result.map_err(|failure| (reason_of(failure.kind), failure.detail));
                (shown, result, Some(timings))
            }
            Err(unsent) => (Vec::new(), Err(unsent), None),
        };
        let duration_us = u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (end, words) = match &result {
            Ok(response) => (AttemptEnd::Status(response.status), told(response)),
            Err((code, detail)) => (AttemptEnd::NoAnswer(*code), detail.clone()),
        };
        let code = end.reason();
        let record = AttemptRecord {
            id: self.ids.next(),
            number: job.attempt_count + 1,
            started_at,
            duration_us,
            success: code == ReasonCode::Success,
            reason_code: code.as_str().to_owned(),
            reason: code.words(&words),
            manual: job.manual,
            format,
            request: SentRequest { method: "POST".into(), url, headers: shown },
            request_body,
            response: result.as_ref().ok().map(kept),
            timings,
        };
        Exchange { response: result.ok(), record, end, paid }
    }
}

/// The headers of an attempt in order; the endpoint's own come last.
pub(crate) fn headers(
    event: &EventBody,
    endpoint: &Endpoint,
    body: &SharedBody,
    at: Timestamp,
    hops: Option<u8>,
) -> Vec<Header> {
    let id = event.event_id.to_string();
    let signature = endpoint.signing.sign(&id, at, &body.bytes);
    // With room for those of the sender.
    let mut headers = Vec::with_capacity(9 + endpoint.own_headers().len());
    headers.push(("content-type".into(), body.content_type.clone()));
    if endpoint.record.format.has_headers() {
        let of_format = formats::headers(endpoint.record.format, &event.envelope(&event.timestamp.to_string()));
        headers.extend(of_format.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
    let origin = endpoint.record.options.handshake.as_ref().map(|handshake| handshake.origin.clone());
    headers.extend(origin.map(|origin| (REQUEST_ORIGIN.into(), origin.into())));
    headers.push(("webhook-id".into(), id.into()));
    headers.push(("webhook-timestamp".into(), at.as_second().to_string().into()));
    headers.push(("webhook-signature".into(), signature.into()));
    if event.test {
        headers.push((TEST_HEADER.into(), "true".into()));
    }
    headers.extend(hops.map(|h| (HOPS_HEADER.into(), h.to_string().into())));
    let set = body.changed.iter().flat_map(|changed| changed.set());
    let own = own(endpoint, body.changed.as_deref());
    headers.extend(set.chain(own).map(|(name, value)| (name.to_owned().into(), value.to_owned().into())));
    headers
}

/// The endpoint's own headers that a transformation leaves as they are.
fn own<'a>(endpoint: &'a Endpoint, changed: Option<&'a Changed>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let own = endpoint.own_headers().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.filter(move |(name, _)| !changed.is_some_and(|changed| changed.names(name)))
}

/// The same headers with the values of the endpoint's own hidden.
pub(crate) fn masked(mut headers: Vec<Header>, endpoint: &Endpoint, changed: Option<&Changed>) -> Vec<Header> {
    let own = headers.len() - own(endpoint, changed).count();
    for (_, value) in headers.iter_mut().skip(own) {
        *value = MASK.into();
    }
    headers
}

fn kept(response: &IncomingResponse) -> ReceivedResponse {
    ReceivedResponse {
        status: response.status,
        headers: response.headers.clone(),
        body: response.body.slice(..response.body.len().min(KEPT_RESPONSE)),
        truncated: response.truncated || response.body.len() > KEPT_RESPONSE,
    }
}

/// What `ReasonCode::words` wants to know of a response.
fn told(response: &IncomingResponse) -> String {
    match response.status {
        300..=399 => headers::find(&response.headers, "location").unwrap_or_default().to_owned(),
        status => status.to_string(),
    }
}

pub(crate) fn reason_of(kind: SendFailureKind) -> ReasonCode {
    match kind {
        SendFailureKind::Dns => ReasonCode::Dns,
        SendFailureKind::Blocked => ReasonCode::BlockedAddress,
        SendFailureKind::Refused => ReasonCode::Refused,
        SendFailureKind::Tls => ReasonCode::Tls,
        SendFailureKind::Timeout => ReasonCode::Timeout,
        SendFailureKind::Reset => ReasonCode::Reset,
        SendFailureKind::Protocol => ReasonCode::Protocol,
        SendFailureKind::ProxyUnreachable => ReasonCode::ProxyUnreachable,
        SendFailureKind::ProxyAuth => ReasonCode::ProxyAuth,
        SendFailureKind::ProxyRefused => ReasonCode::ProxyRefused,
        SendFailureKind::ProxyAnswer => ReasonCode::ProxyAnswer,
        // URLs are checked before they are stored.
        SendFailureKind::InvalidUrl => ReasonCode::Internal,
    }
}
