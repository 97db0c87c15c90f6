//! What an attempt does to its delivery, and how it is remembered.

use super::world::{World, at};
use crate::StorageError;
use crate::deliveries::{AttemptRecord, Outcome, ReceivedResponse, SentRequest, StatusCounts, Verdict};
use bytes::Bytes;
use kanca_domain::attempts::Timings;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::formats::Format;

fn is_same(left: &AttemptRecord, right: &AttemptRecord) -> bool {
    let parts = |a: &AttemptRecord| {
        let times = (a.id, a.number, a.started_at, a.duration_us);
        let result = (a.success, a.reason_code.clone(), a.reason.clone(), a.manual);
        (times, result, a.format, a.request.clone(), a.response.clone(), (a.timings, a.request_body.clone()))
    };
    parts(left) == parts(right)
}

pub async fn a_success_ends_a_delivery(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.claim(delivery).await.unwrap();
    let recorded = world.record(delivery, Verdict::Delivered, at(2)).await;
    assert_eq!((recorded.status, recorded.promoted), (DeliveryStatus::Delivered, None));
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.due, now.completed_at), (DeliveryStatus::Delivered, None, Some(at(2))));
    assert_eq!((now.attempt_count, now.steps_used), (1, 0));
    assert_eq!((now.last_reason.as_deref(), now.last_reason_code.as_deref()), (Some("200 OK"), Some("ok")));
    assert_eq!(world.claim_due(at(99), 10).await, (vec![], None));
    let expected = StatusCounts { delivered: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
}

pub async fn a_retry_uses_one_step_and_waits_until_due(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.claim(delivery).await.unwrap();
    let recorded = world.record(delivery, Verdict::Retry { due: at(30) }, at(2)).await;
    assert_eq!(recorded.status, DeliveryStatus::Pending);
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.due, now.completed_at), (DeliveryStatus::Pending, Some(at(30)), None));
    assert_eq!((now.attempt_count, now.steps_used), (1, 1));
    assert_eq!(world.claim_due(at(29), 10).await, (vec![], Some(at(30))));
    assert_eq!(world.claim_due(at(30), 10).await, (vec![delivery], None));
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
}

pub async fn a_failure_ends_a_delivery(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.claim(delivery).await.unwrap();
    let recorded = world.record(delivery, Verdict::Failed, at(2)).await;
    assert_eq!(recorded.status, DeliveryStatus::Failed);
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.due, now.completed_at), (DeliveryStatus::Failed, None, Some(at(2))));
    let expected = StatusCounts { failed: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
}

pub async fn a_delivery_can_end_without_an_attempt(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    let outcome = Outcome { attempt: None, ..world.outcome(delivery, Verdict::Failed, at(2)) };
    let recorded = world.storage.record_outcome(&outcome).await.unwrap();
    assert_eq!(recorded.status, DeliveryStatus::Failed);
    let (now, attempts) = world.storage.delivery(world.project, delivery).await.unwrap().unwrap();
    assert_eq!((now.attempt_count, now.last_reason, attempts.len()), (0, None, 0));
}

pub async fn an_outcome_of_an_unknown_delivery_is_not_found(world: &World) {
    let unknown = world.outcome(world.id(), Verdict::Delivered, at(1));
    let refused = world.storage.record_outcome(&unknown).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
}

pub async fn what_is_skipped_ends_cancelled_and_lets_the_next_go(world: &World) {
    let (first, second) =
        (world.accept(world.event_with_key("k")).await, world.accept(world.event_with_key("k")).await);
    let recorded = world.record(first, Verdict::Cancelled, at(2)).await;
    assert_eq!((recorded.status, recorded.promoted), (DeliveryStatus::Cancelled, Some(second)));
    let (now, attempts) = world.storage.delivery(world.project, first).await.unwrap().unwrap();
    assert_eq!((now.status, now.completed_at, attempts.len()), (DeliveryStatus::Cancelled, Some(at(2)), 1));
    let expected = StatusCounts { cancelled: 1, pending: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
}

pub async fn a_late_outcome_keeps_the_attempt_and_not_the_verdict(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Failed, at(2)).await;
    for verdict in [Verdict::Delivered, Verdict::Retry { due: at(5) }] {
        assert_eq!(world.record(delivery, verdict, at(3)).await.status, DeliveryStatus::Failed);
    }
    let (now, attempts) = world.storage.delivery(world.project, delivery).await.unwrap().unwrap();
    assert_eq!((now.status, now.completed_at), (DeliveryStatus::Failed, Some(at(2))));
    assert_eq!((now.attempt_count, attempts.len()), (3, 3));
    let expected = StatusCounts { failed: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
}

pub async fn attempts_are_kept_as_they_were(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sent = |name: &'static str, value: &'static str| (name.into(), value.into());
    let answered = AttemptRecord {
        success: false,
        reason_code: "status".into(),
        reason: "503 “geçici”".into(),
        manual: true,
        format: Format::Xml,
        request: SentRequest {
            method: "POST".into(),
            url: "https://example.com/ğ?a=b".into(),
            headers: vec![sent("x-a", "1"), sent("X-A", "2"), sent("authorization", "••••")],
        },
        response: Some(ReceivedResponse {
            status: 503,
            headers: vec![header("Set-Cookie", "a=1"), header("set-cookie", "b=2")],
            body: Bytes::from_static(&[0, 255, 10, 13, 0]),
            truncated: true,
        }),
        timings: Some(Timings {
            dns_us: Some(0),
            connect_us: Some(u32::MAX),
            tls_us: None,
            first_byte_us: Some(12),
            total_us: 4_000_000_000,
            reused: true,
            remote: Some(([0x2606, 0x4700, 0, 0, 0, 0, 0, 1], 8443).into()),
        }),
        request_body: Some(Bytes::from_static(b"\0{}\xff")),
        ..world.attempt(1)
    };
    let empty = ReceivedResponse { status: 204, headers: Vec::new(), body: Bytes::new(), truncated: false };
    let unsent = Some(Timings::default());
    let silent = AttemptRecord { format: Format::Form, response: None, timings: unsent, ..world.attempt(2) };
    let quiet = AttemptRecord { duration_us: u64::from(u32::MAX) * 9, response: Some(empty), ..world.attempt(3) };
    let made = [answered, silent, quiet];
    for attempt in &made {
        let verdict = Verdict::Retry { due: at(9) };
        let outcome = Outcome { attempt: Some(attempt.clone()), ..world.outcome(delivery, verdict, at(2)) };
        world.storage.record_outcome(&outcome).await.unwrap();
    }
    let kept = world.storage.delivery(world.project, delivery).await.unwrap().unwrap().1;
    assert_eq!(kept.len(), 3);
    for (made, kept) in made.iter().zip(&kept) {
        assert!(is_same(made, kept), "{made:?} was kept as {kept:?}");
    }
}

pub async fn attempts_are_listed_oldest_first(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    for number in 1..=12 {
        let attempt = AttemptRecord { reason: format!("reason {number}"), ..world.attempt(number) };
        let verdict = Verdict::Retry { due: at(9) };
        let outcome = Outcome { attempt: Some(attempt), ..world.outcome(delivery, verdict, at(2)) };
        world.storage.record_outcome(&outcome).await.unwrap();
    }
    let (now, attempts) = world.storage.delivery(world.project, delivery).await.unwrap().unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert_eq!((now.attempt_count, now.last_reason.as_deref()), (12, Some("reason 12")));
}
