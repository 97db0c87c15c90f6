//! The chat, public: everything needs the conversation's own token, and a page's origin must be allowed by the bot.

pub mod cors;
pub mod socket;

use crate::App;
use crate::api::bots::LanguageName;
use crate::api::conversations::{ConversationStatus, Message, message};
use crate::extract::{Client, Json, NoQuery, PathId, Query, bearer, client_address, network};
use crate::problems::{Answer, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::ids::{BotId, ConversationId, MessageId};
use kanca_engine::conversations::{ChatSignal, ChatStanding, NewConversation, Said, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

/// Seconds that a long poll waits at most.
const MAX_WAIT: u64 = 30;
/// Messages in one answer at most.
const BATCH: u32 = 500;

/// A bot as its visitors see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatBot {
    #[schema(value_type = String)]
    pub id: BotId,
    pub name: String,
    #[schema(value_type = LanguageName)]
    pub language: String,
}

/// Opens a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartInput {
    pub bot: String,
    /// What the page knows of its visitor; unverified.
    #[serde(default)]
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub attributes: Option<Map<String, Value>>,
    /// The site's own id of the visitor; needs `identity_hash`.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Hex HMAC-SHA256 of `external_id` under the bot's identity secret.
    #[serde(default)]
    pub identity_hash: Option<String>,
}

/// The key to a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatStarted {
    #[schema(value_type = String)]
    pub id: ConversationId,
    pub token: String,
}

/// Says something.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayInput {
    /// The visitor's own id of the message; the same again gives the same answer.
    pub client_id: String,
    pub text: String,
    /// `BLOCK_ID/CHOICE_ID` of a clicked choice.
    #[serde(default)]
    pub choice: Option<String>,
}

/// A message that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acknowledged {
    #[schema(value_type = String)]
    pub id: MessageId,
    pub seq: u64,
}

/// Messages after a sequence number.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatMessages {
    pub items: Vec<Message>,
    pub status: ConversationStatus,
    /// Whether the bot is busy.
    pub typing: bool,
}

/// What the page knows of its visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    #[schema(value_type = HashMap<String, Value>)]
    pub attributes: Map<String, Value>,
}

/// `?after=&wait=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollQuery {
    after: Option<u64>,
    wait: Option<u64>,
}

/// Who asks, with the token of `Authorization: Bearer TOKEN`.
pub struct By(pub Visitor);

impl FromRequestParts<App> for By {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = value.and_then(bearer).map(str::to_owned).ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Not authorized",
                "Send the conversation's token as `Authorization: Bearer TOKEN`.",
            )
        })?;
        let origin = origin(&parts.headers).map(str::to_owned);
        Ok(Self(Visitor { token, origin, client: network(client_address(parts, app)) }))
    }
}

fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).and_then(|v| v.to_str().ok())
}

/// A bot, for the widget.
#[utoipa::path(get, path = "/chat/v1/bots/{bot}", tag = "chat", params(("bot" = String, Path)), responses((status = 200, body = ChatBot)), security(()))]
pub async fn bot(
    State(app): State<App>,
    PathId(id): PathId<BotId>,
    Query(NoQuery {}): Query<NoQuery>,
    headers: HeaderMap,
) -> Answer<axum::Json<ChatBot>> {
    let bot = app.engine.bot_for_chat(id, origin(&headers))?;
    Ok(axum::Json(ChatBot { id, name: bot.name.clone(), language: bot.language.clone() }))
}

/// Opens a conversation; the bot's first words are there when the answer is.
#[utoipa::path(post, path = "/chat/v1/conversations", tag = "chat", request_body = StartInput,
    responses((status = 201, body = ChatStarted), (status = 404, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem)), security(()))]
pub async fn start(
    State(app): State<App>,
    Client(client): Client,
    headers: HeaderMap,
    Json(input): Json<StartInput>,
) -> Answer<Response> {
    let id = input.bot.parse::<BotId>().map_err(|_| Problem::not_found("There is no bot with this id."))?;
    let bot = app.engine.bot_for_chat(id, origin(&headers))?;
    let new = NewConversation {
        attributes: input.attributes.unwrap_or_default(),
        external_id: input.external_id,
        identity_hash: input.identity_hash,
    };
    let session = app.engine.start_conversation(&bot, new, client).await?;
    Ok((StatusCode::CREATED, axum::Json(ChatStarted { id: session.id, token: session.token })).into_response())
}

/// Says something; durable when the answer is there.
#[utoipa::path(post, path = "/chat/v1/conversations/{id}/messages", tag = "chat", params(("id" = String, Path)), request_body = SayInput,
    responses((status = 200, body = Acknowledged), (status = 409, body = Problem), (status = 429, body = Problem)))]
pub async fn say(
    State(app): State<App>,
    PathId(id): PathId<ConversationId>,
    By(visitor): By,
    Json(input): Json<SayInput>,
) -> Answer<axum::Json<Acknowledged>> {
    let said = Said { client_id: input.client_id, text: input.text, choice: input.choice };
    let received = app.engine.receive(id, &visitor, &said).await?;
    Ok(axum::Json(Acknowledged { id: received.id, seq: received.seq }))
}

/// Messages after a sequence number; with `wait` it waits that many seconds for the first one.
#[utoipa::path(get, path = "/chat/v1/conversations/{id}/messages", tag = "chat",
    params(("id" = String, Path), ("after" = Option<u64>, Query), ("wait" = Option<u64>, Query)),
    responses((status = 200, body = ChatMessages), (status = 429, body = Problem)))]
pub async fn messages(
    State(app): State<App>,
    PathId(id): PathId<ConversationId>,
    By(visitor): By,
    Query(query): Query<PollQuery>,
) -> Answer<axum::Json<ChatMessages>> {
    let after = query.after.unwrap_or(0);
    let wait = query.wait.unwrap_or(0);
    if wait > MAX_WAIT {
        return Err(Problem::malformed("The query parameter wait must be at most 30 seconds."));
    }
    let mut signals = app.engine.watch_chat(id, &visitor).await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait);
    loop {
        let ChatStanding { project_id, ended, busy: typing, .. } = app.engine.chat_standing(id, &visitor).await?;
        let found = app.engine.chat_messages(project_id, id, after, BATCH).await?;
        if !found.is_empty() || ended || tokio::time::Instant::now() >= deadline {
            let status = if ended { ConversationStatus::Ended } else { ConversationStatus::Open };
            let items = found.iter().map(|m| message(m, false)).collect();
            return Ok(axum::Json(ChatMessages { items, status, typing }));
        }
        match tokio::time::timeout_at(deadline, signals.recv()).await {
            // Being busy is told with the next answer; it is no reason to answer now.
            Ok(Ok(ChatSignal::Typing)) if typing => {}
            Ok(Err(RecvError::Closed)) => {
                return Err(kanca_engine::EngineError::Unavailable("The server is stopping. Try again.".into()).into());
            }
            _ => {}
        }
    }
}

/// Tells what the page knows of its visitor.
#[utoipa::path(put, path = "/chat/v1/conversations/{id}/contact", tag = "chat", params(("id" = String, Path)), request_body = ContactInput,
    responses((status = 204), (status = 409, body = Problem), (status = 429, body = Problem)))]
pub async fn contact(
    State(app): State<App>,
    PathId(id): PathId<ConversationId>,
    By(visitor): By,
    Json(input): Json<ContactInput>,
) -> Answer<StatusCode> {
    app.engine.set_contact(id, &visitor, input.attributes).await?;
    Ok(StatusCode::NO_CONTENT)
}
