//! Drafts: what is no document is refused with its place, what is only unfinished is kept.

use crate::support::{Bot, Server, document, echo, says, text};
use serde_json::{Value, json};

#[test]
fn a_new_scenario_is_blank_and_can_be_published_at_once() {
    let server = Server::start();
    let api = server.api();
    for (language, words) in [("en", "Hello"), ("tr", "Merhaba")] {
        let bot = api.post("/bots", &json!({"name": "Helper", "language": language})).expect(201);
        let path = format!("/bots/{}/scenarios", text(&bot["id"]));
        let scenario = api.post(&path, &json!({"name": "Flow"})).expect(201);
        assert_eq!((&scenario["draft_revision"], &scenario["published"]), (&json!(1), &Value::Null));
        assert_eq!((&scenario["active"], &scenario["problems"]), (&json!(false), &json!([])), "{scenario}");
        assert!(scenario["draft"].to_string().contains(words), "{scenario}");
        api.post(&format!("/scenarios/{}/publish", text(&scenario["id"])), &json!({})).expect(200);
    }
    api.post("/bots", &json!({"name": "Helper", "language": "xx"})).expect_problem(422);
}

#[test]
fn what_is_no_document_is_refused_with_its_places() {
    let server = Server::start();
    let bot = Bot::with_draft(&server.api(), &echo());
    let path = format!("/scenarios/{}/draft", bot.scenario);
    let broken = json!({"schema": "kanca.scenario/1", "blocks": [{"id": "start", "type": "start"},
        {"id": "a", "type": "text", "messages": [{"text": 5}]}, {"id": "b", "type": "teleport"}], "edges": [], "x": 1});
    let problem = server.api().put(&path, &broken).expect_problem(422);
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["/blocks/1/messages/0/text", "/blocks/2/type", "/x"], "{problem}");
    server.api().send_text("PUT", &path, "{not json").expect_problem(400);
    server.api().put(&path, &json!([])).expect_problem(422);
    // Nothing of it was kept.
    let kept = server.api().get(&format!("/scenarios/{}", bot.scenario)).expect(200);
    assert_eq!(kept["draft_revision"], 1);
    // A draft at creation is checked alike.
    let created = server.api().post(&format!("/bots/{}/scenarios", bot.id), &json!({"name": "x", "draft": broken}));
    assert!(created.expect_problem(422)["errors"][0]["field"].as_str().unwrap().starts_with("draft"));
}

#[test]
fn a_draft_with_problems_is_kept_and_not_published() {
    let server = Server::start();
    let bot = Bot::with_draft(&server.api(), &echo());
    let blocks = json!([says("hello", "Hello {{nobody}}"), says("island", "Nobody comes here"),
        {"id": "hook", "type": "webhook", "endpoint_id": null, "mode": "wait"}]);
    let unfinished = document(&blocks, &[("start", "next", "hello"), ("hello", "next", "hook")]);
    let saved = server.api().put(&format!("/scenarios/{}/draft", bot.scenario), &unfinished).expect(200);
    let problem = |code: &str| {
        let all = saved["problems"].as_array().unwrap();
        all.iter().find(|p| p["code"] == code).unwrap_or_else(|| panic!("no {code}: {all:#?}")).clone()
    };
    assert_eq!(problem("unreachable_block")["block_id"], "island");
    assert_eq!(problem("no_webhook_chosen")["block_id"], "hook");
    assert_eq!(problem("unknown_attribute")["block_id"], "hello");
    assert_eq!(saved["draft_revision"], 2);

    let refused = bot.publish().expect_problem(422);
    assert_eq!(refused["type"], "/problems/scenario-invalid");
    let blocks: Vec<&str> =
        refused["problems"].as_array().unwrap().iter().filter_map(|p| p["block_id"].as_str()).collect();
    assert!(blocks.contains(&"island") && blocks.contains(&"hook"), "{refused}");
    let tested = server.api().post(&format!("/scenarios/{}/test", bot.scenario), &json!({}));
    assert_eq!(tested.expect_problem(422)["type"], "/problems/scenario-invalid");
    let scenario = server.api().get(&format!("/scenarios/{}", bot.scenario)).expect(200);
    assert_eq!((&scenario["published"], &scenario["active"]), (&Value::Null, &json!(false)));
}

#[test]
fn two_editors_do_not_overwrite_each_other() {
    let server = Server::start();
    let bot = Bot::with_draft(&server.api(), &echo());
    let path = format!("/scenarios/{}/draft", bot.scenario);
    let one = server.api().put(&format!("{path}?revision=1"), &echo()).expect(200);
    assert_eq!(one["draft_revision"], 2);
    let refused = server.api().put(&format!("{path}?revision=1"), &echo()).expect_problem(409);
    assert_eq!(refused["type"], "/problems/draft-changed");
    server.api().put(&format!("{path}?revision=2"), &echo()).expect(200);
    assert_eq!(server.api().put(&path, &echo()).expect(200)["draft_revision"], 4);
    server.api().put(&format!("{path}?revision=x"), &echo()).expect_problem(400);
    server.api().put(&format!("{path}?version=4"), &echo()).expect_problem(400);
}

#[test]
fn an_exported_scenario_can_be_imported_elsewhere() {
    let server = Server::start();
    let mut original = echo();
    original["attributes"] = json!([{"name": "order_no", "label": "Sipariş no", "default": 7}]);
    original["blocks"][1]["position"] = json!({"x": 12.5, "y": -3});
    original["blocks"][1]["title"] = json!("Karşılama");
    let bot = Bot::create(&server.api(), &original);
    let exported = server.api().get(&format!("/scenarios/{}/export", bot.scenario));
    assert!(exported.header("content-disposition").unwrap().starts_with("attachment"), "{:?}", exported.headers);
    let exported = exported.expect(200);
    assert_eq!(exported["name"], "Flow");

    let other = Server::start();
    let copy = Bot::with_draft(&other.api(), &exported);
    let again = other.api().get(&format!("/scenarios/{}/export", copy.scenario)).expect(200);
    assert_eq!(again, exported);
    for part in ["attributes", "edges"] {
        assert_eq!(again[part], original[part]);
    }
    assert_eq!(again["blocks"][1]["title"], "Karşılama");
    copy.publish().expect(200);
}

#[test]
fn the_schema_of_documents_is_served() {
    let server = Server::start();
    let schema = server.api_as(None).get("/scenario.schema.json").expect(200);
    assert!(schema["$schema"].as_str().is_some_and(|s| s.contains("json-schema.org")), "{}", schema["$schema"]);
    assert!(schema.to_string().contains("default_otherwise"));
}

#[test]
fn names_are_checked() {
    let server = Server::start();
    let bot = Bot::with_draft(&server.api(), &echo());
    let path = format!("/scenarios/{}", bot.scenario);
    for name in ["", "   ", &"x".repeat(201)] {
        server.api().patch(&path, &json!({"name": name})).expect_problem(422);
        server.api().post("/bots", &json!({"name": name})).expect_problem(422);
    }
    assert_eq!(server.api().patch(&path, &json!({"name": "Yeni"})).expect(200)["name"], "Yeni");
    assert_eq!(server.api().patch(&path, &json!({})).expect(200)["name"], "Yeni");
    server.api().patch(&path, &json!({"name": null})).expect_problem(422);
    server.api().patch(&path, &json!({"draft": {}})).expect_problem(422);
}
