//! Brings what the journal's rows have become in the log (WAL) to the disk, a little at a time.
//!
//! A disk that is given megabytes at once lets nobody else through meanwhile, and the journal's next sync, for which
//! callers wait, would come after them. So the kernel is told to begin with a piece, and after a pause with the next.
//! When all is written it is synced, and the journal's files that hold no more than that may be overwritten.

use super::Shared;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes that the kernel is told to write at a time, and the pause after them.
const PIECE: u64 = 128 * 1024;
const PAUSE: Duration = Duration::from_millis(1);

/// With less than that nothing is begun: the kernel writes it when it likes, and nobody waits behind it.
const MUCH: u64 = 1 << 20;

/// A part of the log, and the journal's files whose rows are in the log up to its end.
struct Part {
    from: u64,
    to: u64,
    files: Vec<usize>,
}

/// A handle to the thread.
pub(crate) struct Writeback {
    parts: Option<Sender<Part>>,
    thread: Option<JoinHandle<()>>,
    /// How far the log was when a part was last given to the thread.
    known: u64,
}

impl Writeback {
    /// Starts the thread for this log.
    pub(crate) fn start(log: PathBuf, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (parts, ordered) = channel();
        let thread = std::thread::Builder::new()
            .name("kanca-writeback".into())
            .spawn(move || serve(&log, &ordered, &shared, File::sync_data))?;
        Ok(Self { parts: Some(parts), thread: Some(thread), known: 0 })
    }

    /// The log has so many bytes now, with everything that these files of the journal hold.
    pub(crate) fn grown(&mut self, to: u64, files: Vec<usize>) {
        // A log that has started over is shorter.
        let from = if to < self.known { 0 } else { self.known };
        if to - from < MUCH && files.is_empty() {
            return;
        }
        self.known = to;
        if let Some(parts) = &self.parts {
            drop(parts.send(Part { from, to, files }));
        }
    }
}

fn serve(log: &Path, parts: &Receiver<Part>, shared: &Shared, mut sync: impl FnMut(&File) -> std::io::Result<()>) {
    let mut file = None;
    // Of parts whose sync is still to come.
    let mut files = Vec::new();
    // After a sync that failed the next one succeeds without what was lost, and the log ends before it after a crash. So
    // from then on the journal's files stay as they are, until a start has applied them again.
    let mut lost = false;
    while let Ok(mut part) = parts.recv() {
        files.append(&mut part.files);
        if file.is_none() {
            file = File::open(log).ok();
        }
        let Some(log) = &file else { continue };
        while let Some(length) = NonZeroU64::new(part.to.saturating_sub(part.from).min(PIECE)) {
            // For pages that are to be written this begins the writing; it is no promise, and none is needed.
            let _ = fadvise(log, part.from, Some(length), Advice::DontNeed);
            part.from += length.get();
            std::thread::sleep(PAUSE);
        }
        if files.is_empty() || lost {
            continue;
        }
        match sync(log) {
            Ok(()) => files.drain(..).for_each(|file| shared.free[file].store(true, Ordering::Release)),
            Err(error) => {
                lost = true;
                tracing::error!(%error, "the log could not be synced; look at the disk, and start Kanca again");
            }
        }
    }
}

/// Waits for the thread.
impl Drop for Writeback {
    fn drop(&mut self) {
        drop(self.parts.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which files are free after a part for each of them, with syncs that end so.
    fn freed(syncs: [bool; 3]) -> [bool; 3] {
        let log = tempfile::NamedTempFile::new().unwrap();
        let shared = Shared::default();
        let (parts, ordered) = channel();
        for file in 0..3 {
            parts.send(Part { from: 0, to: 0, files: vec![file] }).unwrap();
        }
        drop(parts);
        let mut ends = syncs.into_iter();
        serve(log.path(), &ordered, &shared, |_| match ends.next() {
            Some(false) => Err(std::io::Error::other("the disk is broken")),
            _ => Ok(()),
        });
        std::array::from_fn(|file| shared.free[file].load(Ordering::Acquire))
    }

    #[test]
    fn after_a_sync_that_failed_no_file_is_free_any_more() {
        assert_eq!(freed([true, true, true]), [true, true, true]);
        assert_eq!(freed([true, false, true]), [true, false, false]);
        assert_eq!(freed([false, true, true]), [false, false, false]);
    }
}
