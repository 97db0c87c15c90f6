//! What the engine needs from outside besides storage: a sender of HTTP requests, a clock and randomness.
//!
//! Time and randomness are parameters (so that retries, timeouts and ids are tested without sleeping); the sender is the
//! one guarded way out.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::attempts::Timings;
use kanca_domain::headers::Header;
pub use kanca_domain::proxies::{Proxy, ProxyKind};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// The time since some instant in the past; it goes on evenly whatever is done to the clock.
    fn running(&self) -> Duration;
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

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Every delivery.
    #[default]
    Post,
    /// The handshake by which receivers of `CloudEvents` agree (HTTP 1.1 Web Hooks for Event Delivery, section 4); without a body.
    Options,
}

impl Method {
    /// As it stands in the request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Options => "OPTIONS",
        }
    }
}

/// A client certificate with its key, read and found to belong together by [`Sender::read_identity`]. Its `Debug` shows
/// no key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// A hash of certificates and key: connections are shared by requests with the same one only.
    pub id: [u8; 32],
    /// The certificate and then its intermediates.
    pub certificate_pem: String,
    pub private_key_pem: String,
    /// Whom the certificate names, such as `CN=kanca, O=Example`.
    pub subject: String,
    /// The last instant at which it is valid.
    pub not_after: Timestamp,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({}, until {})", self.subject, self.not_after)
    }
}

/// Why a certificate and a key are no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct InvalidIdentity {
    /// The field to be mended: `certificate_pem` or `private_key_pem`.
    pub field: &'static str,
    /// A sentence with the next step.
    pub problem: String,
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct OutgoingRequest {
    pub method: Method,
    /// Absolute, http or https.
    pub url: String,
    /// In order and as they are to be spelt; `content-type`, `webhook-*`, the endpoint's own. Before them come those that the
    /// sender knows: `host`, `content-length`, and `user-agent` unless it is among these.
    pub headers: Vec<Header>,
    pub body: Bytes,
    /// One deadline for everything: name look-up, connecting, TLS, request, response with body.
    pub timeout: Duration,
    /// Bytes of the response body to keep. Reading stops there, the rest is discarded and the connection closed.
    pub response_limit: usize,
    pub route: Route,
    /// Shown to an https server that asks for a client certificate.
    pub identity: Option<Arc<ClientIdentity>>,
    /// Asked to open the connection. Both its own address and the receiver's, which is looked up here, must pass the
    /// address guard; never used for [`Route::OwnInbox`].
    pub proxy: Option<Arc<Proxy>>,
}

/// A response as it came; `body` may have been cut at the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingResponse {
    pub status: u16,
    /// Names as they came, repeated ones apart, values as text (bytes that are no UTF-8 replaced).
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
    /// The proxy cannot be reached, or does not answer in time.
    ProxyUnreachable,
    /// The proxy wants a user name and password, or others.
    ProxyAuth,
    /// The proxy says that it does not, or cannot, connect to the receiver.
    ProxyRefused,
    /// What the proxy says is neither yes nor no.
    ProxyAnswer,
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

/// What was sent, what came of it, and where its time went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The very list that the head was, or would have been, written from; the caller's alone if the URL was refused.
    pub headers: Vec<Header>,
    pub result: Result<IncomingResponse, SendFailure>,
    pub timings: Timings,
}

/// Sends requests. Implementations never follow redirects and never dial an address that was not checked.
#[async_trait]
pub trait Sender: Send + Sync + 'static {
    /// One HTTP exchange.
    async fn send(&self, request: OutgoingRequest) -> Sent;

    /// Reads a client certificate (PEM, intermediates after it) and its private key (PEM: PKCS #8, PKCS #1 or SEC 1, not
    /// encrypted). Whether it is still valid is for the caller to see. A sender that knows no TLS refuses each.
    fn read_identity(&self, certificate_pem: &str, private_key_pem: &str) -> Result<ClientIdentity, InvalidIdentity> {
        let _ = (certificate_pem, private_key_pem);
        Err(InvalidIdentity { field: "certificate_pem", problem: "client certificates cannot be used here".into() })
    }
}
