//! Talking over the socket: every message once and in order, also after a drop.

use crate::support::{Bot, Chat, Receiver, Reply, Server, Socket, document, echo, says};
use serde_json::json;
use std::time::Duration;
use tungstenite::Message;

#[test]
fn hello_brings_all_messages_and_a_message_is_acknowledged() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let mut socket = Socket::open(&server);
    let ready = socket.hello(&chat, 0);
    assert_eq!(ready, json!({"type": "ready", "last_seq": 1, "status": "open"}));
    assert_eq!(socket.lines(1), ["bot: Hello!"]);

    socket.say("a1", "hi");
    let mut seen = Vec::new();
    let mut acknowledged = None;
    while seen.len() < 2 || acknowledged.is_none() {
        let frame = socket.next();
        match frame["type"].as_str().unwrap() {
            "ack" => acknowledged = Some(frame),
            "message" => seen.push(frame["message"].clone()),
            other => panic!("{other}: {frame}"),
        }
    }
    let acknowledged = acknowledged.unwrap();
    assert_eq!((&acknowledged["client_id"], &acknowledged["seq"]), (&json!("a1"), &json!(2)), "{acknowledged}");
    assert_eq!((&seen[0]["id"], &seen[0]["client_id"]), (&acknowledged["id"], &json!("a1")));
    assert_eq!((&seen[1]["seq"], &seen[1]["text"]), (&json!(3), &json!("You said: hi")));

    // The same again is acknowledged alike and said once.
    socket.say("a1", "hi");
    assert_eq!(socket.next(), acknowledged);
    assert_eq!(chat.messages().len(), 3);
}

#[test]
fn after_a_drop_exactly_what_was_missed_comes() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let mut socket = Socket::follow(&server, &chat, 0);
    assert_eq!(socket.lines(1).len(), 1);
    drop(socket);
    chat.say("one");
    chat.say("two");
    let mut socket = Socket::follow(&server, &chat, 3);
    assert_eq!(socket.lines(2), ["contact: two", "bot: You said: two"]);
    // A number from nowhere hides nothing that comes later.
    let mut ahead = Socket::follow(&server, &chat, 9_000);
    chat.say("three");
    assert_eq!(socket.lines(2), ["contact: three", "bot: You said: three"]);
    assert_eq!(ahead.lines(2), ["contact: three", "bot: You said: three"]);
}

#[test]
fn hundreds_of_messages_come_in_order_after_a_drop() {
    let server = Server::start();
    let texts: Vec<_> = (0..10).map(|n| json!({"text": format!("part {n}")})).collect();
    let blocks = json!([says("hello", "Hello!"), {"id": "any", "type": "default_otherwise"},
        {"id": "many", "type": "text", "messages": texts}]);
    let bot = Bot::create(&server.api(), &document(&blocks, &[("start", "next", "hello"), ("any", "next", "many")]));
    let chat = Chat::start(&server, &bot);
    for _ in 0..60 {
        chat.say("more");
    }
    let mut socket = Socket::follow(&server, &chat, 0);
    let seqs: Vec<u64> = (0..661).map(|_| socket.next_of("message")["message"]["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=661).collect::<Vec<_>>());
}

#[test]
fn two_tabs_on_one_conversation_see_everything_once() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let (mut one, mut two) = (Socket::follow(&server, &chat, 0), Socket::follow(&server, &chat, 0));
    for n in 0..10 {
        one.say(&format!("one-{n}"), "from one");
        two.say(&format!("two-{n}"), "from two");
    }
    let all = |socket: &mut Socket| -> Vec<_> {
        (0..41).map(|_| socket.next_of("message")["message"]["seq"].as_u64().unwrap()).collect()
    };
    let expected: Vec<u64> = (1..=41).collect();
    assert_eq!(all(&mut one), expected);
    assert_eq!(all(&mut two), expected);
    assert_eq!(chat.messages().len(), 41);
}

#[test]
fn garbage_is_answered_and_the_socket_goes_on() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let mut socket = Socket::follow(&server, &chat, 1);
    for garbage in ["", "{", "[]", "{\"type\":\"dance\"}", "{\"type\":\"send\"}", "null", "{\"type\":\"hello\"}"] {
        socket.send_raw(Message::text(garbage));
        let frame = socket.next();
        assert_eq!((&frame["type"], &frame["status"]), (&json!("error"), &json!(400)), "{garbage}: {frame}");
    }
    socket.send(&json!({"type": "send", "client_id": "bad id", "text": ""}));
    let frame = socket.next();
    assert_eq!((&frame["status"], &frame["client_id"]), (&json!(422), &json!("bad id")), "{frame}");
    socket.send_raw(Message::binary(vec![1, 2, 3]));
    socket.send_raw(Message::Ping(vec![1].into()));
    socket.say("fine", "still here");
    assert_eq!(socket.next_of("ack")["client_id"], "fine");
}

#[test]
fn what_is_no_hello_is_answered_before_the_end() {
    let server = Server::start();
    for first in [Message::text("hi"), Message::text("{\"type\":\"send\",\"client_id\":\"a\",\"text\":\"b\"}")] {
        let mut socket = Socket::open(&server);
        socket.send_raw(first);
        let frame = socket.next();
        assert_eq!((&frame["type"], &frame["status"]), (&json!("error"), &json!(400)), "{frame}");
        assert_eq!(socket.try_next(), None);
    }
    server.api_as(None).get("/chat/v1/socket").expect_problem(400);
}

#[test]
fn a_frame_that_is_too_large_costs_the_socket_and_nothing_else() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let (mut good, mut bad) = (Socket::follow(&server, &chat, 1), Socket::follow(&server, &chat, 1));
    bad.say("large", &"x".repeat(300_000));
    assert_eq!(bad.try_next(), None);
    good.say("small", "hi");
    assert_eq!(good.next_of("ack")["client_id"], "small");
    assert_eq!(chat.messages().len(), 3);
}

#[test]
fn typing_shows_while_the_bot_is_busy_and_the_end_is_told() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::ok().body(r#"{"end":true}"#).after(Duration::from_millis(400)));
    let endpoint = server.api().create_endpoint_with(&receiver.url(), json!({"event_types": []}));
    let blocks = json!([says("hello", "Hello!"), {"id": "any", "type": "default_otherwise"},
        {"id": "hook", "type": "webhook", "endpoint_id": endpoint["id"], "mode": "wait"}]);
    let bot = Bot::create(&server.api(), &document(&blocks, &[("start", "next", "hello"), ("any", "next", "hook")]));
    let chat = Chat::start(&server, &bot);
    let mut socket = Socket::follow(&server, &chat, 1);
    socket.say("go", "go");
    socket.next_of("typing");
    assert_eq!(chat.read("").expect(200)["typing"], true);
    let mut late = Socket::follow(&server, &chat, 2);
    assert_eq!(late.next()["type"], "typing", "who comes later sees it, too");
    assert_eq!(socket.next_of("status")["status"], "ended");
    assert_eq!(late.next_of("status")["status"], "ended");
    socket.say("again", "hello?");
    let refused = socket.next_of("error");
    assert_eq!((&refused["status"], &refused["client_id"]), (&json!(409), &json!("again")), "{refused}");
    let mut after = Socket::open(&server);
    assert_eq!(after.hello(&chat, 0)["status"], "ended");
}

#[test]
fn sockets_end_with_the_server_and_messages_survive_it() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let mut socket = Socket::follow(&server, &chat, 1);
    chat.say("before");
    assert!(server.terminate().success());
    assert_eq!(socket.lines(2).len(), 2);
    assert_eq!(socket.try_next(), None);
    server.restart();
    chat.say("after");
    let mut socket = Socket::follow(&server, &chat, 3);
    assert_eq!(socket.lines(2), ["contact: after", "bot: You said: after"]);
}
