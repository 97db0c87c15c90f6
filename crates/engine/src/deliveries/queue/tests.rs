use super::*;
use crate::deliveries::EventBody;
use kanca_domain::events::{BuiltIn, EventData};
use kanca_domain::ids::{DeliveryId, EventId, Id, ProjectId};
use kanca_domain::pace::Signal;
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

fn filled(jobs: u8) -> Queue {
    let mut queue = Queue::default();
    for n in 0..jobs {
        assert!(queue.reserve(job(n).id, at(1)));
        assert!(queue.put_reserved(job(n), false));
    }
    queue
}

#[test]
fn jobs_leave_in_the_order_they_came_and_workers_go_when_there_is_none() {
    let mut queue = filled(3);
    assert_eq!(queue.recruit(at(1), most(64), true), 3);
    assert_eq!(queue.recruit(at(1), most(64), true), 0, "nobody is recruited twice for the same work");
    for n in 0..3 {
        let Next::Work(next) = queue.next(at(1), Some(most(64)), true) else { panic!("work is there") };
        assert_eq!(next.id, job(n).id);
    }
    assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::Rest));
    assert_eq!(queue.workers(), 2);
}

#[test]
fn a_worker_with_a_slow_job_keeps_no_other_job_waiting() {
    let mut queue = filled(1);
    assert_eq!(queue.recruit(at(1), most(64), true), 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::Work(_)));
    assert!(queue.reserve(job(9).id, at(1)));
    assert!(queue.put_reserved(job(9), false));
    assert_eq!(queue.recruit(at(1), most(64), true), 1, "the busy one does not count");
    queue.answered(at(1), Signal::Success, Some(most(64)));
    queue.done();
    assert_eq!(queue.recruit(at(1), most(64), true), 0);
}

#[test]
fn at_most_the_set_number_of_workers_serve_one_endpoint() {
    let mut queue = filled(100);
    assert_eq!(queue.recruit(at(1), most(4), true), 4);
    assert_eq!(queue.recruit(at(1), most(4), true), 0);
}

#[test]
fn memory_is_bounded_and_new_deliveries_do_not_overtake_those_in_the_table() {
    let mut queue = Queue::default();
    let ids = (0..5_000u64).map(|n| DeliveryId::new(n, &[0; 10]));
    let granted = ids.filter(|id| queue.reserve(*id, at(1))).count();
    assert_eq!(granted, MAX_JOBS);
    let mut behind = Queue::default();
    behind.note_due(at(5));
    assert!(behind.reserve(job(1).id, at(4)), "what is due later holds nobody up");
    assert!(!behind.reserve(job(2).id, at(5)));
}

#[test]
fn a_held_job_starts_only_when_promoted() {
    let mut queue = Queue::default();
    assert!(queue.reserve(job(1).id, at(1)));
    assert!(queue.put_reserved(job(1), true));
    assert_eq!(queue.recruit(at(1), most(8), true), 0);
    assert!(!queue.promote(job(2).id), "unknown ids are looked up in the table");
    assert!(queue.promote(job(1).id));
    assert_eq!(queue.recruit(at(1), most(8), true), 1);
}

#[test]
fn a_job_promoted_before_it_came_starts_when_it_comes() {
    let mut queue = Queue::default();
    assert!(queue.reserve(job(1).id, at(1)));
    assert!(queue.promote(job(1).id), "it is on its way, so the table need not be asked");
    assert!(queue.put_reserved(job(1), true));
    assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::Work(_)));
}

#[test]
fn one_worker_refills_and_due_times_noted_meanwhile_are_kept() {
    let mut queue = Queue::default();
    queue.note_due(at(10));
    assert_eq!(queue.recruit(at(9), most(8), true), 0);
    assert_eq!(queue.recruit(at(10), most(8), true), 1);
    assert!(matches!(queue.next(at(10), Some(most(64)), true), Next::Refill));
    queue.note_due(at(12));
    assert_eq!(queue.recruit(at(20), most(8), true), 0, "nobody else refills meanwhile");
    assert_eq!(queue.refilled(vec![job(1)], Some(at(30))), Some(at(12)));
    assert!(matches!(queue.next(at(11), Some(most(64)), true), Next::Work(_)));
}

#[test]
fn a_forgotten_endpoint_keeps_nothing() {
    let mut queue = filled(2);
    assert!(queue.reserve(job(3).id, at(1)));
    assert!(queue.forget() > 0);
    assert!(!queue.put_reserved(job(3), false), "nor what comes later");
    assert!(!queue.reserve(job(4).id, at(1)));
    assert_eq!(queue.recruit(at(1), most(8), true), 0);
}

#[test]
fn without_room_an_endpoint_gets_one_delivery_at_a_time() {
    let mut queue = Queue::default();
    queue.note_due(at(1));
    assert_eq!(queue.recruit(at(1), most(8), false), 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), false), Next::Refill));
    queue.refilled(vec![job(1)], Some(at(1)));
    assert!(matches!(queue.next(at(1), Some(most(64)), false), Next::Work(_)));
    assert_eq!(queue.recruit(at(1), most(8), false), 0, "one is under way");
    assert_eq!(queue.recruit(at(1), most(8), true), 1, "with room there may be more");
}

#[test]
fn an_open_breaker_holds_the_backlog_but_nobody_who_waits() {
    let mut queue = filled(20);
    assert_eq!(queue.recruit(at(1), most(64), true), 16);
    for _ in 0..10 {
        assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::Work(_)));
    }
    for _ in 0..10 {
        queue.answered(at(1), Signal::Broken, Some(most(64)));
        queue.done();
    }
    assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::RestUntil(until) if until == at(6)));
    let asked_for = Job { manual: true, ..job(99) };
    assert!(queue.put_urgent(asked_for));
    assert!(queue.recruit(at(1), most(64), true) <= 1);
    assert!(matches!(queue.next(at(1), Some(most(64)), true), Next::Work(next) if next.manual));
    queue.answered(at(1), Signal::Broken, Some(most(64)));
    queue.done();
    assert!(matches!(queue.next(at(6), Some(most(64)), true), Next::Work(_)), "the probe");
    assert!(matches!(queue.next(at(6), Some(most(64)), true), Next::Rest), "one only");
    queue.answered(at(6), Signal::Success, Some(most(64)));
    queue.done();
    assert!(matches!(queue.next(at(6), Some(most(64)), true), Next::Work(_)));
    assert!(matches!(queue.next(at(6), Some(most(64)), true), Next::Work(_)));
    assert!(matches!(queue.next(at(6), Some(most(64)), true), Next::Rest), "a ramp and no flood");
}

#[test]
fn memory_is_bounded_for_what_somebody_waits_for_too() {
    let mut queue = Queue::default();
    for _ in 0..MAX_JOBS {
        assert!(!queue.is_full());
        assert!(queue.put_urgent(Job { manual: true, ..job(1) }));
    }
    assert!(queue.is_full() && !queue.reserve(job(2).id, at(1)));
}

#[test]
fn an_outage_that_was_forgotten_does_not_count_for_the_next() {
    let second = Duration::from_secs;
    let mut queue = filled(2);
    queue.recruit(at(1), most(64), true);
    for (now, running) in [(at(1), second(10)), (at(700_000), second(700_000))] {
        assert!(matches!(queue.next(now, Some(most(64)), true), Next::Work(_)));
        queue.answered(now, Signal::Broken, Some(most(64)));
        queue.done();
        assert_eq!(queue.outage(|| running), Some(Outage { since: now, running }));
        queue.start_afresh();
    }
}
