//! Events on their way to endpoints.

mod accepted;
mod auth;
mod batches;
mod bodies;
mod demanding;
mod formats;
mod headers;
mod heads;
mod idempotency;
mod isolation;
mod key_pairs;
mod lists;
mod options;
mod ordering;
mod outcomes;
mod pace;
mod programs;
mod retries;
mod signed;
mod subscriptions;
mod switching;
mod way;
