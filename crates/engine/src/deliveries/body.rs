//! What an attempt sends: the event in the endpoint's format, or what the endpoint's transformation makes of it.

use super::bulk::Paid;
use super::{EventBody, Job, SharedBody};
use crate::Engine;
use crate::endpoints::Endpoint;
use crate::programs::program_event;
use kanca_domain::attempts::ReasonCode;
use kanca_domain::endpoints as rules;
use kanca_domain::events::EventData;
use kanca_domain::formats::{self, Encoded, Envelope, Format};
use kanca_domain::headers;
use kanca_programs::{Content, Event, Fault, Transformed};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What a transformation changed besides the bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whether the body is another than the event's.
    pub body: bool,
    /// Headers to set, or without a value to leave out.
    pub headers: Vec<(String, Option<String>)>,
}

impl Changed {
    /// The headers that are set.
    pub fn set(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }

    /// Whether it says anything about this header.
    pub fn names(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }
}

/// Why nothing is sent, with the detail that the reason wants.
type Unsent = (ReasonCode, String);

impl Engine {
    /// The body of an attempt, made within its time, and the memory that it takes beside its event's.
    pub(super) async fn body(
        &self,
        endpoint: &Endpoint,
        job: &Job,
        url: &str,
        timeout: Duration,
    ) -> Result<(SharedBody, Option<Paid>), Unsent> {
        let body = self.made(endpoint, job, url, timeout).await?;
        if job.event.is_paid_for(&body) {
            return Ok((body, None));
        }
        if let Some(paid) = self.dispatcher.bulk.try_pay(endpoint, &body) {
            return Ok((body, Some(paid)));
        }
        // Who waits for memory holds none: it is made again.
        let bytes = body.bytes.len();
        drop(body);
        let paying = self.dispatcher.bulk.pay(endpoint, bytes);
        let paid = if job.waiter.is_some() && !job.manual {
            let late = || (ReasonCode::Timeout, "no memory for a body so large became free in time".to_owned());
            tokio::time::timeout(timeout, paying).await.map_err(|_| late())?
        } else {
            paying.await
        };
        Ok((self.made(endpoint, job, url, timeout).await?, paid))
    }

    async fn made(&self, endpoint: &Endpoint, job: &Job, url: &str, timeout: Duration) -> Result<SharedBody, Unsent> {
        let format = endpoint.record.format;
        let Some(text) = &endpoint.record.options.transformation else {
            return job.event.encoded(format).map_err(too_large);
        };
        let event = job.event.for_programs().map_err(failed)?;
        let ran = tokio::time::timeout(timeout, self.programs.transform(&event, url, text)).await;
        let Ok(ran) = ran else {
            return Err((
                ReasonCode::Transformation,
                "no place to run it became free within the attempt's time".into(),
            ));
        };
        match ran.result.map_err(failed)? {
            Transformed::Skip => Err((ReasonCode::Skipped, String::new())),
            Transformed::Send { content, headers } => finished(&job.event, format, content, headers),
        }
    }
}

impl EventBody {
    /// The event as programs see it.
    pub(super) fn for_programs(&self) -> Result<Event, Fault> {
        program_event(self.event_id, &self.event_type, &self.timestamp.to_string(), None, &self.data)
    }
}

/// What a transformation gave, checked and encoded.
pub(crate) fn finished(
    event: &EventBody,
    format: Format,
    content: Content,
    mut headers: Vec<(String, Option<String>)>,
) -> Result<SharedBody, Unsent> {
    let refused = |words: String| (ReasonCode::Transformation, words);
    let content_type = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type = content_type.and_then(|at| headers.remove(at).1);
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()));
    rules::check_headers(pairs).map_err(|error| refused(error.to_string()))?;
    if let Some(value) = &content_type {
        headers::check([("content-type", value.as_str())], |_| None).map_err(|error| refused(error.to_string()))?;
        if matches!(content, Content::Unchanged | Content::Data(_)) {
            let words =
                "content-type can be set only together with a body: the endpoint's format says how data is written";
            return Err(refused(words.to_owned()));
        }
    }
    let (encoded, changes_body) = match content {
        Content::Unchanged => (event.encoded(format).map_err(too_large)?, false),
        Content::Data(text) => {
            let data = EventData::parse(text.as_bytes()).map_err(|error| refused(format!("its data: {error}")))?;
            let at = event.timestamp.to_string();
            let envelope = Envelope { data: &data, ..event.envelope(&at) };
            let Encoded { content_type, body } = formats::encode(format, &envelope).map_err(too_large)?;
            (SharedBody { content_type: content_type.into(), bytes: body.into(), changed: None }, true)
        }
        Content::Json(text) => (whole(content_type, "application/json".into(), text), true),
        Content::Text(text) => {
            let usual = event.encoded(format).map_or(Cow::Borrowed("text/plain; charset=utf-8"), |b| b.content_type);
            (whole(content_type, usual, text), true)
        }
    };
    let changed = Some(Arc::new(Changed { body: changes_body, headers }));
    Ok(SharedBody { changed, ..encoded })
}

fn whole(given: Option<String>, usual: Cow<'static, str>, text: String) -> SharedBody {
    SharedBody { content_type: given.map_or(usual, Cow::Owned), bytes: text.into(), changed: None }
}

fn too_large(error: formats::TooLarge) -> Unsent {
    (ReasonCode::TooLargeRequest, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn failed(fault: Fault) -> Unsent {
    (ReasonCode::Transformation, fault.to_string())
}
