//! SIGTERM: running work ends, streams end, nothing is lost.

use crate::support::{API_KEY, Raw, Receiver, Reply, Server, text};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_stop_lets_the_running_attempt_finish_and_starts_no_other() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(2)));
    server.api().create_endpoint(&receiver.url());
    let events: Vec<String> =
        (0..3).map(|n| server.api().publish_with("order.moved", json!(n), json!({"ordering_key": "k"}))).collect();
    receiver.wait_for(1);

    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(receiver.requests().len(), 1, "no further attempt was started");

    receiver.answer_with(|_| Reply::ok());
    server.restart();
    for event in &events {
        assert_eq!(server.api().wait_for_delivery(event, "delivered")["attempt_count"], 1);
    }
    assert_eq!(receiver.requests().len(), 3, "what had finished was written down");
}

#[test]
fn a_stop_does_not_wait_for_ever_and_a_cut_off_attempt_uses_no_step() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_mins(1)));
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("order.paid", json!(1));
    receiver.wait_for(1);
    let begun = Instant::now();
    assert!(server.terminate().success());
    let took = begun.elapsed();
    assert!((Duration::from_secs(8)..Duration::from_secs(13)).contains(&took), "{took:?}");

    receiver.answer_with(|_| Reply::ok());
    server.restart();
    let delivery = server.api().wait_for_delivery(&event, "delivered");
    assert_eq!(delivery["attempts"].as_array().unwrap().iter().filter(|a| a["outcome"] == "failure").count(), 0);
}

#[test]
fn a_stop_ends_live_streams_and_idle_connections() {
    let mut server = Server::start();
    let inbox = text(&server.api().create_inbox(&json!({}))["id"]);
    let mut idle = Raw::connect(server.address());
    idle.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").answer();
    let mut streams: Vec<Raw> = [format!("inboxes/{inbox}/live"), "conversations/live".into()]
        .map(|path| {
            let mut raw = Raw::connect(server.address());
            raw.send(format!("GET /api/v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n\r\n"));
            while !raw.line().expect("the stream begins").starts_with(": connected") {}
            raw
        })
        .into();
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(3), "nothing had to be waited for: {:?}", begun.elapsed());
    streams.push(idle);
    for stream in &mut streams {
        while stream.line().is_some() {}
    }
}
