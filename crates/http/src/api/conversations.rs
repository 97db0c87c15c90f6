//! Conversations, for the panel and for programs.

use super::List;
use crate::App;
use crate::extract::{Auth, NoQuery, PathId, Query, page};
use crate::live::{Feed, stream};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use kanca_domain::ids::{BotId, ContactId, ConversationId, MessageId, ScenarioId, VersionId};
use kanca_engine::conversations::{PanelSignal, read_state};
use kanca_engine::storage::conversations::{ConversationFilter, ConversationSummary, MessageRecord, Sender};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A conversation and where it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conversation {
    #[schema(value_type = String)]
    pub id: ConversationId,
    #[schema(value_type = String)]
    pub bot_id: BotId,
    pub bot_name: String,
    #[schema(value_type = String)]
    pub scenario_id: ScenarioId,
    #[schema(value_type = String)]
    pub version_id: VersionId,
    pub contact: Contact,
    pub status: ConversationStatus,
    /// Started from the test drawer.
    pub test: bool,
    pub last_message: Option<LastMessage>,
    /// Messages without notes.
    pub message_count: u64,
    pub waiting: Waiting,
    /// The block entered last.
    pub block_id: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// The visitor.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Contact {
    #[schema(value_type = String)]
    pub id: ContactId,
    pub name: Option<String>,
    #[schema(value_type = HashMap<String, Value>)]
    pub attributes: Map<String, Value>,
}

/// Whether a conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationStatus {
    Open,
    Ended,
}

/// What was said last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastMessage {
    pub from: MessageSender,
    pub text: String,
    pub at: String,
}

/// What a conversation waits for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Waiting {
    #[schema(value_type = WaitingKind)]
    pub kind: &'static str,
    pub block_id: Option<String>,
}

/// What a conversation may wait for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum WaitingKind {
    Nothing,
    Visitor,
    Webhook,
    Timer,
}

/// How choices behave: buttons stay clickable, quick replies disappear after the next message.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ChoiceStyleName {
    Buttons,
    QuickReplies,
}

/// Who said something; a `note` is a remark that visitors never see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageSender {
    Contact,
    Bot,
    Agent,
    Note,
}

/// Something that was said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    #[schema(value_type = String)]
    pub id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub conversation_id: Option<ConversationId>,
    /// 1, 2, 3 … within the conversation.
    pub seq: u64,
    pub from: MessageSender,
    /// `text`, or `choices` when there is something to choose.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OfferedChoice>>, nullable = false)]
    pub choices: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChoiceStyleName>, nullable = false)]
    pub choice_style: Option<String>,
    pub block_id: Option<String>,
    /// The visitor's own id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<String>,
    pub created_at: String,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    Text,
    Choices,
}

/// A choice that a message offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedChoice {
    pub id: String,
    pub label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
}

/// `?bot_id=&status=&cursor=&limit=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationsQuery {
    bot_id: Option<String>,
    status: Option<ConversationStatus>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `?after=&cursor=&limit=`; a cursor of this list is a sequence number, too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesQuery {
    after: Option<u64>,
    cursor: Option<u64>,
    limit: Option<u32>,
}

/// `?conversation_id=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveQuery {
    conversation_id: Option<String>,
}

/// The project's conversations, newest first.
#[utoipa::path(get, path = "/api/v1/conversations", tag = "conversations",
    params(("bot_id" = Option<String>, Query), ("status" = Option<ConversationStatus>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Conversation>)))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<ConversationsQuery>,
) -> Answer<axum::Json<List<Conversation>>> {
    let page = page(query.cursor.as_deref(), query.limit)?;
    let bot_id = query
        .bot_id
        .map(|t| t.parse().map_err(|_| Problem::malformed("The query parameter bot_id must be a bot's id, bot_….")))
        .transpose()?;
    let filter = ConversationFilter { bot_id, ended: query.status.map(|s| s == ConversationStatus::Ended) };
    let conversations = app.engine.conversations(auth.project(), filter, page).await?;
    Ok(axum::Json(List::of(conversations, |s| summary(&app, &s))))
}

/// One conversation.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = Conversation)))]
pub async fn get(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ConversationId>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Conversation>> {
    Ok(axum::Json(summary(&app, &app.engine.conversation(auth.project(), id).await?)))
}

/// Messages of a conversation with notes, in order.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/messages", tag = "conversations",
    params(("id" = String, Path), ("after" = Option<u64>, Query), ("cursor" = Option<u64>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = List<Message>)))]
pub async fn messages(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<ConversationId>,
    Query(query): Query<MessagesQuery>,
) -> Answer<axum::Json<List<Message>>> {
    let limit = query.limit.unwrap_or(200);
    if !(1..=1_000).contains(&limit) {
        return Err(Problem::malformed("The limit must be between 1 and 1000."));
    }
    let after = query.cursor.or(query.after).unwrap_or(0);
    let messages = app.engine.messages(auth.project(), id, after, limit).await?;
    let full = messages.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = messages.last().filter(|_| full).map(|m| m.seq.to_string());
    Ok(axum::Json(List { items: messages.iter().map(|m| message(m, true)).collect(), next }))
}

/// All conversations of the project, or one, live (server-sent events `message` and `conversation`).
#[utoipa::path(get, path = "/api/v1/conversations/live", tag = "conversations",
    params(("conversation_id" = Option<String>, Query)), responses((status = 200, content_type = "text/event-stream")))]
pub async fn live(State(app): State<App>, auth: Auth, Query(query): Query<LiveQuery>) -> Answer<Response> {
    let only =
        query.conversation_id.map(|t| t.parse::<ConversationId>()).transpose().map_err(|_| {
            Problem::malformed("The query parameter conversation_id must be a conversation's id, cnv_….")
        })?;
    if let Some(id) = only {
        app.engine.conversation(auth.project(), id).await?;
    }
    let signals = app.engine.watch_conversations(auth.project());
    Ok(stream(ConversationFeed { app, only, begun: false }, signals))
}

struct ConversationFeed {
    app: App,
    only: Option<ConversationId>,
    /// Whether the stream has begun.
    begun: bool,
}

impl Feed for ConversationFeed {
    type Signal = PanelSignal;

    /// A listener that lagged is told to read the lists again; one that has just come reads them anyway.
    async fn missed(&mut self) -> Vec<Event> {
        let first = !std::mem::replace(&mut self.begun, true);
        if first { Vec::new() } else { vec![Event::default().event("resync").data("{}")] }
    }

    async fn news(&mut self, signal: PanelSignal) -> Vec<Event> {
        let id = match &signal {
            PanelSignal::Message(message) => message.conversation_id,
            PanelSignal::Conversation(standing) => standing.conversation.id,
        };
        if self.only.is_some_and(|only| only != id) {
            return Vec::new();
        }
        let event = match signal {
            PanelSignal::Message(record) => {
                Event::default().event("message").id(record.id.to_string()).json_data(message(&record, true))
            }
            PanelSignal::Conversation(standing) => {
                Event::default().event("conversation").json_data(summary(&self.app, &standing))
            }
        };
        event.into_iter().collect()
    }
}

fn summary(app: &App, summary: &ConversationSummary) -> Conversation {
    let ConversationSummary { conversation: record, contact, last_message, message_count } = summary;
    // The state of a conversation that was ended from outside, by deleting its bot, still says what it waited for.
    let wait = read_state(record).ok().filter(|_| !record.ended).map(|s| s.wait).unwrap_or_default();
    let name = contact.attributes.get("name").and_then(Value::as_str).map(str::to_owned);
    Conversation {
        id: record.id,
        bot_id: record.bot_id,
        bot_name: app.engine.bot(record.project_id, record.bot_id).map(|b| b.name.clone()).unwrap_or_default(),
        scenario_id: record.scenario_id,
        version_id: record.version_id,
        contact: Contact { id: contact.id, name, attributes: contact.attributes.clone() },
        status: if record.ended { ConversationStatus::Ended } else { ConversationStatus::Open },
        test: record.test,
        last_message: last_message.as_ref().map(|m| LastMessage {
            from: sender(m.from),
            text: m.text.clone(),
            at: rfc3339(m.created_at),
        }),
        message_count: *message_count,
        waiting: Waiting { kind: wait.name(), block_id: wait.block().map(str::to_owned) },
        block_id: record.block_id.clone(),
        created_at: rfc3339(record.created_at),
        updated_at: rfc3339(record.updated_at),
    }
}

/// A message as the API shows it; the chat leaves the conversation's id out.
pub fn message(record: &MessageRecord, with_conversation: bool) -> Message {
    let choices = record.extra.get("choices").cloned();
    Message {
        id: record.id,
        conversation_id: with_conversation.then_some(record.conversation_id),
        seq: record.seq,
        from: sender(record.from),
        kind: if choices.is_some() { MessageKind::Choices } else { MessageKind::Text },
        text: record.text.clone(),
        choices,
        choice_style: record.extra.get("choice_style").and_then(Value::as_str).map(str::to_owned),
        block_id: record.block_id.clone(),
        client_id: record.client_id.clone(),
        created_at: rfc3339(record.created_at),
    }
}

fn sender(from: Sender) -> MessageSender {
    match from {
        Sender::Contact => MessageSender::Contact,
        Sender::Bot => MessageSender::Bot,
        Sender::Agent => MessageSender::Agent,
        Sender::Note => MessageSender::Note,
    }
}
