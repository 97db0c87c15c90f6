//! What one visitor may do harms nobody else.

use crate::support::{Bot, Chat, Server, Socket, echo, new_client_id};
use serde_json::json;

#[test]
fn a_flood_in_one_conversation_is_stopped_and_another_goes_on() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let (flood, calm) = (Chat::start(&server, &bot), Chat::start(&server, &bot));
    let refused = (0..400)
        .map(|_| flood.send(&json!({"client_id": new_client_id(), "text": "spam"})))
        .find(|answer| answer.status != 200)
        .expect("the flood is stopped");
    refused.expect_problem(429);
    let wait: u64 = refused.header("retry-after").expect("it says when to come back").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "a page can read the refusal");

    calm.say("hi");
    assert_eq!(calm.lines().last().unwrap(), "bot: You said: hi");
    // The socket says it in a frame.
    let mut socket = Socket::follow(&server, &flood, u64::MAX);
    for n in 0..400 {
        socket.say(&format!("socket-{n}"), "spam");
    }
    let error = socket.next_of("error");
    assert_eq!(error["status"], 429, "{error}");
    assert!(error["retry_after"].as_u64().is_some() && error["client_id"].is_string(), "{error}");
}

#[test]
fn bodies_that_are_too_large_are_refused_with_an_answer() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let large = json!({"client_id": "x", "text": "x".repeat(2 << 20)});
    chat.send(&large).expect_problem(413);
    assert_eq!(chat.lines(), ["bot: Hello!"]);
}
