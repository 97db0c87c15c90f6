//! The storage port on SQLite: one process, one directory, nothing to install.
//!
//! One thread writes and shares each commit among all callers that came together (`writer`); a few threads read
//! (`readers`). WAL with `synchronous=FULL`: what was answered has been synced. Claims live in memory, because one
//! process owns the directory. Modules are named like those of the port.

mod accounts;
mod attempts;
mod batches;
mod checkpoints;
mod claims;
mod conversations;
mod counts;
mod deliveries;
mod directory;
mod endpoints;
mod event_batches;
mod event_types;
mod events;
mod faults;
mod headers;
mod inboxes;
mod inserts;
mod jobs;
mod journal;
mod memory;
mod migrations;
mod new_events;
mod outcomes;
mod readers;
mod replays;
mod retention;
mod rows;
mod scenarios;
mod turns;
mod writer;

use async_trait::async_trait;
use batches::Batches;
use checkpoints::Checkpoints;
use faults::named;
use jobs::Answers;
use journal::{Applying, Journal, Waiting, Writeback};
use kanca_storage::{Result, Storage, StorageError};
use memory::Memory;
use parking_lot::Mutex;
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;
use writer::Writer;

/// Kanca's data in one directory.
pub struct SqliteStorage {
    writer: Writer,
    /// The short way of events and outcomes; `None` when there was no room for it.
    journal: Option<Journal>,
    readers: Readers,
    /// To wait for when this is dropped, the writer's last.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What may be set when opening; the defaults are for users, the rest is for tests and measurements.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many threads read.
    pub readers: usize,
    /// After how many pages the log is copied back into the database.
    pub checkpoint_pages: u64,
    /// The page size of a new database.
    pub page_size: u32,
    /// The most pages the database may have: makes a full disk for tests.
    pub max_pages: Option<u32>,
    /// Whether events and outcomes are written to the journal first.
    pub journal: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 3, checkpoint_pages: 4000, page_size: 8192, max_pages: None, journal: true }
    }
}

impl SqliteStorage {
    /// Opens the data in a directory, creating both if need be. Refused with a sentence when another process has it
    /// open or a newer version has changed it.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, &Options::default())
    }

    /// The same, with options.
    pub fn open_with(dir: &Path, options: &Options) -> Result<Self> {
        let lock = directory::own(dir)?;
        let path = directory::database(dir)?;
        let wal_pages = Arc::new(AtomicU64::new(0));
        let mut sql = connect_writer(&path, options, wal_pages.clone()).map_err(|error| named(&error))?;
        migrations::apply(&mut sql)?;
        let memory = remembered(&sql).map_err(|error| named(&error))?;
        let shared = Arc::new(journal::Shared::new(memory.deleted_endpoints().clone()));
        let connections = (0..options.readers.max(1))
            .map(|_| connect_reader(&path))
            .collect::<rusqlite::Result<_>>()
            .map_err(|error| named(&error))?;
        let no_thread = |error: std::io::Error| StorageError::Unavailable(format!("no thread can be started: {error}"));
        let (readers, mut threads) = Readers::start(connections).map_err(no_thread)?;
        let commits = Arc::new(AtomicU64::new(0));
        let copier = connect_copier(&path).map_err(|error| named(&error))?;
        let checkpoints = Checkpoints::start(copier, wal_pages, options.checkpoint_pages, options.page_size.into())
            .map_err(no_thread)?;
        let answers = Answers::start();
        let writeback = Writeback::start(dir.join("kanca.db-wal"), shared.clone()).map_err(no_thread)?;
        let applying = Applying {
            shared: shared.clone(),
            dir: dir.to_owned(),
            taken: Waiting::default(),
            synced: true,
            writeback,
        };
        let mut batches = Batches { sql, memory, answers, commits, checkpoints, journal: Some(applying) };
        // Also when it is not to be used: what was acknowledged must not be forgotten.
        let files = batches.recover(dir)?.filter(|_| options.journal);
        batches.memory = remembered(&batches.sql).map_err(|error| named(&error))?;
        let (writer, thread) = Writer::start(batches, lock).map_err(no_thread)?;
        let journal =
            files.map(|files| journal::start(files, shared, writer.clone())).transpose().map_err(no_thread)?;
        let (journal, scribe) = journal.unzip();
        threads.extend(scribe);
        threads.push(thread);
        Ok(Self { writer, journal, readers, threads: Mutex::new(threads) })
    }

    /// The reading threads, when all that was answered is in the tables.
    pub(crate) async fn settled_readers(&self) -> &Readers {
        if let Some(journal) = &self.journal {
            journal.settle().await;
        }
        &self.readers
    }

    /// How many transactions were committed since the start: far fewer than calls, when calls come together.
    pub fn commits(&self) -> u64 {
        self.writer.commits() + self.journal.as_ref().map_or(0, Journal::commits)
    }

    /// Lets the database grow to this many pages: gives a full disk room again, for tests.
    #[doc(hidden)]
    pub async fn set_max_pages(&self, pages: u32) -> Result<()> {
        self.writer.call(move |tx| Ok(tx.sql.pragma_update(None, "max_page_count", pages)?)).await
    }
}

fn connect_writer(path: &Path, options: &Options, wal_pages: Arc<AtomicU64>) -> rusqlite::Result<Connection> {
    let mut sql =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.set_prepared_statement_cache_capacity(256);
    sql.pragma_update(None, "page_size", options.page_size)?;
    sql.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    sql.pragma_update(None, "cache_size", -12_288)?;
    sql.pragma_update(None, "temp_store", "memory")?;
    sql.pragma_update(None, "foreign_keys", false)?;
    sql.pragma_update(None, "trusted_schema", false)?;
    if let Some(pages) = options.max_pages {
        sql.pragma_update(None, "max_page_count", pages)?;
    }
    // Instead of SQLite's own checkpoint inside the commit: the writer answers first, then copies.
    sql.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        wal_pages.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(sql)
}

/// A connection that only copies the log into the database.
fn connect_copier(path: &Path) -> rusqlite::Result<Connection> {
    let sql = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "cache_size", -256)?;
    Ok(sql)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let sql = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.set_prepared_statement_cache_capacity(64);
    sql.pragma_update(None, "cache_size", -4_096)?;
    sql.pragma_update(None, "temp_store", "memory")?;
    sql.pragma_update(None, "trusted_schema", false)?;
    Ok(sql)
}

/// What the writer must know from the tables.
fn remembered(sql: &Connection) -> rusqlite::Result<Memory> {
    let mut deleted = sql.prepare("SELECT id FROM endpoints WHERE deleted_at IS NOT NULL")?;
    let deleted = deleted
        .query_map([], |row| row.get::<_, [u8; 16]>(0).map(Uuid::from_bytes))?
        .collect::<rusqlite::Result<_>>()?;
    let newest: i64 = sql.query_row("SELECT millis FROM newest_id", [], |row| row.get(0))?;
    Ok(Memory::new(deleted, rows::uint(newest)))
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn probe(&self) -> Result<()> {
        self.writer.call(|tx| tx.execute("UPDATE probe SET filler = randomblob(32768)", []).map(drop)).await
    }

    async fn newest_id_millis(&self) -> Result<u64> {
        self.settled_readers()
            .await
            .call(|sql| Ok(sql.query_row("SELECT millis FROM newest_id", [], |row| row.get(0).map(rows::uint))?))
            .await
    }

    async fn close(&self) -> Result<()> {
        self.readers.close().await;
        if let Some(closing) = self.journal.as_ref().and_then(Journal::order_close) {
            drop(closing.await);
        }
        self.writer.close().await;
        Ok(())
    }
}

/// Waits for the threads, so that the directory can be opened again at once.
impl Drop for SqliteStorage {
    fn drop(&mut self) {
        drop(self.readers.order_close());
        drop(self.journal.as_ref().and_then(Journal::order_close));
        let mut threads = self.threads.lock();
        // What the journal's thread still gives to the writer comes before the writer's end.
        let writer = threads.pop();
        threads.drain(..).for_each(|thread| drop(thread.join()));
        drop(self.writer.order_close());
        drop(writer.map(JoinHandle::join));
    }
}
