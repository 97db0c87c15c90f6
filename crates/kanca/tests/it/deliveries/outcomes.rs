//! What an attempt says of itself: request, response, timing and a reason that helps.

use crate::support::{Receiver, Reply, Server, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

/// The first attempt at a receiver that answers like this.
fn first_attempt(reply: Reply) -> (Value, Receiver) {
    let server = Server::start();
    let receiver = Receiver::answering(move |_| reply.clone());
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("order.paid", json!({"n": 1}));
    let delivery = crate::support::eventually("an attempt is recorded", Duration::from_secs(10), || {
        let found = server.api().deliveries(&format!("event_id={event}"));
        let delivery = server.api().delivery(&text(&found[0]["id"]));
        (!delivery["attempts"].as_array().unwrap().is_empty()).then_some(delivery)
    });
    (delivery, receiver)
}

#[test]
fn an_attempt_shows_the_exact_exchange() {
    let reply = Reply::status(201).header("X-Trace", "t1").body("thanks").after(Duration::from_millis(60));
    let (delivery, receiver) = first_attempt(reply);
    let attempt = &delivery["attempts"][0];
    let received = &receiver.requests()[0];

    assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&attempt["outcome"], &attempt["reason_code"]), (&json!("success"), &json!("success")));
    assert_eq!((&attempt["number"], &attempt["manual"]), (&json!(1), &json!(false)));
    assert!((60.0..5_000.0).contains(&attempt["duration_ms"].as_f64().unwrap()), "{attempt}");
    let request = &attempt["request"];
    assert_eq!((&request["method"], &request["url"]), (&json!("POST"), &json!(receiver.url())));
    assert_eq!(STANDARD.decode(text(&request["body"])).unwrap(), received.body);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"] {
        assert!(request["headers"].as_array().unwrap().contains(&json!([name, received.header(name)])), "{request}");
    }
    let response = &attempt["response"];
    assert_eq!(response["status"], 201);
    assert!(response["headers"].as_array().unwrap().contains(&json!(["X-Trace", "t1"])), "{response}");
    assert_eq!(STANDARD.decode(text(&response["body"])).unwrap(), b"thanks");
    assert_eq!(response["truncated"], false);
    let timings = &attempt["timings"];
    let micros = |name: &str| timings[name].as_u64().unwrap_or_else(|| panic!("{name} in {timings}"));
    assert!((60_000..5_000_000).contains(&micros("first_byte_us")), "{timings}");
    assert!(micros("connect_us") + micros("first_byte_us") <= micros("total_us"), "{timings}");
    assert!(receiver.url().contains(&text(&timings["remote"])), "{timings}");
    assert_eq!(
        (&timings["dns_us"], &timings["tls_us"], &timings["reused"]),
        (&json!(null), &json!(null), &json!(false))
    );
}

#[test]
fn only_2xx_is_success_and_redirects_are_not_followed() {
    let elsewhere = Receiver::start();
    for status in [300, 301, 302, 303, 307, 308, 400, 404, 429, 500, 503] {
        let location = elsewhere.url();
        let (delivery, _receiver) = first_attempt(Reply::status(status).header("Location", &location));
        let attempt = &delivery["attempts"][0];
        assert_eq!((&delivery["status"], &attempt["outcome"]), (&json!("pending"), &json!("failure")), "{status}");
        let code = if status < 400 { "redirect" } else { "http_status" };
        assert_eq!(attempt["reason_code"], code, "{attempt}");
        assert!(text(&attempt["reason"]).contains(&if status < 400 { location } else { status.to_string() }));
        assert_eq!(delivery["last_reason"], attempt["reason"]);
        assert_eq!(delivery["last_reason_code"], code);
        assert_eq!(delivery["last_reason_detail"], attempt["reason_detail"]);
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_long_answer_is_cut_where_it_is_kept() {
    let (delivery, _receiver) = first_attempt(Reply::ok().body("x".repeat(100_000)));
    assert_eq!(delivery["status"], "delivered");
    let response = &delivery["attempts"][0]["response"];
    assert_eq!(response["truncated"], true);
    assert_eq!(STANDARD.decode(text(&response["body"])).unwrap().len(), 16 * 1024);
}

#[test]
fn a_connection_that_breaks_off_is_a_failure_with_a_reason() {
    let server = Server::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.api().create_endpoint(&format!("http://{}/", listener.local_addr().unwrap()));
    let event = server.api().publish("order.paid", json!(1));
    drop(listener.accept().unwrap());
    let delivery = crate::support::eventually("the attempt is recorded", Duration::from_secs(10), || {
        let delivery = server.api().wait_for_delivery(&event, "pending");
        (delivery["attempt_count"] == 1).then_some(delivery)
    });
    assert_eq!(delivery["attempts"][0]["reason_code"], "reset", "{delivery}");
    assert!(delivery["next_attempt_at"].is_string());
}
