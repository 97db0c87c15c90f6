//! Which attempts began lately, so that no period, wherever it begins, holds more of them than the rate allows.

use crate::endpoints::options::RateLimit;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// A window remembers so many batches of attempts at most; where the rate allows more attempts, each batch has several.
const MOST_BATCHES: u32 = 1_000;

/// The attempts of the last period.
#[derive(Debug, Clone, Default)]
pub(super) struct Window(VecDeque<Batch>);

/// Attempts that are counted as one that began when the last of them did.
#[derive(Debug, Clone, Copy)]
struct Batch {
    last: Timestamp,
    attempts: u32,
}

impl Window {
    /// When the rate allows the next attempt, if that is not now.
    pub fn next(&self, now: Timestamp, rate: RateLimit) -> Option<Timestamp> {
        let (batches, size) = batches(rate);
        if self.0.back().is_some_and(|newest| newest.attempts < size) {
            return None;
        }
        // With this one begins a batch; the one that so many came after must be a period ago.
        let before = self.0.get(self.0.len().checked_sub(batches)?)?;
        let at = before.last + period(rate);
        (at > now).then_some(at)
    }

    /// An attempt begins.
    pub fn count(&mut self, now: Timestamp, rate: RateLimit) {
        let (_, size) = batches(rate);
        match self.0.back_mut().filter(|newest| newest.attempts < size) {
            Some(newest) => *newest = Batch { last: now.max(newest.last), attempts: newest.attempts + 1 },
            None => self.0.push_back(Batch { last: now, attempts: 1 }),
        }
        // More than this rate needs: a limit that was lowered for a while must not forget what counts for the other.
        self.0.drain(..self.0.len().saturating_sub(MOST_BATCHES as usize));
    }

    /// The clock was set back: what began later than now began now.
    pub fn forget_the_future(&mut self, now: Timestamp) {
        for batch in self.0.iter_mut().rev().take_while(|batch| batch.last > now) {
            batch.last = now;
        }
    }
}

/// How many batches there are, and of how many attempts each: never more in all than the rate allows.
fn batches(rate: RateLimit) -> (usize, u32) {
    let size = rate.requests.div_ceil(MOST_BATCHES).max(1);
    ((rate.requests / size).max(1) as usize, size)
}

fn period(rate: RateLimit) -> SignedDuration {
    SignedDuration::from_secs(rate.per_seconds.into())
}
