//! Acknowledged means durable, whatever happens to the process.

mod clock;
mod crashes;
mod handovers;
mod journal;
mod load;
mod shims;
mod start;
mod stop;
mod syncs;
