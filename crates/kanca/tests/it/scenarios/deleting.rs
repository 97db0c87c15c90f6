//! Deleting bots and scenarios leaves what was said readable.

use crate::support::{Bot, Chat, Server, Socket, echo, new_client_id, start};
use serde_json::{Value, json};

#[test]
fn deleting_a_bot_ends_its_conversations_and_keeps_them_readable() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let (chat, silent) = (Chat::start(&server, &bot), Chat::start(&server, &bot));
    chat.say("hi");
    let mut socket = Socket::follow(&server, &chat, 3);
    server.api().delete(&format!("/bots/{}", bot.id)).expect(204);

    assert_eq!(socket.next(), json!({"type": "status", "status": "ended"}));
    for chat in [&chat, &silent] {
        let refused = chat.send(&json!({"client_id": new_client_id(), "text": "still there?"})).expect_problem(409);
        assert_eq!(refused["type"], "/problems/conversation-ended");
        assert_eq!(chat.read("").expect(200)["status"], "ended");
    }
    assert_eq!(chat.lines(), ["bot: Hello!", "contact: hi", "bot: You said: hi"]);
    assert_eq!(Socket::open(&server).hello(&chat, 0)["status"], "ended");
    start(&server, &bot, json!({})).expect_problem(404);
    let api = server.api();
    let shown = api.get(&format!("/conversations/{}", chat.id)).expect(200);
    assert_eq!((&shown["status"], &shown["waiting"]["kind"]), (&json!("ended"), &json!("nothing")), "{shown}");
    let said = api.get(&format!("/conversations/{}/messages", chat.id)).expect(200);
    assert_eq!(said["items"].as_array().unwrap().len(), 3);
    assert_eq!(api.get(&format!("/conversations?bot_id={}", bot.id)).expect(200)["items"].as_array().unwrap().len(), 2);
    for path in [format!("/bots/{}", bot.id), format!("/scenarios/{}", bot.scenario)] {
        api.get(&path).expect_problem(404);
        api.delete(&path).expect_problem(404);
    }
    server.kill_9();
    server.restart();
    assert_eq!(chat.lines().len(), 3);
}

#[test]
fn deleting_a_scenario_unpublishes_the_bot_and_lets_conversations_go_on() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    server.api().delete(&format!("/scenarios/{}", bot.scenario)).expect(204);
    let shown = server.api().get(&format!("/bots/{}", bot.id)).expect(200);
    assert_eq!(shown["active_scenario_id"], Value::Null);
    assert_eq!(start(&server, &bot, json!({})).expect_problem(409)["type"], "/problems/bot-not-published");
    chat.say("hi");
    server.kill_9();
    server.restart();
    chat.say("again");
    assert_eq!(chat.lines().last().unwrap(), "bot: You said: again");
    server.api().get("/conversations").expect(200);
    server.api().get(&format!("/conversations/{}", chat.id)).expect(200);
}
