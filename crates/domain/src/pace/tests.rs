use super::*;
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

const MOST: u32 = 64;

fn broken() -> Pace {
    let mut pace = Pace::default();
    for _ in 0..BREAKER_FAILURES {
        pace.ended(at(0), Signal::Broken, MOST);
    }
    pace
}

#[test]
fn concurrency_grows_with_success_and_is_halved_when_the_receiver_cannot_keep_up() {
    let mut pace = Pace::default();
    assert_eq!(pace.limit(MOST), FIRST_LIMIT);
    for _ in 0..100 {
        pace.ended(at(0), Signal::Success, MOST);
    }
    assert_eq!(pace.limit(MOST), MOST);
    for signal in [AttemptEnd::Status(429), AttemptEnd::Status(502), AttemptEnd::Status(504)].map(Signal::of) {
        pace.ended(at(10), signal, MOST);
    }
    assert_eq!(pace.limit(MOST), 32, "one burst of bad answers is one cut");
    pace.ended(at(1_020), Signal::of(AttemptEnd::NoAnswer(ReasonCode::Timeout)), MOST);
    assert_eq!(pace.limit(MOST), 16);
    for _ in 0..17 {
        pace.ended(at(1_030), Signal::Success, MOST);
    }
    assert_eq!(pace.limit(MOST), 17, "after a cut it grows by one for each round");
    for n in 2..40 {
        pace.ended(at(n * 2_000), Signal::Overloaded, MOST);
        pace.ended(at(n * 2_000), Signal::Success, MOST);
    }
    assert!(pace.limit(MOST) >= 1);
}

#[test]
fn at_most_the_limit_is_admitted() {
    let mut pace = Pace::default();
    assert_eq!(pace.admit(at(0), FIRST_LIMIT - 1, MOST, None), Admission::Go);
    assert_eq!(pace.admit(at(0), FIRST_LIMIT, MOST, None), Admission::AfterOthers);
    assert_eq!(pace.admit(at(0), 3, 3, None), Admission::AfterOthers, "the user's own limit is lower");
}

#[test]
fn the_breaker_lets_one_probe_through_and_waits_longer_each_time() {
    let mut pace = broken();
    let mut now = 0;
    for pause in [5, 10, 20, 40, 60, 60] {
        assert_eq!(pace.admit(at(now), 0, MOST, None), Admission::At(at(now + pause * 1_000)));
        now += pause * 1_000;
        assert_eq!(pace.admit(at(now), 0, MOST, None), Admission::Go, "the probe");
        assert_eq!(pace.admit(at(now), 1, MOST, None), Admission::AfterOthers, "one only");
        assert_eq!(pace.waiting(at(now), None), Some(Waiting::Breaker(None)));
        pace.ended(at(now), Signal::Broken, MOST);
    }
    assert_eq!(pace.outage_began(), Some(at(0)));
}

#[test]
fn after_an_outage_the_backlog_is_a_ramp() {
    let mut pace = broken();
    assert_eq!(pace.admit(at(5_000), 0, MOST, None), Admission::Go);
    pace.ended(at(5_000), Signal::Success, MOST);
    assert_eq!(pace.outage_began(), None);
    let mut most = Vec::new();
    while pace.limit(MOST) < MOST {
        let round = pace.limit(MOST);
        most.push(round);
        for under_way in 0..round {
            assert_eq!(pace.admit(at(5_000), under_way, MOST, None), Admission::Go);
        }
        assert_eq!(pace.admit(at(5_000), round, MOST, None), Admission::AfterOthers);
        for _ in 0..round {
            pace.ended(at(5_000), Signal::Success, MOST);
        }
    }
    assert_eq!(most, [2, 4, 8, 16, 32]);
}

#[test]
fn one_refused_delivery_says_nothing_about_the_others() {
    let mut pace = Pace::default();
    for _ in 0..100 {
        pace.ended(at(0), Signal::of(AttemptEnd::Status(422)), MOST);
    }
    assert_eq!(pace.admit(at(0), 0, MOST, None), Admission::Go);
    for _ in 1..BREAKER_FAILURES {
        pace.ended(at(0), Signal::Broken, MOST);
    }
    pace.ended(at(0), Signal::Success, MOST);
    pace.ended(at(0), Signal::Broken, MOST);
    assert_eq!(pace.admit(at(0), 0, MOST, None), Admission::Go, "a success in between starts the count afresh");
}

#[test]
fn a_receiver_that_asks_for_a_pause_gets_it_but_not_for_ever() {
    let mut pace = Pace::default();
    pace.hold(at(0), Duration::from_secs(7));
    assert_eq!(pace.admit(at(6_999), 0, MOST, None), Admission::At(at(7_000)));
    assert_eq!(pace.admit(at(7_000), 0, MOST, None), Admission::Go);
    pace.hold(at(7_000), Duration::from_hours(24));
    assert_eq!(pace.admit(at(8_000), 0, MOST, None), Admission::At(at(7_000) + LONGEST_HOLD));
}

#[test]
fn a_rate_holds_in_every_period_and_not_just_in_those_that_begin_anew() {
    let rate = Some(RateLimit { requests: 4, per_seconds: 2 });
    let mut pace = Pace::default();
    for millis in [0, 0, 300, 700] {
        assert_eq!(pace.admit(at(millis), 0, MOST, rate), Admission::Go);
    }
    assert_eq!(pace.admit(at(1_999), 0, MOST, rate), Admission::At(at(2_000)));
    assert_eq!(pace.waiting(at(1_999), rate), Some(Waiting::Rate(at(2_000))));
    assert_eq!(pace.admit(at(2_000), 0, MOST, rate), Admission::Go);
    assert_eq!(pace.admit(at(2_000), 0, MOST, rate), Admission::Go);
    assert_eq!(pace.admit(at(2_000), 0, MOST, rate), Admission::At(at(2_300)));
}

#[test]
fn what_was_sent_and_asked_for_holds_when_the_endpoint_is_changed() {
    let rate = Some(RateLimit { requests: 1, per_seconds: 60 });
    let mut pace = broken();
    assert_eq!(pace.admit(at(5_000), 0, MOST, rate), Admission::Go);
    pace.ended(at(5_000), Signal::Broken, MOST);
    pace.hold(at(5_000), Duration::from_mins(5));
    pace.start_afresh(false);
    assert_eq!((pace.outage_began(), pace.limit(MOST)), (None, FIRST_LIMIT));
    assert_eq!(pace.admit(at(5_000), 0, MOST, rate), Admission::At(at(305_000)));
    pace.start_afresh(true);
    assert_eq!(pace.admit(at(5_000), 0, MOST, rate), Admission::At(at(65_000)), "another receiver, the same rate");
}

#[test]
fn refusing_everything_is_failing_and_what_every_delivery_would_get_opens_the_breaker() {
    for status in [301, 401, 403, 404, 405, 500] {
        let mut pace = Pace::default();
        for _ in 0..BREAKER_FAILURES {
            pace.ended(at(0), Signal::of(AttemptEnd::Status(status)), MOST);
        }
        assert_eq!(pace.waiting(at(0), None), Some(Waiting::Breaker(Some(at(5_000)))), "{status}");
    }
    let mut pace = Pace::default();
    for millis in 7..100 {
        pace.ended(at(millis), Signal::of(AttemptEnd::Status(422)), MOST);
    }
    assert_eq!(pace.outage_began(), Some(at(7)));
    pace.ended(at(100), Signal::Success, MOST);
    assert_eq!(pace.outage_began(), None);
}

proptest! {
    /// In no period, wherever it begins, do more attempts begin than the rate allows; and no less than nearly that where
    /// there is always one more to make.
    #[test]
    fn no_period_holds_more_than_the_rate(
        requests in prop_oneof![1u32..20, 990u32..3_500], per_seconds in 1u32..4, pauses in prop::collection::vec(0i64..700, 1..300),
    ) {
        let rate = RateLimit { requests, per_seconds };
        let period = i64::from(per_seconds) * 1_000;
        let (mut pace, mut now, mut began) = (Pace::default(), 0, Vec::new());
        for pause in pauses {
            now += pause;
            while pace.admit(at(now), 0, MOST, Some(rate)) == Admission::Go {
                began.push(now);
            }
        }
        let most = usize::try_from(requests).unwrap();
        for (first, behind) in began.iter().zip(began.iter().skip(most)) {
            prop_assert!(behind - first >= period, "{} and more from {first} to {behind}", most + 1);
        }
        let first_period = began.iter().filter(|at| **at < began[0] + period).count();
        prop_assert!(first_period >= most - most.div_ceil(1_000), "{first_period}");
    }

    /// Whatever happens and wherever the clock goes: no more than the rate begins at once, and from each instant a
    /// bounded wait leads to an attempt.
    #[test]
    fn no_storm_and_no_stall_whatever_the_clock_does(
        steps in prop::collection::vec((0u8..6, -100_000i64..100_000), 1..200),
        requests in 1u32..20, per_seconds in 1u32..10,
    ) {
        let rate = Some(RateLimit { requests, per_seconds });
        let mut pace = Pace::default();
        let mut now = 0;
        for (what, by) in steps {
            match what {
                0 => pace.ended(at(now), Signal::Success, MOST),
                1 => pace.ended(at(now), Signal::Broken, MOST),
                2 => pace.ended(at(now), Signal::Overloaded, MOST),
                3 => pace.hold(at(now), Duration::from_millis(by.unsigned_abs())),
                4 => now += by,
                _ => drop(pace.admit(at(now), 0, MOST, rate)),
            }
            prop_assert!((1..=MOST).contains(&pace.limit(MOST)));
            let mut waited = pace.clone();
            let mut then = at(now);
            let mut admitted = false;
            for _ in 0..4 {
                match waited.admit(then, 0, MOST, rate) {
                    Admission::Go => { admitted = true; break }
                    Admission::At(later) => { prop_assert!(later > then); then = later }
                    Admission::AfterOthers => prop_assert!(false, "nothing is under way"),
                }
            }
            prop_assert!(admitted);
            prop_assert!(then <= at(now) + LONGEST_HOLD + LONGEST_PAUSE + Duration::from_secs(2 * u64::from(per_seconds)));
        }
        let mut burst = 0;
        while waited_go(&mut pace, at(now), rate) { burst += 1; prop_assert!(burst <= requests) }
    }
}

fn waited_go(pace: &mut Pace, now: Timestamp, rate: Option<RateLimit>) -> bool {
    let go = pace.admit(now, 0, MOST, rate) == Admission::Go;
    if go {
        pace.ended(now, Signal::None, MOST);
    }
    go
}
