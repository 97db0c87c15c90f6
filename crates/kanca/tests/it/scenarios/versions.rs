//! Publishing freezes a version; a conversation keeps the one it began with.

use crate::support::{Bot, Chat, Server, document, echo, says};
use serde_json::{Value, json};

fn greeting(words: &str) -> Value {
    let blocks = json!([says("hello", words), {"id": "else", "type": "default_otherwise"}, says("again", words)]);
    document(&blocks, &[("start", "next", "hello"), ("else", "next", "again")])
}

#[test]
fn a_conversation_keeps_the_version_it_began_with() {
    let mut server = Server::start();
    let bot = Bot::create(&server.api(), &greeting("First"));
    let old = Chat::start(&server, &bot);
    let second = bot.publish_anew(&greeting("Second"));
    assert_eq!(second["number"], 2, "{second}");
    let new = Chat::start(&server, &bot);
    old.say("hi");
    new.say("hi");
    assert_eq!(old.lines(), ["bot: First", "contact: hi", "bot: First"]);
    assert_eq!(new.lines(), ["bot: Second", "contact: hi", "bot: Second"]);

    // A draft alone changes nothing, and a restart neither.
    server.api().put(&format!("/scenarios/{}/draft", bot.scenario), &greeting("Third")).expect(200);
    server.kill_9();
    server.restart();
    old.say("hi");
    new.say("hi");
    assert_eq!(old.lines().last().unwrap(), "bot: First");
    assert_eq!(new.lines().last().unwrap(), "bot: Second");
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Second"]);

    let versions = server.api().get(&format!("/scenarios/{}/versions", bot.scenario)).expect(200);
    let numbers: Vec<_> = versions["items"].as_array().unwrap().iter().map(|v| v["number"].clone()).collect();
    assert_eq!(numbers, [2, 1]);
    let shown = server.api().get(&format!("/conversations/{}", new.id)).expect(200);
    assert_eq!(shown["version_id"], second["version_id"]);
}

#[test]
fn the_scenario_published_last_is_the_active_one_until_another_is_chosen() {
    let server = Server::start();
    let api = server.api();
    let bot = Bot::create(&api, &greeting("Summer"));
    let winter = api.post(&format!("/bots/{}/scenarios", bot.id), &json!({"name": "W", "draft": greeting("Winter")}));
    let winter = crate::support::text(&winter.expect(201)["id"]);
    let path = format!("/bots/{}", bot.id);
    let choose = |id: &str| api.patch(&path, &json!({"active_scenario_id": id}));
    choose(&winter).expect_problem(422);
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Summer"]);
    api.post(&format!("/scenarios/{winter}/publish"), &json!({})).expect(200);
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Winter"]);
    assert_eq!(choose(&bot.scenario).expect(200)["active_scenario_id"], bot.scenario);
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Summer"]);
    let other = Bot::create(&api, &echo());
    choose(&other.scenario).expect_problem(422);
}

#[test]
fn a_test_runs_the_present_draft_and_is_marked() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &greeting("Published"));
    server.api().put(&format!("/scenarios/{}/draft", bot.scenario), &greeting("Draft")).expect(200);
    let started = server.api().post(&format!("/scenarios/{}/test", bot.scenario), &json!({})).expect(201);
    let test = Chat::of(&server, &started);
    test.say("hi");
    assert_eq!(test.lines(), ["bot: Draft", "contact: hi", "bot: Draft"]);
    assert_eq!(Chat::start(&server, &bot).lines(), ["bot: Published"]);
    let conversations = server.api().get("/conversations").expect(200);
    let marks: Vec<_> = conversations["items"].as_array().unwrap().iter().map(|c| c["test"].clone()).collect();
    assert_eq!(marks, [false, true]);
    let versions = server.api().get(&format!("/scenarios/{}/versions", bot.scenario)).expect(200);
    assert_eq!(versions["items"].as_array().unwrap().len(), 1, "a test is no version");
}
