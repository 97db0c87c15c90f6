//! Inboxes: what arrives is kept byte for byte.

mod answers;
mod bodies;
mod heads;
mod keeping;
mod live;
mod signatures;
