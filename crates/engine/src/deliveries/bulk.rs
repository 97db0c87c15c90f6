//! Memory for bodies that are far larger than their events, as some are in XML or form fields and a transformation may make
//! them. They are not kept for the other deliveries of the event, and how many there are at a time is bounded.

use super::SharedBody;
use crate::endpoints::Endpoint;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of such bodies in all.
const MAX_BYTES: usize = 128 << 20;
/// What is counted at once.
const UNIT: usize = 1 << 10;

/// What is free.
pub(super) struct Bulk(Arc<Semaphore>);

impl Default for Bulk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_BYTES / UNIT)))
    }
}

/// An endpoint has one such body at a time, so that one that is slow with them waits for itself.
#[derive(Clone)]
pub(crate) struct Turn(Arc<Semaphore>);

impl Default for Turn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// The memory of one body, given back when dropped.
pub(super) struct Paid {
    _turn: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Bulk {
    /// Takes the memory of a body, if it is free now.
    pub fn try_pay(&self, endpoint: &Endpoint, body: &SharedBody) -> Option<Paid> {
        let turn = endpoint.turn.0.clone().try_acquire_owned().ok()?;
        let bytes = self.0.clone().try_acquire_many_owned(units(body.bytes.len())).ok()?;
        Some(Paid { _turn: turn, _bytes: bytes })
    }

    /// Waits for the memory of a body of so many bytes, which must not be there meanwhile.
    pub async fn pay(&self, endpoint: &Endpoint, bytes: usize) -> Option<Paid> {
        let turn = endpoint.turn.0.clone().acquire_owned().await.ok()?;
        let bytes = self.0.clone().acquire_many_owned(units(bytes)).await.ok()?;
        Some(Paid { _turn: turn, _bytes: bytes })
    }
}

/// One body at least always fits.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).min(MAX_BYTES / UNIT)).unwrap_or(u32::MAX)
}
