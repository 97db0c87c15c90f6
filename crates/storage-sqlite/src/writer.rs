//! The one thread that writes. Callers that come together share one transaction and one sync to disk: while the thread
//! commits, the next ones queue up.

use crate::batches::Batches;
use crate::faults::{Run, closed};
use crate::jobs::{Call, Job, Jobs, Tx};
use kanca_storage::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// At most this many jobs share a commit, so that the first of them does not wait for ever.
const BATCH: usize = 512;

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

impl Writer {
    /// Starts the thread. `keep` is held until the connection is closed (the lock of the data directory).
    pub(crate) fn start(mut batches: Batches, keep: impl Send + 'static) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, orders) = channel();
        let commits = batches.commits.clone();
        let handle = std::thread::Builder::new().name("kanca-writer".into()).spawn(move || {
            let closing = serve(&mut batches, &orders);
            drop((batches, orders));
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
        self.queue.send(Order::Job(Box::new(Call::new(work, wrap, caller)))).map_err(|_| closed())?;
        let (result, _work) = answer.await.map_err(|_| closed())?;
        result
    }

    /// Queues a job whose end nobody waits for.
    pub(crate) fn spawn(&self, work: impl FnMut(&mut Tx<'_>) -> Run<()> + Send + 'static) {
        let (caller, _) = oneshot::channel();
        drop(self.queue.send(Order::Job(Box::new(Call::new(work, |()| (), caller)))));
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

/// Serves until told to close, or until every handle is gone.
fn serve(batches: &mut Batches, orders: &Receiver<Order>) -> Option<oneshot::Sender<()>> {
    let mut jobs: Jobs = Vec::with_capacity(BATCH);
    let mut closing = None;
    let mut gathering = Gathering::default();
    while closing.is_none() {
        match orders.recv() {
            Ok(Order::Job(job)) => jobs.push(job),
            Ok(Order::Close(done)) => return Some(done),
            Err(_) => return None,
        }
        drain(orders, &mut jobs, &mut closing);
        if closing.is_none() && gathering.is_worth_it(jobs.len()) {
            // Asleep, and not waiting for the next order: then nobody has to wake this thread for each.
            std::thread::sleep(GATHER);
            drain(orders, &mut jobs, &mut closing);
        }
        let (many, started) = (jobs.len(), Instant::now());
        batches.together(&mut jobs);
        gathering.committed(many, started.elapsed());
        batches.checkpoints.between_commits(&batches.sql);
    }
    closing
}

/// Takes what is there, up to a full batch.
fn drain(orders: &Receiver<Order>, jobs: &mut Jobs, closing: &mut Option<oneshot::Sender<()>>) {
    while jobs.len() < BATCH && closing.is_none() {
        match orders.try_recv() {
            Ok(Order::Job(job)) => jobs.push(job),
            Ok(Order::Close(done)) => *closing = Some(done),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
}

/// Whether the next commit waits a moment for more company.
///
/// A commit rewrites the last page of every table and index it touches, so many small ones cost far more than few large
/// ones. When callers come in a crowd and commits are short, the thread lets more of them come; who comes alone never
/// waits, and where the disk is slow the crowd gathers by itself.
#[derive(Default)]
struct Gathering {
    /// Jobs in a commit lately.
    crowd: usize,
    /// How long the last commit took.
    commit: Duration,
}

/// From so many jobs in a commit there is a crowd.
const CROWD: usize = 12;
/// How long the first of a crowd waits for the others.
const GATHER: Duration = Duration::from_micros(250);
/// Commits that take longer gather their company by themselves.
const LONG_COMMIT: Duration = Duration::from_millis(3);

impl Gathering {
    /// Not when as many are there as usually come.
    fn is_worth_it(&self, jobs: usize) -> bool {
        self.crowd >= CROWD && jobs < self.crowd && self.commit < LONG_COMMIT
    }

    fn committed(&mut self, jobs: usize, took: Duration) {
        self.crowd = (3 * self.crowd + jobs).div_ceil(4);
        self.commit = took;
    }
}
