//! Test events: sent to one endpoint only, whatever its types, and marked as tests wherever they are seen.

use crate::Engine;
use crate::endpoints::Endpoint;
use crate::errors::{EngineError, Result};
use crate::events::{Audience, Publication};
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::events::{Because, EventData, EventType};
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, ProjectId};
use kanca_storage::events::Explanation;
use std::sync::Arc;

/// The type of a test event unless another is named.
pub const TEST_TYPE: &str = "test.ping";

/// A test that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestSent {
    pub event_id: EventId,
    pub delivery_id: DeliveryId,
}

impl Engine {
    /// Sends a test event to one endpoint. Without data it holds the registered example of its type, or a sentence that
    /// says what it is. Its data is checked as published data is: what is tested is what the receiver will get.
    pub async fn send_test(
        &self,
        project: ProjectId,
        id: EndpointId,
        event_type: Option<EventType>,
        data: Option<EventData>,
    ) -> Result<TestSent> {
        self.accepts_events()?;
        let endpoint = self.testable(project, id)?;
        let event_type = match event_type {
            Some(event_type) => event_type,
            None => TEST_TYPE.parse().map_err(|_| EngineError::Internal("test.ping is a type".into()))?,
        };
        let data = match data {
            Some(data) => data,
            None => match self.event_type(project, event_type.as_str()).ok().and_then(|t| t.record.example.clone()) {
                Some(example) => {
                    EventData::parse(example.as_bytes()).map_err(|e| EngineError::Internal(e.to_string()))?
                }
                None => default_data(&endpoint)?,
            },
        };
        let publication =
            Publication { event_type, data, timestamp: None, ordering_key: None, idempotency_key: None, hops: 0 };
        let mismatch = self.validate(project, &publication).await?;
        let note = Explanation::of_event(Because::Test { webhook: endpoint.record.name.clone() });
        let mut prepared = self.prepare(project, publication, &Audience::Test(endpoint));
        prepared.event.explanation.push(note);
        prepared.event.explanation.extend(mismatch);
        let event_id = prepared.event.id;
        let delivery_id = prepared.event.deliveries.first().map(|delivery| delivery.id);
        self.accept(prepared).await?;
        let delivery_id = delivery_id.ok_or_else(|| EngineError::Internal("a test has no delivery".into()))?;
        Ok(TestSent { event_id, delivery_id })
    }

    /// The endpoint of a test, which must be able to get it now.
    fn testable(&self, project: ProjectId, id: EndpointId) -> Result<Arc<Endpoint>> {
        let endpoint = self.endpoint(project, id)?;
        let (word, way) = match endpoint.record.status {
            EndpointStatus::Active => return Ok(endpoint),
            EndpointStatus::Paused => ("paused", "Resume"),
            EndpointStatus::Disabled => ("disabled", "Enable"),
        };
        let detail = format!("This webhook is {word}, so a test would not arrive. {way} it first.");
        Err(EngineError::conflict("endpoint-not-active", detail))
    }
}

fn default_data(endpoint: &Endpoint) -> Result<EventData> {
    let data = serde_json::json!({
        "test": true,
        "message": "This is a test event from Kanca. Nothing has happened.",
        "endpoint_id": endpoint.record.id,
    });
    EventData::parse(data.to_string().as_bytes()).map_err(|e| EngineError::Internal(e.to_string()))
}
