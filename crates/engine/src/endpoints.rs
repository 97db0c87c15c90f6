//! Endpoints (in the panel: webhooks): create, change, delete. All input is checked here with the domain's rules; the
//! change is in force when the call returns.

mod auth;
mod faults;
mod handshake;
mod options;
mod sealed;
mod signing;
mod way;

pub use auth::{AuthFields, AuthKind};
pub(crate) use faults::Faults;
pub use options::{OptionsInput, RateLimitInput};
pub use signing::Rotation;
pub use way::{CertificateFields, ProxyFields};

use crate::Engine;
use crate::deliveries::Turn;
use crate::errors::{EngineError, Result};
use crate::ports::Route;
use kanca_domain::endpoints::{self as rules, DisabledCode, EndpointOptions, EndpointStatus, Ordering};
use kanca_domain::events::{BuiltIn, Subscription};
use kanca_domain::formats::Format;
use kanca_domain::headers;
use kanca_domain::ids::{EndpointId, InboxId, ProjectId};
use kanca_domain::inboxes::{Slug, inbox_of_own_url};
use kanca_domain::signatures::Version;
use kanca_storage::deliveries::StatusCounts;
use kanca_storage::endpoints::EndpointRecord;
use sealed::{SealedOptions, Secrets, unreadable};
use signing::Signing;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;
use way::Way;

/// What stands for a header value that is not shown.
pub const MASK: &str = "••••";

/// An endpoint ready for use: parsed, with its secrets opened.
pub struct Endpoint {
    pub record: EndpointRecord,
    pub subscription: Subscription,
    secrets: Secrets,
    pub(crate) signing: Signing,
    pub(crate) way: Way,
    /// The headers that are its own, with values.
    own_headers: Vec<(String, String)>,
    /// What its URL names under Kanca's own origin, whether or not there is such an inbox.
    own_slug: Option<Slug>,
    pub(crate) turn: Turn,
}

impl Endpoint {
    fn new(engine: &Engine, record: EndpointRecord, subscription: Subscription, secrets: Secrets) -> Arc<Self> {
        let options = &secrets.options;
        let way = engine.read_way(record.id, options.client_certificate.as_ref(), options.proxy.as_ref());
        let mut own_headers = secrets.headers.clone();
        own_headers.extend(secrets.options.auth.iter().map(|auth| ("authorization".to_owned(), auth.header())));
        let own_slug = engine.own_slug(&record.url);
        let (signing, turn) = (Signing::new(&secrets), Turn::default());
        Arc::new(Self { record, subscription, secrets, signing, way, own_headers, own_slug, turn })
    }

    /// Whether its receiver may answer otherwise than to `old`: requests look or are signed differently, or begin again.
    fn asks_otherwise_than(&self, old: &Self) -> bool {
        let (new, before) = (&self.record, &old.record);
        let requests = |record: &EndpointRecord| (record.format, record.options.transformation.clone());
        requests(new) != requests(before)
            || self.secrets.secret != old.secrets.secret
            || self.own_headers != old.own_headers
            || self.secrets.options.client_certificate != old.secrets.options.client_certificate
            || self.secrets.options.proxy != old.secrets.options.proxy
            || (new.status.sends() && !before.status.sends())
    }

    /// The names of the custom headers.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.secrets.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Its credentials, what is secret masked.
    pub fn auth(&self) -> Option<AuthFields> {
        self.secrets.options.auth.as_ref().map(AuthFields::of)
    }

    /// The headers that are its own, custom ones and credentials, with their values; never shown.
    pub(crate) fn own_headers(&self) -> &[(String, String)] {
        &self.own_headers
    }
}

/// Input for a new endpoint.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    pub name: String,
    pub url: String,
    pub event_types: Option<Vec<String>>,
    pub format: Option<Format>,
    pub secret: Option<String>,
    /// By default that of the secret.
    pub signature: Option<Version>,
    pub headers: Vec<(String, String)>,
    pub ordering: Option<Ordering>,
    pub options: OptionsInput,
}

/// Changes to an endpoint; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    pub name: Option<String>,
    pub url: Option<String>,
    pub event_types: Option<Option<Vec<String>>>,
    pub format: Option<Format>,
    /// Takes the place of the secret at once.
    pub secret: Option<String>,
    /// Another one than before makes a new secret, unless one is given.
    pub signature: Option<Version>,
    /// Replaces all headers; a value of [`MASK`] keeps the stored one.
    pub headers: Option<Vec<(String, String)>>,
    pub ordering: Option<Ordering>,
    pub status: Option<EndpointStatus>,
    pub options: OptionsInput,
}

impl Engine {
    /// Creates an endpoint; its secret, generated unless given, can be shown to the caller this once.
    pub async fn create_endpoint(&self, project: ProjectId, new: NewEndpoint) -> Result<(Arc<Endpoint>, String)> {
        let programs = self.check_programs(&new.options).await;
        let _guard = self.config.lock().await;
        let mut faults = Faults::default();
        let name = faults.check("name", rules::check_name(&new.name)).unwrap_or_default().to_owned();
        let subscription = faults.subscription(new.event_types.as_deref());
        let secret = self.choose_secret(new.secret.as_deref(), new.signature, &mut faults);
        faults.headers(pairs(&new.headers));
        let inbox_id = faults.url(self, project, &new.url);
        let mut options = EndpointOptions::default();
        // Where the secret is wrong, another stands for it while the rest is looked at.
        let secret = secret.unwrap_or_else(|| self.new_secret(Version::V1));
        let mut secrets = Secrets { secret, headers: new.headers, options: SealedOptions::default() };
        new.options.apply(self, &mut options, &mut secrets, &mut faults);
        faults.extend(programs);
        faults.result()?;
        let (Some(subscription), Some(inbox_id)) = (subscription, inbox_id) else {
            return Err(EngineError::Internal("an endpoint was refused without a fault".into()));
        };
        let now = self.clock.now();
        let format = new.format.unwrap_or(Format::Json);
        let mut record = EndpointRecord {
            id: self.ids.next(),
            project_id: project,
            name,
            url: new.url,
            event_types: patterns(&subscription),
            format,
            ordering: new.ordering.unwrap_or(Ordering::Key),
            status: EndpointStatus::Active,
            disabled_reason: None,
            disabled_code: None,
            inbox_id,
            sealed_secret: Vec::new(),
            sealed_headers: Vec::new(),
            options: EndpointOptions { handshake: self.handshake_for(format), ..options },
            sealed_options: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        self.seal(&mut record, &secrets)?;
        self.storage.create_endpoint(record.clone()).await?;
        let text = secrets.secret.reveal();
        let endpoint = Endpoint::new(self, record, subscription, secrets);
        self.update_snapshot(|s| s.put_endpoint(endpoint.clone()));
        self.begin_handshake(&endpoint);
        Ok((endpoint, text))
    }

    /// Changes an endpoint.
    pub async fn patch_endpoint(
        &self,
        project: ProjectId,
        id: EndpointId,
        patch: EndpointPatch,
    ) -> Result<Arc<Endpoint>> {
        self.endpoint(project, id)?;
        let programs = self.check_programs(&patch.options).await;
        let _guard = self.config.lock().await;
        let old = self.endpoint(project, id)?;
        let mut record = old.record.clone();
        let mut faults = Faults::default();
        if let Some(name) = patch.name
            && let Some(name) = faults.check("name", rules::check_name(&name))
        {
            name.clone_into(&mut record.name);
        }
        let mut subscription = old.subscription.clone();
        if let Some(types) = patch.event_types
            && let Some(parsed) = faults.subscription(types.as_deref())
        {
            record.event_types = patterns(&parsed);
            subscription = parsed;
        }
        let mut secrets = old.secrets.clone();
        secrets.drop_expired(self.clock.now());
        if (patch.secret.is_some() || patch.signature.is_some_and(|version| version != old.signature()))
            && let Some(secret) = self.choose_secret(patch.secret.as_deref(), patch.signature, &mut faults)
        {
            secrets.secret = secret;
            secrets.options.previous_secrets.clear();
        }
        if let Some(given) = patch.headers {
            secrets.headers = given.into_iter().map(|(name, value)| keep_masked(&old, name, value)).collect();
            faults.headers(pairs(&secrets.headers));
        }
        if let Some(url) = patch.url {
            if let Some(inbox_id) = faults.url(self, project, &url) {
                record.inbox_id = inbox_id;
            }
            record.url = url;
        }
        patch.options.apply(self, &mut record.options, &mut secrets, &mut faults);
        faults.extend(programs);
        faults.result()?;
        self.seal(&mut record, &secrets)?;
        record.format = patch.format.unwrap_or(record.format);
        if !record.format.needs_handshake() {
            record.options.handshake = None;
        } else if record.options.handshake.is_none() || record.url != old.record.url {
            record.options.handshake = self.handshake_for(record.format);
        }
        record.ordering = patch.ordering.unwrap_or(record.ordering);
        if let Some(status) = patch.status {
            record.status = status;
            let disabled = status == EndpointStatus::Disabled;
            record.disabled_reason = disabled.then(|| "Disabled by hand.".to_owned());
            record.disabled_code = disabled.then_some(DisabledCode::ByHand);
        }
        record.updated_at = self.clock.now();
        self.storage.update_endpoint(record.clone()).await?;
        let endpoint = Endpoint::new(self, record, subscription, secrets);
        self.update_snapshot(|s| s.put_endpoint(endpoint.clone()));
        let is_another = endpoint.record.url != old.record.url;
        if is_another || endpoint.asks_otherwise_than(&old) {
            self.forget_outage(id, is_another).await;
        }
        if old.record.ordering == Ordering::Key && endpoint.record.ordering == Ordering::None {
            self.dispatcher.promote_all(id, self.plan.now());
        }
        self.begin_handshake(&endpoint);
        self.look_for_due(id);
        if endpoint.record.status == EndpointStatus::Disabled && old.record.status != EndpointStatus::Disabled {
            self.announce_disabled(&endpoint.record).await;
        }
        Ok(endpoint)
    }

    /// Disables an endpoint for a reason of Kanca's own. The caller holds the configuration's lock.
    pub(crate) async fn disable_endpoint(&self, old: &Endpoint, code: DisabledCode, reason: &str) -> Result<()> {
        let mut record = old.record.clone();
        record.status = EndpointStatus::Disabled;
        record.disabled_reason = Some(reason.to_owned());
        record.disabled_code = Some(code);
        record.updated_at = self.clock.now();
        self.storage.update_endpoint(record.clone()).await?;
        let endpoint = self.load_endpoint(record)?;
        self.update_snapshot(|s| s.put_endpoint(endpoint.clone()));
        // What is in memory for it goes back into the table.
        self.look_for_due(endpoint.record.id);
        self.announce_disabled(&endpoint.record).await;
        Ok(())
    }

    async fn announce_disabled(&self, record: &EndpointRecord) {
        let data = serde_json::json!({
            "endpoint_id": record.id, "endpoint_name": record.name,
            "reason_code": record.disabled_code, "reason": record.disabled_reason,
        });
        if let Err(error) = self.publish_built_in(record.project_id, BuiltIn::EndpointDisabled, &data, 0).await {
            tracing::warn!(endpoint = %record.id, %error, "the event endpoint.disabled was not published");
        }
    }

    /// Deletes an endpoint; its pending deliveries are cancelled.
    pub async fn delete_endpoint(&self, project: ProjectId, id: EndpointId) -> Result<()> {
        let _guard = self.config.lock().await;
        self.endpoint(project, id)?;
        self.storage.delete_endpoint(project, id, self.clock.now()).await?;
        self.update_snapshot(|s| s.remove_endpoint(project, id));
        self.dispatcher.forget(project, id);
        self.cancel_rest(id);
        Ok(())
    }

    /// One endpoint of a project.
    pub fn endpoint(&self, project: ProjectId, id: EndpointId) -> Result<Arc<Endpoint>> {
        let snapshot = self.snapshot.load();
        let found = snapshot.endpoints.get(&id).filter(|e| e.record.project_id == project);
        found.cloned().ok_or(EngineError::NotFound("endpoint"))
    }

    /// The endpoints of a project, newest first.
    pub fn endpoints(&self, project: ProjectId) -> Vec<Arc<Endpoint>> {
        let snapshot = self.snapshot.load();
        let mut found: Vec<_> =
            snapshot.endpoints.values().filter(|e| e.record.project_id == project).cloned().collect();
        found.sort_by_key(|e| Reverse(e.record.id));
        found
    }

    /// Numbers of deliveries by status for each endpoint.
    pub async fn endpoint_counts(&self, project: ProjectId) -> Result<HashMap<EndpointId, StatusCounts>> {
        Ok(self.storage.endpoint_counts(project).await?)
    }

    /// The signing secret, through the one call made for it.
    pub fn endpoint_secret(&self, project: ProjectId, id: EndpointId) -> Result<String> {
        Ok(self.endpoint(project, id)?.secrets.secret.reveal())
    }

    /// Where an attempt goes now. An endpoint that points at an inbox of its project follows that inbox, so that it
    /// survives a changed port, public URL or slug.
    pub fn destination(&self, endpoint: &Endpoint) -> (String, Route) {
        let snapshot = self.snapshot.load();
        let url = &endpoint.record.url;
        if let Some(inbox) = endpoint.record.inbox_id.and_then(|id| snapshot.inboxes.get(&id)) {
            return (format!("{}{}", self.inbox_address(&inbox.record.slug), after_slug(url)), Route::OwnInbox);
        }
        let is_own = endpoint.own_slug.as_ref().is_some_and(|slug| snapshot.slugs.contains_key(slug.as_str()));
        (url.clone(), if is_own { Route::OwnInbox } else { Route::Guarded })
    }

    /// The inbox that a URL under Kanca's own origin names, in whatever project.
    fn own_inbox(&self, url: &str) -> Option<(InboxId, ProjectId)> {
        let slug = self.own_slug(url)?;
        self.snapshot.load().slugs.get(slug.as_str()).map(|i| (i.record.id, i.record.project_id))
    }

    fn own_slug(&self, url: &str) -> Option<Slug> {
        let url = Url::parse(url).ok()?;
        self.own_origins.iter().find_map(|origin| inbox_of_own_url(&url, origin))
    }

    pub(crate) fn load_endpoint(&self, record: EndpointRecord) -> Result<Arc<Endpoint>> {
        let secrets = self.unseal(&record)?;
        let subscription = Faults::default().subscription(record.event_types.as_deref());
        let subscription = subscription.ok_or_else(|| unreadable(&record, "event types"))?;
        Ok(Endpoint::new(self, record, subscription, secrets))
    }
}

/// What follows `/in/{slug}` in an inbox's URL, with the query. It is taken from the URL as it was understood when it was
/// checked: a URL can be spelled so that its text shows another `/in/` than the one it leads to.
fn after_slug(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let rest = url.path().strip_prefix("/in/").and_then(|path| path.split_once('/'));
    let rest = rest.map_or(String::new(), |(_, rest)| format!("/{rest}"));
    url.query().map_or(rest.clone(), |query| format!("{rest}?{query}"))
}

fn pairs(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn keep_masked(old: &Endpoint, name: String, value: String) -> (String, String) {
    if value != MASK {
        return (name, value);
    }
    let kept = headers::find(&old.secrets.headers, &name).map(str::to_owned);
    (name, kept.unwrap_or(value))
}

fn patterns(subscription: &Subscription) -> Option<Vec<String>> {
    subscription.patterns().map(|list| list.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::after_slug;

    #[test]
    fn what_follows_the_slug_never_climbs_above_it() {
        assert_eq!(after_slug("http://kanca.example/in/abc"), "");
        assert_eq!(after_slug("http://kanca.example/in/abc?x=/in/y"), "?x=/in/y");
        assert_eq!(after_slug("http://kanca.example/in/abc/a%20b//c/?x=1#f"), "/a%20b//c/?x=1");
        assert_eq!(after_slug("http://kanca.example/in/abc/x/../y"), "/y");
        assert_eq!(after_slug("http://kanca.example\\in\\abc\\a\\b/in/x/../../../api/v1"), "/a/api/v1");
        assert_eq!(after_slug("http://kanca.example/z/../in/abc/d/in/../../e"), "/e");
    }
}
