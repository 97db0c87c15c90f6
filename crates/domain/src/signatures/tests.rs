use super::*;
use proptest::prelude::*;

/// Secret, id, time, body, signature.
type Vector = (&'static str, &'static str, i64, &'static str, &'static str);

/// From the tests of the reference libraries (the first in Go, Python, JavaScript and others, the second in Rust), and
/// from Svix's page on verifying by hand.
const VECTORS: [Vector; 3] = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        r#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1_731_705_121,
        r#"{"event_type":"ping","data":{"success":true}}"#,
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
];

const NOW: i64 = 1_700_000_000;

fn secret(byte: u8) -> Secret {
    Secret::from_random(&[byte; 32])
}

/// A request signed now with the first secret, and its check against that secret.
fn check(change: impl Fn(&mut Vec<(&'static str, String)>)) -> Result<(), SignatureProblem> {
    let mut headers = vec![
        ("Webhook-Id", "msg_1".to_owned()),
        ("webhook-timestamp", NOW.to_string()),
        ("WEBHOOK-SIGNATURE", sign(&secret(1), "msg_1", NOW, b"body")),
    ];
    change(&mut headers);
    let headers = SignatureHeaders::find(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    verify(&headers, b"body", NOW, TOLERANCE_SECONDS, &[(&secret(9)).into(), (&secret(1)).into()])
}

#[test]
fn the_published_vectors_are_signed_and_verified() {
    for (text, id, timestamp, body, signature) in VECTORS {
        let secret = Secret::parse_foreign(text).unwrap();
        assert_eq!(sign(&secret, id, timestamp, body.as_bytes()), signature);
        let timestamp_text = timestamp.to_string();
        let headers = SignatureHeaders {
            id: Some(id.as_bytes()),
            timestamp: Some(timestamp_text.as_bytes()),
            signatures: Some(signature.as_bytes()),
        };
        assert_eq!(verify(&headers, body.as_bytes(), timestamp, TOLERANCE_SECONDS, &[(&secret).into()]), Ok(()));
    }
}

#[test]
fn a_signed_request_is_accepted_under_both_sets_of_names() {
    assert_eq!(check(|_| {}), Ok(()));
    let rename = |headers: &mut Vec<(&'static str, String)>| {
        for (header, name) in headers.iter_mut().zip(["Svix-Id", "svix-timestamp", "svix-signature"]) {
            header.0 = name;
        }
    };
    assert_eq!(check(rename), Ok(()));
    let mix = |headers: &mut Vec<(&'static str, String)>| headers[2].0 = "svix-signature";
    assert_eq!(check(mix), Err(SignatureProblem::MissingHeader("webhook-signature")));
}

#[test]
fn any_listed_signature_may_match_and_unknown_versions_are_skipped() {
    let real = sign(&secret(1), "msg_1", NOW, b"body");
    let other = sign(&secret(2), "msg_1", NOW, b"body");
    for (list, expected) in [
        (format!("v1a,AAAA {other} {real}"), Ok(())),
        (format!("{real} v2,x"), Ok(())),
        (other, Err(SignatureProblem::NoMatch)),
        (real.replace("v1,", "v1a,"), Err(SignatureProblem::OtherVersion { signed: "v1a", known: "v1" })),
        (real.replace("v1,", "v2,"), Err(SignatureProblem::NoKnownVersion)),
        (real.replace("v1,", ""), Err(SignatureProblem::NoKnownVersion)),
        (String::new(), Err(SignatureProblem::NoKnownVersion)),
        (real.replace(' ', "") + "=", Err(SignatureProblem::NoMatch)),
        (real[..46].to_owned(), Err(SignatureProblem::NoMatch)),
        ("v1,".to_owned(), Err(SignatureProblem::NoMatch)),
    ] {
        assert_eq!(check(|headers| headers[2].1.clone_from(&list)), expected, "{list}");
    }
}

#[test]
fn rotation_signs_with_each_key() {
    let keys = [secret(3).signing_key(), secret(1).signing_key()];
    assert_eq!(check(|headers| headers[2].1 = sign_with_each(&keys, "msg_1", NOW, b"body")), Ok(()));
}

#[test]
fn each_problem_has_its_words() {
    use SignatureProblem::{InvalidTimestamp, MissingHeader, NoMatch, TooNew, TooOld, Unsigned};
    let at = |timestamp: &'static str| {
        check(move |headers| {
            headers[1].1 = timestamp.to_owned();
            if let Ok(seconds) = timestamp.parse() {
                headers[2].1 = sign(&secret(1), "msg_1", seconds, b"body");
            }
        })
    };
    assert_eq!(check(Vec::clear), Err(Unsigned));
    assert_eq!(check(|headers| drop(headers.remove(0))), Err(MissingHeader("webhook-id")));
    assert_eq!(check(|headers| drop(headers.remove(1))), Err(MissingHeader("webhook-timestamp")));
    assert_eq!(check(|headers| drop(headers.remove(2))), Err(MissingHeader("webhook-signature")));
    assert_eq!(check(|headers| headers[0].1 = "msg_2".into()), Err(NoMatch));
    assert_eq!(at("1699999700"), Ok(()));
    assert_eq!(at("1700000300"), Ok(()));
    assert_eq!(at("1699999699"), Err(TooOld { seconds: 1, tolerance: 300 }));
    assert_eq!(at("1700000302"), Err(TooNew { seconds: 2, tolerance: 300 }));
    assert!(matches!(at("-9223372036854775808"), Err(TooOld { .. })));
    assert!(matches!(at("9223372036854775807"), Err(TooNew { .. })));
    for timestamp in ["", "x", "1.7e9", "1700000000 ", "2026-01-31T09:00:00Z", "99999999999999999999"] {
        assert_eq!(at(timestamp), Err(InvalidTimestamp), "{timestamp}");
    }
    assert!(TooOld { seconds: 7, tolerance: 300 }.to_string().starts_with("the timestamp is too old by 7 s"));
    let signed = SignatureHeaders { id: Some(b"a"), timestamp: Some(b"1700000000"), signatures: Some(b"v1,x") };
    assert_eq!(verify(&signed, b"", NOW, TOLERANCE_SECONDS, &[]), Err(SignatureProblem::NoSecret));
}

#[test]
fn a_secret_has_24_to_64_bytes_of_base64() {
    let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    for bytes in [24, 25, 26, 64] {
        let secret = Secret::parse(&of(bytes)).unwrap();
        assert_eq!(secret.reveal(), of(bytes));
        assert_eq!(Secret::parse(of(bytes).trim_end_matches('=')).unwrap(), secret, "padding may be missing");
        let spaced = format!("\n {} {}\t", &of(bytes)[..12], &of(bytes)[12..]);
        assert_eq!(Secret::parse(&spaced).unwrap(), secret, "white space is ignored");
    }
    for (text, problem) in [
        (of(23), InvalidSecret::Length(23)),
        (of(65), InvalidSecret::Length(65)),
        ("whsec_".into(), InvalidSecret::Length(0)),
        (of(24).replace("whsec_", ""), InvalidSecret::Prefix),
        (of(24).replace("whsec_", "whsk_"), InvalidSecret::PrivateLength(24)),
        (of(24).replace("whsec_", "whpk_"), InvalidSecret::Prefix),
        (of(24) + "!", InvalidSecret::Base64("whsec_")),
        (of(24).replace("Bw", "-_"), InvalidSecret::Base64("whsec_")),
        (String::new(), InvalidSecret::Prefix),
    ] {
        assert_eq!(Secret::parse(&text), Err(problem), "{text}");
    }
}

#[test]
fn a_secret_of_another_program_may_be_shorter_or_longer() {
    let of = |bytes: usize| Secret::parse_foreign(&format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
    assert!(of(1).is_ok() && of(512).is_ok());
    assert_eq!(of(0), Err(InvalidSecret::ForeignLength(0)));
    assert_eq!(of(513), Err(InvalidSecret::ForeignLength(513)));
}

#[test]
fn debug_shows_nothing() {
    assert_eq!(format!("{:?} {:?}", secret(1), secret(1).signing_key()), "Secret(…) SigningKey(…)");
}

proptest! {
    #[test]
    fn the_reference_library_agrees(
        key in prop::collection::vec(any::<u8>(), 1..=200),
        id in "[a-z0-9_]{1,40}",
        timestamp in any::<i64>(),
        body in ".{0,300}",
    ) {
        let text = format!("whsec_{}", STANDARD.encode(&key));
        let oracle = standardwebhooks::Webhook::new(&text).unwrap();
        let ours = sign(&Secret::parse_foreign(&text).unwrap(), &id, timestamp, body.as_bytes());
        prop_assert_eq!(ours, oracle.sign(&id, timestamp, body.as_bytes()).unwrap());
    }
}

mod asymmetric {
    use super::*;

    /// From the tests of Svix's server, the one published vector of `v1a`.
    const PRIVATE: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    fn checked(signatures: &str, keys: &[Verifier]) -> Result<(), SignatureProblem> {
        let at = AT.to_string();
        let headers = SignatureHeaders {
            id: Some(ID.as_bytes()),
            timestamp: Some(at.as_bytes()),
            signatures: Some(signatures.as_bytes()),
        };
        verify(&headers, BODY, AT, TOLERANCE_SECONDS, keys)
    }

    fn public() -> Verifier {
        Verifier::parse_foreign(PUBLIC).unwrap()
    }

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        let secret = Secret::parse(PRIVATE).unwrap();
        assert_eq!(secret.version(), Version::V1a);
        assert_eq!(secret.public_key().unwrap().to_string(), PUBLIC);
        assert_eq!(secret.reveal(), PRIVATE);
        assert_eq!(sign(&secret, ID, AT, BODY), SIGNATURE);
        assert_eq!(checked(SIGNATURE, &[public()]), Ok(()));
        assert_eq!(Verifier::from(&secret), public());
    }

    #[test]
    fn a_seed_alone_is_a_private_key() {
        let bytes = STANDARD.decode(PRIVATE.strip_prefix("whsk_").unwrap()).unwrap();
        let of = |bytes: &[u8]| Secret::parse(&format!("whsk_{}", STANDARD.encode(bytes)));
        assert_eq!(of(&bytes[..32]).unwrap().reveal(), PRIVATE, "the public key is worked out");
        for length in [0, 31, 33, 63] {
            assert_eq!(of(&bytes[..length]), Err(InvalidSecret::PrivateLength(length)));
        }
        assert_eq!(of(&[bytes.as_slice(), &[0]].concat()), Err(InvalidSecret::PrivateLength(65)));
        let other = [&bytes[..32], &[7; 32]].concat();
        assert_eq!(of(&other), Err(InvalidSecret::Mismatch));
        assert_eq!(Secret::parse("whsk_!"), Err(InvalidSecret::Base64("whsk_")));
        assert_eq!(Secret::generate(Version::V1a, &[1; 32]).version(), Version::V1a);
        assert_ne!(Secret::generate(Version::V1a, &[1; 32]), Secret::generate(Version::V1, &[1; 32]));
    }

    #[test]
    fn a_public_key_has_32_bytes() {
        let short = format!("whpk_{}", STANDARD.encode([1; 31]));
        assert_eq!(Verifier::parse_foreign(&short), Err(InvalidSecret::PublicLength(31)));
        assert_eq!(Verifier::parse_foreign("whpk_?"), Err(InvalidSecret::Base64("whpk_")));
        assert_eq!(Verifier::parse_foreign("whsk_AAAA"), Err(InvalidSecret::ForeignPrefix));
        assert_eq!(Verifier::parse_foreign(PUBLIC).unwrap().reveal(), PUBLIC);
    }

    #[test]
    fn anything_else_than_the_signed_message_does_not_match() {
        use SignatureProblem::{NoMatch, OtherVersion};
        let other = Secret::generate(Version::V1a, &[3; 32]);
        let shared = Verifier::from(&secret(1));
        let both = format!("{} {SIGNATURE}", sign(&secret(1), ID, AT, BODY));
        let many = "v1a,AAAA ".repeat(7);
        for (signatures, keys, expected) in [
            (both.as_str(), [public()].as_slice(), Ok(())),
            (both.as_str(), std::slice::from_ref(&shared), Ok(())),
            (&format!("v1a,x v1a,AAAA {SIGNATURE}"), &[public()], Ok(())),
            (&format!("{many}{SIGNATURE}"), &[public()], Ok(())),
            (&format!("{many}v1a,AAAA {SIGNATURE}"), &[public()], Err(NoMatch)),
            (&sign(&other, ID, AT, BODY), &[public()], Err(NoMatch)),
            (&sign(&other, ID, AT, BODY), &[public(), Verifier::from(&other)], Ok(())),
            (&sign(&Secret::parse(PRIVATE).unwrap(), ID, AT, b"{}"), &[public()], Err(NoMatch)),
            (SIGNATURE, std::slice::from_ref(&shared), Err(OtherVersion { signed: "v1a", known: "v1" })),
            ("v1,AAAA", &[public()], Err(OtherVersion { signed: "v1", known: "v1a" })),
            ("v1a,", &[public()], Err(NoMatch)),
            ("v1a,AAAA", &[public(), shared.clone()], Err(NoMatch)),
        ] {
            assert_eq!(checked(signatures, keys), expected, "{signatures}");
        }
    }

    #[test]
    fn both_versions_are_signed_side_by_side() {
        let (new, old) = (Secret::parse(PRIVATE).unwrap().signing_key(), secret(1).signing_key());
        let list = sign_with_each([&new, &old], ID, AT, BODY);
        assert_eq!(list, format!("{SIGNATURE} {}", sign(&secret(1), ID, AT, BODY)));
    }
}
