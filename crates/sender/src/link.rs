//! One open HTTP/1.1 connection, driven by the task that uses it.
//!
//! hyper's connection is a future that somebody must poll; usually a spawned task does. Here the exchange polls it, so
//! that a dropped exchange closes its socket at once, nothing outlives a deadline, and no answer crosses tasks. An idle
//! link is polled by nobody: [`Link::is_usable`] looks at it before each use, and the pool's sweeper now and then.

use crate::failures::{cut_short, from_hyper, protocol};
use crate::stream::{Received, Stream, Transport};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use kanca_engine::ports::SendFailure;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Bytes of the response's head, interim responses included. Of header lines hyper takes 100: more can be had, but then
/// each response pays a microsecond for the room.
const HEAD_LIMIT: usize = 64 * 1024;

/// A request that can be sent twice: its body is in memory.
pub type Outgoing = Request<Full<Bytes>>;

/// Why there is no response head.
pub enum Unanswered {
    /// The connection was closed before the first byte was written; the request is as good as new.
    Unsent(Box<Outgoing>, SendFailure),
    /// The peer may have seen the request.
    Failed(SendFailure),
}

/// An open connection; boxed, as it moves between the pool and its users.
pub struct Link {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
    /// How the connection ended, if it did.
    ended: Option<Result<(), hyper::Error>>,
    received: Received,
    remote: SocketAddr,
}

impl Link {
    /// Speaks HTTP over `transport`, which leads to `remote`. Nothing is sent yet.
    pub async fn open(transport: Transport, remote: SocketAddr) -> Result<Box<Self>, SendFailure> {
        let received = Received::default();
        let io = TokioIo::new(Stream::new(transport, received.clone()));
        let (sender, connection) =
            Builder::new().max_buf_size(HEAD_LIMIT).handshake(io).await.map_err(|error| from_hyper(&error))?;
        Ok(Box::new(Self { sender, connection, ended: None, received, remote }))
    }

    /// The address that was dialled.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Sends a request and waits for the response's head.
    pub async fn exchange(&mut self, request: Outgoing) -> Result<Response<Incoming>, Unanswered> {
        self.received.restart();
        let answer = self.sender.try_send_request(request);
        let mut error = match self.drive(answer, Some(HEAD_LIMIT)).await.map_err(Unanswered::Failed)? {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let unsent = error.take_message();
        let failure = match &self.ended {
            Some(Err(error)) => from_hyper(error),
            _ => from_hyper(&error.into_error()),
        };
        Err(match unsent {
            Some(request) => Unanswered::Unsent(Box::new(request), failure),
            None => Unanswered::Failed(failure),
        })
    }

    /// Waits for `part` of an exchange while the connection does its work. `limit` bounds the bytes that may arrive
    /// meanwhile.
    pub async fn drive<F: Future>(&mut self, part: F, limit: Option<usize>) -> Result<F::Output, SendFailure> {
        let mut part = pin!(part);
        poll_fn(|cx| {
            self.work(cx);
            if let Poll::Ready(output) = part.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if limit.is_some_and(|limit| self.received.count() > limit) {
                return Poll::Ready(Err(protocol("the response's head, interim responses included, exceeds 64 KiB")));
            }
            match &self.ended {
                None => Poll::Pending,
                Some(Err(error)) => Poll::Ready(Err(from_hyper(error))),
                Some(Ok(())) => Poll::Ready(Err(cut_short())),
            }
        })
        .await
    }

    /// Whether another request may follow: the peer has not closed, has sent nothing unasked, and both the last request
    /// and its response are through.
    pub fn is_usable(&mut self) -> bool {
        self.work(&mut Context::from_waker(Waker::noop()));
        self.ended.is_none() && self.sender.is_ready()
    }

    fn work(&mut self, cx: &mut Context<'_>) {
        if self.ended.is_none()
            && let Poll::Ready(end) = Pin::new(&mut self.connection).poll(cx)
        {
            self.ended = Some(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanca_engine::ports::SendFailureKind;
    use tokio::io::Interest;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_request_that_met_a_closed_connection_is_as_good_as_new() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        drop(listener.accept().await.unwrap());
        socket.ready(Interest::READABLE).await.unwrap();
        let mut link = Link::open(Transport::Plain(socket), address).await.unwrap();
        let request = Request::builder().uri("/again").body(Full::new(Bytes::from_static(b"body"))).unwrap();
        match link.exchange(request).await {
            Err(Unanswered::Unsent(request, failure)) => {
                assert_eq!((request.uri().path(), failure.kind), ("/again", SendFailureKind::Reset));
            }
            Err(Unanswered::Failed(failure)) => panic!("{failure:?}"),
            Ok(response) => panic!("{response:?}"),
        }
        assert!(!link.is_usable());
    }
}
