//! The suite that every backend passes, on SQLite.

#![expect(clippy::unwrap_used, reason = "tests")]

use kanca_storage::SharedStorage;
use kanca_storage_sqlite::SqliteStorage;
use std::sync::Arc;
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "other backends need to wait")]
async fn make() -> (SharedStorage, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(SqliteStorage::open(dir.path()).unwrap()), dir)
}

kanca_storage::conformance_tests!(crate::make);
