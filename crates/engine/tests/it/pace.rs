use super::support::{World, answer, eventually, refused, status};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::pace::Waiting;
use kanca_engine::endpoints::{EndpointPatch, NewEndpoint, OptionsInput, RateLimitInput};
use kanca_engine::ports::IncomingResponse;
use std::time::Duration;

fn seen(world: &World) -> usize {
    world.service.seen.lock().len()
}

/// Waits until nothing has been asked of the service for a while, and says how often it was asked in all. That no more
/// comes can only be seen by waiting; whatever must come is waited for by its own condition before.
async fn settled(world: &World) -> usize {
    loop {
        let before = seen(world);
        tokio::time::sleep(Duration::from_millis(150)).await;
        if seen(world) == before {
            return before;
        }
    }
}

async fn counts(world: &World) -> (u64, u64) {
    let counts = world.engine.delivery_counts(world.project()).await.unwrap();
    (counts.delivered, counts.failed)
}

#[tokio::test]
async fn a_dead_endpoint_is_asked_by_one_probe_and_gets_its_backlog_as_a_ramp() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    let dead = world.endpoint("dead", &["*"]).await;
    for _ in 0..200 {
        world.publish("order.paid", None).await;
    }
    let first = settled(&world).await;
    assert!((10..=26).contains(&first), "ten failures, and what was under way beside them: {first}");
    let health = world.engine.endpoint_health(&dead);
    assert!(matches!(health.waiting, Some(Waiting::Breaker(Some(_)))), "{health:?}");

    for (n, pause) in [6, 11, 21].into_iter().enumerate() {
        world.pass(Duration::from_secs(pause));
        eventually("a probe goes out", async || seen(&world) > first + n).await;
        assert_eq!(settled(&world).await, first + n + 1, "one probe, however much is due");
    }

    world.service_answers(|_| status(200));
    world.pass(Duration::from_secs(41));
    eventually("what is due arrives", async || counts(&world).await.0 >= 170).await;
    world.pass(Duration::from_mins(10));
    eventually("everything arrives", async || counts(&world).await == (200, 0)).await;
    assert_eq!(world.engine.endpoint_health(&dead).failing_since, None);
}

#[tokio::test]
async fn a_person_who_asks_for_a_retry_need_not_wait_for_the_breaker() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    world.endpoint("sick", &["*"]).await;
    let mut events = Vec::new();
    for _ in 0..30 {
        events.push(world.publish("order.paid", None).await);
    }
    settled(&world).await;
    world.service_answers(|_| status(200));
    let last = world.delivery_of(events[29]).await;
    world.engine.retry_delivery(world.project(), last.id).await.unwrap();
    eventually("it arrives at once", async || world.delivery(last.id).await.status == DeliveryStatus::Delivered).await;
}

#[tokio::test]
async fn gone_disables_at_once_and_says_so() {
    let world = World::new().await;
    world.service_answers(|request| status(if request.url.contains("gone") { 410 } else { 200 }));
    let gone = world.endpoint("gone", &["order.*"]).await;
    world.endpoint("watcher", &["endpoint.disabled", "delivery.failed"]).await;
    let event = world.publish("order.paid", None).await;
    eventually("it is disabled", async || {
        let now = world.engine.endpoint(world.project(), gone.record.id).unwrap();
        now.record.status == EndpointStatus::Disabled && now.record.disabled_reason.as_ref().unwrap().contains("410")
    })
    .await;
    assert_eq!(world.delivery_of(event).await.status, DeliveryStatus::Failed);
    eventually("whoever subscribes is told of both", async || {
        let seen = world.service.seen.lock();
        let told: Vec<_> =
            seen.iter().map(|(_, request)| String::from_utf8_lossy(&request.body).into_owned()).collect();
        ["endpoint.disabled", "delivery.failed"].iter().all(|kind| told.iter().any(|body| body.contains(kind)))
    })
    .await;
    world.publish("order.paid", None).await;
    assert_eq!(world.service.seen.lock().iter().filter(|(_, request)| request.url.contains("gone")).count(), 1);
}

#[tokio::test]
async fn an_endpoint_that_only_fails_is_disabled_in_time_whatever_is_restarted() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    let options = OptionsInput { disable_after_seconds: Some(Some(7_200)), ..OptionsInput::default() };
    let new =
        NewEndpoint { name: "sick".into(), url: "https://sick.example/".into(), options, ..NewEndpoint::default() };
    let sick = world.engine.create_endpoint(world.project(), new).await.unwrap().0.record.id;
    let event = world.publish("order.paid", None).await;
    for attempts in 1..=2 {
        eventually("it fails", async || world.delivery_of(event).await.attempt_count == attempts).await;
        world.turn_clock_to(world.delivery_of(event).await.due.unwrap());
    }
    eventually("it fails", async || world.delivery_of(event).await.attempt_count == 3).await;
    settled(&world).await;
    let world = world.restart().await;
    let since = world.engine.endpoint_health(&world.engine.endpoint(world.project(), sick).unwrap()).failing_since;
    assert!(since.is_some(), "a restart does not make an outage seem new");
    for attempts in 4..=5 {
        world.turn_clock_to(world.delivery_of(event).await.due.unwrap());
        eventually("it fails", async || world.delivery_of(event).await.attempt_count == attempts).await;
    }
    eventually("it is disabled", async || {
        world.engine.endpoint(world.project(), sick).unwrap().record.status == EndpointStatus::Disabled
    })
    .await;
    assert_eq!(world.delivery_of(event).await.status, DeliveryStatus::Pending, "what it has is kept");

    world.service_answers(|_| status(200));
    let active = EndpointPatch { status: Some(EndpointStatus::Active), ..EndpointPatch::default() };
    world.engine.patch_endpoint(world.project(), sick, active).await.unwrap();
    world.turn_clock_to(world.delivery_of(event).await.due.unwrap());
    eventually("it arrives", async || world.delivery_of(event).await.status == DeliveryStatus::Delivered).await;
    assert_eq!(
        world.engine.endpoint(world.project(), sick).unwrap().record.status,
        EndpointStatus::Active,
        "the outage before is forgotten"
    );
}

#[tokio::test]
async fn a_clock_set_forward_is_no_day_of_failing() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    let sick = world.endpoint("sick", &["*"]).await.record.id;
    let event = world.publish("order.paid", None).await;
    let week = jiff::SignedDuration::from_hours(24 * 7);
    eventually("it fails", async || world.delivery_of(event).await.attempt_count == 1).await;
    settled(&world).await;
    world.set_clock(world.engine.now() + week);
    let other = world.publish("order.paid", None).await;
    eventually("it fails", async || world.delivery_of(other).await.attempt_count == 1).await;
    settled(&world).await;
    let now = world.engine.endpoint(world.project(), sick).unwrap();
    assert_eq!(now.record.status, EndpointStatus::Active, "five days are allowed, and none has passed");
    // Nor is one that was set while nothing ran, or time in which nothing ran.
    world.pass(Duration::from_mins(2));
    let world = world.restart_with_clock_set_by(week).await;
    let another = world.publish("order.paid", None).await;
    eventually("it fails", async || world.delivery_of(another).await.attempt_count == 1).await;
    settled(&world).await;
    assert_eq!(world.engine.endpoint(world.project(), sick).unwrap().record.status, EndpointStatus::Active);
    // What passes counts, over a restart and a clock that is set back, too.
    world.pass(Duration::from_hours(24 * 3));
    eventually("it fails", async || world.delivery_of(another).await.attempt_count > 1).await;
    settled(&world).await;
    let world = world.restart_with_clock_set_by(-week).await;
    world.pass(Duration::from_hours(24 * 2 + 1));
    world.publish("order.paid", None).await;
    eventually("it is disabled", async || {
        world.engine.endpoint(world.project(), sick).unwrap().record.status == EndpointStatus::Disabled
    })
    .await;
}

#[tokio::test]
async fn a_rate_is_kept_and_nothing_is_lost_by_it() {
    let world = World::new().await;
    let options = OptionsInput {
        rate_limit: Some(Some(RateLimitInput { requests: 3, per_seconds: 1 })),
        ..OptionsInput::default()
    };
    let new =
        NewEndpoint { name: "slowly".into(), url: "https://slowly.example/".into(), options, ..NewEndpoint::default() };
    world.engine.create_endpoint(world.project(), new).await.unwrap();
    for _ in 0..9 {
        world.publish("order.paid", None).await;
    }
    for so_far in [3, 6, 9] {
        eventually("a second's worth arrives", async || seen(&world) >= so_far).await;
        assert_eq!(settled(&world).await, so_far);
        world.pass(Duration::from_secs(1));
    }
    eventually("all arrived", async || counts(&world).await == (9, 0)).await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_none_of_its_deliveries_meanwhile() {
    let world = World::new().await;
    world.service_answers(|_| {
        let headers = vec![("retry-after".to_owned(), "120".to_owned())];
        Ok(IncomingResponse { headers, ..answer(503, "").unwrap() })
    });
    world.endpoint("busy", &["*"]).await;
    world.publish("order.paid", None).await;
    eventually("it asks for a pause", async || seen(&world) == 1).await;
    settled(&world).await;
    world.publish("order.paid", None).await;
    world.pass(Duration::from_secs(119));
    assert_eq!(settled(&world).await, 1);
    world.service_answers(|_| status(200));
    world.pass(Duration::from_secs(30));
    eventually("both arrive", async || counts(&world).await == (2, 0)).await;
}
