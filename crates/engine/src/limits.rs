//! Rate limits for what is open to the internet: one keyed limiter for each kind of caller.

use crate::errors::{EngineError, Result};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;

/// A steady rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Permits that come back each second.
    pub per_second: u32,
    /// Permits that may be used at once.
    pub burst: u32,
}

/// Limits each key on its own, so that a flood from one harms nobody else.
pub struct KeyedLimit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock>,
    what: &'static str,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    /// A limit; `what` completes the sentence "Too many … ". Zero rates count as one.
    pub fn new(what: &'static str, rate: Rate) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        Self { limiter: RateLimiter::dashmap(quota), what }
    }

    /// Takes one permit of `key`.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn check(&self, key: &K) -> Result<()> {
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            EngineError::TooMany {
                detail: format!("Too many {}. Wait {wait} s and try again.", self.what),
                retry_after: wait,
            }
        })
    }

    /// Forgets keys that have all their permits again, so that memory is bounded by the recent callers.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_and_others_are_not() {
        let limit = KeyedLimit::new("messages", Rate { per_second: 1, burst: 3 });
        let passed = (0..10).filter(|_| limit.check(&"flood").is_ok()).count();
        assert_eq!(passed, 3);
        assert!(limit.check(&"other").is_ok());
        let Err(EngineError::TooMany { retry_after, detail }) = limit.check(&"flood") else { panic!() };
        assert!((1..=2).contains(&retry_after) && detail.contains("messages"));
    }
}
