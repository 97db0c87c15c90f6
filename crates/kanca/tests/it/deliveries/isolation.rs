//! One bad endpoint hurts only itself.

use crate::support::{Api, Receiver, Reply, Server, text};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_silent_endpoint_does_not_hold_up_another() {
    let server = Server::start();
    let silent = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(30)));
    let healthy = Receiver::start();
    server.api().create_endpoint(&silent.url());
    server.api().create_endpoint(&healthy.url());

    for n in 0..200 {
        server.api().publish("order.paid", json!(n));
    }
    let begun = Instant::now();
    healthy.wait_for(200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_dead_port_does_not_hold_up_another() {
    let server = Server::start();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let healthy = Receiver::start();
    server.api().create_endpoint(&format!("http://{dead}/"));
    server.api().create_endpoint(&healthy.url());

    let events: Vec<String> = (0..50).map(|n| server.api().publish("order.paid", json!(n))).collect();
    healthy.wait_for(50);
    let both = server.api().deliveries(&format!("event_id={}", events[0]));
    let refused = both.iter().find(|d| d["status"] == "pending").expect("one is tried again");
    let refused = server.api().delivery(refused["id"].as_str().unwrap());
    assert_eq!(refused["attempts"][0]["reason_code"], "refused", "{refused}");
    assert_eq!(refused["attempts"][0]["response"], serde_json::Value::Null);
}

#[test]
fn one_endpoint_gets_many_requests_at_a_time_but_not_all() {
    let server = Server::start();
    let slow = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(2)));
    server.api().create_endpoint(&slow.url());
    let begun = Instant::now();
    for n in 0..100 {
        server.api().publish("order.paid", json!(n));
    }
    slow.wait_for(100);
    assert!(begun.elapsed() > Duration::from_secs(2), "100 at once would overwhelm a receiver");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

/// Gives an endpoint more than all the memory there is for deliveries; events share an ordering key where one is given.
fn flood(api: &Api, key: Option<&str>) {
    let data = json!("x".repeat(200 << 10));
    for _ in 0..200 {
        api.publish_with("bulk.thing", data.clone(), json!({"ordering_key": key}));
    }
}

/// How long a receiver that takes 50 ms for each is busy with 100 events.
fn time_of_a_healthy_one(api: &Api) -> Duration {
    let healthy = Receiver::answering(|_| Reply::ok().after(Duration::from_millis(50)));
    api.create_endpoint_with(&healthy.url(), json!({"event_types": ["order.*"]}));
    let begun = Instant::now();
    for n in 0..100 {
        api.publish("order.paid", json!(n));
    }
    healthy.wait_for(100);
    begun.elapsed()
}

fn does_not_hurt_its_neighbour(
    what: &str,
    answer: fn() -> Reply,
    fields: Value,
    status: Option<&str>,
    key: Option<&str>,
) {
    let server = Server::start();
    let api = server.api();
    let bad = Receiver::answering(move |_| answer());
    let mut all = json!({"event_types": ["bulk.*"]});
    all.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap_or_default());
    let id = text(&api.create_endpoint_with(&bad.url(), all)["id"]);
    if let Some(status) = status {
        api.patch(&format!("/endpoints/{id}"), &json!({"status": status})).expect(200);
    }
    flood(&api, key);
    // One at a time it would be 5 s.
    let took = time_of_a_healthy_one(&api);
    assert!(took < Duration::from_millis(2_500), "beside {what}: {took:?}");
    let other = api.create_project("another");
    let took = time_of_a_healthy_one(&other);
    assert!(took < Duration::from_millis(2_500), "in another project beside {what}: {took:?}");
    let left = api.get(&format!("/endpoints/{id}")).expect(200)["counts"]["pending"].clone();
    assert!(left.as_u64().unwrap() > 120, "the backlog of {what} is kept: {left}");
}

#[test]
fn a_large_backlog_hurts_nobody_else_whatever_it_waits_for() {
    let never = || Reply::ok().after(Duration::from_secs(30));
    let none = json!({});
    let slow = json!({"rate_limit": {"requests": 1, "per_seconds": 60}});
    does_not_hurt_its_neighbour("one that is paused", Reply::ok, none.clone(), Some("paused"), None);
    does_not_hurt_its_neighbour("one that may get little", Reply::ok, slow, None, None);
    does_not_hurt_its_neighbour("one that never answers", never, none.clone(), None, None);
    let wait = || Reply::status(429).header("retry-after", "600");
    does_not_hurt_its_neighbour("one that wants a pause", wait, none.clone(), None, None);
    let broken = || Reply::status(500);
    does_not_hurt_its_neighbour("one that is broken", broken, none.clone(), None, None);
    let refuses = || Reply::status(422);
    does_not_hurt_its_neighbour("a key whose first event fails", refuses, none, None, Some("a"));
}

/// Data whose form fields are a thousand times its size: each value is written with the way to it.
fn swelling() -> Value {
    let values = json!(vec![1; 1_400]);
    (0..100).fold(values, |inside, _| json!({"k".repeat(195): inside}))
}

#[test]
fn events_that_swell_when_they_are_written_take_bounded_memory_and_arrive() {
    let server = Server::start();
    let api = server.api();
    let silent = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(30)));
    let patient = Receiver::start();
    for receiver in [&silent, &patient] {
        api.create_endpoint_with(&receiver.url(), json!({"format": "form", "event_types": ["bulk.*"]}));
    }
    for _ in 0..12 {
        api.publish("bulk.thing", swelling());
    }
    assert!(time_of_a_healthy_one(&api) < Duration::from_millis(2_500));
    let arrived = patient.wait_for(12);
    assert!(arrived.iter().all(|request| request.body.len() > 20 << 20), "they are large");
    assert_eq!(silent.requests().len(), 1, "one such body at a time");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 400 << 10, "{} MiB", peak >> 10);
}
