//! Somebody sets the machine's clock while deliveries wait for a retry: nothing stalls until the clock is there again, and
//! nothing storms.

use super::shims::Shim;
use crate::support::{Bot, Chat, PATIENCE, Received, Receiver, Reply, document, eventually, text};
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
    let receiver = Receiver::answering(|_| Reply::status(422));
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

#[test]
fn a_clock_set_back_while_nothing_runs_stalls_no_retry_and_no_pause() {
    let clock = Shim::new("clock.c", "CLOCK_OFFSET", 1);
    let mut server = clock.server();
    let receiver = Receiver::answering(|_| Reply::status(422));
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"]}));
    let slow = document(
        &json!([{"id": "slow", "type": "text", "messages": [{"text": "now"}, {"text": "later", "delay_ms": 4_000}]}]),
        &[("start", "next", "slow")],
    );
    let bot = Bot::create(&server.api(), &slow);
    let chat = Chat::start(&server, &bot);
    let event = server.api().publish("order.paid", json!(1));
    receiver.wait_for(1);
    eventually("it is recorded", PATIENCE, || {
        (server.api().wait_for_delivery(&event, "pending")["attempt_count"] == 1).then_some(())
    });
    server.terminate();
    clock.set(0, -DAY);
    receiver.answer_with(|_| Reply::ok());
    server.restart();
    let started = Instant::now();
    server.api().wait_for_delivery(&event, "delivered");
    chat.reads(&["bot: now", "bot: later"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(receiver.requests().len(), 2);

    // While it runs, too.
    let chat = Chat::start(&server, &bot);
    clock.set(0, -2 * DAY);
    chat.reads(&["bot: now", "bot: later"]);
}

#[test]
fn a_clock_set_forward_disables_nobody() {
    let clock = Shim::new("clock.c", "CLOCK_OFFSET", 1);
    let server = clock.server();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let fields = json!({"event_types": ["order.*"], "disable_after_seconds": 3_600});
    let created = server.api().create_endpoint_with(&receiver.url(), fields);
    server.api().publish("order.paid", json!(1));
    receiver.wait_for(1);
    clock.set(0, DAY);
    receiver.wait_for(2);
    server.api().publish("order.paid", json!(2));
    let all = receiver.wait_for(3);
    assert!(sent_at(&all[2]) - sent_at(&all[0]) > DAY - 60);
    let now = || server.api().get(&format!("/endpoints/{}", text(&created["id"]))).expect(200);
    eventually("its failures are known", PATIENCE, || (!now()["failing_since"].is_null()).then_some(()));
    // One that was disabled by these failures would get no more.
    for n in 3..6 {
        let event = server.api().publish("order.paid", json!(n));
        let has_come = || receiver.requests().iter().any(|request| request.header("webhook-id") == event);
        eventually("the next one comes, too", PATIENCE, || has_come().then_some(()));
    }
    assert_eq!(now()["status"], "active", "{}", now());
}
