//! The registry of a project's event types: what each means, what its data looks like, and an example.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use kanca_domain::events::EventType;
use kanca_domain::ids::ProjectId;

/// A registered event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeRecord {
    pub project_id: ProjectId,
    /// Its name, unique in the project.
    pub name: EventType,
    pub description: String,
    /// A JSON Schema, as it was written.
    pub schema: Option<String>,
    /// A JSON value, as it was written.
    pub example: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Storage of event types.
#[async_trait]
pub trait EventTypes: Send + Sync {
    /// Stores a new type. `Conflict` when the project has one of this name.
    async fn create_event_type(&self, event_type: EventTypeRecord) -> Result<()>;
    /// Replaces a type, but not its name and creation. `NotFound` when the project has none of this name.
    async fn update_event_type(&self, event_type: EventTypeRecord) -> Result<()>;
    /// Deletes a type; events of it stay. `NotFound` when the project has none of this name.
    async fn delete_event_type(&self, project: ProjectId, name: &EventType) -> Result<()>;
    /// The types of all projects, by project and name; the engine keeps them in its snapshot.
    async fn all_event_types(&self) -> Result<Vec<EventTypeRecord>>;
}
