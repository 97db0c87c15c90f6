//! Copying the log (WAL) back into the database, so that it can start over and neither grows without end.
//!
//! Nearly all of the copying is done by a thread with a connection of its own while the writer goes on. Alone it would
//! never catch up with a busy writer, and a log that is never copied to its end never starts over; so the writer copies
//! the rest, which is short by then, between two commits.

use parking_lot::Mutex;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes before the log's first frame, and before the page in each frame (SQLite, "WAL-mode file format").
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// Above so many times the usual length the writer waits for readers once, so that the log can start over.
const TOO_LONG: u64 = 8;

/// When the log is copied, and by whom.
pub(crate) struct Checkpoints {
    /// How long the log is; a hook of the writing connection keeps it.
    pub wal_pages: Arc<AtomicU64>,
    /// The length from which it is copied.
    pub pages: u64,
    /// Bytes of a page.
    pub page_size: u64,
    copier: Option<Copier>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    /// The thread copies.
    Copying,
    /// The thread has copied what there was when it began.
    Copied,
}

struct Copier {
    stage: Arc<Mutex<Stage>>,
    orders: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the copying thread with this connection.
    pub(crate) fn start(
        sql: Connection,
        wal_pages: Arc<AtomicU64>,
        pages: u64,
        page_size: u64,
    ) -> std::io::Result<Self> {
        let (orders, ordered) = sync_channel(1);
        let stage = Arc::new(Mutex::new(Stage::Idle));
        let shared = stage.clone();
        let thread = std::thread::Builder::new()
            .name("kanca-copier".into())
            .spawn(move || copy_when_told(&sql, &ordered, &shared))?;
        Ok(Self {
            wal_pages,
            pages,
            page_size,
            copier: Some(Copier { stage, orders: Some(orders), thread: Some(thread) }),
        })
    }

    /// Bytes of the log.
    pub(crate) fn log_length(&self) -> u64 {
        self.wal_pages.load(Ordering::Relaxed) * (self.page_size + FRAME_HEADER) + LOG_HEADER
    }

    /// Between two commits: has the log copied when it has grown. `sql` is the writing connection.
    pub(crate) fn between_commits(&self, sql: &Connection) {
        let length = self.wal_pages.load(Ordering::Relaxed);
        if length < self.pages {
            return;
        }
        if length >= TOO_LONG * self.pages {
            return self.finish(sql, "PRAGMA wal_checkpoint(RESTART)");
        }
        let Some(copier) = &self.copier else { return };
        let mut stage = copier.stage.lock();
        match *stage {
            Stage::Idle if copier.orders.as_ref().is_some_and(|orders| orders.try_send(()).is_ok()) => {
                *stage = Stage::Copying;
            }
            Stage::Copied => {
                *stage = Stage::Idle;
                drop(stage);
                self.finish(sql, "PRAGMA wal_checkpoint(PASSIVE)");
            }
            Stage::Idle | Stage::Copying => {}
        }
    }

    fn finish(&self, sql: &Connection, pragma: &str) {
        self.wal_pages.store(0, Ordering::Relaxed);
        copy(sql, pragma);
    }
}

fn copy_when_told(sql: &Connection, ordered: &Receiver<()>, stage: &Mutex<Stage>) {
    while ordered.recv() == Ok(()) {
        copy(sql, "PRAGMA wal_checkpoint(PASSIVE)");
        *stage.lock() = Stage::Copied;
    }
}

fn copy(sql: &Connection, pragma: &str) {
    let done = sql.prepare_cached(pragma).and_then(|mut s| s.query_row([], |_| Ok(())));
    if let Err(error) = done {
        tracing::warn!(%error, "the log could not be copied into the database; it is tried again later");
    }
}

/// Waits for the thread: its connection must be closed before the directory is let go.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(mut copier) = self.copier.take() {
            drop(copier.orders.take());
            if let Some(thread) = copier.thread.take() {
                drop(thread.join());
            }
        }
    }
}
