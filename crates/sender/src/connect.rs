//! From an origin to an open connection: addresses, guard, dial, TLS. This is the only place in Kanca that dials out for
//! somebody else's URL.

use crate::failures::{from_connect, timeout};
use crate::guard::passing;
use crate::lane::Lane;
use crate::link::Link;
use crate::progress::{Progress, Step};
use crate::proxy;
use crate::resolve::Resolve;
use crate::settings::Settings;
use crate::stream::Transport;
use crate::tls::{self, Connectors};
use kanca_domain::addresses::AddressRules;
use kanca_engine::ports::{Proxy, SendFailure, SendFailureKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use url::Host;

/// Addresses of a receiver that one proxy is asked for.
const MOST_TARGETS: usize = 3;

/// Opens connections.
pub struct Connector {
    rules: AddressRules,
    own_address: SocketAddr,
    resolver: Arc<dyn Resolve>,
    tls: Connectors,
    connect_timeout: Duration,
    address_timeout: Duration,
}

impl Connector {
    pub fn new(settings: &Settings) -> Self {
        Self {
            rules: settings.rules.clone(),
            own_address: dialable(settings.own_address),
            resolver: Arc::clone(&settings.resolver),
            tls: Connectors::new(settings.roots.clone()),
            connect_timeout: settings.connect_timeout,
            address_timeout: settings.address_timeout,
        }
    }

    /// A fresh connection of this lane, over a checked address.
    pub async fn connect(&self, lane: &Lane, progress: &mut Progress) -> Result<Box<Link>, SendFailure> {
        let connected = tokio::time::timeout(self.connect_timeout, self.transport(lane, progress)).await;
        match connected {
            Ok(connected) => {
                let (transport, remote) = connected?;
                Ok(Box::new(Link::open(transport, remote)))
            }
            Err(_) => Err(progress.overdue(self.connect_timeout)),
        }
    }

    async fn transport(&self, lane: &Lane, progress: &mut Progress) -> Result<(Transport, SocketAddr), SendFailure> {
        let origin = lane.origin();
        let addresses = if origin.own_inbox {
            vec![self.own_address]
        } else {
            self.addresses(&origin.host, origin.port, progress).await?
        };
        let (socket, remote) = match &lane.proxy {
            None => {
                progress.reach(Step::Connect);
                self.dial(&addresses, progress).await?
            }
            Some(proxy) => self.tunnel(proxy, &addresses, progress).await?,
        };
        if origin.tls {
            progress.reach(Step::Tls);
            let connector = self.tls.of(lane.identity.as_deref())?;
            return Ok((Transport::Tls(tls::handshake(&connector, origin, socket).await?), remote));
        }
        Ok((Transport::Plain(socket), remote))
    }

    /// Has the proxy connect to the first of these checked addresses that it can reach. The proxy's own address passes
    /// the same guard.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        targets: &[SocketAddr],
        progress: &mut Progress,
    ) -> Result<(TcpStream, SocketAddr), SendFailure> {
        let unreachable = |failure: SendFailure| match failure.kind {
            SendFailureKind::Blocked => {
                SendFailure { detail: format!("the proxy cannot be used: {}", failure.detail), ..failure }
            }
            _ => SendFailure { kind: SendFailureKind::ProxyUnreachable, ..failure },
        };
        let found = self.addresses(&proxy.host, proxy.port, progress).await;
        let addresses = found.map_err(unreachable)?;
        let mut refused = None;
        for &target in targets.iter().take(MOST_TARGETS) {
            progress.reach(Step::ProxyConnect);
            let (mut socket, remote) = self.dial(&addresses, progress).await.map_err(unreachable)?;
            progress.reach(Step::ProxyAnswer);
            match proxy::open(&mut socket, proxy, target).await {
                Ok(()) => return Ok((socket, remote)),
                Err(failure) if failure.kind == SendFailureKind::ProxyRefused => {
                    refused.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(refused.unwrap_or_else(|| SendFailure { kind: SendFailureKind::Dns, detail: "no address".into() }))
    }

    /// Literals and names take the same way through the guard.
    async fn addresses(
        &self,
        host: &Host<String>,
        port: u16,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>, SendFailure> {
        let found = match host {
            Host::Ipv4(ip) => vec![IpAddr::V4(*ip)],
            Host::Ipv6(ip) => vec![IpAddr::V6(*ip)],
            Host::Domain(name) => {
                progress.reach(Step::LookUp);
                let found = self.resolver.resolve(name).await;
                found.map_err(|detail| SendFailure { kind: SendFailureKind::Dns, detail })?
            }
        };
        passing(&found, port, &self.rules)
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
