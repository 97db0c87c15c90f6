//! Live signals inside the process: who listens gets what happens from now on; who lags is told so and reads the table.
//!
//! Signals only wake and carry copies; the table is the truth. A listener subscribes first, then reads what it missed,
//! then follows, dropping what it has seen: so nothing is lost or doubled between the two.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use tokio::sync::broadcast;

/// Channels by key, such as one for each inbox.
pub struct Hub<K, T> {
    channels: Mutex<HashMap<K, broadcast::Sender<T>>>,
    /// Signals a listener may lag behind before it has to read the table again.
    backlog: usize,
}

impl<K: Hash + Eq + Copy, T: Clone> Hub<K, T> {
    /// No channels yet; each will hold `backlog` signals, in memory from its first listener on.
    pub fn new(backlog: usize) -> Self {
        Self { channels: Mutex::new(HashMap::new()), backlog }
    }

    /// Listens to a key from now on.
    pub fn subscribe(&self, key: K) -> broadcast::Receiver<T> {
        let mut channels = self.channels.lock();
        channels.entry(key).or_insert_with(|| broadcast::channel(self.backlog).0).subscribe()
    }

    /// Drops channels that nobody listens to any more.
    pub fn forget_idle(&self) {
        self.channels.lock().retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Tells whoever listens to a key; costs next to nothing when nobody does.
    pub fn publish(&self, key: K, signal: T) {
        let channels = self.channels.lock();
        if let Some(sender) = channels.get(&key) {
            // Nobody listening any more is no fault.
            let _ = sender.send(signal);
        }
    }

    /// Whether anybody listens to a key.
    pub fn has_listeners(&self, key: K) -> bool {
        self.channels.lock().get(&key).is_some_and(|s| s.receiver_count() > 0)
    }

    /// Ends all channels: listeners see the end of their stream.
    pub fn close(&self) {
        self.channels.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_hear_their_key_only_and_see_the_end() {
        let hub = Hub::<u8, &str>::new(8);
        let mut one = hub.subscribe(1);
        hub.publish(2, "not mine");
        hub.publish(1, "mine");
        assert_eq!(one.recv().await.ok(), Some("mine"));
        hub.close();
        assert!(one.recv().await.is_err());
    }

    #[test]
    fn channels_without_listeners_are_dropped() {
        let hub = Hub::<u8, u8>::new(8);
        drop(hub.subscribe(1));
        let _kept = hub.subscribe(2);
        hub.forget_idle();
        assert_eq!(hub.channels.lock().len(), 1);
        assert!(!hub.has_listeners(1) && hub.has_listeners(2));
    }
}
