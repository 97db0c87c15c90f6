//! What a use case can refuse, in the words that reach the user.

use kanca_domain::ids::InvalidId;
use kanca_storage::StorageError;

/// A field of the input that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field as in the API, nested ones with dots: `response.status`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why a use case did not happen. Nothing was written when one is returned.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The thing is not there, or belongs to another project (404).
    #[error("There is no {0} with this id here. Check the id and the project that the key belongs to.")]
    NotFound(&'static str),
    /// Fields of the input are wrong (422).
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// The input contradicts the present state (409). `code` names the problem type.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// Events of a batch came under idempotency keys that were used for another content (409, with each place).
    #[error("Nothing was published: {}", summary(.0))]
    KeysTaken(Vec<FieldError>),
    /// The scenario cannot be published (422, with the list).
    #[error("The scenario has {} that must be mended before it can be published.", count(.0.len()))]
    ScenarioInvalid(Vec<kanca_domain::scenario::Problem>),
    /// No valid credentials (401).
    #[error("{0}")]
    Unauthorized(String),
    /// Valid credentials, but not for this (403).
    #[error("{0}")]
    Forbidden(String),
    /// Too large (413).
    #[error("{0}")]
    TooLarge(String),
    /// Too fast (429); `retry_after` in seconds.
    #[error("{detail}")]
    TooMany { detail: String, retry_after: u64 },
    /// No new work is taken now (503): the disk is full or cannot be written, or the process is stopping.
    #[error("{0}")]
    Unavailable(String),
    /// A defect (500); the text is for the log only.
    #[error("{0}")]
    Internal(String),
}

/// A result of a use case.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

impl EngineError {
    /// One wrong field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Whether storage refused a change because somebody else was faster; reading anew and trying again may help.
    pub(crate) fn is_passed_by(&self) -> bool {
        matches!(self, Self::Conflict { code: "conflict", .. })
    }

    /// A conflict with a problem code.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound(what) => Self::NotFound(what.strip_prefix("the ").unwrap_or(what)),
            StorageError::Conflict(what) => Self::conflict("conflict", what),
            StorageError::Full(_) => Self::Unavailable(
                "The server's disk is full, so nothing new can be stored safely. Try again later; the operator needs to \
                 free space."
                    .into(),
            ),
            StorageError::Unwritable(_) => Self::Unavailable(
                "The server cannot write to its disk, so nothing new can be stored safely. Try again later; the operator \
                 needs to look at the disk (errors, quota, mounted read-only) and at the server's log."
                    .into(),
            ),
            StorageError::Unavailable(_) => Self::Unavailable("The server is stopping. Try again in a moment.".into()),
            StorageError::Internal(detail) => Self::Internal(detail),
        }
    }
}

impl From<InvalidId> for EngineError {
    fn from(_: InvalidId) -> Self {
        Self::NotFound("thing")
    }
}

fn summary(fields: &[FieldError]) -> String {
    match fields {
        [one] if one.field.is_empty() => one.message.clone(),
        [one] => format!("`{}`: {}", one.field, one.message),
        _ => format!("{} fields are wrong; each is named in `errors`.", fields.len()),
    }
}

fn count(n: usize) -> String {
    if n == 1 { "one problem".into() } else { format!("{n} problems") }
}
