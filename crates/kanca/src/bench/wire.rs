//! HTTP/1.1 as far as the load and the receivers need it: messages with a known length, one after another on a socket.
//!
//! A ready library would cost as much processor time as what is measured, on the same cores. Both ends here write one
//! buffer and read into one buffer that is kept, so a message costs little more than its system calls.

use std::future::poll_fn;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// The longest message that is read, in bytes.
const MOST: usize = 1 << 20;

/// Reads messages from one socket.
pub struct Incoming {
    buffer: Vec<u8>,
    /// Bytes read so far.
    filled: usize,
    /// Where the head of the current message ends, and where the message itself does.
    head: usize,
    whole: usize,
}

impl Incoming {
    pub fn new() -> Self {
        Self { buffer: vec![0; 4096], filled: 0, head: 0, whole: 0 }
    }

    /// Reads the next message; `false` when the peer has closed before it began.
    ///
    /// # Errors
    /// The socket's, and `InvalidData` for a message without a length that can be known.
    pub async fn next(&mut self, stream: &mut TcpStream) -> Result<bool> {
        self.buffer.copy_within(self.whole..self.filled, 0);
        self.filled -= self.whole;
        (self.head, self.whole) = (0, 0);
        loop {
            if self.head == 0
                && let Some(head) = end_of_head(&self.buffer[..self.filled])
            {
                self.head = head;
                self.whole = head + length_of_body(&self.buffer[..head])?;
            }
            if self.head > 0 && self.filled >= self.whole {
                return Ok(true);
            }
            let wanted = self.whole.max(self.filled + 1);
            if wanted > MOST {
                return Err(Error::new(ErrorKind::InvalidData, "a message of more than 1 MiB"));
            }
            if wanted > self.buffer.len() {
                self.buffer.resize(wanted.next_power_of_two(), 0);
            }
            let read = read(stream, &mut self.buffer[self.filled..]).await?;
            if read == 0 {
                let begun = self.filled > 0;
                return if begun { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(false) };
            }
            self.filled += read;
        }
    }

    /// The current message's first line and headers.
    pub fn head(&self) -> &[u8] {
        &self.buffer[..self.head]
    }

    pub fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.whole]
    }

    /// The status of an answer; 0 when it is none.
    pub fn status(&self) -> u16 {
        let digits = self.head().get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// The path of a request.
    pub fn path(&self) -> &str {
        let second = self.head().split(|byte| *byte == b' ').nth(1);
        second.and_then(|path| std::str::from_utf8(path).ok()).unwrap_or_default()
    }
}

/// Name and value of each header.
pub fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    head.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        Some((name, line[colon + 1..].trim_ascii()))
    })
}

async fn read(stream: &mut TcpStream, room: &mut [u8]) -> Result<usize> {
    let mut room = ReadBuf::new(room);
    poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut room)).await?;
    Ok(room.filled().len())
}

/// Writes all of it.
pub async fn write(stream: &mut TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let written = poll_fn(|context| Pin::new(&mut *stream).poll_write(context, bytes)).await?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Where the head ends, just after its empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn length_of_body(head: &[u8]) -> Result<usize> {
    let wrong = |what| Error::new(ErrorKind::InvalidData, what);
    let mut length = 0;
    for (name, value) in headers(head) {
        if name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(value).ok();
            length = text.and_then(|text| text.parse().ok()).ok_or_else(|| wrong("a length that is no number"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(wrong("a body in chunks, whose length is not known"));
        }
    }
    if length > MOST { Err(wrong("a message of more than 1 MiB")) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn messages_are_read_one_after_another_however_they_are_cut() {
        let (mut near, mut far) = pair().await;
        let long = "x".repeat(10_000);
        let text = format!(
            "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
             HTTP/1.1 202 Accepted\r\ncontent-length:10000\r\n\r\n{long}HTTP/1.1 204 No Content\r\n\r\n"
        );
        let sending = tokio::spawn(async move {
            for piece in text.as_bytes().chunks(37) {
                write(&mut near, piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut incoming = Incoming::new();
        assert!(incoming.next(&mut far).await.unwrap());
        assert_eq!((incoming.path(), incoming.body()), ("/3", &b"hello"[..]));
        assert!(headers(incoming.head()).any(|(name, value)| name == "Host" && value == b"a"));
        assert!(incoming.next(&mut far).await.unwrap());
        assert_eq!((incoming.status(), incoming.body().len()), (202, 10_000));
        assert!(incoming.next(&mut far).await.unwrap());
        assert_eq!((incoming.status(), incoming.body()), (204, &b""[..]));
        sending.await.unwrap();
        assert!(!incoming.next(&mut far).await.unwrap(), "the end of the socket is no message");
    }

    #[test]
    fn a_body_of_unknown_length_is_refused() {
        assert!(length_of_body(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(length_of_body(b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n").is_err());
        assert!(length_of_body(b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert_eq!(length_of_body(b"GET / HTTP/1.1\r\n\r\n").unwrap(), 0);
    }
}
