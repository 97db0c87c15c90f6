//! The suite that every backend passes, on SQLite: with the journal, and without it, as on a disk with little room.

#![expect(clippy::unwrap_used, reason = "tests")]

use kanca_storage::SharedStorage;
use kanca_storage_sqlite::{Options, SqliteStorage};
use std::sync::Arc;
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "other backends need to wait")]
async fn make() -> (SharedStorage, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(SqliteStorage::open(dir.path()).unwrap()), dir)
}

#[expect(clippy::unused_async, reason = "other backends need to wait")]
async fn make_without_journal() -> (SharedStorage, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { journal: false, ..Options::default() };
    (Arc::new(SqliteStorage::open_with(dir.path(), &options).unwrap()), dir)
}

kanca_storage::conformance_tests!(crate::make);

mod straight {
    kanca_storage::conformance_tests!(crate::make_without_journal);
}
