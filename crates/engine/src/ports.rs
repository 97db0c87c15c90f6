//! What the engine needs from outside besides storage: a sender of HTTP requests, a clock and randomness.
//!
//! Time and randomness are parameters (so that retries, timeouts and ids are tested without sleeping); the sender is the
//! one guarded way out.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::attempts::Timings;
use std::time::Duration;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes, fit for secrets.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Where a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To whatever public address the URL's host resolves to (and to the ranges that the operator opened).
    Guarded,
    /// To Kanca's own listener, whatever the URL's host resolves to. The engine chooses it only for a URL that is an
    /// existing inbox under the public origin.
    OwnInbox,
}

/// A POST to be sent.
#[derive(Debug, Clone)]
pub struct OutgoingRequest {
    /// Absolute, http or https.
    pub url: String,
    /// In order; `content-type`, `webhook-*`, the endpoint's own, `user-agent`. `host` and `content-length` are added.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// One deadline for everything: name look-up, connecting, TLS, request, response with body.
    pub timeout: Duration,
    /// Bytes of the response body to keep. Reading stops there, the rest is discarded and the connection closed.
    pub response_limit: usize,
    pub route: Route,
}

/// A response as it came; `body` may have been cut at the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingResponse {
    pub status: u16,
    /// Names in lower case, repeated ones apart, values as text (bytes that are no UTF-8 replaced).
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub truncated: bool,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailureKind {
    /// The URL cannot be dialled at all (not http(s), no host).
    InvalidUrl,
    /// The name did not resolve.
    Dns,
    /// The address is refused by the address guard; nothing was dialled.
    Blocked,
    /// Nobody listens there, or the network is unreachable.
    Refused,
    /// TLS failed: certificate, name or protocol.
    Tls,
    /// The total deadline passed.
    Timeout,
    /// The connection broke off before the response was complete.
    Reset,
    /// What came back is not HTTP, or breaks its rules or our limits on heads.
    Protocol,
}

/// A failed exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFailure {
    pub kind: SendFailureKind,
    /// What exactly happened, without secrets: `certificate has expired`, `10.0.0.1 is a private address`, …
    pub detail: String,
}

/// What came of a request, and where its time went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub result: Result<IncomingResponse, SendFailure>,
    pub timings: Timings,
}

/// Sends requests. Implementations never follow redirects and never dial an address that was not checked.
#[async_trait]
pub trait Sender: Send + Sync + 'static {
    /// One HTTP exchange.
    async fn send(&self, request: OutgoingRequest) -> Sent;
}
