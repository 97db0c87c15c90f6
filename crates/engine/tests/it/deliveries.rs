use super::support::{World, eventually, near, refused, status};
use jiff::{SignedDuration, Timestamp};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_engine::replays::Wanted;
use std::time::Duration;

#[tokio::test]
async fn a_dead_endpoint_is_tried_for_three_days_and_then_given_up() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    world.endpoint("dead", &["order.*"]).await;
    let watcher = world.endpoint("watcher", &["delivery.failed"]).await;
    let event = world.publish("order.paid", None).await;

    let steps = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (n, seconds) in steps.into_iter().enumerate() {
        eventually("the attempt is recorded", async || world.delivery_of(event).await.attempt_count as usize == n + 1)
            .await;
        let delivery = world.delivery_of(event).await;
        let due = delivery.due.unwrap();
        let last = world.service.seen.lock().last().unwrap().0;
        assert!(near(SignedDuration::from_secs(seconds), due.duration_since(last)), "step {n}: {due} after {last}");
        world.turn_clock_to(due);
    }
    eventually("it is given up", async || world.delivery_of(event).await.status == DeliveryStatus::Failed).await;
    assert_eq!(world.asked_for(event), 10);
    let delivery = world.delivery_of(event).await;
    assert!(delivery.last_reason.unwrap().contains("203.0.113.1"));

    eventually("whoever subscribes is told", async || {
        let counts = world.engine.endpoint_counts(world.project()).await.unwrap();
        counts.get(&watcher.record.id).is_some_and(|c| c.pending + c.failed > 0)
    })
    .await;
}

#[tokio::test]
async fn a_restart_goes_on_with_the_schedule_where_it_was() {
    let world = World::new().await;
    world.service_answers(|_| status(503));
    world.endpoint("sick", &["*"]).await;
    let event = world.publish("order.paid", None).await;
    eventually("one attempt", async || world.delivery_of(event).await.attempt_count == 1).await;
    let due = world.delivery_of(event).await.due;

    let world = world.restart().await;
    assert_eq!(world.delivery_of(event).await.due, due, "a restart neither hurries nor delays");
    world.service_answers(|_| status(204));
    world.turn_clock_to(due.unwrap());
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    assert_eq!(world.delivery_of(event).await.attempt_count, 2);
}

#[tokio::test]
async fn one_key_waits_for_its_head_and_others_do_not() {
    let world = World::new().await;
    let dead = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let gate = dead.clone();
    world.service_answers(move |request| {
        let held = String::from_utf8_lossy(&request.body).contains("first.of.key");
        status(if held && gate.load(std::sync::atomic::Ordering::SeqCst) { 500 } else { 200 })
    });
    world.endpoint("keyed", &["*"]).await;
    let first = world.publish("first.of.key", Some("a")).await;
    eventually("the head fails", async || world.delivery_of(first).await.attempt_count == 1).await;
    let second = world.publish("second.of.key", Some("a")).await;
    let other = world.publish("other.key", Some("b")).await;
    let plain = world.publish("no.key", None).await;
    for event in [other, plain] {
        eventually("it is not held", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    }
    assert!(world.delivery_of(second).await.held && world.asked_for(second) == 0);

    dead.store(false, std::sync::atomic::Ordering::SeqCst);
    world.turn_clock_to(world.delivery_of(first).await.due.unwrap());
    eventually("the second follows", async || world.delivery_of(second).await.status == DeliveryStatus::Delivered)
        .await;
    let order: Vec<_> = world.service.seen.lock().iter().map(|(_, r)| r.headers[1].1.clone()).collect();
    let last_first = order.iter().rposition(|id| *id == first.to_string());
    assert!(last_first < order.iter().position(|id| *id == second.to_string()));
}

/// An endpoint whose first attempt is made a minute after an event was accepted.
async fn patient_endpoint(world: &World) -> std::sync::Arc<kanca_engine::endpoints::Endpoint> {
    let endpoint = world.endpoint("patient", &["*"]).await;
    let patch = kanca_engine::endpoints::EndpointPatch {
        options: kanca_engine::endpoints::OptionsInput {
            retry_schedule: Some(Some(vec![60, 1])),
            ..Default::default()
        },
        ..Default::default()
    };
    world.engine.patch_endpoint(world.project(), endpoint.record.id, patch).await.unwrap();
    endpoint
}

#[tokio::test]
async fn the_first_attempt_waits_as_long_as_the_schedule_says_also_over_a_restart() {
    let world = World::new().await;
    let endpoint = patient_endpoint(&world).await;
    let begun = world.clock_now();
    let event = world.publish("order.paid", None).await;
    let due = world.delivery_of(event).await.due.unwrap();
    assert_eq!(due.duration_since(begun), SignedDuration::from_secs(60));
    let test = world.engine.send_test(world.project(), endpoint.record.id, None, None).await.unwrap();
    eventually("a test goes at once", async || world.asked_for(test.event_id) == 1).await;
    world.pass(Duration::from_secs(59));
    let again = world.publish("order.paid", None).await;
    world.engine.retry_delivery(world.project(), world.delivery_of(again).await.id).await.unwrap();
    eventually("what a person sends again goes at once", async || world.asked_for(again) == 1).await;
    assert_eq!(world.asked_for(event), 0);

    let world = world.restart().await;
    assert_eq!((world.delivery_of(event).await.due, world.asked_for(event)), (Some(due), 0));
    world.turn_clock_to(due);
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    assert_eq!(world.asked_for(event), 1);
}

#[tokio::test]
async fn one_that_waited_behind_its_key_waits_for_its_own_first_attempt_too() {
    let world = World::new().await;
    patient_endpoint(&world).await;
    let first = world.publish("order.paid", Some("a")).await;
    world.pass(Duration::from_secs(50));
    let second = world.publish("order.paid", Some("a")).await;
    assert!(world.delivery_of(second).await.held);
    world.turn_clock_to(world.delivery_of(first).await.due.unwrap());
    eventually("the first arrives", async || world.delivery_of(first).await.status == DeliveryStatus::Delivered).await;
    let due = world.delivery_of(second).await.due.unwrap();
    assert!(near(SignedDuration::from_secs(50), due.duration_since(world.clock_now())), "{due}");
    assert_eq!(world.asked_for(second), 0);
    world.turn_clock_to(due);
    eventually("the second, too", async || world.delivery_of(second).await.status == DeliveryStatus::Delivered).await;
}

#[tokio::test]
async fn switching_ordering_off_lets_held_deliveries_go() {
    let world = World::new().await;
    world.service_answers(|request| {
        status(if String::from_utf8_lossy(&request.body).contains("first") { 500 } else { 200 })
    });
    let endpoint = world.endpoint("keyed", &["*"]).await;
    let first = world.publish("first", Some("a")).await;
    eventually("the head fails", async || world.delivery_of(first).await.attempt_count == 1).await;
    let second = world.publish("second", Some("a")).await;
    assert!(world.delivery_of(second).await.held);
    let patch = kanca_engine::endpoints::EndpointPatch {
        ordering: Some(kanca_domain::endpoints::Ordering::None),
        ..Default::default()
    };
    world.engine.patch_endpoint(world.project(), endpoint.record.id, patch).await.unwrap();
    eventually("it goes", async || world.delivery_of(second).await.status == DeliveryStatus::Delivered).await;
}

#[tokio::test]
async fn a_manual_retry_of_a_dead_letter_holds_nobody_up_and_a_failed_one_changes_nothing() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    world.endpoint("sick", &["*"]).await;
    let event = world.publish("order.paid", Some("k")).await;
    eventually("one attempt", async || world.delivery_of(event).await.attempt_count == 1).await;
    world.pass(Duration::from_hours(100));
    eventually("older than the schedule: given up after the next attempt", async || {
        world.delivery_of(event).await.status == DeliveryStatus::Failed
    })
    .await;
    let delivery = world.delivery_of(event).await;
    world.engine.retry_delivery(world.project(), delivery.id).await.unwrap();
    let count = delivery.attempt_count + 1;
    eventually("one manual attempt", async || world.delivery(delivery.id).await.attempt_count == count).await;
    assert_eq!(world.delivery(delivery.id).await.status, DeliveryStatus::Failed);

    world.service_answers(|_| status(200));
    world.engine.retry_delivery(world.project(), delivery.id).await.unwrap();
    eventually("it arrives", async || world.delivery(delivery.id).await.status == DeliveryStatus::Delivered).await;
    let detail = world.engine.delivery(world.project(), delivery.id).await.unwrap();
    assert!(detail.attempts.last().unwrap().0.manual);
}

#[tokio::test]
async fn a_clock_that_jumps_neither_storms_nor_stalls() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    world.endpoint("sick", &["*"]).await;
    let event = world.publish("order.paid", None).await;
    eventually("one attempt", async || world.delivery_of(event).await.attempt_count == 1).await;

    let before = world.clock_now();
    world.set_clock(before - SignedDuration::from_hours(48));
    let during = world.publish("order.paid", None).await;
    eventually("new events go out", async || world.delivery_of(during).await.attempt_count == 1).await;
    assert_eq!(world.asked_for(event), 1, "nothing comes early");
    // Its retry was due five seconds after the first attempt, and so it is by the time that is true now.
    eventually("the retry follows the clock", async || {
        world.delivery_of(event).await.due.unwrap() < world.clock_now() + SignedDuration::from_secs(10)
    })
    .await;
    world.pass(Duration::from_secs(7));
    eventually("and goes out", async || world.delivery_of(event).await.attempt_count == 2).await;

    world.turn_clock_to(before + SignedDuration::from_hours(1));
    eventually("both go on", async || {
        world.delivery_of(event).await.attempt_count == 3 && world.delivery_of(during).await.attempt_count == 3
    })
    .await;
    assert!(world.delivery_of(event).await.due.unwrap() > world.clock_now(), "one attempt each, no storm");
}

#[tokio::test]
async fn a_clock_set_back_while_nothing_runs_stalls_no_retry() {
    let world = World::new().await;
    world.service_answers(|_| status(404));
    let endpoint = world.endpoint("sick", &["*"]).await;
    world.never_disable(endpoint.record.id).await;
    let event = world.publish("order.paid", None).await;
    eventually("one attempt", async || world.delivery_of(event).await.attempt_count == 1).await;
    let mut world = world;
    for n in 2..=3 {
        let left = world.delivery_of(event).await.due.unwrap().duration_since(world.clock_now());
        world = world.restart_with_clock_set_by(SignedDuration::from_hours(-24 * 7)).await;
        let due = world.delivery_of(event).await.due.unwrap();
        assert_eq!(due.duration_since(world.clock_now()), left, "it waits as long as it would have");
        assert_eq!(world.asked_for(event), n - 1, "nothing comes early");
        world.turn_clock_to(due);
        eventually("it goes out", async || world.delivery_of(event).await.attempt_count as usize == n).await;
    }
    // What failed before the clock was set back is found by who sends it again, and a replay starts at once.
    eventually("given up", async || {
        world.pass(Duration::from_hours(12));
        world.delivery_of(event).await.status == DeliveryStatus::Failed
    })
    .await;
    world.service_answers(|_| status(200));
    world.set_clock(world.clock_now() - SignedDuration::from_hours(48));
    assert_eq!(world.engine.retry_many(world.project(), Wanted::default(), false).await.unwrap(), 1);
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    world.engine.delete_endpoint(world.project(), endpoint.record.id).await.unwrap();
    let since = world.clock_now() - SignedDuration::from_hours(24 * 30);
    let new = world.endpoint("new", &["*"]).await.record.id;
    assert!(world.engine.recover(world.project(), new, since, None, true).await.unwrap() >= 1);
}

#[tokio::test]
async fn a_paused_endpoint_keeps_its_backlog_beyond_what_fits_in_memory() {
    let world = World::new().await;
    let endpoint = world.endpoint("slow", &["*"]).await;
    let set = async |status| {
        let patch = kanca_engine::endpoints::EndpointPatch { status: Some(status), ..Default::default() };
        world.engine.patch_endpoint(world.project(), endpoint.record.id, patch).await.unwrap();
    };
    set(kanca_domain::endpoints::EndpointStatus::Paused).await;
    for _ in 0..1_500 {
        world.publish("order.paid", None).await;
    }
    assert!(world.service.seen.lock().is_empty());
    set(kanca_domain::endpoints::EndpointStatus::Active).await;
    eventually("all arrive, each once", async || world.service.seen.lock().len() == 1_500).await;
    eventually("all are recorded", async || {
        world.engine.delivery_counts(world.project()).await.unwrap().delivered == 1_500
    })
    .await;
    let mut ids: Vec<_> = world.service.seen.lock().iter().map(|(_, r)| r.headers[1].1.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_500);
}

impl World {
    fn clock_now(&self) -> Timestamp {
        use kanca_engine::ports::Clock as _;
        self.clock.now()
    }
}

#[tokio::test]
async fn a_publisher_that_goes_away_leaves_nothing_half_done() {
    let world = World::new().await;
    world.endpoint("any", &["*"]).await;
    for _ in 0..50 {
        let mut publishing = std::pin::pin!(world.publish("order.paid", None));
        // Polled once the commit is ordered; then its caller is gone.
        std::future::poll_fn(|cx| {
            let _ = publishing.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
    }
    eventually("whatever was stored arrives", async || {
        let counts = world.engine.delivery_counts(world.project()).await.unwrap();
        (counts.pending, counts.delivered) == (0, 50)
    })
    .await;
    assert_eq!(world.service.seen.lock().len(), 50, "each once");
}
