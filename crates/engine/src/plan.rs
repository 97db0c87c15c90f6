//! The time that plans go by: when a delivery is due, a timer fires, a pause ends.
//!
//! It is the machine's clock plus what that clock was set back by, so that it goes on where it was: nothing that was
//! planned has to be written anew, however much it is, and what waits for a retry waits no longer and no shorter than
//! before. All due times in storage and in the dispatcher are of this time; what people are shown is the machine's.
//! Where it stands is written down every minute and at the end, so that a clock set back while nothing runs is noticed,
//! too. A second reading, *running*, counts only the time in which this process ran, whatever is done to any clock.

use crate::Engine;
use crate::ports::Clock;
use jiff::Timestamp;
use kanca_storage::deliveries::DeliveryRecord;
use kanca_storage::{Result, SharedStorage};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Microseconds by which a clock has to be set, at once, for it to matter; what is less is waited for.
const SET: i64 = 10_000_000;
/// How much, in microseconds, a clock that is put right may miss of what it was set back by.
const ABOUT: i64 = 60_000_000;
/// The longest stop, in microseconds, after which a clock is still taken to have been put right meanwhile. Should the stop
/// itself have been as long as that, what waits for a retry waits so much longer; nothing comes early.
const STOP: i64 = 600_000_000;
/// How often it is written down where the time stands.
const KEEP: Duration = Duration::from_mins(1);
/// The setting that keeps it.
const SETTING: &str = "plan_clock";

/// The time that plans go by.
pub(crate) struct PlanClock {
    clock: Arc<dyn Clock>,
    /// Microseconds that it is ahead of the machine's clock.
    ahead: AtomicI64,
    /// What the machine's clock said when it was looked at, in microseconds since 1970.
    seen: AtomicI64,
    /// The time run before this process began, and what the evenly running clock said then.
    ran: Duration,
    began: Duration,
    last: Mutex<Last>,
}

#[derive(Clone, Copy)]
struct Last {
    seen: i64,
    running: Duration,
    kept: Option<Duration>,
    kept_ahead: i64,
}

/// What is written down.
struct Kept {
    seen: i64,
    ahead: i64,
    ran: Duration,
}

impl PlanClock {
    /// Goes on where it stood; a clock that was set back meanwhile is noticed.
    pub async fn load(clock: Arc<dyn Clock>, storage: &SharedStorage) -> Result<Self> {
        let kept = storage.setting(SETTING).await?.and_then(|text| Kept::parse(&text));
        Ok(Self::new(clock, kept))
    }

    fn new(clock: Arc<dyn Clock>, kept: Option<Kept>) -> Self {
        let (seen, running) = (clock.now().as_microsecond(), clock.running());
        let Kept { seen: before, ahead, ran } = kept.unwrap_or(Kept { seen, ahead: 0, ran: Duration::ZERO });
        let back = before.saturating_sub(seen);
        let back = if back >= SET { back } else { 0 };
        // A clock that was put right meanwhile went on by what it was set back by, and by the stop.
        let put_right =
            ahead > 0 && (ahead - ABOUT..=ahead.saturating_add(STOP)).contains(&seen.saturating_sub(before));
        let ahead = if put_right { 0 } else { ahead };
        if back > 0 {
            tracing::warn!(
                seconds = back / 1_000_000,
                "the clock was set back since the last run; what is planned follows it"
            );
        }
        let last = Last { seen, running, kept: None, kept_ahead: ahead };
        let ahead = AtomicI64::new(ahead.saturating_add(back));
        Self { clock, ahead, seen: AtomicI64::new(seen), ran, began: running, last: Mutex::new(last) }
    }

    /// The present instant of this time.
    pub fn now(&self) -> Timestamp {
        loop {
            let ahead = self.ahead.load(Ordering::Acquire);
            let wall = self.clock.now().as_microsecond();
            // Nothing may be planned by a clock that was set back before that is noticed.
            if wall.saturating_add(SET) < self.seen.load(Ordering::Acquire) {
                self.look();
            } else if ahead == self.ahead.load(Ordering::Acquire) {
                return at(wall.saturating_add(ahead));
            }
        }
    }

    /// An instant of this time, as the machine's clock tells it.
    pub fn shown(&self, planned: Timestamp) -> Timestamp {
        at(planned.as_microsecond().saturating_sub(self.ahead.load(Ordering::Acquire)))
    }

    /// How long Kanca ran so far, in this process and those before it.
    pub fn running(&self) -> Duration {
        self.ran + self.clock.running().saturating_sub(self.began)
    }

    /// Looks whether the machine's clock was set since the last look.
    pub fn look(&self) {
        let mut last = self.last.lock();
        let (wall, running) = (self.clock.now().as_microsecond(), self.clock.running());
        let passed = i64::try_from(running.saturating_sub(last.running).as_micros()).unwrap_or(i64::MAX);
        let set = wall.saturating_sub(last.seen.saturating_add(passed));
        (last.seen, last.running) = (wall, running);
        let ahead = self.ahead.load(Ordering::Acquire);
        if set <= -SET {
            self.ahead.store(ahead.saturating_sub(set), Ordering::Release);
            tracing::warn!(seconds = -set / 1_000_000, "the clock was set back; what is planned follows it");
        } else if set >= SET {
            // Put right again: what was planned before and since is due as if nothing had been done to it.
            let put_right = ahead > 0 && set.saturating_add(ABOUT) >= ahead;
            if put_right {
                self.ahead.store((ahead - set).max(0), Ordering::Release);
            }
            tracing::warn!(seconds = set / 1_000_000, put_right, "the clock was set forward");
        }
        self.seen.store(wall, Ordering::Release);
    }

    /// What is to be written down now, if anything is.
    fn to_keep(&self, at_last: bool) -> Option<String> {
        let mut last = self.last.lock();
        let ahead = self.ahead.load(Ordering::Acquire);
        let is_kept =
            last.kept.is_some_and(|kept| last.running.saturating_sub(kept) < KEEP) && last.kept_ahead == ahead;
        if is_kept && !at_last {
            return None;
        }
        (last.kept, last.kept_ahead) = (Some(last.running), ahead);
        Some(Kept { seen: last.seen, ahead, ran: self.running() }.to_string())
    }

    /// What was to be written down was not.
    fn not_kept(&self) {
        self.last.lock().kept = None;
    }
}

impl Engine {
    /// Looks at the clock, and writes down where it stands when it is time to.
    pub(crate) async fn look_at_clock(&self, at_last: bool) {
        self.plan.look();
        if let Some(kept) = self.plan.to_keep(at_last)
            && let Err(error) = self.storage.save_setting(SETTING, Some(kept)).await
        {
            self.plan.not_kept();
            tracing::debug!(%error, "where the clock stands was not written down; it is tried again");
        }
    }

    /// The same delivery with its due time as the machine's clock tells it.
    pub(crate) fn by_the_clock(&self, delivery: DeliveryRecord) -> DeliveryRecord {
        DeliveryRecord { due: delivery.due.map(|due| self.plan.shown(due)), ..delivery }
    }
}

impl Kept {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        let (seen, ahead, ran) = (next()?, next()?, next()?);
        Some(Self { seen, ahead: ahead.max(0), ran: Duration::from_micros(u64::try_from(ran).ok()?) })
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.seen, self.ahead, self.ran.as_micros())
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    /// The clock's microseconds, and those that passed.
    struct Set(AtomicI64, AtomicU64);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            at(self.0.load(Ordering::Relaxed))
        }

        fn running(&self) -> Duration {
            Duration::from_micros(self.1.load(Ordering::Relaxed))
        }
    }

    impl Set {
        fn pass(&self, seconds: u64) {
            self.1.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
            self.turn(seconds.try_into().unwrap());
        }

        fn turn(&self, seconds: i64) {
            self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        }
    }

    const DAY: i64 = 86_400;

    fn plan(kept: Option<&str>) -> (Arc<Set>, PlanClock) {
        let clock = Arc::new(Set(AtomicI64::new(1_800_000_000_000_000), AtomicU64::new(77)));
        let plan = PlanClock::new(clock.clone(), kept.map(|text| Kept::parse(text).unwrap()));
        (clock, plan)
    }

    fn seconds(since: Timestamp, plan: &PlanClock) -> i64 {
        plan.now().duration_since(since).as_secs()
    }

    #[test]
    fn it_goes_on_where_it_was_when_the_clock_is_set_back() {
        let (clock, plan) = plan(None);
        let (began, due) = (plan.now(), plan.now() + Duration::from_secs(100));
        clock.pass(10);
        clock.turn(-DAY);
        clock.pass(5);
        assert_eq!(seconds(began, &plan), 15, "noticed by whoever asks first");
        assert_eq!(plan.shown(due).duration_since(clock.now()).as_secs(), 85, "shown as the clock will say");
        clock.turn(-DAY);
        assert_eq!(seconds(began, &plan), 15, "also twice");
        assert_eq!(plan.running(), Duration::from_secs(15));
    }

    #[test]
    fn a_clock_that_is_set_forward_takes_it_along_and_one_that_is_put_right_does_not() {
        let (clock, plan) = plan(None);
        let began = plan.now();
        clock.turn(DAY);
        plan.look();
        assert_eq!((seconds(began, &plan), plan.running()), (DAY, Duration::ZERO));
        clock.turn(-DAY);
        plan.look();
        clock.turn(600);
        plan.look();
        assert_eq!(seconds(began, &plan), DAY + 600);
        clock.turn(DAY - 10);
        plan.look();
        assert_eq!(seconds(began, &plan), DAY + 600, "put right, if not quite");
        assert_eq!(plan.shown(began), began - Duration::from_secs(10));
    }

    #[test]
    fn small_steps_are_waited_for() {
        let (clock, plan) = plan(None);
        let began = plan.now();
        clock.turn(-9);
        plan.look();
        assert_eq!(seconds(began, &plan), -9);
    }

    #[test]
    fn it_goes_on_after_a_restart_and_notices_a_clock_that_was_set_back_meanwhile() {
        let (clock, first) = plan(None);
        clock.pass(3);
        clock.turn(-DAY);
        first.look();
        let kept = first.to_keep(true).unwrap();
        let stopped = first.now();
        assert_eq!(first.to_keep(false), None, "once a minute");
        let ran = Duration::from_secs(3);
        clock.turn(3_600);
        let plan = PlanClock::new(clock.clone(), Kept::parse(&kept));
        assert_eq!((seconds(stopped, &plan), plan.running()), (3_600, ran), "time passed, in which nothing ran");
        clock.turn(-3_600);
        clock.turn(-DAY);
        let plan = PlanClock::new(clock.clone(), Kept::parse(&kept));
        assert_eq!((plan.now(), plan.running()), (stopped, ran), "as if no time had passed");
    }

    #[test]
    fn a_clock_that_is_put_right_while_nothing_runs_brings_nothing_early() {
        let (clock, first) = plan(None);
        clock.turn(-DAY);
        first.look();
        let kept = first.to_keep(true).unwrap();
        let stopped = first.now();
        clock.turn(DAY + 120);
        let plan = PlanClock::new(clock.clone(), Kept::parse(&kept));
        assert_eq!((seconds(stopped, &plan), plan.shown(stopped)), (120, stopped));
    }

    #[test]
    fn what_could_not_be_written_down_is_tried_again_at_once() {
        let (_, plan) = plan(None);
        let first = plan.to_keep(false);
        assert!(first.is_some());
        assert_eq!(plan.to_keep(false), None);
        plan.not_kept();
        assert_eq!(plan.to_keep(false), first);
    }

    #[test]
    fn what_was_kept_wrongly_is_not_believed() {
        for text in ["", "1 2", "a b c", "1 2 -3"] {
            assert!(Kept::parse(text).is_none(), "{text}");
        }
        let kept = Kept::parse("5 -7 9").unwrap();
        assert_eq!((kept.seen, kept.ahead, kept.ran.as_micros()), (5, 0, 9));
    }
}
