//! Pauses before messages and the visitor's silence; both survive a restart.

use crate::support::{Bot, Chat, Receiver, Server, document, echo, eventually, says};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn slow(delay_ms: u32) -> Value {
    let blocks = json!([
        {"id": "slow", "type": "text", "messages": [{"text": "now"}, {"text": "later", "delay_ms": delay_ms}]},
        says("after", "after"), {"id": "else", "type": "default_otherwise"}, says("echo", "You said: {{message}}")]);
    document(&blocks, &[("start", "next", "slow"), ("slow", "next", "after"), ("else", "next", "echo")])
}

fn silent(after_ms: u32) -> Value {
    let mut document = echo();
    let blocks = document["blocks"].as_array_mut().unwrap();
    blocks.push(json!({"id": "quiet", "type": "default_timeout", "after_ms": after_ms}));
    blocks.push(says("there", "Still there?"));
    document["edges"].as_array_mut().unwrap().push(json!({"from": "quiet", "port": "next", "to": "there"}));
    document
}

#[test]
fn a_pause_before_a_message_is_kept() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &slow(1_200));
    let begun = Instant::now();
    let chat = Chat::start(&server, &bot);
    assert_eq!(chat.lines(), ["bot: now"]);
    assert_eq!(chat.read("").expect(200)["typing"], true);
    chat.say("hi");
    chat.reads(&["bot: now", "contact: hi", "bot: later", "bot: after", "bot: You said: hi"]);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(1_150) && waited < Duration::from_secs(6), "{waited:?}");
    assert_eq!(chat.read("").expect(200)["typing"], false);
}

#[test]
fn a_pause_survives_kill_9() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &slow(1_500));
    let chat = Chat::start(&server, &bot);
    chat.say("hi");
    server.kill_9();
    server.restart();
    chat.reads(&["bot: now", "contact: hi", "bot: later", "bot: after", "bot: You said: hi"]);
}

#[test]
fn many_pauses_end_at_the_same_time() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &slow(1_000));
    let chats: Vec<Chat> = (0..60).map(|_| Chat::start(&server, &bot)).collect();
    let begun = Instant::now();
    for chat in &chats {
        chat.reads(&["bot: now", "bot: later", "bot: after"]);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn silence_is_noticed_once_until_the_visitor_writes_again() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"event_types": ["conversation.idle"]}));
    let bot = Bot::create(&server.api(), &silent(1_000));
    let chat = Chat::start(&server, &bot);
    chat.reads(&["bot: Hello!", "bot: Still there?"]);
    std::thread::sleep(Duration::from_millis(1_800));
    assert_eq!(chat.lines().len(), 2, "once per silence");
    chat.say("yes");
    chat.reads(&["bot: Hello!", "bot: Still there?", "contact: yes", "bot: You said: yes", "bot: Still there?"]);
    let told = receiver.wait_for(2);
    let data = told[0].json()["data"].clone();
    assert_eq!((&data["block_id"], &data["conversation_id"]), (&json!("quiet"), &json!(chat.id)), "{data}");
}

#[test]
fn writing_puts_silence_off_and_a_restart_keeps_it() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &silent(3_000));
    let chat = Chat::start(&server, &bot);
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let written = Instant::now();
    chat.say("here");
    server.kill_9();
    server.restart();
    eventually("silence is noticed", Duration::from_secs(10), || (chat.lines().len() == 4).then_some(()));
    assert_eq!(chat.lines().last().unwrap(), "bot: Still there?");
    assert!(written.elapsed() >= Duration::from_millis(2_900), "{:?} {:?}", written.elapsed(), begun.elapsed());
}
