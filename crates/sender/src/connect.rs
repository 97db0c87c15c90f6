//! From an origin to an open connection: addresses, guard, dial, TLS. This is the only place in Kanca that dials out for
//! somebody else's URL.

use crate::failures::{from_connect, timeout};
use crate::guard::passing;
use crate::link::Link;
use crate::progress::{Progress, Step};
use crate::resolve::Resolve;
use crate::settings::Settings;
use crate::stream::Transport;
use crate::target::Origin;
use crate::tls;
use kanca_domain::addresses::AddressRules;
use kanca_engine::ports::{SendFailure, SendFailureKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;

/// Opens connections.
pub struct Connector {
    rules: AddressRules,
    own_address: SocketAddr,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    connect_timeout: Duration,
    address_timeout: Duration,
}

impl Connector {
    pub fn new(settings: &Settings) -> Self {
        Self {
            rules: settings.rules.clone(),
            own_address: dialable(settings.own_address),
            resolver: Arc::clone(&settings.resolver),
            tls: tls::connector(settings.roots.clone()),
            connect_timeout: settings.connect_timeout,
            address_timeout: settings.address_timeout,
        }
    }

    /// A fresh connection that leads to `origin`, over a checked address.
    pub async fn connect(&self, origin: &Origin, progress: &mut Progress) -> Result<Box<Link>, SendFailure> {
        let connected = tokio::time::timeout(self.connect_timeout, self.transport(origin, progress)).await;
        match connected {
            Ok(connected) => {
                let (transport, remote) = connected?;
                Link::open(transport, remote).await
            }
            Err(_) => Err(progress.overdue(self.connect_timeout)),
        }
    }

    async fn transport(
        &self,
        origin: &Origin,
        progress: &mut Progress,
    ) -> Result<(Transport, SocketAddr), SendFailure> {
        let addresses =
            if origin.own_inbox { vec![self.own_address] } else { self.addresses(origin, progress).await? };
        progress.reach(Step::Connect);
        let (socket, remote) = self.dial(&addresses, progress).await?;
        if origin.tls {
            progress.reach(Step::Tls);
            return Ok((Transport::Tls(tls::handshake(&self.tls, origin, socket).await?), remote));
        }
        Ok((Transport::Plain(socket), remote))
    }

    /// Literals and names take the same way through the guard.
    async fn addresses(&self, origin: &Origin, progress: &mut Progress) -> Result<Vec<SocketAddr>, SendFailure> {
        let found = match &origin.host {
            Host::Ipv4(ip) => vec![IpAddr::V4(*ip)],
            Host::Ipv6(ip) => vec![IpAddr::V6(*ip)],
            Host::Domain(name) => {
                progress.reach(Step::LookUp);
                let found = self.resolver.resolve(name).await;
                found.map_err(|detail| SendFailure { kind: SendFailureKind::Dns, detail })?
            }
        };
        passing(&found, origin.port, &self.rules)
    }

    /// Tries the addresses in order, each for a short time while there is another. The first failure is told: it is
    /// that of the best address.
    async fn dial(
        &self,
        addresses: &[SocketAddr],
        progress: &mut Progress,
    ) -> Result<(TcpStream, SocketAddr), SendFailure> {
        let mut first = None;
        for (index, &address) in addresses.iter().enumerate() {
            progress.dial(address);
            let last = index + 1 == addresses.len();
            let limit = if last { self.connect_timeout } else { self.address_timeout };
            let failure = match tokio::time::timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => {
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY is not to be had");
                    }
                    return Ok((socket, address));
                }
                Ok(Err(error)) => from_connect(&error, address),
                Err(_) => timeout(limit, &format!("connecting to {address}")),
            };
            first.get_or_insert(failure);
        }
        Err(first.unwrap_or_else(|| SendFailure { kind: SendFailureKind::Dns, detail: "no address".into() }))
    }
}

/// A listener on all addresses is reached over loopback.
fn dialable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, address.port())
}
