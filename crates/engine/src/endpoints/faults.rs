//! Collects everything that is wrong with an input, so that the caller mends it in one go.

use super::parse_subscription;
use crate::Engine;
use crate::errors::{EngineError, FieldError};
use kanca_domain::endpoints as rules;
use kanca_domain::events::Subscription;
use kanca_domain::ids::{InboxId, ProjectId};
use kanca_domain::retries::Schedule;

/// The faults found so far, each with its place as in the API: `retry_schedule[3]`, `auth.password`.
#[derive(Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    pub fn add(&mut self, field: impl Into<String>, message: &impl ToString) {
        self.0.push(FieldError { field: field.into(), message: message.to_string() });
    }

    /// What was found to be right; a fault of `field` otherwise.
    pub fn check<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, &error)).ok()
    }

    pub fn subscription(&mut self, types: Option<&[String]>) -> Option<Subscription> {
        self.check("event_types", parse_subscription(types))
    }

    /// A schedule of seconds; a wrong delay is named by its index.
    pub fn schedule(&mut self, field: &str, seconds: &[u64]) -> Option<Schedule> {
        let checked = Schedule::from_seconds(seconds);
        let place = match &checked {
            Err(error) => error.index().map_or(field.to_owned(), |index| format!("{field}[{index}]")),
            Ok(_) => String::new(),
        };
        self.check(&place, checked)
    }

    /// The inbox of the project that the URL points to, if any; `None` when the URL is refused.
    #[expect(clippy::option_option, reason = "refused, no inbox and an inbox are three answers")]
    pub fn url(&mut self, engine: &Engine, project: ProjectId, url: &str) -> Option<Option<InboxId>> {
        let parsed = self.check("url", rules::check_url(url))?;
        if let Some((inbox, owner)) = engine.own_inbox(url) {
            return Some((owner == project).then_some(inbox));
        }
        self.check("url", engine.settings.address_rules.check_host(&parsed.host()?))?;
        Some(None)
    }

    /// An error with all faults, if there are any.
    pub fn result(self) -> Result<(), EngineError> {
        if self.0.is_empty() { Ok(()) } else { Err(EngineError::Invalid(self.0)) }
    }
}
