//! Reading conversations, contacts and messages; a turn is written by `turns`.

use crate::SqliteStorage;
use crate::faults::Run;
use crate::rows::{
    Code, before, from_json, hash, id, int, key, micros, number, opt_json, opt_key, opt_time, page_limit, page_of,
    time, uint,
};
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::ids::{BotId, ContactId, ConversationId, Id, ProjectId};
use kanca_storage::conversations::{
    ContactRecord, ConversationCounts, ConversationFilter, ConversationRecord, ConversationSummary, Conversations,
    MessageRecord, Timer, Turn, TurnStored,
};
use kanca_storage::{Page, PageRequest, Result};
use rusqlite::{Connection, OptionalExtension, Row, params};

#[async_trait]
impl Conversations for SqliteStorage {
    async fn commit_turn(&self, turn: Turn) -> Result<TurnStored> {
        self.store_turn(turn).await
    }

    async fn conversation_for_chat(
        &self,
        wanted: ConversationId,
    ) -> Result<Option<(ConversationRecord, ContactRecord)>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM conversations WHERE id = ?1")?;
                let Some(found) = statement.query_row([key(wanted)], conversation).optional()? else {
                    return Ok(None);
                };
                let contact = contact_of(sql, &found)?;
                Ok(Some((found, contact)))
            })
            .await
    }

    async fn conversation(&self, project: ProjectId, wanted: ConversationId) -> Result<Option<ConversationSummary>> {
        self.readers
            .call(move |sql| {
                let mut statement =
                    sql.prepare_cached("SELECT * FROM conversations WHERE id = ?1 AND project_id = ?2")?;
                let found = statement
                    .query_row(params![key(wanted), key(project)], |row| {
                        Ok((conversation(row)?, uint(row.get("message_count")?)))
                    })
                    .optional()?;
                found.map(|found| summary(sql, found)).transpose()
            })
            .await
    }

    async fn conversations(
        &self,
        project: ProjectId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<ConversationSummary>> {
        let limit = page_limit(page);
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(list_query(filter))?;
                let rows = statement.query_map(
                    params![key(project), before(page), opt_key(filter.bot_id), filter.ended, int(limit as u64 + 1)],
                    |row| Ok((conversation(row)?, uint(row.get("message_count")?))),
                )?;
                let found: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
                let items = found.into_iter().map(|found| summary(sql, found)).collect::<Run<_>>()?;
                Ok(page_of(items, limit, |item| item.conversation.id.uuid()))
            })
            .await
    }

    async fn messages(
        &self,
        project: ProjectId,
        conversation: ConversationId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<MessageRecord>> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT * FROM messages WHERE conversation_id = ?1 AND seq > ?2 \
                     AND EXISTS (SELECT 1 FROM conversations WHERE id = ?1 AND project_id = ?3) ORDER BY seq LIMIT ?4",
                )?;
                let rows =
                    statement.query_map(params![key(conversation), int(after_seq), key(project), limit], message)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn message_by_client_id(
        &self,
        conversation: ConversationId,
        client_id: &str,
    ) -> Result<Option<MessageRecord>> {
        let client_id = client_id.to_owned();
        self.readers
            .call(move |sql| {
                let mut statement =
                    sql.prepare_cached("SELECT * FROM messages WHERE conversation_id = ?1 AND client_id = ?2")?;
                Ok(statement.query_row(params![key(conversation), client_id], message).optional()?)
            })
            .await
    }

    async fn contact_by_external_id(&self, bot: BotId, external_id: &str) -> Result<Option<ContactRecord>> {
        let external_id = external_id.to_owned();
        self.readers
            .call(move |sql| {
                let mut statement =
                    sql.prepare_cached("SELECT * FROM contacts WHERE bot_id = ?1 AND external_id = ?2")?;
                Ok(statement.query_row(params![key(bot), external_id], contact).optional()?)
            })
            .await
    }

    async fn due_timers(&self, now: Timestamp, limit: u32) -> Result<(Vec<ConversationId>, Option<Timestamp>)> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT id, timer_due FROM conversations WHERE ended = 0 AND timer_due IS NOT NULL \
                     ORDER BY timer_due, id LIMIT ?1",
                )?;
                let mut rows = statement.query([i64::from(limit) + 1])?;
                let mut due_now = Vec::new();
                while let Some(row) = rows.next()? {
                    let due = time(row, 1)?;
                    if due > now || due_now.len() == limit as usize {
                        return Ok((due_now, Some(due)));
                    }
                    due_now.push(id(row, 0)?);
                }
                Ok((due_now, None))
            })
            .await
    }

    async fn conversation_counts(&self, project: ProjectId, since: Timestamp) -> Result<ConversationCounts> {
        self.readers
            .call(move |sql| {
                let mut statement = sql.prepare_cached(
                    "SELECT (SELECT count(*) FROM conversations WHERE project_id = ?1), \
                     (SELECT count(*) FROM conversations WHERE project_id = ?1 AND ended = 0), \
                     (SELECT count(*) FROM conversations WHERE project_id = ?1 AND created_at >= ?2)",
                )?;
                let counts = statement.query_row(params![key(project), micros(since)], |row| {
                    Ok(ConversationCounts {
                        total: number(row, 0)?,
                        open: number(row, 1)?,
                        started_since: number(row, 2)?,
                    })
                });
                Ok(counts?)
            })
            .await
    }
}

/// Each filter reads along the index that serves it.
fn list_query(filter: ConversationFilter) -> &'static str {
    match (filter.bot_id, filter.ended) {
        (Some(_), _) => {
            "SELECT * FROM conversations WHERE bot_id = ?3 AND project_id = ?1 AND id < ?2 \
             AND (?4 IS NULL OR ended = ?4) ORDER BY id DESC LIMIT ?5"
        }
        (None, Some(false)) => {
            "SELECT * FROM conversations WHERE project_id = ?1 AND ended = 0 AND id < ?2 AND ?3 IS NULL \
             AND ?4 = 0 ORDER BY id DESC LIMIT ?5"
        }
        (None, _) => {
            "SELECT * FROM conversations WHERE project_id = ?1 AND id < ?2 AND ?3 IS NULL \
             AND (?4 IS NULL OR ended = ?4) ORDER BY id DESC LIMIT ?5"
        }
    }
}

fn summary(sql: &Connection, (conversation, message_count): (ConversationRecord, u64)) -> Run<ConversationSummary> {
    let contact = contact_of(sql, &conversation)?;
    let mut statement = sql.prepare_cached(
        "SELECT * FROM messages WHERE conversation_id = ?1 AND sender <> 3 ORDER BY seq DESC LIMIT 1",
    )?;
    let last_message = statement.query_row([key(conversation.id)], message).optional()?;
    Ok(ConversationSummary { conversation, contact, last_message, message_count })
}

fn contact_of(sql: &Connection, conversation: &ConversationRecord) -> Run<ContactRecord> {
    let wanted: ContactId = conversation.contact_id;
    let mut statement = sql.prepare_cached("SELECT * FROM contacts WHERE id = ?1 AND project_id = ?2")?;
    Ok(statement.query_row(params![key(wanted), key(conversation.project_id)], contact)?)
}

fn conversation(row: &Row<'_>) -> rusqlite::Result<ConversationRecord> {
    let timer = match (opt_time(row, "timer_due")?, row.get::<_, Option<i64>>("timer_token")?) {
        (Some(due), Some(token)) => Some(Timer { due, token: uint(token) }),
        _ => None,
    };
    Ok(ConversationRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        bot_id: id(row, "bot_id")?,
        scenario_id: id(row, "scenario_id")?,
        version_id: id(row, "version_id")?,
        contact_id: id(row, "contact_id")?,
        token_hash: hash(row, "token_hash")?,
        ended: row.get("ended")?,
        test: row.get("test")?,
        state: row.get("state")?,
        revision: uint(row.get("revision")?),
        last_seq: uint(row.get("last_seq")?),
        processed_seq: uint(row.get("processed_seq")?),
        timer,
        block_id: row.get("block_id")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

fn contact(row: &Row<'_>) -> rusqlite::Result<ContactRecord> {
    Ok(ContactRecord {
        id: id(row, "id")?,
        project_id: id(row, "project_id")?,
        bot_id: id(row, "bot_id")?,
        external_id: row.get("external_id")?,
        attributes: from_json(row, "attributes")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

fn message(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    Ok(MessageRecord {
        id: id(row, "id")?,
        conversation_id: id(row, "conversation_id")?,
        seq: uint(row.get("seq")?),
        from: Code::read(row, "sender")?,
        text: row.get("text")?,
        extra: opt_json(row, "extra")?.unwrap_or_default(),
        block_id: row.get("block_id")?,
        client_id: row.get("client_id")?,
        created_at: time(row, "created_at")?,
    })
}
