//! Which of a host's addresses may be dialled. The rules themselves are the domain's; here they meet the addresses that
//! a literal or a look-up gave, and what they refuse is never dialled.

use kanca_domain::addresses::{AddressRules, Refusal};
use kanca_engine::ports::{SendFailure, SendFailureKind};
use std::net::{IpAddr, SocketAddr};

/// Addresses tried for one connection.
const MOST: usize = 6;

/// The addresses that pass, families taking turns so that a broken IPv6 costs one wait and not many. If none passes,
/// the first refusal is the reason.
pub fn passing(addresses: &[IpAddr], port: u16, rules: &AddressRules) -> Result<Vec<SocketAddr>, SendFailure> {
    let mut refusal: Option<Refusal> = None;
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for &ip in addresses {
        match rules.check_ip(ip) {
            Ok(()) if ip.is_ipv4() => four.push(ip),
            Ok(()) => six.push(ip),
            Err(reason) => {
                refusal.get_or_insert(reason);
            }
        }
    }
    if four.is_empty() && six.is_empty() {
        return Err(match refusal {
            Some(refusal) => SendFailure { kind: SendFailureKind::Blocked, detail: refusal.to_string() },
            None => SendFailure { kind: SendFailureKind::Dns, detail: "the name has no address".into() },
        });
    }
    let (mut four, mut six) = (four.into_iter(), six.into_iter());
    let mut turns = Vec::new();
    while turns.len() < MOST {
        let round = [four.next(), six.next()];
        if round == [None, None] {
            break;
        }
        turns.extend(round.into_iter().flatten().map(|ip| SocketAddr::new(ip, port)));
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &str, expected: Result<&str, SendFailureKind>) {
        let rules = AddressRules::parse("10.1.0.0/16").unwrap();
        let addresses: Vec<IpAddr> = addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect();
        let shown = passing(&addresses, 80, &rules)
            .map(|list| list.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" "))
            .map_err(|failure| failure.kind);
        assert_eq!(shown, expected.map(str::to_owned));
    }

    #[test]
    fn refused_addresses_are_skipped_and_families_take_turns() {
        check("8.8.8.8", Ok("8.8.8.8"));
        check("127.0.0.1 8.8.8.8 ::1", Ok("8.8.8.8"));
        check("10.0.0.1 10.1.0.1", Ok("10.1.0.1"));
        check("2606:4700::1 2606:4700::2 8.8.8.8", Ok("8.8.8.8 2606:4700::1 2606:4700::2"));
        check("127.0.0.1 ::1", Err(SendFailureKind::Blocked));
        check("", Err(SendFailureKind::Dns));
    }
}
