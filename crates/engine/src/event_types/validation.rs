//! The check of published data against the schemas of their types, if the project wants that.
//!
//! A project that does not validate, and a type without a schema, cost a look into the snapshot and no more: nothing is
//! parsed. Types that are not registered are accepted in every mode: the registry describes what is known, it is no list
//! of what is allowed. What may take long is checked on a thread of its own, a few at a time.

use super::RegisteredType;
use crate::Engine;
use crate::errors::{EngineError, FieldError, Result};
use crate::events::Publication;
use kanca_domain::events::{Because, EventData};
use kanca_domain::ids::ProjectId;
use kanca_domain::projects::Validation;
use kanca_domain::schemas::{Effort, Mismatch};
use kanca_storage::events::Explanation;
use std::sync::Arc;

/// Checks that may take long, at a time.
pub(crate) const CHECKS_AT_A_TIME: usize = 2;
/// Faults of a batch that are named at most.
const MOST_FAULTS: usize = 100;

/// Data with the schema that it has to be like.
struct Check {
    /// Its place in the batch.
    place: usize,
    registered: Arc<RegisteredType>,
    data: EventData,
}

impl Check {
    fn is_light(&self) -> bool {
        self.registered.schema.as_ref().is_none_or(|schema| schema.is_light(self.data.as_str().len()))
    }

    fn run(&self, effort: &mut Effort) -> Vec<Mismatch> {
        let checked = self.registered.schema.as_ref().map(|schema| schema.check(self.data.as_str(), effort));
        checked.and_then(std::result::Result::err).unwrap_or_default()
    }
}

impl Engine {
    /// Whether published data is checked in a project.
    pub(crate) fn validation(&self, project: ProjectId) -> Validation {
        let snapshot = self.snapshot.load();
        snapshot.projects.get(&project).map_or(Validation::Off, |record| record.options.validation)
    }

    /// Checks an event's data: an error when it is refused, otherwise what is to be said with the event.
    pub(crate) async fn validate(&self, project: ProjectId, publication: &Publication) -> Result<Option<Explanation>> {
        let mode = self.validation(project);
        if mode.is_off() {
            return Ok(None);
        }
        let Some(check) = self.check_of(project, 0, publication) else { return Ok(None) };
        let found = self.run_checks(vec![check]).await?;
        let Some((check, mismatches)) = found.into_iter().next() else { return Ok(None) };
        match mode {
            Validation::Reject => Err(EngineError::Invalid(refused("", &check, mismatches))),
            Validation::Warn | Validation::Off => Ok(Some(warning(&check, &mismatches))),
        }
    }

    /// Checks each of a batch: what is refused is named with its place, otherwise what is to be said with which event.
    pub(crate) async fn validate_all(
        &self,
        project: ProjectId,
        publications: &[Publication],
    ) -> Result<Vec<(usize, Explanation)>> {
        let mode = self.validation(project);
        if mode.is_off() {
            return Ok(Vec::new());
        }
        let checks = publications.iter().enumerate();
        let checks: Vec<_> = checks.filter_map(|(place, one)| self.check_of(project, place, one)).collect();
        let found = self.run_checks(checks).await?;
        if mode == Validation::Reject && !found.is_empty() {
            let faults = found
                .into_iter()
                .flat_map(|(check, mismatches)| refused(&format!("events[{}].", check.place), &check, mismatches));
            return Err(EngineError::Invalid(faults.take(MOST_FAULTS).collect()));
        }
        Ok(found.iter().map(|(check, mismatches)| (check.place, warning(check, mismatches))).collect())
    }

    fn check_of(&self, project: ProjectId, place: usize, publication: &Publication) -> Option<Check> {
        let registered = self.registered(project, &publication.event_type)?;
        registered.schema.as_ref()?;
        Some(Check { place, registered, data: publication.data.clone() })
    }

    /// Runs checks with one effort for all, and returns those that found something.
    async fn run_checks(&self, checks: Vec<Check>) -> Result<Vec<(Check, Vec<Mismatch>)>> {
        let run = |checks: Vec<Check>| {
            let mut effort = Effort::for_bytes(checks.iter().map(|check| check.data.as_str().len()).sum());
            let each = checks.into_iter().map(|check| {
                let mismatches = check.run(&mut effort);
                (check, mismatches)
            });
            each.filter(|(_, mismatches)| !mismatches.is_empty()).collect()
        };
        if checks.is_empty() || matches!(&checks[..], [one] if one.is_light()) {
            return Ok(run(checks));
        }
        let internal = |error: String| EngineError::Internal(error);
        let _place = self.checks.acquire().await.map_err(|error| internal(error.to_string()))?;
        tokio::task::spawn_blocking(move || run(checks)).await.map_err(|error| internal(error.to_string()))
    }
}

fn refused(before: &str, check: &Check, mismatches: Vec<Mismatch>) -> Vec<FieldError> {
    let name = check.registered.record.name.as_str();
    let faults = mismatches.into_iter().map(|Mismatch { pointer, message }| FieldError {
        field: format!("{before}data{pointer}"),
        message: format!("{message}, says the schema of the event type {name}; send other data, or change the schema"),
    });
    faults.collect()
}

fn warning(check: &Check, mismatches: &[Mismatch]) -> Explanation {
    let told: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    let event_type = check.registered.record.name.as_str().to_owned();
    Explanation::of_event(Because::DataMismatch { event_type, error: told.join("; ") })
}
