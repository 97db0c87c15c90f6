//! The webhook block: a conversation that asks a service.

mod answers;
mod failures;
mod payload;
mod restarts;
mod stage;
mod waiting;
