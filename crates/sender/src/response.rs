//! A response's head: what it says, and how its body is framed (RFC 9112 §6.3).

use crate::failures::{head_too_large, protocol};
use httparse::{Error, Header, Status};
use kanca_engine::ports::SendFailure;
use std::mem::MaybeUninit;

/// Header lines that are taken at most.
const MOST_HEADERS: usize = 100;

/// The head of a response.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    /// Names as they came; bytes of values that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    pub framing: Framing,
    /// Whether the connection may be used again when the body is through.
    pub keeps_open: bool,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// Reads a head at the start of `bytes`; `None` while it is not whole. Also says how many bytes it takes.
pub fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, SendFailure> {
    let mut room = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(Error::TooManyHeaders) => return Err(head_too_large()),
        Err(error) => return Err(protocol(format!("the answer is not HTTP/1.1: {error}"))),
    };
    let status = response.code.unwrap_or_default();
    let is_new = response.version == Some(1);
    let (framing, may_go_on) = framing(status, is_new, response.headers)?;
    let keeps_open = may_go_on && framing != Framing::Close && stays(is_new, response.headers);
    let headers = response
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()));
    Ok(Some((Head { status, headers: headers.collect(), framing, keeps_open }, length)))
}

/// Also says whether what follows the body can be trusted to be the next response.
fn framing(status: u16, is_new: bool, headers: &[Header<'_>]) -> Result<(Framing, bool), SendFailure> {
    let length = length(headers)?;
    if status < 200 || status == 204 || status == 304 {
        return Ok((Framing::Length(0), true));
    }
    let mut codings = tokens(headers, "transfer-encoding").peekable();
    if codings.peek().is_some() && is_new {
        let chunked = codings.last().is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        return Ok((if chunked { Framing::Chunked } else { Framing::Close }, length.is_none()));
    }
    Ok((length.map_or(Framing::Close, Framing::Length), true))
}

/// The one length that all its lines agree on.
fn length(headers: &[Header<'_>]) -> Result<Option<u64>, SendFailure> {
    let mut known = None;
    for value in named(headers, "content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let text = value.trim_ascii();
        let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse::<u64>().ok());
        let number = number.ok_or_else(|| protocol("the response's content-length is no length"))?;
        if known.is_some_and(|known| known != number) {
            return Err(protocol("the response names two different lengths"));
        }
        known = Some(number);
    }
    Ok(known)
}

fn stays(is_new: bool, headers: &[Header<'_>]) -> bool {
    let says = |what: &str| tokens(headers, "connection").any(|token| token.eq_ignore_ascii_case(what));
    if is_new { !says("close") } else { says("keep-alive") }
}

fn named<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// The elements of a header that is a list.
fn tokens<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a str> {
    let texts = named(headers, name).map(|value| std::str::from_utf8(value).unwrap_or("?"));
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a head with these headers and shows its framing.
    fn check(first: &str, headers: &[&str], expected: &str) {
        let text = [&[first], headers, &["", ""]].concat().join("\r\n");
        let shown = match parse(text.as_bytes()) {
            Ok(Some((head, length))) => {
                assert_eq!(length, text.len());
                format!("{} {:?} {}", head.status, head.framing, if head.keeps_open { "stays" } else { "ends" })
            }
            Ok(None) => "more".into(),
            Err(failure) => failure.detail,
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn framing_follows_the_rfc() {
        let ok = "HTTP/1.1 200 OK";
        check(ok, &[], "200 Close ends");
        check(ok, &["Content-Length: 5"], "200 Length(5) stays");
        check(ok, &["content-length: 5", "content-length: 5"], "200 Length(5) stays");
        check(ok, &["content-length: 5, 5"], "200 Length(5) stays");
        check(ok, &["content-length: 5", "connection: x, Close"], "200 Length(5) ends");
        check(ok, &["transfer-encoding: chunked"], "200 Chunked stays");
        check(ok, &["transfer-encoding: gzip, Chunked"], "200 Chunked stays");
        check(ok, &["transfer-encoding: gzip", "transfer-encoding: chunked"], "200 Chunked stays");
        check(ok, &["transfer-encoding: chunked, gzip"], "200 Close ends");
        // Whoever says both may be attacking: what follows is not trusted.
        check(ok, &["transfer-encoding: chunked", "content-length: 5"], "200 Chunked ends");
        check("HTTP/1.1 204 No Content", &["content-length: 5"], "204 Length(0) stays");
        check("HTTP/1.1 304 Not Modified", &["transfer-encoding: chunked"], "304 Length(0) stays");
        check("HTTP/1.1 100 Continue", &[], "100 Length(0) stays");
        check("HTTP/1.0 200 OK", &["content-length: 5"], "200 Length(5) ends");
        check("HTTP/1.0 200 OK", &["content-length: 5", "connection: keep-alive"], "200 Length(5) stays");
        check("HTTP/1.0 200 OK", &["transfer-encoding: chunked"], "200 Close ends");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_are_a_head_or_a_sentence(
            status in "HTTP/1\\.[01x] [0-9 ]{0,4} ?[a-z]{0,3}",
            lines in proptest::collection::vec("(content-length|transfer-encoding|connection|x|): ?[ -~\0\r]{0,9}", 0..5),
            rest in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        ) {
            let mut bytes = format!("{status}\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes();
            bytes.extend(rest);
            match parse(&bytes) {
                Ok(Some((_, length))) => proptest::prop_assert!(length <= bytes.len()),
                Ok(None) => {}
                Err(failure) => proptest::prop_assert!(!failure.detail.is_empty()),
            }
        }
    }

    #[test]
    fn what_cannot_be_framed_is_refused() {
        let ok = "HTTP/1.1 200 OK";
        check(ok, &["content-length: 1", "content-length: 2"], "the response names two different lengths");
        for length in ["-1", "+1", "", "1 2", "0x1", "99999999999999999999", "1,"] {
            check(ok, &[&format!("content-length: {length}")], "the response's content-length is no length");
        }
    }

    #[test]
    fn a_head_is_whole_with_its_empty_line() {
        for cut in 0..19 {
            assert!(parse(&b"HTTP/1.1 200 OK\r\n\r\n"[..cut]).unwrap().is_none(), "{cut}");
        }
    }
}
