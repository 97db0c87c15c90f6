//! What an address is for, if it is not an ordinary public one.
//!
//! From the IANA registries of special-purpose IPv4 and IPv6 addresses (RFC 6890 and its updates). For IPv6 the rule is
//! the other way round: only `2000::/3` is given out as public, so everything outside is refused without being listed.

use super::Cidr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of address that are refused unless allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 0.0.0.0/8, `::`.
    Unspecified,
    /// 127.0.0.0/8, `::1`.
    Loopback,
    /// 10/8, 172.16/12, 192.168/16, `fc00::/7`, `fec0::/10`.
    Private,
    /// 100.64.0.0/10, between a provider and its customers.
    Shared,
    /// 169.254.0.0/16, `fe80::/10`.
    LinkLocal,
    /// Where a cloud hands credentials to its machines.
    Metadata,
    /// 224.0.0.0/4, `ff00::/8`.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// For examples in documents and for benchmarks.
    Example,
    /// For protocols or for the future.
    Reserved,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "this machine itself (unspecified)",
            Self::Loopback => "this machine itself (loopback)",
            Self::Private => "in a private network",
            Self::Shared => "in a provider's shared network",
            Self::LinkLocal => "on the local link only",
            Self::Metadata => "a cloud's metadata service, which hands out credentials",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Example => "set aside for documentation and benchmarks",
            Self::Reserved => "set aside for special purposes",
        })
    }
}

/// The ranges that stand for "a private network is open", which opens local names. Loopback is not among them: it opens
/// `localhost` only.
pub(super) const PRIVATE: &[Cidr] = &[
    Cidr::v4(10, 0, 0, 0, 8),
    Cidr::v4(172, 16, 0, 0, 12),
    Cidr::v4(192, 168, 0, 0, 16),
    Cidr::v4(100, 64, 0, 0, 10),
    Cidr::v4(169, 254, 0, 0, 16),
    Cidr::v6(0xfc00, 0, 0, 0, 7),
    Cidr::v6(0xfe80, 0, 0, 0, 10),
];

/// The first range that contains the address decides.
const KINDS: &[(Cidr, Kind)] = &[
    // AWS, Google, Azure and others; Alibaba; Oracle; Azure's "wire server", which has a public address; AWS by IPv6.
    (Cidr::v4(169, 254, 169, 254, 32), Kind::Metadata),
    (Cidr::v4(100, 100, 100, 200, 32), Kind::Metadata),
    (Cidr::v4(192, 0, 0, 192, 32), Kind::Metadata),
    (Cidr::v4(168, 63, 129, 16, 32), Kind::Metadata),
    (Cidr { address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), length: 128 }, Kind::Metadata),
    (Cidr::v4(0, 0, 0, 0, 8), Kind::Unspecified),
    (Cidr::v4(10, 0, 0, 0, 8), Kind::Private),
    (Cidr::v4(100, 64, 0, 0, 10), Kind::Shared),
    (Cidr::v4(127, 0, 0, 0, 8), Kind::Loopback),
    (Cidr::v4(169, 254, 0, 0, 16), Kind::LinkLocal),
    (Cidr::v4(172, 16, 0, 0, 12), Kind::Private),
    (Cidr::v4(192, 0, 0, 0, 24), Kind::Reserved),
    (Cidr::v4(192, 0, 2, 0, 24), Kind::Example),
    (Cidr::v4(192, 88, 99, 0, 24), Kind::Reserved),
    (Cidr::v4(192, 168, 0, 0, 16), Kind::Private),
    (Cidr::v4(198, 18, 0, 0, 15), Kind::Example),
    (Cidr::v4(198, 51, 100, 0, 24), Kind::Example),
    (Cidr::v4(203, 0, 113, 0, 24), Kind::Example),
    (Cidr::v4(224, 0, 0, 0, 4), Kind::Multicast),
    (Cidr::v4(255, 255, 255, 255, 32), Kind::Broadcast),
    (Cidr::v4(240, 0, 0, 0, 4), Kind::Reserved),
    (Cidr { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), length: 128 }, Kind::Unspecified),
    (Cidr { address: IpAddr::V6(Ipv6Addr::LOCALHOST), length: 128 }, Kind::Loopback),
    (Cidr::v6(0xfc00, 0, 0, 0, 7), Kind::Private),
    (Cidr::v6(0xfe80, 0, 0, 0, 10), Kind::LinkLocal),
    (Cidr::v6(0xfec0, 0, 0, 0, 10), Kind::Private),
    (Cidr::v6(0xff00, 0, 0, 0, 8), Kind::Multicast),
    (Cidr::v6(0x2001, 0x2, 0, 0, 48), Kind::Example),
    (Cidr::v6(0x2001, 0, 0, 0, 23), Kind::Reserved),
    (Cidr::v6(0x2001, 0xdb8, 0, 0, 32), Kind::Example),
    (Cidr::v6(0x3fff, 0, 0, 0, 20), Kind::Example),
];

/// The kind of an address that is not public; embedded addresses are not looked into.
pub(super) fn of(address: IpAddr) -> Option<Kind> {
    let listed = KINDS.iter().find(|(range, _)| range.contains(address)).map(|(_, kind)| *kind);
    let is_public = address.is_ipv4() || Cidr::v6(0x2000, 0, 0, 0, 3).contains(address);
    listed.or(if is_public { None } else { Some(Kind::Reserved) })
}

/// The IPv4 address, or the two, to which packets for this IPv6 address go in the end.
///
/// Of NAT64's local prefix `64:ff9b:1::/48` nobody can say where the IPv4 address stands (RFC 8215), so it is not taken
/// apart but refused as a whole.
pub(super) fn embedded(address: Ipv6Addr) -> Option<(Ipv4Addr, Option<Ipv4Addr>)> {
    let bits = address.to_bits();
    let v4_from = |shift: u32| Ipv4Addr::from_bits(u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or_default());
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, ..] if bits > 1 => Some((v4_from(0), None)),
        // Mapped (RFC 4291), translated (RFC 7915), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            Some((v4_from(0), None))
        }
        // 6to4 (RFC 3056).
        [0x2002, ..] => Some((v4_from(80), None)),
        // Teredo (RFC 4380): the server, and the client with all bits turned over.
        [0x2001, 0, ..] => Some((v4_from(64), Some(Ipv4Addr::from_bits(!v4_from(0).to_bits())))),
        _ => None,
    }
}
