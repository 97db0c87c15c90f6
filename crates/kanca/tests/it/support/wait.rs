//! Waiting for a condition, never for luck.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Asks until there is an answer; panics with `what` at the caller's line when there is none in time.
#[track_caller]
pub fn eventually<T>(what: &str, timeout: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < timeout, "after {timeout:?} still not: {what}");
        std::thread::sleep(LOOK);
    }
}
