//! Users' programs in the course of things: what is refused when an endpoint is saved, which endpoints' filters let an
//! event pass, and what *try it* shows. Running them is the crate `programs`' work.
//!
//! A filter that fails lets the event pass: what was not sent cannot be unsent, but what was never sent is lost and
//! nobody notices. The event's explanation says that it failed, and how.

mod trial;

pub use kanca_programs::Fault;
pub(crate) use trial::TRIALS_AT_A_TIME;
pub use trial::{FilterTrial, TransformationTrial, Trial, TrialEvent, TrialInput};

use crate::Engine;
use crate::endpoints::{Endpoint, OptionsInput};
use crate::errors::FieldError;
use crate::events::Prepared;
use kanca_domain::endpoints::options::check_program;
use kanca_domain::events::{Because, EventData, EventType};
use kanca_domain::ids::EventId;
use kanca_programs::Event;
use kanca_storage::events::{EventRecord, Explanation};
use std::sync::Arc;

/// Characters of a filter that an explanation quotes.
const QUOTED: usize = 300;

impl Engine {
    /// What is wrong with the programs of an input, with their places.
    pub(crate) async fn check_programs(&self, options: &OptionsInput) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut note = |field: &str, checked: Result<(), Fault>| {
            if let Err(fault) = checked {
                faults.push(FieldError { field: field.into(), message: fault.to_string() });
            }
        };
        // What is no program at all is refused with the other options.
        if let Some(Some(text)) = &options.filter
            && let Ok(Some(text)) = check_program(text)
        {
            note("filter", self.programs.check_filter(text).await);
        }
        if let Some(Some(text)) = &options.transformation
            && let Ok(Some(text)) = check_program(text)
        {
            note("transformation", self.programs.check_transformation(text).await);
        }
        faults
    }

    /// Takes back the deliveries whose endpoints' filters do not let their event pass, and explains it.
    pub(crate) async fn sift(&self, prepared: &mut [Prepared]) {
        for one in prepared.iter_mut().filter(|p| p.is_by_subscription) {
            self.sift_one(one).await;
        }
    }

    async fn sift_one(&self, prepared: &mut Prepared) {
        let asked: Vec<(usize, Arc<Endpoint>)> = prepared
            .jobs
            .iter()
            .enumerate()
            .filter(|(_, (endpoint, _))| endpoint.record.options.filter.is_some())
            .map(|(at, (endpoint, _))| (at, endpoint.clone()))
            .collect();
        if asked.is_empty() {
            return;
        }
        let endpoints: Vec<_> = asked.iter().map(|(_, endpoint)| endpoint.clone()).collect();
        let event = &prepared.event;
        let event = program_event(
            event.id,
            &event.event_type,
            &event.timestamp.to_string(),
            event.ordering_key.as_deref(),
            &event.data,
        );
        let passes = self.pass(&endpoints, event).await;
        let mut taken_back = Vec::new();
        for ((at, endpoint), passed) in asked.into_iter().zip(passes).rev() {
            let filter = || quoted(endpoint.record.options.filter.as_deref().unwrap_or_default());
            let because = match passed {
                Ok(true) => continue,
                Ok(false) => {
                    prepared.event.deliveries.remove(at);
                    taken_back.push(prepared.jobs.remove(at));
                    Because::FilteredOut { filter: filter() }
                }
                Err(fault) => Because::FilterFailed { filter: filter(), error: fault.to_string() },
            };
            let (id, name) = (endpoint.record.id, Some(endpoint.record.name.as_str()));
            prepared.event.explanation.push(Explanation::of_endpoint(id, name, because));
        }
        self.dispatcher.drop_claims(taken_back);
    }

    /// Whether an endpoint's filter lets a stored event pass; without a filter, and when it fails, it does.
    pub(crate) async fn filter_passes(&self, endpoint: &Arc<Endpoint>, event: &EventRecord) -> bool {
        let Some(data) = event.data.as_ref().filter(|_| endpoint.record.options.filter.is_some()) else { return true };
        let timestamp = event.timestamp.to_string();
        let event = program_event(event.id, &event.event_type, &timestamp, event.ordering_key.as_deref(), data);
        !self.pass(std::slice::from_ref(endpoint), event).await.contains(&Ok(false))
    }

    /// Whether the filters of these endpoints, which must have one, let an event pass.
    async fn pass(&self, endpoints: &[Arc<Endpoint>], event: Result<Event, Fault>) -> Vec<Result<bool, Fault>> {
        let filters: Vec<&str> = endpoints.iter().filter_map(|e| e.record.options.filter.as_deref()).collect();
        match event {
            Ok(event) => self.programs.filter(&event, &filters).await.into_iter().map(|ran| ran.result).collect(),
            Err(fault) => filters.iter().map(|_| Err(fault.clone())).collect(),
        }
    }
}

/// An event as programs see it.
pub(crate) fn program_event(
    id: EventId,
    event_type: &EventType,
    timestamp: &str,
    ordering_key: Option<&str>,
    data: &EventData,
) -> Result<Event, Fault> {
    Event::new(id.to_string(), event_type.as_str(), timestamp, ordering_key, data.as_str())
}

fn quoted(filter: &str) -> String {
    let mut words: String = filter.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(QUOTED) {
        words.truncate(end);
        words.push('…');
    }
    words
}
