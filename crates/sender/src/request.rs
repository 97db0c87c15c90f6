//! The request as it goes out: the caller's headers in their order, and those that only the sender can know.

use crate::failures::protocol;
use crate::link::Outgoing;
use crate::target::Target;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    USER_AGENT,
};
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use kanca_engine::ports::{Method as Asks, SendFailure};

/// What Kanca calls itself.
const PRODUCT: &str = concat!("Kanca/", env!("CARGO_PKG_VERSION"), " (+webhooks)");

/// A request to the target.
pub fn build(
    target: &Target,
    asks: Asks,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Result<Outgoing, SendFailure> {
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    map.insert(HOST, target.host.clone());
    for (name, value) in headers {
        let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(protocol(format!("{name:?} is no header name")));
        };
        if key == HOST || key == CONTENT_LENGTH {
            continue;
        }
        if [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(&key) {
            return Err(protocol(format!("the header {key} is about the connection and cannot be chosen")));
        }
        let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) else {
            return Err(protocol(format!("the value of the header {key} has a line break or a control character")));
        };
        map.try_append(key, value).map_err(|_| protocol("too many headers"))?;
    }
    if !map.contains_key(USER_AGENT) {
        map.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
    }
    map.insert(CONTENT_LENGTH, body.len().into());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = match asks {
        Asks::Post => Method::POST,
        Asks::Options => Method::OPTIONS,
    };
    *request.uri_mut() = target.uri.clone();
    *request.headers_mut() = map;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanca_engine::ports::{Route, SendFailureKind};

    fn check(headers: &[(&str, &str)], expected: &str) {
        let target = Target::parse("http://example.com:81/", Route::Guarded).unwrap();
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let shown = match build(&target, Asks::Post, headers, Bytes::from_static(b"1234")) {
            Ok(request) => {
                let pairs = request.headers().iter();
                pairs
                    .map(|(k, v)| format!("{k}={}", String::from_utf8_lossy(v.as_bytes())))
                    .collect::<Vec<_>>()
                    .join("|")
            }
            Err(failure) => {
                assert_eq!(failure.kind, SendFailureKind::Protocol);
                failure.detail
            }
        };
        assert_eq!(shown.replace(env!("CARGO_PKG_VERSION"), "VERSION"), expected);
    }

    #[test]
    fn the_sender_adds_what_only_it_knows() {
        check(&[], "host=example.com:81|user-agent=Kanca/VERSION (+webhooks)|content-length=4");
        check(
            &[("User-Agent", "mine"), ("Host", "evil"), ("X-A", "ç"), ("Content-Length", "9")],
            "host=example.com:81|user-agent=mine|x-a=ç|content-length=4",
        );
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named() {
        check(&[("a b", "")], "\"a b\" is no header name");
        check(&[("", "")], "\"\" is no header name");
        check(&[("x", "a\r\nb: c")], "the value of the header x has a line break or a control character");
        check(&[("Connection", "x")], "the header connection is about the connection and cannot be chosen");
        check(
            &[("Transfer-Encoding", "x")],
            "the header transfer-encoding is about the connection and cannot be chosen",
        );
    }
}
