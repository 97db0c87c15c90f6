use super::*;
use crate::attempts::ReasonCode;
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn seconds(delays: &[u64]) -> Schedule {
    Schedule::new(delays.iter().map(|s| Duration::from_secs(*s)).collect::<Box<[_]>>()).unwrap()
}

const HOUR: i64 = 3_600;

#[test]
fn the_default_is_the_specifications_example() {
    let schedule = Schedule::default();
    assert_eq!(schedule.total(), Duration::from_secs(75 * 3_600 + 35 * 60 + 5));
    let mut now = at(1_000);
    let mut times = Vec::new();
    for steps_used in 0.. {
        let Next::At(next) = next_attempt(&schedule, ATTEMPT_TIMEOUT, steps_used, at(1_000), now, 0.0) else { break };
        times.push(next.duration_since(now).as_secs());
        now = next;
    }
    assert_eq!(times, [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
}

#[test]
fn jitter_moves_a_delay_by_a_tenth() {
    let schedule = seconds(&[0, 100]);
    for (jitter, delay) in
        [(-1.0, 90), (0.0, 100), (0.5, 105), (1.0, 110), (9.0, 110), (f64::NEG_INFINITY, 90), (f64::NAN, 100)]
    {
        assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(0), jitter), Next::At(at(delay)), "{jitter}");
    }
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 0, at(0), at(0), 1.0), Next::At(at(0)));
}

#[test]
fn a_delivery_older_than_the_schedule_gets_one_attempt() {
    let schedule = Schedule::default();
    let total = 75 * HOUR + 35 * 60 + 5;
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 0, at(0), at(1_000 * HOUR), 0.0), Next::At(at(1_000 * HOUR)));
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(total + 1), 0.0), Next::GiveUp);
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(total), 0.0), Next::At(at(total + 5)));
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 10, at(0), at(0), 0.0), Next::GiveUp);
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, usize::MAX, at(0), at(0), 0.0), Next::GiveUp);
}

#[test]
fn a_short_schedule_gets_all_its_attempts_though_each_times_out() {
    let schedule = seconds(&[0, 1, 1]);
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(15), 0.0), Next::At(at(16)));
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 2, at(0), at(31), 0.0), Next::At(at(32)));
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(600), 0.0), Next::GiveUp);
    let minute = Duration::from_mins(1);
    assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, 1, at(0), at(60), 0.0), Next::GiveUp);
    assert_eq!(next_attempt(&schedule, minute, 1, at(0), at(60), 0.0), Next::At(at(61)));
}

#[test]
fn a_schedule_has_bounds() {
    let week = Duration::from_hours(7 * 24);
    assert!(Schedule::new(vec![week; 50]).is_ok());
    assert_eq!(Schedule::new(vec![]), Err(InvalidSchedule::Attempts(0)));
    assert_eq!(Schedule::new(vec![week; 51]), Err(InvalidSchedule::Attempts(51)));
    assert_eq!(Schedule::new(vec![week, week + Duration::from_nanos(1)]), Err(InvalidSchedule::TooLong(2)));
    assert_eq!(Schedule::from_seconds(&[0, u64::MAX]).unwrap_err().index(), Some(1));
    assert_eq!(Schedule::from_seconds(&[]).unwrap_err().index(), None);
    let many = Schedule::new(vec![Duration::MAX; 2]);
    assert_eq!(many, Err(InvalidSchedule::TooLong(1)));
}

#[test]
fn only_2xx_is_a_success() {
    for status in 0..=1_000 {
        let expected = if (200..300).contains(&status) { Outcome::Success } else { Outcome::Failure };
        assert_eq!(classify(AttemptEnd::Status(status)), expected, "{status}");
    }
    assert_eq!(classify(AttemptEnd::NoAnswer(ReasonCode::Dns)), Outcome::Failure);
}

#[test]
fn a_block_that_waits_is_tried_quickly_within_its_timeout() {
    use QuickNext::{At, Leave};
    let timeout = Duration::from_secs(10);
    let status = AttemptEnd::Status;
    let next = |made, now: i64, last| quick_next(made, at(0), at(now), timeout, last);
    let soon = |now: i64, millis| At(at(now) + Duration::from_millis(millis));

    assert_eq!(next(1, 1, status(204)), Leave(WaitPort::Success));
    for code in [400, 401, 404, 410, 422, 499] {
        assert_eq!(next(1, 1, status(code)), Leave(WaitPort::ClientError), "{code}");
    }
    for code in [408, 425, 429, 500, 503, 302, 599, 101] {
        assert_eq!(next(1, 1, status(code)), soon(1, 500), "{code}");
        assert_eq!(next(2, 2, status(code)), soon(2, 1_000), "{code}");
        assert_eq!(next(3, 4, status(code)), soon(4, 2_000), "{code}");
        assert_eq!(next(4, 5, status(code)), Leave(WaitPort::ServerError), "{code}");
    }
    for reason in [ReasonCode::Refused, ReasonCode::Tls, ReasonCode::Dns, ReasonCode::Reset, ReasonCode::BlockedAddress]
    {
        assert_eq!(next(1, 1, AttemptEnd::NoAnswer(reason)), soon(1, 500));
        assert_eq!(next(4, 9, AttemptEnd::NoAnswer(reason)), Leave(WaitPort::ServerError));
    }
    assert_eq!(next(1, 10, AttemptEnd::NoAnswer(ReasonCode::Timeout)), Leave(WaitPort::Timeout));
    assert_eq!(next(3, 7, status(500)), soon(7, 2_000));
    assert_eq!(next(3, 8, status(500)), Leave(WaitPort::ServerError), "no time is left for the attempt itself");
    assert_eq!(next(1, 1, AttemptEnd::NoAnswer(ReasonCode::TooLargeRequest)), Leave(WaitPort::ServerError));
}

#[test]
fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
    for (now, value, wait) in [
        ("2026-01-31T09:00:00Z", "Sunday, 06-Nov-94 08:49:37 GMT", Some(0)),
        ("2026-01-31T09:00:00Z", "Thursday, 31-Jan-75 09:00:00 GMT", Some(86_400)),
        ("2026-01-31T09:00:00Z", "Friday, 31-Jan-76 09:00:00 GMT", Some(86_400)),
        ("2026-01-31T09:00:00Z", "Saturday, 31-Jan-76 09:00:01 GMT", Some(0)),
        ("2099-12-31T23:59:00Z", "Friday, 01-Jan-00 00:00:00 GMT", Some(60)),
    ] {
        assert_eq!(retry_after(value, now.parse().unwrap()), wait.map(Duration::from_secs), "{value:?} at {now}");
    }
}

#[test]
fn an_attempt_of_a_waiting_block_has_what_is_left() {
    let timeout = Duration::from_secs(10);
    for (now, left) in [(0, 10), (4, 6), (10, 0), (99, 0), (-50, 10)] {
        assert_eq!(quick_attempt_timeout(at(0), at(now), timeout), Duration::from_secs(left), "{now}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now: Timestamp = "2026-01-31T09:00:00Z".parse().unwrap();
    for (value, wait) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("99999999999999999999999", Some(86_400)),
        ("Sat, 31 Jan 2026 09:01:00 GMT", Some(60)),
        ("Sat, 31 Jan 2026 08:00:00 GMT", Some(0)),
        ("Saturday, 31-Jan-26 09:01:00 GMT", Some(60)),
        ("Saturday, 31-Jan-26 08:00:00 GMT", Some(0)),
        ("Sat Jan 31 09:01:00 2026", Some(60)),
        ("Sun Feb  1 08:59:00 2026", Some(86_340)),
        ("Sun Nov  6 08:49:37 1994", Some(0)),
        ("Satyrday, 31-Jan-26 09:01:00 GMT", None),
        ("Fri Jan 31 09:01:00 2026", None),
        ("Saturday, 31-Jan-26 09:01:00", None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        assert_eq!(retry_after(value, now), wait.map(Duration::from_secs), "{value:?}");
    }
    let wait = Duration::from_mins(1);
    assert_eq!(not_before(Next::At(at(5)), at(0), wait), Next::At(at(60)));
    assert_eq!(not_before(Next::At(at(500)), at(0), wait), Next::At(at(500)));
    assert_eq!(not_before(Next::GiveUp, at(0), wait), Next::GiveUp);
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second()).prop_map(|s| Timestamp::from_second(s).unwrap())
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    prop::collection::vec(0u64..=7 * 24 * 3_600, 1..=50).prop_map(|delays| seconds(&delays))
}

proptest! {
    #[test]
    fn an_attempt_is_never_before_now_and_clock_jumps_do_not_panic(
        schedule in any_schedule(),
        steps_used in 0usize..60,
        created in any_time(),
        now in any_time(),
        jitter in any::<f64>(),
    ) {
        if let Next::At(time) = next_attempt(&schedule, ATTEMPT_TIMEOUT, steps_used, created, now, jitter) {
            prop_assert!(time >= now);
            prop_assert!(steps_used < schedule.delays().len());
        }
        quick_next(steps_used, created, now, schedule.total(), AttemptEnd::Status(500));
    }

    #[test]
    fn more_jitter_is_never_earlier(schedule in any_schedule(), a in -1.0..1.0f64, b in -1.0..1.0f64) {
        let next = |jitter| match next_attempt(&schedule, ATTEMPT_TIMEOUT, 0, at(0), at(0), jitter) {
            Next::At(time) => time,
            Next::GiveUp => Timestamp::MAX,
        };
        prop_assert!(next(a.min(b)) <= next(a.max(b)));
    }

    #[test]
    fn a_delay_is_moved_by_a_tenth_at_most(schedule in any_schedule(), steps_used in 0usize..50, jitter in any::<f64>()) {
        // Young enough for any step.
        if let Next::At(time) = next_attempt(&schedule, ATTEMPT_TIMEOUT, steps_used, at(0), at(0), jitter) {
            let (delay, wait) = (schedule.delays()[steps_used], Duration::try_from(time.duration_since(at(0))).unwrap());
            let slack = Duration::from_micros(1);
            prop_assert!(wait + slack >= delay.mul_f64(0.9) && wait <= delay.mul_f64(1.1) + slack, "{:?} {:?}", delay, wait);
        } else {
            prop_assert!(steps_used >= schedule.delays().len());
        }
    }

    #[test]
    fn an_old_delivery_is_given_up_and_a_clock_set_back_makes_none_old(
        schedule in any_schedule(),
        steps_used in 1usize..50,
        set_back in 0i64..1_000_000_000,
    ) {
        let all = Duration::from_hours(50 * 7 * 24 * 2);
        prop_assert_eq!(next_attempt(&schedule, ATTEMPT_TIMEOUT, steps_used, at(0), after(at(0), all), 0.0), Next::GiveUp);
        let earlier = at(-set_back);
        let next = next_attempt(&schedule, ATTEMPT_TIMEOUT, steps_used, at(0), earlier, 0.0);
        let expected = schedule.delays().get(steps_used).map_or(Next::GiveUp, |delay| Next::At(after(earlier, *delay)));
        prop_assert_eq!(next, expected);
    }

    #[test]
    fn a_receiver_can_put_an_attempt_off_by_a_day_and_never_hasten_it(
        next in 0i64..1_000_000,
        now in 0i64..1_000_000,
        wait in any::<u64>(),
        value in "[0-9]{1,30}|[ -~]{0,40}|(Mon|Sat), 31 Jan 20[0-9]{2} 0[0-9]:00:00 GMT|\
                 (Mon|Satur)day, (31-Jan|29-Feb)-[0-9]{2} 0[0-9]:00:00 GMT|(Mon|Sat) (Jan|Feb) [ 0-9]{2} 09:00:00 [0-9]{4}",
    ) {
        let (next, now) = (at(next), at(now));
        let Next::At(time) = not_before(Next::At(next), now, Duration::from_secs(wait)) else { panic!("given up") };
        prop_assert!(time >= next && time <= next.max(after(now, LONGEST_RETRY_AFTER)));
        prop_assert!(retry_after(&value, now).is_none_or(|wait| wait <= LONGEST_RETRY_AFTER));
    }

    #[test]
    fn a_waiting_block_is_never_tried_after_its_timeout(
        made in 0usize..10,
        started in any_time(),
        now in any_time(),
        timeout in 0u64..100,
        code in 0u16..700,
    ) {
        let timeout = Duration::from_secs(timeout);
        if let QuickNext::At(time) = quick_next(made, started, now, timeout, AttemptEnd::Status(code)) {
            prop_assert!(time >= now && time <= after(started.max(now), timeout));
            prop_assert!(!(200..300).contains(&code));
        }
        prop_assert!(quick_attempt_timeout(started, now, timeout) <= timeout);
    }

    #[test]
    fn every_delivery_has_all_its_attempts_and_ends(
        schedule in any_schedule(),
        steps in prop::collection::vec((-1.0..1.0f64, 0u64..15), 50),
    ) {
        let (created, mut now, mut made) = (at(0), at(0), 0);
        while let Next::At(time) = next_attempt(&schedule, ATTEMPT_TIMEOUT, made, created, now, steps.get(made).map_or(0.0, |s| s.0)) {
            prop_assert!(time >= now);
            now = time + Duration::from_secs(steps[made].1);
            made += 1;
        }
        prop_assert_eq!(made, schedule.delays().len());
        let longest = schedule.total().mul_f64(1.1) + ATTEMPT_TIMEOUT * 50;
        prop_assert!(Duration::try_from(now.duration_since(created)).unwrap() <= longest);
    }
}
