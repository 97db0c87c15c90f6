//! A connection's bytes, plain or TLS, and how many of them have arrived.
//!
//! hyper forgets interim (1xx) responses as it skips them, so what a peer sends before the real head is counted here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Bytes received since the last [`Received::restart`].
#[derive(Debug, Clone, Default)]
pub struct Received(Arc<AtomicUsize>);

impl Received {
    /// So many bytes have arrived.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts from zero.
    pub fn restart(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The two ways to a receiver.
pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A counted transport.
pub struct Stream {
    transport: Transport,
    received: Received,
}

impl Stream {
    pub fn new(transport: Transport, received: Received) -> Self {
        Self { transport, received }
    }
}

/// Runs the same call on whichever transport it is.
macro_rules! each {
    ($stream:expr, $transport:ident => $call:expr) => {
        match &mut $stream.transport {
            Transport::Plain($transport) => {
                let $transport = Pin::new($transport);
                $call
            }
            Transport::Tls($transport) => {
                let $transport = Pin::new($transport);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let result = ready!(each!(this, transport => transport.poll_read(cx, buf)));
        this.received.0.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        Poll::Ready(result)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), transport => transport.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), transport => transport.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), transport => transport.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), transport => transport.poll_shutdown(cx))
    }
}
