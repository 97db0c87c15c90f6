//! Bots, scenarios and versions.

use crate::SqliteStorage;
use crate::faults::{Fault, Run};
use crate::jobs::Tx;
use crate::rows::{from_json, id, int, json, key, micros, opt_id, opt_key, opt_time, time, uint};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{BotId, Id, ProjectId, ScenarioId, VersionId};
use kanca_storage::scenarios::{BotRecord, PublishedVersion, ScenarioRecord, Scenarios, VersionRecord};
use kanca_storage::{Result, StorageError};
use rusqlite::{OptionalExtension, Row, params};

const NO_BOT: StorageError = StorageError::NotFound("the bot");
const NO_SCENARIO: StorageError = StorageError::NotFound("the scenario");

#[async_trait]
impl Scenarios for SqliteStorage {
    async fn create_bot(&self, bot: BotRecord) -> Result<()> {
        let allowed_origins = json(&bot.allowed_origins)?;
        self.writer
            .call(move |tx| {
                tx.memory.note_id(bot.id.uuid());
                tx.prepare(
                    "INSERT INTO bots (id, project_id, name, language, allowed_origins, active_scenario_id, \
                     sealed_identity_secret, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    key(bot.id),
                    key(bot.project_id),
                    bot.name,
                    bot.language,
                    allowed_origins,
                    opt_key(bot.active_scenario_id),
                    bot.sealed_identity_secret,
                    micros(bot.created_at),
                    micros(bot.updated_at)
                ])
                .map_err(|error| Fault::or_conflict(error, "the bot exists already"))?;
                Ok(())
            })
            .await
    }

    async fn update_bot(&self, bot: BotRecord) -> Result<()> {
        let allowed_origins = json(&bot.allowed_origins)?;
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE bots SET name = ?3, language = ?4, allowed_origins = ?5, active_scenario_id = ?6, \
                     updated_at = ?7 WHERE id = ?1 AND project_id = ?2",
                    params![
                        key(bot.id),
                        key(bot.project_id),
                        bot.name,
                        bot.language,
                        allowed_origins,
                        opt_key(bot.active_scenario_id),
                        micros(bot.updated_at)
                    ],
                )?;
                if changed == 0 { Err(NO_BOT.into()) } else { Ok(()) }
            })
            .await
    }

    async fn delete_bot(&self, project: ProjectId, bot: BotId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let deleted =
                    tx.execute("DELETE FROM bots WHERE id = ?1 AND project_id = ?2", params![key(bot), key(project)])?;
                if deleted == 0 {
                    return Err(NO_BOT.into());
                }
                let scenarios: Vec<ScenarioId> = tx
                    .prepare("SELECT id FROM scenarios WHERE bot_id = ?1")?
                    .query_map([key(bot)], |row| id(row, 0))?
                    .collect::<rusqlite::Result<_>>()?;
                for scenario in scenarios {
                    drop_scenario(tx, project, scenario)?;
                }
                // Whoever works on an open conversation finds its revision passed by.
                tx.execute(
                    "UPDATE conversations SET ended = 1, timer_due = NULL, timer_token = NULL, \
                     revision = revision + 1 WHERE bot_id = ?1 AND ended = 0",
                    [key(bot)],
                )?;
                Ok(())
            })
            .await
    }

    async fn all_bots(&self) -> Result<Vec<BotRecord>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM bots ORDER BY id")?;
                Ok(statement.query_map([], bot)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn create_scenario(&self, scenario: ScenarioRecord) -> Result<()> {
        self.writer
            .call(move |tx| {
                tx.memory.note_id(scenario.id.uuid());
                let published = scenario.published;
                tx.prepare(
                    "INSERT INTO scenarios (id, project_id, bot_id, name, draft_revision, version_id, number, \
                     published_at, created_at, updated_at, draft) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    key(scenario.id),
                    key(scenario.project_id),
                    key(scenario.bot_id),
                    scenario.name,
                    int(scenario.draft_revision),
                    published.map(|p| key(p.version_id)),
                    published.map(|p| int(p.number)),
                    published.map(|p| micros(p.published_at)),
                    micros(scenario.created_at),
                    micros(scenario.updated_at),
                    scenario.draft
                ])
                .map_err(|error| Fault::or_conflict(error, "the scenario exists already"))?;
                Ok(())
            })
            .await
    }

    async fn rename_scenario(
        &self,
        project: ProjectId,
        scenario: ScenarioId,
        name: &str,
        now: Timestamp,
    ) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE scenarios SET name = ?3, updated_at = ?4 WHERE id = ?1 AND project_id = ?2",
                    params![key(scenario), key(project), name, micros(now)],
                )?;
                if changed == 0 { Err(NO_SCENARIO.into()) } else { Ok(()) }
            })
            .await
    }

    async fn delete_scenario(&self, project: ProjectId, scenario: ScenarioId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let exists = tx
                    .prepare("SELECT 1 FROM scenarios WHERE id = ?1 AND project_id = ?2")?
                    .exists(params![key(scenario), key(project)])?;
                if exists { drop_scenario(tx, project, scenario) } else { Err(NO_SCENARIO.into()) }
            })
            .await
    }

    async fn scenarios(&self, project: ProjectId, bot: Option<BotId>) -> Result<Vec<ScenarioRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, project_id, bot_id, name, draft_revision, version_id, number, published_at, \
                     created_at, updated_at, '' FROM scenarios \
                     WHERE project_id = ?1 AND (?2 IS NULL OR bot_id = ?2) ORDER BY id DESC",
                )?;
                let rows = statement.query_map(params![key(project), opt_key(bot)], scenario)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn scenario(&self, project: ProjectId, wanted: ScenarioId) -> Result<Option<ScenarioRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, project_id, bot_id, name, draft_revision, version_id, number, published_at, \
                     created_at, updated_at, draft FROM scenarios WHERE id = ?1 AND project_id = ?2",
                )?;
                Ok(statement.query_row(params![key(wanted), key(project)], scenario).optional()?)
            })
            .await
    }

    async fn save_draft(
        &self,
        project: ProjectId,
        scenario: ScenarioId,
        draft: String,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<u64> {
        self.writer
            .call(move |tx| {
                let revision = tx
                    .prepare("SELECT draft_revision FROM scenarios WHERE id = ?1 AND project_id = ?2")?
                    .query_row(params![key(scenario), key(project)], |row| row.get(0).map(uint))
                    .optional()?
                    .ok_or(NO_SCENARIO)?;
                if expected.is_some_and(|expected| expected != revision) {
                    return Err(StorageError::Conflict("the draft was changed by someone else").into());
                }
                tx.execute(
                    "UPDATE scenarios SET draft = ?2, draft_revision = ?3, updated_at = ?4 \
                     WHERE id = ?1 AND project_id = ?5",
                    params![key(scenario), draft, int(revision + 1), micros(now), key(project)],
                )?;
                Ok(revision + 1)
            })
            .await
    }

    async fn publish(&self, version: VersionRecord) -> Result<u64> {
        self.writer
            .call(move |tx| {
                let (scenario, project, bot) = (version.scenario_id, version.project_id, version.bot_id);
                let exists = tx
                    .prepare("SELECT 1 FROM scenarios WHERE id = ?1 AND project_id = ?2 AND bot_id = ?3")?
                    .exists(params![key(scenario), key(project), key(bot)])?;
                if !exists {
                    return Err(NO_SCENARIO.into());
                }
                let number: i64 = tx
                    .prepare(
                        "SELECT coalesce(max(number), 0) + 1 FROM versions \
                         WHERE scenario_id = ?1 AND number IS NOT NULL",
                    )?
                    .query_row([key(scenario)], |row| row.get(0))?;
                insert_version(tx, &version, Some(number))?;
                tx.execute(
                    "UPDATE scenarios SET version_id = ?3, number = ?4, published_at = ?5, updated_at = ?5 \
                     WHERE id = ?1 AND project_id = ?2",
                    params![key(scenario), key(project), key(version.id), number, micros(version.created_at)],
                )?;
                tx.execute(
                    "UPDATE bots SET active_scenario_id = ?3, updated_at = ?4 WHERE id = ?1 AND project_id = ?2",
                    params![key(bot), key(project), key(scenario), micros(version.created_at)],
                )?;
                Ok(uint(number))
            })
            .await
    }

    async fn create_test_version(&self, version: VersionRecord) -> Result<()> {
        self.writer.call(move |tx| insert_version(tx, &version, None)).await
    }

    async fn versions(&self, project: ProjectId, scenario: ScenarioId) -> Result<Vec<VersionRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, project_id, bot_id, scenario_id, number, '', created_at FROM versions \
                     WHERE scenario_id = ?1 AND project_id = ?2 AND number IS NOT NULL ORDER BY number DESC",
                )?;
                let rows = statement.query_map(params![key(scenario), key(project)], version)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn version(&self, project: ProjectId, wanted: VersionId) -> Result<Option<VersionRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, project_id, bot_id, scenario_id, number, document, created_at FROM versions \
                     WHERE id = ?1 AND project_id = ?2",
                )?;
                Ok(statement.query_row(params![key(wanted), key(project)], version).optional()?)
            })
            .await
    }
}

/// Deletes a scenario and those of its versions that no conversation runs.
fn drop_scenario(tx: &mut Tx<'_>, project: ProjectId, scenario: ScenarioId) -> Run<()> {
    tx.execute("DELETE FROM scenarios WHERE id = ?1 AND project_id = ?2", params![key(scenario), key(project)])?;
    for sql in [
        "DELETE FROM versions WHERE scenario_id = ?1 AND number IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM conversations WHERE version_id = versions.id)",
        "DELETE FROM versions WHERE scenario_id = ?1 AND number IS NULL \
         AND NOT EXISTS (SELECT 1 FROM conversations WHERE version_id = versions.id)",
        "UPDATE bots SET active_scenario_id = NULL WHERE active_scenario_id = ?1",
    ] {
        tx.execute(sql, [key(scenario)])?;
    }
    Ok(())
}

fn insert_version(tx: &mut Tx<'_>, version: &VersionRecord, number: Option<i64>) -> Run<()> {
    tx.memory.note_id(version.id.uuid());
    tx.prepare(
        "INSERT INTO versions (id, project_id, bot_id, scenario_id, number, created_at, document) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        key(version.id),
        key(version.project_id),
        key(version.bot_id),
        key(version.scenario_id),
        number,
        micros(version.created_at),
        version.document
    ])
    .map_err(|error| Fault::or_conflict(error, "the version exists already"))?;
    Ok(())
}

fn bot(row: &Row<'_>) -> rusqlite::Result<BotRecord> {
    Ok(BotRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        language: row.get("language")?,
        allowed_origins: from_json(row, "allowed_origins")?,
        active_scenario_id: opt_id(row, "active_scenario_id")?,
        sealed_identity_secret: row.get("sealed_identity_secret")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

fn scenario(row: &Row<'_>) -> rusqlite::Result<ScenarioRecord> {
    let published = match (opt_id(row, 5)?, row.get::<_, Option<i64>>(6)?, opt_time(row, 7)?) {
        (Some(version_id), Some(number), Some(published_at)) => {
            Some(PublishedVersion { version_id, number: uint(number), published_at })
        }
        _ => None,
    };
    Ok(ScenarioRecord {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        bot_id: id(row, 2)?,
        name: row.get(3)?,
        draft_revision: uint(row.get(4)?),
        published,
        created_at: time(row, 8)?,
        updated_at: time(row, 9)?,
        draft: row.get(10)?,
    })
}

fn version(row: &Row<'_>) -> rusqlite::Result<VersionRecord> {
    Ok(VersionRecord {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        bot_id: id(row, 2)?,
        scenario_id: id(row, 3)?,
        number: row.get::<_, Option<i64>>(4)?.map(uint),
        document: row.get(5)?,
        created_at: time(row, 6)?,
    })
}
