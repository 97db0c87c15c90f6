//! One bad endpoint hurts only itself.

use crate::support::{Receiver, Reply, Server};
use serde_json::json;
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
