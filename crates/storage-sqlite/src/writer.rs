//! The one thread that writes. Callers that come together share one transaction and one sync to disk: while the thread
//! commits, the next ones queue up.

use crate::batches::Batches;
use crate::faults::{Run, closed};
use crate::jobs::{Call, Job, Jobs, Tx};
use kanca_storage::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// At most this many jobs share a commit, so that the first of them does not wait for ever.
const BATCH: usize = 512;

/// A handle to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Sender<Order>,
    commits: Arc<AtomicU64>,
    /// Callers that wait for an answer.
    waiting: Arc<AtomicUsize>,
}

/// A caller who waits, until this is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        Ok((Self { queue, commits, waiting: Arc::default() }, handle))
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
        let _waiting = Waiting::new(&self.waiting);
        self.queue.send(Order::Job(Box::new(Call::new(work, wrap, caller)))).map_err(|_| closed())?;
        let (result, _work) = answer.await.map_err(|_| closed())?;
        result
    }

    /// Waits for a moment in which nobody waits for the writer, but not longer than `patience`.
    pub(crate) async fn quiet(&self, patience: Duration) {
        let look = async {
            while self.waiting.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        drop(tokio::time::timeout(patience, look).await);
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
    while closing.is_none() {
        match orders.recv() {
            Ok(Order::Job(job)) => jobs.push(job),
            Ok(Order::Close(done)) => return Some(done),
            Err(_) => return None,
        }
        drain(orders, &mut jobs, &mut closing);
        batches.together(&mut jobs);
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
