//! The visitor's side: open a conversation, say something, read, listen. Every call needs the conversation's own token.

use super::ChatSignal;
use super::store::Loaded;
use super::turn::Turn;
use crate::Engine;
use crate::errors::{EngineError, FieldError, Result};
use crate::secrets;
use crate::webhook_answers;
use hmac::{Hmac, KeyInit, Mac};
use kanca_domain::events::BuiltIn;
use kanca_domain::ids::{BotId, ConversationId, MessageId, ProjectId, ScenarioId, VersionId};
use kanca_domain::scenario::{ChoiceRef, Input, State, Wait, names};
use kanca_storage::StorageError;
use kanca_storage::conversations::{ContactRecord, ConversationRecord, MessageRecord, Sender};
use kanca_storage::deliveries::{Outcome, Recorded, Waiter};
use kanca_storage::scenarios::BotRecord;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Characters of a message at most.
pub const MAX_TEXT: usize = 4_000;
/// Attributes that a page may tell of its visitor in one call.
const MAX_ATTRIBUTES: usize = 50;

/// What a page says when it opens a conversation.
#[derive(Debug, Clone, Default)]
pub struct NewConversation {
    pub attributes: Map<String, Value>,
    pub external_id: Option<String>,
    /// HMAC-SHA256 of the external id under the bot's identity secret, in hex.
    pub identity_hash: Option<String>,
}

/// The key to one conversation: shown once, stored hashed.
#[derive(Debug, Clone)]
pub struct ChatSession {
    pub id: ConversationId,
    pub token: String,
}

/// What a visitor says.
#[derive(Debug, Clone)]
pub struct Said {
    /// The visitor's own id of the message; the same again gives the same answer.
    pub client_id: String,
    pub text: String,
    pub choice: Option<String>,
}

/// A message that is durable now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    pub id: MessageId,
    pub seq: u64,
}

impl Engine {
    /// The bot a page wants to talk to, unless its origin may not.
    pub fn bot_for_chat(&self, id: BotId, origin: Option<&str>) -> Result<std::sync::Arc<BotRecord>> {
        let bot = self.snapshot.load().bots.get(&id).cloned().ok_or(EngineError::NotFound("bot"))?;
        let allowed = &bot.allowed_origins;
        let own = origin.is_none() || origin == Some(self.settings.public_url.as_str());
        if allowed.is_empty() || own || allowed.iter().any(|a| Some(a.as_str()) == origin) {
            return Ok(bot);
        }
        Err(EngineError::Forbidden(
            "This bot does not talk on this site. Its owner can add the site's origin in the bot's settings.".into(),
        ))
    }

    /// Opens a conversation with the bot's active scenario.
    pub async fn start_conversation(
        &self,
        bot: &BotRecord,
        new: NewConversation,
        client: IpAddr,
    ) -> Result<ChatSession> {
        self.accepts_public_work()?;
        self.limits.conversations_per_client.check(&client)?;
        let unpublished = || {
            EngineError::conflict(
                "bot-not-published",
                "This bot has no published scenario yet. Publish one in the panel, then try again.",
            )
        };
        let scenario_id = bot.active_scenario_id.ok_or_else(unpublished)?;
        let scenario = self.storage.scenario(bot.project_id, scenario_id).await?.ok_or_else(unpublished)?;
        let version_id = scenario.published.ok_or_else(unpublished)?.version_id;
        self.open(bot, scenario_id, version_id, new, false).await
    }

    pub(crate) async fn open(
        &self,
        bot: &BotRecord,
        scenario_id: ScenarioId,
        version_id: VersionId,
        new: NewConversation,
        test: bool,
    ) -> Result<ChatSession> {
        check_attributes(&new.attributes)?;
        let now = self.clock.now();
        let (mut contact, known) = self.contact(bot, &new).await?;
        let attributes =
            if known { contact.attributes.clone().into_iter().chain(new.attributes).collect() } else { new.attributes };
        let token = secrets::token("", &*self.random);
        let record = ConversationRecord {
            id: self.ids.next(),
            project_id: bot.project_id,
            bot_id: bot.id,
            scenario_id,
            version_id,
            contact_id: contact.id,
            token_hash: secrets::hash(&token),
            ended: false,
            test,
            state: String::new(),
            revision: 0,
            last_seq: 0,
            processed_seq: 0,
            timer: None,
            block_id: None,
            created_at: now,
            updated_at: now,
        };
        let id = record.id;
        let version = self.storage.version(bot.project_id, version_id).await?;
        let version = version.ok_or(EngineError::NotFound("version"))?;
        let scenario = self.compiled(version.id, &version.document)?;
        contact.attributes = attributes.clone();
        let loaded = Loaded { record, contact, state: State::default(), scenario, last_received: None };
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let mut turn = Turn::new(self, loaded).with_contact();
        if !known {
            turn.emit(BuiltIn::ContactCreated, json!({}));
        }
        turn.emit(BuiltIn::ConversationStarted, json!({}));
        turn.run(Input::Start { attributes });
        let (loaded, _) = turn.commit(None).await.map_err(|e| self.note_storage(e))?;
        *slot = Some(loaded);
        Ok(ChatSession { id, token })
    }

    /// The contact of a new conversation, and whether it was known before.
    async fn contact(&self, bot: &BotRecord, new: &NewConversation) -> Result<(ContactRecord, bool)> {
        let external_id = self.verified_external_id(bot, new)?;
        if let Some(external_id) = &external_id
            && let Some(known) = self.storage.contact_by_external_id(bot.id, external_id).await?
        {
            return Ok((known, true));
        }
        let now = self.clock.now();
        let contact = ContactRecord {
            id: self.ids.next(),
            project_id: bot.project_id,
            bot_id: bot.id,
            external_id,
            attributes: Map::new(),
            created_at: now,
            updated_at: now,
        };
        Ok((contact, false))
    }

    /// The external id, when the page's server vouched for it. What a browser alone says merges with nobody.
    fn verified_external_id(&self, bot: &BotRecord, new: &NewConversation) -> Result<Option<String>> {
        let Some(external_id) = new.external_id.as_deref() else { return Ok(None) };
        let wrong = || {
            EngineError::invalid(
                "identity_hash",
                "must be the hex HMAC-SHA256 of external_id under the bot's identity secret, made on your server; \
                 without it leave external_id out",
            )
        };
        if external_id.is_empty() || external_id.chars().count() > 200 {
            return Err(EngineError::invalid("external_id", "must have 1 to 200 characters"));
        }
        let given = new.identity_hash.as_deref().ok_or_else(wrong)?.to_ascii_lowercase();
        let secret = self.sealer.open(&crate::scenarios::identity_place(bot.id), &bot.sealed_identity_secret)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).map_err(|e| EngineError::Internal(e.to_string()))?;
        mac.update(external_id.as_bytes());
        let expected: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            Ok(Some(external_id.to_owned()))
        } else {
            Err(wrong())
        }
    }

    /// Takes a message of the visitor. Returns when it is durable, together with all that the scenario said to it.
    pub async fn receive(&self, id: ConversationId, token: &str, said: Said, client: IpAddr) -> Result<Received> {
        self.accepts_public_work()?;
        self.limits.chat_per_client.check(&client)?;
        let choice = check_said(&said)?;
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let loaded = self.authorized(id, token, &mut slot).await?;
        if let Some(before) = self.storage.message_by_client_id(id, &said.client_id).await? {
            return Ok(Received { id: before.id, seq: before.seq });
        }
        self.limits.messages_per_conversation.check(&id)?;
        if loaded.record.ended {
            return Err(EngineError::conflict(
                "conversation-ended",
                "This conversation has ended. Start a new one to go on.",
            ));
        }
        let mut turn = Turn::new(self, loaded.clone());
        let text = said.text.trim().to_owned();
        let (message, seq) = turn.receive(said.client_id, text.clone(), choice.as_ref());
        if !turn.loaded.state.is_busy() {
            turn.loaded.record.processed_seq = seq;
            turn.run(Input::Message { text, choice });
        }
        self.finish(turn, &mut slot).await?;
        Ok(Received { id: message, seq })
    }

    /// What a page says about its visitor during the conversation; unverified.
    pub async fn set_contact(
        &self,
        id: ConversationId,
        token: &str,
        attributes: Map<String, Value>,
        client: IpAddr,
    ) -> Result<()> {
        self.accepts_public_work()?;
        self.limits.chat_per_client.check(&client)?;
        check_attributes(&attributes)?;
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let loaded = self.authorized(id, token, &mut slot).await?;
        self.limits.messages_per_conversation.check(&id)?;
        let mut turn = Turn::new(self, loaded.clone());
        turn.run(Input::SetAttributes { attributes });
        self.finish(turn, &mut slot).await
    }

    /// Where a conversation stands, for its visitor: the last sequence number, whether it ended, whether the bot is busy.
    pub async fn chat_standing(&self, id: ConversationId, token: &str) -> Result<(ProjectId, u64, bool, bool)> {
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let loaded = self.authorized(id, token, &mut slot).await?;
        let record = &loaded.record;
        Ok((record.project_id, record.last_seq, record.ended, loaded.state.is_busy()))
    }

    /// Refuses a page whose origin the conversation's bot does not allow.
    pub async fn chat_origin(&self, id: ConversationId, origin: Option<&str>) -> Result<()> {
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        match self.load_conversation(id, &mut slot).await? {
            Some(loaded) => self.bot_for_chat(loaded.record.bot_id, origin).map(|_| ()),
            None => Err(EngineError::NotFound("conversation")),
        }
    }

    /// Messages for the visitor after a sequence number, in order; never notes.
    pub async fn chat_messages(
        &self,
        project: ProjectId,
        id: ConversationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<MessageRecord>> {
        let messages = self.storage.messages(project, id, after, limit).await?;
        Ok(messages.into_iter().filter(|m| m.from != Sender::Note).collect())
    }

    /// Listens to a conversation.
    pub fn watch_chat(&self, id: ConversationId) -> tokio::sync::broadcast::Receiver<ChatSignal> {
        self.chat_live.subscribe(id)
    }

    async fn authorized<'s>(
        &self,
        id: ConversationId,
        token: &str,
        slot: &'s mut Option<Loaded>,
    ) -> Result<&'s mut Loaded> {
        let denied = || {
            EngineError::Unauthorized(
                "This conversation is not known, or the token is not its own. Start a new conversation.".into(),
            )
        };
        let loaded = self.load_conversation(id, slot).await?.ok_or_else(denied)?;
        if bool::from(loaded.record.token_hash.ct_eq(&secrets::hash(token))) { Ok(loaded) } else { Err(denied()) }
    }

    /// Runs what is pending, commits, and puts the result in its slot; a failed commit leaves the slot to be read anew.
    pub(super) async fn finish(&self, mut turn: Turn<'_>, slot: &mut Option<Loaded>) -> Result<()> {
        let pending =
            if turn.loaded.state.is_busy() { Vec::new() } else { self.pending_messages(&turn.loaded).await? };
        turn.run_pending(&pending);
        match turn.commit(None).await {
            Ok((loaded, _)) => {
                *slot = Some(loaded);
                Ok(())
            }
            Err(error) => {
                *slot = None;
                Err(self.note_storage(error))
            }
        }
    }

    /// A webhook that a conversation waits for has answered, or will not: the delivery's outcome and what the scenario
    /// makes of it are one commit.
    pub(crate) async fn conversation_answered(
        &self,
        waiter: &Waiter,
        ended: &crate::deliveries::Ended,
        outcome: &Outcome,
    ) -> Result<Recorded, StorageError> {
        let slot = self.conversations.slot(waiter.conversation_id);
        let mut slot = slot.lock().await;
        let loaded = self.load_conversation(waiter.conversation_id, &mut slot).await;
        let Some(loaded) = loaded.map_err(|e| StorageError::Internal(e.to_string()))?.map(|l| l.clone()) else {
            return self.storage.record_outcome(outcome.clone()).await;
        };
        let waits = matches!(&loaded.state.wait, Wait::Webhook { call, .. } if *call == waiter.call);
        if !waits || loaded.record.ended {
            return self.storage.record_outcome(outcome.clone()).await;
        }
        let mappings = webhook_answers::mappings(&loaded.scenario, loaded.state.wait.block());
        let answer = webhook_answers::outcome(ended, mappings);
        let mut turn = Turn::new(self, loaded);
        turn.run(Input::Answer { call: waiter.call, outcome: answer });
        if !turn.loaded.state.is_busy() {
            let pending = self.pending_messages(&turn.loaded).await;
            turn.run_pending(&pending.map_err(|e| StorageError::Internal(e.to_string()))?);
        }
        match turn.commit(Some(outcome.clone())).await {
            Ok((loaded, recorded)) => {
                *slot = Some(loaded);
                recorded.ok_or_else(|| StorageError::Internal("a turn's outcome was not recorded".into()))
            }
            Err(error) => {
                *slot = None;
                Err(error)
            }
        }
    }
}

fn check_said(said: &Said) -> Result<Option<ChoiceRef>> {
    let mut wrong = Vec::new();
    let mut note = |field: &str, message: &str| {
        wrong.push(FieldError { field: field.into(), message: message.into() });
    };
    if said.client_id.is_empty() || said.client_id.len() > 128 || !said.client_id.bytes().all(|b| b.is_ascii_graphic())
    {
        note("client_id", "must have 1 to 128 visible ASCII characters, a new one for each message");
    }
    if said.text.trim().is_empty() {
        note("text", "is empty; write something");
    } else if said.text.chars().count() > MAX_TEXT {
        note("text", "has more than 4,000 characters; send it in parts");
    }
    let choice = said.choice.as_deref().map(ChoiceRef::parse);
    if choice == Some(None) {
        note("choice", "must be BLOCK_ID/CHOICE_ID of an offered choice");
    }
    if wrong.is_empty() { Ok(choice.flatten()) } else { Err(EngineError::Invalid(wrong)) }
}

fn check_attributes(attributes: &Map<String, Value>) -> Result<()> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(EngineError::invalid("attributes", "has more than 50 entries"));
    }
    for (name, value) in attributes {
        let field = || format!("attributes.{}", name.chars().take(64).collect::<String>());
        if !names::is_attribute(name) || names::is_read_only(name) {
            return Err(EngineError::invalid(field(), "is not a name that can be set"));
        }
        if value.to_string().len() > 8 * 1024 {
            return Err(EngineError::invalid(field(), "is larger than 8 KiB"));
        }
    }
    Ok(())
}
