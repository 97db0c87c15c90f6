//! The registry of event types: what each means and what its data looks like. Schemas are compiled once, when they are
//! written or loaded; `validation` asks them.

mod validation;

pub(crate) use validation::CHECKS_AT_A_TIME;

use crate::Engine;
use crate::endpoints::Faults;
use crate::errors::{EngineError, Result};
use kanca_domain::events::{BuiltIn, EventData, EventType};
use kanca_domain::ids::ProjectId;
use kanca_domain::schemas::{Effort, Mismatch, Schema};
use kanca_storage::event_types::EventTypeRecord;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Types of a project at most.
const MOST_TYPES: usize = 1_000;
/// Characters of a description at most.
const MOST_DESCRIPTION: usize = 2_000;
/// Bytes of an example at most.
const MOST_EXAMPLE: usize = 64 << 10;

/// A registered type, ready for use.
pub struct RegisteredType {
    pub record: EventTypeRecord,
    pub(crate) schema: Option<Schema>,
}

/// The types of a project by name.
pub(crate) type Registry = BTreeMap<EventType, Arc<RegisteredType>>;

/// Input for a new type.
#[derive(Debug, Clone, Default)]
pub struct NewEventType {
    pub name: String,
    pub description: String,
    /// A JSON Schema as it was written.
    pub schema: Option<String>,
    /// A JSON value as it was written.
    pub example: Option<String>,
}

/// Changes to a type; `None` leaves as it is, `Some(None)` takes away.
#[derive(Debug, Clone, Default)]
pub struct EventTypePatch {
    pub description: Option<String>,
    pub schema: Option<Option<String>>,
    pub example: Option<Option<String>>,
}

impl Engine {
    /// The registered types of a project, by name.
    pub fn event_types(&self, project: ProjectId) -> Vec<Arc<RegisteredType>> {
        let snapshot = self.snapshot.load();
        snapshot.event_types.get(&project).map(|types| types.values().cloned().collect()).unwrap_or_default()
    }

    /// One registered type.
    pub fn event_type(&self, project: ProjectId, name: &str) -> Result<Arc<RegisteredType>> {
        let name: EventType = name.parse().map_err(|_| EngineError::NotFound("event type"))?;
        self.registered(project, &name).ok_or(EngineError::NotFound("event type"))
    }

    pub(crate) fn registered(&self, project: ProjectId, name: &EventType) -> Option<Arc<RegisteredType>> {
        self.snapshot.load().event_types.get(&project)?.get(name).cloned()
    }

    /// Registers a type; in force when the call returns.
    pub async fn create_event_type(&self, project: ProjectId, new: NewEventType) -> Result<Arc<RegisteredType>> {
        let _guard = self.config.lock().await;
        let mut faults = Faults::default();
        let name = faults.check("name", new.name.parse::<EventType>());
        if name.as_ref().is_some_and(|name| BuiltIn::of(name).is_some()) {
            faults.add("name", &"is one of Kanca's own types, which are described already; choose another name");
        }
        let count = self.snapshot.load().event_types.get(&project).map_or(0, |types| types.len());
        if count >= MOST_TYPES {
            faults.add("name", &format!("a project has at most {MOST_TYPES} event types; delete some first"));
        }
        let schema = check(&new.description, new.schema.as_deref(), new.example.as_deref(), &mut faults);
        faults.result()?;
        let Some(name) = name else { return Err(EngineError::Internal("a type was refused without a fault".into())) };
        let now = self.clock.now();
        let record = EventTypeRecord {
            project_id: project,
            name,
            description: new.description,
            schema: new.schema,
            example: new.example,
            created_at: now,
            updated_at: now,
        };
        self.storage.create_event_type(record.clone()).await.map_err(|error| match error {
            kanca_storage::StorageError::Conflict(_) => EngineError::conflict(
                "event-type-exists",
                format!(
                    "The event type {} is registered already. Change it, or choose another name.",
                    record.name.as_str()
                ),
            ),
            other => other.into(),
        })?;
        Ok(self.put_event_type(RegisteredType { record, schema }))
    }

    /// Changes a type; in force when the call returns.
    pub async fn patch_event_type(
        &self,
        project: ProjectId,
        name: &str,
        patch: EventTypePatch,
    ) -> Result<Arc<RegisteredType>> {
        let _guard = self.config.lock().await;
        let mut record = self.event_type(project, name)?.record.clone();
        record.description = patch.description.unwrap_or(record.description);
        record.schema = patch.schema.unwrap_or(record.schema);
        record.example = patch.example.unwrap_or(record.example);
        record.updated_at = self.clock.now();
        let mut faults = Faults::default();
        let schema = check(&record.description, record.schema.as_deref(), record.example.as_deref(), &mut faults);
        faults.result()?;
        self.storage.update_event_type(record.clone()).await?;
        Ok(self.put_event_type(RegisteredType { record, schema }))
    }

    /// Deletes a type; events of it stay, and further ones are not checked.
    pub async fn delete_event_type(&self, project: ProjectId, name: &str) -> Result<()> {
        let _guard = self.config.lock().await;
        let name = self.event_type(project, name)?.record.name.clone();
        self.storage.delete_event_type(project, &name).await?;
        self.change_registry(project, |types| drop(types.remove(&name)));
        Ok(())
    }

    fn put_event_type(&self, registered: RegisteredType) -> Arc<RegisteredType> {
        let registered = Arc::new(registered);
        let record = &registered.record;
        self.change_registry(record.project_id, |types| {
            types.insert(record.name.clone(), registered.clone());
        });
        registered
    }

    fn change_registry(&self, project: ProjectId, change: impl FnOnce(&mut Registry)) {
        self.update_snapshot(|snapshot| {
            let mut types = snapshot.event_types.get(&project).map(|types| Registry::clone(types)).unwrap_or_default();
            change(&mut types);
            snapshot.event_types.insert(project, Arc::new(types));
        });
    }
}

/// A stored type. A schema that cannot be compiled any more is not asked; the type stays readable.
pub(crate) fn load(record: EventTypeRecord) -> RegisteredType {
    let schema = record.schema.as_deref().and_then(|text| {
        let compiled = Schema::compile(text);
        compiled
            .inspect_err(|error| tracing::warn!(name = record.name.as_str(), %error, "a stored schema is not used"))
            .ok()
    });
    RegisteredType { record, schema }
}

/// Checks what is said of a type; returns its compiled schema.
fn check(description: &str, schema: Option<&str>, example: Option<&str>, faults: &mut Faults) -> Option<Schema> {
    let length = description.chars().count();
    if length > MOST_DESCRIPTION {
        faults.add("description", &format!("has {length} characters; at most {MOST_DESCRIPTION} are allowed"));
    }
    let compiled = schema.and_then(|text| match Schema::compile(text) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            faults.add(format!("schema{}", error.pointer), &error.message);
            None
        }
    });
    if let Some(example) = example {
        if example.len() > MOST_EXAMPLE {
            faults.add("example", &format!("has {} bytes; at most {MOST_EXAMPLE} are allowed", example.len()));
        } else if faults.check("example", EventData::parse(example.as_bytes())).is_some()
            && let Some(Err(mismatches)) =
                compiled.as_ref().map(|schema| schema.check(example, &mut Effort::for_bytes(example.len())))
        {
            for Mismatch { pointer, message } in mismatches {
                faults.add(format!("example{pointer}"), &format!("{message} (as `schema` demands)"));
            }
        }
    }
    compiled
}
