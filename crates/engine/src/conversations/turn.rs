//! A turn: inputs go in, `advance` says what follows, and messages, events, deliveries, state and timer are gathered for
//! one commit. Nothing is visible to anybody before that commit; a turn that is dropped leaves no trace.

use super::store::Loaded;
use super::{ChatSignal, PanelSignal, data};
use crate::Engine;
use crate::errors::{EngineError, Result};
use crate::events::{Audience, Prepared, Publication};
use jiff::Timestamp;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::events::{Because, BuiltIn, EventData, OrderingKey};
use kanca_domain::ids::EndpointId;
use kanca_domain::scenario::{ChoiceRef, Effect, Input, OfferedChoice, Wait, WebhookMode, WebhookOutcome, advance};
use kanca_storage::StorageError;
use kanca_storage::conversations::{
    ContactRecord, ConversationSummary, MessageRecord, Sender, Timer, Turn as StoredTurn,
};
use kanca_storage::deliveries::{Outcome, Recorded, Waiter};
use kanca_storage::events::{Accepted, Explanation};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The token of the engine's own timer: it ends a wait whose delivery could not be attempted (a paused webhook).
/// `advance` numbers its timers from 1.
pub(super) const WATCHDOG: u64 = 0;
/// How long after the block's timeout the watchdog looks.
const WATCHDOG_GRACE: Duration = Duration::from_secs(1);

/// What happens in one commit.
pub(super) struct Turn<'e> {
    engine: &'e Engine,
    pub loaded: Loaded,
    now: Timestamp,
    inputs: VecDeque<Input>,
    messages: Vec<MessageRecord>,
    prepared: Vec<Prepared>,
    /// Attributes of the contact that this turn sets; `None` when it leaves the contact alone.
    contact: Option<Map<String, Value>>,
}

impl<'e> Turn<'e> {
    /// A turn on a copy of the conversation; the copy takes the original's place when the commit is done.
    pub fn new(engine: &'e Engine, loaded: Loaded) -> Self {
        let now = engine.clock.now();
        Self { engine, loaded, now, inputs: VecDeque::new(), messages: Vec::new(), prepared: Vec::new(), contact: None }
    }

    /// The first turn stores the contact, too.
    pub fn first(engine: &'e Engine, loaded: Loaded) -> Self {
        let mut turn = Self::new(engine, loaded);
        turn.contact = Some(turn.loaded.contact.attributes.clone());
        turn
    }

    /// Adds a message of the visitor with its event. Whether the scenario gets it now or later is up to the caller.
    pub fn receive(&mut self, client_id: String, text: String, choice: Option<&ChoiceRef>) -> MessageRecord {
        let mut extra = Map::new();
        if let Some(choice) = choice {
            extra.insert("choice".into(), json!(format!("{}/{}", choice.block, choice.choice)));
        }
        let mut message = self.message(Sender::Contact, text, None);
        message.client_id = Some(client_id);
        message.extra = extra;
        let event = json!({"message": data::message(&message)});
        self.add(message.clone());
        self.emit(BuiltIn::MessageReceived, event);
        message
    }

    /// Gives the scenario a message of the visitor.
    pub fn answer(&mut self, message: &MessageRecord) {
        self.loaded.record.processed_seq = message.seq;
        self.loaded.last_received = Some(message.clone());
        let choice = message.extra.get("choice").and_then(Value::as_str).and_then(ChoiceRef::parse);
        self.run(Input::Message { text: message.text.clone(), choice });
    }

    /// Runs the scenario on an input, and on what the engine itself answers to its effects.
    pub fn run(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            let state = std::mem::take(&mut self.loaded.state);
            let (state, effects) = advance(&self.loaded.scenario, state, input);
            self.loaded.state = state;
            for effect in effects {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Enter { block } => self.loaded.record.block_id = Some(block),
            Effect::Say { block, text } => self.say(&block, text, Map::new()),
            Effect::Ask { block, text, choices, style } => {
                let mut extra = Map::new();
                if !choices.is_empty() {
                    extra.insert("choices".into(), choices_json(&choices));
                    extra.insert("choice_style".into(), json!(style));
                }
                self.say(&block, text, extra);
            }
            Effect::Call { block, call, endpoint, mode, timeout_ms, data } => {
                self.call(&block, call, endpoint, mode, timeout_ms, &data);
            }
            Effect::StartTimer { token, after_ms, .. } => {
                self.set_timer(token, Duration::from_millis(u64::from(after_ms)));
            }
            Effect::Keyword { block, branch, keyword } => self.emit(
                BuiltIn::ConversationKeyword,
                json!({"block_id": block, "branch_id": branch, "keyword": keyword, "message": self.last_received()}),
            ),
            Effect::Idle { block } => self.emit(BuiltIn::ConversationIdle, json!({"block_id": block})),
            Effect::Assigned { names } => self.assign(&names),
            Effect::Unanswered { .. } => {
                self.note(None, "Nothing in the scenario answers this message, and there is no default otherwise.");
            }
            Effect::Error { message, block, .. } => self.note(block, &message),
            Effect::End => {
                self.loaded.record.ended = true;
                self.loaded.record.timer = None;
                self.emit(BuiltIn::ConversationEnded, json!({}));
            }
        }
    }

    fn say(&mut self, block: &str, text: String, extra: Map<String, Value>) {
        let mut message = self.message(Sender::Bot, text, Some(block.to_owned()));
        message.extra = extra;
        let event = json!({"message": data::message(&message), "block_id": block});
        self.add(message);
        self.emit(BuiltIn::MessageSent, event);
    }

    /// A remark that the panel shows and the visitor does not see.
    pub fn note(&mut self, block: Option<String>, text: &str) {
        let note = self.message(Sender::Note, text.to_owned(), block);
        self.messages.push(note);
    }

    fn add(&mut self, message: MessageRecord) {
        self.loaded.message_count += 1;
        self.loaded.last_message = Some(message.clone());
        self.messages.push(message);
    }

    fn message(&mut self, from: Sender, text: String, block_id: Option<String>) -> MessageRecord {
        self.loaded.record.last_seq += 1;
        MessageRecord {
            id: self.engine.ids.next(),
            conversation_id: self.loaded.record.id,
            seq: self.loaded.record.last_seq,
            from,
            text,
            extra: Map::new(),
            block_id,
            client_id: None,
            created_at: self.now,
        }
    }

    fn last_received(&self) -> Value {
        self.loaded.last_received.as_ref().map_or(Value::Null, data::message)
    }

    fn assign(&mut self, names: &[String]) {
        let changed = self.contact.get_or_insert_default();
        for name in names {
            if let Some(value) = self.loaded.state.attributes.get(name) {
                changed.insert(name.clone(), value.clone());
                self.loaded.contact.attributes.insert(name.clone(), value.clone());
            }
        }
        self.loaded.contact.updated_at = self.now;
        self.emit(BuiltIn::ContactUpdated, json!({"changed": names}));
    }

    fn set_timer(&mut self, token: u64, after: Duration) {
        self.loaded.record.timer = Some(Timer { due: self.engine.plan.now() + after, token });
    }

    fn call(
        &mut self,
        block: &str,
        call: u64,
        endpoint_id: EndpointId,
        mode: WebhookMode,
        timeout_ms: u32,
        all: &Map<String, Value>,
    ) {
        let endpoint = self.engine.endpoint(self.loaded.record.project_id, endpoint_id).ok();
        let waits = mode == WebhookMode::Wait;
        let refusal = match endpoint.as_ref().map(|e| e.record.status) {
            None => Some(Because::BlockWebhookDeleted),
            Some(EndpointStatus::Disabled) => Some(Because::BlockWebhookDisabled),
            Some(_) => None,
        };
        let audience = match (endpoint, refusal) {
            (Some(endpoint), None) => {
                let timeout = Duration::from_millis(u64::from(timeout_ms));
                let waiter = waits.then(|| Waiter {
                    conversation_id: self.loaded.record.id,
                    call,
                    deadline: self.engine.plan.now() + timeout,
                });
                if waits {
                    let attempted = endpoint.sends();
                    self.set_timer(WATCHDOG, timeout + if attempted { WATCHDOG_GRACE } else { Duration::ZERO });
                }
                Audience::Only(endpoint, waiter)
            }
            (_, refusal) => {
                let told = Explanation::of_endpoint(endpoint_id, None, refusal.unwrap_or(Because::BlockWebhookDeleted));
                self.note(Some(block.to_owned()), &told.reason);
                if waits {
                    let outcome = WebhookOutcome::server_error(&told.reason);
                    self.inputs.push_back(Input::Answer { call, outcome });
                }
                Audience::Nobody(told)
            }
        };
        let (attributes, answer) = data::attributes_and_answer(all);
        let extra = json!({
            "block_id": block, "message": self.last_received(), "attributes": attributes, "answer": answer,
        });
        self.emit_to(BuiltIn::ConversationWebhook, extra, &audience);
    }

    /// Adds an event about this conversation for everybody who subscribes.
    pub fn emit(&mut self, event: BuiltIn, extra: Value) {
        self.emit_to(event, extra, &Audience::Subscribers);
    }

    fn emit_to(&mut self, event: BuiltIn, extra: Value, audience: &Audience) {
        let mut data = data::base(&self.loaded);
        if let Value::Object(extra) = extra {
            data.extend(extra);
        }
        let text = Value::Object(data).to_string();
        let (Ok(data), Ok(key)) =
            (EventData::parse(text.as_bytes()), self.loaded.record.id.to_string().parse::<OrderingKey>())
        else {
            tracing::error!(conversation = %self.loaded.record.id, event = event.name(), "an event's data is not valid");
            return;
        };
        let publication = Publication {
            event_type: event.event_type(),
            data,
            timestamp: None,
            ordering_key: Some(key),
            idempotency_key: None,
            hops: 0,
        };
        self.prepared.push(self.engine.prepare(self.loaded.record.project_id, publication, audience));
    }

    /// Commits the turn. On success the conversation in memory is the new one, jobs are started and listeners told.
    pub async fn commit(mut self, outcome: Option<Outcome>) -> Result<(Loaded, Option<Recorded>), StorageError> {
        let record = &mut self.loaded.record;
        record.revision += 1;
        record.updated_at = self.now;
        record.state = serde_json::to_string(&self.loaded.state).map_err(|e| StorageError::Internal(e.to_string()))?;
        if !matches!(self.loaded.state.wait, Wait::Webhook { .. }) {
            record.timer = record.timer.filter(|t| t.token != WATCHDOG);
        }
        if record.processed_seq < record.last_seq && !self.loaded.state.is_busy() {
            record.processed_seq = record.last_seq;
        }
        // They stay here while filters are asked: a call that is dropped meanwhile gives back what they reserved.
        self.engine.sift(&mut self.prepared).await;
        let prepared = std::mem::take(&mut self.prepared);
        let (events, jobs): (Vec<_>, Vec<_>) = prepared.into_iter().map(|p| (p.event, p.jobs)).unzip();
        let stored = StoredTurn {
            conversation: record.clone(),
            contact: self.contact.take().map(|attributes| ContactRecord { attributes, ..self.loaded.contact.clone() }),
            messages: self.messages.clone(),
            events,
            outcome,
        };
        let dispatcher = &self.engine.dispatcher;
        let stored = match self.engine.storage.commit_turn(stored).await {
            Ok(stored) => stored,
            Err(error) => {
                for jobs in jobs {
                    dispatcher.drop_claims(jobs);
                }
                return Err(error);
            }
        };
        for (accepted, jobs) in stored.events.iter().zip(jobs) {
            match accepted {
                Accepted::New { held } => dispatcher.start(self.engine, jobs, held),
                _ => dispatcher.drop_claims(jobs),
            }
        }
        let loaded = self.loaded.clone();
        self.engine.tell(&loaded, std::mem::take(&mut self.messages));
        Ok((loaded, stored.outcome))
    }
}

impl Drop for Turn<'_> {
    /// A turn that was never committed gives back the memory reserved for its deliveries.
    fn drop(&mut self) {
        for prepared in self.prepared.drain(..) {
            self.engine.dispatcher.drop_claims(prepared.jobs);
        }
    }
}

impl Engine {
    /// Tells listeners what a turn brought, and the timer service when to look.
    fn tell(&self, loaded: &Loaded, messages: Vec<MessageRecord>) {
        let (id, project) = (loaded.record.id, loaded.record.project_id);
        if loaded.record.timer.is_some() {
            self.conversations.timer_set.notify_one();
        }
        for message in messages.into_iter().map(Arc::new) {
            if message.from != Sender::Note {
                self.chat_live.publish(id, ChatSignal::Message(message.clone()));
            }
            self.panel_live.publish(project, PanelSignal::Message(message));
        }
        if loaded.record.ended {
            self.chat_live.publish(id, ChatSignal::Ended);
        } else if loaded.state.is_busy() {
            self.chat_live.publish(id, ChatSignal::Typing);
        }
        if self.panel_live.has_listeners(project) {
            let standing = ConversationSummary {
                conversation: loaded.record.clone(),
                contact: loaded.contact.clone(),
                last_message: loaded.last_message.clone(),
                message_count: loaded.message_count,
            };
            self.panel_live.publish(project, PanelSignal::Conversation(Arc::new(standing)));
        }
    }

    /// Gives the scenario what the visitor wrote while it was busy, as far as it is not busy again.
    pub(super) async fn catch_up(&self, turn: &mut Turn<'_>) -> Result<()> {
        let record = &turn.loaded.record;
        if turn.loaded.state.is_busy() || record.ended {
            return Ok(());
        }
        let kept = self.storage.messages(record.project_id, record.id, record.processed_seq, 1_000).await?;
        for message in kept.iter().filter(|m| m.from == Sender::Contact) {
            if turn.loaded.state.is_busy() || turn.loaded.record.ended {
                break;
            }
            turn.answer(message);
        }
        Ok(())
    }
}

fn choices_json(choices: &[OfferedChoice]) -> Value {
    serde_json::to_value(choices).unwrap_or(Value::Null)
}

impl From<&EngineError> for StorageError {
    fn from(error: &EngineError) -> Self {
        Self::Internal(error.to_string())
    }
}
