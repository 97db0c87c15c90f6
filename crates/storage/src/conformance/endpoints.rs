//! Endpoints, and what their change or deletion does to deliveries.

use super::world::{World, at};
use crate::StorageError;
use crate::deliveries::{NewDelivery, StatusCounts, Verdict};
use crate::endpoints::{EndpointRecord, Outage};
use crate::events::{Accepted, NewEvent};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::{DisabledCode, EndpointOptions, EndpointStatus, Ordering};
use kanca_domain::formats::Format;
use kanca_domain::retries::Schedule;
use std::time::Duration;

async fn stored(world: &World, wanted: &EndpointRecord) -> Option<EndpointRecord> {
    world.storage.all_endpoints().await.unwrap().into_iter().find(|endpoint| endpoint.id == wanted.id)
}

pub async fn an_endpoint_is_kept_as_it_is(world: &World) {
    let plain = world.new_endpoint();
    let full = EndpointRecord {
        name: "Sipariş \"ğüşiöç\" 🪝".into(),
        event_types: Some(vec!["order.*".into(), "user.registered".into()]),
        format: Format::Xml,
        ordering: Ordering::None,
        status: EndpointStatus::Disabled,
        disabled_reason: Some("410 Gone".into()),
        disabled_code: Some(DisabledCode::Gone),
        inbox_id: Some(world.id()),
        sealed_headers: vec![0, 159, 146, 150],
        options: EndpointOptions {
            retry_schedule: Some(Schedule::from_seconds(&[0, 5]).unwrap()),
            filter: Some("data.city == \"İzmir\"".into()),
            ..EndpointOptions::default()
        },
        sealed_options: vec![7, 0, 255],
        updated_at: at(9),
        ..world.new_endpoint()
    };
    let nothing = EndpointRecord {
        event_types: Some(Vec::new()),
        format: Format::Form,
        status: EndpointStatus::Paused,
        ..world.new_endpoint()
    };
    for endpoint in [plain, full, nothing] {
        world.storage.create_endpoint(endpoint.clone()).await.unwrap();
        assert_eq!(stored(world, &endpoint).await, Some(endpoint));
    }
}

pub async fn an_update_replaces_an_endpoint(world: &World) {
    let before = world.new_endpoint();
    world.storage.create_endpoint(before.clone()).await.unwrap();
    let now = EndpointRecord {
        name: "renamed".into(),
        url: "https://example.org/".into(),
        event_types: Some(vec!["*".into()]),
        format: Format::Form,
        status: EndpointStatus::Paused,
        disabled_reason: Some("by hand".into()),
        disabled_code: Some(DisabledCode::ByHand),
        inbox_id: Some(world.id()),
        sealed_secret: vec![9],
        sealed_headers: vec![8],
        options: EndpointOptions { timeout_seconds: Some(3), ..EndpointOptions::default() },
        sealed_options: vec![7],
        updated_at: at(60),
        ..before
    };
    world.storage.update_endpoint(now.clone()).await.unwrap();
    assert_eq!(stored(world, &now).await, Some(now));
}

pub async fn an_endpoint_is_changed_only_by_its_project(world: &World) {
    let other = world.other_project().await;
    let endpoint = world.new_endpoint();
    world.storage.create_endpoint(endpoint.clone()).await.unwrap();
    let foreign = EndpointRecord { project_id: other, name: "mine now".into(), ..endpoint.clone() };
    let refused = world.storage.update_endpoint(foreign).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    let refused = world.storage.delete_endpoint(other, endpoint.id, at(1)).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    assert_eq!(stored(world, &endpoint).await, Some(endpoint.clone()));
    world.storage.delete_endpoint(world.project, endpoint.id, at(1)).await.unwrap();
    for refused in [
        world.storage.delete_endpoint(world.project, endpoint.id, at(1)).await,
        world.storage.update_endpoint(endpoint.clone()).await,
    ] {
        assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    }
    assert_eq!(stored(world, &endpoint).await, None);
}

pub async fn deleting_an_endpoint_cancels_what_is_pending(world: &World) {
    let done = world.accept(world.event_for_one()).await;
    world.record(done, Verdict::Delivered, at(1)).await;
    let running = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    let later = world.accept_due(at(1000)).await;
    let elsewhere = world.another_endpoint().await;
    let untouched = world.accept(NewEvent { deliveries: vec![world.delivery(elsewhere)], ..world.event() }).await;
    world.claim(running).await.unwrap();
    world.storage.delete_endpoint(world.project, world.endpoint, at(5)).await.unwrap();
    for delivery in [running, held, later] {
        let now = world.stored(delivery).await;
        assert_eq!((now.status, now.held, now.due), (DeliveryStatus::Cancelled, false, None));
        assert_eq!(now.completed_at, Some(at(5)));
    }
    assert_eq!(world.status(done).await, DeliveryStatus::Delivered);
    assert_eq!(world.status(untouched).await, DeliveryStatus::Pending);
    assert_eq!(
        world.storage.delivery_counts(world.project).await.unwrap(),
        StatusCounts { pending: 1, delivered: 1, failed: 0, cancelled: 3 }
    );
    assert_eq!(world.claim_due(at(2000), 10).await, (vec![], None));
}

pub async fn deliveries_of_a_deleted_endpoint_keep_its_last_name(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    let renamed = EndpointRecord { id: world.endpoint, name: "the last name".into(), ..world.new_endpoint() };
    world.storage.update_endpoint(renamed).await.unwrap();
    world.storage.delete_endpoint(world.project, world.endpoint, at(5)).await.unwrap();
    let now = world.stored(delivery).await;
    assert_eq!((now.endpoint_id, now.endpoint_name.as_str()), (world.endpoint, "the last name"));
}

pub async fn an_outcome_after_the_deletion_keeps_the_attempt(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.claim(delivery).await.unwrap();
    world.storage.delete_endpoint(world.project, world.endpoint, at(5)).await.unwrap();
    for verdict in [Verdict::Delivered, Verdict::Retry { due: at(9) }, Verdict::Failed] {
        let recorded = world.record(delivery, verdict, at(6)).await;
        assert_eq!((recorded.status, recorded.promoted), (DeliveryStatus::Cancelled, None));
    }
    let (now, attempts) = world.storage.delivery(world.project, delivery).await.unwrap().unwrap();
    assert_eq!((now.status, now.completed_at, now.attempt_count), (DeliveryStatus::Cancelled, Some(at(5)), 3));
    assert_eq!(attempts.len(), 3);
}

pub async fn an_event_matched_before_the_deletion_makes_no_pending_delivery(world: &World) {
    let event = world.event_with_key("a");
    let delivery = NewDelivery { claim: true, ..event.deliveries[0].clone() };
    world.storage.delete_endpoint(world.project, world.endpoint, at(5)).await.unwrap();
    let id = delivery.id;
    let accepted = world.storage.accept_event(NewEvent { deliveries: vec![delivery], ..event }).await.unwrap();
    assert_eq!(accepted, Accepted::New { held: vec![id] }, "it must not start");
    let now = world.stored(id).await;
    assert_eq!((now.status, now.held, now.due), (DeliveryStatus::Cancelled, false, None));
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().cancelled, 1);
}

pub async fn without_ordering_held_deliveries_are_let_go(world: &World) {
    let running = world.accept(world.event_with_key("a")).await;
    let held = [world.accept(world.event_with_key("a")).await, world.accept(world.event_with_key("a")).await];
    world.claim(running).await.unwrap();
    assert_eq!(world.claim_due(at(5), 10).await.0, []);
    let unordered =
        EndpointRecord { id: world.endpoint, ordering: Ordering::None, updated_at: at(5), ..world.new_endpoint() };
    world.storage.update_endpoint(unordered).await.unwrap();
    let claimed = world.storage.claim_due(world.endpoint, at(5), 10).await.unwrap().items;
    assert_eq!(claimed.iter().map(|item| item.id).collect::<Vec<_>>(), held);
    assert!(claimed.iter().all(|item| item.queue_key.is_none()));
    assert_eq!(world.record(running, Verdict::Delivered, at(6)).await.promoted, None);
}

pub async fn counts_name_each_endpoint_of_the_project(world: &World) {
    let second = world.another_endpoint().await;
    let delivery = world.accept(world.event_for_one()).await;
    world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Failed, at(1)).await;
    world.accept(NewEvent { deliveries: vec![world.delivery(second)], ..world.event() }).await;
    let counts = world.storage.endpoint_counts(world.project).await.unwrap();
    assert_eq!(counts[&world.endpoint], StatusCounts { pending: 1, failed: 1, ..StatusCounts::default() });
    assert_eq!(counts[&second], StatusCounts { pending: 1, ..StatusCounts::default() });
    let other = world.other_project().await;
    assert!(world.storage.endpoint_counts(other).await.unwrap().is_empty());
    assert_eq!(world.storage.delivery_counts(other).await.unwrap(), StatusCounts::default());
}

pub async fn an_outage_is_remembered_until_it_ends(world: &World) {
    let outage = |second| Outage { since: at(second), running: Duration::from_micros(1_500_001) };
    let (down, up, deleted) = (world.new_endpoint(), world.new_endpoint(), world.new_endpoint());
    for endpoint in [&down, &up, &deleted] {
        world.storage.create_endpoint(endpoint.clone()).await.unwrap();
        world.storage.note_outage(endpoint.id, Some(outage(3))).await.unwrap();
    }
    world.storage.note_outage(down.id, Some(outage(4))).await.unwrap();
    world.storage.note_outage(up.id, None).await.unwrap();
    world.storage.delete_endpoint(deleted.project_id, deleted.id, at(5)).await.unwrap();
    let outages = world.storage.outages().await.unwrap();
    assert_eq!(outages.get(&down.id), Some(&outage(4)));
    assert_eq!((outages.get(&up.id), outages.get(&deleted.id)), (None, None));
}
