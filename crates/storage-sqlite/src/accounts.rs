//! Projects, users, sessions, API keys and settings.

use crate::SqliteStorage;
use crate::faults::{Fault, Run};
use crate::jobs::Tx;
use crate::rows::{from_json, hash, id, json, key, micros, opt_micros, opt_time, time};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{ApiKeyId, Id, ProjectId};
use kanca_storage::accounts::{Accounts, ApiKeyRecord, ProjectRecord, SessionRecord, UserRecord};
use kanca_storage::{Result, StorageError};
use rusqlite::{OptionalExtension, Row, params};

#[async_trait]
impl Accounts for SqliteStorage {
    async fn create_project(&self, project: ProjectRecord, key_record: Option<ApiKeyRecord>) -> Result<()> {
        let options = json(&project.options)?;
        self.writer
            .call(move |tx| {
                tx.memory.note_id(project.id.uuid());
                tx.prepare("INSERT INTO projects (id, name, options, created_at) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![key(project.id), project.name, options, micros(project.created_at)])
                    .map_err(|error| Fault::or_conflict(error, "the project exists already"))?;
                key_record.as_ref().map_or(Ok(()), |record| insert_key(tx, record))
            })
            .await
    }

    async fn update_project(&self, project: ProjectRecord) -> Result<()> {
        let options = json(&project.options)?;
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE projects SET name = ?2, options = ?3 WHERE id = ?1",
                    params![key(project.id), project.name, options],
                )?;
                if changed == 0 { Err(StorageError::NotFound("the project").into()) } else { Ok(()) }
            })
            .await
    }

    async fn projects(&self) -> Result<Vec<ProjectRecord>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM projects ORDER BY id")?;
                let rows = statement.query_map([], |row| {
                    Ok(ProjectRecord {
                        id: id(row, "id")?,
                        name: row.get("name")?,
                        options: from_json(row, "options")?,
                        created_at: time(row, "created_at")?,
                    })
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn save_user(&self, user: UserRecord, used_setting: Option<&'static str>) -> Result<()> {
        self.writer
            .call(move |tx| {
                if let Some(name) = used_setting
                    && tx.execute("DELETE FROM settings WHERE name = ?1", [name])? == 0
                {
                    return Err(StorageError::Conflict("the link was used already").into());
                }
                tx.memory.note_id(user.id.uuid());
                tx.prepare(
                    "INSERT INTO users (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (id) DO UPDATE SET email = excluded.email, password_hash = excluded.password_hash",
                )?
                .execute(params![key(user.id), user.email, user.password_hash, micros(user.created_at)])
                .map_err(|error| Fault::or_conflict(error, "another user has this e-mail address"))?;
                tx.execute("DELETE FROM sessions WHERE user_id = ?1", [key(user.id)])?;
                Ok(())
            })
            .await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>> {
        let email = email.to_owned();
        self.readers
            .call(move |sql| {
                let mut statement =
                    sql.prepare_cached("SELECT id, email, password_hash, created_at FROM users WHERE email = ?1")?;
                Ok(statement.query_row([email], |row| user(row, 0)).optional()?)
            })
            .await
    }

    async fn users(&self) -> Result<Vec<UserRecord>> {
        self.readers
            .call(|sql| {
                let mut statement =
                    sql.prepare_cached("SELECT id, email, password_hash, created_at FROM users ORDER BY id")?;
                Ok(statement.query_map([], |row| user(row, 0))?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn create_session(&self, session: SessionRecord) -> Result<()> {
        self.writer
            .call(move |tx| {
                tx.memory.note_id(session.id.uuid());
                let SessionRecord { id, user_id, token_hash, created_at, expires_at } = &session;
                // A new session is the moment to forget those that ended long ago.
                tx.execute("DELETE FROM sessions WHERE expires_at < ?1", [micros(*created_at)])?;
                tx.prepare(
                    "INSERT INTO sessions (token_hash, id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![token_hash, key(*id), key(*user_id), micros(*created_at), micros(*expires_at)])
                .map_err(|error| Fault::or_conflict(error, "the session exists already"))?;
                Ok(())
            })
            .await
    }

    async fn session(&self, token_hash: [u8; 32], now: Timestamp) -> Result<Option<(SessionRecord, UserRecord)>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT s.id, s.user_id, s.token_hash, s.created_at, s.expires_at, \
                     u.id, u.email, u.password_hash, u.created_at \
                     FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?1 AND s.expires_at >= ?2",
                )?;
                let found = statement.query_row(params![token_hash, micros(now)], |row| {
                    let session = SessionRecord {
                        id: id(row, 0)?,
                        user_id: id(row, 1)?,
                        token_hash: hash(row, 2)?,
                        created_at: time(row, 3)?,
                        expires_at: time(row, 4)?,
                    };
                    Ok((session, user(row, 5)?))
                });
                Ok(found.optional()?)
            })
            .await
    }

    async fn delete_session(&self, token_hash: [u8; 32]) -> Result<()> {
        self.writer
            .call(move |tx| tx.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash]).map(drop))
            .await
    }

    async fn create_api_key(&self, record: ApiKeyRecord) -> Result<()> {
        self.writer.call(move |tx| insert_key(tx, &record)).await
    }

    async fn api_keys(&self, project: ProjectId) -> Result<Vec<ApiKeyRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement =
                    sql.prepare_cached("SELECT * FROM api_keys WHERE project_id = ?1 ORDER BY id DESC")?;
                Ok(statement.query_map([key(project)], api_key)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn all_api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM api_keys ORDER BY id")?;
                Ok(statement.query_map([], api_key)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn delete_api_key(&self, project: ProjectId, api_key: ApiKeyId) -> Result<()> {
        self.writer
            .call(move |tx| {
                let gone = tx.execute(
                    "DELETE FROM api_keys WHERE id = ?1 AND project_id = ?2",
                    params![key(api_key), key(project)],
                )?;
                if gone == 0 { Err(StorageError::NotFound("the API key").into()) } else { Ok(()) }
            })
            .await
    }

    async fn touch_api_keys(&self, used: Vec<(ApiKeyId, Timestamp)>) -> Result<()> {
        self.writer
            .call(move |tx| {
                for (api_key, at) in &used {
                    tx.execute(
                        "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2) <= ?2",
                        params![key(*api_key), micros(*at)],
                    )?;
                }
                Ok(())
            })
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
                Ok(statement.query_row([name], |row| row.get(0)).optional()?)
            })
            .await
    }

    async fn save_setting(&self, name: &str, value: Option<String>) -> Result<()> {
        let name = name.to_owned();
        self.writer
            .call(move |tx| {
                match &value {
                    Some(value) => tx.execute("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", [&name, value])?,
                    None => tx.execute("DELETE FROM settings WHERE name = ?1", [&name])?,
                };
                Ok(())
            })
            .await
    }
}

fn insert_key(tx: &mut Tx<'_>, record: &ApiKeyRecord) -> Run<()> {
    tx.memory.note_id(record.id.uuid());
    tx.prepare(
        "INSERT INTO api_keys (id, project_id, name, hint, key_hash, created_at, last_used_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        key(record.id),
        key(record.project_id),
        record.name,
        record.hint,
        record.key_hash,
        micros(record.created_at),
        opt_micros(record.last_used_at)
    ])
    .map_err(|error| Fault::or_conflict(error, "the key exists already"))?;
    Ok(())
}

fn user(row: &Row<'_>, from: usize) -> rusqlite::Result<UserRecord> {
    Ok(UserRecord {
        id: id(row, from)?,
        email: row.get(from + 1)?,
        password_hash: row.get(from + 2)?,
        created_at: time(row, from + 3)?,
    })
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKeyRecord> {
    Ok(ApiKeyRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        hint: row.get("hint")?,
        key_hash: hash(row, "key_hash")?,
        created_at: time(row, "created_at")?,
        last_used_at: opt_time(row, "last_used_at")?,
    })
}
