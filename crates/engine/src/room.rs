//! Room on the disk. New work is refused before the disk is full, so that outcomes of running work can still be
//! recorded; while they cannot, because it is full or because it fails, no attempt starts.

use crate::Engine;
use crate::errors::{EngineError, Result};
use kanca_storage::StorageError;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// How often free space is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often a disk that could not be written is tried again.
const PROBE: Duration = Duration::from_millis(300);
/// Below the smaller of these, capture and chat are refused; below a quarter of it, events too.
const RESERVE_BYTES: u64 = 500 << 20;
const RESERVE_PERCENT: u64 = 5;

/// Free and total bytes of the file system that holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free: u64,
    pub total: u64,
}

/// Looks at the file system; `None` when it cannot be told.
pub type LookAtSpace = Box<dyn Fn() -> Option<Space> + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
enum Level {
    Plenty = 0,
    Low = 1,
    Critical = 2,
}

impl Level {
    fn of(space: Space) -> Self {
        let reserve = RESERVE_BYTES.min(space.total / 100 * RESERVE_PERCENT);
        if space.free < reserve / 4 {
            Self::Critical
        } else if space.free < reserve {
            Self::Low
        } else {
            Self::Plenty
        }
    }
}

/// The state of the disk, as last seen.
pub(crate) struct Room {
    level: AtomicU8,
    /// A write failed and none has succeeded since.
    closed: AtomicBool,
    /// Whether it was for lack of room.
    full: AtomicBool,
    look: LookAtSpace,
}

impl Room {
    pub fn new(look: LookAtSpace) -> Self {
        let room = Self { level: AtomicU8::new(0), closed: AtomicBool::new(false), full: AtomicBool::new(false), look };
        room.look();
        room
    }

    fn look(&self) {
        let level = (self.look)().map_or(Level::Plenty, Level::of);
        let before = self.level.swap(level as u8, Ordering::Relaxed);
        if before < level as u8 {
            tracing::warn!(
                "free disk space is low: capture and chat (then events, too) are refused until there is more"
            );
        } else if level == Level::Plenty && before > Level::Plenty as u8 {
            tracing::info!("there is enough free disk space again");
        }
    }
}

impl Engine {
    /// Whether outcomes can be recorded, so that attempts may start.
    pub(crate) fn writable(&self) -> bool {
        !self.room.closed.load(Ordering::Relaxed)
    }

    /// Refuses events when there is no room left for them.
    pub(crate) fn accepts_events(&self) -> Result<()> {
        self.accepts(Level::Critical)
    }

    /// Refuses capture and chat, which give way first.
    pub(crate) fn accepts_public_work(&self) -> Result<()> {
        self.accepts(Level::Low)
    }

    fn accepts(&self, refused_at: Level) -> Result<()> {
        let has_room = self.room.level.load(Ordering::Relaxed) < refused_at as u8;
        if has_room && self.writable() {
            return Ok(());
        }
        let is_full = !has_room || self.room.full.load(Ordering::Relaxed);
        let error = if is_full { StorageError::Full } else { StorageError::Unwritable };
        Err(error(String::new()).into())
    }

    /// A write failed because of the disk: no attempt starts until one succeeds.
    pub(crate) fn close_gate(&self, error: &StorageError) {
        // While it is closed, that it is for lack of room is the more certain answer: SQLite says so of writes only.
        let is_full = matches!(error, StorageError::Full(_));
        if is_full || self.writable() {
            self.room.full.store(is_full, Ordering::Relaxed);
        }
        if !self.room.closed.swap(true, Ordering::SeqCst) {
            tracing::error!(reason = %error, "the data directory cannot be written; new work is refused until it can");
        }
    }

    /// Takes notice of a disk that cannot be written and turns the error into the caller's.
    pub(crate) fn note_storage(&self, error: StorageError) -> EngineError {
        if error.is_about_the_disk() {
            self.close_gate(&error);
        }
        error.into()
    }

    /// Watches free space. When there is next to none it tries a small write, so that no attempt starts whose outcome
    /// could not be recorded; the gate opens again when such a write succeeds. Runs until the process stops.
    pub(crate) async fn watch_room(&self) {
        loop {
            self.room.look();
            let open = self.writable();
            if open && self.room.level.load(Ordering::Relaxed) < Level::Critical as u8 {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            tokio::time::sleep(PROBE).await;
            match self.storage.probe().await {
                Ok(()) if !open => {
                    self.room.closed.store(false, Ordering::SeqCst);
                    tracing::info!("the data directory can be written again");
                    self.look_everywhere();
                }
                Err(error) if error.is_about_the_disk() => self.close_gate(&error),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_and_capture_give_way_before_events() {
        const GIB: u64 = 1 << 30;
        let level = |free, total| Level::of(Space { free, total });
        assert_eq!(level(GIB, 250 * GIB), Level::Plenty);
        assert_eq!(level(400 << 20, 250 * GIB), Level::Low);
        assert_eq!(level(100 << 20, 250 * GIB), Level::Critical);
        // A small disk is not refused from the start.
        assert_eq!(level(60 << 20, 64 << 20), Level::Plenty);
        assert_eq!(level(2 << 20, 64 << 20), Level::Low);
    }
}
