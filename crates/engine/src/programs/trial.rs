//! *Try it*: runs an endpoint's filter and transformation, saved or not, on an event, and shows what an attempt would
//! send. Nothing is sent or stored.

use super::program_event;
use crate::Engine;
use crate::deliveries::{Changed, EventBody, SharedBody, finished, headers, masked};
use crate::endpoints::Endpoint;
use crate::errors::{EngineError, Result};
use bytes::Bytes;
use kanca_domain::attempts::ReasonCode;
use kanca_domain::events::{EventData, EventType, OrderingKey};
use kanca_domain::headers::Header;
use kanca_domain::ids::{EndpointId, EventId, ProjectId};
use kanca_programs::{Fault, Transformed};
use std::sync::Arc;

/// Programs that are tried at a time; who tries more waits.
pub(crate) const TRIALS_AT_A_TIME: usize = 2;

/// The event that programs are tried on.
#[derive(Debug, Clone)]
pub enum TrialEvent {
    /// One that was published.
    Stored(EventId),
    /// One that is made up.
    Made { event_type: EventType, data: EventData, ordering_key: Option<OrderingKey> },
}

/// What is to be tried; a program that is not given is the endpoint's own, `Some(None)` is none.
#[derive(Debug, Clone)]
pub struct TrialInput {
    pub event: TrialEvent,
    pub filter: Option<Option<String>>,
    pub transformation: Option<Option<String>>,
}

/// What came of it.
pub struct Trial {
    /// Whether the endpoint's types include the event's.
    pub matches_types: bool,
    pub filter: Option<FilterTrial>,
    pub transformation: Option<TransformationTrial>,
    /// What would be sent: headers with secret values masked, and the body.
    pub request: Option<(Vec<Header>, Bytes)>,
}

/// What a filter said.
pub struct FilterTrial {
    pub result: Result<bool, Fault>,
    pub micros: u64,
}

/// What a transformation said.
pub struct TransformationTrial {
    pub skipped: bool,
    /// What it gave: the headers that it sets, and the body.
    pub output: Option<(Vec<(String, String)>, Bytes)>,
    /// What is wrong with it or with what it gave.
    pub error: Option<Fault>,
    pub micros: u64,
}

impl Engine {
    /// Tries an endpoint's programs.
    pub async fn try_programs(&self, project: ProjectId, id: EndpointId, input: TrialInput) -> Result<Trial> {
        let endpoint = self.endpoint(project, id)?;
        let (body, ordering_key) = self.trial_body(project, input.event).await?;
        let timestamp = body.timestamp.to_string();
        let event = program_event(body.event_id, &body.event_type, &timestamp, ordering_key.as_deref(), &body.data)
            .map_err(|fault| EngineError::invalid("data", fault.to_string()))?;
        let own = &endpoint.record.options;
        let filter = input.filter.unwrap_or_else(|| own.filter.clone()).filter(|text| !text.trim().is_empty());
        let transformation =
            input.transformation.unwrap_or_else(|| own.transformation.clone()).filter(|text| !text.trim().is_empty());
        let _place = self.trials.acquire().await.map_err(|error| EngineError::Internal(error.to_string()))?;
        let filter = match &filter {
            Some(text) => {
                let ran = self.programs.try_filter(&event, text).await;
                Some(FilterTrial { result: ran.result, micros: ran.micros })
            }
            None => None,
        };
        let mut sent =
            body.encoded(endpoint.record.format).map_err(|error| (ReasonCode::TooLargeRequest, error.to_string()));
        let mut tried = None;
        if let Some(text) = &transformation {
            let (url, _) = self.destination(&endpoint);
            let ran = self.programs.transform(&event, &url, text).await;
            let mut trial = TransformationTrial { skipped: false, output: None, error: None, micros: ran.micros };
            match ran.result {
                Ok(Transformed::Send { content, headers }) => {
                    sent = finished(&body, endpoint.record.format, content, headers);
                    trial.output = sent.as_ref().ok().map(|sent| {
                        let headers = sent.changed.iter().flat_map(|changed| changed.set());
                        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
                        (headers.collect(), sent.bytes.clone())
                    });
                    trial.error = sent.as_ref().err().map(|(_, words)| Fault::of_output(words));
                }
                Ok(Transformed::Skip) => trial.skipped = true,
                Err(fault) => trial.error = Some(fault),
            }
            if trial.skipped || trial.error.is_some() {
                sent = Err((ReasonCode::Skipped, String::new()));
            }
            tried = Some(trial);
        }
        let request = sent.ok().map(|sent| self.shown(&body, &endpoint, &sent));
        Ok(Trial {
            matches_types: endpoint.subscription.matches(&body.event_type),
            filter,
            transformation: tried,
            request,
        })
    }

    /// The event as it would be sent, and its ordering key.
    async fn trial_body(&self, project: ProjectId, event: TrialEvent) -> Result<(Arc<EventBody>, Option<String>)> {
        let now = self.clock.now();
        let (id, event_type, timestamp, data, ordering_key) = match event {
            TrialEvent::Made { event_type, data, ordering_key } => {
                let ordering_key = ordering_key.map(|key| key.as_str().to_owned());
                (self.ids.next(), event_type, crate::events::milliseconds(now), data, ordering_key)
            }
            TrialEvent::Stored(id) => {
                let event = self.event(project, id).await?;
                let data =
                    event.data.ok_or_else(|| EngineError::Internal("an event was read without its data".into()))?;
                (event.id, event.event_type, event.timestamp, data, event.ordering_key)
            }
        };
        Ok((Arc::new(EventBody::new(project, id, event_type, timestamp, now, data, 0)), ordering_key))
    }

    fn shown(&self, body: &EventBody, endpoint: &Endpoint, sent: &SharedBody) -> (Vec<Header>, Bytes) {
        let headers = headers(body, endpoint, sent, self.clock.now(), None);
        let changed: Option<&Changed> = sent.changed.as_deref();
        (masked(headers, endpoint, changed), sent.bytes.clone())
    }
}
