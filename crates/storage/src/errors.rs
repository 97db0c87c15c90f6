//! What can go wrong in storage, as far as a caller acts differently on it.

use std::io::ErrorKind;

/// A storage failure. Nothing of the call was written when one is returned.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The row does not exist in this project. The caller answers 404.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The write contradicts what is stored (a name taken, a revision passed by). The caller answers 409.
    #[error("{0}")]
    Conflict(&'static str),
    /// The disk is full, or a quota used up; new work is refused until a write succeeds again. The caller answers 503.
    #[error("the data directory cannot be written: {0}")]
    Full(String),
    /// The disk takes no writes for another reason (it fails, it is mounted read-only), or does not sync them. New work is
    /// refused as with `Full`.
    #[error("the data directory cannot be written: {0}")]
    Unwritable(String),
    /// The storage is shutting down or its thread is gone. The caller answers 503.
    #[error("storage is not available: {0}")]
    Unavailable(String),
    /// Anything else; a defect. The caller answers 500 and logs it.
    #[error("storage failed: {0}")]
    Internal(String),
}

impl StorageError {
    /// A file that could not be written.
    pub fn of_write(error: &std::io::Error, what: &str) -> Self {
        let words = format!("{what}: {error}");
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(words),
            _ => Self::Unwritable(words),
        }
    }

    /// Whether nothing can be written now, and the same call may succeed later.
    pub fn is_about_the_disk(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Unwritable(_))
    }
}

/// A result of the port.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
