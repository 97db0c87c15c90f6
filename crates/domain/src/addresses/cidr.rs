//! A range of addresses in CIDR notation, such as `10.0.0.0/8`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of IPv4 or of IPv6 addresses. A range of v4-mapped addresses (`::ffff:10.0.0.0/104`) is the IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    pub(super) address: IpAddr,
    pub(super) length: u8,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{given}” is not an address range ({reason}); write one such as 127.0.0.0/8, 10.1.2.3 or ::1/128")]
pub struct InvalidCidr {
    /// What was given, cut to 80 characters.
    pub given: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Cidr {
    /// Reads `ADDRESS/LENGTH`, or a single address. Bits beyond the length must be zero, as a range such as
    /// `10.1.2.3/8` usually hides a mistake.
    pub fn parse(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = |reason| InvalidCidr { given: text.chars().take(80).collect(), reason };
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| invalid("the address cannot be read"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => most,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|length| *length <= most)
                .ok_or_else(|| invalid("the length is too large"))?,
            Some(_) => return Err(invalid("the length is not a number")),
        };
        let range = match address {
            IpAddr::V6(v6) if length >= 96 => match v6.to_ipv4_mapped() {
                Some(v4) => Self { address: v4.into(), length: length - 96 },
                None => Self { address, length },
            },
            _ => Self { address, length },
        };
        if range.first() == range.address { Ok(range) } else { Err(invalid("bits beyond the length are set")) }
    }

    /// A range of IPv4 addresses known to be well-formed.
    pub(super) const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length }
    }

    /// A range of IPv6 addresses known to be well-formed, given by its first four groups.
    pub(super) const fn v6(a: u16, b: u16, c: u16, d: u16, length: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), length }
    }

    /// Whether the address is of this family and lies in the range. Embedded addresses are the caller's business.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address, self.length) == Some(self.address)
    }

    /// Whether some address lies in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.length <= other.length { self.contains(other.address) } else { other.contains(self.address) }
    }

    fn first(&self) -> IpAddr {
        masked(self.address, self.length).unwrap_or(self.address)
    }
}

/// The address with all bits beyond the length cleared; nothing if it has fewer bits.
fn masked(address: IpAddr, length: u8) -> Option<IpAddr> {
    let length = u32::from(length);
    Some(match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32u32.checked_sub(length)?).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128u32.checked_sub(length)?).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    })
}

impl FromStr for Cidr {
    type Err = InvalidCidr;
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        Self::parse(text)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}
