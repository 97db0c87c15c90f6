//! What every list of headers that a user writes has in common, for endpoints (sent) and inboxes (answered); and lists of
//! headers as they are sent and as they come.

use std::borrow::Cow;

/// A header of a request: most names and some values are always the same.
pub type Header = (Cow<'static, str>, Cow<'static, str>);

/// The most headers in one list.
pub const MAX_HEADERS: usize = 50;
/// The most bytes of all names and values of a list together.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Why a list of headers is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeaders {
    /// More than [`MAX_HEADERS`]; holds their number.
    #[error("{0} headers are too many; at most {MAX_HEADERS} are allowed")]
    TooMany(usize),
    /// More than [`MAX_HEADER_BYTES`]; holds the size.
    #[error("the headers have {0} bytes together; at most {MAX_HEADER_BYTES} are allowed")]
    TooLarge(usize),
    /// A name that is no token (RFC 9110, section 5.6.2).
    #[error("“{0}” is not a header name; use letters, digits and “-” only, without a colon")]
    Name(String),
    /// A value with something else than visible ASCII characters, spaces and tabs between them.
    #[error("the value of the header “{0}” must consist of visible ASCII characters, with spaces only between them")]
    Value(String),
    /// The same name twice, in any case.
    #[error("the header “{0}” is given twice; names differ in more than capital letters")]
    Twice(String),
    /// A name that belongs to Kanca or to the connection; holds the name and the reason.
    #[error("the header “{name}” cannot be set: {reason}")]
    Refused {
        /// The header.
        name: String,
        /// Why, as the end of a sentence.
        reason: &'static str,
    },
}

impl InvalidHeaders {
    /// The header that is wrong; `None` when it is the list as a whole.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) | Self::Value(name) | Self::Twice(name) | Self::Refused { name, .. } => Some(name),
            Self::TooMany(_) | Self::TooLarge(_) => None,
        }
    }
}

/// The value of the first header of this name. Names are kept as they came, and mean the same in any case.
pub fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Checks a list of headers; `refused` says for a lower-case name why it cannot be set here, if so.
pub fn check<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    refused: impl Fn(&str) -> Option<&'static str>,
) -> Result<(), InvalidHeaders> {
    check_all(headers, refused).into_iter().next().map_or(Ok(()), Err)
}

/// The same; names all that is wrong, the headers in their order and then the list as a whole.
pub fn check_all<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    refused: impl Fn(&str) -> Option<&'static str>,
) -> Vec<InvalidHeaders> {
    let mut faults = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let (mut count, mut size) = (0, 0);
    for (name, value) in headers {
        count += 1;
        size += name.len() + value.len();
        // What is over the limits is only counted.
        if count > MAX_HEADERS || size > MAX_HEADER_BYTES {
            continue;
        }
        let shown = || name.chars().take(80).collect::<String>();
        let lower = name.to_ascii_lowercase();
        if !is_name(name) {
            faults.push(InvalidHeaders::Name(shown()));
        } else if let Some(reason) = refused(&lower) {
            faults.push(InvalidHeaders::Refused { name: shown(), reason });
        } else if !is_value(value) {
            faults.push(InvalidHeaders::Value(shown()));
        } else if seen.contains(&lower) {
            faults.push(InvalidHeaders::Twice(shown()));
        }
        seen.push(lower);
    }
    if count > MAX_HEADERS {
        faults.push(InvalidHeaders::TooMany(count));
    } else if size > MAX_HEADER_BYTES {
        faults.push(InvalidHeaders::TooLarge(size));
    }
    faults
}

/// Whether a header of the connection, which concerns two neighbours only (RFC 9110, section 7.6.1).
pub fn is_hop_by_hop(lower_name: &str) -> bool {
    matches!(
        lower_name,
        "connection"
            | "transfer-encoding"
            | "te"
            | "trailer"
            | "upgrade"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "http2-settings"
    )
}

/// A token: 1 to 200 of the characters that RFC 9110 allows in a header's name.
fn is_name(name: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=200).contains(&name.len()) && name.bytes().all(is_token)
}

/// A field value without obsolete line folding and without bytes above ASCII; it may be empty.
fn is_value(value: &str) -> bool {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t');
    let bytes = value.as_bytes();
    bytes.iter().all(|b| b.is_ascii_graphic() || is_space(b))
        && !bytes.first().is_some_and(is_space)
        && !bytes.last().is_some_and(is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(name: &str, value: &str) -> Result<(), InvalidHeaders> {
        check([(name, value)], |name| (name == "x-refused").then_some("it is not yours."))
    }

    #[test]
    fn names_are_tokens_and_values_are_visible() {
        for (name, value) in [("x-a", "b c"), ("X_1!", ""), ("a", "tab\there"), ("a", "\"quoted\" ~")] {
            assert_eq!(check_one(name, value), Ok(()), "{name}: {value}");
        }
        for name in ["", "a b", "a:", "ş", "a\n", "(a)", "a\0", &"a".repeat(201)] {
            assert!(matches!(check_one(name, "v"), Err(InvalidHeaders::Name(_))), "{name:?}");
        }
        for value in ["a\r\nb: c", "a\n", "\0", "caf\u{e9}", " a", "a ", "\ta", "\u{7f}", " "] {
            assert_eq!(check_one("x", value), Err(InvalidHeaders::Value("x".into())), "{value:?}");
        }
    }

    #[test]
    fn a_name_counts_once_in_any_case_and_may_be_refused() {
        assert_eq!(check([("X-A", "1"), ("x-a", "2")], |_| None), Err(InvalidHeaders::Twice("x-a".into())));
        let problem = check_one("X-Refused", "1").unwrap_err().to_string();
        assert_eq!(problem, "the header “X-Refused” cannot be set: it is not yours.");
    }

    #[test]
    fn all_that_is_wrong_is_named() {
        let long = "v".repeat(MAX_HEADER_BYTES);
        let all = [("a b", "1"), ("x-a", "1"), ("X-Refused", "1"), ("x-b", "\n"), ("X-A", "2"), ("x-c", &long)];
        let faults = check_all(all, |name| (name == "x-refused").then_some("it is not yours."));
        let refused = InvalidHeaders::Refused { name: "X-Refused".into(), reason: "it is not yours." };
        let (name, value, twice) = ("a b".into(), "x-b".into(), "X-A".into());
        let size = all.iter().map(|(name, value)| name.len() + value.len()).sum();
        let expected = [
            InvalidHeaders::Name(name),
            refused,
            InvalidHeaders::Value(value),
            InvalidHeaders::Twice(twice),
            InvalidHeaders::TooLarge(size),
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn the_list_is_bounded() {
        let names: Vec<String> = (0..60).map(|i| format!("x-{i}")).collect();
        let of =
            |count: usize, value: &'static str| check(names[..count].iter().map(|n| (n.as_str(), value)), |_| None);
        assert_eq!(of(50, "v"), Ok(()));
        assert_eq!(of(51, "v"), Err(InvalidHeaders::TooMany(51)));
        let value = "v".repeat(8 * 1024 - 1);
        assert_eq!(check_one("x", &value), Ok(()));
        assert_eq!(check_one("xy", &value), Err(InvalidHeaders::TooLarge(8 * 1024 + 1)));
    }
}
