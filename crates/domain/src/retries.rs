//! When a delivery is tried again, and when it is given up.
//!
//! Nothing here looks at a clock or at a random source: both are parameters. Steps are counted by the caller, because
//! an attempt that Kanca itself cut off (a shutdown, a crash) does not use one up.

mod quick;
mod retry_after;
mod schedule;

pub use quick::{QuickNext, WaitPort, quick_attempt_timeout, quick_next};
pub use retry_after::{LONGEST_RETRY_AFTER, not_before, retry_after};
pub use schedule::{InvalidSchedule, Schedule};

use crate::attempts::{AttemptEnd, Outcome};
use jiff::Timestamp;
use std::time::Duration;

/// How long one attempt may take, its body included (Standard Webhooks: 15 to 30 s).
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// The part of a delay by which it is stretched or shortened at most, so that many deliveries do not come back at once.
pub const JITTER: f64 = 0.1;

/// What becomes of a delivery that has not succeeded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// An attempt at this time.
    At(Timestamp),
    /// None: the delivery has failed.
    GiveUp,
}

/// Whether an exchange delivered the event: 2xx did, everything else did not, redirects included.
pub const fn classify(end: AttemptEnd) -> Outcome {
    match end {
        AttemptEnd::Status(200..=299) => Outcome::Success,
        AttemptEnd::Status(_) | AttemptEnd::NoAnswer(_) => Outcome::Failure,
    }
}

/// The next attempt of a delivery of which `steps_used` attempts have failed.
///
/// `jitter` is a random number from −1 to 1, which moves the delay by up to ±10 %. Age counts from the event: a
/// delivery that is older than the schedule's total gets no further attempt once it has had one. (What the steps used
/// explain by themselves, their longest delays and their `timeout`s, is never held against it: a schedule of a few
/// seconds still gets all its attempts from a receiver that lets each time out.)
///
/// The time is never before `now`, whatever the clocks have done.
pub fn next_attempt(
    schedule: &Schedule,
    timeout: Duration,
    steps_used: usize,
    event_created: Timestamp,
    now: Timestamp,
    jitter: f64,
) -> Next {
    let Some(delay) = schedule.delays().get(steps_used) else { return Next::GiveUp };
    if steps_used > 0 {
        let age = Duration::try_from(now.duration_since(event_created)).unwrap_or_default();
        let attempts = timeout.saturating_mul(u32::try_from(steps_used).unwrap_or(u32::MAX)).saturating_mul(2);
        let explained = schedule.delays()[..steps_used].iter().sum::<Duration>().mul_f64(1.0 + JITTER) + attempts;
        if age > schedule.total().max(explained) {
            return Next::GiveUp;
        }
    }
    Next::At(after(now, jittered(*delay, jitter)))
}

fn jittered(delay: Duration, jitter: f64) -> Duration {
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(-1.0, 1.0) };
    delay.mul_f64(1.0 + JITTER * jitter)
}

fn after(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
