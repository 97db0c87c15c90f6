//! Somebody sets the machine's clock while deliveries wait for a retry: nothing stalls until the clock is there again, and
//! nothing storms.

use super::shims::Shim;
use crate::support::{Received, Receiver, Reply, eventually, text};
use serde_json::json;
use std::time::{Duration, Instant};

const DAY: i64 = 24 * 3_600;
const EVENTS: usize = 20;

fn sent_at(request: &Received) -> i64 {
    request.header("webhook-timestamp").parse().unwrap()
}

fn jump(by: i64) {
    let clock = Shim::new("clock.c", "CLOCK_OFFSET", 1);
    let server = clock.server();
    let api = server.api();
    // A refusal of each one says nothing of the next, so the breaker has no part in this.
    let receiver = Receiver::answering(|_| Reply::status(404));
    let created = api.create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"]}));
    let events: Vec<String> = (0..EVENTS).map(|n| api.publish("order.paid", json!(n))).collect();
    let attempts = || {
        let all = api.deliveries(&format!("endpoint_id={}", text(&created["id"])));
        all.iter().map(|delivery| delivery["attempt_count"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    eventually("each was tried once", Duration::from_secs(20), || (attempts() == [1; EVENTS]).then_some(()));

    // Their second attempts are due in five seconds.
    clock.set(0, by);
    let jumped = Instant::now();
    eventually("each is tried again", Duration::from_secs(20), || (attempts() == [2; EVENTS]).then_some(()));
    assert!(jumped.elapsed() < Duration::from_secs(15), "{:?}", jumped.elapsed());
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2 * EVENTS, "one attempt each, no storm");
    let apart = sent_at(&requests[EVENTS]) - sent_at(&requests[0]);
    assert!((by - 5..by + 60).contains(&apart), "what is signed tells the time that has become true: {apart}");

    // Their third attempts are due in five minutes, whatever was before. That none comes can only be seen by waiting.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.requests().len(), 2 * EVENTS);
    let new = api.publish("order.paid", json!("new"));
    receiver.answer_with(|_| Reply::ok());
    clock.set(0, by + 600);
    for event in events.iter().chain([&new]) {
        api.wait_for_delivery(event, "delivered");
    }
    let last = receiver.requests().len() - 2 * EVENTS;
    assert!((EVENTS + 1..=EVENTS + 2).contains(&last), "{last} more for as many deliveries");
    assert_eq!(api.get(&format!("/endpoints/{}", text(&created["id"]))).expect(200)["status"], "active");
}

#[test]
fn a_clock_set_back_by_a_day_stalls_no_retry() {
    jump(-DAY);
}

#[test]
fn a_clock_set_forward_by_a_day_makes_no_storm() {
    jump(DAY);
}
