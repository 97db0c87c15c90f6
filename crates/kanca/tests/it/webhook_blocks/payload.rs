//! What a service is told, and that nobody else is.

use super::stage::asking;
use crate::support::{Bot, Chat, Receiver, Reply, Server};
use serde_json::{Value, json};

#[test]
fn the_call_says_where_it_comes_from_and_goes_to_its_own_endpoint_only() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(201).body("fine").header("content-type", "text/plain"));
    let everything = Receiver::start();
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"event_types": []}));
    api.create_endpoint_with(&everything.url(), json!({"event_types": null}));
    api.create_endpoint_with(&everything.url(), json!({"event_types": ["*"]}));
    api.create_endpoint_with(&everything.url(), json!({"event_types": ["conversation.*", "conversation.webhook"]}));
    let bot = Bot::create(&api, &asking(&endpoint["id"], &json!({})));
    let attributes = json!({"name": "Ada", "plan": {"level": 3}});
    let chat = Chat::start_with(&server, &bot, json!({"attributes": attributes}));
    chat.say("first");
    chat.reads(&["bot: Hello!", "contact: first", "bot: fine", "bot: port success 201 [none]"]);
    chat.say("second");
    chat.reads(&[
        "bot: Hello!",
        "contact: first",
        "bot: fine",
        "bot: port success 201 [none]",
        "contact: second",
        "bot: fine",
        "bot: port success 201 [none]",
    ]);

    let calls = receiver.requests();
    assert_eq!(calls.len(), 2);
    let shown = api.get(&format!("/conversations/{}", chat.id)).expect(200);
    let said: Vec<Value> = chat.messages().into_iter().filter(|m| m["from"] == "contact").collect();
    for (call, said) in calls.iter().zip(&said) {
        let body = call.json();
        assert_eq!(body["type"], "conversation.webhook");
        let data = &body["data"];
        assert_eq!(data["bot_id"], bot.id);
        assert_eq!(data["scenario_id"], bot.scenario);
        assert_eq!(data["version_id"], shown["version_id"]);
        assert_eq!(data["conversation_id"], chat.id);
        assert_eq!(data["contact"], json!({"id": shown["contact"]["id"], "attributes": attributes}));
        assert_eq!(data["block_id"], "hook");
        assert_eq!(data["attributes"], attributes);
        let expected =
            json!({"id": said["id"], "seq": said["seq"], "from": "contact", "type": "text", "text": said["text"]});
        assert_eq!(data["message"], expected);
        let event = api.event(call.webhook_id());
        assert_eq!((&event["ordering_key"], &event["data"]), (&json!(chat.id), data));
    }
    assert_eq!(calls[0].json()["data"]["answer"], Value::Null);
    assert_eq!(calls[1].json()["data"]["answer"], json!({"status": 201, "body": "fine", "error": null}));

    everything.wait_for(3);
    assert!(everything.requests().iter().all(|r| r.json()["type"] != "conversation.webhook"));
    let types: Vec<Value> = api.all("/events").iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types.iter().filter(|t| *t == "conversation.webhook").count(), 2, "{types:?}");
}

#[test]
fn the_answer_of_an_own_inbox_is_said() {
    let server = Server::start();
    let api = server.api();
    let response =
        json!({"status": 200, "headers": {}, "body": r#"{"messages":[{"type":"text","text":"from the inbox"}]}"#});
    let inbox = api.create_inbox(&json!({"name": "Mine", "response": response}));
    let endpoint = api.create_endpoint_with(inbox["url"].as_str().unwrap(), json!({"event_types": []}));
    let bot = Bot::create(&api, &asking(&endpoint["id"], &json!({})));
    let chat = Chat::start(&server, &bot);
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: from the inbox", "bot: port success 200 [none]"]);
    let captured = api.captured(&inbox);
    assert_eq!((captured.len(), &captured[0]["signature"]), (1, &json!("valid")), "{captured:?}");
}

#[test]
fn calls_come_in_the_endpoints_format() {
    let server = Server::start();
    let receiver = Receiver::start();
    let fields = json!({"event_types": [], "format": "xml"});
    let endpoint = server.api().create_endpoint_with(&receiver.url(), fields);
    let bot = Bot::create(&server.api(), &asking(&endpoint["id"], &json!({})));
    let chat = Chat::start(&server, &bot);
    chat.say("5 < 6 & \u{1}");
    let call = receiver.wait_for(1).remove(0);
    assert_eq!(call.header("content-type"), "application/xml; charset=utf-8");
    assert!(call.text().contains("5 &lt; 6 &amp; ") && !call.text().contains('\u{1}'), "{}", call.text());
}
