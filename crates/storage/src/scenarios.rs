//! Bots, their scenarios, and the frozen versions that conversations run.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{BotId, ProjectId, ScenarioId, VersionId};

/// A bot as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotRecord {
    pub id: BotId,
    pub project_id: ProjectId,
    pub name: String,
    /// `en` or `tr`.
    pub language: String,
    /// Origins whose pages may talk to it; empty = any.
    pub allowed_origins: Vec<String>,
    /// New conversations start with this scenario's published version.
    pub active_scenario_id: Option<ScenarioId>,
    /// Key of `identity_hash`, sealed.
    pub sealed_identity_secret: Vec<u8>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A scenario as stored, with its draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioRecord {
    pub id: ScenarioId,
    pub project_id: ProjectId,
    pub bot_id: BotId,
    pub name: String,
    /// The draft document as JSON text; empty in lists.
    pub draft: String,
    /// Counts up with each change of the draft.
    pub draft_revision: u64,
    /// The newest published version.
    pub published: Option<PublishedVersion>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Which version is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedVersion {
    pub version_id: VersionId,
    /// 1, 2, 3 … within the scenario.
    pub number: u64,
    pub published_at: Timestamp,
}

/// A frozen document. Versions are never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRecord {
    pub id: VersionId,
    pub project_id: ProjectId,
    pub bot_id: BotId,
    pub scenario_id: ScenarioId,
    /// `None` for the version behind a test conversation.
    pub number: Option<u64>,
    /// The document as JSON text; empty in lists.
    pub document: String,
    pub created_at: Timestamp,
}

/// Storage of bots and scenarios.
#[async_trait]
pub trait Scenarios: Send + Sync {
    async fn create_bot(&self, bot: BotRecord) -> Result<()>;
    /// Replaces name, language, origins and active scenario; the secret stays.
    async fn update_bot(&self, bot: BotRecord) -> Result<()>;
    /// Deletes a bot with its scenarios; its conversations stay readable. Open ones become ended.
    async fn delete_bot(&self, project: ProjectId, bot: BotId) -> Result<()>;
    /// The bots of all projects; the engine keeps them in its snapshot.
    async fn all_bots(&self) -> Result<Vec<BotRecord>>;
    async fn create_scenario(&self, scenario: ScenarioRecord) -> Result<()>;
    /// Changes the name.
    async fn rename_scenario(&self, project: ProjectId, scenario: ScenarioId, name: &str, now: Timestamp)
    -> Result<()>;
    /// Deletes a scenario; versions stay while conversations use them. A bot whose active scenario it was has none then.
    async fn delete_scenario(&self, project: ProjectId, scenario: ScenarioId) -> Result<()>;
    /// Scenarios of a project or of one bot, newest first, drafts left empty.
    async fn scenarios(&self, project: ProjectId, bot: Option<BotId>) -> Result<Vec<ScenarioRecord>>;
    async fn scenario(&self, project: ProjectId, scenario: ScenarioId) -> Result<Option<ScenarioRecord>>;
    /// Replaces the draft and counts the revision up. `Conflict` when `expected` is given and is not the present one.
    /// Returns the new revision.
    async fn save_draft(
        &self,
        project: ProjectId,
        scenario: ScenarioId,
        draft: String,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<u64>;
    /// Freezes `version.document` as the scenario's next numbered version and makes the scenario its bot's active one,
    /// in one commit. `version.number` is ignored; the number given is returned.
    async fn publish(&self, version: VersionRecord) -> Result<u64>;
    /// Stores a version for a test conversation.
    async fn create_test_version(&self, version: VersionRecord) -> Result<()>;
    /// Numbered versions of a scenario, newest first, documents left empty.
    async fn versions(&self, project: ProjectId, scenario: ScenarioId) -> Result<Vec<VersionRecord>>;
    async fn version(&self, project: ProjectId, version: VersionId) -> Result<Option<VersionRecord>>;
}
