//! Who gets what: full types, prefixes, everything, nothing.

use crate::support::{Receiver, Server, text};
use serde_json::{Value, json};

#[test]
fn patterns_choose_events() {
    let server = Server::start();
    let receiver = Receiver::start();
    for (path, types) in [
        ("/full", json!(["order.paid"])),
        ("/prefix", json!(["order.*"])),
        ("/deep", json!(["order.paid.*"])),
        ("/any", json!(["*"])),
        ("/null", Value::Null),
        ("/none", json!([])),
        ("/two", json!(["user.registered", "order.refund.*"])),
    ] {
        server.api().create_endpoint_with(&receiver.url_at(path), json!({"event_types": types}));
    }
    let without = json!({"name": "absent", "url": receiver.url_at("/absent")});
    server.api().post("/endpoints", &without).expect(201);
    let got = |event_type: &str| {
        let before = receiver.requests().len();
        let event = server.api().publish(event_type, json!(1));
        let expected = server.api().deliveries(&format!("event_id={event}")).len();
        let mut paths: Vec<String> =
            receiver.wait_for(before + expected)[before..].iter().map(|r| r.target.clone()).collect();
        paths.sort();
        paths
    };

    assert_eq!(got("order.paid"), ["/absent", "/any", "/full", "/null", "/prefix"]);
    assert_eq!(got("order.paid.twice"), ["/absent", "/any", "/deep", "/null", "/prefix"]);
    assert_eq!(got("order.refund.full"), ["/absent", "/any", "/null", "/prefix", "/two"]);
    assert_eq!(got("order"), ["/absent", "/any", "/null"]);
    assert_eq!(got("orders.paid"), ["/absent", "/any", "/null"]);
    assert_eq!(got("Order.paid"), ["/absent", "/any", "/null"], "types differ in capital letters");
}

#[test]
fn types_and_patterns_have_a_shape() {
    let server = Server::start();
    let longest = "a".repeat(128);
    for fine in ["a", "A-b_9.c", "1.2.3", longest.as_str()] {
        server.api().publish(fine, json!(1));
    }
    let too_long = "a".repeat(129);
    for wrong in ["", ".", "a.", ".a", "a..b", "a b", "a.*", "*", "ş", "a/b", "a\n", too_long.as_str()] {
        server.api().post("/events", &json!({"type": wrong, "data": 1})).expect_problem(422);
    }
    for wrong in ["", "a*", "*.a", "a.*.b", "**", "a.**", "a. *"] {
        let input = json!({"name": "x", "url": "https://example.com/", "event_types": ["order.*", wrong]});
        let problem = server.api().post("/endpoints", &input).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], "event_types[1]", "{wrong}");
    }
}

#[test]
fn an_event_for_nobody_says_so() {
    let server = Server::start();
    let event = server.api().event(&server.api().publish("order.paid", json!(1)));
    let reason = text(&event["explanation"][0]["reason"]);
    assert!(reason.contains("webhook"), "{reason}");
    assert_eq!(event["deliveries"], json!({"pending": 0, "delivered": 0, "failed": 0, "cancelled": 0}));

    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": []}));
    let event = server.api().event(&server.api().publish("order.paid", json!(1)));
    assert!(text(&event["explanation"][0]["reason"]).contains("order.paid"), "{event}");
}

#[test]
fn projects_do_not_hear_each_other() {
    let server = Server::start();
    let (mine, theirs) = (Receiver::start(), Receiver::start());
    let other = server.api().create_project("Other");
    server.api().create_endpoint(&mine.url());
    other.create_endpoint(&theirs.url());
    let event = other.publish("order.paid", json!(1));
    theirs.wait_for(1);
    other.wait_for_delivery(&event, "delivered");
    assert!(mine.requests().is_empty());
    assert_eq!(other.deliveries("status=delivered").len(), 1);
    assert!(server.api().deliveries("status=delivered").is_empty());
}
