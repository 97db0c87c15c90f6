//! The one thread that writes. Callers that come together share one transaction and one sync to disk.
//!
//! A batch is first run without savepoints, because nearly always every job succeeds. If a job fails after it has
//! written something, the whole batch is rolled back and run again with a savepoint around each job; so jobs may run
//! twice and must not consume what they hold. Nothing is answered before the commit.

use crate::faults::{Fault, Run, closed, named};
use crate::memory::Memory;
use kanca_storage::{Result, StorageError};
use parking_lot::Mutex;
use rusqlite::{CachedStatement, Connection};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// At most this many jobs share a commit, so that the first of them does not wait for ever.
const BATCH: usize = 512;

/// What a job sees: the connection inside the transaction, and the memory that goes with it.
pub(crate) struct Tx<'a> {
    pub sql: &'a Connection,
    pub memory: &'a mut Memory,
}

impl Tx<'_> {
    /// A statement, prepared once for each connection.
    pub(crate) fn prepare(&self, sql: &str) -> Run<CachedStatement<'_>> {
        Ok(self.sql.prepare_cached(sql)?)
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Run<usize> {
        Ok(self.sql.prepare_cached(sql)?.execute(params)?)
    }
}

/// A handle to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Sender<Order>,
    commits: Arc<AtomicU64>,
}

enum Order {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

trait Job: Send {
    /// Runs inside the transaction; says whether it succeeded.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers the caller; `lost` says why the commit of a job that succeeded did not happen.
    fn answer(self: Box<Self>, lost: Option<&Lost>);
}

struct Call<F, T, W, U> {
    work: F,
    result: Option<Result<T>>,
    wrap: W,
    caller: oneshot::Sender<Result<U>>,
}

impl<F, T, W, U> Job for Call<F, T, W, U>
where
    F: FnMut(&mut Tx<'_>) -> Run<T> + Send,
    T: Send,
    W: FnOnce(T) -> U + Send,
    U: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let work = &mut self.work;
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(Fault::Storage(StorageError::Internal("a storage job panicked".into()))));
        let result = result.map_err(StorageError::from);
        let ok = result.is_ok();
        self.result = Some(result);
        ok
    }

    fn answer(self: Box<Self>, lost: Option<&Lost>) {
        let result = match (self.result, lost) {
            (Some(Ok(_)) | None, Some(lost)) => Err(lost.error()),
            (Some(result), _) => result,
            (None, None) => Err(closed()),
        };
        let wrap = self.wrap;
        // A caller that went away is no error: what it asked for is done.
        drop(self.caller.send(result.map(wrap)));
    }
}

/// Why a whole batch was not written.
enum Lost {
    Full(String),
    Unavailable(String),
    Internal(String),
}

impl Lost {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Full(why) => Self::Full(why),
            StorageError::Unavailable(why) => Self::Unavailable(why),
            other => Self::Internal(other.to_string()),
        }
    }

    fn error(&self) -> StorageError {
        match self {
            Self::Full(why) => StorageError::Full(why.clone()),
            Self::Unavailable(why) => StorageError::Unavailable(why.clone()),
            Self::Internal(why) => StorageError::Internal(why.clone()),
        }
    }
}

impl Writer {
    /// Starts the thread. `keep` is held until the connection is closed (the lock of the data directory).
    pub(crate) fn start(
        sql: Connection,
        memory: Memory,
        wal_pages: Arc<AtomicU64>,
        checkpoint_pages: u64,
        keep: impl Send + 'static,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, orders) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let mut thread = Thread { sql, memory, orders, commits: commits.clone(), wal_pages, checkpoint_pages };
        let handle = std::thread::Builder::new().name("kanca-writer".into()).spawn(move || {
            let closing = thread.serve();
            drop(thread);
            drop(keep);
            if let Some(closing) = closing {
                let _ = closing.send(());
            }
        })?;
        Ok((Self { queue, commits }, handle))
    }

    /// Runs a job in the next batch and waits until it is synced.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T>
    where
        F: FnMut(&mut Tx<'_>) -> Run<T> + Send + 'static,
        T: Send + 'static,
    {
        self.call_then(work, |done| done).await
    }

    /// The same; `wrap` is applied to the answer after the commit, before it leaves the writer's thread.
    pub(crate) async fn call_then<T, U, F, W>(&self, work: F, wrap: W) -> Result<U>
    where
        F: FnMut(&mut Tx<'_>) -> Run<T> + Send + 'static,
        T: Send + 'static,
        W: FnOnce(T) -> U + Send + 'static,
        U: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Call { work, result: None, wrap, caller });
        self.queue.send(Order::Job(job)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Queues a job whose end nobody waits for.
    pub(crate) fn spawn(&self, work: impl FnMut(&mut Tx<'_>) -> Run<()> + Send + 'static) {
        let (caller, _) = oneshot::channel();
        drop(self.queue.send(Order::Job(Box::new(Call { work, result: None, wrap: |()| (), caller }))));
    }

    /// Ends the thread after the jobs queued before.
    pub(crate) async fn close(&self) {
        if let Some(answer) = self.order_close() {
            drop(answer.await);
        }
    }

    pub(crate) fn order_close(&self) -> Option<oneshot::Receiver<()>> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Order::Close(done)).ok().map(|()| answer)
    }

    /// How many transactions were committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// Threads to wait for when the storage is dropped.
pub(crate) type Threads = Mutex<Vec<JoinHandle<()>>>;

struct Thread {
    sql: Connection,
    memory: Memory,
    orders: Receiver<Order>,
    commits: Arc<AtomicU64>,
    wal_pages: Arc<AtomicU64>,
    checkpoint_pages: u64,
}

type Jobs = Vec<Box<dyn Job>>;

impl Thread {
    /// Serves until told to close, or until every handle is gone.
    fn serve(&mut self) -> Option<oneshot::Sender<()>> {
        let mut jobs: Jobs = Vec::with_capacity(BATCH);
        let mut closing = None;
        while closing.is_none() {
            match self.orders.recv() {
                Ok(Order::Job(job)) => jobs.push(job),
                Ok(Order::Close(done)) => return Some(done),
                Err(_) => return None,
            }
            while jobs.len() < BATCH {
                match self.orders.try_recv() {
                    Ok(Order::Job(job)) => jobs.push(job),
                    Ok(Order::Close(done)) => {
                        closing = Some(done);
                        break;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.together(&mut jobs);
            self.checkpoint();
        }
        closing
    }

    /// Runs a batch in one transaction, without savepoints.
    fn together(&mut self, jobs: &mut Jobs) {
        if let Err(error) = self.begin() {
            return answer_all(jobs, Some(&Lost::from(named(&error))));
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
                return answer_all(jobs, None);
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
                return answer_all(done, Some(&lost));
            }
        }
        self.commit(done);
    }

    /// Runs a job within a savepoint; an error means that the whole transaction is gone.
    fn alone(&mut self, job: &mut dyn Job) -> Result<(), Lost> {
        let lost = |error: &rusqlite::Error| Lost::from(named(error));
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
            return Err(Lost::Full("the disk is full".into()));
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

    fn begin(&self) -> rusqlite::Result<()> {
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
    fn give_up(&mut self) {
        self.roll_back();
        self.memory.roll_back_all();
    }

    fn commit(&mut self, jobs: &mut Jobs) {
        if self.sql.is_autocommit() {
            return;
        }
        let committed = crate::counts::store(&mut Tx { sql: &self.sql, memory: &mut self.memory }).and_then(|()| {
            self.sql.prepare_cached("COMMIT")?.execute([])?;
            Ok(())
        });
        match committed {
            Ok(()) => {
                self.memory.settle();
                self.commits.fetch_add(1, Ordering::Relaxed);
                answer_all(jobs, None);
            }
            Err(fault) => {
                self.give_up();
                let error = StorageError::from(fault);
                // A full disk is tried again and again, and said once by whoever stops taking work for it.
                if !matches!(error, StorageError::Full(_)) {
                    tracing::error!(%error, lost = jobs.len(), "a commit failed; nothing of it was acknowledged");
                }
                answer_all(jobs, Some(&Lost::from(error)));
            }
        }
    }

    /// Copies the log back into the database when it has grown, after the callers were answered.
    fn checkpoint(&self) {
        if self.wal_pages.load(Ordering::Relaxed) < self.checkpoint_pages {
            return;
        }
        self.wal_pages.store(0, Ordering::Relaxed);
        let done =
            self.sql.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)").and_then(|mut s| s.query_row([], |_| Ok(())));
        if let Err(error) = done {
            tracing::warn!(%error, "the log could not be copied into the database; it is tried again later");
        }
    }
}

fn answer_all(jobs: &mut Jobs, lost: Option<&Lost>) {
    for job in jobs.drain(..) {
        job.answer(lost);
    }
}
