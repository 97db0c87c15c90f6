//! How a conversation begins: the bot's active scenario, the visitor's contact, the token, and the bot's first words.

use super::store::Loaded;
use super::turn::Turn;
use crate::Engine;
use crate::errors::{EngineError, Result};
use crate::secrets;
use hmac::{Hmac, KeyInit, Mac};
use kanca_domain::events::BuiltIn;
use kanca_domain::ids::{BotId, ConversationId, ScenarioId, VersionId};
use kanca_domain::scenario::{Input, State};
use kanca_storage::conversations::{ContactRecord, ConversationRecord};
use kanca_storage::scenarios::BotRecord;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

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

/// What a conversation begins with, checked.
struct Beginning<'b> {
    bot: &'b BotRecord,
    scenario_id: ScenarioId,
    version_id: VersionId,
    external_id: Option<String>,
    attributes: Map<String, Value>,
    test: bool,
}

impl Engine {
    /// The bot a page wants to talk to, unless its origin may not.
    pub fn bot_for_chat(&self, id: BotId, origin: Option<&str>) -> Result<Arc<BotRecord>> {
        let bot = self.snapshot.load().bots.get(&id).cloned().ok_or(EngineError::NotFound("bot"))?;
        self.check_origin(&bot, origin)?;
        Ok(bot)
    }

    /// Refuses a page on a site that the bot's owner did not list.
    pub(super) fn check_origin(&self, bot: &BotRecord, origin: Option<&str>) -> Result<()> {
        let allowed = &bot.allowed_origins;
        let own = origin.is_none() || origin == Some(self.settings.public_url.as_str());
        if allowed.is_empty() || own || allowed.iter().any(|a| Some(a.as_str()) == origin) {
            return Ok(());
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
        super::chat::check_attributes(&new.attributes)?;
        let external_id = self.verified_external_id(bot, &new)?;
        let beginning = Beginning { bot, scenario_id, version_id, external_id, attributes: new.attributes, test };
        match self.begin(&beginning).await {
            // Another conversation of the same visitor began at the same moment and made the contact.
            Err(error) if error.is_passed_by() => self.begin(&beginning).await,
            other => other,
        }
    }

    async fn begin(&self, beginning: &Beginning<'_>) -> Result<ChatSession> {
        let now = self.clock.now();
        let (mut contact, known) = self.contact(beginning).await?;
        let attributes: Map<String, Value> =
            contact.attributes.into_iter().chain(beginning.attributes.clone()).collect();
        contact.attributes = attributes.clone();
        let token = secrets::token("", &*self.random);
        let record = ConversationRecord {
            id: self.ids.next(),
            project_id: beginning.bot.project_id,
            bot_id: beginning.bot.id,
            scenario_id: beginning.scenario_id,
            version_id: beginning.version_id,
            contact_id: contact.id,
            token_hash: secrets::hash(&token),
            ended: false,
            test: beginning.test,
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
        let scenario = self.scenario_of(&record).await?;
        let loaded = Loaded {
            record,
            contact,
            state: State::default(),
            scenario,
            last_received: None,
            last_message: None,
            message_count: 0,
        };
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let mut turn = Turn::first(self, loaded);
        if !known {
            turn.emit(BuiltIn::ContactCreated, json!({}));
        }
        turn.emit(BuiltIn::ConversationStarted, json!({}));
        turn.run(Input::Start { attributes });
        self.finish(turn, &mut slot).await?;
        Ok(ChatSession { id, token })
    }

    /// The contact of a new conversation, and whether it was known before.
    async fn contact(&self, beginning: &Beginning<'_>) -> Result<(ContactRecord, bool)> {
        let (bot, external_id) = (beginning.bot, beginning.external_id.clone());
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
        let expected = secrets::hex(&mac.finalize().into_bytes());
        if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            Ok(Some(external_id.to_owned()))
        } else {
            Err(wrong())
        }
    }
}
