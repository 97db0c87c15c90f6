//! Lists of deliveries.

use super::world::{World, all, at, first};
use crate::deliveries::{DeliveryFilter, DeliveryRecord, Verdict};
use crate::events::NewEvent;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId};

async fn listed(world: &World, filter: DeliveryFilter, limit: u32) -> Vec<DeliveryRecord> {
    all(limit, async |page| world.storage.deliveries(world.project, filter, page).await.unwrap()).await
}

fn ids(records: &[DeliveryRecord]) -> Vec<DeliveryId> {
    records.iter().map(|record| record.id).collect()
}

/// Events to three endpoints, in every state.
async fn history(world: &World) -> (Vec<EventId>, Vec<EndpointId>) {
    let endpoints = vec![world.endpoint, world.another_endpoint().await, world.another_endpoint().await];
    let mut events = Vec::new();
    for n in 0..40_usize {
        let to = endpoints.iter().take(n % 4).map(|endpoint| world.delivery(*endpoint)).collect();
        let event = NewEvent { deliveries: to, ..world.event() };
        events.push(event.id);
        world.storage.accept_event(event.clone()).await.unwrap();
        for (m, delivery) in event.deliveries.iter().enumerate() {
            match (n + m) % 5 {
                0 | 1 => drop(world.record(delivery.id, Verdict::Delivered, at(1)).await),
                2 => drop(world.record(delivery.id, Verdict::Failed, at(1)).await),
                _ => {}
            }
        }
    }
    world.storage.delete_endpoint(world.project, endpoints[2], at(2)).await.unwrap();
    (events, endpoints)
}

pub async fn deliveries_are_listed_newest_first(world: &World) {
    history(world).await;
    let listed = ids(&listed(world, DeliveryFilter::default(), 200).await);
    assert_eq!(listed.len(), 60);
    assert!(listed.is_sorted_by(|newer, older| newer > older));
}

pub async fn deliveries_are_filtered_by_all_given_conditions(world: &World) {
    let (events, endpoints) = history(world).await;
    let everything = listed(world, DeliveryFilter::default(), 200).await;
    let some_events = [None, Some(events[3]), Some(events[6]), Some(events[4]), Some(world.id())];
    let some_endpoints = [None, Some(endpoints[0]), Some(endpoints[1]), Some(endpoints[2]), Some(world.id())];
    for event_id in some_events {
        for endpoint_id in some_endpoints {
            for status in DeliveryStatus::ALL.into_iter().map(Some).chain([None]) {
                let filter = DeliveryFilter { event_id, endpoint_id, status };
                let fits = |record: &&DeliveryRecord| {
                    event_id.is_none_or(|wanted| wanted == record.event_id)
                        && endpoint_id.is_none_or(|wanted| wanted == record.endpoint_id)
                        && status.is_none_or(|wanted| wanted == record.status)
                };
                let expected: Vec<_> = everything.iter().filter(fits).map(|record| record.id).collect();
                assert_eq!(ids(&listed(world, filter, 7).await), expected, "{filter:?}");
            }
        }
    }
}

pub async fn pages_of_deliveries_hold_each_one_once(world: &World) {
    history(world).await;
    let everything = ids(&listed(world, DeliveryFilter::default(), 200).await);
    for limit in [1, 2, 3, 20, 59, 60, 61] {
        let read = all(limit, async |page| {
            let page = world.storage.deliveries(world.project, DeliveryFilter::default(), page).await.unwrap();
            assert!(!page.items.is_empty(), "a page that was promised has something in it");
            world.accept(world.event_for_one()).await;
            page
        })
        .await;
        let old: Vec<_> = ids(&read).into_iter().filter(|id| everything.contains(id)).collect();
        assert_eq!(old, everything, "pages of {limit}");
    }
}

pub async fn deliveries_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let event = world.event_for_one();
    let event_id = Some(event.id);
    let delivery = world.accept(event).await;
    assert!(world.storage.delivery(other, delivery).await.unwrap().is_none());
    for filter in [
        DeliveryFilter::default(),
        DeliveryFilter { event_id, ..DeliveryFilter::default() },
        DeliveryFilter { endpoint_id: Some(world.endpoint), ..DeliveryFilter::default() },
        DeliveryFilter { status: Some(DeliveryStatus::Pending), ..DeliveryFilter::default() },
    ] {
        let page = world.storage.deliveries(other, filter, first(10)).await.unwrap();
        assert!(page.items.is_empty() && page.next.is_none(), "{filter:?}");
    }
}
