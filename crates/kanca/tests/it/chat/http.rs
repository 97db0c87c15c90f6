//! Talking over plain HTTP: the bot's first words, messages in order, waiting for the next one, the end.

use crate::support::{Bot, Chat, Server, document, echo, line, new_client_id, says, start};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn the_first_words_are_there_when_the_conversation_is() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    assert_eq!(chat.lines(), ["bot: Hello!"]);
    let first = &chat.messages()[0];
    assert_eq!(first["seq"], 1, "{first}");
    assert!(first.get("conversation_id").is_none(), "{first}");
    assert_eq!(chat.read("").expect(200)["status"], "open");
    assert_eq!(chat.read("").expect(200)["typing"], false);
}

#[test]
fn a_message_gets_its_answer_before_it_is_acknowledged() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let said = chat.say("  merhaba 🙂 ");
    assert_eq!(said["seq"], 2, "{said}");
    assert_eq!(chat.lines(), ["bot: Hello!", "contact: merhaba 🙂", "bot: You said: merhaba 🙂"]);
    let after = chat.read("after=2").expect(200);
    assert_eq!(after["items"].as_array().unwrap().iter().map(line).collect::<Vec<_>>(), ["bot: You said: merhaba 🙂"]);
    assert_eq!(chat.read("after=18446744073709551615").expect(200)["items"], json!([]));
}

#[test]
fn the_same_client_id_again_gets_the_same_answer_and_says_nothing_twice() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let said = json!({"client_id": "tab-1/1", "text": "hi"});
    let first = chat.send(&said).expect(200);
    assert_eq!(chat.send(&said).expect(200), first);
    // Also at the same moment, from several tabs.
    let tabs: Vec<_> = (0..8)
        .map(|_| {
            let (chat, said) = (chat.clone(), json!({"client_id": "tab-2/1", "text": "once"}));
            std::thread::spawn(move || chat.send(&said).expect(200))
        })
        .collect();
    let answers: Vec<Value> = tabs.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    chat.reads(&["bot: Hello!", "contact: hi", "bot: You said: hi", "contact: once", "bot: You said: once"]);
}

#[test]
fn what_is_no_message_is_refused_with_the_field() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let long = "ş".repeat(4_001);
    for (client_id, text, field) in [
        ("has space", "hi", "client_id"),
        ("", "hi", "client_id"),
        ("kötü", "hi", "client_id"),
        (&"x".repeat(129), "hi", "client_id"),
        ("a", "", "text"),
        ("a", " \n\t ", "text"),
        ("a", &long, "text"),
    ] {
        let problem = chat.send(&json!({"client_id": client_id, "text": text})).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let bad_choice = json!({"client_id": "a", "text": "hi", "choice": "nonsense"});
    assert_eq!(chat.send(&bad_choice).expect_problem(422)["errors"][0]["field"], "choice");
    chat.send(&json!({"client_id": "a", "text": "hi", "extra": 1})).expect_problem(422);
    chat.send(&json!({"client_id": "a"})).expect_problem(422);
    // Exactly at the limit is fine, and nothing of the rest was said.
    chat.send(&json!({"client_id": "a", "text": "ş".repeat(4_000)})).expect(200);
    assert_eq!(chat.messages().len(), 3);
}

#[test]
fn a_long_poll_returns_as_soon_as_something_comes() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let polling = {
        let chat = chat.clone();
        std::thread::spawn(move || {
            let begun = Instant::now();
            (chat.read("after=1&wait=20").expect(200), begun.elapsed())
        })
    };
    std::thread::sleep(Duration::from_millis(300));
    assert!(!polling.is_finished(), "nothing has come yet");
    chat.say("hello");
    let (answer, waited) = polling.join().unwrap();
    assert_eq!(line(&answer["items"][0]), "contact: hello");
    assert!(waited < Duration::from_secs(8), "it waited {waited:?}");
}

#[test]
fn a_long_poll_without_news_ends_after_its_wait() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let begun = Instant::now();
    assert_eq!(chat.read("after=1&wait=1").expect(200)["items"], json!([]));
    assert!(begun.elapsed() >= Duration::from_millis(950), "{:?}", begun.elapsed());
    for query in ["wait=31", "wait=-1", "wait=x", "after=-1", "after=1&sort=asc"] {
        chat.read(query).expect_problem(400);
    }
}

#[test]
fn an_ended_conversation_can_be_read_and_not_written() {
    let server = Server::start();
    let blocks = json!([says("hello", "Hello!"), {"id": "any", "type": "default_otherwise"},
        {"id": "bye", "type": "end", "text": "Bye."}]);
    let document = document(&blocks, &[("start", "next", "hello"), ("any", "next", "bye")]);
    let bot = Bot::create(&server.api(), &document);
    let chat = Chat::start(&server, &bot);
    let said = json!({"client_id": "last", "text": "ok"});
    let last = chat.send(&said).expect(200);

    let refused = chat.send(&json!({"client_id": new_client_id(), "text": "wait!"})).expect_problem(409);
    assert_eq!(refused["type"], "/problems/conversation-ended");
    let contact = chat.http.put(&chat.path("contact"), &json!({"attributes": {"name": "Ada"}})).expect_problem(409);
    assert_eq!(contact["type"], "/problems/conversation-ended");
    assert_eq!(chat.send(&said).expect(200), last, "an acknowledgement can be asked for again");
    let begun = Instant::now();
    let read = chat.read("after=3&wait=20").expect(200);
    assert_eq!((&read["status"], read["items"].as_array().unwrap().len()), (&json!("ended"), 0));
    assert!(begun.elapsed() < Duration::from_secs(5), "nothing will come, so nothing is waited for");
    assert_eq!(chat.lines(), ["bot: Hello!", "contact: ok", "bot: Bye."]);
}

#[test]
fn notes_are_for_the_panel_and_take_numbers() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &document(&json!([says("hello", "Hello!")]), &[("start", "next", "hello")]));
    let chat = Chat::start(&server, &bot);
    for n in 0..3 {
        chat.say(&format!("anybody? {n}"));
    }
    let visible: Vec<u64> = chat.messages().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(visible, [1, 2, 4, 6], "the numbers between are notes");
    let all = server.api().get(&format!("/conversations/{}/messages", chat.id)).expect(200);
    let all = all["items"].as_array().unwrap();
    let from: Vec<&str> = all.iter().map(|m| m["from"].as_str().unwrap()).collect();
    assert_eq!(from, ["bot", "contact", "note", "contact", "note", "contact", "note"]);
    let seqs: Vec<u64> = all.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=7).collect::<Vec<_>>());
    let shown = server.api().get(&format!("/conversations/{}", chat.id)).expect(200);
    assert_eq!((&shown["message_count"], &shown["last_message"]["from"]), (&json!(4), &json!("contact")));
}

#[test]
fn a_bot_that_is_unknown_or_unpublished_does_not_talk() {
    let server = Server::start();
    let bot = Bot::with_draft(&server.api(), &echo());
    let refused = start(&server, &bot, json!({})).expect_problem(409);
    assert_eq!(refused["type"], "/problems/bot-not-published");
    let anybody = server.api_as(None);
    anybody.get(&format!("/chat/v1/bots/{}", bot.id)).expect(200);
    for id in ["bot_00000000000000000000000000000000", "bot_x", "", "cnv_00000000000000000000000000000000"] {
        anybody.post("/chat/v1/conversations", &json!({"bot": id})).expect_problem(404);
    }
    anybody.get("/chat/v1/bots/bot_00000000000000000000000000000000").expect_problem(404);
    anybody.post("/chat/v1/conversations", &json!({})).expect_problem(422);
    bot.publish().expect(200);
    start(&server, &bot, json!({})).expect(201);
}
