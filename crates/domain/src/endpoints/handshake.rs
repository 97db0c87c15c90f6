//! The handshake of `CloudEvents`' webhooks (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4): before the first event
//! the receiver is asked with `OPTIONS` whether it wants any, and how many in a minute.
//!
//! A status says nothing, as any server may answer `OPTIONS` with 200: only the headers do. Who answers without them knows
//! nothing of the handshake, or grants permission later by a callback: meanwhile it is sent "only at a very low request
//! rate", as the specification allows. Who names another sender gets nothing.

use super::RateLimit;
use crate::headers;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Asks for permission, and comes with each delivery afterwards: a DNS name of the sender.
pub const REQUEST_ORIGIN: &str = "webhook-request-origin";
/// Asks for so many requests in a minute.
pub const REQUEST_RATE: &str = "webhook-request-rate";
/// Where permission can be granted later, with GET or POST.
pub const REQUEST_CALLBACK: &str = "webhook-request-callback";
/// The origin that may send, or `*`.
pub const ALLOWED_ORIGIN: &str = "webhook-allowed-origin";
/// How many requests in a minute are allowed, or `*`.
pub const ALLOWED_RATE: &str = "webhook-allowed-rate";

/// Requests in a minute to a receiver that does not know the handshake.
pub const UNASKED_PER_MINUTE: u32 = 10;

/// Where the handshake with an endpoint stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// What came of it.
    pub state: HandshakeState,
    /// The same in words, with the next step.
    pub detail: String,
    /// When it came to this.
    pub at: Timestamp,
    /// As whom Kanca asked.
    pub origin: String,
    /// How many requests in a minute may be sent; `None` is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
}

/// What came of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HandshakeState {
    /// It is under way.
    Pending,
    /// The receiver wants events.
    Granted,
    /// The receiver wants events from somebody else only.
    Refused,
    /// The receiver answered and said nothing of events: it gets a few.
    Unsupported,
    /// There was no answer; Kanca asks again by itself.
    Unreachable,
}

impl Handshake {
    /// A handshake that begins.
    pub fn begun(origin: String, at: Timestamp) -> Self {
        let detail = "The receiver is being asked whether it wants events.".to_owned();
        Self { state: HandshakeState::Pending, detail, at, origin, per_minute: None }
    }

    /// What an answer with this status and these headers means.
    #[must_use]
    pub fn answered(self, status: u16, headers: &[(String, String)], at: Timestamp) -> Self {
        let header = |name: &str| headers::find(headers, name).map(str::trim);
        let (state, detail, per_minute) = match header(ALLOWED_ORIGIN) {
            Some(allowed) if allowed == "*" || allowed.eq_ignore_ascii_case(&self.origin) => {
                return self.granted(header(ALLOWED_RATE), at);
            }
            Some(other) => {
                let shown: String = other.chars().take(100).collect();
                let detail = format!(
                    "The receiver wants events from “{shown}” only, and this Kanca is “{}”. Let it answer with that name or \
                     with “*”, then ask again.",
                    self.origin
                );
                (HandshakeState::Refused, detail, None)
            }
            None => {
                let detail = format!(
                    "The receiver answered OPTIONS with {status} and without the header WebHook-Allowed-Origin, so it has not \
                     agreed to receive events and gets at most {UNASKED_PER_MINUTE} in a minute. Let it answer with \
                     “WebHook-Allowed-Origin: {}” and ask again, or choose another format, which needs no handshake.",
                    self.origin
                );
                (HandshakeState::Unsupported, detail, Some(UNASKED_PER_MINUTE))
            }
        };
        Self { state, detail, at, per_minute, ..self }
    }

    /// The receiver agrees, at the rate that it says.
    #[must_use]
    pub fn granted(self, rate: Option<&str>, at: Timestamp) -> Self {
        let per_minute = rate.and_then(|rate| rate.trim().parse().ok()).filter(|rate| *rate > 0);
        let detail = match per_minute {
            Some(1) => "The receiver wants events, at most one in a minute.".to_owned(),
            Some(rate) => format!("The receiver wants events, at most {rate} in a minute."),
            None => "The receiver wants events.".to_owned(),
        };
        Self { state: HandshakeState::Granted, detail, at, per_minute, ..self }
    }

    /// Whether anything may be sent.
    pub const fn lets_through(&self) -> bool {
        matches!(self.state, HandshakeState::Granted | HandshakeState::Unsupported)
    }

    /// What it means that there was no answer.
    #[must_use]
    pub fn unanswered(self, reason: &str, at: Timestamp) -> Self {
        let detail = format!("{reason} Kanca asks again by itself; events wait until the receiver agrees.");
        Self { state: HandshakeState::Unreachable, detail, at, per_minute: None, ..self }
    }

    /// The rate that this leaves.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.per_minute.map(|requests| RateLimit { requests, per_seconds: 60 })
    }
}

/// How many requests in a minute to ask for, at a limit of one's own; at least one.
pub fn per_minute(limit: RateLimit) -> u64 {
    (u64::from(limit.requests) * 60 / u64::from(limit.per_seconds.max(1))).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Handshake {
        let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Handshake::begun("kanca.example".into(), Timestamp::UNIX_EPOCH).answered(200, &headers, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn only_the_headers_grant_permission() {
        use HandshakeState::{Granted, Refused, Unsupported};
        let few = Some(UNASKED_PER_MINUTE);
        for (headers, state, rate) in [
            (&[][..], Unsupported, few),
            (&[("allow", "POST, OPTIONS")], Unsupported, few),
            (&[(ALLOWED_RATE, "100")], Unsupported, few),
            (&[(ALLOWED_ORIGIN, "other.example")], Refused, None),
            (&[(ALLOWED_ORIGIN, "")], Refused, None),
            (&[(ALLOWED_ORIGIN, "kanca.example")], Granted, None),
            (&[(ALLOWED_ORIGIN, "Kanca.Example"), (ALLOWED_RATE, "*")], Granted, None),
            (&[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, " 120 ")], Granted, Some(120)),
            (&[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, "0")], Granted, None),
            (&[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, "-1")], Granted, None),
        ] {
            let handshake = answer(headers);
            assert_eq!((handshake.state, handshake.per_minute), (state, rate), "{headers:?}");
            assert_eq!(handshake.lets_through(), state != Refused, "{headers:?}");
        }
        assert!(answer(&[]).detail.contains("WebHook-Allowed-Origin: kanca.example"));
    }

    #[test]
    fn rates_are_by_the_minute() {
        let of = |requests, per_seconds| per_minute(RateLimit { requests, per_seconds });
        assert_eq!([of(10, 1), of(1, 60), of(1, 3_600), of(100, 7)], [600, 1, 1, 857]);
        let granted = answer(&[(ALLOWED_ORIGIN, "*"), (ALLOWED_RATE, "120")]);
        assert_eq!(granted.rate_limit(), Some(RateLimit { requests: 120, per_seconds: 60 }));
    }
}
