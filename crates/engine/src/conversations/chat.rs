//! The visitor's side: say something, read, listen. Every call needs the conversation's own token.

use super::ChatSignal;
use super::store::Loaded;
use super::turn::Turn;
use crate::Engine;
use crate::errors::{EngineError, FieldError, Result};
use crate::secrets;
use kanca_domain::ids::{ConversationId, MessageId, ProjectId};
use kanca_domain::scenario::{ChoiceRef, Input, names};
use kanca_storage::conversations::{MessageRecord, Sender};
use serde_json::{Map, Value};
use std::net::IpAddr;
use subtle::ConstantTimeEq;
use tokio::sync::broadcast::Receiver;

/// Characters of a message at most.
pub const MAX_TEXT: usize = 4_000;
/// Attributes that a page may tell of its visitor in one call.
const MAX_ATTRIBUTES: usize = 50;

/// Who writes or reads.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The conversation's own token.
    pub token: String,
    /// The origin of the page that asks, as the browser tells it.
    pub origin: Option<String>,
    pub client: IpAddr,
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

/// Where a conversation stands, for its visitor.
#[derive(Debug, Clone, Copy)]
pub struct ChatStanding {
    pub project_id: ProjectId,
    pub last_seq: u64,
    pub ended: bool,
    /// The bot waits for a webhook or pauses before a message.
    pub busy: bool,
}

impl Engine {
    /// Takes a message of the visitor. Returns when it is durable, together with all that the scenario said to it.
    pub async fn receive(&self, id: ConversationId, visitor: &Visitor, said: &Said) -> Result<Received> {
        self.accepts_public_work()?;
        self.limits.chat_per_client.check(&visitor.client)?;
        let choice = check_said(said)?;
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        match self.take(id, visitor, said, choice.as_ref(), &mut slot).await {
            // What is stored now decides, such as that the bot was deleted.
            Err(error) if error.is_passed_by() => self.take(id, visitor, said, choice.as_ref(), &mut slot).await,
            other => other,
        }
    }

    async fn take(
        &self,
        id: ConversationId,
        visitor: &Visitor,
        said: &Said,
        choice: Option<&ChoiceRef>,
        slot: &mut Option<Loaded>,
    ) -> Result<Received> {
        let loaded = self.authorized(id, visitor, slot).await?;
        if let Some(before) = self.storage.message_by_client_id(id, &said.client_id).await? {
            return Ok(Received { id: before.id, seq: before.seq });
        }
        self.limits.messages_per_conversation.check(&id)?;
        goes_on(loaded)?;
        let mut turn = Turn::new(self, loaded.clone());
        let message = turn.receive(said.client_id.clone(), said.text.trim().to_owned(), choice);
        if !turn.loaded.state.is_busy() {
            turn.answer(&message);
        }
        self.finish(turn, slot).await?;
        Ok(Received { id: message.id, seq: message.seq })
    }

    /// What a page says about its visitor during the conversation; unverified.
    pub async fn set_contact(
        &self,
        id: ConversationId,
        visitor: &Visitor,
        attributes: Map<String, Value>,
    ) -> Result<()> {
        self.accepts_public_work()?;
        self.limits.chat_per_client.check(&visitor.client)?;
        check_attributes(&attributes)?;
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let loaded = self.authorized(id, visitor, &mut slot).await?;
        self.limits.messages_per_conversation.check(&id)?;
        goes_on(loaded)?;
        let mut turn = Turn::new(self, loaded.clone());
        turn.run(Input::SetAttributes { attributes });
        self.finish(turn, &mut slot).await
    }

    /// Listens to a conversation from now on.
    pub async fn watch_chat(&self, id: ConversationId, visitor: &Visitor) -> Result<Receiver<ChatSignal>> {
        self.limits.chat_per_client.check(&visitor.client)?;
        self.chat_standing(id, visitor).await?;
        Ok(self.chat_live.subscribe(id))
    }

    /// Where a conversation stands.
    pub async fn chat_standing(&self, id: ConversationId, visitor: &Visitor) -> Result<ChatStanding> {
        let slot = self.conversations.slot(id);
        let mut slot = slot.lock().await;
        let loaded = self.authorized(id, visitor, &mut slot).await?;
        let record = &loaded.record;
        Ok(ChatStanding {
            project_id: record.project_id,
            last_seq: record.last_seq,
            ended: record.ended,
            busy: loaded.state.is_busy() && !record.ended,
        })
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

    /// The conversation, if the token is its own and the page may talk to the bot. The token is looked at first, so that
    /// nobody else learns anything.
    async fn authorized<'s>(
        &self,
        id: ConversationId,
        visitor: &Visitor,
        slot: &'s mut Option<Loaded>,
    ) -> Result<&'s mut Loaded> {
        let denied = || {
            EngineError::Unauthorized(
                "This conversation is not known, or the token is not its own. Start a new conversation.".into(),
            )
        };
        let loaded = self.load_conversation(id, slot).await?.ok_or_else(denied)?;
        if !bool::from(loaded.record.token_hash.ct_eq(&secrets::hash(&visitor.token))) {
            return Err(denied());
        }
        // What was said with a bot that is deleted now can still be read.
        if let Some(bot) = self.snapshot.load().bots.get(&loaded.record.bot_id) {
            self.check_origin(bot, visitor.origin.as_deref())?;
        }
        Ok(loaded)
    }

    /// Commits a turn and puts the result in its slot; a failed commit leaves the slot to be read anew.
    pub(super) async fn finish(&self, turn: Turn<'_>, slot: &mut Option<Loaded>) -> Result<()> {
        *slot = None;
        let (loaded, _) = turn.commit(None).await.map_err(|e| self.note_storage(e))?;
        *slot = Some(loaded);
        Ok(())
    }
}

fn goes_on(loaded: &Loaded) -> Result<()> {
    if loaded.record.ended {
        return Err(EngineError::conflict(
            "conversation-ended",
            "This conversation has ended. Start a new one to go on.",
        ));
    }
    Ok(())
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

pub(super) fn check_attributes(attributes: &Map<String, Value>) -> Result<()> {
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
