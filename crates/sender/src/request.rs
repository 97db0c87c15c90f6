//! The request as it goes out: those headers that only the sender can know, and the caller's in their order. They are made
//! one list, which is written and handed back, so that what is shown of a request is what was sent.

use crate::failures::protocol;
use crate::target::Target;
use bytes::Bytes;
use kanca_domain::headers::Header;
use kanca_engine::ports::{Method, SendFailure};

/// What Kanca calls itself.
const PRODUCT: &str = concat!("Kanca/", env!("CARGO_PKG_VERSION"), " (+webhooks)");
/// Headers that are about the connection (RFC 9110 §7.6.1) or the message's framing.
const OURS: [&str; 6] = ["connection", "expect", "te", "trailer", "transfer-encoding", "upgrade"];
/// A body up to this size is copied behind its head, so that both go out in one piece.
const SMALL: usize = 16 * 1024;

/// A request's bytes; it can be sent twice.
#[derive(Debug)]
pub struct Outgoing {
    /// Request line and headers, and the body if it is small.
    pub head: Vec<u8>,
    /// The body if it is not in `head`.
    pub body: Bytes,
}

/// Completes a request's headers: before the caller's come those that only the sender can know.
pub fn complete(target: &Target, headers: &mut Vec<Header>, body: &Bytes) {
    let is = |name: &str, ours: &str| name.eq_ignore_ascii_case(ours);
    headers.retain(|(name, _)| !is(name, "host") && !is(name, "content-length"));
    let names_itself = headers.iter().any(|(name, _)| is(name, "user-agent"));
    let host = ("host".into(), target.host.clone().into());
    let length = ("content-length".into(), body.len().to_string().into());
    // Of a known number, they go before the others without a list of their own.
    if names_itself {
        headers.splice(..0, [host, length]);
    } else {
        headers.splice(..0, [host, ("user-agent".into(), PRODUCT.into()), length]);
    }
}

/// The bytes of a request to the target. Its head is these headers, each as it is, and nothing else.
pub fn build(target: &Target, method: Method, headers: &[Header], body: &Bytes) -> Result<Outgoing, SendFailure> {
    let in_one_piece = body.len() <= SMALL;
    let mut head = Vec::with_capacity(512 + if in_one_piece { body.len() } else { 0 });
    for part in [method.as_str(), " ", &target.path, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(protocol(format!("{name:?} is no header name")));
        }
        if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(protocol(format!("the header {name} is about the connection and cannot be chosen")));
        }
        if value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err(protocol(format!("the value of the header {name} has a line break or a control character")));
        }
        for part in [name, ": ", value, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    }
    head.extend_from_slice(b"\r\n");
    if in_one_piece {
        head.extend_from_slice(body);
    }
    Ok(Outgoing { head, body: if in_one_piece { Bytes::new() } else { body.clone() } })
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanca_engine::ports::{Route, SendFailureKind};

    fn check(headers: &[(&str, &str)], expected: &str) {
        let target = Target::parse("http://example.com:81/a?b", Route::Guarded).unwrap();
        let mut headers: Vec<Header> =
            headers.iter().map(|&(name, value)| (name.to_owned().into(), value.to_owned().into())).collect();
        let body = Bytes::from_static(b"1234");
        complete(&target, &mut headers, &body);
        let shown = match build(&target, Method::Post, &headers, &body) {
            Ok(request) => String::from_utf8(request.head).unwrap(),
            Err(failure) => {
                assert_eq!(failure.kind, SendFailureKind::Protocol);
                failure.detail
            }
        };
        assert_eq!(shown.replace(env!("CARGO_PKG_VERSION"), "VERSION").replace("\r\n", "|"), expected);
    }

    #[test]
    fn the_sender_adds_what_only_it_knows() {
        check(
            &[],
            "POST /a?b HTTP/1.1|host: example.com:81|user-agent: Kanca/VERSION (+webhooks)|content-length: 4||1234",
        );
        check(
            &[("User-Agent", "mine"), ("Host", "evil"), ("X-A", "ç"), ("Content-Length", "9")],
            "POST /a?b HTTP/1.1|host: example.com:81|content-length: 4|User-Agent: mine|X-A: ç||1234",
        );
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named() {
        check(&[("a b", "")], "\"a b\" is no header name");
        check(&[("ä", "")], "\"ä\" is no header name");
        check(&[("", "")], "\"\" is no header name");
        check(&[("x", "a\r\nb: c")], "the value of the header x has a line break or a control character");
        check(&[("X", "a\0")], "the value of the header X has a line break or a control character");
        check(&[("Connection", "x")], "the header Connection is about the connection and cannot be chosen");
        check(
            &[("Transfer-Encoding", "x")],
            "the header Transfer-Encoding is about the connection and cannot be chosen",
        );
    }

    #[test]
    fn a_large_body_is_not_copied() {
        let target = Target::parse("http://example.com/", Route::Guarded).unwrap();
        let body = Bytes::from(vec![b'x'; SMALL + 1]);
        let request = build(&target, Method::Options, &[], &body).unwrap();
        assert!(request.head.starts_with(b"OPTIONS / HTTP/1.1\r\n") && request.head.ends_with(b"\r\n\r\n"));
        assert_eq!(request.body.as_ptr(), body.as_ptr());
    }
}
