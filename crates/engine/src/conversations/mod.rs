//! Conversations: what a visitor says goes through `scenario::advance`, and all that follows is one commit, a *turn*.
//!
//! `store` keeps recently used conversations in memory behind one lock each; `turn` gathers what an input leads to;
//! `opening` begins a conversation, `chat` is the visitor's side of it, `answers` brings webhooks' answers, `timers` fires
//! delays and silences, `data` makes the events' data. A crash at any point
//! resumes from the stored state: messages that were not given to `advance` yet are known by `processed_seq`.

mod answers;
mod chat;
mod data;
mod opening;
mod store;
mod timers;
mod turn;

pub use chat::{ChatStanding, Received, Said, Visitor};
pub use opening::{ChatSession, NewConversation};
pub(crate) use store::Conversations;

use crate::Engine;
use crate::errors::{EngineError, Result};
use kanca_domain::ids::{ConversationId, ProjectId};
use kanca_domain::scenario::State;
use kanca_storage::conversations::{
    ConversationCounts, ConversationFilter, ConversationRecord, ConversationSummary, MessageRecord,
};
use kanca_storage::{Page, PageRequest};
use std::sync::Arc;

/// A signal to the visitor's side of one conversation.
#[derive(Debug, Clone)]
pub enum ChatSignal {
    /// Something was said, by anybody; never a note.
    Message(Arc<MessageRecord>),
    /// The bot is busy: it waits for a webhook's answer or pauses before a message.
    Typing,
    Ended,
}

/// A signal to the panel, for all conversations of a project.
#[derive(Debug, Clone)]
pub enum PanelSignal {
    /// Something was said or noted.
    Message(Arc<MessageRecord>),
    /// Where a conversation stands after a turn.
    Conversation(Arc<ConversationSummary>),
}

impl Engine {
    /// Conversations of a project, newest first.
    pub async fn conversations(
        &self,
        project: ProjectId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<ConversationSummary>> {
        Ok(self.storage.conversations(project, filter, page).await?)
    }

    /// One conversation of a project.
    pub async fn conversation(&self, project: ProjectId, id: ConversationId) -> Result<ConversationSummary> {
        self.storage.conversation(project, id).await?.ok_or(EngineError::NotFound("conversation"))
    }

    /// Messages of a conversation with notes, in order, after a sequence number.
    pub async fn messages(
        &self,
        project: ProjectId,
        id: ConversationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<MessageRecord>> {
        self.conversation(project, id).await?;
        Ok(self.storage.messages(project, id, after, limit).await?)
    }

    /// Numbers of the project's conversations.
    pub async fn conversation_counts(&self, project: ProjectId, since: jiff::Timestamp) -> Result<ConversationCounts> {
        Ok(self.storage.conversation_counts(project, since).await?)
    }

    /// Listens to all conversations of a project.
    pub fn watch_conversations(&self, project: ProjectId) -> tokio::sync::broadcast::Receiver<PanelSignal> {
        self.panel_live.subscribe(project)
    }
}

/// Reads the stored state of a conversation.
///
/// # Errors
/// `Internal` when the stored text is no state.
pub fn read_state(record: &ConversationRecord) -> Result<State> {
    serde_json::from_str(&record.state)
        .map_err(|e| EngineError::Internal(format!("the stored state of {} cannot be read: {e}", record.id)))
}
