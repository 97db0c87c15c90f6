//! What a [`GuardedClient`](crate::GuardedClient) is made of. Rules and trust are fixed for a client's life: other
//! rules mean another client with an empty pool, so no connection outlives the rules that it was checked under.

use crate::resolve::{Resolve, SystemResolver};
use kanca_domain::addresses::AddressRules;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Which authorities vouch for a server's certificate.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// Those of the operating system (or of `SSL_CERT_FILE` and `SSL_CERT_DIR`).
    #[default]
    System,
    /// The system's and these too, for a company's own authority.
    SystemAnd(Vec<CertificateDer<'static>>),
    /// Only these.
    Only(Vec<CertificateDer<'static>>),
}

/// Settings of the guarded client; [`Settings::new`] gives defaults for all but the two that have none.
pub struct Settings {
    /// Which addresses may be dialled.
    pub rules: AddressRules,
    /// Kanca's own listener (plain HTTP), for `Route::OwnInbox`. An unspecified address means loopback.
    pub own_address: SocketAddr,
    /// Turns names into addresses.
    pub resolver: Arc<dyn Resolve>,
    pub roots: Roots,
    /// Look-up, connecting and TLS together.
    pub connect_timeout: Duration,
    /// One address, while there is another to try. The last one has the rest of `connect_timeout`.
    pub address_timeout: Duration,
    /// An idle connection is closed after this time.
    pub idle_timeout: Duration,
    /// Idle connections kept for one scheme, host and port.
    pub max_idle_per_host: usize,
    /// Idle connections kept in all, so that many hosts do not use up the file descriptors.
    pub max_idle: usize,
}

impl Settings {
    /// Defaults: the system's resolver and roots, 10 s to connect, 2 s for an address, connections idle for at most
    /// 30 s, 64 for each host and 512 in all.
    pub fn new(rules: AddressRules, own_address: SocketAddr) -> Self {
        Self {
            rules,
            own_address,
            resolver: Arc::new(SystemResolver::default()),
            roots: Roots::System,
            connect_timeout: Duration::from_secs(10),
            address_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30),
            max_idle_per_host: 64,
            max_idle: 512,
        }
    }
}
