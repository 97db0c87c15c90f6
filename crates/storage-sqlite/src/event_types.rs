//! The registry of event types.

use crate::SqliteStorage;
use crate::faults::Fault;
use crate::rows::{id, key, micros, parsed, time};
use async_trait::async_trait;
use kanca_domain::events::EventType;
use kanca_domain::ids::ProjectId;
use kanca_storage::event_types::{EventTypeRecord, EventTypes};
use kanca_storage::{Result, StorageError};
use rusqlite::{Row, params};

#[async_trait]
impl EventTypes for SqliteStorage {
    async fn create_event_type(&self, event_type: EventTypeRecord) -> Result<()> {
        self.writer
            .call(move |tx| {
                tx.prepare("INSERT INTO event_types VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                        key(event_type.project_id),
                        event_type.name.as_str(),
                        event_type.description,
                        event_type.schema,
                        event_type.example,
                        micros(event_type.created_at),
                        micros(event_type.updated_at)
                    ])
                    .map_err(|error| Fault::or_conflict(error, "an event type of this name exists already"))?;
                Ok(())
            })
            .await
    }

    async fn update_event_type(&self, event_type: EventTypeRecord) -> Result<()> {
        self.writer
            .call(move |tx| {
                let changed = tx.execute(
                    "UPDATE event_types SET description = ?3, schema = ?4, example = ?5, updated_at = ?6 \
                     WHERE project_id = ?1 AND name = ?2",
                    params![
                        key(event_type.project_id),
                        event_type.name.as_str(),
                        event_type.description,
                        event_type.schema,
                        event_type.example,
                        micros(event_type.updated_at)
                    ],
                )?;
                there(changed)
            })
            .await
    }

    async fn delete_event_type(&self, project: ProjectId, name: &EventType) -> Result<()> {
        let name = name.clone();
        self.writer
            .call(move |tx| {
                there(tx.execute(
                    "DELETE FROM event_types WHERE project_id = ?1 AND name = ?2",
                    params![key(project), name.as_str()],
                )?)
            })
            .await
    }

    async fn all_event_types(&self) -> Result<Vec<EventTypeRecord>> {
        self.readers
            .call(|sql| {
                let mut statement = sql.prepare_cached("SELECT * FROM event_types ORDER BY project_id, name")?;
                Ok(statement.query_map([], event_type)?.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }
}

fn there(changed: usize) -> Result<(), Fault> {
    if changed == 0 { Err(StorageError::NotFound("the event type").into()) } else { Ok(()) }
}

fn event_type(row: &Row<'_>) -> rusqlite::Result<EventTypeRecord> {
    Ok(EventTypeRecord {
        project_id: id(row, "project_id")?,
        name: parsed(row, "name")?,
        description: row.get("description")?,
        schema: row.get("schema")?,
        example: row.get("example")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
