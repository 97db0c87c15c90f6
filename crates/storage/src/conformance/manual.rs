//! Retries that a person asked for.

use super::world::{World, at};
use crate::StorageError;
use crate::deliveries::{StatusCounts, Verdict};
use kanca_domain::deliveries::DeliveryStatus;

pub async fn a_pending_delivery_is_tried_early(world: &World) {
    let delivery = world.accept_due(at(500)).await;
    let now = world.storage.retry_delivery(world.project, delivery, at(10)).await.unwrap();
    assert_eq!((now.status, now.due, now.manual), (DeliveryStatus::Pending, Some(at(10)), false));
    assert_eq!(world.claim_due(at(10), 10).await, (vec![delivery], None));
}

pub async fn a_held_delivery_stays_held(world: &World) {
    let first = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    let now = world.storage.retry_delivery(world.project, held, at(10)).await.unwrap();
    assert_eq!((now.status, now.held, now.due, now.manual), (DeliveryStatus::Pending, true, None, false));
    assert_eq!(world.claim_due(at(10), 10).await.0, [first]);
    assert_eq!(world.record(first, Verdict::Delivered, at(11)).await.promoted, Some(held));
}

pub async fn a_failed_delivery_is_tried_once_more_and_delivered(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Retry { due: at(1) }, at(1)).await;
    world.record(delivery, Verdict::Failed, at(2)).await;
    let now = world.storage.retry_delivery(world.project, delivery, at(10)).await.unwrap();
    assert_eq!((now.status, now.due, now.manual), (DeliveryStatus::Pending, Some(at(10)), true));
    assert_eq!(now.completed_at, None);
    let expected = StatusCounts { pending: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
    let claimed = world.storage.claim_due(world.endpoint, at(10), 10).await.unwrap().items.pop().unwrap();
    assert_eq!((claimed.id, claimed.manual, claimed.attempt_count), (delivery, true, 2));
    assert_eq!(world.record(delivery, Verdict::Delivered, at(11)).await.status, DeliveryStatus::Delivered);
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.completed_at, now.manual), (DeliveryStatus::Delivered, Some(at(11)), false));
    assert_eq!((now.steps_used, now.attempt_count), (1, 3));
}

pub async fn a_manual_attempt_that_fails_restores_what_was(world: &World) {
    for (verdict, status) in
        [(Verdict::Delivered, DeliveryStatus::Delivered), (Verdict::Failed, DeliveryStatus::Failed)]
    {
        let delivery = world.accept(world.event_for_one()).await;
        world.record(delivery, verdict, at(2)).await;
        let before = world.storage.delivery_counts(world.project).await.unwrap();
        for n in 0..2 {
            world.storage.retry_delivery(world.project, delivery, at(10 + n)).await.unwrap();
            let recorded = world.record(delivery, Verdict::Failed, at(20 + n)).await;
            assert_eq!((recorded.status, recorded.promoted), (status, None));
            let now = world.stored(delivery).await;
            assert_eq!((now.status, now.completed_at), (status, Some(at(2))));
            assert_eq!((now.manual, now.due), (false, None));
        }
        assert_eq!(world.stored(delivery).await.attempt_count, 3);
        assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), before);
    }
}

pub async fn a_manual_attempt_holds_nobody_up(world: &World) {
    let old = world.accept(world.event_with_key("a")).await;
    world.record(old, Verdict::Failed, at(1)).await;
    world.storage.retry_delivery(world.project, old, at(10)).await.unwrap();
    let new = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    let claimed = world.storage.claim_due(world.endpoint, at(10), 10).await.unwrap().items;
    let ids: Vec<_> = claimed.iter().map(|item| item.id).collect();
    assert!(ids.contains(&old) && ids.contains(&new) && !ids.contains(&held), "{ids:?}");
    assert!(claimed.iter().all(|item| item.queue_key.is_none() == (item.id == old)));
    assert_eq!(world.record(old, Verdict::Delivered, at(11)).await.promoted, None);
    assert_eq!(world.record(new, Verdict::Delivered, at(12)).await.promoted, Some(held));
    assert_eq!(world.stored(old).await.ordering_key.as_deref(), Some("a"), "the event's own key stays");
}

pub async fn a_manual_attempt_can_be_let_go_and_taken_again(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Failed, at(1)).await;
    world.storage.retry_delivery(world.project, delivery, at(10)).await.unwrap();
    for _ in 0..2 {
        assert!(world.claim(delivery).await.unwrap().manual);
        world.storage.release(vec![delivery]).await.unwrap();
    }
    let again = world.storage.retry_delivery(world.project, delivery, at(11)).await.unwrap();
    assert_eq!((again.manual, again.due), (true, Some(at(10))));
    assert_eq!(world.record(delivery, Verdict::Failed, at(12)).await.status, DeliveryStatus::Failed);
}

pub async fn a_skipped_delivery_is_sent_again_from_the_start(world: &World) {
    let skipped = world.accept(world.event_with_key("a")).await;
    world.record(skipped, Verdict::Retry { due: at(1) }, at(1)).await;
    world.record(skipped, Verdict::Cancelled, at(2)).await;
    let first = world.accept(world.event_with_key("a")).await;
    for second in [10, 20] {
        let now = world.storage.retry_delivery(world.project, skipped, at(second)).await.unwrap();
        assert_eq!((now.status, now.due, now.manual), (DeliveryStatus::Pending, Some(at(second)), false));
        assert_eq!(
            (now.steps_used, now.completed_at, now.held),
            (0, None, false),
            "an earlier one of its key waits too"
        );
        let twice = world.storage.retry_delivery(world.project, skipped, at(second + 1)).await.unwrap();
        assert_eq!(twice.due, Some(at(second)), "it is on its way already");
        let claimed = world.claim(skipped).await.unwrap();
        assert_eq!((claimed.scheduled_from, claimed.steps_used, claimed.manual), (at(second), 0, false));
        assert!(claimed.queue_key.is_none() && world.claim(skipped).await.is_none(), "it is handed out once");
        // The program skips it again; only what was sent and refused has failed.
        let recorded = world.record(skipped, Verdict::Cancelled, at(second + 2)).await;
        assert_eq!((recorded.status, recorded.promoted), (DeliveryStatus::Cancelled, None));
    }
    world.storage.retry_delivery(world.project, skipped, at(30)).await.unwrap();
    world.record(skipped, Verdict::Retry { due: at(35) }, at(30)).await;
    assert_eq!(world.stored(skipped).await.steps_used, 1, "it follows the schedule");
    assert_eq!(world.record(skipped, Verdict::Failed, at(35)).await.status, DeliveryStatus::Failed);
    let expected = StatusCounts { pending: 1, failed: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
    assert_eq!(world.claim_due(at(40), 10).await.0, [first]);
}

pub async fn a_cancelled_delivery_cannot_be_tried(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.storage.delete_endpoint(world.project, world.endpoint, at(1)).await.unwrap();
    let refused = world.storage.retry_delivery(world.project, delivery, at(10)).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_eq!(world.status(delivery).await, DeliveryStatus::Cancelled);
}

pub async fn a_delivery_of_a_deleted_endpoint_cannot_be_tried(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Failed, at(1)).await;
    world.storage.delete_endpoint(world.project, world.endpoint, at(2)).await.unwrap();
    let refused = world.storage.retry_delivery(world.project, delivery, at(10)).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_eq!(world.status(delivery).await, DeliveryStatus::Failed);
}

pub async fn a_delivery_is_retried_only_by_its_project(world: &World) {
    let other = world.other_project().await;
    let delivery = world.accept_due(at(500)).await;
    for (project, delivery) in [(other, delivery), (world.project, world.id())] {
        let refused = world.storage.retry_delivery(project, delivery, at(10)).await;
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    }
    assert_eq!(world.stored(delivery).await.due, Some(at(500)));
}

pub async fn a_manual_attempt_follows_no_schedule(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Retry { due: at(1) }, at(1)).await;
    world.record(delivery, Verdict::Failed, at(2)).await;
    world.storage.retry_delivery(world.project, delivery, at(10)).await.unwrap();
    world.record(delivery, Verdict::Retry { due: at(20) }, at(11)).await;
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.due, now.manual), (DeliveryStatus::Pending, Some(at(20)), true));
    assert_eq!((now.steps_used, now.attempt_count), (1, 3));
}
