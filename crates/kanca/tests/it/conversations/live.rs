//! The panel's live stream of conversations.

use crate::support::{Bot, Chat, Server, Stream, echo, line};
use serde_json::json;
use std::time::Duration;

#[test]
fn messages_and_standings_arrive_as_they_happen() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let mut stream = Stream::open(&server, "/conversations/live");
    let chat = Chat::start(&server, &bot);
    let first = stream.next_of("message");
    assert_eq!((line(&first), &first["conversation_id"]), ("bot: Hello!".into(), &json!(chat.id)));
    let standing = stream.next_of("conversation");
    assert_eq!(standing, server.api().get(&format!("/conversations/{}", chat.id)).expect(200));

    chat.say("hi");
    assert_eq!(line(&stream.next_of("message")), "contact: hi");
    assert_eq!(line(&stream.next_of("message")), "bot: You said: hi");
    let standing = stream.next_of("conversation");
    assert_eq!((&standing["message_count"], &standing["last_message"]["text"]), (&json!(3), &json!("You said: hi")));
    // A turn that says nothing still shows what was said last.
    chat.http.put(&chat.path("contact"), &json!({"attributes": {"name": "Ada"}})).expect(204);
    let standing = stream.next_of("conversation");
    assert_eq!(standing["contact"]["name"], "Ada");
    assert_eq!(standing, server.api().get(&format!("/conversations/{}", chat.id)).expect(200));
}

#[test]
fn one_conversation_can_be_followed_alone() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let (one, two) = (Chat::start(&server, &bot), Chat::start(&server, &bot));
    let mut stream = Stream::open(&server, &format!("/conversations/live?conversation_id={}", one.id));
    two.say("not for you");
    one.say("for you");
    assert_eq!(line(&stream.next_of("message")), "contact: for you");
    let api = server.api();
    api.get("/conversations/live?conversation_id=x").expect_problem(400);
    api.get("/conversations/live?conversation_id=cnv_00000000000000000000000000000000").expect_problem(404);
    server.api_as(None).get("/conversations/live").expect_problem(401);
}

#[test]
fn another_project_hears_nothing() {
    let server = Server::start();
    let stranger = server.api().create_project("Stranger");
    let theirs = Bot::create(&stranger, &echo());
    let ours = Bot::create(&server.api(), &echo());
    let mut stream = Stream::open(&server, "/conversations/live");
    Chat::start(&server, &theirs).say("secret");
    Chat::start(&server, &ours).say("ours");
    assert_eq!(line(&stream.next_of("message")), "bot: Hello!");
    assert_eq!(line(&stream.next_of("message")), "contact: ours");
}

#[test]
fn many_listeners_all_hear_everything_in_order() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    let streams: Vec<Stream> = (0..40).map(|_| Stream::open(&server, "/conversations/live")).collect();
    let listening: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            std::thread::spawn(move || -> Vec<u64> {
                (0..40).map(|_| stream.next_of("message")["seq"].as_u64().unwrap()).collect()
            })
        })
        .collect();
    for n in 0..20 {
        chat.say(&n.to_string());
    }
    for heard in listening {
        assert_eq!(heard.join().unwrap(), (2..=41).collect::<Vec<_>>());
    }
}

#[test]
fn a_listener_that_lags_is_told_to_read_anew() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    // Nothing is read from this one while more comes than the line and the server keep.
    let mut stream = Stream::open(&server, "/conversations/live");
    let words = "🙂".repeat(4_000);
    for _ in 0..6 {
        let chat = Chat::start(&server, &bot);
        for _ in 0..80 {
            chat.say(&words);
        }
    }
    assert_eq!(stream.next_of("resync"), json!({}));
}

#[test]
fn streams_end_with_the_server() {
    let mut server = Server::start();
    let mut stream = Stream::open(&server, "/conversations/live");
    let begun = std::time::Instant::now();
    assert!(server.terminate().success());
    while stream.try_next().is_some() {}
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
