use super::*;
use crate::deliveries::EventBody;
use kanca_domain::events::{BuiltIn, EventData};
use kanca_domain::ids::{DeliveryId, EventId, Id, ProjectId};
use kanca_domain::pace::Signal;
use proptest::prelude::*;
use std::sync::Arc;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn job(n: u8) -> Job {
    let event = EventBody::new(
        ProjectId::new(1, &[0; 10]),
        EventId::new(1, &[n; 10]),
        BuiltIn::MessageSent.event_type(),
        at(1),
        at(1),
        EventData::parse(b"1").unwrap(),
        0,
    );
    Job::first(DeliveryId::new(1, &[n; 10]), Arc::new(event), None, true)
}

fn most(most: u32) -> Terms {
    Terms { most, rate: None }
}

const PLENTY: Allowance = Allowance::PLENTY;

fn asked(id: DeliveryId) -> Asked {
    Asked { id, weight: job(0).weight(), waited_for: false, rate: None }
}

/// Takes a place for a delivery while there is plenty of memory.
fn reserve(queue: &mut Queue, id: DeliveryId, now: Timestamp) -> bool {
    queue.reserve(&asked(id), PLENTY, now)
}

fn filled(jobs: u8) -> Queue {
    let mut queue = Queue::default();
    for n in 0..jobs {
        assert!(reserve(&mut queue, job(n).id, at(1)));
        assert!(queue.put_reserved(job(n), false));
    }
    queue
}

#[test]
fn jobs_leave_in_the_order_they_came_and_workers_go_when_there_is_none() {
    let mut queue = filled(3);
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 3);
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 0, "nobody is recruited twice for the same work");
    for n in 0..3 {
        let Next::Work(next) = queue.next(at(1), Some(most(64)), || PLENTY) else { panic!("work is there") };
        assert_eq!(next.id, job(n).id);
    }
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Rest));
    assert_eq!(queue.workers(), 2);
}

#[test]
fn a_worker_with_a_slow_job_keeps_no_other_job_waiting() {
    let mut queue = filled(1);
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Work(_)));
    assert!(reserve(&mut queue, job(9).id, at(1)));
    assert!(queue.put_reserved(job(9), false));
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 1, "the busy one does not count");
    queue.answered(at(1), Signal::Success, Some(most(64)));
    queue.done(job(0).weight());
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 0);
}

#[test]
fn at_most_the_set_number_of_workers_serve_one_endpoint() {
    let mut queue = filled(100);
    assert_eq!(queue.recruit(at(1), most(4), || PLENTY), 4);
    assert_eq!(queue.recruit(at(1), most(4), || PLENTY), 0);
}

#[test]
fn memory_is_bounded_and_new_deliveries_do_not_overtake_those_in_the_table() {
    let mut queue = Queue::default();
    let ids = (0..20_000u64).map(|n| DeliveryId::new(n, &[0; 10]));
    let granted = ids.filter(|id| queue.reserve(&Asked { weight: 0, ..asked(*id) }, PLENTY, at(1))).count();
    assert_eq!(granted, MAX_JOBS);
    let mut behind = Queue::default();
    behind.note_due(at(5));
    assert!(reserve(&mut behind, job(1).id, at(4)), "what is due later holds nobody up");
    assert!(!reserve(&mut behind, job(2).id, at(5)));
}

#[test]
fn what_cannot_be_sent_soon_waits_in_the_table() {
    let mut queue = filled(20);
    assert!(queue.shed(at(1), Some(most(64))).is_empty(), "the receiver is well");
    queue.pace.hold(at(1), Duration::from_mins(5));
    let shed = queue.shed(at(1), Some(most(64)));
    assert_eq!(shed.iter().map(|job| job.id).collect::<Vec<_>>(), (4..20).map(|n| job(n).id).collect::<Vec<_>>());
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 4, "and it is not read again meanwhile");
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::RestUntil(_)));
    assert!(!reserve(&mut queue, job(20).id, at(1)), "nor does what comes now take memory");
    let waited_for = Asked { waited_for: true, ..asked(job(21).id) };
    assert!(queue.reserve(&waited_for, Allowance::default(), at(1)), "but for who waits for it");
    assert_eq!(queue.shed(at(1), None).len(), 4, "a paused endpoint keeps nothing");
}

#[test]
fn what_is_held_behind_others_is_not_sent_soon_either() {
    let mut queue = filled(1);
    for n in 1..6 {
        assert!(reserve(&mut queue, job(n).id, at(1)));
        assert!(queue.put_reserved(job(n), true));
    }
    queue.pace.hold(at(1), Duration::from_mins(5));
    assert_eq!(queue.shed(at(1), Some(most(64))).len(), 5);
    assert!(!queue.promote(job(3).id), "it is looked up in the table");
}

#[test]
fn much_that_is_held_waits_in_the_table_although_the_receiver_is_well() {
    let mut queue = Queue::default();
    for n in 0..=MOST_HELD as u64 {
        let job = Job { id: DeliveryId::new(n, &[2; 10]), ..job(0) };
        assert!(queue.shed(at(1), Some(most(64))).is_empty());
        assert!(reserve(&mut queue, job.id, at(1)));
        assert!(queue.put_reserved(job, true));
    }
    assert_eq!(queue.shed(at(1), Some(most(64))).len(), MOST_HELD + 1);
}

proptest! {
    /// Whatever happens: what counts as memory is that of the jobs that are there, and nothing is left in the end.
    #[test]
    fn each_job_counts_as_long_as_it_is_there(steps in prop::collection::vec((0u8..12, 0u8..40), 1..200)) {
        let mut queue = Queue::default();
        let (mut made, mut reserved, mut under_way) = (0u64, Vec::new(), Vec::new());
        let mut new = || { made += 1; Job { id: DeliveryId::new(made, &[3; 10]), ..job(0) } };
        for (what, n) in steps {
            match what {
                0..=3 => {
                    let job = new();
                    if reserve(&mut queue, job.id, at(1)) { reserved.push(job); }
                }
                4 | 5 => if let Some(job) = reserved.pop() { queue.put_reserved(job, what == 5); },
                6 => if let Some(job) = reserved.pop() { queue.cancel_reservation(&job); },
                7 => { queue.put_urgent(Job { manual: true, ..new() }); }
                8 => {
                    queue.recruit(at(1), most(64), || PLENTY);
                    if queue.workers > queue.busy {
                        match queue.next(at(1), Some(most(64)), || PLENTY) {
                            Next::Work(job) => under_way.push(*job),
                            Next::Refill(_) => drop(queue.refilled(vec![new(), new()], None)),
                            Next::Rest | Next::RestUntil(_) => {}
                        }
                    }
                }
                9 => if let Some(job) = under_way.pop() {
                    queue.answered(at(1), if n < 20 { Signal::Broken } else { Signal::Success }, Some(most(64)));
                    queue.done(job.weight());
                },
                10 => drop(queue.shed(at(1), (n > 2).then_some(most(64)))),
                _ => { queue.note_due(at(i64::from(n) - 30)); }
            }
            let there = queue.ready.iter().chain(&queue.urgent).chain(queue.held.values()).chain(&under_way).chain(&reserved);
            prop_assert_eq!(queue.weight, there.map(Job::weight).sum::<usize>());
        }
        queue.forget();
        prop_assert_eq!(queue.weight, 0);
    }
}

#[test]
fn a_rate_takes_memory_for_what_it_lets_through() {
    let terms = Terms { most: 64, rate: Some(RateLimit { requests: 2, per_seconds: 1 }) };
    let mut queue = Queue::default();
    let ids = (0..100).map(|n| job(n).id);
    let granted = ids.filter(|id| queue.reserve(&Asked { rate: terms.rate, ..asked(*id) }, PLENTY, at(1)));
    assert_eq!(granted.count(), 8);
    let mut queue = Queue::default();
    queue.note_due(at(1));
    assert_eq!(queue.recruit(at(1), terms, || PLENTY), 1);
    assert!(matches!(queue.next(at(1), Some(terms), || PLENTY), Next::Refill(8)));
}

#[test]
fn the_table_is_read_before_the_last_one_has_left() {
    let mut queue = filled(15);
    queue.note_due(at(1));
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 16);
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Refill(49)), "four rounds of sixteen");
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Work(_)));
}

#[test]
fn an_alarm_is_wanted_for_the_first_of_many_retries_only() {
    let mut queue = Queue::default();
    assert!(queue.note_due(at(50)));
    assert!(!queue.note_due(at(50)) && !queue.note_due(at(60)));
    assert!(queue.note_due(at(40)));
}

#[test]
fn a_held_job_starts_only_when_promoted() {
    let mut queue = Queue::default();
    assert!(reserve(&mut queue, job(1).id, at(1)));
    assert!(queue.put_reserved(job(1), true));
    assert_eq!(queue.recruit(at(1), most(8), || PLENTY), 0);
    assert!(!queue.promote(job(2).id), "unknown ids are looked up in the table");
    assert!(queue.promote(job(1).id));
    assert_eq!(queue.recruit(at(1), most(8), || PLENTY), 1);
}

#[test]
fn a_job_promoted_before_it_came_starts_when_it_comes() {
    let mut queue = Queue::default();
    assert!(reserve(&mut queue, job(1).id, at(1)));
    assert!(queue.promote(job(1).id), "it is on its way, so the table need not be asked");
    assert!(queue.put_reserved(job(1), true));
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Work(_)));
}

#[test]
fn one_worker_refills_and_due_times_noted_meanwhile_are_kept() {
    let mut queue = Queue::default();
    queue.note_due(at(10));
    assert_eq!(queue.recruit(at(9), most(8), || PLENTY), 0);
    assert_eq!(queue.recruit(at(10), most(8), || PLENTY), 1);
    assert!(matches!(queue.next(at(10), Some(most(64)), || PLENTY), Next::Refill(_)));
    queue.note_due(at(12));
    assert_eq!(queue.recruit(at(20), most(8), || PLENTY), 0, "nobody else refills meanwhile");
    assert_eq!(queue.refilled(vec![job(1)], Some(at(30))).0, Some(at(12)));
    assert!(matches!(queue.next(at(11), Some(most(64)), || PLENTY), Next::Work(_)));
}

#[test]
fn a_forgotten_endpoint_keeps_nothing() {
    let mut queue = filled(2);
    assert!(reserve(&mut queue, job(3).id, at(1)));
    assert!(queue.forget() > 0);
    assert!(!queue.put_reserved(job(3), false), "nor what comes later");
    assert!(!reserve(&mut queue, job(4).id, at(1)));
    assert_eq!(queue.recruit(at(1), most(8), || PLENTY), 0);
    let mut queue = Queue::default();
    queue.note_due(at(1));
    assert_eq!(queue.recruit(at(1), most(8), || PLENTY), 1);
    assert!(matches!(queue.next(at(1), Some(most(8)), || PLENTY), Next::Refill(_)));
    queue.forget();
    assert_eq!(queue.refilled(vec![job(1)], None).1.len(), 1, "nor what was being read");
}

#[test]
fn without_room_an_endpoint_gets_one_delivery_at_a_time() {
    let mut queue = Queue::default();
    queue.note_due(at(1));
    assert_eq!(queue.recruit(at(1), most(8), Allowance::default), 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), Allowance::default), Next::Refill(_)));
    queue.refilled(vec![job(1)], Some(at(1)));
    assert!(matches!(queue.next(at(1), Some(most(64)), Allowance::default), Next::Work(_)));
    assert_eq!(queue.recruit(at(1), most(8), Allowance::default), 0, "one is under way");
    assert_eq!(queue.recruit(at(1), most(8), || PLENTY), 1, "with room there may be more");
}

#[test]
fn an_open_breaker_holds_the_backlog_but_nobody_who_waits() {
    let mut queue = filled(20);
    assert_eq!(queue.recruit(at(1), most(64), || PLENTY), 16);
    for _ in 0..10 {
        assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Work(_)));
    }
    for _ in 0..10 {
        queue.answered(at(1), Signal::Broken, Some(most(64)));
        queue.done(job(0).weight());
    }
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::RestUntil(until) if until == at(6)));
    let asked_for = Job { manual: true, ..job(99) };
    assert!(queue.put_urgent(asked_for));
    assert!(queue.recruit(at(1), most(64), || PLENTY) <= 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), || PLENTY), Next::Work(next) if next.manual));
    queue.answered(at(1), Signal::Broken, Some(most(64)));
    queue.done(job(0).weight());
    assert!(matches!(queue.next(at(6), Some(most(64)), || PLENTY), Next::Work(_)), "the probe");
    assert!(matches!(queue.next(at(6), Some(most(64)), || PLENTY), Next::Rest), "one only");
    queue.answered(at(6), Signal::Success, Some(most(64)));
    queue.done(job(0).weight());
    assert!(matches!(queue.next(at(6), Some(most(64)), || PLENTY), Next::Work(_)));
    assert!(matches!(queue.next(at(6), Some(most(64)), || PLENTY), Next::Work(_)));
    assert!(matches!(queue.next(at(6), Some(most(64)), || PLENTY), Next::Rest), "a ramp and no flood");
}

#[test]
fn memory_is_bounded_for_what_somebody_waits_for_too() {
    let mut queue = Queue::default();
    for _ in 0..MAX_JOBS {
        assert!(!queue.is_full());
        assert!(queue.put_urgent(Job { manual: true, ..job(1) }));
    }
    assert!(queue.is_full() && !reserve(&mut queue, job(2).id, at(1)));
}

#[test]
fn an_outage_that_was_forgotten_does_not_count_for_the_next() {
    let second = Duration::from_secs;
    let mut queue = filled(2);
    queue.recruit(at(1), most(64), || PLENTY);
    for (now, running) in [(at(1), second(10)), (at(700_000), second(700_000))] {
        assert!(matches!(queue.next(now, Some(most(64)), || PLENTY), Next::Work(_)));
        queue.answered(now, Signal::Broken, Some(most(64)));
        queue.done(job(0).weight());
        assert_eq!(queue.outage(|| running), Some(Outage { since: now, running }));
        queue.start_afresh(false);
    }
}
