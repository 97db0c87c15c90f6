//! One open HTTP/1.1 connection, driven by the task that uses it: a dropped exchange closes its socket at once, nothing
//! outlives a deadline, and no answer crosses tasks. An idle link is driven by nobody: [`Link::is_usable`] looks at it
//! before each use, and the pool's sweeper now and then.
//!
//! Not a general client: requests are whole in memory, one is under way at a time, and what a webhook's answer does not
//! need (upgrades, trailers, `Expect`) is refused or passed over. That is why it is short, and a quarter of the
//! sender's work for a request is saved beside a general one.

use crate::failures::{cut_short, from_io, head_too_large, protocol, reset};
use crate::request::Outgoing;
use crate::response::{self, Head};
use crate::stream::Transport;
use bytes::{Buf, BytesMut};
use kanca_engine::ports::SendFailure;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncReadExt, AsyncWrite};

/// Bytes of the response's head, interim responses included.
const HEAD_LIMIT: usize = 64 * 1024;
/// Bytes that are read at a time.
const PIECE: usize = 8 * 1024;

/// Why there is no response head.
#[derive(Debug)]
pub enum Unanswered {
    /// The connection was closed before the first byte was written; the request is as good as new.
    Unsent(SendFailure),
    /// The peer may have seen the request.
    Failed(SendFailure),
}

/// An open connection.
pub struct Link {
    transport: Transport,
    /// What has arrived and is not read yet.
    arrived: BytesMut,
    /// Whether another request may follow as far as the last exchange is concerned.
    is_free: bool,
    remote: SocketAddr,
}

impl Link {
    /// Speaks HTTP over `transport`, which leads to `remote`. Nothing is sent yet.
    pub fn open(transport: Transport, remote: SocketAddr) -> Self {
        Self { transport, arrived: BytesMut::new(), is_free: true, remote }
    }

    /// The address that was dialled.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Sends a request and waits for the response's head; a peer may answer before it has read everything.
    pub async fn exchange(&mut self, request: &Outgoing) -> Result<Head, Unanswered> {
        self.is_free = false;
        let mut writing = Writing { request, written: 0, is_through: false };
        let mut passed = 0;
        // Only the first bytes and those that end a line can tell anything new.
        let mut has_line = false;
        loop {
            if has_line {
                match response::parse(&self.arrived).map_err(Unanswered::Failed)? {
                    Some((head, length)) if (100..200).contains(&head.status) && head.status != 101 => {
                        self.arrived.advance(length);
                        passed += length;
                        continue;
                    }
                    Some((mut head, length)) => {
                        self.arrived.advance(length);
                        // A request that is not through cannot be followed by another.
                        head.keeps_open &= writing.is_through;
                        return Ok(head);
                    }
                    None => {}
                }
            }
            if passed + self.arrived.len() > HEAD_LIMIT {
                return Err(Unanswered::Failed(head_too_large()));
            }
            let known = self.arrived.len();
            let length = poll_fn(|cx| self.go_on(cx, &mut writing)).await?;
            if length == 0 {
                response::parse(&self.arrived).map_err(Unanswered::Failed)?;
                return Err(writing.broken(cut_short()));
            }
            has_line = known == 0 || self.arrived[known..].contains(&b'\n');
        }
    }

    /// Writes what can be written, and reads what has arrived: the number of bytes, 0 at the end.
    fn go_on(&mut self, cx: &mut Context<'_>, writing: &mut Writing<'_>) -> Poll<Result<usize, Unanswered>> {
        if writing.written == 0
            && let Poll::Ready(read) = self.poll_read(cx)
        {
            // Nobody was asked yet.
            return Poll::Ready(Err(match read {
                Ok(0) => Unanswered::Unsent(reset("the connection was closed before the request was sent")),
                Ok(_) => Unanswered::Failed(protocol("the server spoke before it was asked")),
                Err(error) => Unanswered::Unsent(from_io(&error)),
            }));
        }
        let failed = match writing.poll(&mut self.transport, cx) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        };
        match (self.poll_read(cx), failed) {
            // A peer that reads no further may have answered all the same.
            (Poll::Ready(Ok(length @ 1..)), _) => Poll::Ready(Ok(length)),
            (_, Some(error)) | (Poll::Ready(Err(error)), None) => Poll::Ready(Err(writing.broken(from_io(&error)))),
            (Poll::Ready(Ok(0)), None) => Poll::Ready(Ok(0)),
            (Poll::Pending, None) => Poll::Pending,
        }
    }

    /// Waits for more bytes; 0 at the end.
    pub async fn read(&mut self) -> Result<usize, SendFailure> {
        poll_fn(|cx| self.poll_read(cx)).await.map_err(|error| from_io(&error))
    }

    /// What has arrived.
    pub fn arrived(&mut self) -> &mut BytesMut {
        &mut self.arrived
    }

    /// The response is through; another request may follow if it `keeps_open`.
    pub fn ended(&mut self, keeps_open: bool) {
        self.is_free = keeps_open && self.arrived.is_empty();
        if self.arrived.capacity() > 2 * PIECE {
            self.arrived = BytesMut::new();
        }
    }

    /// Whether another request may follow: the last one and its response are through, and the peer has neither closed
    /// nor sent anything unasked.
    pub fn is_usable(&mut self) -> bool {
        self.is_free && self.poll_read(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.arrived.reserve(PIECE / 2);
        // It keeps nothing between two polls.
        let read = pin!(self.transport.read_buf(&mut self.arrived));
        read.poll(cx)
    }
}

/// A request on its way out.
struct Writing<'a> {
    request: &'a Outgoing,
    written: usize,
    /// Whether everything is written and flushed.
    is_through: bool,
}

impl Writing<'_> {
    fn poll(&mut self, transport: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Outgoing { head, body } = self.request;
        while self.written < head.len() + body.len() {
            let (rest, behind) = match self.written.checked_sub(head.len()) {
                None => (&head[self.written..], &body[..]),
                Some(of_body) => (&body[of_body..], &[][..]),
            };
            let transport = Pin::new(&mut *transport);
            let written = if behind.is_empty() {
                transport.poll_write(cx, rest)
            } else {
                transport.poll_write_vectored(cx, &[IoSlice::new(rest), IoSlice::new(behind)])
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.written += length,
            }
        }
        if !self.is_through {
            ready!(Pin::new(transport).poll_flush(cx))?;
            self.is_through = true;
        }
        Poll::Ready(Ok(()))
    }

    fn broken(&self, failure: SendFailure) -> Unanswered {
        if self.written == 0 { Unanswered::Unsent(failure) } else { Unanswered::Failed(failure) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use kanca_engine::ports::SendFailureKind;
    use tokio::io::{AsyncWriteExt, Interest};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_request_that_met_a_closed_connection_is_as_good_as_new() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        drop(listener.accept().await.unwrap());
        socket.ready(Interest::READABLE).await.unwrap();
        let mut link = Link::open(Transport::Plain(socket), address);
        let request = Outgoing { head: b"POST / HTTP/1.1\r\n\r\n".to_vec(), body: Bytes::new() };
        match link.exchange(&request).await {
            Err(Unanswered::Unsent(failure)) => assert_eq!(failure.kind, SendFailureKind::Reset),
            other => panic!("{other:?}"),
        }
        assert!(!link.is_usable());
    }

    #[tokio::test]
    async fn an_answer_before_the_request_is_through_is_an_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_exact(&mut [0; 1024]).await.unwrap();
            socket.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            socket
        };
        let asking = async {
            let mut link = Link::open(Transport::Plain(TcpStream::connect(address).await.unwrap()), address);
            let body = Bytes::from(vec![b'x'; 32 << 20]);
            let head = link.exchange(&Outgoing { head: b"POST / HTTP/1.1\r\n\r\n".to_vec(), body }).await.unwrap();
            assert_eq!((head.status, head.keeps_open), (413, false));
        };
        tokio::join!(peer, asking);
    }
}
