use super::support::{World, answer, eventually, refused, status};
use jiff::SignedDuration;
use kanca_domain::ids::{BotId, ConversationId, EndpointId};
use kanca_engine::conversations::{ChatSession, NewConversation, Said, Visitor};
use kanca_engine::ports::Clock as _;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

fn text(id: &str, says: &str) -> Value {
    json!({"id": id, "type": "text", "messages": [{"text": says, "delay_ms": 0}], "position": {"x": 0, "y": 0}})
}

fn block(id: &str, kind: &str, mut fields: Value) -> Value {
    let mut block = json!({"id": id, "type": kind, "position": {"x": 0, "y": 0}});
    block.as_object_mut().unwrap().append(fields.as_object_mut().unwrap());
    block
}

fn edge(from: &str, port: &str, to: &str) -> Value {
    json!({"from": from, "port": port, "to": to})
}

/// A bot that asks a webhook and waits.
fn waiting(endpoint: EndpointId) -> Value {
    json!({"schema": "kanca.scenario/1", "attributes": [],
        "blocks": [
            block("start", "start", json!({})),
            block("hook", "webhook", json!({"endpoint_id": endpoint, "mode": "wait", "timeout_ms": 10_000, "mappings": []})),
            text("yes", "It worked"), text("no", "It failed"),
            block("otherwise", "default_otherwise", json!({})), text("sorry", "Sorry"),
        ],
        "edges": [edge("start", "next", "hook"), edge("hook", "success", "yes"), edge("hook", "server_error", "no"),
            edge("hook", "timeout", "no"), edge("hook", "client_error", "no"), edge("otherwise", "next", "sorry")]})
}

impl World {
    async fn bot(&self, document: Value) -> BotId {
        let (bot, _) = self.engine.create_bot(self.project(), "Bot".into(), None).await.unwrap();
        let scenario =
            self.engine.create_scenario(self.project(), bot.id, "Main".into(), Some(document)).await.unwrap().scenario;
        self.engine.publish_scenario(self.project(), scenario.id).await.unwrap();
        bot.id
    }

    async fn chat(&self, bot: BotId) -> ChatSession {
        let bot = self.engine.bot_for_chat(bot, None).unwrap();
        self.engine.start_conversation(&bot, NewConversation::default(), CLIENT).await.unwrap()
    }

    async fn say(&self, chat: &ChatSession, n: u32, text: &str) {
        let said = Said { client_id: format!("m{n}"), text: text.into(), choice: None };
        let visitor = Visitor { token: chat.token.clone(), origin: None, client: CLIENT };
        self.engine.receive(chat.id, &visitor, &said).await.unwrap();
    }

    async fn heard(&self, id: ConversationId) -> Vec<String> {
        let messages = self.engine.chat_messages(self.project(), id, 0, 100).await.unwrap();
        messages.into_iter().map(|m| m.text).collect()
    }
}

#[tokio::test]
async fn an_answer_comes_back_after_a_restart_in_between() {
    let world = World::new().await;
    world.service_answers(|_| status(503));
    let endpoint = world.endpoint("service", &[]).await;
    let bot = world.bot(waiting(endpoint.record.id)).await;
    let chat = world.chat(bot).await;
    eventually("the first attempt failed", async || world.service.seen.lock().len() == 1).await;
    world.say(&chat, 1, "are you there?").await;
    assert_eq!(world.heard(chat.id).await, ["are you there?"], "the bot is busy and keeps the message");

    let world = world.restart().await;
    world.service_answers(|_| answer(200, r#"{"messages":[{"type":"text","text":"On its way"}]}"#));
    world.pass(Duration::from_millis(600));
    eventually("answer, port, then the visitor's message", async || {
        world.heard(chat.id).await == ["are you there?", "On its way", "It worked", "Sorry"]
    })
    .await;
}

#[tokio::test]
async fn a_service_that_stays_away_leads_to_the_error_path() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    let endpoint = world.endpoint("gone", &[]).await;
    let bot = world.bot(waiting(endpoint.record.id)).await;
    let chat = world.chat(bot).await;
    eventually("the error path", async || {
        world.pass(Duration::from_millis(50));
        world.heard(chat.id).await == ["It failed"]
    })
    .await;
    assert!((2..=4).contains(&world.service.seen.lock().len()));
}

#[tokio::test]
async fn a_paused_webhook_ends_the_wait_by_its_timeout() {
    let world = World::new().await;
    let endpoint = world.endpoint("paused", &[]).await;
    let patch = kanca_engine::endpoints::EndpointPatch {
        status: Some(kanca_domain::endpoints::EndpointStatus::Paused),
        ..Default::default()
    };
    world.engine.patch_endpoint(world.project(), endpoint.record.id, patch).await.unwrap();
    let bot = world.bot(waiting(endpoint.record.id)).await;
    let chat = world.chat(bot).await;
    world.pass(Duration::from_secs(12));
    eventually("the timeout path", async || world.heard(chat.id).await == ["It failed"]).await;
    assert!(world.service.seen.lock().is_empty());
}

#[tokio::test]
async fn delays_and_silence_are_timers_that_survive_a_restart() {
    let world = World::new().await;
    let document = json!({"schema": "kanca.scenario/1", "attributes": [],
        "blocks": [
            block("start", "start", json!({})),
            block("slow", "text", json!({"messages": [{"text": "One", "delay_ms": 0}, {"text": "Two", "delay_ms": 30_000}]})),
            block("ask", "question", json!({"text": "Well?", "validate": {"kind": "any"}, "attempts": null})),
            block("silence", "default_timeout", json!({"after_ms": 60_000})), text("there", "Still there?"),
            block("otherwise", "default_otherwise", json!({})), text("sorry", "Sorry"),
        ],
        "edges": [edge("start", "next", "slow"), edge("slow", "next", "ask"), edge("silence", "next", "there"),
            edge("otherwise", "next", "sorry")]});
    let bot = world.bot(document).await;
    let chat = world.chat(bot).await;
    assert_eq!(world.heard(chat.id).await, ["One"]);
    let world = world.restart().await;
    world.pass(Duration::from_secs(31));
    eventually("the delayed message", async || world.heard(chat.id).await == ["One", "Two", "Well?"]).await;
    world.say(&chat, 1, "fine").await;
    let world = world.restart().await;
    let quiet_since = world.clock.now();
    world.turn_clock_to(quiet_since + SignedDuration::from_secs(61));
    eventually("the silence is noticed", async || {
        world.heard(chat.id).await.last().map(String::as_str) == Some("Still there?")
    })
    .await;
    let said = world.heard(chat.id).await.len();
    world.pass(Duration::from_hours(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.heard(chat.id).await.len(), said, "once for each silence");
}

#[tokio::test]
async fn a_clock_that_is_set_back_stalls_no_pause_and_no_silence() {
    for is_running in [true, false] {
        let world = World::new().await;
        let document = json!({"schema": "kanca.scenario/1", "attributes": [],
            "blocks": [
                block("start", "start", json!({})),
                block("slow", "text", json!({"messages": [{"text": "One", "delay_ms": 0}, {"text": "Two", "delay_ms": 30_000}]})),
                block("silence", "default_timeout", json!({"after_ms": 60_000})), text("there", "Still there?"),
                block("otherwise", "default_otherwise", json!({})), text("sorry", "Sorry"),
            ],
            "edges": [edge("start", "next", "slow"), edge("silence", "next", "there"), edge("otherwise", "next", "sorry")]});
        let bot = world.bot(document).await;
        let earlier = world.chat(bot).await;
        world.pass(Duration::from_secs(5));
        let chat = world.chat(bot).await;
        world.pass(Duration::from_secs(10));
        let day = SignedDuration::from_hours(24);
        let world = if is_running {
            world.set_clock(world.clock.now() - day);
            world
        } else {
            world.restart_with_clock_set_by(-day).await
        };
        world.pass(Duration::from_secs(16));
        eventually("the earlier one's message", async || world.heard(earlier.id).await == ["One", "Two"]).await;
        assert_eq!(world.heard(chat.id).await, ["One"], "not before its time");
        world.pass(Duration::from_secs(5));
        eventually("the delayed message", async || world.heard(chat.id).await == ["One", "Two"]).await;
        world.set_clock(world.clock.now() - day);
        world.pass(Duration::from_secs(61));
        eventually("the silence is noticed", async || world.heard(chat.id).await.last().unwrap() == "Still there?")
            .await;
    }
}

#[tokio::test]
async fn a_block_waits_as_long_as_it_says_when_the_clock_is_set_back() {
    let world = World::new().await;
    world.service_answers(|_| refused());
    let endpoint = world.endpoint("gone", &[]).await;
    let bot = world.bot(waiting(endpoint.record.id)).await;
    let chat = world.chat(bot).await;
    eventually("the first attempt failed", async || world.service.seen.lock().len() == 1).await;
    world.set_clock(world.clock.now() - SignedDuration::from_hours(24));
    eventually("the error path", async || {
        world.pass(Duration::from_millis(50));
        world.heard(chat.id).await == ["It failed"]
    })
    .await;
    assert!((2..=4).contains(&world.service.seen.lock().len()));
    let timeouts: Vec<_> = world.service.seen.lock().iter().map(|(_, request)| request.timeout).collect();
    assert!(timeouts.iter().all(|timeout| *timeout <= Duration::from_secs(10)), "{timeouts:?}");
}
