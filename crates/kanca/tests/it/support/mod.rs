//! The plumbing of the stories: a server to start, kill and restart, a client for its API, and receivers for what it
//! sends.

mod api;
mod chat;
pub mod document;
mod raw;
mod receiver;
mod server;
mod socket;
mod stream;
mod wait;

pub use api::{Answer, Api, PATIENCE, text};
pub use chat::{Bot, Chat, document, echo, is_in_data, line, new_client_id, says, start};
pub use raw::Raw;
pub use receiver::{Received, Receiver, Reply};
pub use server::{API_KEY, Server};
pub use socket::Socket;
pub use stream::Stream;
pub use wait::eventually;
