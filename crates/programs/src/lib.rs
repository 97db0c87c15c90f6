//! Users' programs: filters (CEL) that say whether an endpoint wants an event, and transformations (JavaScript) that say
//! what is sent instead of it.
//!
//! Whoever writes a program is not trusted. QuickJS can be asked to stop only between its own steps: a search in a long
//! string or a Unicode normalisation runs for minutes without asking, and the CEL interpreter cannot be stopped at all. So
//! programs run in child processes ([`child`]) that hold no secret and no open file, and that end when a program does not;
//! [`Runner`] hands work to them. `filter` and `transformation` are what happens inside.

pub mod child;
mod event;
mod fault;
mod filter;
mod protocol;
mod runner;
mod transformation;

pub use event::Event;
pub use fault::{Fault, FaultKind};
pub use runner::{Ran, Runner};
pub use transformation::{Content, Transformed};

/// Bytes of a filter's text.
pub const MAX_FILTER: usize = 8 * 1024;
/// Bytes of a transformation's text.
pub const MAX_TRANSFORMATION: usize = 64 * 1024;
/// Bytes of what a transformation gives as a body or as data.
pub const MAX_OUTPUT: usize = 2 * 1024 * 1024;
/// Milliseconds of processor time for one run.
pub const RUN_MILLIS: u64 = 50;
/// Bytes of memory for a transformation, besides sixteen times the event's size.
pub const MEMORY: usize = 4 * 1024 * 1024;
