//! The demo that a new installation begins with: an inbox, a webhook that points to it, and a bot whose published
//! scenario calls the webhook. It is made through the same use cases that everybody calls.

use crate::Engine;
use crate::endpoints::NewEndpoint;
use crate::errors::{EngineError, Result};
use crate::inboxes::NewInbox;
use kanca_domain::ids::{BotId, EndpointId, InboxId, ScenarioId};
use kanca_domain::scenario;
use kanca_storage::inboxes::ConfiguredResponse;
use serde::{Deserialize, Serialize};

/// The setting that remembers the demo.
const DEMO_SETTING: &str = "demo";

/// Event types that a webhook made in the panel starts with.
pub const CONVERSATION_TYPES: [&str; 3] = ["conversation.*", "message.*", "contact.*"];

/// What the demo consists of. The parts are ordinary ones and may have been changed or deleted since.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Demo {
    pub bot_id: BotId,
    pub inbox_id: InboxId,
    pub scenario_id: ScenarioId,
    pub endpoint_id: EndpointId,
}

impl Engine {
    /// The demo, if its bot is still there.
    pub async fn demo(&self) -> Result<Option<Demo>> {
        let Some(text) = self.storage.setting(DEMO_SETTING).await? else { return Ok(None) };
        let demo: Demo = serde_json::from_str(&text).map_err(|e| EngineError::Internal(e.to_string()))?;
        Ok(Some(demo).filter(|d| self.snapshot.load().bots.contains_key(&d.bot_id)))
    }

    /// Makes the demo in the default project unless it was ever made.
    pub(crate) async fn make_demo(&self) -> Result<()> {
        if self.storage.setting(DEMO_SETTING).await?.is_some() {
            return Ok(());
        }
        let project = self.default_project;
        let answer = r#"{"order":{"status":"on its way"}}"#;
        let response = ConfiguredResponse { body: answer.into(), ..ConfiguredResponse::default() };
        let new = NewInbox { name: Some("Demo".into()), response: Some(response), ..NewInbox::default() };
        let inbox = self.create_inbox(project, new).await?;
        let new = NewEndpoint {
            name: "Demo".into(),
            url: self.inbox_address(&inbox.record.slug),
            event_types: Some(CONVERSATION_TYPES.map(str::to_owned).to_vec()),
            ..NewEndpoint::default()
        };
        let (endpoint, _) = self.create_endpoint(project, new).await?;
        let (bot, _) = self.create_bot(project, "Demo".into(), None).await?;
        let document = scenario::demo(endpoint.record.id, crate::scenarios::language(&bot.language));
        let document = serde_json::to_value(&document).map_err(|e| EngineError::Internal(e.to_string()))?;
        let scenario = self.create_scenario(project, bot.id, "Demo".into(), Some(document)).await?.scenario;
        self.publish_scenario(project, scenario.id).await?;
        let demo = Demo {
            bot_id: bot.id,
            inbox_id: inbox.record.id,
            scenario_id: scenario.id,
            endpoint_id: endpoint.record.id,
        };
        let text = serde_json::to_string(&demo).map_err(|e| EngineError::Internal(e.to_string()))?;
        Ok(self.storage.save_setting(DEMO_SETTING, Some(text)).await?)
    }
}
