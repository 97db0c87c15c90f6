//! Checking a signature that came with a request, and saying in words what is wrong with it.

use super::{ID_HEADER, PublicKey, SIGNATURE_HEADER, TIMESTAMP_HEADER, Verifier, message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq};

/// How far the time of a signature may lie in the past or in the future. The specification gives no number; all of
/// its libraries take five minutes.
pub const TOLERANCE_SECONDS: u64 = 300;

const SVIX_HEADERS: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

/// The three headers of a signed request, as bytes: a header need not be text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id` or `svix-id`.
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp` or `svix-timestamp`.
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature` or `svix-signature`.
    pub signatures: Option<&'a [u8]>,
}

impl<'a> SignatureHeaders<'a> {
    /// Picks the headers by name, in any case; the first wins if one is repeated. The three `svix-` names count only
    /// if no `webhook-` name is there: the two sets are never mixed.
    pub fn find(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut found: [Option<&[u8]>; 6] = [None; 6];
        let names = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].into_iter().chain(SVIX_HEADERS);
        for (name, value) in headers {
            let place = names.clone().position(|known| known.eq_ignore_ascii_case(name));
            if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
                slot.get_or_insert(value);
            }
        }
        let [id, timestamp, signatures, svix_id, svix_timestamp, svix_signatures] = found;
        if id.or(timestamp).or(signatures).is_some() {
            Self { id, timestamp, signatures }
        } else {
            Self { id: svix_id, timestamp: svix_timestamp, signatures: svix_signatures }
        }
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// None of the three headers is there.
    #[error("the request is not signed: it has none of the headers webhook-id, webhook-timestamp, webhook-signature")]
    Unsigned,
    /// Some of the three headers are there, this one is not.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// `webhook-timestamp` is no whole number.
    #[error("webhook-timestamp is not a whole number of seconds since 1970")]
    InvalidTimestamp,
    /// Signed too long ago.
    #[error(
        "the timestamp is too old by {seconds} s: it was signed more than {tolerance} s ago; \
         a replayed request, or a clock that is wrong"
    )]
    TooOld {
        /// How much older than allowed.
        seconds: u64,
        /// What is allowed.
        tolerance: u64,
    },
    /// Signed in the future.
    #[error("the timestamp lies {seconds} s too far in the future (more than {tolerance} s ahead); compare the clocks")]
    TooNew {
        /// How much newer than allowed.
        seconds: u64,
        /// What is allowed.
        tolerance: u64,
    },
    /// The list has no signature that this program can check.
    #[error("webhook-signature has neither a “v1,…” (HMAC-SHA256) nor a “v1a,…” (ed25519) signature")]
    NoKnownVersion,
    /// There are signatures of one version, and keys for the other only.
    #[error("webhook-signature has “{signed},…” signatures only, and what they are checked with is for “{known}”")]
    OtherVersion {
        /// The version of the signatures.
        signed: &'static str,
        /// The version that there are keys for.
        known: &'static str,
    },
    /// There is a signature, but no secret to check it with.
    #[error("there is no secret to check the signature with")]
    NoSecret,
    /// No listed signature belongs to one of the secrets.
    #[error(
        "the signature does not match: another secret was used, or the body, webhook-id or webhook-timestamp was \
         changed on the way"
    )]
    NoMatch,
}

/// The most `v1a` signatures of one request that are checked: each costs far more than a `v1`, and whoever rotates keys
/// sends two or three.
const MOST_PUBLIC: usize = 8;

/// Checks that one of the listed signatures was made with one of the keys, and lately.
///
/// Unknown versions are skipped. Every listed `v1` signature is compared with every secret, each in constant time; of
/// `v1a` signatures the first eight are checked with every public key.
pub fn verify(
    headers: &SignatureHeaders<'_>,
    body: &[u8],
    now_seconds: i64,
    tolerance_seconds: u64,
    keys: &[Verifier],
) -> Result<(), SignatureProblem> {
    let (id, timestamp, signatures) = match (headers.id, headers.timestamp, headers.signatures) {
        (Some(id), Some(timestamp), Some(signatures)) => (id, timestamp, signatures),
        (None, None, None) => return Err(SignatureProblem::Unsigned),
        (None, _, _) => return Err(SignatureProblem::MissingHeader(ID_HEADER)),
        (_, None, _) => return Err(SignatureProblem::MissingHeader(TIMESTAMP_HEADER)),
        (_, _, None) => return Err(SignatureProblem::MissingHeader(SIGNATURE_HEADER)),
    };
    check_age(timestamp, now_seconds, tolerance_seconds)?;

    let listed = || signatures.split(|b| *b == b' ');
    let shared = || listed().filter(|signature| signature.starts_with(b"v1,"));
    let public = || listed().filter_map(|signature| signature.strip_prefix(b"v1a,"));
    let has = (shared().next().is_some(), public().next().is_some());
    if has == (false, false) {
        return Err(SignatureProblem::NoKnownVersion);
    }
    if keys.is_empty() {
        return Err(SignatureProblem::NoSecret);
    }
    let secrets: Vec<String> = keys
        .iter()
        .filter_map(|key| match key {
            Verifier::Shared(secret) => Some(secret.signing_key().sign_bytes(id, timestamp, body)),
            Verifier::Public(_) => None,
        })
        .collect();
    let public_keys = || keys.iter().filter_map(Verifier::public);
    match (has, secrets.is_empty(), public_keys().next().is_none()) {
        ((true, false), true, _) => return Err(SignatureProblem::OtherVersion { signed: "v1", known: "v1a" }),
        ((false, true), _, true) => return Err(SignatureProblem::OtherVersion { signed: "v1a", known: "v1" }),
        _ => {}
    }
    let mut matches = Choice::from(0);
    for signature in shared() {
        for expected in &secrets {
            matches |= signature.ct_eq(expected.as_bytes());
        }
    }
    if matches.into() || verify_public(public().take(MOST_PUBLIC), public_keys, || message(id, timestamp, body)) {
        Ok(())
    } else {
        Err(SignatureProblem::NoMatch)
    }
}

/// Whether one of the signatures, in base64, is that of the message by one of the keys.
fn verify_public<'a, K: Iterator<Item = PublicKey>>(
    signatures: impl Iterator<Item = &'a [u8]>,
    keys: impl Fn() -> K,
    message: impl Fn() -> Vec<u8>,
) -> bool {
    let mut signed = None;
    for signature in signatures.filter_map(|base64| STANDARD.decode(base64).ok()) {
        let signed = signed.get_or_insert_with(&message);
        if keys().any(|key| key.verifies(signed, &signature)) {
            return true;
        }
    }
    false
}

fn check_age(timestamp: &[u8], now: i64, tolerance: u64) -> Result<(), SignatureProblem> {
    let text = std::str::from_utf8(timestamp).ok();
    let signed: i64 = text.and_then(|text| text.parse().ok()).ok_or(SignatureProblem::InvalidTimestamp)?;
    let distance = now.abs_diff(signed);
    match distance.checked_sub(tolerance) {
        None | Some(0) => Ok(()),
        Some(seconds) if signed < now => Err(SignatureProblem::TooOld { seconds, tolerance }),
        Some(seconds) => Err(SignatureProblem::TooNew { seconds, tolerance }),
    }
}
