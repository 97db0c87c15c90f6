//! The tasks that work for endpoints. One that has nothing to do stays for a while for whichever endpoint needs it next:
//! there would be one to start for nearly every delivery, and to wake one instead saves a twentieth of the processor time.

use super::dispatcher::work;
use super::queue::Queue;
use crate::Engine;
use kanca_domain::ids::EndpointId;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use tokio::sync::oneshot;

/// Tasks that stay at most.
const MOST_IDLE: usize = 64;

/// Work for an endpoint.
pub(super) struct Task {
    pub engine: Engine,
    pub endpoint: EndpointId,
    pub queue: Arc<Mutex<Queue>>,
}

/// The idle ones, the last to come first.
#[derive(Default)]
pub(super) struct Crew {
    idle: Mutex<Vec<oneshot::Sender<Task>>>,
}

impl Crew {
    /// Has a task worked on by somebody.
    pub fn take_on(self: &Arc<Self>, task: Task) {
        let idle = self.idle.lock().pop();
        let unsent = match idle {
            Some(idle) => idle.send(task).err(),
            None => Some(task),
        };
        if let Some(task) = unsent {
            tokio::spawn(serve(task, Arc::downgrade(self)));
        }
    }

    /// Where the next task will come; `None` when enough others wait.
    fn wait(&self) -> Option<oneshot::Receiver<Task>> {
        let mut idle = self.idle.lock();
        (idle.len() < MOST_IDLE).then(|| {
            let (sender, task) = oneshot::channel();
            idle.push(sender);
            task
        })
    }
}

/// Works on one task after another. While it waits it holds nothing, so that an engine nobody needs can go.
async fn serve(mut task: Task, crew: Weak<Crew>) {
    loop {
        work(task).await;
        let Some(next) = crew.upgrade().and_then(|crew| crew.wait()) else { return };
        match next.await {
            Ok(next) => task = next,
            Err(_) => return,
        }
    }
}
