//! Sending many deliveries again, making deliveries for events that have none, and cancelling in steps.

use super::world::{World, at};
use crate::deliveries::{StatusCounts, Verdict};
use crate::events::NewEvent;
use crate::replays::{Again, Gap, Recovered, Replay, Selection, Step, Work};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EventId, Id, ReplayId};

fn failed_ones(world: &World) -> Selection {
    Selection {
        project_id: world.project,
        endpoint_id: world.endpoint,
        status: DeliveryStatus::Failed,
        event_type: None,
        since: None,
        until: None,
        ended_by: at(1_000),
        before: None,
    }
}

fn gap(world: &World) -> Gap {
    Gap { project_id: world.project, endpoint_id: world.endpoint, since: at(0), until: at(1_000), before: None }
}

fn again(id: DeliveryId) -> Again {
    Again { id, queue_key: None, due: at(20) }
}

/// A step that has come this far.
fn step(world: &World, work: Work, after: Option<DeliveryId>, finished: bool) -> Step {
    let replay = Replay { id: world.id(), work, after: after.map(Id::uuid), next_due: at(20) };
    Step { replay, finished, now: at(20) }
}

async fn accept_of_type(world: &World, event_type: &str, second: i64) -> DeliveryId {
    let event_type = event_type.parse().unwrap();
    world.accept(NewEvent { event_type, accepted_at: at(second), ..world.event_for_one() }).await
}

async fn fail(world: &World, delivery: DeliveryId) -> DeliveryId {
    world.record(delivery, Verdict::Failed, at(9)).await;
    delivery
}

async fn selected(world: &World, selection: Selection) -> Vec<DeliveryId> {
    let counted = world.storage.count_selected(selection.clone()).await.unwrap();
    let found = world.storage.selected(selection, None, 100).await.unwrap();
    assert_eq!(counted, found.len() as u64, "what is counted is what is found");
    found.into_iter().map(|selected| selected.id).collect()
}

pub async fn a_selection_holds_what_meets_all_its_conditions(world: &World) {
    let paid = fail(world, accept_of_type(world, "order.paid", 1).await).await;
    let shipped = fail(world, accept_of_type(world, "order.shipped", 2).await).await;
    let delivered = accept_of_type(world, "order.paid", 3).await;
    world.record(delivered, Verdict::Delivered, at(9)).await;
    accept_of_type(world, "order.paid", 4).await;
    let late = fail(world, accept_of_type(world, "user.created", 5).await).await;
    let of = |change: &dyn Fn(&mut Selection)| {
        let mut selection = failed_ones(world);
        change(&mut selection);
        selected(world, selection)
    };
    assert_eq!(of(&|_| ()).await, [paid, shipped, late]);
    assert_eq!(of(&|s| s.status = DeliveryStatus::Delivered).await, [delivered]);
    assert_eq!(of(&|s| s.event_type = "order.paid".parse().ok()).await, [paid]);
    assert_eq!(of(&|s| s.event_type = "order.*".parse().ok()).await, [paid, shipped]);
    assert_eq!(of(&|s| s.event_type = "*".parse().ok()).await, [paid, shipped, late]);
    assert_eq!(of(&|s| s.since = Some(at(2))).await, [shipped, late]);
    assert_eq!(of(&|s| s.until = Some(at(5))).await, [paid, shipped]);
    assert_eq!(of(&|s| s.ended_by = at(8)).await, []);
    assert_eq!(of(&|s| s.before = Some(ReplayId::from_uuid(late.uuid()))).await, [paid, shipped]);
    let other = (world.other_project().await, world.another_endpoint().await);
    assert_eq!(of(&|s| s.project_id = other.0).await, []);
    assert_eq!(of(&|s| s.endpoint_id = other.1).await, []);
    let rest = world.storage.selected(failed_ones(world), Some(paid), 1).await.unwrap();
    assert_eq!(rest.iter().map(|s| s.id).collect::<Vec<_>>(), [shipped], "lists go on after an id, within a limit");
}

pub async fn what_is_sent_again_has_its_whole_schedule_before_it(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    world.record(delivery, Verdict::Retry { due: at(2) }, at(1)).await;
    fail(world, delivery).await;
    let work = step(world, Work::Again(failed_ones(world)), Some(delivery), true);
    assert_eq!(world.storage.send_again(work.clone(), vec![again(delivery)]).await.unwrap(), 1);
    let now = world.stored(delivery).await;
    assert_eq!((now.status, now.due, now.manual), (DeliveryStatus::Pending, Some(at(20)), false));
    assert_eq!((now.steps_used, now.attempt_count, now.completed_at), (0, 2, None));
    let claimed = world.claim(delivery).await.unwrap();
    assert_eq!((claimed.scheduled_from, claimed.accepted_at), (at(20), at(0)), "its age counts anew");
    let expected = StatusCounts { pending: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
    // The same step again, such as after an answer that got lost, changes nothing.
    assert_eq!(world.storage.send_again(work, vec![again(delivery)]).await.unwrap(), 0);
    assert_eq!(world.record(delivery, Verdict::Failed, at(30)).await.status, DeliveryStatus::Failed);
    assert_eq!(world.stored(delivery).await.completed_at, Some(at(30)));
}

pub async fn what_was_skipped_is_sent_again_with_its_whole_schedule_before_it(world: &World) {
    let (skipped, failed) = (world.accept(world.event_for_one()).await, world.accept(world.event_for_one()).await);
    world.record(skipped, Verdict::Retry { due: at(2) }, at(1)).await;
    world.record(skipped, Verdict::Cancelled, at(9)).await;
    fail(world, failed).await;
    let skipped_ones = Selection { status: DeliveryStatus::Cancelled, ..failed_ones(world) };
    assert_eq!(selected(world, skipped_ones.clone()).await, [skipped]);
    let work = step(world, Work::Again(skipped_ones.clone()), Some(skipped), true);
    let both = vec![again(skipped), again(failed)];
    assert_eq!(world.storage.send_again(work.clone(), both.clone()).await.unwrap(), 1, "only what was skipped");
    assert_eq!(world.storage.send_again(work, both).await.unwrap(), 0, "and once");
    let now = world.stored(skipped).await;
    assert_eq!((now.status, now.due, now.steps_used), (DeliveryStatus::Pending, Some(at(20)), 0));
    let expected = StatusCounts { pending: 1, failed: 1, ..StatusCounts::default() };
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), expected);
    world.record(skipped, Verdict::Cancelled, at(1_001)).await;
    assert_eq!(selected(world, skipped_ones).await, [], "what is skipped once more is not selected again");
}

pub async fn what_is_sent_again_is_found_when_it_is_due(world: &World) {
    let delivery = fail(world, world.accept(world.event_for_one()).await).await;
    // A search in between has remembered how far it came.
    world.accept_due(at(500)).await;
    assert_eq!(world.claim_due(at(10), 10).await, (vec![], Some(at(500))));
    let work = step(world, Work::Again(failed_ones(world)), Some(delivery), true);
    world.storage.send_again(work, vec![again(delivery)]).await.unwrap();
    assert_eq!(world.claim_due(at(20), 10).await, (vec![delivery], Some(at(500))));
}

pub async fn what_is_sent_again_under_one_key_goes_in_order_and_holds_up_nobody_else(world: &World) {
    let first = fail(world, world.accept(world.event_with_key("a")).await).await;
    let second = fail(world, world.accept(world.event_with_key("a")).await).await;
    let live = world.accept(world.event_with_key("a")).await;
    let keyed = |id| Again { queue_key: Some("again a".into()), ..again(id) };
    let work = step(world, Work::Again(failed_ones(world)), Some(second), true);
    let selected = world.storage.selected(failed_ones(world), None, 10).await.unwrap();
    assert!(selected.iter().all(|s| s.ordering_key.as_deref() == Some("a")), "{selected:?}");
    assert_eq!(world.storage.send_again(work, vec![keyed(first), keyed(second)]).await.unwrap(), 2);
    assert!(world.stored(second).await.held);
    assert_eq!(world.claim_due(at(20), 10).await.0, [live, first]);
    assert_eq!(world.record(live, Verdict::Delivered, at(21)).await.promoted, None);
    assert_eq!(world.record(first, Verdict::Delivered, at(21)).await.promoted, Some(second));
}

pub async fn a_replay_is_remembered_until_it_is_finished(world: &World) {
    let delivery = fail(world, world.accept(world.event_for_one()).await).await;
    let mut at_start = step(world, Work::Again(failed_ones(world)), None, false);
    let other = step(world, Work::Recover(gap(world)), None, true);
    let all = vec![at_start.replay.clone(), other.replay.clone()];
    world.storage.begin_replays(all.clone()).await.unwrap();
    assert_eq!(world.storage.unfinished_replays().await.unwrap(), all);

    at_start.replay.after = Some(delivery.uuid());
    at_start.replay.next_due = at(25);
    world.storage.send_again(at_start.clone(), vec![again(delivery)]).await.unwrap();
    world.storage.recover(other, Vec::new()).await.unwrap();
    assert_eq!(world.storage.unfinished_replays().await.unwrap(), [at_start.replay.clone()]);
    at_start.finished = true;
    world.storage.send_again(at_start, Vec::new()).await.unwrap();
    assert_eq!(world.storage.unfinished_replays().await.unwrap(), []);
}

pub async fn events_without_a_delivery_are_found_and_get_one(world: &World) {
    world.accept(world.event_for_one()).await;
    let missed = NewEvent { accepted_at: at(5), ordering_key: Some("a".into()), ..world.event() };
    let (early, late) = (world.event(), NewEvent { accepted_at: at(1_000), ..world.event() });
    let test = NewEvent { test: true, ..world.event() };
    let foreign = NewEvent { project_id: world.other_project().await, ..world.event() };
    for event in [&missed, &early, &late, &test, &foreign] {
        world.storage.accept_event(event.clone()).await.unwrap();
    }
    let found = async |after: Option<EventId>, limit, with_data| {
        world.storage.without_delivery(gap(world), after, limit, with_data).await.unwrap()
    };
    let ids = |records: &[crate::events::EventRecord]| records.iter().map(|r| r.id).collect::<Vec<_>>();
    let all = found(None, 10, false).await;
    assert_eq!(ids(&all), [missed.id, early.id]);
    assert!(all[0].data.is_none() && all[0].ordering_key.as_deref() == Some("a"));
    assert!(found(None, 1, true).await[0].data.is_some());
    assert_eq!(ids(&found(Some(missed.id), 10, false).await), [early.id]);

    let delivery = world.delivery(world.endpoint);
    let recovered = Recovered { event_id: missed.id, delivery: delivery.clone() };
    let unknown = Recovered { event_id: world.id(), delivery: world.delivery(world.endpoint) };
    let work = || step(world, Work::Recover(gap(world)), None, true);
    assert_eq!(world.storage.recover(work(), vec![recovered.clone(), unknown]).await.unwrap(), 1);
    let made = world.stored(delivery.id).await;
    assert_eq!((made.event_id, made.status, made.created_at), (missed.id, DeliveryStatus::Pending, at(20)));
    assert_eq!(world.claim(delivery.id).await.unwrap().scheduled_from, at(20), "its age counts from now");
    assert_eq!(ids(&found(None, 10, false).await), [early.id]);
    let twice = Recovered { delivery: world.delivery(world.endpoint), ..recovered };
    assert_eq!(
        world.storage.recover(work(), vec![twice]).await.unwrap(),
        0,
        "an event has one delivery to an endpoint"
    );
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 2);
}

pub async fn nothing_is_sent_again_to_a_deleted_endpoint(world: &World) {
    let delivery = fail(world, world.accept(world.event_for_one()).await).await;
    let missed = world.event();
    world.storage.accept_event(missed.clone()).await.unwrap();
    let work = step(world, Work::Again(failed_ones(world)), Some(delivery), false);
    world.storage.begin_replays(vec![work.replay.clone()]).await.unwrap();
    world.storage.delete_endpoint(world.project, world.endpoint, at(10)).await.unwrap();
    assert_eq!(world.storage.send_again(work, vec![again(delivery)]).await.unwrap(), 0);
    assert_eq!(world.status(delivery).await, DeliveryStatus::Failed);
    assert_eq!(world.storage.unfinished_replays().await.unwrap(), [], "the work is over");
    let recovered = Recovered { event_id: missed.id, delivery: world.delivery(world.endpoint) };
    let work = step(world, Work::Recover(gap(world)), None, false);
    assert_eq!(world.storage.recover(work, vec![recovered]).await.unwrap(), 0);
}

pub async fn a_large_backlog_is_cancelled_in_steps(world: &World) {
    let events: Vec<_> =
        (0..700).map(|n| if n % 2 == 0 { world.event_with_key("a") } else { world.event_for_one() }).collect();
    world.storage.accept_events(events).await.unwrap();
    world.storage.delete_endpoint(world.project, world.endpoint, at(10)).await.unwrap();
    let counts = async || world.storage.delivery_counts(world.project).await.unwrap();
    let (mut steps, mut now) = (0, counts().await);
    assert!(now.pending > 0, "not all of it in the commit of the deletion: {now:?}");
    assert_eq!(world.storage.deleted_with_pending().await.unwrap(), [world.endpoint]);
    assert_eq!(world.claim_due(at(20), 10).await, (vec![], None), "none of it is attempted any more");
    while world.storage.cancel_pending(world.endpoint, at(11), 100).await.unwrap() > 0 {
        steps += 1;
        now = counts().await;
        assert_eq!(now.pending + now.cancelled, 700, "nothing is lost in between");
    }
    assert!(steps > 1 && now.pending == 0, "{steps} steps, {now:?}");
    assert!(world.storage.deleted_with_pending().await.unwrap().is_empty());
}

pub async fn only_what_was_deleted_is_cancelled(world: &World) {
    let delivery = world.accept(world.event_for_one()).await;
    assert_eq!(world.storage.cancel_pending(world.endpoint, at(1), 100).await.unwrap(), 0);
    assert_eq!(world.storage.cancel_pending(world.id(), at(1), 100).await.unwrap(), 0);
    assert_eq!(world.status(delivery).await, DeliveryStatus::Pending);
}
