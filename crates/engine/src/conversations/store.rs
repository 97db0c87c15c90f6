//! Conversations in memory: one lock each, loaded when first used, forgotten when idle.

use super::{ChatSignal, read_state};
use crate::Engine;
use crate::errors::{EngineError, Result};
use kanca_domain::ids::{BotId, ConversationId, VersionId};
use kanca_domain::scenario::{Document, Scenario, State, compile};
use kanca_storage::conversations::{ContactRecord, ConversationRecord, ConversationSummary, MessageRecord, Sender};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A conversation with all that a turn needs.
#[derive(Clone)]
pub(super) struct Loaded {
    pub record: ConversationRecord,
    pub contact: ContactRecord,
    pub state: State,
    pub scenario: Arc<Scenario>,
    /// The visitor's message that the scenario was given last, for webhooks' data.
    pub last_received: Option<MessageRecord>,
    /// The last message that is not a note.
    pub last_message: Option<MessageRecord>,
    /// Messages without notes.
    pub message_count: u64,
}

type Slot = Arc<tokio::sync::Mutex<Option<Loaded>>>;

#[derive(Default)]
pub(crate) struct Conversations {
    slots: Mutex<HashMap<ConversationId, (Slot, Instant)>>,
    versions: Mutex<HashMap<VersionId, Arc<Scenario>>>,
    /// A timer was set that may be due before all known ones.
    pub(super) timer_set: Notify,
}

/// Conversations unused for this long are dropped from memory.
const KEEP: Duration = Duration::from_mins(1);
/// Compiled versions kept in memory.
const KEPT_VERSIONS: usize = 500;
/// How far back the visitor's last message is looked for.
const LOOK_BACK: u64 = 50;
const LOOKED_AT: u32 = 50;

impl Conversations {
    pub(super) fn slot(&self, id: ConversationId) -> Slot {
        let mut slots = self.slots.lock();
        let entry = slots.entry(id).or_insert_with(|| (Slot::default(), Instant::now()));
        entry.1 = Instant::now();
        entry.0.clone()
    }

    fn all(&self) -> Vec<(ConversationId, Slot)> {
        self.slots.lock().iter().map(|(id, (slot, _))| (*id, slot.clone())).collect()
    }

    /// Drops what nobody used for a while; a slot somebody holds stays.
    pub(crate) fn forget_idle(&self) {
        self.slots.lock().retain(|_, (slot, used)| Arc::strong_count(slot) > 1 || used.elapsed() < KEEP);
    }
}

impl Engine {
    /// Reads a conversation into its slot unless it is there.
    pub(super) async fn load_conversation<'s>(
        &self,
        id: ConversationId,
        slot: &'s mut Option<Loaded>,
    ) -> Result<Option<&'s mut Loaded>> {
        if slot.is_none() {
            let Some((record, _)) = self.storage.conversation_for_chat(id).await? else { return Ok(None) };
            let Some(summary) = self.storage.conversation(record.project_id, id).await? else { return Ok(None) };
            let ConversationSummary { conversation: record, contact, last_message, message_count } = summary;
            let state = read_state(&record)?;
            let scenario = self.scenario_of(&record).await?;
            let after = record.processed_seq.saturating_sub(LOOK_BACK);
            let recent = self.storage.messages(record.project_id, id, after, LOOKED_AT).await?;
            let given = |m: &MessageRecord| m.from == Sender::Contact && m.seq <= record.processed_seq;
            let last_received = recent.into_iter().rev().find(given);
            *slot = Some(Loaded { record, contact, state, scenario, last_received, last_message, message_count });
        }
        Ok(slot.as_mut())
    }

    /// Drops what is in memory of a deleted bot's conversations, which storage has ended, and tells their visitors.
    pub(crate) async fn end_conversations_of(&self, bot: BotId) {
        for (id, slot) in self.conversations.all() {
            let mut slot = slot.lock().await;
            if slot.as_ref().is_some_and(|loaded| loaded.record.bot_id == bot) {
                *slot = None;
                self.chat_live.publish(id, ChatSignal::Ended);
            }
        }
    }

    pub(super) async fn scenario_of(&self, record: &ConversationRecord) -> Result<Arc<Scenario>> {
        if let Some(found) = self.conversations.versions.lock().get(&record.version_id) {
            return Ok(found.clone());
        }
        let version = self.storage.version(record.project_id, record.version_id).await?;
        let version = version.ok_or_else(|| EngineError::Internal(format!("{} is gone", record.version_id)))?;
        self.compiled(version.id, &version.document)
    }

    /// The compiled form of a version's document, kept for the next conversation.
    fn compiled(&self, id: VersionId, document: &str) -> Result<Arc<Scenario>> {
        let mut versions = self.conversations.versions.lock();
        if let Some(found) = versions.get(&id) {
            return Ok(found.clone());
        }
        let document = Document::parse(document.as_bytes())
            .map_err(|_| EngineError::Internal(format!("the stored document of {id} cannot be read")))?;
        let scenario = Arc::new(compile(document));
        if versions.len() >= KEPT_VERSIONS {
            versions.clear();
        }
        versions.insert(id, scenario.clone());
        Ok(scenario)
    }
}
