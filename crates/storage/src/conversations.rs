//! Conversations, contacts and messages. What one input leads to (messages, events, new state, timer) is one commit,
//! called a *turn*.

use crate::deliveries::{Outcome, Recorded};
use crate::events::{Accepted, NewEvent};
use crate::{Page, PageRequest, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{BotId, ContactId, ConversationId, MessageId, ProjectId, ScenarioId, VersionId};

/// The visitor. What a browser says about a contact is unverified and concerns this contact only.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRecord {
    pub id: ContactId,
    pub project_id: ProjectId,
    pub bot_id: BotId,
    /// The site's own id of the visitor; set only when its `identity_hash` was right.
    pub external_id: Option<String>,
    /// JSON object.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Contact,
    Bot,
    Agent,
    /// A remark for the panel; visitors never see it.
    Note,
}

/// A message to be stored; its sequence number is given by the conversation's owner.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// 1, 2, 3 … within the conversation.
    pub seq: u64,
    pub from: Sender,
    pub text: String,
    /// Choices offered, as the API's JSON (`choices`, `choice_style`), or the choice taken; empty when there are none.
    pub extra: serde_json::Map<String, serde_json::Value>,
    pub block_id: Option<String>,
    /// The visitor's own id of the message, unique in the conversation.
    pub client_id: Option<String>,
    pub created_at: Timestamp,
}

/// A timer of a conversation. There is at most one; a new one replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    pub due: Timestamp,
    /// The number that `scenario::advance` gave it.
    pub token: u64,
}

/// A conversation as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRecord {
    pub id: ConversationId,
    pub project_id: ProjectId,
    pub bot_id: BotId,
    pub scenario_id: ScenarioId,
    pub version_id: VersionId,
    pub contact_id: ContactId,
    /// SHA-256 of the visitor's token.
    pub token_hash: [u8; 32],
    pub ended: bool,
    /// Started from the test drawer.
    pub test: bool,
    /// `scenario::State` as JSON text.
    pub state: String,
    /// Counts up with each turn; guards against two owners.
    pub revision: u64,
    /// The last sequence number given.
    pub last_seq: u64,
    /// Contact messages up to this sequence number were given to `advance`.
    pub processed_seq: u64,
    pub timer: Option<Timer>,
    /// The block the conversation is in.
    pub block_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One commit of a conversation.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The conversation as it is after the turn, `revision` counted up by one. For the first turn (revision 1) it is
    /// inserted, else replaced where the stored revision is one less (`Conflict` if not).
    pub conversation: ConversationRecord,
    /// Inserted, or its attributes are merged into those of the stored contact: several conversations may share one.
    pub contact: Option<ContactRecord>,
    pub messages: Vec<MessageRecord>,
    pub events: Vec<NewEvent>,
    /// The end of a delivery whose answer led to this turn.
    pub outcome: Option<Outcome>,
}

/// What a turn's commit says, in the order of what was given.
#[derive(Debug, Clone)]
pub struct TurnStored {
    pub events: Vec<Accepted>,
    pub outcome: Option<Recorded>,
}

/// A conversation in a list.
#[derive(Debug, Clone)]
pub struct ConversationSummary {
    pub conversation: ConversationRecord,
    pub contact: ContactRecord,
    /// The last message that is not a note.
    pub last_message: Option<MessageRecord>,
    /// Messages without notes.
    pub message_count: u64,
}

/// Which conversations are listed; all given conditions hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConversationFilter {
    pub bot_id: Option<BotId>,
    pub ended: Option<bool>,
}

/// Numbers for the overview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConversationCounts {
    pub total: u64,
    pub open: u64,
    pub started_since: u64,
}

/// Storage of conversations.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// Stores a turn in one durable commit: all of it or nothing. `Conflict` also when a message's number or client id,
    /// or the contact's external id, is taken. A repeated event is no conflict; it is told in the answer.
    async fn commit_turn(&self, turn: Turn) -> Result<TurnStored>;
    /// A conversation by id alone, with its contact: for the chat, which then checks the token.
    async fn conversation_for_chat(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(ConversationRecord, ContactRecord)>>;
    /// One conversation of a project.
    async fn conversation(
        &self,
        project: ProjectId,
        conversation: ConversationId,
    ) -> Result<Option<ConversationSummary>>;
    /// Conversations of a project, newest first.
    async fn conversations(
        &self,
        project: ProjectId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<ConversationSummary>>;
    /// Messages with a sequence number above `after_seq`, in order.
    async fn messages(
        &self,
        project: ProjectId,
        conversation: ConversationId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<MessageRecord>>;
    /// The message a visitor sent under this id of theirs.
    async fn message_by_client_id(
        &self,
        conversation: ConversationId,
        client_id: &str,
    ) -> Result<Option<MessageRecord>>;
    /// The contact with this verified external id.
    async fn contact_by_external_id(&self, bot: BotId, external_id: &str) -> Result<Option<ContactRecord>>;
    /// Open conversations whose timer is due at `now`, earliest first, at most `limit`; and when the next one is due.
    async fn due_timers(&self, now: Timestamp, limit: u32) -> Result<(Vec<ConversationId>, Option<Timestamp>)>;
    /// Numbers of the project's conversations; `started_since` counts those created since the given instant.
    async fn conversation_counts(&self, project: ProjectId, since: Timestamp) -> Result<ConversationCounts>;
}
