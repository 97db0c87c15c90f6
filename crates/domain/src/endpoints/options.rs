//! What an endpoint may have beyond a URL and types: its pace, its patience and its programs.
//!
//! Each option is stored in one JSON text and is absent when the default holds, so a new one needs no migration and
//! what another version wrote can be read. Input is checked by the functions here, before anything is stored.

use super::handshake::Handshake;
use crate::projects::ProjectOptions;
use crate::retries::{ATTEMPT_TIMEOUT, Schedule};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest timeout of one attempt that an endpoint may choose, in seconds.
pub const MAX_TIMEOUT_SECONDS: u64 = 60;
/// The most attempts that an endpoint may allow at a time.
pub const MAX_CONCURRENCY: u64 = 256;
/// The most requests of a rate limit.
pub const MAX_RATE_REQUESTS: u64 = 1_000_000;
/// The longest period of a rate limit, in seconds: a day.
pub const MAX_RATE_SECONDS: u64 = 24 * 60 * 60;
/// The longest time of failing after which an endpoint can be disabled, in seconds: a year.
pub const MAX_DISABLE_AFTER_SECONDS: u64 = 365 * 24 * 60 * 60;
/// The longest text of a filter or a transformation, in bytes.
pub const MAX_PROGRAM_BYTES: usize = 64 * 1024;
/// How long an endpoint may fail, and do nothing else, until it is disabled, unless the project says otherwise: 5 days.
pub const DISABLE_AFTER: Duration = Duration::from_hours(5 * 24);

/// The options of an endpoint that are no secrets; `None` is the default of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointOptions {
    /// The delays before the attempts; by default the project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<Schedule>,
    /// How long one attempt may take, in seconds: 1 to [`MAX_TIMEOUT_SECONDS`], by default [`ATTEMPT_TIMEOUT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// How many attempts may begin in a period; by default any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How many attempts may be under way: 1 to [`MAX_CONCURRENCY`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// Seconds of failing only, after which it is disabled; 0 is never. By default the project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_after_seconds: Option<u32>,
    /// An expression that says which of the matching events it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A program that changes what is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transformation: Option<String>,
    /// Whether the receiver agrees, where it has to be asked. No wish of the user's, but it stands and falls with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
}

impl EndpointOptions {
    /// How long one attempt may take, if it is not the installation's default.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The rate limit that holds: its own or the receiver's, whichever is stricter.
    pub fn rate_in_force(&self) -> Option<RateLimit> {
        let allowed = self.handshake.as_ref().and_then(Handshake::rate_limit);
        match (self.rate_limit, allowed) {
            (Some(own), Some(allowed)) if own.is_stricter_than(allowed) => Some(own),
            (own, allowed) => allowed.or(own),
        }
    }

    /// The delays before the attempts: its own, the project's, or those of Standard Webhooks.
    pub fn schedule(&self, project: &ProjectOptions) -> Schedule {
        self.chosen_schedule(Some(project)).cloned().unwrap_or_default()
    }

    /// The delay before the first attempt by that schedule.
    pub fn first_delay(&self, project: Option<&ProjectOptions>) -> Duration {
        self.chosen_schedule(project).map_or(Duration::ZERO, Schedule::first)
    }

    fn chosen_schedule<'a>(&'a self, project: Option<&'a ProjectOptions>) -> Option<&'a Schedule> {
        self.retry_schedule.as_ref().or_else(|| project?.retry_schedule.as_ref())
    }

    /// How long it may fail, and do nothing else, until it is disabled; `None` is for ever.
    pub fn disable_after(&self, project: &ProjectOptions) -> Option<Duration> {
        match self.disable_after_seconds.or(project.disable_after_seconds) {
            None => Some(DISABLE_AFTER),
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds.into())),
        }
    }
}

/// So many requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many attempts may begin in the period.
    pub requests: u32,
    /// The period.
    pub per_seconds: u32,
}

impl RateLimit {
    fn is_stricter_than(self, other: Self) -> bool {
        let cross = |one: Self, other: Self| u64::from(one.requests) * u64::from(other.per_seconds);
        cross(self, other) <= cross(other, self)
    }
}

/// Why an option is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    /// No timeout between 1 second and [`MAX_TIMEOUT_SECONDS`].
    #[error(
        "an attempt may take 1 to {MAX_TIMEOUT_SECONDS} seconds; leave it out for {} seconds",
        ATTEMPT_TIMEOUT.as_secs()
    )]
    Timeout,
    /// No number of requests between 1 and [`MAX_RATE_REQUESTS`].
    #[error("a rate limit has 1 to {MAX_RATE_REQUESTS} requests; leave the limit out to have none")]
    RateRequests,
    /// No period between 1 second and [`MAX_RATE_SECONDS`].
    #[error("the period of a rate limit is 1 to {MAX_RATE_SECONDS} seconds")]
    RateSeconds,
    /// No number between 1 and [`MAX_CONCURRENCY`].
    #[error("1 to {MAX_CONCURRENCY} attempts may be under way at a time; pause the webhook to send none")]
    Concurrency,
    /// More than [`MAX_DISABLE_AFTER_SECONDS`].
    #[error("the longest time is {MAX_DISABLE_AFTER_SECONDS} seconds (a year); 0 is never")]
    DisableAfter,
    /// Longer than [`MAX_PROGRAM_BYTES`]; holds the length.
    #[error("the text has {0} bytes; at most {MAX_PROGRAM_BYTES} are allowed")]
    ProgramTooLong(usize),
    /// A control character that no program needs, such as NUL.
    #[error("the text contains a control character; remove it")]
    ProgramCharacter,
}

/// Checks how long an attempt may take, in seconds.
pub fn check_timeout(seconds: u64) -> Result<u32, InvalidOption> {
    within(seconds, 1..=MAX_TIMEOUT_SECONDS, InvalidOption::Timeout)
}

/// Checks the number of requests of a rate limit.
pub fn check_rate_requests(requests: u64) -> Result<u32, InvalidOption> {
    within(requests, 1..=MAX_RATE_REQUESTS, InvalidOption::RateRequests)
}

/// Checks the period of a rate limit, in seconds.
pub fn check_rate_seconds(seconds: u64) -> Result<u32, InvalidOption> {
    within(seconds, 1..=MAX_RATE_SECONDS, InvalidOption::RateSeconds)
}

/// Checks how many attempts may be under way.
pub fn check_concurrency(attempts: u64) -> Result<u32, InvalidOption> {
    within(attempts, 1..=MAX_CONCURRENCY, InvalidOption::Concurrency)
}

/// Checks after how many seconds of failing an endpoint is disabled; 0 is never.
pub fn check_disable_after(seconds: u64) -> Result<u32, InvalidOption> {
    within(seconds, 0..=MAX_DISABLE_AFTER_SECONDS, InvalidOption::DisableAfter)
}

/// Checks the text of a filter or a transformation, whatever it says; one that is blank is none.
pub fn check_program(text: &str) -> Result<Option<&str>, InvalidOption> {
    if text.len() > MAX_PROGRAM_BYTES {
        return Err(InvalidOption::ProgramTooLong(text.len()));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(InvalidOption::ProgramCharacter);
    }
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

fn within(number: u64, allowed: std::ops::RangeInclusive<u64>, problem: InvalidOption) -> Result<u32, InvalidOption> {
    u32::try_from(number).ok().filter(|_| allowed.contains(&number)).ok_or(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_bounds() {
        let fine = |result: Result<u32, InvalidOption>| result.ok();
        assert_eq!([0, 1, 60, 61, u64::MAX].map(|n| fine(check_timeout(n))), [None, Some(1), Some(60), None, None]);
        assert_eq!([0, 1, 256, 257].map(|n| fine(check_concurrency(n))), [None, Some(1), Some(256), None]);
        assert_eq!([0, 1, 86_400, 86_401].map(|n| fine(check_rate_seconds(n))), [None, Some(1), Some(86_400), None]);
        assert_eq!([0, 1, 1_000_001].map(|n| fine(check_rate_requests(n))), [None, Some(1), None]);
        assert_eq!(
            [0, 31_536_000, 31_536_001].map(|n| fine(check_disable_after(n))),
            [Some(0), Some(31_536_000), None]
        );
    }

    #[test]
    fn a_program_is_a_bounded_text() {
        assert_eq!(check_program("a\n\tb"), Ok(Some("a\n\tb")));
        assert_eq!(check_program(" \n"), Ok(None));
        assert!(check_program(&"a".repeat(64 * 1024)).is_ok());
        assert_eq!(check_program(&"a".repeat(64 * 1024 + 1)), Err(InvalidOption::ProgramTooLong(64 * 1024 + 1)));
        assert_eq!(check_program("a\0"), Err(InvalidOption::ProgramCharacter));
    }

    #[test]
    fn options_are_stored_without_defaults_and_read_with_unknown_ones() {
        assert_eq!(serde_json::to_string(&EndpointOptions::default()).unwrap(), "{}");
        let schedule = Schedule::from_seconds(&[0, 5]).unwrap();
        let options = EndpointOptions {
            retry_schedule: Some(schedule),
            rate_limit: Some(RateLimit { requests: 10, per_seconds: 1 }),
            ..EndpointOptions::default()
        };
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(text, r#"{"retry_schedule":[0,5],"rate_limit":{"requests":10,"per_seconds":1}}"#);
        assert_eq!(serde_json::from_str::<EndpointOptions>(&text).unwrap(), options);
        let later: EndpointOptions = serde_json::from_str(r#"{"colour":"red","timeout_seconds":3}"#).unwrap();
        assert_eq!(later.timeout(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn the_stricter_rate_limit_holds() {
        let mut handshake = Handshake::begun("kanca.example".into(), jiff::Timestamp::UNIX_EPOCH);
        let limit = |requests, per_seconds| Some(RateLimit { requests, per_seconds });
        for (own, allowed, holds) in [
            (None, None, None),
            (limit(10, 1), None, limit(10, 1)),
            (None, Some(120), limit(120, 60)),
            (limit(10, 1), Some(120), limit(120, 60)),
            (limit(1, 1), Some(120), limit(1, 1)),
        ] {
            handshake.per_minute = allowed;
            let options =
                EndpointOptions { rate_limit: own, handshake: Some(handshake.clone()), ..EndpointOptions::default() };
            assert_eq!(options.rate_in_force(), holds, "{own:?}, {allowed:?}");
        }
    }

    #[test]
    fn what_an_endpoint_does_not_say_the_project_says() {
        let schedule = |seconds: u64| Some(Schedule::from_seconds(&[0, seconds]).unwrap());
        let own = EndpointOptions {
            retry_schedule: schedule(1),
            disable_after_seconds: Some(0),
            ..EndpointOptions::default()
        };
        let project =
            ProjectOptions { retry_schedule: schedule(2), disable_after_seconds: Some(9), ..ProjectOptions::default() };
        let (none, plain) = (EndpointOptions::default(), ProjectOptions::default());
        assert_eq!(own.schedule(&project), schedule(1).unwrap());
        assert_eq!(none.schedule(&project), schedule(2).unwrap());
        assert_eq!(none.schedule(&plain), Schedule::default());
        assert_eq!(own.disable_after(&project), None);
        assert_eq!(none.disable_after(&project), Some(Duration::from_secs(9)));
        assert_eq!(none.disable_after(&plain), Some(DISABLE_AFTER));
    }
}
