//! From SQLite's errors to the port's: what the caller does about it decides the variant.

use kanca_storage::StorageError;
use rusqlite::ErrorCode;

/// What stops a job: an answer of the port, or an error of SQLite that is yet to be named.
#[derive(Debug)]
pub(crate) enum Fault {
    Storage(StorageError),
    Sqlite(rusqlite::Error),
}

/// A result inside a job.
pub(crate) type Run<T> = Result<T, Fault>;

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Storage(error) => error,
            Fault::Sqlite(error) => named(&error),
        }
    }
}

impl Fault {
    /// Reads a violated uniqueness as this conflict; other faults stay as they are.
    pub(crate) fn or_conflict(error: rusqlite::Error, conflict: &'static str) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) && is_unique(&error) {
            Self::Storage(StorageError::Conflict(conflict))
        } else {
            Self::Sqlite(error)
        }
    }
}

fn is_unique(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    error
        .sqlite_error()
        .is_some_and(|e| matches!(e.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE))
}

/// The port's error for one of SQLite's.
pub(crate) fn named(error: &rusqlite::Error) -> StorageError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageError::Full(error.to_string()),
        Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            StorageError::Unwritable(error.to_string())
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageError::Internal(format!(
            "the database file is damaged ({error}); stop Kanca, keep a copy of the data directory, and either restore a \
             backup or recover what can be read with `sqlite3 kanca.db .recover | sqlite3 recovered.db`"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Unavailable(format!(
            "another program keeps the database file locked ({error}); close it, then try again"
        )),
        _ => StorageError::Internal(error.to_string()),
    }
}

/// The writer's or readers' threads have ended.
pub(crate) fn closed() -> StorageError {
    StorageError::Unavailable("it was closed".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn only_a_disk_without_room_is_full() {
        let of = |code| named(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(of(ffi::SQLITE_FULL), StorageError::Full(_)));
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(of(code), StorageError::Unwritable(_)), "{code}");
            assert!(of(code).is_about_the_disk());
        }
        assert!(!of(ffi::SQLITE_CORRUPT).is_about_the_disk());
    }
}
