//! How each endpoint has fared of late, by the minute: attempts, how many of them succeeded, how long they took.
//!
//! The last hour is kept in memory and nowhere else, for it only feeds charts: what became of every attempt is in its row,
//! and counting here costs no write. After a restart the hour begins anew, and [`EndpointStats::since`] says so.

use crate::Engine;
use crate::errors::Result;
use jiff::Timestamp;
use kanca_domain::ids::{EndpointId, ProjectId};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// The minutes that are kept of each endpoint.
pub const MINUTES: u32 = 60;

/// What happened in one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinuteStats {
    /// The minute's beginning.
    pub at: Timestamp,
    pub attempts: u64,
    /// Attempts that succeeded.
    pub delivered: u64,
    /// Attempts that did not.
    pub failed: u64,
    /// Half of the attempts took at most so many microseconds, rounded up by a quarter at most; `None` without attempts.
    pub p50_us: Option<u64>,
    /// The same for 95 of 100 attempts.
    pub p95_us: Option<u64>,
}

/// An endpoint's last minutes, the oldest first and none left out.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointStats {
    /// When counting began: the start of the process.
    pub since: Timestamp,
    pub minutes: Vec<MinuteStats>,
}

impl Engine {
    /// How an endpoint fared in the last `minutes`, the present one among them; at most [`MINUTES`].
    ///
    /// # Errors
    /// When the project has no such endpoint.
    pub fn endpoint_stats(&self, project: ProjectId, id: EndpointId, minutes: u32) -> Result<EndpointStats> {
        self.endpoint(project, id)?;
        let now = self.clock.now();
        Ok(EndpointStats { since: self.stats.since, minutes: self.stats.last(id, now, minutes) })
    }
}

/// The counts of all endpoints.
pub(crate) struct Stats {
    since: Timestamp,
    endpoints: Mutex<HashMap<EndpointId, VecDeque<Minute>>>,
}

impl Stats {
    pub fn new(since: Timestamp) -> Self {
        Self { since, endpoints: Mutex::default() }
    }

    /// Counts an attempt that ended at `at`.
    pub fn note(&self, endpoint: EndpointId, at: Timestamp, success: bool, duration_us: u64) {
        let number = minute_of(at);
        let mut endpoints = self.endpoints.lock();
        let minutes = endpoints.entry(endpoint).or_default();
        // Nearly always the last one; a clock that jumped back finds or makes an earlier one.
        let place = minutes.binary_search_by_key(&number, |minute| minute.number).unwrap_or_else(|place| {
            minutes.insert(place, Minute { number, ..Minute::default() });
            place
        });
        if let Some(minute) = minutes.get_mut(place) {
            minute.add(success, duration_us);
        }
        if minutes.len() > MINUTES as usize {
            minutes.pop_front();
        }
    }

    fn last(&self, endpoint: EndpointId, now: Timestamp, minutes: u32) -> Vec<MinuteStats> {
        let present = minute_of(now);
        let endpoints = self.endpoints.lock();
        let kept = endpoints.get(&endpoint);
        (0..i64::from(minutes.clamp(1, MINUTES)))
            .rev()
            .map(|ago| {
                let number = present - ago;
                let found = kept.and_then(|kept| {
                    kept.binary_search_by_key(&number, |minute| minute.number).ok().and_then(|place| kept.get(place))
                });
                found.map_or_else(|| Minute { number, ..Minute::default() }.shown(), Minute::shown)
            })
            .collect()
    }

    /// Forgets endpoints that were sent nothing for so long that no chart shows it; among them those that were deleted.
    pub fn forget_idle(&self, now: Timestamp) {
        let oldest = minute_of(now) - i64::from(MINUTES);
        let mut endpoints = self.endpoints.lock();
        endpoints.retain(|_, minutes| minutes.back().is_some_and(|last| last.number > oldest));
        endpoints.shrink_to_fit();
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[derive(Debug, Clone, Default)]
struct Minute {
    /// Minutes since 1970.
    number: i64,
    delivered: u64,
    failed: u64,
    /// How many attempts took about how long, by [`class_of`]; only classes that occurred.
    durations: Vec<(u8, u64)>,
}

impl Minute {
    fn add(&mut self, success: bool, duration_us: u64) {
        if success {
            self.delivered += 1;
        } else {
            self.failed += 1;
        }
        let class = class_of(duration_us);
        match self.durations.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(place) => self.durations[place].1 += 1,
            Err(place) => self.durations.insert(place, (class, 1)),
        }
    }

    fn shown(&self) -> MinuteStats {
        MinuteStats {
            at: Timestamp::from_second(self.number * 60).unwrap_or(Timestamp::MIN),
            attempts: self.delivered + self.failed,
            delivered: self.delivered,
            failed: self.failed,
            p50_us: self.percentile(50),
            p95_us: self.percentile(95),
        }
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = ((self.delivered + self.failed) * percent).div_ceil(100);
        let mut seen = 0;
        self.durations.iter().find_map(|(class, count)| {
            seen += count;
            (seen >= wanted).then(|| longest_of(*class))
        })
    }
}

/// The class of a duration: four in each doubling, so that a class's longest is at most a quarter above its shortest.
fn class_of(us: u64) -> u8 {
    let us = us.max(4);
    let doublings = us.ilog2();
    let quarter = (us >> (doublings - 2)) & 3;
    u8::try_from(u64::from(doublings) * 4 + quarter).unwrap_or(u8::MAX)
}

/// The longest duration of a class, in microseconds.
fn longest_of(class: u8) -> u64 {
    let (doublings, quarter) = (u32::from(class) / 4, u64::from(class) % 4);
    let step = 1u64 << (doublings - 2);
    (1u64 << doublings) - 1 + step * (quarter + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanca_domain::ids::Id;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn endpoint(n: u128) -> EndpointId {
        EndpointId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn attempts_are_counted_in_their_minute() {
        let stats = Stats::new(at(0));
        stats.note(endpoint(1), at(600), true, 10_000);
        stats.note(endpoint(1), at(659), false, 20_000);
        stats.note(endpoint(1), at(720), true, 30_000);
        stats.note(endpoint(2), at(600), true, 1);
        let minutes = stats.last(endpoint(1), at(730), 3);
        let counts: Vec<_> = minutes.iter().map(|m| (m.at, m.attempts, m.delivered, m.failed)).collect();
        assert_eq!(counts, [(at(600), 2, 1, 1), (at(660), 0, 0, 0), (at(720), 1, 1, 0)]);
        assert_eq!(minutes[1].p50_us, None);
    }

    #[test]
    fn percentiles_are_at_most_a_quarter_too_high() {
        let stats = Stats::new(at(0));
        for us in 1..=1000 {
            stats.note(endpoint(1), at(60), true, us * 1000);
        }
        let minute = stats.last(endpoint(1), at(60), 1)[0];
        for (seen, exact) in [(minute.p50_us.unwrap(), 500_000), (minute.p95_us.unwrap(), 950_000)] {
            assert!(seen >= exact && seen <= exact * 5 / 4, "{seen} for {exact}");
        }
    }

    #[test]
    fn every_duration_is_within_its_class() {
        for us in (0..64).map(|n| 1u64 << n).flat_map(|n| [n - 1, n, n.saturating_add(n / 3)]) {
            assert!(longest_of(class_of(us)) >= us, "{us}");
        }
    }

    #[test]
    fn an_hour_is_kept_whatever_the_clock_does() {
        let stats = Stats::new(at(0));
        for minute in 0..200 {
            stats.note(endpoint(1), at(minute * 60), true, 1);
        }
        stats.note(endpoint(1), at(150 * 60), false, 1);
        assert_eq!(stats.endpoints.lock()[&endpoint(1)].len(), 60);
        let minutes = stats.last(endpoint(1), at(199 * 60), 1000);
        assert_eq!(minutes.len(), 60);
        assert_eq!(minutes.iter().map(|m| m.attempts).sum::<u64>(), 61);
    }

    #[test]
    fn endpoints_without_traffic_are_forgotten() {
        let stats = Stats::new(at(0));
        stats.note(endpoint(1), at(0), true, 1);
        stats.note(endpoint(2), at(3600), true, 1);
        stats.forget_idle(at(3600));
        assert_eq!(stats.endpoints.lock().keys().copied().collect::<Vec<_>>(), [endpoint(2)]);
    }
}
