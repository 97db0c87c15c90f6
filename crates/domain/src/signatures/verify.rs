//! Checking a signature that came with a request, and saying in words what is wrong with it.

use super::{ID_HEADER, SIGNATURE_HEADER, Secret, TIMESTAMP_HEADER};
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
    #[error("webhook-signature has no “v1,…” signature; only version v1 (HMAC-SHA256) is checked")]
    NoKnownVersion,
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

/// Checks that one of the listed `v1` signatures was made with one of the secrets, and lately.
///
/// Unknown versions are skipped. Every listed signature is compared with every secret, each in constant time.
pub fn verify(
    headers: &SignatureHeaders<'_>,
    body: &[u8],
    now_seconds: i64,
    tolerance_seconds: u64,
    secrets: &[Secret],
) -> Result<(), SignatureProblem> {
    let (id, timestamp, signatures) = match (headers.id, headers.timestamp, headers.signatures) {
        (Some(id), Some(timestamp), Some(signatures)) => (id, timestamp, signatures),
        (None, None, None) => return Err(SignatureProblem::Unsigned),
        (None, _, _) => return Err(SignatureProblem::MissingHeader(ID_HEADER)),
        (_, None, _) => return Err(SignatureProblem::MissingHeader(TIMESTAMP_HEADER)),
        (_, _, None) => return Err(SignatureProblem::MissingHeader(SIGNATURE_HEADER)),
    };
    check_age(timestamp, now_seconds, tolerance_seconds)?;

    let mut known = signatures.split(|b| *b == b' ').filter(|signature| signature.starts_with(b"v1,")).peekable();
    if known.peek().is_none() {
        return Err(SignatureProblem::NoKnownVersion);
    }
    if secrets.is_empty() {
        return Err(SignatureProblem::NoSecret);
    }
    let expected: Vec<String> =
        secrets.iter().map(|secret| secret.signing_key().sign_bytes(id, timestamp, body)).collect();
    let mut matches = Choice::from(0);
    for signature in known {
        for expected in &expected {
            matches |= signature.ct_eq(expected.as_bytes());
        }
    }
    if matches.into() { Ok(()) } else { Err(SignatureProblem::NoMatch) }
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
