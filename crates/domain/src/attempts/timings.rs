//! Where the time of one exchange went, for the person who asks why a delivery was slow.

use std::net::SocketAddr;

/// The parts of an exchange in microseconds, each as long as it was waited for: the part in which an exchange failed has
/// the time until then, and a part that was not needed or not reached is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Looking up the host's name (and the proxy's).
    pub dns_us: Option<u32>,
    /// Opening the connection; with a proxy also what it takes to have it open its own.
    pub connect_us: Option<u32>,
    /// The TLS handshake.
    pub tls_us: Option<u32>,
    /// From the first byte of the request until the head of the response was there.
    pub first_byte_us: Option<u32>,
    /// From the start to the last byte of the response, or to the failure.
    pub total_us: u32,
    /// Whether an open connection was used, so that there was nothing to look up and to open.
    pub reused: bool,
    /// The address dialled last, of the proxy if there is one; `None` if none was dialled.
    pub remote: Option<SocketAddr>,
}
