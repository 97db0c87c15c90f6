//! What holds for a whole project unless one of its endpoints says otherwise.

use crate::retries::Schedule;
use serde::{Deserialize, Serialize};

/// The options of a project, stored in one JSON text; `None` is the default of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectOptions {
    /// The delays between attempts; by default those of Standard Webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<Schedule>,
    /// Seconds of failing only, after which an endpoint is disabled; 0 is never. By default 5 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_after_seconds: Option<u32>,
    /// What becomes of an event that its type's schema does not allow.
    #[serde(skip_serializing_if = "Validation::is_off")]
    pub validation: Validation,
}

/// What becomes of an event whose data its type's schema does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validation {
    /// Nothing is checked.
    #[default]
    Off,
    /// It is accepted, and what is wrong is said with it.
    Warn,
    /// It is refused.
    Reject,
}

impl Validation {
    /// Whether nothing is checked.
    pub const fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_stored_without_defaults_and_read_with_unknown_ones() {
        assert_eq!(serde_json::to_string(&ProjectOptions::default()).unwrap(), "{}");
        let options = ProjectOptions { validation: Validation::Reject, ..ProjectOptions::default() };
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(text, r#"{"validation":"reject"}"#);
        assert_eq!(serde_json::from_str::<ProjectOptions>(&text).unwrap(), options);
        assert!(serde_json::from_str::<ProjectOptions>(r#"{"later":1}"#).unwrap().validation.is_off());
    }
}
