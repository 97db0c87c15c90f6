//! A server that dies while a conversation waits for a service.

use super::stage::Stage;
use crate::support::{Receiver, Reply, eventually};
use serde_json::json;
use std::time::Duration;

#[test]
fn after_kill_9_the_service_is_asked_again_and_its_answer_is_said_once() {
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(3)));
    let mut stage = Stage::asking(&receiver, &json!({"timeout_ms": 60_000}));
    let chat = stage.chat();
    chat.say("go");
    chat.say("and more");
    receiver.wait_for(1);
    stage.server.kill_9();
    receiver.answer_with(|_| Reply::ok().header("content-type", "text/plain").body("back again"));
    stage.server.restart();
    let port = "bot: port success 200 [none]";
    let expected =
        ["bot: Hello!", "contact: go", "contact: and more", "bot: back again", port, "bot: back again", port];
    chat.reads(&expected);
    assert_eq!(receiver.requests().len(), 3);
    assert_eq!(receiver.requests()[0].webhook_id(), receiver.requests()[1].webhook_id());
    std::thread::sleep(Duration::from_millis(500));
    chat.reads(&expected);
    assert!(stage.deliveries().iter().all(|d| d["status"] == "delivered"));
}

#[test]
fn after_a_long_death_the_conversation_leaves_by_timeout() {
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(3)));
    let mut stage = Stage::asking(&receiver, &json!({"timeout_ms": 1_000}));
    let chat = stage.chat();
    chat.say("go");
    receiver.wait_for(1);
    stage.server.kill_9();
    std::thread::sleep(Duration::from_millis(1_500));
    stage.server.restart();
    chat.reads(&["bot: Hello!", "contact: go", "bot: port timeout"]);
    eventually("the delivery has ended", Duration::from_secs(10), || {
        (stage.delivery()["status"] == "failed").then_some(())
    });
    // Nothing comes later, such as from the watchdog of the wait.
    std::thread::sleep(Duration::from_millis(1_500));
    chat.reads(&["bot: Hello!", "contact: go", "bot: port timeout"]);
    chat.say("still there?");
    assert_eq!(receiver.wait_for(2).len(), 2);
}

#[test]
fn an_orderly_stop_waits_for_the_answer() {
    let receiver = Receiver::answering(|_| {
        Reply::ok().header("content-type", "text/plain").body("just in time").after(Duration::from_secs(1))
    });
    let mut stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    chat.say("go");
    receiver.wait_for(1);
    assert!(stage.server.terminate().success());
    stage.server.restart();
    chat.reads(&["bot: Hello!", "contact: go", "bot: just in time", "bot: port success 200 [none]"]);
    assert_eq!(receiver.requests().len(), 1);
}
