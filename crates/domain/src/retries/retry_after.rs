//! `Retry-After`: a receiver that asks for time gets it (RFC 9110, section 10.2.3).

use super::Next;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
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
        let date = date(value, now)?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// A date in any of the three forms that HTTP has had (RFC 9110, section 5.6.7).
fn date(value: &str, now: Timestamp) -> Option<Timestamp> {
    let today = rfc2822::DateTimeParser::new().parse_timestamp(value);
    today.ok().or_else(|| rfc850(value, now)).or_else(|| asctime(value))
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`. The date is the last one that ends so and is not more than 50 years ahead, whatever
/// day of the week it is said to be.
fn rfc850(value: &str, now: Timestamp) -> Option<Timestamp> {
    let mut parts = strtime::parse("%A, %d-%b-%y %H:%M:%S GMT", value).ok()?;
    parts.set_weekday(None);
    let furthest = Offset::UTC.to_datetime(now).checked_add(50.years()).ok()?;
    let year = furthest.year() - (furthest.year() - parts.year()?).rem_euclid(100);
    let mut dates = [year, year - 100].into_iter().filter_map(|year| {
        parts.set_year(Some(year)).ok()?;
        parts.to_datetime().ok()
    });
    let date = dates.find(|date| *date <= furthest)?;
    Offset::UTC.to_timestamp(date).ok()
}

/// `Sun Nov  6 08:49:37 1994`.
fn asctime(value: &str) -> Option<Timestamp> {
    let date = strtime::parse("%a %b %e %H:%M:%S %Y", value).and_then(|parts| parts.to_datetime()).ok()?;
    Offset::UTC.to_timestamp(date).ok()
}

/// The next attempt, put off until the receiver's wait is over. It never comes earlier for it, nor oftener.
pub fn not_before(next: Next, now: Timestamp, wait: Duration) -> Next {
    match next {
        Next::At(time) => Next::At(time.max(super::after(now, wait.min(LONGEST_RETRY_AFTER)))),
        Next::GiveUp => Next::GiveUp,
    }
}
