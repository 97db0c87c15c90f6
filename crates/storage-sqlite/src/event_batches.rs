//! Accepting events that come together: one commit holds all of them. Keys are compared before anything is written, so
//! that a conflict costs those who share the commit nothing.

use crate::SqliteStorage;
use crate::claims::ClaimGuard;
use crate::events::{Prepared, accept, stored_key};
use crate::faults::Run;
use crate::jobs::Tx;
use kanca_domain::ids::EventId;
use kanca_storage::Result;
use kanca_storage::events::{AllAccepted, NewEvent};
use std::collections::HashMap;

impl SqliteStorage {
    pub(crate) async fn accept_together(&self, events: Vec<NewEvent>) -> Result<AllAccepted> {
        let prepared = events.into_iter().map(Prepared::new).collect::<Result<Vec<_>>>()?;
        let guard = ClaimGuard::new(&self.writer, prepared.iter().flat_map(Prepared::to_claim).collect());
        let accepted = self.writer.call(move |tx| accept_all(tx, &prepared)).await;
        guard.keep();
        accepted
    }
}

fn accept_all(tx: &mut Tx<'_>, events: &[Prepared]) -> Run<AllAccepted> {
    let taken = taken_keys(tx, events)?;
    if !taken.is_empty() {
        return Ok(AllAccepted::KeysTaken(taken));
    }
    Ok(AllAccepted::Stored(events.iter().map(|event| accept(tx, event)).collect::<Run<_>>()?))
}

/// The places of those whose key another content has, in the table or earlier in this call.
fn taken_keys(tx: &Tx<'_>, events: &[Prepared]) -> Run<Vec<(usize, EventId)>> {
    let mut taken = Vec::new();
    let mut here: HashMap<&str, (EventId, [u8; 32])> = HashMap::new();
    for (place, Prepared { event, .. }) in events.iter().enumerate() {
        let Some(idempotency) = &event.idempotency else { continue };
        let known = match here.get(idempotency.key.as_str()) {
            Some(known) => Some(*known),
            None => stored_key(tx, event, idempotency)?,
        };
        let (by, fingerprint) = known.unwrap_or((event.id, idempotency.fingerprint));
        if fingerprint != idempotency.fingerprint {
            taken.push((place, by));
        }
        here.entry(&idempotency.key).or_insert((by, fingerprint));
    }
    Ok(taken)
}
