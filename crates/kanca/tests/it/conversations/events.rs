//! Events of conversations, as a subscriber gets them.

use crate::support::{Bot, Chat, Received, Receiver, Reply, Server, document, echo, eventually, says};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a webhook made in the panel subscribes to.
const TYPES: [&str; 3] = ["conversation.*", "message.*", "contact.*"];

fn keyword_document() -> Value {
    let blocks = json!([says("hello", "Hello!"),
        {"id": "listen", "type": "user_input", "anywhere": true, "branches": [
            {"id": "order", "keywords": ["sipariş"]}, {"id": "bye", "keywords": ["bye"]}]},
        {"id": "ask", "type": "question", "text": "E-mail?", "validate": {"kind": "email"}, "attribute": "email"},
        {"id": "end", "type": "end", "text": "Bye {{email}}"}]);
    document(
        &blocks,
        &[
            ("start", "next", "hello"),
            ("hello", "next", "listen"),
            ("listen", "branch:order", "ask"),
            ("listen", "branch:bye", "end"),
            ("ask", "answered", "listen"),
        ],
    )
}

fn types(requests: &[Received]) -> Vec<String> {
    requests.iter().map(|r| r.json()["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_conversation_is_told_event_by_event_in_order() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": TYPES}));
    let bot = Bot::create(&server.api(), &keyword_document());
    let chat = Chat::start_with(&server, &bot, json!({"attributes": {"name": "Ada"}}));
    chat.say("Siparişim nerede?");
    chat.say("ada@Example.COM");
    chat.say("bye");

    let expected = [
        "contact.created",
        "conversation.started",
        "contact.updated",
        "message.sent",
        "message.received",
        "conversation.keyword",
        "message.sent",
        "message.received",
        "contact.updated",
        "message.received",
        "conversation.keyword",
        "message.sent",
        "conversation.ended",
    ];
    let requests = receiver.wait_for(expected.len());
    let mut told = types(&requests);
    // Between one input and the next the order is fixed; within one the effects come as they happened.
    assert_eq!(told.len(), expected.len(), "{told:?}");
    let mut sorted = expected.map(str::to_owned).to_vec();
    assert_eq!((&told[0], &told[1], told.last().unwrap()), (&sorted[0], &sorted[1], sorted.last().unwrap()));
    told.sort();
    sorted.sort();
    assert_eq!(told, sorted);

    let contact = requests[0].json()["data"]["contact"]["id"].clone();
    for request in &requests {
        let data = request.json()["data"].clone();
        assert_eq!((&data["bot_id"], &data["scenario_id"]), (&json!(bot.id), &json!(bot.scenario)), "{data}");
        assert_eq!((&data["conversation_id"], &data["contact"]["id"]), (&json!(chat.id), &contact), "{data}");
        assert!(data["version_id"].as_str().unwrap().starts_with("ver_"), "{data}");
        assert!(data["contact"]["attributes"]["name"] == "Ada", "{data}");
        assert!(data.get("test").is_none(), "{data}");
        assert_eq!(server.api().event(request.webhook_id())["ordering_key"], chat.id);
    }
    // Messages come in the order of their numbers.
    let messages = requests.iter().filter(|r| r.json()["type"].as_str().unwrap().starts_with("message."));
    let seqs: Vec<u64> = messages.map(|r| r.json()["data"]["message"]["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=6).collect::<Vec<_>>());
}

#[test]
fn each_event_says_what_happened() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": TYPES}));
    let bot = Bot::create(&server.api(), &keyword_document());
    let chat = Chat::start(&server, &bot);
    chat.say("Siparişim nerede?");
    chat.say("ada@Example.COM");
    chat.http.put(&chat.path("contact"), &json!({"attributes": {"plan": "gold"}})).expect(204);
    chat.say("bye");
    let requests = receiver.wait_for(13);
    let of = |kind: &str| -> Vec<Value> {
        let data = requests.iter().map(Received::json).filter(|b| b["type"] == kind);
        data.map(|b| b["data"].clone()).collect()
    };
    let said = &of("message.received")[0]["message"];
    assert_eq!(
        (&said["from"], &said["text"], &said["type"]),
        (&json!("contact"), &json!("Siparişim nerede?"), &json!("text"))
    );
    let sent = &of("message.sent")[0];
    assert_eq!((&sent["message"]["from"], &sent["message"]["text"]), (&json!("bot"), &json!("Hello!")));
    assert_eq!(sent["block_id"], "hello");
    let keyword = &of("conversation.keyword")[0];
    assert_eq!((&keyword["block_id"], &keyword["branch_id"]), (&json!("listen"), &json!("order")));
    assert_eq!((&keyword["keyword"], &keyword["message"]["text"]), (&json!("sipariş"), &json!("Siparişim nerede?")));
    let updated = of("contact.updated");
    assert_eq!(updated[0]["changed"], json!(["email"]));
    assert_eq!(updated[0]["contact"]["attributes"], json!({"email": "ada@example.com"}));
    assert_eq!(updated[1]["changed"], json!(["plan"]));
    assert_eq!(updated[1]["contact"]["attributes"], json!({"email": "ada@example.com", "plan": "gold"}));
    assert_eq!(of("conversation.ended").len(), 1);
}

#[test]
fn conversations_do_not_hold_each_other_up() {
    let server = Server::start();
    // One conversation's events fail; the other's go on.
    let failing = Arc::new(Mutex::new(String::new()));
    let held = failing.clone();
    let receiver = Receiver::answering(move |request| {
        let fails = request.json()["data"]["conversation_id"] == *held.lock().unwrap();
        Reply::status(if fails { 500 } else { 200 })
    });
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": TYPES}));
    let bot = Bot::create(&server.api(), &echo());
    let bad = Chat::start(&server, &bot);
    receiver.wait_for(3);
    bad.id.clone_into(&mut failing.lock().unwrap());
    bad.say("stuck");
    let good = Chat::start(&server, &bot);
    good.say("fine");
    let last = eventually("the other conversation is told", Duration::from_secs(10), || {
        receiver.requests().into_iter().find(|r| r.json()["data"]["message"]["text"] == "You said: fine")
    });
    assert_eq!(last.json()["data"]["conversation_id"], good.id);
    let stuck: Vec<_> =
        receiver.requests().into_iter().filter(|r| r.json()["data"]["conversation_id"] == bad.id).collect();
    let heads: Vec<_> = stuck[3..].iter().map(|r| r.webhook_id().to_owned()).collect();
    assert!(heads.iter().all(|h| *h == heads[0]), "only the head of a key is attempted while it fails");
}

#[test]
fn a_test_conversation_is_marked_in_its_events() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": ["conversation.started"]}));
    let bot = Bot::create(&server.api(), &echo());
    server.api().post(&format!("/scenarios/{}/test", bot.scenario), &json!({})).expect(201);
    assert_eq!(receiver.wait_for(1)[0].json()["data"]["test"], true);
}
