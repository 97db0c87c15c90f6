//! One transaction for all jobs that came together.
//!
//! A batch is first run without savepoints, because nearly always every job succeeds. If a job fails after it has
//! written something, the whole batch is rolled back and run again with a savepoint around each job. Nothing is answered
//! before the commit, and the memory beside the tables goes along with each rollback.

use crate::checkpoints::Checkpoints;
use crate::counts;
use crate::faults::named;
use crate::jobs::{Answers, Job, Jobs, Lost, Tx};
use crate::journal::Applying;
use crate::memory::Memory;
use kanca_storage::StorageError;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The writing connection and what goes with it.
pub(crate) struct Batches {
    pub sql: Connection,
    pub memory: Memory,
    pub answers: Answers,
    /// How many transactions were committed.
    pub commits: Arc<AtomicU64>,
    pub checkpoints: Checkpoints,
    /// `None` when the disk had no room for it at start.
    pub journal: Option<Applying>,
}

impl Batches {
    /// Runs a batch in one transaction, without savepoints, after all that is in the journal.
    pub(crate) fn together(&mut self, jobs: &mut Jobs) {
        let applied = self.apply_journal().and_then(|()| self.synced(true).map_err(StorageError::from));
        if let Err(error) = applied {
            return self.answers.give(jobs, Some(Lost::of(&error)));
        }
        if let Err(error) = self.begin() {
            return self.answers.give(jobs, Some(Lost::of(&named(&error))));
        }
        let mark = self.memory.mark();
        for job in jobs.iter_mut() {
            let before = self.sql.total_changes();
            let memory_before = self.memory.mark();
            let ok = job.run(&mut Tx { sql: &self.sql, memory: &mut self.memory });
            if ok {
                continue;
            }
            if self.sql.total_changes() == before && !self.sql.is_autocommit() {
                self.memory.roll_back_to(memory_before);
                continue;
            }
            self.roll_back();
            self.memory.roll_back_to(mark);
            if jobs.len() == 1 {
                return self.answers.give(jobs, None);
            }
            return self.apart(jobs);
        }
        self.commit(jobs);
    }

    /// Runs a batch in one transaction with a savepoint around each job, so that a failing one is undone alone.
    fn apart(&mut self, jobs: &mut Jobs) {
        let mut done: Jobs = Vec::with_capacity(jobs.len());
        for mut job in jobs.drain(..) {
            match self.alone(job.as_mut()) {
                Ok(()) => done.push(job),
                Err(lost) => {
                    job.answer(Some(&lost));
                    self.again(&mut done);
                }
            }
        }
        self.commit(&mut done);
    }

    /// SQLite gave up the transaction in which these ran (the disk had no room for the next one): runs them once more
    /// and commits them before anything else is tried.
    fn again(&mut self, done: &mut Jobs) {
        for job in done.iter_mut() {
            if let Err(lost) = self.alone(job.as_mut()) {
                return self.answers.give(done, Some(lost));
            }
        }
        self.commit(done);
    }

    /// Runs a job within a savepoint; an error means that the whole transaction is gone.
    fn alone(&mut self, job: &mut dyn Job) -> Result<(), Lost> {
        let lost = |error: &rusqlite::Error| Lost::of(&named(error));
        if self.sql.is_autocommit() {
            self.begin().map_err(|error| lost(&error))?;
        }
        let mark = self.memory.mark();
        let saved = self.sql.prepare_cached("SAVEPOINT job").and_then(|mut s| s.execute([]));
        if let Err(error) = saved {
            self.give_up();
            return Err(lost(&error));
        }
        let ok = job.run(&mut Tx { sql: &self.sql, memory: &mut self.memory });
        if self.sql.is_autocommit() {
            self.give_up();
            return Err(job.fault().unwrap_or_else(|| Lost::Internal("SQLite took the transaction back".into())));
        }
        let ended = if ok {
            self.sql.prepare_cached("RELEASE job").and_then(|mut s| s.execute([])).map(|_| ())
        } else {
            self.memory.roll_back_to(mark);
            self.sql.execute_batch("ROLLBACK TO job; RELEASE job")
        };
        ended.map_err(|error| {
            self.give_up();
            lost(&error)
        })
    }

    pub(crate) fn begin(&self) -> rusqlite::Result<()> {
        if !self.sql.is_autocommit() {
            self.roll_back();
        }
        self.sql.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ())
    }

    fn roll_back(&self) {
        if !self.sql.is_autocommit()
            && let Err(error) = self.sql.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the storage writer could not roll back");
        }
    }

    /// Takes back the whole transaction, in the database and in memory.
    pub(crate) fn give_up(&mut self) {
        self.roll_back();
        self.memory.roll_back_all();
    }

    fn commit(&mut self, jobs: &mut Jobs) {
        if self.sql.is_autocommit() {
            return;
        }
        let committed = counts::store(&mut Tx { sql: &self.sql, memory: &mut self.memory }).and_then(|()| {
            self.sql.prepare_cached("COMMIT")?.execute([])?;
            Ok(())
        });
        match committed {
            Ok(()) => {
                self.memory.settle();
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.answers.give(jobs, None);
            }
            Err(fault) => {
                self.give_up();
                let error = StorageError::from(fault);
                // Such a disk is tried again and again, and it is said once by whoever stops taking work for it.
                if !error.is_about_the_disk() {
                    tracing::error!(%error, lost = jobs.len(), "a commit failed; nothing of it was acknowledged");
                }
                self.answers.give(jobs, Some(Lost::of(&error)));
            }
        }
    }
}
