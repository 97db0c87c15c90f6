//! What a service may answer, and what becomes of it.

use super::stage::Stage;
use crate::support::{Receiver, Reply};
use serde_json::json;

/// What the bot says when the service answers so.
#[track_caller]
fn answered(content_type: Option<&str>, body: &str, said: &[&str]) {
    let (kind, body) = (content_type.map(str::to_owned), body.to_owned());
    let receiver = Receiver::answering(move |_| {
        let reply = Reply::ok().body(body.clone());
        kind.iter().fold(reply, |reply, kind| reply.header("Content-Type", kind))
    });
    let mappings = json!([{"path": "$.order.status", "attribute": "order.status"}]);
    let stage = Stage::asking(&receiver, &json!({"mappings": mappings}));
    let chat = stage.chat();
    chat.say("go");
    let mut expected = vec!["bot: Hello!", "contact: go"];
    expected.extend(said);
    chat.reads(&expected);
    let delivery = stage.delivery();
    assert_eq!(delivery["attempt_count"], 1, "{delivery}");
}

#[test]
fn messages_attributes_and_the_end_whatever_the_label() {
    let body = r#"{"messages":[{"type":"text","text":"One {{name}}"},{"type":"text","text":"<b>Two</b>"}]}"#;
    answered(Some("text/html"), body, &["bot: One {{name}}", "bot: <b>Two</b>", "bot: port success 200 [none]"]);
    let body = r#"{"attributes":{"order.status":"shipped"}}"#;
    answered(None, body, &["bot: port success 200 [shipped]"]);
    answered(Some("application/json"), r#"{"messages":[{"type":"text","text":"Bye"}],"end":true}"#, &["bot: Bye"]);
}

#[test]
fn plain_text_is_said() {
    answered(Some("text/plain; charset=utf-8"), "Kargoda.", &["bot: Kargoda.", "bot: port success 200 [none]"]);
}

#[test]
fn other_json_and_xml_are_mapped() {
    let json = r#"{"order":{"status":"on its way"}}"#;
    answered(Some("application/json"), json, &["bot: port success 200 [on its way]"]);
    answered(None, json, &["bot: port success 200 [on its way]"]);
    let xml = "<order><status>yolda</status></order>";
    answered(Some("application/xml"), xml, &["bot: port success 200 [yolda]"]);
    answered(Some("text/xml; charset=utf-8"), xml, &["bot: port success 200 [yolda]"]);
}

#[test]
fn an_empty_answer_or_a_page_says_nothing() {
    answered(None, "", &["bot: port success 200 [none]"]);
    answered(Some("text/html"), "<h1>It works!</h1>", &["bot: port success 200 [none]"]);
}

#[test]
fn what_is_labelled_json_or_xml_and_is_not_is_a_server_error() {
    answered(Some("application/json"), "{oops", &["bot: port server_error"]);
    answered(Some("application/xml"), "<order>", &["bot: port server_error"]);
}

#[test]
fn the_reason_of_an_unreadable_answer_is_noted() {
    let receiver = Receiver::answering(|_| Reply::ok().header("content-type", "application/json").body("{oops"));
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port server_error"]);
    let notes = stage.notes(&chat);
    assert!(notes.iter().any(|n| n.contains("labelled JSON")), "{notes:?}");
}

#[test]
fn an_answer_that_is_too_long_or_odd_is_cut_and_noted() {
    let messages: Vec<_> =
        (0..20).map(|n| json!({"type": "text", "text": format!("{n} {}", "x".repeat(5_000))})).collect();
    let attributes = json!({"message": "not yours", "webhook.status": 1, "1bad": 1, "fine": "yes"});
    let body = json!({"messages": messages, "attributes": attributes}).to_string();
    let receiver = Receiver::answering(move |_| Reply::ok().body(body.clone()));
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    chat.say("go");
    crate::support::eventually("it was answered", std::time::Duration::from_secs(10), || {
        (chat.messages().len() == 13).then_some(())
    });
    assert!(chat.messages().iter().all(|m| m["text"].as_str().unwrap().chars().count() <= 4_000));
    let shown = stage.server.api().get(&format!("/conversations/{}", chat.id)).expect(200);
    assert_eq!(shown["contact"]["attributes"], json!({"fine": "yes"}));
    assert!(stage.notes(&chat).len() >= 4, "{:?}", stage.notes(&chat));
}

#[test]
fn the_question_goes_through_the_transformation() {
    let receiver = Receiver::answering(|request| Reply::ok().body(request.body.clone()));
    let stage = Stage::asking(&receiver, &json!({}));
    let path = format!("/endpoints/{}", stage.endpoint);
    let says = "function transform(event) { return {body: {messages: [{type: 'text', text: event.type}]}} }";
    stage.server.api().patch(&path, &json!({"transformation": says})).expect(200);
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: conversation.webhook", "bot: port success 200 [none]"]);

    let skips = json!({"transformation": "function transform(event) { return null }"});
    stage.server.api().patch(&path, &skips).expect(200);
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port success 204 [none]"]);
    assert_eq!(receiver.requests().len(), 1);
}
