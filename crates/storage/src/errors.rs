//! What can go wrong in storage, as far as a caller acts differently on it.

/// A storage failure. Nothing of the call was written when one is returned.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The row does not exist in this project. The caller answers 404.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The write contradicts what is stored (a name taken, a revision passed by). The caller answers 409.
    #[error("{0}")]
    Conflict(&'static str),
    /// The disk is full or refuses to sync; new work is refused until a write succeeds again. The caller answers 503.
    #[error("the data directory cannot be written: {0}")]
    Full(String),
    /// The storage is shutting down or its thread is gone. The caller answers 503.
    #[error("storage is not available: {0}")]
    Unavailable(String),
    /// Anything else; a defect. The caller answers 500 and logs it.
    #[error("storage failed: {0}")]
    Internal(String),
}

/// A result of the port.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
