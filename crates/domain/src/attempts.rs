//! Attempts: how one HTTP exchange of a delivery ended, in words, and how to repeat it by hand.

mod curl;
mod reason;
mod timings;

pub use curl::{CurlHeader, curl_command, placeholder};
pub use reason::{ReasonCode, UnknownReason};
pub use timings::Timings;

use serde::{Deserialize, Serialize};

/// How an exchange ended, as far as the rules of retrying care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// An answer came, with this status.
    Status(u16),
    /// No answer came, for this reason.
    NoAnswer(ReasonCode),
}

/// Whether an attempt delivered the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The receiver has the event.
    Success,
    /// It has not, or did not say so.
    Failure,
}

impl AttemptEnd {
    /// The reason to record.
    pub const fn reason(self) -> ReasonCode {
        match self {
            Self::Status(200..=299) => ReasonCode::Success,
            Self::Status(300..=399) => ReasonCode::Redirect,
            Self::Status(_) => ReasonCode::HttpStatus,
            Self::NoAnswer(reason) => reason,
        }
    }
}
