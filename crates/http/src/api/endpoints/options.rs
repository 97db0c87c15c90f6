//! The parts of an endpoint that are objects of their own, alike in questions and answers.

use crate::api::present;
use crate::time::rfc3339;
use kanca_domain::endpoints::RateLimit as Limit;
use kanca_domain::endpoints::handshake::{Handshake, HandshakeState};
use kanca_engine::endpoints::{AuthFields, AuthKind, CertificateFields, ProxyFields, RateLimitInput};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// At most so many requests in so many seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub requests: u64,
    pub per_seconds: u64,
}

/// Credentials that are sent as the header `authorization`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointAuth {
    #[schema(value_type = AuthName)]
    pub r#type: AuthKind,
    /// For `basic`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username: Option<String>,
    /// For `basic`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password: Option<String>,
    /// For `bearer`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
}

/// How Kanca identifies itself.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum AuthName {
    Basic,
    Bearer,
}

/// A client certificate, for receivers that ask for one (mTLS).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateInput {
    /// The certificate and then its intermediates, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM, not encrypted.
    pub private_key_pem: String,
}

/// A client certificate as it is shown; the key never is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientCertificate {
    /// Whom it names.
    pub subject: String,
    /// The last instant at which it is valid.
    pub not_after: String,
}

/// A forward proxy that the requests are sent through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointProxy {
    /// `http://host:port` or `socks5://host:port`.
    pub url: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username: Option<String>,
    /// Shown as `••••`, which keeps the stored one when it is sent back.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password: Option<String>,
}

impl From<ClientCertificateInput> for CertificateFields {
    fn from(ClientCertificateInput { certificate_pem, private_key_pem }: ClientCertificateInput) -> Self {
        Self { certificate_pem, private_key_pem }
    }
}

impl From<EndpointProxy> for ProxyFields {
    fn from(EndpointProxy { url, username, password }: EndpointProxy) -> Self {
        Self { url, username, password }
    }
}

impl From<ProxyFields> for EndpointProxy {
    fn from(ProxyFields { url, username, password }: ProxyFields) -> Self {
        Self { url, username, password }
    }
}

/// Where the handshake with the receiver stands. Only `granted` and `unsupported` let deliveries through.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointHandshake {
    #[schema(value_type = HandshakeName)]
    pub state: HandshakeState,
    /// What came of it, in words, with the next step.
    pub detail: String,
    pub at: String,
    /// As whom Kanca asked: the host of its public address.
    pub origin: String,
    /// How many requests in a minute may be sent; `null` = any number.
    pub per_minute: Option<u32>,
}

/// `refused`: it wants events from another sender only. `unsupported`: it answered and said nothing of events, so it gets
/// a few in a minute. `unreachable`: there was no answer, and it is asked again by itself.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum HandshakeName {
    Pending,
    Granted,
    Refused,
    Unsupported,
    Unreachable,
}

impl From<&Handshake> for EndpointHandshake {
    fn from(Handshake { state, detail, at, origin, per_minute }: &Handshake) -> Self {
        Self {
            state: *state,
            detail: detail.clone(),
            at: rfc3339(*at),
            origin: origin.clone(),
            per_minute: *per_minute,
        }
    }
}

/// `v1` is HMAC-SHA256 with a shared secret, `v1a` is ed25519 with a pair of keys.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SignatureName {
    V1,
    V1a,
}

impl From<RateLimit> for RateLimitInput {
    fn from(RateLimit { requests, per_seconds }: RateLimit) -> Self {
        Self { requests, per_seconds }
    }
}

impl From<Limit> for RateLimit {
    fn from(Limit { requests, per_seconds }: Limit) -> Self {
        Self { requests: requests.into(), per_seconds: per_seconds.into() }
    }
}

impl From<EndpointAuth> for AuthFields {
    fn from(EndpointAuth { r#type, username, password, token }: EndpointAuth) -> Self {
        Self { kind: r#type, username, password, token }
    }
}

impl From<AuthFields> for EndpointAuth {
    fn from(AuthFields { kind, username, password, token }: AuthFields) -> Self {
        Self { r#type: kind, username, password, token }
    }
}
