//! What belongs to another project is not there.

use crate::support::{Bot, Chat, Server, echo};
use serde_json::json;

#[test]
fn ids_of_another_project_answer_404_everywhere() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let chat = Chat::start(&server, &bot);
    chat.say("secret");
    let stranger = server.api().create_project("Stranger");
    let own = Bot::create(&stranger, &echo());
    let (bot_path, scenario) = (format!("/bots/{}", bot.id), format!("/scenarios/{}", bot.scenario));
    let conversation = format!("/conversations/{}", chat.id);

    for path in [
        bot_path.clone(),
        format!("{bot_path}/scenarios"),
        scenario.clone(),
        format!("{scenario}/versions"),
        format!("{scenario}/export"),
        conversation.clone(),
        format!("{conversation}/messages"),
        format!("/conversations/live?conversation_id={}", chat.id),
    ] {
        stranger.get(&path).expect_problem(404);
    }
    stranger.patch(&bot_path, &json!({"name": "Mine"})).expect_problem(404);
    stranger.delete(&bot_path).expect_problem(404);
    stranger.post(&format!("{bot_path}/scenarios"), &json!({"name": "x"})).expect_problem(404);
    stranger.patch(&scenario, &json!({"name": "Mine"})).expect_problem(404);
    stranger.put(&format!("{scenario}/draft"), &echo()).expect_problem(404);
    stranger.post(&format!("{scenario}/publish"), &json!({})).expect_problem(404);
    stranger.post(&format!("{scenario}/test"), &json!({})).expect_problem(404);
    stranger.delete(&scenario).expect_problem(404);
    let steal = json!({"active_scenario_id": bot.scenario});
    stranger.patch(&format!("/bots/{}", own.id), &steal).expect_problem(422);

    for list in ["/bots", "/scenarios"] {
        assert_eq!(stranger.all(list).len(), 1, "{list}");
    }
    assert!(stranger.all("/conversations").is_empty());
    assert!(stranger.all(&format!("/conversations?bot_id={}", bot.id)).is_empty());
    assert_eq!(chat.lines().len(), 3);
    // A block that names another project's webhook cannot be published.
    let endpoint = server.api().create_endpoint("http://127.0.0.1:9/");
    let blocks = json!([{"id": "hook", "type": "webhook", "endpoint_id": endpoint["id"], "mode": "notify"}]);
    let document = crate::support::document(&blocks, &[("start", "next", "hook")]);
    let refused = Bot::with_draft(&stranger, &document).publish().expect_problem(422);
    assert_eq!(refused["problems"][0]["code"], "unknown_webhook", "{refused}");
}
