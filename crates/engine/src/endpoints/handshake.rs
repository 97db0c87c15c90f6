//! The handshake with receivers of `CloudEvents`: in the background when an endpoint is made or its URL or format changes,
//! and when somebody asks for it. Until the receiver has answered, deliveries wait as they do at a paused endpoint.
//!
//! A receiver may agree later, by calling back. The key in that address is sealed for the endpoint and holds its URL, so
//! nothing has to be stored for it, and it is void when the URL changes.

use super::Endpoint;
use crate::Engine;
use crate::deliveries::HOPS_HEADER;
use crate::errors::{EngineError, Result};
use crate::ports::{Method, OutgoingRequest, Route};
use crate::secrets;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use kanca_domain::attempts::AttemptEnd;
use kanca_domain::endpoints::handshake::{
    Handshake, HandshakeState, REQUEST_CALLBACK, REQUEST_ORIGIN, REQUEST_RATE, per_minute,
};
use kanca_domain::formats::Format;
use kanca_domain::ids::{EndpointId, ProjectId};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before a receiver that did not answer is asked again; the last one over and over.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

/// Bytes of an answer that are read; only its head matters.
const READ: usize = 1_024;

impl Endpoint {
    /// Whether deliveries may be attempted: it is active, and its receiver was asked where it has to be.
    pub fn sends(&self) -> bool {
        let handshake = self.record.options.handshake.as_ref();
        self.record.status.sends() && handshake.is_none_or(Handshake::lets_through)
    }
}

impl Engine {
    /// The handshake that an endpoint needs before anything is sent in this format.
    pub(super) fn handshake_for(&self, format: Format) -> Option<Handshake> {
        format.needs_handshake().then(|| Handshake::begun(self.origin_name(), self.clock.now()))
    }

    /// As whom Kanca asks: the host of its public address.
    fn origin_name(&self) -> String {
        let url = url::Url::parse(&self.settings.public_url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "kanca".to_owned())
    }

    /// Goes on with the handshakes that had not ended when the process did.
    pub(crate) fn resume_handshakes(&self) {
        for endpoint in self.snapshot.load().endpoints.values() {
            self.begin_handshake(endpoint);
        }
    }

    /// Asks in the background until there is an answer.
    pub(super) fn begin_handshake(&self, endpoint: &Endpoint) {
        let Some(handshake) = &endpoint.record.options.handshake else { return };
        if matches!(handshake.state, HandshakeState::Pending | HandshakeState::Unreachable) {
            let (id, at) = (endpoint.record.id, handshake.at);
            self.spawn(move |engine| async move { engine.shake_hands_until_answered(id, at, 0).await });
        }
    }

    async fn shake_hands_until_answered(self, id: EndpointId, mut at: Timestamp, mut tries: usize) {
        loop {
            match self.shake_hands(id, at).await {
                Ok(Some(handshake)) if handshake.state == HandshakeState::Unreachable => at = handshake.at,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(endpoint = %id, %error, "a handshake could not be recorded; it is tried again");
                }
            }
            tokio::time::sleep(PAUSES[tries.min(PAUSES.len() - 1)]).await;
            tries += 1;
        }
    }

    /// Asks the receiver once. `None` when the endpoint is not as it was at `at` any more: somebody else asks then.
    async fn shake_hands(&self, id: EndpointId, at: Timestamp) -> Result<Option<Handshake>> {
        let as_it_was = |endpoint: Option<Arc<Endpoint>>| {
            endpoint.filter(|e| e.record.options.handshake.as_ref().is_some_and(|handshake| handshake.at == at))
        };
        let current = || self.snapshot.load().endpoints.get(&id).cloned();
        let Some(endpoint) = as_it_was(current()) else { return Ok(None) };
        let Some(asked) = endpoint.record.options.handshake.clone() else { return Ok(None) };
        let result = self.sender.send(self.question(&endpoint, &asked)?).await.result;
        let now = self.later_than(at);
        let handshake = match &result {
            Ok(response) => asked.answered(response.status, &response.headers, now),
            Err(failure) => {
                let reason = AttemptEnd::NoAnswer(crate::deliveries::reason_of(failure.kind)).reason();
                asked.unanswered(&reason.words(&failure.detail), now)
            }
        };
        let _guard = self.config.lock().await;
        // Renamed meanwhile, or whatever else: only this much is changed.
        let Some(endpoint) = as_it_was(current()) else { return Ok(None) };
        self.put_handshake(&endpoint, handshake.clone()).await?;
        self.look_for_due(id);
        Ok(Some(handshake))
    }

    /// Now, and another time than `before` whatever the clock says: the time names a handshake.
    fn later_than(&self, before: Timestamp) -> Timestamp {
        let now = self.clock.now();
        if now == before { now + Duration::from_micros(1) } else { now }
    }

    fn question(&self, endpoint: &Endpoint, handshake: &Handshake) -> Result<OutgoingRequest> {
        let (url, route) = self.destination(endpoint);
        let mut headers = vec![
            (REQUEST_ORIGIN.into(), handshake.origin.clone().into()),
            (REQUEST_CALLBACK.into(), self.callback(endpoint)?.into()),
        ];
        let rate = endpoint.record.options.rate_limit.map(per_minute);
        headers.extend(rate.map(|rate| (REQUEST_RATE.into(), rate.to_string().into())));
        if route == Route::OwnInbox {
            headers.push((HOPS_HEADER.into(), "1".into()));
        }
        headers.extend(endpoint.own_headers().iter().map(|(name, value)| (name.clone().into(), value.clone().into())));
        Ok(OutgoingRequest {
            method: Method::Options,
            url,
            headers,
            body: Bytes::new(),
            timeout: endpoint.record.options.timeout().unwrap_or(self.settings.attempt_timeout),
            response_limit: READ,
            route,
            identity: endpoint.way.identity.clone(),
            proxy: endpoint.way.proxy.clone(),
        })
    }

    /// Where the receiver can agree later.
    fn callback(&self, endpoint: &Endpoint) -> Result<String> {
        let id = endpoint.record.id;
        let key = self.sealer.seal(&place(id), &secrets::hash(&endpoint.record.url))?;
        let key = URL_SAFE_NO_PAD.encode(key);
        Ok(format!("{}/webhook-handshakes/{id}?key={key}", self.settings.public_url.trim_end_matches('/')))
    }

    /// The receiver agrees by calling back, at the rate that it says. `false`: the key is not the one for this endpoint.
    pub async fn grant_handshake(&self, id: EndpointId, key: &str, rate: Option<&str>) -> Result<bool> {
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(key) else { return Ok(false) };
        // Nothing sealed opens as nothing: not what a key is.
        let url = self.sealer.open(&place(id), &sealed).unwrap_or_default();
        let _guard = self.config.lock().await;
        let Some(endpoint) = self.snapshot.load().endpoints.get(&id).cloned() else { return Ok(false) };
        let Some(handshake) = endpoint.record.options.handshake.clone() else { return Ok(false) };
        if url != secrets::hash(&endpoint.record.url) {
            return Ok(false);
        }
        let at = self.later_than(handshake.at);
        let granted = handshake.granted(rate, at);
        self.put_handshake(&endpoint, granted).await?;
        self.look_for_due(id);
        Ok(true)
    }

    /// Stores where the handshake stands. The caller holds the configuration's lock.
    async fn put_handshake(&self, old: &Endpoint, handshake: Handshake) -> Result<Arc<Endpoint>> {
        let mut record = old.record.clone();
        record.options.handshake = Some(handshake);
        self.storage.update_endpoint(record.clone()).await?;
        let endpoint = Endpoint::new(self, record, old.subscription.clone(), old.secrets.clone());
        self.update_snapshot(|s| s.put_endpoint(endpoint.clone()));
        Ok(endpoint)
    }

    /// Asks the receiver now, because somebody wants to know, and returns what came of it.
    pub async fn repeat_handshake(&self, project: ProjectId, id: EndpointId) -> Result<Arc<Endpoint>> {
        let at = {
            let _guard = self.config.lock().await;
            let endpoint = self.endpoint(project, id)?;
            let handshake = self.handshake_for(endpoint.record.format).ok_or_else(|| {
                EngineError::conflict(
                    "no-handshake",
                    "Only webhooks in a CloudEvents format need a handshake; this one sends without.",
                )
            })?;
            let at = handshake.at;
            self.put_handshake(&endpoint, handshake).await?;
            at
        };
        let handshake = self.shake_hands(id, at).await?;
        if let Some(Handshake { state: HandshakeState::Unreachable, at, .. }) = handshake {
            self.spawn(move |engine| async move {
                tokio::time::sleep(PAUSES[0]).await;
                engine.shake_hands_until_answered(id, at, 1).await;
            });
        }
        self.endpoint(project, id)
    }
}

/// What a callback's key is sealed for.
fn place(id: EndpointId) -> String {
    format!("{id}/handshake")
}
