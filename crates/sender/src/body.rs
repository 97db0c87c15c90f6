//! Reads a response's body up to a limit, however long it claims to be or goes on.

use crate::failures::from_hyper;
use crate::link::Link;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use kanca_engine::ports::SendFailure;

/// Room set aside before the first byte; what a peer claims is no reason to reserve more.
const FIRST_ROOM: u64 = 16 * 1024;

/// The first `limit` bytes, and whether there were more. After a cut the connection must be dropped: the rest is still
/// on its way.
pub async fn read(link: &mut Link, mut body: Incoming, limit: usize) -> Result<(Bytes, bool), SendFailure> {
    let claimed = usize::try_from(body.size_hint().lower().min(FIRST_ROOM)).unwrap_or_default();
    let mut kept = Vec::with_capacity(claimed.min(limit));
    while !body.is_end_stream() {
        let Some(frame) = link.drive(body.frame(), None).await? else { break };
        let frame = frame.map_err(|error| from_hyper(&error))?;
        // Trailers are not kept.
        let Ok(data) = frame.into_data() else { continue };
        let room = limit - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((kept.into(), true));
        }
    }
    Ok((kept.into(), false))
}
