//! Retries: by the schedule, by hand, and what happens when the schedule has ended.

use crate::support::{Receiver, Reply, Server, eventually, text};
use serde_json::json;
use std::time::Duration;

#[test]
fn the_first_retry_comes_after_about_five_seconds() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(500));
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("order.paid", json!(1));

    let requests = receiver.wait_for(2);
    let pause = requests[1].at - requests[0].at;
    // Five seconds, a tenth more or less, and what a busy machine adds.
    assert!((Duration::from_millis(4_450)..Duration::from_millis(7_500)).contains(&pause), "{pause:?}");

    let delivery = eventually("the second attempt is recorded", Duration::from_secs(5), || {
        let delivery = server.api().wait_for_delivery(&event, "pending");
        (delivery["attempt_count"] == 2).then_some(delivery)
    });
    let numbers: Vec<_> = delivery["attempts"].as_array().unwrap().iter().map(|a| a["number"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    let next: jiff::Timestamp = text(&delivery["next_attempt_at"]).parse().unwrap();
    let last: jiff::Timestamp = text(&delivery["attempts"][1]["started_at"]).parse().unwrap();
    assert!((269..=335).contains(&next.duration_since(last).as_secs()), "then five minutes: {next} after {last}");
}

#[test]
fn a_pending_delivery_can_be_tried_at_once() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(500));
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("order.paid", json!(1));
    let delivery = eventually("the first attempt is recorded", Duration::from_secs(5), || {
        let delivery = server.api().wait_for_delivery(&event, "pending");
        (delivery["attempt_count"] == 1).then_some(delivery)
    });
    receiver.answer_with(|_| Reply::ok());

    server.api().post(&format!("/deliveries/{}/retry", text(&delivery["id"])), &json!({})).expect(202);

    let requests = receiver.wait_for(2);
    assert!(requests[1].at - requests[0].at < Duration::from_secs(4), "it did not wait for its time");
    server.api().wait_for_delivery(&event, "delivered");
}

#[test]
fn what_was_delivered_can_be_sent_again() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("order.paid", json!(1));
    let id = text(&server.api().wait_for_delivery(&event, "delivered")["id"]);
    receiver.answer_with(|_| Reply::status(500));

    let retry = server.api().send("POST", &format!("/api/v1/deliveries/{id}/retry"), &[], None);
    assert_eq!(retry.expect(202)["status"], "pending");

    receiver.wait_for(2);
    let delivery = eventually("the manual attempt is recorded", Duration::from_secs(5), || {
        let delivery = server.api().delivery(&id);
        (delivery["attempt_count"] == 2).then_some(delivery)
    });
    assert_eq!(delivery["attempts"][1]["manual"], true);
    assert_eq!(delivery["status"], "delivered", "a later failure does not undo it: {delivery}");
}

#[test]
fn when_the_schedule_has_ended_it_is_a_dead_letter_that_can_be_revived() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|r| Reply::status(if r.json()["data"]["key"] == "a" { 500 } else { 200 }));
    let about = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"]}));
    server.api().create_endpoint_with(&about.url(), json!({"event_types": ["delivery.failed"]}));
    let publish =
        |n: u64| server.api().publish_with("order.paid", json!({"key": "a", "n": n}), json!({"ordering_key": "a"}));
    let (first, second) = (publish(0), publish(1));
    receiver.wait_for(1);

    server.let_days_pass(4);

    let failed = server.api().wait_for_delivery(&first, "failed");
    assert_eq!(failed["attempt_count"], 2, "a last attempt after the pause: {failed}");
    // The next of the key gets its attempt at once, and is as old.
    assert_eq!(server.api().wait_for_delivery(&second, "failed")["attempt_count"], 1);
    let told = about.wait_for(2);
    assert_eq!(told[0].json()["type"], "delivery.failed");
    assert_eq!(told[0].json()["data"]["event_id"], first.as_str());

    receiver.answer_with(|_| Reply::ok());
    let path = format!("/deliveries/{}/retry", text(&failed["id"]));
    server.api().post(&path, &json!({})).expect(202);
    let revived = server.api().wait_for_delivery(&first, "delivered");
    assert_eq!((&revived["attempts"][2]["manual"], &revived["attempt_count"]), (&json!(true), &json!(3)));
}
