//! The source of ids: strictly increasing within the process, and after everything stored, whatever the clock does.
//!
//! The order of ids is the order of acceptance, which per-key ordering and paging rely on. Within one millisecond a
//! counter in the upper random bits grows; the lower 48 bits stay random so that ids cannot be guessed.

use crate::ports::{Clock, Random};
use kanca_domain::ids::Id;
use parking_lot::Mutex;
use std::sync::Arc;

/// Makes ids.
pub struct IdSource {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    last: Mutex<Last>,
}

struct Last {
    millis: u64,
    /// 26 bits are used: `rand_a` (12) and the top of `rand_b` (14 after the variant bits).
    counter: u32,
}

impl IdSource {
    /// A source whose ids are greater than any id of the millisecond `newest_millis`.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, newest_millis: u64) -> Self {
        let last = Last { millis: newest_millis, counter: MAX_COUNTER };
        Self { clock, random, last: Mutex::new(last) }
    }

    /// The next id of a kind.
    pub fn next<I: Id>(&self) -> I {
        let mut bytes = [0u8; 10];
        self.random.fill(&mut bytes[4..]);
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let mut last = self.last.lock();
        if now > last.millis {
            *last = Last { millis: now, counter: 0 };
        } else if last.counter < MAX_COUNTER {
            last.counter += 1;
        } else {
            *last = Last { millis: last.millis + 1, counter: 0 };
        }
        // Layout of the ten bytes: 4 bits overwritten by the version, 12 bits, 2 bits overwritten by the variant, 14 bits.
        let high = u16::try_from(last.counter >> 14).unwrap_or(0x0fff);
        let low = u16::try_from(last.counter & 0x3fff).unwrap_or(0x3fff);
        bytes[..2].copy_from_slice(&high.to_be_bytes());
        bytes[2..4].copy_from_slice(&low.to_be_bytes());
        I::new(last.millis, &bytes)
    }
}

const MAX_COUNTER: u32 = (1 << 26) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use kanca_domain::ids::EventId;
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Set(AtomicI64);
    impl Clock for Set {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap()
        }
        fn running(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
    }
    struct Ones;
    impl Random for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn ids_grow_within_a_millisecond_and_when_the_clock_goes_back() {
        let clock = Arc::new(Set(AtomicI64::new(5_000)));
        let source = IdSource::new(clock.clone(), Arc::new(Ones), 0);
        let mut previous: EventId = source.next();
        for step in 0..50_000 {
            if step == 20_000 {
                clock.0.store(1_000, Ordering::Relaxed);
            }
            let next: EventId = source.next();
            assert!(next > previous);
            previous = next;
        }
    }

    #[test]
    fn ids_sort_after_what_was_stored_before() {
        let stored = EventId::new(9_000, &[0xff; 10]);
        let source = IdSource::new(Arc::new(Set(AtomicI64::new(5_000))), Arc::new(Ones), 9_000);
        assert!(source.next::<EventId>() > stored);
    }
}
