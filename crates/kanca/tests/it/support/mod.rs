//! The plumbing of the stories: a server to start, kill and restart, a client for its API, and receivers for what it
//! sends.

mod api;
mod raw;
mod receiver;
mod server;
mod wait;

pub use api::{Answer, Api, text};
pub use raw::Raw;
pub use receiver::{Received, Receiver, Reply};
pub use server::{API_KEY, Server, ServerBuilder};
pub use wait::eventually;
