//! Times as the API writes them: RFC 3339, UTC, milliseconds.

use jiff::Timestamp;

/// `2026-11-24T09:30:00.000Z`.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}
