//! What a delivery waits for, until when and why, told by the trace while the clock is turned.

use super::support::{TIMINGS, World, eventually, refused, status};
use kanca_domain::events::Because;
use kanca_domain::ids::EventId;
use kanca_engine::endpoints::{NewEndpoint, OptionsInput, RateLimitInput};
use kanca_engine::ports::IncomingResponse;
use kanca_engine::traces::{Trace, Wait, WaitReason};
use std::time::Duration;

async fn trace(world: &World, event: EventId) -> Trace {
    world.engine.trace(world.project(), event).await.unwrap()
}

async fn waits(world: &World, event: EventId) -> Option<Wait> {
    trace(world, event).await.deliveries.first().unwrap().wait
}

async fn endpoint(world: &World, name: &str, options: OptionsInput) {
    let url = format!("https://{name}.example/");
    let new = NewEndpoint { name: name.into(), url, options, ..NewEndpoint::default() };
    world.engine.create_endpoint(world.project(), new).await.unwrap();
}

#[tokio::test]
async fn the_next_step_of_the_schedule_and_retry_after_are_named_with_their_time() {
    let world = World::new().await;
    world.service_answers(|_| status(500));
    world.endpoint("sick", &["*"]).await;
    let event = world.publish("order.paid", None).await;
    eventually("it failed once", async || world.delivery_of(event).await.attempt_count == 1).await;
    let due = world.delivery_of(event).await.due;
    let expected = Wait { reason: WaitReason::Schedule, until: due, behind: None };
    assert_eq!(waits(&world, event).await, Some(expected));
    let attempt = &trace(&world, event).await.deliveries[0].attempts[0];
    assert_eq!(attempt.timings, Some(TIMINGS));

    world.service_answers(|_| {
        let headers = vec![("Retry-After".to_owned(), "120".to_owned())];
        Ok(IncomingResponse { status: 429, headers, body: "".into(), truncated: false })
    });
    world.turn_clock_to(due.unwrap());
    eventually("it was asked to wait", async || world.delivery_of(event).await.attempt_count == 2).await;
    let other = world.publish("order.paid", None).await;
    eventually("so the next waits, too", async || {
        matches!(waits(&world, other).await, Some(Wait { reason: WaitReason::RetryAfter, until: Some(_), .. }))
    })
    .await;

    world.service_answers(|_| status(200));
    world.pass(Duration::from_mins(10));
    eventually("both arrive", async || waits(&world, event).await.is_none() && waits(&world, other).await.is_none())
        .await;
}

#[tokio::test]
async fn a_used_up_rate_and_an_open_breaker_are_named() {
    let world = World::new().await;
    let rate_limit = Some(Some(RateLimitInput { requests: 1, per_seconds: 60 }));
    endpoint(&world, "slowly", OptionsInput { rate_limit, ..OptionsInput::default() }).await;
    let first = world.publish("order.paid", None).await;
    eventually("one arrives", async || world.asked_for(first) == 1).await;
    let second = world.publish("order.paid", None).await;
    eventually("the next waits for its turn", async || {
        matches!(waits(&world, second).await, Some(Wait { reason: WaitReason::RateLimit, until: Some(_), .. }))
    })
    .await;

    let world = World::new().await;
    world.service_answers(|_| refused());
    world.endpoint("dead", &["*"]).await;
    let mut last = None;
    for _ in 0..60 {
        last = Some(world.publish("order.paid", None).await);
    }
    eventually("the breaker is open", async || {
        matches!(waits(&world, last.unwrap()).await, Some(Wait { reason: WaitReason::Breaker, .. }))
    })
    .await;
}

#[tokio::test]
async fn each_filter_is_named_with_what_it_said() {
    let world = World::new().await;
    let filter = |text: &str| OptionsInput { filter: Some(Some(text.into())), ..OptionsInput::default() };
    endpoint(&world, "large", filter("event.data.n > 100")).await;
    endpoint(&world, "small", filter("event.data.n <= 100")).await;
    endpoint(&world, "broken", filter("event.data.missing.deeper == 1")).await;
    let event = world.publish("order.paid", None).await;
    let trace = trace(&world, event).await;
    let got: Vec<_> = trace.deliveries.iter().map(|one| (one.delivery.endpoint_name.as_str(), &one.notes)).collect();
    assert_eq!(got[0], ("small", &Vec::new()));
    assert_eq!(got[1].0, "broken");
    let because = got[1].1[0].because.as_ref().unwrap();
    assert!(matches!(because, Because::FilterFailed { filter, .. } if filter.contains("missing.deeper")), "{got:?}");
    assert_eq!(trace.not_sent.len(), 1);
    assert_eq!(trace.not_sent[0].endpoint_name.as_deref(), Some("large"));
    let because = Because::FilteredOut { filter: "event.data.n > 100".into() };
    assert_eq!(trace.not_sent[0].because, Some(because));
    assert!(trace.not_sent[0].reason.contains("event.data.n > 100"), "{:?}", trace.not_sent);
}
