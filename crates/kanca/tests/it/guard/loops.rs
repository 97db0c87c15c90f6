//! What runs in a circle ends.

use crate::support::{Receiver, Server, text};
use serde_json::json;

#[test]
fn a_request_that_passed_too_many_inboxes_is_stopped() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "circle"}));
    let post = |hops: &str| server.api().send("POST", "/in/circle", &[("kanca-hops", hops)], Some(b"x")).status;
    assert_eq!((post("0"), post("8")), (200, 200));
    assert_eq!((post("9"), post("255"), post("100000"), post("99999999999999999999999")), (508, 508, 508, 508));
    assert_eq!(server.api().captured(&inbox).len(), 2);
}

#[test]
fn a_delivery_to_ones_own_inbox_counts_as_a_hop_and_tells_strangers_nothing() {
    let server = Server::start();
    let stranger = Receiver::start();
    let inbox = server.api().create_inbox(&json!({}));
    server.api().create_endpoint(&text(&inbox["url"]));
    server.api().create_endpoint(&stranger.url());
    server.api().publish("order.paid", json!(1));
    assert_eq!(stranger.wait_for(1)[0].header("kanca-hops"), "");
    crate::support::eventually("it is captured", std::time::Duration::from_secs(10), || {
        (!server.api().captured(&inbox).is_empty()).then_some(())
    });
    let captured = server.api().newest_captured(&inbox);
    assert!(captured["headers"].as_array().unwrap().contains(&json!(["kanca-hops", "1"])), "{captured}");
}

#[test]
fn an_inbox_that_redirects_to_itself_is_asked_once() {
    let server = Server::builder().guard_closed().start();
    let inbox = server.api().create_inbox(&json!({"slug": "mirror"}));
    let url = text(&inbox["url"]);
    let answer = json!({"response": {"status": 307, "headers": {"location": url}, "body": ""}});
    server.api().patch(&format!("/inboxes/{}", text(&inbox["id"])), &answer).expect(200);
    server.api().create_endpoint(&url);
    let event = server.api().publish("order.paid", json!(1));
    crate::support::eventually("the attempt is recorded", std::time::Duration::from_secs(10), || {
        (server.api().wait_for_delivery(&event, "pending")["attempt_count"] == 1).then_some(())
    });
    assert_eq!(server.api().captured(&inbox).len(), 1);
}
