//! The delays between the attempts of a delivery.

use serde::{Deserialize, Serialize};
use std::time::Duration;

const MOST_ATTEMPTS: usize = 50;
const LONGEST_DELAY: Duration = Duration::from_hours(7 * 24);

/// The delays before the first, second, … and last attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Schedule {
    delays: Box<[Duration]>,
    total: Duration,
}

/// Why some delays are no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// No delay, or more than 50; holds their number.
    #[error("a schedule has 1 to 50 attempts, not {0}")]
    Attempts(usize),
    /// A delay of more than a week; holds its place, from 1.
    #[error("the delay before attempt {0} is longer than 7 days (604800 seconds)")]
    TooLong(usize),
}

impl InvalidSchedule {
    /// The place of the delay that is wrong, from 0; `None` when it is their number.
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Attempts(_) => None,
            Self::TooLong(place) => place.checked_sub(1),
        }
    }
}

impl Schedule {
    /// A schedule of these delays: 1 to 50, none longer than 7 days.
    pub fn new(delays: impl Into<Box<[Duration]>>) -> Result<Self, InvalidSchedule> {
        let delays = delays.into();
        if delays.is_empty() || delays.len() > MOST_ATTEMPTS {
            return Err(InvalidSchedule::Attempts(delays.len()));
        }
        if let Some(index) = delays.iter().position(|delay| *delay > LONGEST_DELAY) {
            return Err(InvalidSchedule::TooLong(index + 1));
        }
        Ok(Self { total: delays.iter().sum(), delays })
    }

    /// A schedule of delays in whole seconds, as a user writes it.
    pub fn from_seconds(seconds: &[u64]) -> Result<Self, InvalidSchedule> {
        Self::new(seconds.iter().copied().map(Duration::from_secs).collect::<Box<[_]>>())
    }

    /// The delays in whole seconds.
    pub fn seconds(&self) -> Vec<u64> {
        self.delays.iter().map(Duration::as_secs).collect()
    }

    /// The delay before each attempt.
    pub fn delays(&self) -> &[Duration] {
        &self.delays
    }

    /// The delay before the first attempt, which is not moved by jitter.
    pub fn first(&self) -> Duration {
        self.delays.first().copied().unwrap_or_default()
    }

    /// The sum of all delays, jitter apart.
    pub fn total(&self) -> Duration {
        self.total
    }
}

impl TryFrom<Vec<u64>> for Schedule {
    type Error = InvalidSchedule;
    fn try_from(seconds: Vec<u64>) -> Result<Self, InvalidSchedule> {
        Self::from_seconds(&seconds)
    }
}

impl From<Schedule> for Vec<u64> {
    fn from(schedule: Schedule) -> Self {
        schedule.seconds()
    }
}

/// The example of Standard Webhooks 1.0.0 ("Deliverability and reliability"): at once, then after 5 s, 5 min, 30 min,
/// 2 h, 5 h, 10 h, 14 h, 20 h and 24 h; 75 h 35 min 5 s in all.
impl Default for Schedule {
    fn default() -> Self {
        const HOUR: u64 = 60 * 60;
        let delays = [0, 5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        let delays: Box<[_]> = delays.into_iter().map(Duration::from_secs).collect();
        Self { total: delays.iter().sum(), delays }
    }
}
