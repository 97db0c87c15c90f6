//! Services that refuse, fail, hang or are not there.

use super::stage::Stage;
use crate::support::{Bot, Chat, Receiver, Reply, Server, document, eventually, says};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Answers with these statuses in turn; the last one stays.
fn in_turn(statuses: &'static [u16]) -> Receiver {
    let asked = AtomicUsize::new(0);
    Receiver::answering(move |_| {
        let turn = asked.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1);
        Reply::status(statuses[turn])
    })
}

fn statuses(delivery: &Value) -> Vec<u64> {
    let attempts = delivery["attempts"].as_array().unwrap().iter();
    attempts.map(|a| a["response"]["status"].as_u64().unwrap_or(0)).collect()
}

#[test]
fn a_refusal_leaves_by_client_error_at_once() {
    let receiver = in_turn(&[404]);
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port client_error 404"]);
    let delivery = stage.delivery();
    assert_eq!((&delivery["status"], statuses(&delivery)), (&json!("failed"), vec![404]), "{delivery}");
    assert!(stage.server.api().get("/events?type=delivery.failed").expect(200)["items"].as_array().unwrap().is_empty());
}

#[test]
fn a_short_failure_is_tried_again_quickly() {
    let receiver = in_turn(&[500, 429, 200]);
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port success 200 [none]"]);
    let delivery = stage.delivery();
    assert_eq!((&delivery["status"], statuses(&delivery)), (&json!("delivered"), vec![500, 429, 200]), "{delivery}");
    let at: Vec<Instant> = receiver.requests().iter().map(|r| r.at).collect();
    let pauses = [at[1] - at[0], at[2] - at[1]];
    assert!(pauses[0] >= Duration::from_millis(450) && pauses[1] >= Duration::from_millis(950), "{pauses:?}");
    assert!(pauses[0] < Duration::from_secs(3) && pauses[1] < Duration::from_secs(3), "{pauses:?}");
    let ids: Vec<_> = receiver.requests().iter().map(|r| r.webhook_id().to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_lasting_failure_leaves_by_server_error_after_four_attempts() {
    let receiver = in_turn(&[503]);
    let stage = Stage::asking(&receiver, &json!({}));
    let chat = stage.chat();
    let begun = Instant::now();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port server_error"]);
    assert!(begun.elapsed() >= Duration::from_millis(3_400), "{:?}", begun.elapsed());
    let delivery = stage.delivery();
    assert_eq!((&delivery["status"], statuses(&delivery)), (&json!("failed"), vec![503; 4]), "{delivery}");
}

#[test]
fn a_service_that_hangs_leaves_by_timeout_and_its_late_answer_is_not_said() {
    let receiver = Receiver::answering(|_| {
        Reply::ok().body(r#"{"messages":[{"type":"text","text":"late"}]}"#).after(Duration::from_secs(4))
    });
    let stage = Stage::asking(&receiver, &json!({"timeout_ms": 1_000}));
    let chat = stage.chat();
    let begun = Instant::now();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port timeout"]);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(950) && waited < Duration::from_secs(4), "{waited:?}");
    let delivery = eventually("the delivery has ended", Duration::from_secs(10), || {
        Some(stage.delivery()).filter(|d| d["status"] == "failed")
    });
    assert_eq!(delivery["attempts"][0]["reason_code"], "timeout", "{delivery}");

    // A retry by hand is recorded, and never said.
    receiver.answer_with(|_| Reply::ok().body(r#"{"messages":[{"type":"text","text":"by hand"}]}"#));
    let path = format!("/deliveries/{}/retry", crate::support::text(&delivery["id"]));
    stage.server.api().post(&path, &json!({})).expect(202);
    let delivery = eventually("the retry is recorded", Duration::from_secs(10), || {
        Some(stage.delivery()).filter(|d| d["attempt_count"] == 2)
    });
    assert_eq!((&delivery["status"], &delivery["attempts"][1]["manual"]), (&json!("delivered"), &json!(true)));
    assert_eq!(chat.lines().len(), 3);
}

#[test]
fn a_slow_service_has_the_whole_of_the_blocks_timeout() {
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(17)));
    let stage = Stage::asking(&receiver, &json!({"timeout_ms": 40_000}));
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port success 200 [none]"]);
    assert_eq!(stage.delivery()["attempt_count"], 1);
}

#[test]
fn a_service_that_is_not_there_leaves_by_server_error() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stage = Stage::at(&format!("http://127.0.0.1:{port}/"), &json!({"timeout_ms": 2_000}));
    let chat = stage.chat();
    chat.say("go");
    chat.reads(&["bot: Hello!", "contact: go", "bot: port server_error"]);
    let delivery = stage.delivery();
    assert_eq!(delivery["attempts"][0]["reason_code"], "refused", "{delivery}");
    assert_eq!(delivery["attempt_count"], 3, "at 0, 0.5 and 1.5 s");
}

#[test]
fn an_error_port_without_an_edge_falls_to_default_otherwise() {
    let server = Server::start();
    let receiver = in_turn(&[400]);
    let endpoint = server.api().create_endpoint_with(&receiver.url(), json!({"event_types": []}));
    let blocks = json!([{"id": "hook", "type": "webhook", "endpoint_id": endpoint["id"], "mode": "wait"},
        {"id": "else", "type": "default_otherwise"}, says("sorry", "Sorry, {{webhook.error}}.")]);
    let document = document(&blocks, &[("start", "next", "hook"), ("else", "next", "sorry")]);
    let bot = Bot::create(&server.api(), &document);
    Chat::start(&server, &bot).reads(&["bot: Sorry, the service answered with status 400."]);
}

#[test]
fn a_paused_webhook_times_out_and_a_disabled_or_deleted_one_fails_at_once() {
    let receiver = Receiver::start();
    let stage = Stage::asking(&receiver, &json!({"timeout_ms": 1_000}));
    let api = stage.server.api();
    let path = format!("/endpoints/{}", stage.endpoint);
    let chat = stage.chat();

    api.patch(&path, &json!({"status": "paused"})).expect(200);
    chat.say("paused");
    chat.reads(&["bot: Hello!", "contact: paused", "bot: port timeout"]);
    api.patch(&path, &json!({"status": "disabled"})).expect(200);
    let begun = Instant::now();
    chat.say("disabled");
    assert_eq!(chat.lines().last().unwrap(), "bot: port server_error");
    api.patch(&path, &json!({"status": "active"})).expect(200);
    // What could not be sent in time is given up, and not sent late.
    eventually("the paused delivery has ended", Duration::from_secs(10), || {
        stage.deliveries().iter().all(|d| d["status"] == "failed").then_some(())
    });
    api.delete(&path).expect(204);
    chat.say("deleted");
    assert_eq!(chat.lines().last().unwrap(), "bot: port server_error");
    assert!(begun.elapsed() < Duration::from_secs(11));
    assert!(receiver.requests().is_empty());
    let notes = stage.notes(&chat);
    assert!(notes.iter().any(|n| n.contains("disabled")) && notes.iter().any(|n| n.contains("deleted")), "{notes:?}");
}
