//! Acknowledged means durable, whatever happens to the process.

mod crashes;
mod load;
mod start;
mod stop;
mod syncs;
