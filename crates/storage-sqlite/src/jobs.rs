//! What callers ask of the writer's thread: a piece of work, and whom to answer.

use crate::faults::{Fault, Run, closed};
use crate::memory::Memory;
use kanca_storage::{Result, StorageError};
use rusqlite::{CachedStatement, Connection};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

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

/// A piece of work with its caller. It may be run twice, so it must not consume what it holds.
pub(crate) trait Job: Send {
    /// Runs inside the transaction; says whether it succeeded.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Why it failed, as others of its transaction are told when that is gone with it.
    fn fault(&self) -> Option<Lost> {
        None
    }
    /// Answers the caller; `lost` says why the commit of a job that succeeded did not happen.
    fn answer(self: Box<Self>, lost: Option<&Lost>);
}

/// A job made of a closure.
pub(crate) struct Call<F, T, W, U> {
    work: F,
    result: Option<Result<T>>,
    wrap: W,
    caller: oneshot::Sender<Answer<U, F>>,
}

/// A result, and the work with all it holds: freeing an event is left to the caller's thread, for the writer's is the
/// one that everybody waits for.
pub(crate) type Answer<U, F> = (Result<U>, F);

impl<F, T, W, U> Call<F, T, W, U> {
    pub(crate) fn new(work: F, wrap: W, caller: oneshot::Sender<Answer<U, F>>) -> Self {
        Self { work, result: None, wrap, caller }
    }
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

    fn fault(&self) -> Option<Lost> {
        self.result.as_ref()?.as_ref().err().map(Lost::of)
    }

    fn answer(self: Box<Self>, lost: Option<&Lost>) {
        let result = match (self.result, lost) {
            (Some(Ok(_)) | None, Some(lost)) => Err(lost.error()),
            (Some(result), _) => result,
            (None, None) => Err(closed()),
        };
        let wrap = self.wrap;
        // A caller that went away is no error: what it asked for is done.
        drop(self.caller.send((result.map(wrap), self.work)));
    }
}

/// Why a whole batch was not written.
pub(crate) enum Lost {
    Full(String),
    Unwritable(String),
    Unavailable(String),
    Internal(String),
}

impl Lost {
    pub(crate) fn of(error: &StorageError) -> Self {
        match error {
            StorageError::Full(why) => Self::Full(why.clone()),
            StorageError::Unwritable(why) => Self::Unwritable(why.clone()),
            StorageError::Unavailable(why) => Self::Unavailable(why.clone()),
            other => Self::Internal(other.to_string()),
        }
    }

    pub(crate) fn error(&self) -> StorageError {
        match self {
            Self::Full(why) => StorageError::Full(why.clone()),
            Self::Unwritable(why) => StorageError::Unwritable(why.clone()),
            Self::Unavailable(why) => StorageError::Unavailable(why.clone()),
            Self::Internal(why) => StorageError::Internal(why.clone()),
        }
    }
}

/// Jobs that share a transaction.
pub(crate) type Jobs = Vec<Box<dyn Job>>;

/// Answers callers one after another.
pub(crate) fn answer_each(jobs: Jobs, lost: Option<&Lost>) {
    for job in jobs {
        job.answer(lost);
    }
}

/// From how many jobs on a task of the runtime answers them.
const MANY: usize = 3;

/// Who answers the callers after a commit.
///
/// To answer is to wake a task, and to wake one from a foreign thread takes a lock of the runtime and often a system
/// call each time. A commit that many share is therefore handed as a whole to one task of the runtime, which wakes the
/// others from inside; the writer goes on with the next commit meanwhile.
pub(crate) struct Answers(Option<UnboundedSender<(Jobs, Option<Lost>)>>);

impl Answers {
    /// Answers from a task of the current runtime, or from the writer's own thread where there is none.
    pub(crate) fn start() -> Self {
        let Ok(runtime) = Handle::try_current() else { return Self(None) };
        let (queue, mut committed) = unbounded_channel::<(Jobs, Option<Lost>)>();
        runtime.spawn(async move {
            while let Some((jobs, lost)) = committed.recv().await {
                answer_each(jobs, lost.as_ref());
            }
        });
        Self(Some(queue))
    }

    /// Answers all callers; leaves the list empty.
    pub(crate) fn give(&self, jobs: &mut Jobs, lost: Option<Lost>) {
        let jobs = std::mem::replace(jobs, Vec::with_capacity(jobs.capacity()));
        match &self.0 {
            Some(queue) if jobs.len() >= MANY => {
                // The runtime has ended when nobody receives: then the callers have, too.
                if let Err(SendError((jobs, lost))) = queue.send((jobs, lost)) {
                    answer_each(jobs, lost.as_ref());
                }
            }
            _ => answer_each(jobs, lost.as_ref()),
        }
    }
}
