//! Collects everything that is wrong with an input, so that the caller mends it in one go.

use crate::Engine;
use crate::errors::{EngineError, FieldError};
use kanca_domain::endpoints as rules;
use kanca_domain::events::{Subscription, TypePattern};
use kanca_domain::ids::{InboxId, ProjectId};
use kanca_domain::retries::Schedule;

/// The faults found so far, each with its place as in the API: `retry_schedule[3]`, `auth.password`.
#[derive(Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    pub fn add(&mut self, field: impl Into<String>, message: &impl ToString) {
        self.0.push(FieldError { field: field.into(), message: message.to_string() });
    }

    pub fn extend(&mut self, faults: Vec<FieldError>) {
        self.0.extend(faults);
    }

    /// What was found to be right; a fault of `field` otherwise.
    pub fn check<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, &error)).ok()
    }

    /// The types that are wanted; each pattern that is wrong is named by its index.
    pub fn subscription(&mut self, types: Option<&[String]>) -> Option<Subscription> {
        let Some(types) = types else { return Some(Subscription::ALL) };
        let places = types.iter().enumerate().map(|(index, text)| (format!("event_types[{index}]"), text));
        let parsed: Vec<_> = places.map(|(place, text)| self.check(&place, text.parse::<TypePattern>())).collect();
        let patterns = parsed.into_iter().collect::<Option<Vec<_>>>()?;
        self.check("event_types", Subscription::new(Some(patterns)))
    }

    /// Headers of a webhook's own; each wrong one is named by its name.
    pub fn headers<'a>(&mut self, headers: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for error in rules::wrong_headers(headers) {
            self.add(error.name().map_or("headers".to_owned(), |name| format!("headers.{name}")), &error);
        }
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
