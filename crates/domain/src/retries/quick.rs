//! The quick schedule of a webhook block that waits for its answer: the visitor waits too.

use crate::attempts::{AttemptEnd, ReasonCode};
use jiff::Timestamp;
use std::time::Duration;

/// The delays after the first, second and third failed attempt.
const DELAYS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// The port by which a conversation leaves a webhook block that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitPort {
    /// The service answered with 2xx.
    Success,
    /// The service refused: 4xx, but not 408, 425 or 429.
    ClientError,
    /// The last attempt ended with another status, or with no connection.
    ServerError,
    /// The last attempt got no answer in time.
    Timeout,
}

impl WaitPort {
    /// The port's name in the scenario document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
        }
    }
}

/// What follows an attempt of a block that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuickNext {
    /// Another attempt at this time.
    At(Timestamp),
    /// The conversation goes on by this port.
    Leave(WaitPort),
}

/// What follows the attempt number `attempts_made` (from 1), which ended so. `started` is when the block was reached
/// and `timeout` the block's own limit for all attempts together.
///
/// 2xx leaves by *success* and a refusal by *client error* at once. Anything else is tried again after 0.5, 1 and 2 s
/// as long as an attempt can begin within the timeout; then the last attempt decides between *timeout* and *server
/// error*.
pub fn quick_next(
    attempts_made: usize,
    started: Timestamp,
    now: Timestamp,
    timeout: Duration,
    last: AttemptEnd,
) -> QuickNext {
    let port = match last {
        AttemptEnd::Status(200..=299) => return QuickNext::Leave(WaitPort::Success),
        AttemptEnd::Status(408 | 425 | 429) => WaitPort::ServerError,
        AttemptEnd::Status(400..=499) => return QuickNext::Leave(WaitPort::ClientError),
        AttemptEnd::NoAnswer(ReasonCode::Timeout) => WaitPort::Timeout,
        AttemptEnd::Status(_) | AttemptEnd::NoAnswer(_) => WaitPort::ServerError,
    };
    let is_final = matches!(last, AttemptEnd::NoAnswer(reason) if reason.is_final());
    let delay = DELAYS.get(attempts_made.saturating_sub(1)).filter(|_| !is_final);
    match delay {
        Some(delay) if *delay < time_left(started, now, timeout) => QuickNext::At(super::after(now, *delay)),
        _ => QuickNext::Leave(port),
    }
}

/// How long an attempt of a block that waits may take now: what is left of the block's timeout, which takes the place
/// of [`ATTEMPT_TIMEOUT`](super::ATTEMPT_TIMEOUT). Zero: the time is over.
pub fn quick_attempt_timeout(started: Timestamp, now: Timestamp, timeout: Duration) -> Duration {
    time_left(started, now, timeout)
}

/// A clock that was set back does not lengthen the timeout.
fn time_left(started: Timestamp, now: Timestamp, timeout: Duration) -> Duration {
    let spent = Duration::try_from(now.duration_since(started)).unwrap_or_default();
    timeout.saturating_sub(spent)
}
