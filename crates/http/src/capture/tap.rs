//! A tap on the connection: the exact bytes of a request's head, as they came over the wire.
//!
//! The HTTP layer gives header names in lower case and cuts a fragment off the target. An inbox has to show what was
//! sent, so the tap keeps a copy of what is read while a head is expected. Whoever wants it checks that the copy is the
//! head that the HTTP layer parsed; when it is not (pipelined requests), the layer's own view is used.

use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes kept at most; a longer head is refused by the HTTP layer anyway.
const MAX_HEAD: usize = 512 * 1024;
/// The request line of a capture shows `/in/` within this many bytes.
const LOOK_AHEAD: usize = 300;

/// What was read since the last request was answered.
#[derive(Clone, Default)]
pub struct Tap(Arc<Mutex<Recording>>);

#[derive(Default)]
struct Recording {
    bytes: Vec<u8>,
    /// Nothing is recorded until the next request, because this one is no capture or its head is known.
    paused: bool,
}

/// A request's head as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct RawHead {
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    /// In order, names as they were spelled, values without the white space around them (RFC 9110 §5.5).
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Tap {
    /// A head is expected from now on.
    pub fn expect_head(&self) {
        *self.0.lock() = Recording::default();
    }

    /// The head that was recorded, if it is complete.
    pub fn take_head(&self) -> Option<RawHead> {
        let bytes = {
            let mut recording = self.0.lock();
            recording.paused = true;
            std::mem::take(&mut recording.bytes)
        };
        parse(&bytes)
    }

    fn record(&self, bytes: &[u8]) {
        let mut recording = self.0.lock();
        if recording.paused {
            return;
        }
        if recording.bytes.len() + bytes.len() > MAX_HEAD {
            *recording = Recording { bytes: Vec::new(), paused: true };
            return;
        }
        let first = recording.bytes.is_empty();
        if first && bytes.len() > LOOK_AHEAD && !contains(&bytes[..LOOK_AHEAD], b"/in/") {
            recording.paused = true;
            return;
        }
        recording.bytes.extend_from_slice(bytes);
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

/// Splits a head into its parts. Line ends may be bare line feeds, and empty lines before the request line are skipped,
/// as RFC 9112 §2.2 allows a server to do.
fn parse(bytes: &[u8]) -> Option<RawHead> {
    let mut lines = Lines(bytes);
    let request_line = lines.by_ref().find(|line| !line.is_empty())?;
    let (method, rest) = split_at_space(request_line)?;
    let end = rest.iter().rposition(|b| *b == b' ')?;
    let mut headers = Vec::new();
    for line in lines {
        if line.is_empty() {
            return Some(RawHead { method: method.to_vec(), target: rest[..end].to_vec(), headers });
        }
        let colon = line.iter().position(|b| *b == b':')?;
        headers.push((line[..colon].to_vec(), line[colon + 1..].trim_ascii().to_vec()));
    }
    None
}

fn split_at_space(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == b' ')?;
    Some((&line[..at], &line[at + 1..]))
}

struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.0.iter().position(|b| *b == b'\n')?;
        let line = &self.0[..at];
        self.0 = &self.0[at + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// A stream whose reads the tap sees.
pub struct Tapped<S> {
    stream: S,
    tap: Tap,
}

impl<S> Tapped<S> {
    pub fn new(stream: S, tap: Tap) -> Self {
        Self { stream, tap }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.tap.record(&buf.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(parts: &[&[u8]]) -> Option<RawHead> {
        let tap = Tap::default();
        for part in parts {
            tap.record(part);
        }
        tap.take_head()
    }

    #[test]
    fn names_values_and_target_are_kept_as_they_were_sent() {
        let head = recorded(&[
            b"POST /in/abc/a%20b?x=1#frag HTTP/1.1\r\nHost: h\r\nX-Tag: one\r\nx-TAG:\ttwo \r\n",
            b"\r\nbody",
        ]);
        let head = head.unwrap();
        assert_eq!(head.target, b"/in/abc/a%20b?x=1#frag");
        let pairs: Vec<(&[u8], &[u8])> = head.headers.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
        assert_eq!(pairs, [(&b"Host"[..], &b"h"[..]), (b"X-Tag", b"one"), (b"x-TAG", b"two")]);
    }

    #[test]
    fn an_incomplete_head_is_none() {
        assert_eq!(recorded(&[b"POST /in/abc HTTP/1.1\r\nHost: h\r\n"]), None);
        assert_eq!(recorded(&[b""]), None);
    }

    #[test]
    fn what_is_no_capture_is_not_copied() {
        let tap = Tap::default();
        tap.record(&[b'x'; 4_000]);
        assert!(tap.0.lock().bytes.is_empty());
        tap.expect_head();
        tap.record(b"GET /in/a HTTP/1.1\r\n\r\n");
        assert!(tap.take_head().is_some());
    }

    #[test]
    fn an_endless_head_takes_no_memory() {
        let tap = Tap::default();
        tap.record(b"GET /in/a HTTP/1.1\r\n");
        for _ in 0..1_000 {
            tap.record(&[b'a'; 1_024]);
        }
        assert!(tap.0.lock().bytes.is_empty());
    }
}
