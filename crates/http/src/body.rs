//! Reading request bodies within a limit. A body that is too large is read to its end (within bounds) and thrown away, so
//! that the client, which may still be writing, sees the answer instead of a broken connection.

use crate::problems::{Answer, Problem};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bytes of a too large body that are read and thrown away at most.
const DISCARD_BYTES: u64 = 256 << 20;
/// How long a too large body is read at most.
const DISCARD_TIME: Duration = Duration::from_secs(20);
/// Memory taken for a body before it comes.
const RESERVE: usize = 64 << 10;
/// How long a body may take at most.
const READ_TIME: Duration = Duration::from_mins(1);

/// A body as far as it was read.
pub enum Collected {
    Whole(Bytes),
    /// Longer than the limit; how long it was, as announced or as far as it was read.
    TooLarge(u64),
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// A problem when the connection breaks, the framing is wrong or the client is too slow.
pub async fn collect<B>(headers: &HeaderMap, body: B, limit: usize) -> Answer<Collected>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let announced = announced(headers);
    match tokio::time::timeout(READ_TIME, read(body, announced, limit)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::malformed("The body did not arrive within 60 seconds. Send it faster.")),
    }
}

async fn read<B>(mut body: B, announced: Option<u64>, limit: usize) -> Answer<Collected>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let over = |n: u64| n > limit as u64;
    let mut collected = BytesMut::new();
    if let Some(length) = announced {
        // A promise takes little memory; what comes takes what it needs.
        collected.reserve(usize::try_from(length).unwrap_or(RESERVE).min(RESERVE).min(limit));
    }
    let mut too_large = announced.is_some_and(over);
    while !too_large {
        let Some(frame) = body.frame().await else { return Ok(Collected::Whole(collected.freeze())) };
        let frame = frame.map_err(|_| Problem::malformed("The body broke off or is framed wrongly."))?;
        if let Ok(data) = frame.into_data() {
            too_large = over((collected.len() + data.len()) as u64);
            if collected.is_empty() && !too_large && announced == Some(data.len() as u64) {
                return Ok(Collected::Whole(data));
            }
            collected.extend_from_slice(&data);
        }
    }
    let read = collected.len() as u64;
    drop(collected);
    let discarded = tokio::time::timeout(DISCARD_TIME, discard(body)).await.unwrap_or(0);
    Ok(Collected::TooLarge(announced.unwrap_or(0).max(read + discarded)))
}

/// The length that a request's head promises.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok())
}

/// Reads the rest of a body and throws it away, within bounds; says how much it was.
pub async fn discard(mut body: impl http_body::Body<Data = Bytes> + Unpin) -> u64 {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, |d| d.len() as u64);
        if discarded > DISCARD_BYTES {
            break;
        }
    }
    discarded
}

/// Reads what nobody wanted of a body, so that a client which is still writing sees the answer.
pub async fn discard_rest(body: impl http_body::Body<Data = Bytes> + Unpin) {
    if !body.is_end_stream() {
        // Who does not finish in time sees a broken connection.
        let _ = tokio::time::timeout(DISCARD_TIME, discard(body)).await;
    }
}

/// A body that can be taken up again after its reader left it.
#[derive(Clone)]
pub struct Resumable(Arc<Mutex<Incoming>>);

impl Resumable {
    pub fn new(body: Incoming) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }
}

impl http_body::Body for Resumable {
    type Data = Bytes;
    type Error = hyper::Error;
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}
