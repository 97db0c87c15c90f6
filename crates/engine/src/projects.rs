//! A project's name, and the options that hold for all of its endpoints unless one says otherwise.

use crate::Engine;
use crate::endpoints::Faults;
use crate::errors::{EngineError, Result};
use kanca_domain::endpoints::check_name;
use kanca_domain::endpoints::options::check_disable_after;
use kanca_domain::ids::ProjectId;
use kanca_domain::projects::{ProjectOptions, Validation, check_keep_days};
use kanca_storage::accounts::ProjectRecord;
use std::sync::Arc;

/// Changes to a project; `None` leaves as it is, `Some(None)` takes the default.
#[derive(Debug, Clone, Default)]
pub struct ProjectPatch {
    pub name: Option<String>,
    pub retry_schedule: Option<Option<Vec<u64>>>,
    pub disable_after_seconds: Option<Option<u64>>,
    pub validation: Option<Validation>,
    /// Days that what happened is kept; `Some(None)` takes the installation's, 0 is for ever.
    pub keep_days: Option<Option<u64>>,
}

impl Engine {
    /// A project with its options.
    pub fn project(&self, id: ProjectId) -> Result<Arc<ProjectRecord>> {
        self.snapshot.load().projects.get(&id).cloned().ok_or(EngineError::NotFound("project"))
    }

    /// The options of a project; the defaults for one that is not there.
    pub(crate) fn project_options(&self, id: ProjectId) -> ProjectOptions {
        self.snapshot.load().projects.get(&id).map(|project| project.options.clone()).unwrap_or_default()
    }

    /// Changes a project. New delays hold from the next outcome of each delivery on.
    pub async fn patch_project(&self, id: ProjectId, patch: ProjectPatch) -> Result<Arc<ProjectRecord>> {
        let _guard = self.config.lock().await;
        let mut record = ProjectRecord::clone(&*self.project(id)?);
        let mut faults = Faults::default();
        if let Some(name) = patch.name
            && let Some(name) = faults.check("name", check_name(&name))
        {
            name.clone_into(&mut record.name);
        }
        if let Some(seconds) = patch.retry_schedule {
            record.options.retry_schedule = seconds.and_then(|seconds| faults.schedule("retry_schedule", &seconds));
        }
        if let Some(seconds) = patch.disable_after_seconds {
            record.options.disable_after_seconds =
                seconds.and_then(|seconds| faults.check("disable_after_seconds", check_disable_after(seconds)));
        }
        record.options.validation = patch.validation.unwrap_or(record.options.validation);
        if let Some(days) = patch.keep_days {
            record.options.retention.days = days.and_then(|days| faults.check("retention.days", check_keep_days(days)));
        }
        faults.result()?;
        self.storage.update_project(record.clone()).await?;
        let record = Arc::new(record);
        self.update_snapshot(|s| {
            s.projects.insert(id, record.clone());
        });
        Ok(record)
    }
}
