//! Idle connections, waiting for the next request of the same lane.
//!
//! Bounded by lane, in all, and by age. The newest is taken first, so that a quiet hour closes the others. A sweeper
//! runs while there is anything to sweep; it also closes what the peer has closed, as nobody else looks at idle links.

use crate::lane::Lane;
use crate::link::Link;
use crate::settings::Settings;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Idle links by lane.
pub struct Pool {
    idle: Mutex<Idle>,
    max_per_lane: usize,
    max: usize,
    timeout: Duration,
}

#[derive(Default)]
struct Idle {
    links: HashMap<Lane, Vec<Waiting>>,
    count: usize,
    sweeping: bool,
}

struct Waiting {
    link: Box<Link>,
    since: Instant,
}

impl Idle {
    /// The oldest link of some lane makes room, so that a busy newcomer is not shut out by idle ones.
    fn evict(&mut self) -> Option<Waiting> {
        let links = self.links.values_mut().find(|links| !links.is_empty())?;
        self.count -= 1;
        Some(links.remove(0))
    }
}

impl Pool {
    pub fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            max_per_lane: settings.max_idle_per_host,
            max: settings.max_idle,
            timeout: settings.idle_timeout,
        })
    }

    /// The newest link to `lane` that still works.
    pub fn take(&self, lane: &Lane) -> Option<Box<Link>> {
        loop {
            let Waiting { mut link, since } = {
                let mut idle = self.idle.lock();
                let waiting = idle.links.get_mut(lane)?.pop()?;
                idle.count -= 1;
                waiting
            };
            if since.elapsed() < self.timeout && link.is_usable() {
                return Some(link);
            }
        }
    }

    /// Keeps a link for the next request, if it can have one and there is room.
    pub fn put(self: &Arc<Self>, lane: &Lane, mut link: Box<Link>) {
        if !link.is_usable() {
            return;
        }
        let waiting = Waiting { link, since: Instant::now() };
        let mut idle = self.idle.lock();
        if idle.links.get(lane).is_some_and(|same| same.len() >= self.max_per_lane) {
            return;
        }
        let evicted = if idle.count >= self.max { idle.evict() } else { None };
        match idle.links.get_mut(lane) {
            Some(same) => same.push(waiting),
            None => drop(idle.links.insert(lane.clone(), vec![waiting])),
        }
        idle.count += 1;
        if !std::mem::replace(&mut idle.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.timeout / 2));
        }
        // Sockets are closed after the lock is free.
        drop(idle);
        drop(evicted);
    }

    /// Removes what is too old or closed; answers whether anything is left.
    fn tidy(&self) -> bool {
        let mut idle = self.idle.lock();
        let mut gone = Vec::new();
        idle.links.retain(|_, links| {
            gone.extend(
                links.extract_if(.., |waiting| waiting.since.elapsed() >= self.timeout || !waiting.link.is_usable()),
            );
            !links.is_empty()
        });
        idle.count -= gone.len();
        idle.sweeping = idle.count > 0;
        let left = idle.sweeping;
        drop(idle);
        left
    }
}

async fn sweep(pool: Weak<Pool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match pool.upgrade() {
            Some(pool) if pool.tidy() => {}
            _ => return,
        }
    }
}
