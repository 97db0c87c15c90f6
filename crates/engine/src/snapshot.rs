//! The configuration in memory: endpoints, inboxes, bots, keys. Hot paths read it without a lock or a query.
//!
//! A change is written to storage first and then swapped in here before the caller gets its answer, so that it is in
//! force before its 2xx. Writers of configuration are serialised by one lock; readers always see one whole snapshot.

use crate::endpoints::Endpoint;
use crate::event_types::Registry;
use crate::inboxes::Inbox;
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::events::{Because, BuiltIn, EventType};
use kanca_domain::ids::{BotId, EndpointId, InboxId, ProjectId};
use kanca_storage::accounts::{ApiKeyRecord, ProjectRecord};
use kanca_storage::events::Explanation;
use kanca_storage::scenarios::BotRecord;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// One state of the whole configuration.
#[derive(Default, Clone)]
pub struct Snapshot {
    pub(crate) projects: HashMap<ProjectId, Arc<ProjectRecord>>,
    pub(crate) endpoints: HashMap<EndpointId, Arc<Endpoint>>,
    pub(crate) inboxes: HashMap<InboxId, Arc<Inbox>>,
    pub(crate) slugs: HashMap<String, Arc<Inbox>>,
    pub(crate) keys: HashMap<[u8; 32], Arc<ApiKeyRecord>>,
    pub(crate) bots: HashMap<BotId, Arc<BotRecord>>,
    pub(crate) event_types: HashMap<ProjectId, Arc<Registry>>,
    matching: HashMap<ProjectId, Arc<Matching>>,
}

/// The endpoints that an event goes to, and why others do not get it.
#[derive(Default)]
pub struct Matched {
    pub endpoints: Vec<Arc<Endpoint>>,
    pub explanation: Vec<Explanation>,
}

/// A project's endpoints with the answers found so far, by event type.
#[derive(Default)]
struct Matching {
    endpoints: Vec<Arc<Endpoint>>,
    found: RwLock<HashMap<EventType, Arc<Matched>>>,
}

/// Types kept in the table of answers; a project with more of them is matched anew each time.
const KEPT_TYPES: usize = 2_000;

impl Snapshot {
    pub(crate) fn put_endpoint(&mut self, endpoint: Arc<Endpoint>) {
        let project = endpoint.record.project_id;
        self.endpoints.insert(endpoint.record.id, endpoint);
        self.renew_matching(project);
    }

    pub(crate) fn remove_endpoint(&mut self, project: ProjectId, endpoint: EndpointId) {
        self.endpoints.remove(&endpoint);
        self.renew_matching(project);
    }

    pub(crate) fn put_inbox(&mut self, inbox: Arc<Inbox>) {
        self.remove_inbox(inbox.record.id);
        self.slugs.insert(inbox.record.slug.clone(), inbox.clone());
        self.inboxes.insert(inbox.record.id, inbox);
    }

    pub(crate) fn remove_inbox(&mut self, inbox: InboxId) {
        if let Some(old) = self.inboxes.remove(&inbox) {
            self.slugs.remove(&old.record.slug);
        }
    }

    fn renew_matching(&mut self, project: ProjectId) {
        let mut endpoints: Vec<_> =
            self.endpoints.values().filter(|e| e.record.project_id == project).cloned().collect();
        endpoints.sort_by_key(|e| e.record.id);
        self.matching.insert(project, Arc::new(Matching { endpoints, found: RwLock::default() }));
    }

    /// The endpoints of a project that get events of this type.
    pub fn matched(&self, project: ProjectId, event_type: &EventType) -> Arc<Matched> {
        let Some(matching) = self.matching.get(&project) else {
            return Arc::new(Matched { endpoints: Vec::new(), explanation: vec![nobody(&[], event_type)] });
        };
        if let Some(found) = matching.found.read().get(event_type) {
            return found.clone();
        }
        let answer = Arc::new(match_endpoints(&matching.endpoints, event_type));
        let mut found = matching.found.write();
        if found.len() < KEPT_TYPES {
            found.insert(event_type.clone(), answer.clone());
        }
        answer
    }
}

fn match_endpoints(endpoints: &[Arc<Endpoint>], event_type: &EventType) -> Matched {
    let mut matched = Matched::default();
    let addressed = BuiltIn::of(event_type).is_some_and(BuiltIn::is_addressed);
    for endpoint in endpoints.iter().filter(|e| !addressed && e.subscription.matches(event_type)) {
        if endpoint.record.status == EndpointStatus::Disabled {
            let name = Some(endpoint.record.name.as_str());
            matched.explanation.push(Explanation::of_endpoint(endpoint.record.id, name, Because::Disabled));
        } else {
            matched.endpoints.push(endpoint.clone());
        }
    }
    if addressed {
        let because = Because::Addressed { event_type: event_type.as_str().to_owned() };
        matched.explanation.push(Explanation::of_event(because));
    }
    if matched.endpoints.is_empty() && matched.explanation.is_empty() {
        matched.explanation.push(nobody(endpoints, event_type));
    }
    matched
}

fn nobody(endpoints: &[Arc<Endpoint>], event_type: &EventType) -> Explanation {
    Explanation::of_event(match endpoints.len() {
        0 => Because::NoWebhook,
        webhooks => Because::NobodySubscribes { event_type: event_type.as_str().to_owned(), webhooks },
    })
}
