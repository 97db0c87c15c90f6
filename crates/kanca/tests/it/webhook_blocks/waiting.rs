//! What the visitor writes while the bot waits for a service, and services that nobody waits for.

use super::stage::Stage;
use crate::support::{Bot, Chat, Receiver, Reply, Server, document, says};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Answers every call with the message it was about.
fn echoing(delay: Duration) -> Receiver {
    Receiver::answering(move |request| {
        let about = request.json()["data"]["message"]["text"].clone();
        let body = json!({"messages": [{"type": "text", "text": format!("about {}", about.as_str().unwrap())}]});
        Reply::ok().body(body.to_string()).after(delay)
    })
}

#[test]
fn messages_while_waiting_are_kept_and_answered_after_in_order() {
    let receiver = echoing(Duration::from_millis(600));
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    for words in ["one", "two", "three"] {
        chat.say(words);
    }
    let port = "bot: port success 200 [none]";
    chat.reads(&[
        "bot: Hello!",
        "contact: one",
        "contact: two",
        "contact: three",
        "bot: about one",
        port,
        "bot: about two",
        port,
        "bot: about three",
        port,
    ]);
    let about: Vec<Value> =
        receiver.requests().iter().map(|r| r.json()["data"]["attributes"]["message"].clone()).collect();
    assert_eq!(about, [Value::Null, Value::Null, Value::Null], "the message has a place of its own");
}

#[test]
fn the_wait_ends_soon_after_the_service_has_answered() {
    let receiver = echoing(Duration::ZERO);
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    let begun = Instant::now();
    chat.say("quick");
    let answer = chat.read("after=2&wait=20").expect(200);
    assert_eq!(answer["items"][0]["text"], "about quick", "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_notification_leaves_at_once_and_goes_on_by_itself() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| {
        Reply::ok().body(r#"{"messages":[{"type":"text","text":"never said"}]}"#).after(Duration::from_secs(1))
    });
    let endpoint = server.api().create_endpoint_with(&receiver.url(), json!({"event_types": []}));
    let blocks = json!([{"id": "hook", "type": "webhook", "endpoint_id": endpoint["id"], "mode": "notify"},
        says("done", "Done.")]);
    let bot = Bot::create(&server.api(), &document(&blocks, &[("start", "next", "hook"), ("hook", "next", "done")]));
    let chat = Chat::start(&server, &bot);
    assert_eq!(chat.lines(), ["bot: Done."]);
    let request = receiver.wait_for(1).remove(0);
    assert_eq!(request.json()["type"], "conversation.webhook");
    server.api().wait_for_delivery(request.webhook_id(), "delivered");
    assert_eq!(chat.lines(), ["bot: Done."]);
}

#[test]
fn a_waiting_call_does_not_queue_behind_events_of_its_conversation() {
    let server = Server::start();
    // The same service also subscribes to messages, and is slow with them.
    let receiver = Receiver::answering(|request| {
        let is_call = request.json()["type"] == "conversation.webhook";
        Reply::ok().after(Duration::from_secs(if is_call { 0 } else { 5 }))
    });
    let endpoint = server.api().create_endpoint_with(&receiver.url(), json!({"event_types": ["message.*"]}));
    let bot = Bot::create(&server.api(), &super::stage::asking(&endpoint["id"], &json!({})));
    let chat = Chat::start(&server, &bot);
    let begun = Instant::now();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port success 200 [none]"]);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn many_conversations_wait_at_the_same_time() {
    let receiver = echoing(Duration::from_millis(500));
    let stage = Stage::asking(&receiver, &json!({}));
    let chats: Vec<Chat> = (0..20).map(|_| stage.chat()).collect();
    let begun = Instant::now();
    for chat in &chats {
        chat.say("go");
    }
    for chat in &chats {
        chat.reads(&["bot: Hello!", "contact: go", "bot: about go", "bot: port success 200 [none]"]);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "one after another it would take 10 s: {:?}", begun.elapsed());
}
