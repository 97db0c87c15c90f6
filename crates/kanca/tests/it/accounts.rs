//! Who may do what, and what is open to the internet.

mod keys;
mod openapi;
mod pages;
mod panel;
mod proxies;
mod secrets;
mod sessions;
mod setup;
