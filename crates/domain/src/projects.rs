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
    /// How long what happened is kept.
    #[serde(skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
}

/// How long what happened is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days that ended events and captured requests are kept; 0 is for ever. By default the installation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

impl Retention {
    /// Whether the installation decides.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The greatest number of days that can be set: ten years.
pub const MAX_KEEP_DAYS: u32 = 3_650;

/// A number of days that cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} days cannot be set; give 1 to {MAX_KEEP_DAYS} days, or 0 to keep for ever")]
pub struct InvalidKeepDays(pub u64);

/// Checks for how many days something is kept; 0 is for ever.
pub fn check_keep_days(days: u64) -> Result<u32, InvalidKeepDays> {
    u32::try_from(days).ok().filter(|days| *days <= MAX_KEEP_DAYS).ok_or(InvalidKeepDays(days))
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
        let options = ProjectOptions { retention: Retention { days: Some(7) }, ..ProjectOptions::default() };
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(text, r#"{"retention":{"days":7}}"#);
        assert_eq!(serde_json::from_str::<ProjectOptions>(&text).unwrap(), options);
    }

    #[test]
    fn days_are_kept_within_ten_years() {
        assert_eq!([0, 1, 3_650].map(check_keep_days), [Ok(0), Ok(1), Ok(3_650)]);
        assert_eq!(check_keep_days(3_651), Err(InvalidKeepDays(3_651)));
        assert_eq!(check_keep_days(u64::MAX), Err(InvalidKeepDays(u64::MAX)));
    }
}
