//! What the operator can set, as far as it changes how the engine works. The binary fills it from flags, environment
//! and file; every value has a default that suits one small machine.

use crate::limits::Rate;
use kanca_domain::addresses::AddressRules;
use kanca_storage::inboxes::Keep;
use std::path::PathBuf;
use std::time::Duration;

/// The engine's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origin that addresses and the widget are shown with, without a trailing slash: `https://hooks.example.com`.
    pub public_url: String,
    /// Origin of inbox addresses; the public URL unless inboxes have an origin of their own.
    pub inbox_url: String,
    /// Which otherwise refused address ranges are open.
    pub address_rules: AddressRules,
    /// Greatest size of an event's request body in bytes.
    pub max_event_bytes: usize,
    /// Greatest size of a captured request's body in bytes.
    pub max_capture_bytes: usize,
    /// Total deadline of one attempt.
    pub attempt_timeout: Duration,
    /// Attempts in flight to one endpoint at a time.
    pub endpoint_concurrency: usize,
    /// How much each inbox keeps.
    pub inbox_keep: Keep,
    /// Days that ended events and captured requests are kept where a project does not say otherwise; 0 is for ever.
    pub keep_days: u32,
    /// Bytes of stored data above which the oldest ended events and captured requests go whatever their age; 0 is no limit.
    pub keep_bytes: u64,
    /// Where the free-space guard looks; `None` switches it off.
    pub data_dir: Option<PathBuf>,
    pub rates: Rates,
    /// The binary that runs users' programs in child processes; `None` runs them in this process, where an endless one
    /// cannot be ended: for tests only.
    pub programs: Option<PathBuf>,
}

/// Rate limits of the parts that are open to the internet.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// New conversations from one client address.
    pub conversations_per_client: Rate,
    /// Messages in one conversation.
    pub messages_per_conversation: Rate,
    /// Chat requests of any kind from one client address.
    pub chat_per_client: Rate,
    /// Captured requests of one inbox.
    pub captures_per_inbox: Rate,
    /// Captured requests from one client address.
    pub captures_per_client: Rate,
    /// Log-in attempts from one client address.
    pub logins_per_client: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            conversations_per_client: Rate { per_second: 2, burst: 120 },
            messages_per_conversation: Rate { per_second: 10, burst: 100 },
            chat_per_client: Rate { per_second: 200, burst: 1_000 },
            captures_per_inbox: Rate { per_second: 200, burst: 2_000 },
            captures_per_client: Rate { per_second: 400, burst: 3_000 },
            logins_per_client: Rate { per_second: 1, burst: 10 },
        }
    }
}

impl Settings {
    /// Defaults for a server under `public_url`.
    pub fn new(public_url: impl Into<String>) -> Self {
        let public_url = public_url.into();
        Self {
            inbox_url: public_url.clone(),
            public_url,
            address_rules: AddressRules::default(),
            max_event_bytes: 1 << 20,
            max_capture_bytes: 10 << 20,
            attempt_timeout: Duration::from_secs(15),
            endpoint_concurrency: 64,
            inbox_keep: Keep { requests: 1_000, bytes: 256 << 20 },
            keep_days: 30,
            keep_bytes: 0,
            data_dir: None,
            rates: Rates::default(),
            programs: None,
        }
    }
}
