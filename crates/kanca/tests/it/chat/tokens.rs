//! Only the conversation's own token opens it, and nobody learns why another does not.

use crate::support::{Bot, Chat, Server, Socket, echo};
use serde_json::json;

#[test]
fn a_conversation_is_never_opened_by_its_id_alone() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let (ours, theirs) = (Chat::start(&server, &bot), Chat::start(&server, &bot));
    let unknown = "cnv_0190163d8694739bb2be9a2ee3a0aaaa";
    let said = json!({"client_id": "x", "text": "hi"});
    let attributes = json!({"attributes": {"name": "Eve"}});

    let mut details = Vec::new();
    for token in [&theirs.token[..], "nonsense", "x", crate::support::API_KEY] {
        for id in [&ours.id[..], unknown] {
            let eve = server.api_as(Some(token));
            let path = format!("/chat/v1/conversations/{id}");
            details.push(eve.get(&format!("{path}/messages")).expect_problem(401));
            details.push(eve.post(&format!("{path}/messages"), &said).expect_problem(401));
            details.push(eve.put(&format!("{path}/contact"), &attributes).expect_problem(401));
        }
    }
    details.dedup();
    assert_eq!(details.len(), 1, "one answer for all: {details:#?}");

    let nobody = server.api_as(None);
    nobody.get(&ours.path("messages")).expect_problem(401);
    nobody.post(&ours.path("messages"), &said).expect_problem(401);
    nobody.put(&ours.path("contact"), &attributes).expect_problem(401);
    assert_eq!(ours.lines(), ["bot: Hello!"]);
}

#[test]
fn a_socket_with_a_wrong_token_is_told_so_and_closed() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let (ours, theirs) = (Chat::start(&server, &bot), Chat::start(&server, &bot));
    for token in [&theirs.token[..], "nonsense"] {
        let mut socket = Socket::open(&server);
        let eve = Chat { token: token.to_owned(), ..ours.clone() };
        let frame = socket.hello(&eve, 0);
        assert_eq!((&frame["type"], &frame["status"]), (&json!("error"), &json!(401)), "{frame}");
        assert_eq!(socket.try_next(), None);
    }
}

#[test]
fn tokens_are_long_and_stored_as_hashes_only() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    assert!(chat.token.len() >= 43, "256 bits in base64: {}", chat.token.len());
    server.terminate();
    assert!(!crate::support::is_in_data(&server, &chat.token));
}
