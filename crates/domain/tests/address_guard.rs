//! Every way to write a private address into a URL is refused where the URL is entered, for a receiver and for a proxy.
//! (That the same holds when connecting is shown in the sender's tests.)

use kanca_domain::addresses::AddressRules;
use kanca_domain::endpoints::check_url;
use kanca_domain::proxies::Proxy;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a URL can be entered for a receiver when no range is open.
fn is_accepted(url: &str) -> bool {
    check_url(url).is_ok_and(|url| url.host().is_some_and(|host| AddressRules::default().check_host(&host).is_ok()))
}

fn is_accepted_proxy(url: &str) -> bool {
    Proxy::parse(url, None, None).is_ok_and(|proxy| AddressRules::default().check_host(&proxy.host).is_ok())
}

/// Hosts that are, or stand for, an address that is not public.
#[rustfmt::skip]
const PRIVATE: &[&str] = &[
    // Decimal, octal, hexadecimal, mixed, short, padded; with a full stop at the end.
    "127.0.0.1", "2130706433", "017700000001", "0x7f000001", "0X7F000001", "127.1", "127.0.1", "0177.1", "0x7f.1",
    "0x7f.0.0.0x1", "0177.0x0.0.1", "127.000.000.001", "0000177.0.0.1", "127.0.0.1.", "2130706433.", "0x7f.1.",
    "10.0.0.1", "167772161", "0xa.1", "012.0.0.1", "172.16.0.1", "0xac100001", "192.168.1.1", "192.168.257", "192.11010305",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "0.0.0.0", "0", "00", "0x0", "0x", "0.1", "255.255.255.255",
    "224.0.0.1", "240.0.0.1", "198.18.0.1", "203.0.113.1", "4294967295",
    // Percent-encoded, full-width, circled, with other full stops, with soft hyphens.
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%30x7f.1", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①",
    "２１３０７０６４３３", "０ｘ７ｆ.1", "127.0.0.\u{ad}1", "1\u{200b}27.0.0.1", "𝟙𝟚𝟟.𝟘.𝟘.𝟙", "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
    // IPv6: itself, mapped, compatible, translated, NAT64, 6to4, Teredo; the ranges of its own.
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:10.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::8.8.8.8]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:101:1:2:3:4:5]", "[2001:0:a00:1::fefe:fefe]",
    "[2001:0:808:808::f5ff:fffe]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]", "[2001:db8::1]",
    // Names of this machine and of its network.
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "loc%61lhost", "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "printer.local",
    "metadata.google.internal", "nas.home.arpa",
    // No hosts at all: what a browser refuses is refused here.
    "[::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1", "[127.0.0.1]", "[v1.x]", "127.0.0.1%00", "127.0.0.1%2f", "%00127.0.0.1",
    "127.0.0.1 ", "1.2.3.4.5", "256.256.256.256", "0x100000000", "127.0.0.1.example.1", "0x7f.1.2.3.4", "..", ".", "%",
];

#[test]
fn every_spelling_of_a_private_host_is_refused_when_it_is_entered() {
    for host in PRIVATE {
        // A space at the end of a URL is cut off, so it stands before the path here.
        for url in [format!("http://{host}/"), format!("https://{host}:8443/hook?a=b"), format!("HTTP:\\\\{host}\\x")] {
            assert!(!is_accepted(&url), "{url}");
        }
        for url in [format!("http://{host}:3128"), format!("socks5://{host}:1080"), format!("SOCKS5://{host}/")] {
            assert!(!is_accepted_proxy(&url), "{url}");
        }
    }
}

#[test]
fn tricks_with_user_names_slashes_and_fragments_do_not_hide_the_host() {
    for url in [
        "http://8.8.8.8@127.0.0.1/",
        "http://8.8.8.8:80@127.0.0.1/",
        "http://example.com%40127.0.0.1/",
        "http://127.0.0.1@8.8.8.8/",
        "http://@127.0.0.1/",
        "http://:@127.0.0.1/",
        "http://127.0.0.1#@8.8.8.8/",
        "http://127.0.0.1?@8.8.8.8/",
        "http://127.0.0.1\\@8.8.8.8/",
        "http:\\\\127.0.0.1",
        "http:127.0.0.1",
        "http:/127.0.0.1",
        "http:////127.0.0.1",
        "ht\ntp://127.0.0.1/",
        "http://127.0\t.0.1/",
        "http://127.0.0.1\r\n/",
        "  http://127.0.0.1/",
        "http://127.0.0.1:80:80/",
        "http://127.0.0.1:",
        "http://127.0.0.1:0080/",
        "http://[::1]:80\\@8.8.8.8/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "//127.0.0.1/",
    ] {
        assert!(!is_accepted(url), "{url:?}");
    }
    for url in
        ["http://8.8.8.8/", "https://example.com/?u=127.0.0.1", "https://example.com/@127.0.0.1", "http://0x8.8.8.8/"]
    {
        assert!(is_accepted(url), "{url}");
    }
    assert!(is_accepted_proxy("socks5://8.8.8.8:1080") && is_accepted_proxy("http://proxy.example:3128"));
}

/// An address of one of the ranges that are never public.
fn private_v4() -> impl Strategy<Value = Ipv4Addr> {
    let ranges = vec![
        (0x7f00_0000, 8),
        (0x0a00_0000, 8),
        (0xac10_0000, 12),
        (0xc0a8_0000, 16),
        (0xa9fe_0000, 16),
        (0x6440_0000, 10),
        (0, 8),
        (0xe000_0000, 4),
        (0xf000_0000, 4),
        (0xc612_0000, 15),
    ];
    (prop::sample::select(ranges), any::<u32>())
        .prop_map(|((range, length), bits): ((u32, u32), u32)| Ipv4Addr::from_bits(range | bits & (u32::MAX >> length)))
}

/// One number of an address in one of the bases, with zeros in front.
fn number(value: u32, base: u8, zeros: usize) -> String {
    let zeros = "0".repeat(zeros);
    match base {
        0 => value.to_string(),
        1 => format!("0{zeros}{value:o}"),
        2 => format!("0x{zeros}{value:x}"),
        _ => format!("0X{zeros}{value:X}"),
    }
}

/// The address as one to four numbers, each in a base of its own.
fn spelled(address: Ipv4Addr, parts: usize, bases: &[u8], zeros: &[usize]) -> String {
    let octets = address.octets();
    let mut numbers: Vec<String> =
        (0..parts - 1).map(|index| number(octets[index].into(), bases[index], zeros[index])).collect();
    let rest = octets[parts - 1..].iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet));
    numbers.push(number(rest, bases[parts - 1], zeros[parts - 1]));
    numbers.join(".")
}

/// Some characters in another form that stands for the same.
fn disguised(text: &str, how: &[u8]) -> String {
    let each = text.chars().zip(how.iter().cycle());
    each.map(|(c, how)| match (how % 5, c) {
        (0, '!'..='~') => format!("%{:02x}", u32::from(c)),
        (1, '!'..='~') => char::from_u32(u32::from(c) + 0xfee0).map_or(c.to_string(), |wide| wide.to_string()),
        (2, '.') => "。".into(),
        (3, '0'..='9') => {
            char::from_u32(u32::from(c) - 0x30 + 0x1d7d8).map_or(c.to_string(), |digit| digit.to_string())
        }
        _ => c.to_string(),
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_private_v4_address_is_refused_in_any_disguise(
        address in private_v4(),
        parts in 1usize..=4,
        bases in prop::array::uniform4(0u8..4),
        zeros in prop::array::uniform4(0usize..4),
        how in prop::collection::vec(any::<u8>(), 1..40),
        stop in any::<bool>(),
        port in 1u16..,
    ) {
        let plain = spelled(address, parts, &bases, &zeros);
        let stop = if stop { "." } else { "" };
        for host in [plain.clone(), disguised(&plain, &how)] {
            prop_assert!(!is_accepted(&format!("http://{host}{stop}:{port}/")), "{} {}", address, host);
            prop_assert!(!is_accepted_proxy(&format!("socks5://{host}{stop}:{port}")), "{} {}", address, host);
            prop_assert!(AddressRules::default().check_host_literal(&format!("{host}{stop}")).is_err(), "{} {}", address, host);
        }
    }

    #[test]
    fn a_private_v4_address_is_refused_within_a_v6_address(address in private_v4(), other in any::<u32>()) {
        let low = u128::from(address.to_bits());
        for bits in [
            low,
            0xffff_0000_0000 | low,
            0xffff_0000_0000_0000 | low,
            0x64_ff9b << 96 | low,
            0x2002 << 112 | low << 80 | u128::from(other),
            0x2001_0000 << 96 | low << 64 | u128::from(other),
            0x2001_0000 << 96 | u128::from(other) << 64 | u128::from(!address.to_bits()),
        ] {
            let v6 = Ipv6Addr::from_bits(bits);
            prop_assert!(AddressRules::default().check_ip(v6.into()).is_err(), "{}", v6);
            let long = v6.segments().map(|group| format!("{group:04X}")).join(":");
            for host in [format!("[{v6}]"), format!("[{long}]")] {
                prop_assert!(!is_accepted(&format!("https://{host}/")), "{}", host);
                prop_assert!(!is_accepted_proxy(&format!("http://{host}:3128")), "{}", host);
            }
        }
    }

    /// What is accepted is what is dialled: the host that was checked is a fixed point of reading it again.
    #[test]
    fn an_accepted_host_means_the_same_when_it_is_read_again(host in "[a-z0-9.x%:\\[\\]@/\\\\１。-]{1,24}") {
        let url = format!("http://{host}/");
        if let Ok(once) = check_url(&url) {
            let again = check_url(once.as_str()).unwrap();
            prop_assert_eq!(once.host(), again.host());
            prop_assert_eq!(once.as_str(), again.as_str());
        }
    }
}
