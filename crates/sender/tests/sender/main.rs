//! The guarded client against real sockets: small receivers that speak raw bytes, well-behaved and not.

mod guard;
mod happy;
mod hostile;
mod receiver;
mod reuse;
mod story;
mod tls;
