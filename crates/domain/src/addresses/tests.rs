use super::*;
use proptest::prelude::*;

fn closed() -> AddressRules {
    AddressRules::default()
}

fn open(ranges: &str) -> AddressRules {
    ranges.parse().unwrap()
}

fn kind(address: &str) -> Option<Kind> {
    match closed().check_ip(address.parse().unwrap()) {
        Ok(()) => None,
        Err(Refusal::Address { kind, .. }) => Some(kind),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn public_addresses_are_let_through() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00::1",
        "2001:200::1",
        "2001:4860::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",
        // Teredo of server 8.8.8.8 and client 1.1.1.1.
        "2001:0:808:808:0:0:fefe:fefe",
    ] {
        assert_eq!(kind(address), None, "{address}");
    }
}

#[test]
fn addresses_that_are_not_public_are_refused_by_kind() {
    use Kind::{Broadcast, Example, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Unspecified};
    for (address, expected) in [
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Unspecified),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("100.64.0.0", Shared),
        ("100.127.255.255", Shared),
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("169.254.0.1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("100.100.100.200", Metadata),
        ("192.0.0.192", Metadata),
        ("168.63.129.16", Metadata),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("192.0.0.1", Reserved),
        ("192.0.2.1", Example),
        ("192.88.99.1", Reserved),
        ("192.168.0.0", Private),
        ("192.168.255.255", Private),
        ("198.18.0.0", Example),
        ("198.19.255.255", Example),
        ("198.51.100.1", Example),
        ("203.0.113.1", Example),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.1", Reserved),
        ("255.255.255.255", Broadcast),
        ("::", Unspecified),
        ("::1", Loopback),
        ("fc00::1", Private),
        ("fdff::1", Private),
        ("fd00:ec2::254", Metadata),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", Private),
        ("ff02::1", Multicast),
        ("100::1", Reserved),
        ("2001:2::1", Example),
        ("2001:10::1", Reserved),
        ("2001:20::1", Reserved),
        ("2001:db8::1", Example),
        ("3fff:fff::1", Example),
        ("5f00::1", Reserved),
        ("64:ff9b:1::808:808", Reserved),
        ("4000::1", Reserved),
        // The same refused addresses, embedded.
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:169.254.169.254", Metadata),
        ("::127.0.0.1", Loopback),
        ("::2", Unspecified),
        ("::ffff:0:10.0.0.1", Private),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("64:ff9b::7f00:1", Loopback),
        ("2002:7f00:1::1", Loopback),
        ("2002:a9fe:a9fe::", Metadata),
        ("2002:c0a8:101:1:2:3:4:5", Private),
        // Teredo: a private server, then a private client (10.0.0.1 turned over).
        ("2001:0:a00:1:0:0:fefe:fefe", Private),
        ("2001:0:808:808:0:0:f5ff:fffe", Private),
    ] {
        assert_eq!(kind(address), Some(expected), "{address}");
    }
}

#[test]
fn an_allowed_range_opens_itself_and_nothing_else() {
    let check = |ranges: &str, address: &str| open(ranges).check_ip(address.parse().unwrap()).is_ok();
    for (ranges, address, expected) in [
        ("127.0.0.0/8,::1/128", "127.0.0.1", true),
        ("127.0.0.0/8,::1/128", "::1", true),
        ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ("127.0.0.0/8", "64:ff9b::7f00:1", true),
        ("127.0.0.0/8", "2002:7f00:1::", true),
        ("127.0.0.0/8", "::1", false),
        ("127.0.0.0/8", "10.0.0.1", false),
        ("127.0.0.0/8", "::ffff:10.0.0.1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
        ("::/0", "::ffff:10.0.0.1", false),
        ("::/0", "64:ff9b::a00:1", false),
        ("::/0", "fd00::1", true),
        ("0.0.0.0/0", "169.254.169.254", true),
        ("0.0.0.0/0", "fd00::1", false),
        ("64:ff9b:1::/48", "64:ff9b:1::1", true),
        // Of a Teredo address both ends must be open.
        ("10.0.0.0/8", "2001:0:a00:1:0:0:f5ff:fffe", true),
        ("10.0.0.0/8", "2001:0:a00:1:0:0:80ff:fffe", false),
    ] {
        assert_eq!(check(ranges, address), expected, "{address} with {ranges}");
    }
}

#[test]
fn every_spelling_of_an_address_is_seen_through() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0x7F.0x0.0x0.0x1",
        "127.000.000.001",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "１２７.０.０.１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[64:ff9b::169.254.169.254]",
        "[fd00:ec2::254]",
        "10.1",
        "192.168.257",
    ] {
        assert!(matches!(closed().check_host_literal(host), Err(Refusal::Address { .. })), "{host}");
    }
    for host in ["127.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "１２７.０.０.１"] {
        assert_eq!(open("127.0.0.0/8").check_host_literal(host), Ok(()), "{host}");
    }
    for host in
        ["8.8.8.8", "134744072", "[2606:4700::1111]", "example.com", "example.com.", "bücher.example", "localhost.com"]
    {
        assert_eq!(closed().check_host_literal(host), Ok(()), "{host}");
    }
    for host in [
        "",
        " ",
        "a b",
        "127.0.0.1/8",
        "1.2.3.4.5",
        "256.256.256.256",
        "0x100000000",
        "[::1",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "a@b",
        "a:80",
        ".",
    ] {
        assert!(
            matches!(closed().check_host_literal(host), Err(Refusal::NotAHost(_))),
            "{host}: {:?}",
            closed().check_host_literal(host)
        );
    }
}

#[test]
fn local_names_are_refused_until_their_range_is_open() {
    let this_machine = [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.localhost.",
        "ｌｏｃａｌｈｏｓｔ",
        "%6cocalhost",
        "local%68ost",
    ];
    let local = [
        "local",
        "printer.local",
        "a.internal",
        "metadata.google.internal.",
        "nas.home.arpa",
        "home.arpa",
        "PRINTER.Local",
    ];
    for name in this_machine {
        assert!(
            matches!(closed().check_host_literal(name), Err(Refusal::Name { is_this_machine: true, .. })),
            "{name}"
        );
        assert!(open("10.0.0.0/8").check_host_literal(name).is_err(), "{name}");
        assert_eq!(open("127.0.0.0/8").check_host_literal(name), Ok(()), "{name}");
        assert_eq!(open("::1").check_host_literal(name), Ok(()), "{name}");
    }
    for name in local {
        assert!(
            matches!(closed().check_host_literal(name), Err(Refusal::Name { is_this_machine: false, .. })),
            "{name}"
        );
        assert!(open("8.8.8.8/32").check_host_literal(name).is_err(), "{name}");
        assert!(open("127.0.0.0/8,::1").check_host_literal(name).is_err(), "loopback opens localhost only: {name}");
        for ranges in ["10.0.0.0/8", "192.168.1.0/24", "fd12:3456::/32", "0.0.0.0/0"] {
            assert_eq!(open(ranges).check_host_literal(name), Ok(()), "{name} with {ranges}");
        }
    }
    for name in ["mylocalhost", "localhosts.com", "local.example", "notlocal", "arpa", "internal.example.com"] {
        assert_eq!(closed().check_host_literal(name), Ok(()), "{name}");
    }
}

#[test]
fn a_refusal_names_the_next_step() {
    let words = |host: &str| closed().check_host_literal(host).unwrap_err().to_string();
    assert_eq!(
        words("127.1"),
        "the address 127.0.0.1 is this machine itself (loopback); use a public address, or let whoever runs Kanca open it \
         with KANCA_ALLOW_PRIVATE_NETWORKS=127.0.0.1/32"
    );
    assert!(words("[::ffff:10.0.0.1]").contains("(which stands for 10.0.0.1) is in a private network"));
    assert!(words("[::ffff:10.0.0.1]").ends_with("KANCA_ALLOW_PRIVATE_NETWORKS=10.0.0.1/32"));
    assert!(words("localhost").contains("this machine") && words("localhost").contains("=127.0.0.0/8,::1/128"));
    assert!(
        words("nas.local").contains("the local network") && words("nas.local").contains("KANCA_ALLOW_PRIVATE_NETWORKS")
    );
}

#[test]
fn ranges_are_read_strictly() {
    for (text, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd00::/8", "fd00::/8"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ] {
        assert_eq!(Cidr::parse(text).unwrap().to_string(), shown);
    }
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0/8",
        "10.1.2.3/8",
        "::1/64",
        "::/129",
        "a/8",
        "10.0.0.0/8/8",
        "010.0.0.0/8",
    ] {
        assert!(Cidr::parse(text).is_err(), "{text}");
    }
    assert_eq!(open(" 10.0.0.0/8 , ::1 ,").allowed.len(), 2);
    assert_eq!(open(""), closed());
    assert!(AddressRules::parse("10.0.0.0/8;::1").is_err());
}

proptest! {
    #[test]
    fn a_v4_address_is_judged_alike_in_every_disguise(bits in any::<u32>(), ranges in prop::sample::select(vec!["", "10.0.0.0/8", "0.0.0.0/1"])) {
        let rules = open(ranges);
        let v4 = Ipv4Addr::from_bits(bits);
        let plain = rules.check_ip(v4.into()).is_ok();
        let low = u128::from(bits);
        let disguises = [
            0xffff_0000_0000 | low,
            0xffff_0000_0000_0000 | low,
            (0x64_ff9b << 96) | low,
            (0x2002 << 112) | low << 80,
            (0x2001_0000 << 96) | low << 64 | 0xfefe_fefe,
            (0x2001_0000 << 96) | 0x0808_0808 << 64 | u128::from(!bits),
        ];
        for disguise in disguises {
            let address = Ipv6Addr::from_bits(disguise);
            prop_assert_eq!(rules.check_ip(address.into()).is_ok(), plain, "{}", address);
        }
        for host in [bits.to_string(), format!("{bits:#x}"), format!("0{bits:o}"), format!("{v4}."), format!("[::ffff:{v4}]")] {
            prop_assert_eq!(rules.check_host_literal(&host).is_ok(), plain, "{}", host);
        }
    }

    #[test]
    fn a_range_contains_what_shares_its_first_bits(bits in any::<u128>(), other in any::<u128>(), length in 0u32..=128) {
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        let range = Cidr::parse(&format!("{}/{length}", Ipv6Addr::from_bits(bits & mask | 1 << 127 & mask))).unwrap();
        let other_in = other & !mask | (bits & mask | 1 << 127 & mask);
        prop_assert!(range.contains(IpAddr::V6(Ipv6Addr::from_bits(other_in))));
        let inside = (other & mask) == (bits & mask | 1 << 127 & mask);
        prop_assert_eq!(range.contains(IpAddr::V6(Ipv6Addr::from_bits(other))), inside);
        prop_assert!(!range.contains(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
