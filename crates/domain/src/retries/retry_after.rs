//! `Retry-After`: a receiver that asks for time gets it (RFC 9110, section 10.2.3).

use super::Next;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// The longest wait that a receiver can ask for; more is taken as this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// How long the receiver asks to wait: whole seconds or a date. Nothing if it asks for nothing that can be understood;
/// zero if the date is past.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// The next attempt, put off until the receiver's wait is over. It never comes earlier for it, nor oftener.
pub fn not_before(next: Next, now: Timestamp, wait: Duration) -> Next {
    match next {
        Next::At(time) => Next::At(time.max(super::after(now, wait.min(LONGEST_RETRY_AFTER)))),
        Next::GiveUp => Next::GiveUp,
    }
}
