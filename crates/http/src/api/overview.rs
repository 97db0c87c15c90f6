//! Numbers for the panel's first page.

use super::DeliveryCounts;
use crate::App;
use crate::extract::{Auth, NoQuery, Query};
use crate::problems::Answer;
use axum::extract::State;
use jiff::Timestamp;
use kanca_domain::ids::{BotId, EndpointId, InboxId, ScenarioId};
use serde::Serialize;
use utoipa::ToSchema;

/// Numbers for the first page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    pub endpoints: usize,
    pub inboxes: usize,
    pub bots: usize,
    pub conversations: ConversationNumbers,
    /// Since midnight UTC.
    pub events_today: u64,
    pub deliveries: DeliveryCounts,
    pub demo: Option<Demo>,
}

/// Numbers of conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationNumbers {
    pub total: u64,
    pub open: u64,
    /// Started since midnight UTC.
    pub today: u64,
}

/// The demo's parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Demo {
    #[schema(value_type = String)]
    pub bot_id: BotId,
    #[schema(value_type = String)]
    pub inbox_id: InboxId,
    #[schema(value_type = String)]
    pub scenario_id: ScenarioId,
    #[schema(value_type = String)]
    pub endpoint_id: EndpointId,
    /// The page with the widget.
    pub url: String,
}

/// Numbers of the project, and the demo if it is still there.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", responses((status = 200, body = Overview)))]
pub async fn overview(
    State(app): State<App>,
    auth: Auth,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<axum::Json<Overview>> {
    let (engine, project) = (&app.engine, auth.project());
    let now = engine.now();
    let midnight = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(24 * 60 * 60)).unwrap_or(now);
    let conversations = engine.conversation_counts(project, midnight).await?;
    let demo = if project == engine.default_project() { engine.demo().await? } else { None };
    Ok(axum::Json(Overview {
        endpoints: engine.endpoints(project).len(),
        inboxes: engine.inboxes(project).len(),
        bots: engine.bots(project).len(),
        conversations: ConversationNumbers {
            total: conversations.total,
            open: conversations.open,
            today: conversations.started_since,
        },
        events_today: engine.events_since(project, midnight).await?,
        deliveries: engine.delivery_counts(project).await?.into(),
        demo: demo.map(|d| Demo {
            bot_id: d.bot_id,
            inbox_id: d.inbox_id,
            scenario_id: d.scenario_id,
            endpoint_id: d.endpoint_id,
            url: format!("{}/demo", engine.settings().public_url),
        }),
    }))
}
