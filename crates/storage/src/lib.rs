//! The storage port: what the engine asks of a database, and what every backend must promise.
//!
//! A method that writes returns only after its commit has been synced to disk; writes of callers that come together may
//! share one commit. Readers never wait for the writer. Each query is scoped by project, except where the docstring
//! says why not. Instants are kept to the microsecond; only an event's `timestamp`, which is delivered, keeps every
//! digit. The `conformance` module (feature `conformance`) tests all of this against any backend.
//!
//! A call whose future is dropped half-way may have been carried out or not. What it would have claimed comes back by
//! itself, so that nothing is claimed by nobody.

pub mod accounts;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod conversations;
pub mod deliveries;
pub mod endpoints;
pub mod errors;
pub mod event_types;
pub mod events;
pub mod inboxes;
pub mod pages;
pub mod replays;
pub mod retention;
pub mod scenarios;

pub use errors::{Result, StorageError};
pub use pages::{Page, PageRequest};

use async_trait::async_trait;
use std::sync::Arc;

/// The whole port.
#[async_trait]
pub trait Storage:
    accounts::Accounts
    + endpoints::Endpoints
    + events::Events
    + deliveries::Deliveries
    + replays::Replays
    + event_types::EventTypes
    + inboxes::Inboxes
    + scenarios::Scenarios
    + conversations::Conversations
    + retention::Retention
{
    /// Writes and syncs something small: tells whether a full disk has room again.
    async fn probe(&self) -> Result<()>;
    /// The greatest millisecond (since the Unix epoch) in any stored time-ordered id, so that new ids sort after it even
    /// when the clock went backwards. 0 when nothing is stored.
    async fn newest_id_millis(&self) -> Result<u64>;
    /// Finishes queued writes and closes files. Later calls fail with `Unavailable`.
    async fn close(&self) -> Result<()>;
}

/// A shared handle to a backend.
pub type SharedStorage = Arc<dyn Storage>;
