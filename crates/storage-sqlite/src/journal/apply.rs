//! From the journal into the tables, in the writer's thread.

use super::files::{Files, rows};
use super::{Event, Key, Outcome, Record, Shared, Waiting, Writeback};
use crate::batches::Batches;
use crate::faults::{Fault, Run, named};
use crate::jobs::Tx;
use crate::new_events::NewEvents;
use crate::rows::{int, uint};
use crate::{counts, outcomes};
use kanca_storage::{Result, StorageError};
use rusqlite::ErrorCode;
use rustix::fs::statvfs;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The disk must have this much room for the journal to be used: far more than the files hold, so that what was
/// acknowledged finds its place in the tables.
const ROOM: u64 = 64 << 20;

/// So many events and deliveries are given to SQLite together: enough for its longest statements, and little memory.
const ROWS_AT_A_TIME: usize = 128;

/// The writer's side of the journal.
pub(crate) struct Applying {
    pub shared: Arc<Shared>,
    pub dir: PathBuf,
    /// Taken from `Shared::waiting`, not in the tables yet.
    pub taken: Waiting,
    /// Whether commits are synced now.
    pub synced: bool,
    pub writeback: Writeback,
}

impl Batches {
    /// Applies what is in the journal. Nothing of it is lost by an error: it is tried again.
    pub(crate) fn apply_journal(&mut self) -> Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.taken.append(&mut journal.shared.waiting.lock());
        if journal.taken.last == 0 {
            if !journal.shared.usable.load(Ordering::Relaxed) {
                let usable = self.has_room();
                self.set_usable(usable);
            }
            return Ok(());
        }
        let mut taken = std::mem::take(&mut journal.taken);
        // What is in the journal is safe there until the log is synced.
        let synced = self.synced(false).map_err(StorageError::from);
        let applied = synced.and_then(|()| self.apply(&taken.blocks, taken.last));
        let usable = applied.is_ok() && self.has_room();
        self.set_usable(usable);
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if applied.is_ok() {
            journal.shared.applied.store(taken.last, Ordering::Release);
            journal.writeback.grown(self.checkpoints.log_length(), std::mem::take(&mut taken.left));
        } else {
            journal.taken = taken;
        }
        applied
    }

    /// Opens the journal, applies what a crash left in it, and begins a new epoch. `None` when the disk has no room for
    /// it; then everything goes straight into the tables.
    pub(crate) fn recover(&mut self, dir: &Path) -> Result<Option<Files>> {
        let of_table = |row: &rusqlite::Row<'_>| Ok((uint(row.get(0)?), uint(row.get(1)?)));
        let (epoch, applied) =
            self.sql.query_row("SELECT epoch, applied FROM journal", [], of_table).map_err(|error| named(&error))?;
        let has_room = self.has_room();
        let Some((mut files, found)) = Files::open(dir, epoch, applied, has_room)? else { return Ok(None) };
        if let Some(last) = found.last().map(|record| record.sequence) {
            let blocks: Vec<_> = found.into_iter().map(|record| record.rows).collect();
            self.apply(&blocks, last)?;
            tracing::info!("applied what the journal held: Kanca was not stopped orderly");
        }
        // By chance and not by counting: a database that came back from a copy must not take newer files for its own.
        let epoch = self
            .sql
            .query_row("UPDATE journal SET epoch = abs(random() / 2), applied = 0 RETURNING epoch", [], |row| {
                row.get(0)
            })
            .map_err(|error| named(&error))?;
        files.start_epoch(uint(epoch));
        self.set_usable(has_room);
        Ok(Some(files))
    }

    fn set_usable(&self, usable: bool) {
        if let Some(journal) = &self.journal {
            journal.shared.usable.store(usable, Ordering::Relaxed);
        }
    }

    /// Whether something waits in the journal.
    pub(crate) fn is_journal_ahead(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.shared.is_ahead())
    }

    /// Whether the disk and the database have room for all that the journal may hold.
    pub(crate) fn has_room(&self) -> bool {
        let Some(journal) = &self.journal else { return false };
        let disk = statvfs(&journal.dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        disk >= ROOM && self.pages_left() >= ROOM / self.checkpoints.page_size
    }

    /// Pages by which the database may grow.
    fn pages_left(&self) -> u64 {
        let number = |pragma: &str| {
            let found = self.sql.prepare_cached(pragma).and_then(|mut s| s.query_row([], |row| row.get::<_, i64>(0)));
            found.map_or(0, uint)
        };
        number("PRAGMA max_page_count").saturating_sub(number("PRAGMA page_count"))
    }

    /// Whether commits are synced from now on.
    pub(crate) fn synced(&mut self, synced: bool) -> Run<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if journal.synced != synced {
            let pragma = if synced { "PRAGMA synchronous = full" } else { "PRAGMA synchronous = normal" };
            self.sql.execute_batch(pragma)?;
            journal.synced = synced;
        }
        Ok(())
    }

    fn apply(&mut self, blocks: &[Vec<u8>], last: u64) -> Result<()> {
        // Every row is readable, or nothing of it is touched: it was acknowledged.
        let rows = blocks.iter().flat_map(|block| rows(block)).map(Record::of).collect::<Result<Vec<_>>>()?;
        let done = self.in_one_transaction(&rows, last, false).or_else(|fault| {
            self.give_up();
            if is_about_the_disk(&fault) {
                return Err(fault);
            }
            // One row cannot be applied: the others must not wait for it.
            self.in_one_transaction(&rows, last, true)
        });
        done.map_err(|fault| {
            self.give_up();
            StorageError::from(fault)
        })
    }

    /// Applies the rows; with `each_apart` one that cannot be applied is left out and told.
    fn in_one_transaction(&mut self, rows: &[Record<'_>], last: u64, each_apart: bool) -> Run<()> {
        self.begin()?;
        let mut ends = Ends::of(rows);
        if each_apart {
            self.one_by_one(rows, &mut ends)?;
        } else {
            let mut tx = Tx { sql: &self.sql, memory: &mut self.memory };
            let mut new = NewEvents::default();
            // Nothing that is asked of the journal's events depends on an outcome, so they can go first.
            for row in rows {
                if let Record::Event(event) = row {
                    new.add(&mut tx, event, &mut |delivery| ends.0.remove(&delivery))?;
                    if new.len() >= ROWS_AT_A_TIME {
                        std::mem::take(&mut new).insert(&tx)?;
                    }
                }
            }
            new.insert(&tx)?;
            for row in rows {
                if let Record::Outcome(outcome) = row {
                    record(&mut tx, outcome, &mut ends)?;
                }
            }
        }
        let mut tx = Tx { sql: &self.sql, memory: &mut self.memory };
        counts::store(&mut tx)?;
        tx.execute("UPDATE journal SET applied = ?1", [int(last)])?;
        self.sql.prepare_cached("COMMIT")?.execute([])?;
        self.memory.settle();
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn one_by_one<'a>(&mut self, rows: &'a [Record<'a>], ends: &mut Ends<'a>) -> Run<()> {
        for row in rows {
            let mark = self.memory.mark();
            self.sql.execute_batch("SAVEPOINT job")?;
            let mut tx = Tx { sql: &self.sql, memory: &mut self.memory };
            let done = match row {
                Record::Event(event) => store(&mut tx, event, ends),
                Record::Outcome(outcome) => record(&mut tx, outcome, ends),
            };
            if let Err(fault) = done {
                if is_about_the_disk(&fault) || self.sql.is_autocommit() {
                    return Err(fault);
                }
                self.memory.roll_back_to(mark);
                self.sql.execute_batch("ROLLBACK TO job")?;
                tracing::error!(error = %StorageError::from(fault), "a row of the journal could not be applied and is left out");
            }
            self.sql.execute_batch("RELEASE job")?;
        }
        Ok(())
    }
}

/// Outcomes by which deliveries have arrived, by delivery: they go into the tables together with their events.
struct Ends<'a>(HashMap<Key, &'a Outcome<'a>>);

impl<'a> Ends<'a> {
    fn of(rows: &'a [Record<'a>]) -> Self {
        let arrival = |row: &'a Record<'a>| match row {
            Record::Outcome(outcome) if outcome.is_arrival() => Some((outcome.delivery, outcome)),
            _ => None,
        };
        Self(rows.iter().filter_map(arrival).collect())
    }
}

fn store<'a>(tx: &mut Tx<'_>, event: &'a Event<'a>, ends: &mut Ends<'a>) -> Run<()> {
    let mut new = NewEvents::default();
    new.add(tx, event, &mut |delivery| ends.0.remove(&delivery))?;
    new.insert(tx)
}

fn record(tx: &mut Tx<'_>, outcome: &Outcome<'_>, ends: &mut Ends<'_>) -> Run<()> {
    // One that is no longer among them went with its event.
    if outcome.is_arrival() && ends.0.remove(&outcome.delivery).is_none() {
        return Ok(());
    }
    match outcomes::record_row(tx, outcome) {
        // A delivery that was dropped meanwhile needs no outcome.
        Ok(_) | Err(Fault::Storage(StorageError::NotFound(_))) => Ok(()),
        Err(fault) => Err(fault),
    }
}

fn is_about_the_disk(fault: &Fault) -> bool {
    match fault {
        Fault::Storage(error) => error.is_about_the_disk() || matches!(error, StorageError::Unavailable(_)),
        Fault::Sqlite(error) => !matches!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation)),
    }
}
