//! Numbered SQL files, applied once and forward only, each in a transaction of its own.

use crate::faults::named;
use kanca_storage::{Result, StorageError};
use rusqlite::Connection;

/// All migrations in order: number, name, text. Files that were released are never changed; a change is a new file.
const ALL: &[(i64, &str, &str)] = &[
    (1, "start", include_str!("schema/0001_start.sql")),
    (2, "attempt timings", include_str!("schema/0002_attempt_timings.sql")),
    (3, "options", include_str!("schema/0003_options.sql")),
    (4, "outages", include_str!("schema/0004_outages.sql")),
    (5, "request bodies", include_str!("schema/0005_request_bodies.sql")),
    (6, "replays", include_str!("schema/0006_replays.sql")),
    (7, "event types", include_str!("schema/0007_event_types.sql")),
    (8, "journal", include_str!("schema/0008_journal.sql")),
    (10, "outages while running", include_str!("schema/0010_outages_while_running.sql")),
    (11, "disabled codes", include_str!("schema/0011_disabled_codes.sql")),
    (12, "first delays", include_str!("schema/0012_first_delays.sql")),
];

/// Brings the schema up to date; refuses a database that a newer version has changed.
pub(crate) fn apply(sql: &mut Connection) -> Result<()> {
    let done = applied(sql).map_err(|error| named(&error))?;
    let known = ALL.last().map_or(0, |(number, ..)| *number);
    if done > known {
        return Err(StorageError::Unavailable(format!(
            "the data was written by a newer version of Kanca (schema {done}, this version knows {known}); start that \
             version, or restore a backup that this one made"
        )));
    }
    for (number, name, text) in ALL.iter().filter(|(number, ..)| *number > done) {
        migrate(sql, *number, name, text).map_err(|error| match named(&error) {
            StorageError::Internal(why) => StorageError::Internal(format!("migration {number} ({name}): {why}")),
            other => other,
        })?;
    }
    Ok(())
}

fn applied(sql: &Connection) -> rusqlite::Result<i64> {
    sql.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
    )?;
    sql.query_row("SELECT coalesce(max(number), 0) FROM schema_migrations", [], |row| row.get(0))
}

fn migrate(sql: &mut Connection, number: i64, name: &str, text: &str) -> rusqlite::Result<()> {
    let transaction = sql.transaction()?;
    transaction.execute_batch(text)?;
    transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2)", (number, name))?;
    transaction.commit()
}
