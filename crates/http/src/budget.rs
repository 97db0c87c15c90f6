//! How much memory the bodies of strangers may take while they are read: in all, and for one client, so that a flood from
//! one neither fills the memory nor keeps the others out.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Bytes being read in all.
const ALL: u64 = 256 << 20;
/// Bytes being read from one client.
const ONE: u64 = 64 << 20;

/// What is taken now. Cheap to clone.
#[derive(Clone, Default)]
pub struct Budget(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: u64,
    clients: HashMap<IpAddr, u64>,
}

/// A share of the budget, given back when dropped.
pub struct Share {
    budget: Budget,
    client: IpAddr,
    bytes: u64,
}

impl Budget {
    /// Takes `bytes` for a client; `None` when there is not that much left.
    pub fn take(&self, client: IpAddr, bytes: u64) -> Option<Share> {
        let mut taken = self.0.lock();
        let own = taken.clients.get(&client).copied().unwrap_or(0);
        // A single body may be larger than one client's part, by the operator's own setting.
        if own > 0 && own + bytes > ONE || taken.all > 0 && taken.all + bytes > ALL {
            return None;
        }
        taken.all += bytes;
        *taken.clients.entry(client).or_insert(0) += bytes;
        Some(Share { budget: self.clone(), client, bytes })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.budget.0.lock();
        taken.all -= self.bytes;
        if let Some(own) = taken.clients.get_mut(&self.client) {
            *own -= self.bytes;
            if *own == 0 {
                taken.clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn client(n: u8) -> IpAddr {
        IpAddr::from([198, 51, 100, n])
    }

    #[test]
    fn one_client_cannot_take_everything_and_all_together_are_bounded() {
        let budget = Budget::default();
        let mine: Vec<_> = (0..20).map_while(|_| budget.take(client(1), 10 * MIB)).collect();
        assert_eq!(mine.len(), 6);
        let others: Vec<_> = (2..200).filter_map(|n| budget.take(client(n), 10 * MIB)).collect();
        assert_eq!(others.len(), 19);
        drop((mine, others));
        assert!(budget.take(client(1), 60 * MIB).is_some());
        assert!(budget.0.lock().clients.is_empty(), "nothing is kept of those who are done");
    }

    #[test]
    fn a_body_that_the_operator_allows_is_never_too_large_for_an_idle_budget() {
        assert!(Budget::default().take(client(1), 500 * MIB).is_some());
    }
}
