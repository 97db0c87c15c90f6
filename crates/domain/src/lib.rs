//! Kanca's rules, without I/O: no clock, no socket, no file, nothing async.
//!
//! Each module is named by its subject; the same word is used in storage, engine, HTTP API and panel.

pub mod addresses;
pub mod attempts;
mod codes;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod formats;
pub mod headers;
pub mod ids;
pub mod inboxes;
pub mod pace;
pub mod projects;
pub mod proxies;
pub mod retries;
pub mod scenario;
pub mod schemas;
pub mod signatures;
