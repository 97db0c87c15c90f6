//! What the fuzzer runs: each function takes any bytes and panics if something is not as it must be.
//!
//! The same functions run in `make test` over the seeds and over some made-up input (the domain's test `fuzz_targets`), so
//! that they always compile and none of their properties rots. `docs/testing.md` says how to let the fuzzer loose.

use jiff::Timestamp;
use kanca_domain::addresses::{AddressRules, Cidr};
use kanca_domain::endpoints::{check_headers, check_url};
use kanca_domain::events::{EventData, EventType};
use kanca_domain::formats::{Format, encode, xml};
use kanca_domain::proxies::Proxy;
use kanca_domain::retries::{LONGEST_RETRY_AFTER, retry_after};
use kanca_domain::signatures::{Secret, SignatureHeaders, TOLERANCE_SECONDS, Verifier, Version, sign, verify};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;
use url::Host;

/// A URL of an endpoint and of a proxy, its host, and a range of addresses.
pub fn address_guard(bytes: &[u8]) {
    let closed = AddressRules::default();
    if let Ok(address) = <[u8; 16]>::try_from(bytes) {
        let v6 = Ipv6Addr::from(address);
        if let Some(v4) = v6.to_ipv4_mapped() {
            assert_eq!(closed.check_ip(v6.into()).is_ok(), closed.check_ip(v4.into()).is_ok());
        }
        let is_local = v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_multicast();
        assert!(!is_local || closed.check_ip(v6.into()).is_err(), "{v6}");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let hosts = [
        check_url(text).ok().and_then(|url| {
            let again = check_url(url.as_str()).expect("what was accepted is accepted again");
            assert_eq!(url, again, "and means the same");
            url.host().map(|host| host.to_owned())
        }),
        Proxy::parse(text, None, None).ok().map(|proxy| proxy.host),
        Host::parse(text).ok(),
    ];
    for host in hosts.into_iter().flatten() {
        let is_accepted = closed.check_host(&host).is_ok();
        assert_eq!(is_accepted, closed.check_host_literal(&host.to_string()).is_ok(), "{host}");
        let private = match &host {
            Host::Ipv4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
            Host::Ipv6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local(),
            // A name that a resolver would take for an address must not have stayed a name.
            Host::Domain(name) => name.trim_end_matches('.').parse::<IpAddr>().is_ok(),
        };
        assert!(!(private && is_accepted), "{host}");
    }
    if let Ok(range) = Cidr::parse(text) {
        assert_eq!(Cidr::parse(&range.to_string()), Ok(range));
        assert!(AddressRules { allowed: vec![range] }.allowed[0].overlaps(&range));
    }
    let _ = AddressRules::parse(text);
}

/// The three headers of a signed request, a secret, and headers in general; the parts are lines.
pub fn signature(bytes: &[u8]) {
    // A pair of keys costs more than all the rest.
    static OURS: LazyLock<(Secret, Secret, [Verifier; 2])> = LazyLock::new(|| {
        let (shared, pair) = (Secret::from_random(&[7; 32]), Secret::generate(Version::V1a, &[9; 32]));
        let public = pair.public_key().expect("it is a pair");
        (shared.clone(), pair, [Verifier::Shared(shared), Verifier::Public(public)])
    });
    let mut lines = bytes.splitn(5, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (id, timestamp, signatures, secret, body) = (next(), next(), next(), next(), next());
    let headers = [("webhook-id", id), ("Webhook-Timestamp", timestamp), ("webhook-signature", signatures)];
    let (shared, pair, ours) = &*OURS;
    let mut keys = ours.to_vec();
    if let Ok(text) = std::str::from_utf8(secret) {
        for read in [Secret::parse(text), Secret::parse_foreign(text)].into_iter().flatten() {
            let again = Secret::parse_foreign(&read.reveal()).expect("what is revealed can be read");
            assert_eq!(again.reveal(), read.reveal());
        }
        if let Ok(read) = Verifier::parse_foreign(text) {
            let again = Verifier::parse_foreign(&read.reveal()).expect("what is revealed can be read");
            assert_eq!(again.reveal(), read.reveal());
            keys.push(read);
        }
        let _ = check_headers([(text, text)]);
    }
    let now = 1_800_000_000;
    let found = SignatureHeaders::find(headers);
    assert!(verify(&found, body, now, TOLERANCE_SECONDS, ours).is_err(), "a signature was forged");
    let _ = verify(&found, body, i64::MIN, u64::MAX, &keys);
    let _ = verify(&found, body, i64::MAX, 0, &keys);

    // A real signature is found before whatever else stands there, and a real `v1` also behind it.
    let Ok(id) = std::str::from_utf8(id) else { return };
    let time = now.to_string();
    for (secret, before) in [(shared, signatures), (shared, b""), (pair, b"")] {
        let real = sign(secret, id, now, body);
        let mixed = [before, b" ", real.as_bytes(), b" ", signatures].concat();
        let headers = [
            ("webhook-id", id.as_bytes()),
            ("webhook-timestamp", time.as_bytes()),
            ("webhook-signature", mixed.as_slice()),
        ];
        let result = verify(&SignatureHeaders::find(headers), body, now, TOLERANCE_SECONDS, &keys);
        assert_eq!(result, Ok(()), "{real}");
    }
}

/// An event's data as JSON, in every format.
pub fn event_formats(bytes: &[u8]) {
    let Ok(data) = EventData::parse(bytes) else { return };
    let event_type: EventType = "order.paid".parse().expect("a type");
    let encoded = |format, data: &EventData| encode(format, &event_type, "2026-01-31T09:00:00.000Z", data);

    let json = encoded(Format::Json, &data).expect("as large as the data").body;
    let json = String::from_utf8(json).expect("text");
    assert!(json.ends_with(&format!(",\"data\":{}}}", data.as_str())));
    EventData::parse(json.as_bytes()).map_or_else(|problem| assert!(problem.to_string().contains("deep")), |_| ());

    if let Ok(written) = encoded(Format::Xml, &data) {
        let read = xml::decode(&written.body).expect("what is written can be read");
        let again = encoded(Format::Xml, &read.data).expect("as large as before");
        assert_eq!(again, written);
    }
    if let Ok(written) = encoded(Format::Form, &data) {
        let pairs: Vec<_> = url::form_urlencoded::parse(&written.body).collect();
        assert_eq!((pairs[0].0.as_ref(), pairs[0].1.as_ref()), ("type", "order.paid"));
        assert_eq!((pairs[1].0.as_ref(), pairs[1].1.as_ref()), ("timestamp", "2026-01-31T09:00:00.000Z"));
        assert!(written.body.is_ascii() && !written.body.contains(&b' '));
    }
}

/// XML that claims to be an event.
pub fn xml_back(bytes: &[u8]) {
    let Ok(read) = xml::decode(bytes) else { return };
    let written = encode(Format::Xml, &read.event_type, &read.timestamp, &read.data).expect("not too large");
    let again = xml::decode(&written.body).expect("what is written can be read");
    assert_eq!(again.data.as_str(), read.data.as_str());
    assert_eq!(again.event_type, read.event_type);
}

/// `Retry-After`.
pub fn retry_after_header(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        assert!(retry_after(text, now).is_none_or(|wait| wait <= LONGEST_RETRY_AFTER));
    }
}
