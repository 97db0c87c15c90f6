//! Reads a response's body up to a limit, however long it claims to be or goes on.

use crate::chunks::{Chunks, Piece};
use crate::failures::cut_short;
use crate::link::Link;
use crate::response::{Framing, Head};
use bytes::{Buf, Bytes};
use kanca_engine::ports::SendFailure;

/// The first `limit` bytes, and whether there were more. After a cut the connection must be dropped: the rest is still
/// on its way.
pub async fn read(link: &mut Link, head: &Head, limit: usize) -> Result<(Bytes, bool), SendFailure> {
    let body = match head.framing {
        Framing::Length(length) => of_length(link, length, limit).await?,
        Framing::Chunked => in_chunks(link, limit).await?,
        Framing::Close => to_the_end(link, limit).await?,
    };
    link.ended(head.keeps_open && !body.1);
    Ok(body)
}

async fn of_length(link: &mut Link, length: u64, limit: usize) -> Result<(Bytes, bool), SendFailure> {
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    let kept = wanted.min(limit);
    while link.arrived().len() < kept || (wanted > limit && link.arrived().len() == kept) {
        more(link).await?;
    }
    // Copied, so that the connection keeps its buffer.
    let body = Bytes::copy_from_slice(&link.arrived()[..kept]);
    link.arrived().advance(kept);
    Ok((body, wanted > limit))
}

async fn in_chunks(link: &mut Link, limit: usize) -> Result<(Bytes, bool), SendFailure> {
    let mut chunks = Chunks::Size;
    let mut kept = Vec::new();
    loop {
        let arrived = link.arrived();
        match chunks.next(arrived)? {
            Piece::Coding(length) => arrived.advance(length),
            Piece::Data(length) => {
                let room = limit - kept.len();
                kept.extend_from_slice(&arrived[..length.min(room)]);
                if length > room {
                    return Ok((kept.into(), true));
                }
                arrived.advance(length);
            }
            Piece::More => more(link).await?,
            Piece::End => return Ok((kept.into(), false)),
        }
    }
}

async fn to_the_end(link: &mut Link, limit: usize) -> Result<(Bytes, bool), SendFailure> {
    while link.arrived().len() <= limit {
        if link.read().await? == 0 {
            return Ok((link.arrived().split().freeze(), false));
        }
    }
    Ok((link.arrived().split_to(limit).freeze(), true))
}

async fn more(link: &mut Link) -> Result<(), SendFailure> {
    match link.read().await? {
        0 => Err(cut_short()),
        _ => Ok(()),
    }
}
