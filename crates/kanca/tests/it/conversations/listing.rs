//! The lists that the panel shows.

use crate::support::{Bot, Chat, Server, document, echo, says};
use serde_json::{Value, json};

#[test]
fn conversations_are_listed_newest_first_by_bot_and_status() {
    let server = Server::start();
    let api = server.api();
    let blocks = json!([{"id": "bye", "type": "end", "text": "Bye"}]);
    let (talking, short) =
        (Bot::create(&api, &echo()), Bot::create(&api, &document(&blocks, &[("start", "next", "bye")])));
    let chats: Vec<Chat> = (0..3).map(|_| Chat::start(&server, &talking)).collect();
    let ended = Chat::start(&server, &short);
    chats[1].say("hi");

    let ids =
        |path: &str| -> Vec<String> { api.all(path).iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect() };
    assert_eq!(ids("/conversations"), [&ended.id, &chats[2].id, &chats[1].id, &chats[0].id].map(String::clone));
    assert_eq!(ids("/conversations?status=ended"), [ended.id.as_str()]);
    assert_eq!(ids(&format!("/conversations?bot_id={}", talking.id)).len(), 3);
    assert_eq!(ids(&format!("/conversations?bot_id={}&status=ended", talking.id)).len(), 0);
    let page = api.get("/conversations?limit=3").expect(200);
    let rest = api.get(&format!("/conversations?limit=3&cursor={}", page["next"].as_str().unwrap())).expect(200);
    assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!(chats[0].id), &Value::Null));
    for query in ["status=closed", "bot_id=x", "limit=0", "limit=201", "cursor=x", "sort=asc"] {
        api.get(&format!("/conversations?{query}")).expect_problem(400);
    }

    let shown = api.get(&format!("/conversations/{}", chats[1].id)).expect(200);
    assert_eq!((&shown["status"], &shown["message_count"]), (&json!("open"), &json!(3)), "{shown}");
    assert_eq!(shown["last_message"]["text"], "You said: hi");
    assert_eq!((&shown["waiting"]["kind"], &shown["block_id"]), (&json!("nothing"), &json!("echo")), "{shown}");
    api.get("/conversations/cnv_00000000000000000000000000000000").expect_problem(404);
}

#[test]
fn messages_are_paged_by_their_numbers() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    for n in 0..5 {
        chat.say(&n.to_string());
    }
    let api = server.api();
    let path = format!("/conversations/{}/messages", chat.id);
    let page = api.get(&format!("{path}?limit=4")).expect(200);
    let seqs = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&page), [1, 2, 3, 4]);
    let next = api.get(&format!("{path}?limit=4&cursor={}", page["next"].as_str().unwrap())).expect(200);
    assert_eq!(seqs(&next), [5, 6, 7, 8]);
    assert_eq!(seqs(&api.get(&format!("{path}?after=10")).expect(200)), [11]);
    assert_eq!(api.all(&path).len(), 11);
    assert_eq!(api.get(&path).expect(200)["items"][0]["conversation_id"], chat.id);
    for query in ["after=x", "limit=0", "limit=1001", "wait=1"] {
        api.get(&format!("{path}?{query}")).expect_problem(400);
    }
}

#[test]
fn choices_are_offered_and_taken() {
    let server = Server::start();
    let blocks = json!([
        {"id": "menu", "type": "buttons", "text": "What?", "choices": [
            {"id": "a", "label": "Sipariş"}, {"id": "b", "label": "Site", "url": "https://example.com"}]},
        {"id": "reply", "type": "quick_replies", "text": "Sure?", "attribute": "sure",
            "choices": [{"id": "y", "label": "Yes"}, {"id": "n", "label": "No"}]},
        says("done", "{{sure}} it is"), says("no", "Never mind"), {"id": "any", "type": "default_otherwise"}, says("hm", "Hm?")]);
    let document = document(
        &blocks,
        &[
            ("start", "next", "menu"),
            ("menu", "choice:a", "reply"),
            ("reply", "choice:y", "done"),
            ("reply", "choice:n", "no"),
            ("any", "next", "hm"),
        ],
    );
    let bot = Bot::create(&server.api(), &document);
    let chat = Chat::start(&server, &bot);
    let menu = &chat.messages()[0];
    assert_eq!(
        (&menu["type"], &menu["choice_style"], &menu["block_id"]),
        (&json!("choices"), &json!("buttons"), &json!("menu"))
    );
    assert_eq!(
        menu["choices"],
        json!([{"id": "a", "label": "Sipariş"}, {"id": "b", "label": "Site", "url": "https://example.com"}])
    );
    let click = |id: &str, label: &str, choice: &str| {
        chat.send(&json!({"client_id": id, "text": label, "choice": choice})).expect(200);
    };
    click("1", "Sipariş", "menu/a");
    assert_eq!(chat.messages()[2]["choice_style"], "quick_replies");
    chat.say("maybe");
    assert_eq!(chat.lines().last().unwrap(), "bot: Hm?");
    chat.say(" YES ");
    assert_eq!(chat.lines().last().unwrap(), "bot: Yes it is");
    // Buttons stay clickable.
    click("2", "Sipariş", "menu/a");
    assert_eq!(chat.lines().last().unwrap(), "bot: Sure?");
    click("3", "No", "reply/n");
    assert_eq!(chat.lines().last().unwrap(), "bot: Never mind");
    click("4", "Ghost", "nowhere/a");
    assert_eq!(chat.lines().last().unwrap(), "bot: Hm?");
}
