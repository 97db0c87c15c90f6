//! The address guard: what a webhook may not reach, and the one exemption.

mod addresses;
mod loops;
mod own_inbox;
