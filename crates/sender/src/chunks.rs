//! The chunked coding (RFC 9112 §7.1), read a piece at a time. Extensions and trailers are passed over, within limits.

use crate::failures::protocol;
use httparse::Status;
use kanca_engine::ports::SendFailure;

/// The longest line with a chunk's size and extensions.
const LONGEST_SIZE: usize = 4 * 1024;
/// Bytes of all trailers.
const MOST_TRAILERS: usize = 16 * 1024;

/// Where in the coding the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunks {
    Size,
    /// So many bytes of the chunk are to come.
    Data(u64),
    /// The line break behind a chunk.
    DataEnd,
    /// So many bytes of trailers have come.
    Trailers(usize),
    Done,
}

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of the coding itself: to be passed over.
    Coding(usize),
    /// So many bytes of data.
    Data(usize),
    /// More bytes are needed.
    More,
    End,
}

impl Chunks {
    /// Tells what `bytes` begin with.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, SendFailure> {
        match *self {
            Self::Size => match httparse::parse_chunk_size(bytes) {
                Ok(Status::Complete((length, size))) => {
                    *self = if size == 0 { Self::Trailers(0) } else { Self::Data(size) };
                    Ok(Piece::Coding(length))
                }
                Ok(Status::Partial) if bytes.len() <= LONGEST_SIZE => Ok(Piece::More),
                Ok(Status::Partial) => Err(protocol("a chunk's extension in the response is too long")),
                Err(_) => Err(protocol("the size of a chunk in the response is no size")),
            },
            Self::Data(_) if bytes.is_empty() => Ok(Piece::More),
            Self::Data(left) => {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let left = left - here as u64;
                *self = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                Ok(Piece::Data(here))
            }
            Self::DataEnd => {
                if bytes.starts_with(b"\r\n") {
                    *self = Self::Size;
                    return Ok(Piece::Coding(2));
                }
                if b"\r\n".starts_with(bytes) {
                    return Ok(Piece::More);
                }
                Err(protocol("a chunk of the response is longer than its size"))
            }
            Self::Trailers(before) => {
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                    return if before + bytes.len() <= MOST_TRAILERS { Ok(Piece::More) } else { Err(too_many()) };
                };
                let line = &bytes[..=end];
                if before + line.len() > MOST_TRAILERS {
                    return Err(too_many());
                }
                *self = if line == b"\r\n" || line == b"\n" { Self::Done } else { Self::Trailers(before + line.len()) };
                Ok(Piece::Coding(line.len()))
            }
            Self::Done => Ok(Piece::End),
        }
    }
}

fn too_many() -> SendFailure {
    protocol("the response's trailers exceed 16 KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a body that comes so many bytes at a time; gives its data and what is left behind it.
    fn read(text: &[u8], step: usize) -> Result<(Vec<u8>, usize), String> {
        let (mut chunks, mut data, mut at, mut there) = (Chunks::Size, Vec::new(), 0, step.min(text.len()));
        loop {
            match chunks.next(&text[at..there]).map_err(|failure| failure.detail)? {
                Piece::Coding(length) => at += length,
                Piece::Data(length) => {
                    data.extend_from_slice(&text[at..at + length]);
                    at += length;
                }
                Piece::More if there == text.len() => return Err("cut short".into()),
                Piece::More => there = (there + step).min(text.len()),
                Piece::End => return Ok((data, text.len() - at)),
            }
        }
    }

    #[test]
    fn a_body_reads_the_same_however_it_comes() {
        let text = b"5\r\nhello\r\n1;name=\"value\"\r\n \r\nA\r\n0123456789\r\n0\r\nx-t: 1\r\nx-u: 2\r\n\r\nnext";
        for step in 1..=text.len() {
            let (data, left) = read(text, step).unwrap();
            assert_eq!(data, b"hello 0123456789", "{step}");
            assert!(left <= 4, "{step}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_end_and_are_never_more_than_came(
            text in proptest::collection::vec(proptest::sample::select(&b"0123afF;:xz\r\n\r\n \0\xff"[..]), 0..80),
            step in 1_usize..9,
        ) {
            if let Ok((data, left)) = read(&text, step) {
                proptest::prop_assert!(data.len() + left < text.len());
            }
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for (text, words) in [
            (&b"zz\r\n"[..], "no size"),
            (b"fffffffffffffffff\r\n", "no size"),
            (b"-1\r\n", "no size"),
            (b"1\r\nab\r\n", "longer than its size"),
            (b"1\r\na\n0\r\n\r\n", "longer than its size"),
            (b"5\r\nhel", "cut short"),
            (b"0\r\n", "cut short"),
        ] {
            let error = read(text, 3).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
