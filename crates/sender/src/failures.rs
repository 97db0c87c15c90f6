//! Which failure is which. A person reads the details in the panel, so they are sentences without secrets; the kinds
//! decide about retries and ports in the engine.

use kanca_engine::ports::{SendFailure, SendFailureKind as Kind};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The URL cannot be dialled.
pub fn invalid_url(detail: impl Into<String>) -> SendFailure {
    SendFailure { kind: Kind::InvalidUrl, detail: detail.into() }
}

/// The peer, or the caller, breaks the rules of HTTP.
pub fn protocol(detail: impl Into<String>) -> SendFailure {
    SendFailure { kind: Kind::Protocol, detail: detail.into() }
}

/// The connection broke off.
pub fn reset(detail: impl Into<String>) -> SendFailure {
    SendFailure { kind: Kind::Reset, detail: detail.into() }
}

/// Something was not over within `limit`.
pub fn timeout(limit: Duration, doing: &str) -> SendFailure {
    SendFailure {
        kind: Kind::Timeout,
        detail: format!("{doing} took longer than the limit of {} s", limit.as_secs_f32()),
    }
}

/// `connect` to `address` failed.
pub fn from_connect(error: &io::Error, address: SocketAddr) -> SendFailure {
    use io::ErrorKind as Io;
    let (kind, detail) = match error.kind() {
        Io::ConnectionRefused => (Kind::Refused, format!("nobody listens on {address}")),
        Io::TimedOut => (Kind::Timeout, format!("{address} does not answer")),
        Io::ConnectionReset => (Kind::Reset, format!("{address} broke off the connection")),
        _ => (Kind::Refused, format!("{address} cannot be reached: {error}")),
    };
    SendFailure { kind, detail }
}

/// The response's head goes on for too long.
pub fn head_too_large() -> SendFailure {
    protocol("the response's head is too large: at most 64 KiB, interim responses included, and 100 headers")
}

/// Reading from or writing to an open connection failed.
pub fn from_io(error: &io::Error) -> SendFailure {
    use io::ErrorKind as Io;
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return crate::tls::failure(tls);
    }
    match error.kind() {
        Io::InvalidData | Io::InvalidInput => protocol(format!("the response breaks the rules of HTTP: {error}")),
        Io::TimedOut => SendFailure { kind: Kind::Timeout, detail: "the peer no longer answers".into() },
        Io::UnexpectedEof => cut_short(),
        Io::ConnectionReset | Io::BrokenPipe | Io::ConnectionAborted => reset("the peer reset the connection"),
        _ => reset(format!("the connection broke off: {error}")),
    }
}

/// The peer closed too early.
pub fn cut_short() -> SendFailure {
    reset("the connection was closed before the response was complete")
}
