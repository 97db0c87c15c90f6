//! The address guard's rules: where an outgoing request may go.
//!
//! An address is refused unless it is known to be public, or unless the operator opened its range. Every way to write
//! or embed an IPv4 address in another one is taken apart first, so that no spelling gets round a rule. The rules are
//! asked twice: of the literal or name when a URL is entered ([`AddressRules::check_host`]), and of each resolved
//! address when connecting ([`AddressRules::check_ip`]), where the second is the guard and the first a courtesy.

mod cidr;
mod kind;

pub use cidr::{Cidr, InvalidCidr};
pub use kind::Kind;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use url::Host;

/// The ranges that the operator has opened (`KANCA_ALLOW_PRIVATE_NETWORKS`); none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressRules {
    /// What is allowed although it is not public.
    pub allowed: Vec<Cidr>,
}

/// Why a request may not go there, with the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address is not public.
    #[error("the address {address}{} is {kind}; use a public address, or let whoever runs Kanca open it with \
             KANCA_ALLOW_PRIVATE_NETWORKS={}", embedded_words(*address, *meant), open_with(*meant))]
    Address {
        /// The address as it was to be dialled.
        address: IpAddr,
        /// The address that decides: the one embedded, or the same.
        meant: IpAddr,
        /// What it is.
        kind: Kind,
    },
    /// The name means this machine or a machine of this network.
    #[error("the name {name} stands for {}; use a public name, or let whoever runs Kanca open the range with \
             KANCA_ALLOW_PRIVATE_NETWORKS={}", if *.is_this_machine { "this machine" } else { "a machine of the local network" },
             if *.is_this_machine { "127.0.0.0/8,::1/128" } else { "10.0.0.0/8 (or the network's own range)" })]
    Name {
        /// The name, in lower case.
        name: String,
        /// Whether it is `localhost` or below it.
        is_this_machine: bool,
    },
    /// No host at all.
    #[error("“{0}” is not a host; write a name such as example.com or an IP address")]
    NotAHost(String),
}

fn embedded_words(address: IpAddr, meant: IpAddr) -> String {
    if address == meant { String::new() } else { format!(" (which stands for {meant})") }
}

fn open_with(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

impl AddressRules {
    /// Reads ranges separated by commas; empty text = none.
    pub fn parse(text: &str) -> Result<Self, InvalidCidr> {
        let ranges = text.split(',').map(str::trim).filter(|range| !range.is_empty());
        Ok(Self { allowed: ranges.map(Cidr::parse).collect::<Result<_, _>>()? })
    }

    /// Whether this very address may be dialled.
    ///
    /// An address that embeds IPv4 addresses (mapped, translated, tunnelled) is judged by those: each must be public or
    /// allowed.
    pub fn check_ip(&self, address: IpAddr) -> Result<(), Refusal> {
        let check = |meant: IpAddr| match kind::of(meant) {
            Some(kind) if !self.allows(meant) => Err(Refusal::Address { address, meant, kind }),
            _ => Ok(()),
        };
        match address {
            IpAddr::V4(_) => check(address),
            IpAddr::V6(v6) => match kind::embedded(v6) {
                Some((first, second)) => {
                    check(first.into())?;
                    second.map_or(Ok(()), |second| check(second.into()))
                }
                None => check(address),
            },
        }
    }

    /// Whether a URL with this host may be entered. Names are judged by their ending only; where they lead is seen when
    /// connecting.
    pub fn check_host(&self, host: &Host<impl AsRef<str>>) -> Result<(), Refusal> {
        match host {
            Host::Ipv4(address) => self.check_ip((*address).into()),
            Host::Ipv6(address) => self.check_ip((*address).into()),
            Host::Domain(name) => self.check_name(name.as_ref()),
        }
    }

    /// The same for a host as text, in every spelling that the WHATWG URL Standard reads as an address: decimal, octal,
    /// hexadecimal, short (`127.1`), in brackets, percent-encoded, with full-width digits, with a full stop at the end.
    pub fn check_host_literal(&self, host: &str) -> Result<(), Refusal> {
        let not_a_host = || Refusal::NotAHost(host.chars().take(80).collect());
        let bare_v6 = host.parse::<Ipv6Addr>().map(Host::Ipv6).ok();
        let host = bare_v6.or_else(|| Host::parse(host).ok()).ok_or_else(not_a_host)?;
        self.check_host(&host)
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_below =
            |ending: &str| name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let is_this_machine = is_below("localhost");
        let is_local = ["local", "internal", "home.arpa"].into_iter().any(is_below);
        let is_refused = is_this_machine && !self.opens_loopback() || is_local && !self.opens_private();
        if name.is_empty() {
            return Err(Refusal::NotAHost(".".into()));
        }
        if is_refused { Err(Refusal::Name { name, is_this_machine }) } else { Ok(()) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|range| range.contains(address))
    }

    fn opens_loopback(&self) -> bool {
        self.allows(Ipv4Addr::LOCALHOST.into()) || self.allows(Ipv6Addr::LOCALHOST.into())
    }

    fn opens_private(&self) -> bool {
        self.allowed.iter().any(|range| kind::PRIVATE.iter().any(|private| range.overlaps(private)))
    }
}

impl FromStr for AddressRules {
    type Err = InvalidCidr;
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
