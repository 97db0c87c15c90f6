//! The guarded client against real sockets: small receivers that speak raw bytes, well-behaved and not.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod guard;
mod happy;
mod hostile;
mod identities;
mod proxies;
mod receiver;
mod reuse;
mod story;
mod timings;
mod tls;
mod zoo;
