//! Events that share an ordering key arrive one after another; the rest does not wait.

use crate::support::{Received, Receiver, Reply, Server, text};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn key_of(received: &Received) -> (String, u64) {
    let data = &received.json()["data"];
    (text(&data["key"]), data["n"].as_u64().unwrap())
}

/// Publishes `each` events for every key in turn.
fn publish_all(server: &Server, keys: &[&str], each: u64) {
    for n in 0..each {
        for key in keys {
            server.api().publish_with("order.moved", json!({"key": key, "n": n}), json!({"ordering_key": key}));
        }
    }
}

/// A receiver that fails the test when two requests of one key are in flight at a time.
fn strict_receiver(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> (Receiver, Arc<Mutex<Vec<String>>>) {
    let in_flight = Mutex::new(HashSet::new());
    let overlaps = Arc::new(Mutex::new(Vec::new()));
    let seen = overlaps.clone();
    let receiver = Receiver::answering(move |received| {
        let (key, n) = key_of(received);
        if !in_flight.lock().unwrap().insert(key.clone()) {
            seen.lock().unwrap().push(format!("{key} {n}"));
        }
        let reply = answer(received);
        std::thread::sleep(reply.delay);
        in_flight.lock().unwrap().remove(&key);
        Reply { delay: Duration::ZERO, ..reply }
    });
    (receiver, overlaps)
}

fn by_key(requests: &[Received]) -> HashMap<String, Vec<u64>> {
    let mut orders = HashMap::<String, Vec<u64>>::new();
    for received in requests {
        let (key, n) = key_of(received);
        orders.entry(key).or_default().push(n);
    }
    orders
}

#[test]
fn a_key_is_delivered_in_order_and_never_twice_at_a_time() {
    let server = Server::start();
    let (receiver, overlaps) = strict_receiver(|r| Reply::ok().after(Duration::from_millis(r.body.len() as u64 % 7)));
    server.api().create_endpoint(&receiver.url());

    publish_all(&server, &["a", "b", "c", "d"], 40);

    let orders = by_key(&receiver.wait_for(160));
    for (key, order) in &orders {
        assert_eq!(*order, (0..40).collect::<Vec<_>>(), "key {key} of {orders:?}");
    }
    assert!(overlaps.lock().unwrap().is_empty(), "{overlaps:?}");
}

#[test]
fn a_failing_head_holds_its_own_key_only() {
    let server = Server::start();
    let failed_once = Mutex::new(false);
    let (receiver, overlaps) = strict_receiver(move |received| {
        let fails =
            key_of(received) == ("a".to_owned(), 0) && !std::mem::replace(&mut failed_once.lock().unwrap(), true);
        if fails { Reply::status(500) } else { Reply::ok() }
    });
    let (other, _) = strict_receiver(|_| Reply::ok());
    let endpoint = server.api().create_endpoint(&receiver.url());
    server.api().create_endpoint(&other.url());

    publish_all(&server, &["a", "b"], 5);

    // The other key, and the other endpoint, are through while the head waits for its next attempt.
    assert_eq!(by_key(&other.wait_for(10))["a"], [0, 1, 2, 3, 4]);
    let early = by_key(&receiver.wait_for(6));
    assert_eq!((early["a"].as_slice(), early["b"].as_slice()), (&[0][..], &[0, 1, 2, 3, 4][..]));
    let held = server.api().deliveries(&format!("endpoint_id={}&status=pending", text(&endpoint["id"])));
    assert_eq!(held.iter().filter(|d| d["held"] == true).count(), 4, "{held:?}");
    assert!(held.iter().filter(|d| d["held"] == true).all(|d| d["next_attempt_at"] == Value::Null));

    assert_eq!(by_key(&receiver.wait_for(11))["a"], [0, 0, 1, 2, 3, 4]);
    assert!(overlaps.lock().unwrap().is_empty(), "{overlaps:?}");
}

#[test]
fn an_endpoint_without_ordering_holds_nothing() {
    let server = Server::start();
    let receiver = Receiver::answering(|r| if key_of(r).1 == 0 { Reply::status(500) } else { Reply::ok() });
    server.api().create_endpoint_with(&receiver.url(), json!({"ordering": "none"}));
    publish_all(&server, &["a"], 5);
    let mut seen = by_key(&receiver.wait_for(5))["a"].clone();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[test]
fn a_crash_keeps_the_order() {
    let mut server = Server::start();
    let (receiver, overlaps) = strict_receiver(|_| Reply::status(500));
    server.api().create_endpoint(&receiver.url());
    publish_all(&server, &["a"], 10);
    receiver.wait_for(1);
    server.kill_9();
    receiver.answer_with(|_| Reply::ok());
    server.restart();
    publish_all(&server, &["a"], 1);

    // What is published after the crash queues behind what was there before.
    let order = by_key(&receiver.wait_for(12))["a"].clone();
    assert_eq!(order, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
    assert!(overlaps.lock().unwrap().is_empty());
}
