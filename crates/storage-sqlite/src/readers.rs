//! A few threads that only read, each with a connection of its own, so that no async caller ever blocks and no read
//! waits for the writer. Each read sees one moment: it runs in its own transaction.

use crate::faults::{Run, closed};
use kanca_storage::{Result, StorageError};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A handle to the reading threads.
#[derive(Clone)]
pub(crate) struct Readers {
    queue: Sender<Order>,
    threads: usize,
}

enum Order {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    Close(oneshot::Sender<()>),
}

impl Readers {
    /// Starts a thread for each connection.
    pub(crate) fn start(connections: Vec<Connection>) -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (queue, orders) = channel();
        let orders = Arc::new(Mutex::new(orders));
        let threads = connections.len();
        let handles = connections
            .into_iter()
            .map(|sql| {
                let orders = orders.clone();
                std::thread::Builder::new().name("kanca-reader".into()).spawn(move || serve(sql, &orders))
            })
            .collect::<std::io::Result<_>>()?;
        Ok((Self { queue, threads }, handles))
    }

    /// Runs a read on whichever thread is free.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Run<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let order = Order::Read(Box::new(move |sql| drop(caller.send(in_one_moment(sql, read)))));
        self.queue.send(order).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends the threads after the reads queued before.
    pub(crate) async fn close(&self) {
        for answer in self.order_close() {
            drop(answer.await);
        }
    }

    pub(crate) fn order_close(&self) -> Vec<oneshot::Receiver<()>> {
        let order = |_| {
            let (done, answer) = oneshot::channel();
            self.queue.send(Order::Close(done)).ok().map(|()| answer)
        };
        (0..self.threads).filter_map(order).collect()
    }
}

fn serve(sql: Connection, orders: &Mutex<Receiver<Order>>) {
    loop {
        let order = orders.lock().recv();
        match order {
            Ok(Order::Read(read)) => {
                let outcome = catch_unwind(AssertUnwindSafe(|| read(&sql)));
                if outcome.is_err() {
                    tracing::error!("a storage read panicked");
                }
            }
            Ok(Order::Close(done)) => {
                drop(sql);
                let _ = done.send(());
                return;
            }
            Err(_) => return,
        }
    }
}

fn in_one_moment<T>(sql: &Connection, read: impl FnOnce(&Connection) -> Run<T>) -> Result<T> {
    let run = || -> Run<T> {
        let transaction = sql.unchecked_transaction()?;
        let found = read(&transaction)?;
        transaction.finish()?;
        Ok(found)
    };
    run().map_err(StorageError::from)
}
