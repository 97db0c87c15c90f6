//! The one guarded way out: every outgoing request of Kanca passes [`GuardedClient`].
//!
//! The guard sits where connections are made, not in front of it: a host, whether literal or name, becomes addresses,
//! each address is checked against the rules, and exactly a checked address is dialled. Nothing is looked up twice, so
//! there is no gap between check and use, and a redirect is just a response.
//!
//! Not obvious: there is no ready-made client underneath, only httparse, a short exchange over one connection (`link`)
//! and a small pool of our own (`pool`). A connection is driven by the very task that waits for the answer, so ending
//! the wait ends the connection, and no peer can leave anything behind.

mod body;
mod chunks;
mod client;
mod connect;
mod failures;
mod guard;
mod identity;
mod lane;
mod link;
mod pool;
mod progress;
mod proxy;
mod request;
mod resolve;
mod response;
mod settings;
mod stream;
mod target;
mod tls;

pub use client::GuardedClient;
pub use identity::read as read_identity;
pub use resolve::{Resolve, SystemResolver};
pub use settings::{Roots, Settings};
