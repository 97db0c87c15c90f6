//! What was sent, accepted and delivered in one run: for each message the times of its sending and acceptance, for each
//! delivery its first arrival and the number of arrivals. Messages are numbered from nought, and the number travels in
//! the payload, so that every loss and every duplicate is seen.

use super::figures::number;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Which endpoints a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every endpoint.
    All,
    /// One, in turn.
    One,
}

/// The book of one run. Times are nanoseconds since it was opened; 0 means that it did not happen.
pub struct Ledger {
    opened: Instant,
    reach: Reach,
    /// For each endpoint, whether its deliveries are waited for and reported; a black hole's are not.
    awaited: Box<[bool]>,
    sent: Box<[AtomicU64]>,
    accepted: Box<[AtomicU64]>,
    first: Box<[AtomicU64]>,
    arrivals: Box<[AtomicU32]>,
    next: AtomicUsize,
    last_arrival: AtomicU64,
    pub counts: Counts,
}

/// Numbers over all messages.
#[derive(Default)]
pub struct Counts {
    pub accepted: AtomicU64,
    /// Posts that were refused or broke off.
    pub failed_posts: AtomicU64,
    /// Awaited deliveries of accepted messages.
    expected: AtomicU64,
    /// Awaited deliveries that arrived, each counted once.
    pub delivered: AtomicU64,
    /// Requests that belong to no message of this run.
    pub strays: AtomicU64,
    pub signatures_checked: AtomicU64,
    pub signatures_wrong: AtomicU64,
}

impl Ledger {
    pub fn new(messages: usize, reach: Reach, awaited: &[bool]) -> Self {
        let nought = |count| (0..count).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>();
        let deliveries = if reach == Reach::All { messages * awaited.len() } else { messages };
        Self {
            opened: Instant::now(),
            reach,
            awaited: awaited.into(),
            sent: nought(messages),
            accepted: nought(messages),
            first: nought(deliveries),
            arrivals: (0..deliveries).map(|_| AtomicU32::new(0)).collect(),
            next: AtomicUsize::new(0),
            last_arrival: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    pub fn messages(&self) -> usize {
        self.sent.len()
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// The next message to send, each once.
    pub fn take(&self) -> Option<usize> {
        let message = self.next.fetch_add(1, Relaxed);
        (message < self.messages()).then_some(message)
    }

    /// Whether every message has been taken.
    pub fn all_taken(&self) -> bool {
        self.next.load(Relaxed) >= self.messages()
    }

    /// The one endpoint that this message goes to.
    pub fn endpoint_of(&self, message: usize) -> usize {
        message % self.awaited.len()
    }

    pub fn note_sent(&self, message: usize, at: u64) {
        self.sent[message].store(at, Relaxed);
    }

    pub fn note_accepted(&self, message: usize) {
        self.accepted[message].store(self.now(), Relaxed);
        let expected = match self.reach {
            Reach::All => self.awaited.iter().filter(|awaited| **awaited).count(),
            Reach::One => usize::from(self.awaited[self.endpoint_of(message)]),
        };
        self.counts.expected.fetch_add(expected as u64, Relaxed);
        self.counts.accepted.fetch_add(1, Relaxed);
    }

    pub fn note_arrival(&self, endpoint: usize, message: usize, at: u64) {
        let Some(place) = self.place(endpoint, message) else {
            self.counts.strays.fetch_add(1, Relaxed);
            return;
        };
        if self.arrivals[place].fetch_add(1, Relaxed) == 0 {
            self.first[place].store(at, Relaxed);
            if self.awaited[endpoint] {
                self.counts.delivered.fetch_add(1, Relaxed);
                self.last_arrival.fetch_max(at, Relaxed);
            }
        }
    }

    fn place(&self, endpoint: usize, message: usize) -> Option<usize> {
        let known = endpoint < self.awaited.len() && message < self.messages();
        match self.reach {
            Reach::All if known => Some(endpoint * self.messages() + message),
            Reach::One if known && endpoint == self.endpoint_of(message) => Some(message),
            _ => None,
        }
    }

    /// Whether everything that was accepted so far has arrived where it is waited for.
    pub fn all_arrived(&self) -> bool {
        self.counts.delivered.load(Relaxed) >= self.counts.expected.load(Relaxed) && self.missing() == 0
    }

    /// Awaited deliveries of accepted messages that have not arrived.
    pub fn missing(&self) -> u64 {
        self.awaited_deliveries().filter(|d| d.accepted != 0 && d.first == 0).count() as u64
    }

    /// Awaited arrivals after the first.
    pub fn duplicates(&self) -> u64 {
        self.awaited_deliveries().map(|d| u64::from(d.arrivals.saturating_sub(1))).sum()
    }

    /// The last first arrival of what had been accepted at that time.
    pub fn last_arrival_of_accepted_by(&self, time: u64) -> u64 {
        let before = self.awaited_deliveries().filter(|d| d.accepted != 0 && d.accepted <= time);
        before.map(|d| d.first).max().unwrap_or(0)
    }

    /// Ascending milliseconds from sending to acceptance.
    pub fn acceptance_times(&self) -> Vec<f64> {
        let pairs = self.sent.iter().zip(&self.accepted);
        ascending(pairs.map(|(sent, accepted)| (sent.load(Relaxed), accepted.load(Relaxed))))
    }

    /// Ascending milliseconds from sending to first arrival, of awaited deliveries.
    pub fn arrival_times(&self) -> Vec<f64> {
        ascending(self.awaited_deliveries().map(|d| (d.sent, d.first)))
    }

    /// From the first sending to the last acceptance, and to the last arrival.
    pub fn spans(&self) -> (Duration, Duration) {
        let times = |times: &[AtomicU64]| times.iter().map(|t| t.load(Relaxed)).filter(|t| *t > 0).collect::<Vec<_>>();
        let first = times(&self.sent).into_iter().min().unwrap_or(0);
        let last = times(&self.accepted).into_iter().max().unwrap_or(0);
        let since = |end: u64| Duration::from_nanos(end.saturating_sub(first));
        (since(last), since(self.last_arrival.load(Relaxed)))
    }

    fn awaited_deliveries(&self) -> impl Iterator<Item = Delivery> + '_ {
        (0..self.first.len()).filter_map(move |place| {
            let (endpoint, message) = match self.reach {
                Reach::All => (place / self.messages(), place % self.messages()),
                Reach::One => (self.endpoint_of(place), place),
            };
            self.awaited[endpoint].then(|| Delivery {
                sent: self.sent[message].load(Relaxed),
                accepted: self.accepted[message].load(Relaxed),
                first: self.first[place].load(Relaxed),
                arrivals: self.arrivals[place].load(Relaxed),
            })
        })
    }
}

struct Delivery {
    sent: u64,
    accepted: u64,
    first: u64,
    arrivals: u32,
}

fn ascending(pairs: impl Iterator<Item = (u64, u64)>) -> Vec<f64> {
    let happened = pairs.filter(|(from, to)| *from != 0 && *to != 0);
    let mut times: Vec<f64> = happened.map(|(from, to)| number(to.saturating_sub(from)) / 1e6).collect();
    times.sort_by(f64::total_cmp);
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_duplicates_are_counted_by_delivery() {
        let ledger = Ledger::new(3, Reach::All, &[true, true]);
        for message in 0..3 {
            assert_eq!(ledger.take(), Some(message));
            ledger.note_sent(message, 1_000_000);
        }
        assert_eq!(ledger.take(), None);
        ledger.note_accepted(0);
        ledger.note_accepted(1);
        ledger.note_arrival(0, 0, 3_000_000);
        ledger.note_arrival(0, 0, 4_000_000);
        ledger.note_arrival(1, 0, 5_000_000);
        ledger.note_arrival(0, 1, 9_000_000);
        assert!(!ledger.all_arrived());
        assert_eq!((ledger.missing(), ledger.duplicates()), (1, 1));
        // It arrived although its sender never heard that it was accepted: no loss makes up for another.
        ledger.note_arrival(1, 2, 9_000_000);
        assert!(!ledger.all_arrived(), "as many have arrived as are expected, but not the same");
        ledger.note_arrival(1, 1, 9_500_000);
        assert!(ledger.all_arrived());
        assert_eq!(ledger.arrival_times(), [2.0, 4.0, 8.0, 8.0, 8.5]);
        assert_eq!(ledger.spans().1, Duration::from_micros(8_500));
    }

    #[test]
    fn what_no_endpoint_should_get_is_a_stray() {
        let ledger = Ledger::new(4, Reach::One, &[true, false]);
        ledger.note_arrival(0, 1, 5);
        ledger.note_arrival(2, 0, 5);
        ledger.note_arrival(0, 4, 5);
        assert_eq!(ledger.counts.strays.load(Relaxed), 3);
        assert_eq!(ledger.arrival_times(), Vec::<f64>::new());
    }

    #[test]
    fn a_black_hole_is_not_waited_for() {
        let ledger = Ledger::new(4, Reach::One, &[true, false]);
        (0..4).for_each(|message| ledger.note_accepted(message));
        assert_eq!(ledger.missing(), 2);
        ledger.note_arrival(0, 0, 5);
        ledger.note_arrival(0, 2, 7);
        assert!(ledger.all_arrived());
        assert_eq!(ledger.last_arrival_of_accepted_by(ledger.now()), 7);
        assert_eq!(ledger.last_arrival_of_accepted_by(0), 0);
    }
}
