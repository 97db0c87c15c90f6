//! A lane's places and waiting children, and what is remembered of programs.

use super::process::Child;
use crate::fault::{Fault, FaultKind};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A program that took more processor time than this is slow; the clock would blame it for a busy machine.
const SLOW_MICROS: u64 = 10_000;
/// How long a filter that ran out of its time is left alone.
const REST: Duration = Duration::from_secs(10);
/// Programs remembered.
const REMEMBERED: usize = 10_000;

/// A few children that work at a time.
pub(super) struct Lane {
    pub places: Semaphore,
    pub idle: Mutex<Vec<Child>>,
    /// Processor time of one run.
    pub millis: u64,
}

impl Lane {
    pub fn new(places: usize, millis: u64) -> Self {
        Self { places: Semaphore::new(places), idle: Mutex::default(), millis }
    }

    /// A place to run something, if one becomes free in time.
    pub async fn place(&self, wait: Duration) -> Option<SemaphorePermit<'_>> {
        timeout(wait, self.places.acquire()).await.ok()?.ok()
    }
}

/// Programs that were slow the last time, by the digest of their text.
#[derive(Default)]
pub(super) struct History(HashMap<[u8; 32], Slow>);

struct Slow {
    rests_until: Option<Instant>,
}

impl History {
    pub fn is_slow(&self, text: &str) -> bool {
        !self.0.is_empty() && self.0.contains_key(&digest(text))
    }

    pub fn rests(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let until = self.0.get(&digest(text)).and_then(|slow| slow.rests_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes how a run went and the processor time that it took.
    pub fn note(&mut self, text: &str, micros: u64, fault: Option<&Fault>) {
        let kind = fault.map(|f| f.kind);
        if kind == Some(FaultKind::NotRun) {
            return;
        }
        let exhausted = kind == Some(FaultKind::Exhausted);
        if exhausted || micros > SLOW_MICROS {
            if self.0.len() >= REMEMBERED {
                self.0.clear();
            }
            self.0.insert(digest(text), Slow { rests_until: exhausted.then(|| Instant::now() + REST) });
        } else if !self.0.is_empty() {
            self.0.remove(&digest(text));
        }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_program_is_remembered_until_it_is_quick() {
        let mut history = History::default();
        history.note("a", 20_000, None);
        assert!(history.is_slow("a") && !history.rests("a") && !history.is_slow("b"));
        history.note("a", 50_000, Some(&Fault::ran_too_long()));
        assert!(history.is_slow("a") && history.rests("a"));
        history.note("a", 0, Some(&Fault::new(FaultKind::NotRun, "")));
        assert!(history.is_slow("a"));
        history.note("a", 100, None);
        assert!(!history.is_slow("a") && !history.rests("a"));
    }
}
