//! Bots and scenarios: drafts, publishing (a frozen version), tests over the present draft.

use crate::Engine;
use crate::conversations::{ChatSession, NewConversation};
use crate::errors::{EngineError, FieldError, Result};
use crate::secrets;
use kanca_domain::endpoints::check_name;
use kanca_domain::ids::{BotId, EndpointId, ProjectId, ScenarioId};
use kanca_domain::scenario::{self, Document, DocumentError, Language, Problem, Severity};
use kanca_storage::StorageError;
use kanca_storage::scenarios::{BotRecord, PublishedVersion, ScenarioRecord, VersionRecord};
use std::cmp::Reverse;
use std::sync::Arc;

/// Changes to a bot; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct BotPatch {
    pub name: Option<String>,
    pub language: Option<String>,
    pub allowed_origins: Option<Vec<String>>,
    pub active_scenario_id: Option<ScenarioId>,
}

/// A scenario with what is wrong in its draft.
pub struct ScenarioDetail {
    pub scenario: ScenarioRecord,
    pub problems: Vec<Problem>,
}

pub(crate) fn identity_place(id: BotId) -> String {
    format!("{id}/identity_secret")
}

impl Engine {
    /// Creates a bot; its identity secret can be shown to the caller this once.
    pub async fn create_bot(
        &self,
        project: ProjectId,
        name: String,
        language: Option<String>,
    ) -> Result<(Arc<BotRecord>, String)> {
        let _guard = self.config.lock().await;
        let now = self.clock.now();
        let id: BotId = self.ids.next();
        let secret = secrets::token("", &*self.random);
        let bot = BotRecord {
            id,
            project_id: project,
            name,
            language: language.unwrap_or_else(|| "en".into()),
            allowed_origins: Vec::new(),
            active_scenario_id: None,
            sealed_identity_secret: self.sealer.seal(&identity_place(id), secret.as_bytes())?,
            created_at: now,
            updated_at: now,
        };
        check_bot(&bot)?;
        self.storage.create_bot(bot.clone()).await?;
        let bot = Arc::new(bot);
        self.update_snapshot(|s| {
            s.bots.insert(id, bot.clone());
        });
        Ok((bot, secret))
    }

    /// Changes a bot.
    pub async fn patch_bot(&self, project: ProjectId, id: BotId, patch: BotPatch) -> Result<Arc<BotRecord>> {
        let _guard = self.config.lock().await;
        let mut bot = (*self.bot(project, id)?).clone();
        bot.name = patch.name.unwrap_or(bot.name);
        bot.language = patch.language.unwrap_or(bot.language);
        bot.allowed_origins = patch.allowed_origins.unwrap_or(bot.allowed_origins);
        bot.updated_at = self.clock.now();
        check_bot(&bot)?;
        if let Some(active) = patch.active_scenario_id {
            let scenario = self.storage.scenario(project, active).await?;
            let usable = scenario.is_some_and(|s| s.bot_id == id && s.published.is_some());
            if !usable {
                return Err(EngineError::invalid("active_scenario_id", "must be a published scenario of this bot"));
            }
            bot.active_scenario_id = Some(active);
        }
        self.storage.update_bot(bot.clone()).await?;
        Ok(self.put_bot(bot))
    }

    fn put_bot(&self, bot: BotRecord) -> Arc<BotRecord> {
        let bot = Arc::new(bot);
        self.update_snapshot(|s| {
            s.bots.insert(bot.id, bot.clone());
        });
        bot
    }

    /// Deletes a bot with its scenarios.
    pub async fn delete_bot(&self, project: ProjectId, id: BotId) -> Result<()> {
        let _guard = self.config.lock().await;
        self.bot(project, id)?;
        self.storage.delete_bot(project, id).await?;
        self.update_snapshot(|s| {
            s.bots.remove(&id);
        });
        self.end_conversations_of(id).await;
        Ok(())
    }

    /// One bot of a project.
    pub fn bot(&self, project: ProjectId, id: BotId) -> Result<Arc<BotRecord>> {
        let snapshot = self.snapshot.load();
        let found = snapshot.bots.get(&id).filter(|b| b.project_id == project);
        found.cloned().ok_or(EngineError::NotFound("bot"))
    }

    /// The key of `identity_hash`, through the one call made for it.
    pub fn identity_secret(&self, project: ProjectId, id: BotId) -> Result<String> {
        let bot = self.bot(project, id)?;
        let secret = self.sealer.open(&identity_place(id), &bot.sealed_identity_secret)?;
        String::from_utf8(secret).map_err(|_| EngineError::Internal("an identity secret is no text".into()))
    }

    /// The bots of a project, newest first.
    pub fn bots(&self, project: ProjectId) -> Vec<Arc<BotRecord>> {
        let snapshot = self.snapshot.load();
        let mut found: Vec<_> = snapshot.bots.values().filter(|b| b.project_id == project).cloned().collect();
        found.sort_by_key(|b| Reverse(b.id));
        found
    }

    /// Creates a scenario of a bot, blank or from a document.
    pub async fn create_scenario(
        &self,
        project: ProjectId,
        bot: BotId,
        name: String,
        draft: Option<serde_json::Value>,
    ) -> Result<ScenarioDetail> {
        let bot = self.bot(project, bot)?;
        check_name(&name).map_err(|e| EngineError::invalid("name", e.to_string()))?;
        let document = match draft {
            Some(value) => Document::parse_value(value).map_err(|e| document_errors("draft", e))?,
            None => scenario::blank(language(&bot.language)),
        };
        let now = self.clock.now();
        let record = ScenarioRecord {
            id: self.ids.next(),
            project_id: project,
            bot_id: bot.id,
            name,
            draft: to_text(&document)?,
            draft_revision: 1,
            published: None,
            created_at: now,
            updated_at: now,
        };
        self.storage.create_scenario(record.clone()).await?;
        Ok(self.detail(record, &document))
    }

    /// One scenario with its draft and what is wrong in it.
    pub async fn scenario(&self, project: ProjectId, id: ScenarioId) -> Result<ScenarioDetail> {
        let record = self.scenario_record(project, id).await?;
        let document = parse_stored(&record)?;
        Ok(self.detail(record, &document))
    }

    /// The scenarios of a project or of one bot, newest first, without drafts.
    pub async fn scenarios(&self, project: ProjectId, bot: Option<BotId>) -> Result<Vec<ScenarioRecord>> {
        if let Some(bot) = bot {
            self.bot(project, bot)?;
        }
        Ok(self.storage.scenarios(project, bot).await?)
    }

    /// Changes the name.
    pub async fn rename_scenario(&self, project: ProjectId, id: ScenarioId, name: &str) -> Result<ScenarioDetail> {
        check_name(name).map_err(|e| EngineError::invalid("name", e.to_string()))?;
        self.storage.rename_scenario(project, id, name, self.clock.now()).await?;
        self.scenario(project, id).await
    }

    /// Deletes a scenario.
    pub async fn delete_scenario(&self, project: ProjectId, id: ScenarioId) -> Result<()> {
        let _guard = self.config.lock().await;
        let record = self.scenario_record(project, id).await?;
        self.storage.delete_scenario(project, id).await?;
        let bot = self.bot(project, record.bot_id)?;
        if bot.active_scenario_id == Some(id) {
            self.put_bot(BotRecord { active_scenario_id: None, ..(*bot).clone() });
        }
        Ok(())
    }

    /// Replaces the draft. A draft with problems is stored; only what is no document at all is refused.
    pub async fn save_draft(
        &self,
        project: ProjectId,
        id: ScenarioId,
        draft: &[u8],
        expected: Option<u64>,
    ) -> Result<ScenarioDetail> {
        self.scenario_record(project, id).await?;
        let document = Document::parse(draft).map_err(|e| document_errors("", e))?;
        let text = to_text(&document)?;
        match self.storage.save_draft(project, id, text, expected, self.clock.now()).await {
            Err(StorageError::Conflict(_)) => Err(EngineError::conflict(
                "draft-changed",
                "The draft was changed elsewhere since you read it. Read it again before you save.",
            )),
            other => {
                other?;
                let record = self.scenario_record(project, id).await?;
                Ok(self.detail(record, &document))
            }
        }
    }

    /// Publishes the draft: new conversations of the bot start with it.
    pub async fn publish_scenario(&self, project: ProjectId, id: ScenarioId) -> Result<PublishedVersion> {
        let _guard = self.config.lock().await;
        let record = self.scenario_record(project, id).await?;
        let document = self.publishable(&record)?;
        let version = self.version(&record, &document)?;
        let published_at = version.created_at;
        let version_id = version.id;
        let number = self.storage.publish(version).await?;
        let bot = self.bot(project, record.bot_id)?;
        self.put_bot(BotRecord { active_scenario_id: Some(id), ..(*bot).clone() });
        Ok(PublishedVersion { version_id, number, published_at })
    }

    /// Published versions, newest first.
    pub async fn versions(&self, project: ProjectId, id: ScenarioId) -> Result<Vec<VersionRecord>> {
        self.scenario_record(project, id).await?;
        Ok(self.storage.versions(project, id).await?)
    }

    /// Opens a conversation over the present draft, by the very code that visitors use.
    pub async fn test_scenario(&self, project: ProjectId, id: ScenarioId) -> Result<ChatSession> {
        let record = self.scenario_record(project, id).await?;
        let document = self.publishable(&record)?;
        let version = self.version(&record, &document)?;
        let version_id = version.id;
        self.storage.create_test_version(version).await?;
        let bot = self.bot(project, record.bot_id)?;
        self.open(&bot, id, version_id, NewConversation::default(), true).await
    }

    async fn scenario_record(&self, project: ProjectId, id: ScenarioId) -> Result<ScenarioRecord> {
        self.storage.scenario(project, id).await?.ok_or(EngineError::NotFound("scenario"))
    }

    fn publishable(&self, record: &ScenarioRecord) -> Result<Document> {
        let document = parse_stored(record)?;
        let problems = self.problems(record.project_id, &document);
        if problems.iter().any(|p| p.severity == Severity::Error) {
            return Err(EngineError::ScenarioInvalid(problems));
        }
        Ok(document)
    }

    fn version(&self, record: &ScenarioRecord, document: &Document) -> Result<VersionRecord> {
        Ok(VersionRecord {
            id: self.ids.next(),
            project_id: record.project_id,
            bot_id: record.bot_id,
            scenario_id: record.id,
            number: None,
            document: to_text(document)?,
            created_at: self.clock.now(),
        })
    }

    fn detail(&self, scenario: ScenarioRecord, document: &Document) -> ScenarioDetail {
        let problems = self.problems(scenario.project_id, document);
        ScenarioDetail { scenario, problems }
    }

    fn problems(&self, project: ProjectId, document: &Document) -> Vec<Problem> {
        scenario::validate(document, &|endpoint: EndpointId| self.endpoint(project, endpoint).is_ok())
    }
}

pub(crate) fn language(code: &str) -> Language {
    if code == "tr" { Language::Tr } else { Language::En }
}

fn to_text(document: &Document) -> Result<String> {
    serde_json::to_string(document).map_err(|e| EngineError::Internal(e.to_string()))
}

fn parse_stored(record: &ScenarioRecord) -> Result<Document> {
    Document::parse(record.draft.as_bytes())
        .map_err(|_| EngineError::Internal(format!("the stored draft of {} cannot be read", record.id)))
}

fn document_errors(prefix: &str, errors: Vec<DocumentError>) -> EngineError {
    let fields = errors.into_iter().map(|e| FieldError { field: format!("{prefix}{}", e.path), message: e.message });
    EngineError::Invalid(fields.collect())
}

fn check_bot(bot: &BotRecord) -> Result<()> {
    let mut wrong = Vec::new();
    if let Err(error) = check_name(&bot.name) {
        wrong.push(FieldError { field: "name".into(), message: error.to_string() });
    }
    if !matches!(bot.language.as_str(), "en" | "tr") {
        wrong.push(FieldError { field: "language".into(), message: "must be `en` or `tr`".into() });
    }
    if bot.allowed_origins.len() > 50 || !bot.allowed_origins.iter().all(|o| is_origin(o)) {
        let message = "must be at most 50 origins such as `https://shop.example`, without a path";
        wrong.push(FieldError { field: "allowed_origins".into(), message: message.into() });
    }
    if wrong.is_empty() { Ok(()) } else { Err(EngineError::Invalid(wrong)) }
}

/// Whether a text is an origin exactly as a browser sends it.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.origin().ascii_serialization() == text)
}
