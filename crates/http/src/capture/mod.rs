//! `ANY /in/{slug}…`: store the request byte for byte, then answer as configured.

pub mod tap;

use crate::App;
use crate::body::{Collected, announced, collect};
use crate::extract::{COOKIE, client_address, network};
use crate::problems::{Answer, Problem};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::endpoints::handshake::{ALLOWED_ORIGIN, ALLOWED_RATE, REQUEST_ORIGIN};
use kanca_engine::inboxes::{Inbox, Incoming};
use kanca_engine::storage::inboxes::ConfiguredResponse;
use kanca_engine::{EngineError, HOPS_HEADER};
use std::sync::Arc;
use std::time::Instant;
use tap::{RawHead, Tap};

/// What every answer under `/in/` carries; a configured response cannot remove it.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// Captures a request.
pub async fn capture(State(app): State<App>, request: Request) -> Response {
    let started = Instant::now();
    let mut response = match captured(&app, request, started).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn captured(app: &App, request: Request, started: Instant) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let slug = slug_of(parts.uri.path());
    let Some(inbox) = app.engine.inbox_at(slug) else {
        return Err(Problem::not_found("There is no inbox at this address. Check it in the panel under Inboxes."));
    };
    let client = client_address(&parts, app);
    let hops = hops(&parts.headers);
    app.engine.may_capture(&inbox, network(client), hops)?;
    let head = exact_head(&parts);
    let limit = app.engine.settings().max_capture_bytes;
    let expected = announced(&parts.headers).unwrap_or(limit as u64).min(limit as u64);
    let share = app.captures.take(network(client), expected).ok_or_else(|| EngineError::TooMany {
        detail: "Too much is being sent to inboxes at once. Wait 2 s and try again.".into(),
        retry_after: 2,
    })?;
    let (body, oversize) = match collect(&parts.headers, body, limit).await? {
        Collected::Whole(bytes) => (bytes, None),
        Collected::TooLarge(size) => (bytes::Bytes::new(), Some(size)),
    };
    let incoming = Incoming {
        method: String::from_utf8_lossy(&head.method).into_owned(),
        target: head.target,
        headers: head.headers.into_iter().filter_map(without_own_cookie).collect(),
        body,
        oversize,
        remote_addr: client.to_string(),
        started,
        hops,
    };
    let consent = consent(&parts);
    app.engine.capture(&inbox, incoming).await?;
    drop(share);
    if oversize.is_some() {
        return Err(Problem::too_large(format!("The body is larger than {limit} bytes, so it was not kept.")));
    }
    let mut answer = configured(&inbox);
    for (name, value) in consent.into_iter().flatten() {
        answer.headers_mut().entry(name).or_insert(value);
    }
    Ok(answer)
}

/// An inbox wants whatever it is sent, so it agrees when a sender of `CloudEvents` asks (HTTP 1.1 Web Hooks for Event
/// Delivery, section 4.2).
fn consent(parts: &Parts) -> Option<[(HeaderName, HeaderValue); 3]> {
    let origin = parts.headers.get(REQUEST_ORIGIN).filter(|_| parts.method == Method::OPTIONS)?;
    Some([
        (HeaderName::from_static(ALLOWED_ORIGIN), origin.clone()),
        (HeaderName::from_static(ALLOWED_RATE), HeaderValue::from_static("*")),
        (header::ALLOW, HeaderValue::from_static("POST, OPTIONS")),
    ])
}

/// The slug in `/in/{slug}…`.
fn slug_of(path: &str) -> &str {
    path.strip_prefix("/in/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

fn hops(headers: &HeaderMap) -> u8 {
    let value = headers.get(HOPS_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    // A number that does not fit is many, not none.
    if is_number { std::str::from_utf8(value).ok().and_then(|v| v.parse().ok()).unwrap_or(u8::MAX) } else { 0 }
}

/// The head as it came over the wire, or what the HTTP layer made of it when the tap has none that fits.
fn exact_head(parts: &Parts) -> RawHead {
    let tapped = parts.extensions.get::<Tap>().and_then(Tap::take_head);
    tapped.filter(|head| fits(head, parts)).unwrap_or_else(|| parsed_head(parts))
}

fn fits(head: &RawHead, parts: &Parts) -> bool {
    let target = head.target.split(|b| *b == b'#').next().unwrap_or_default();
    head.method == parts.method.as_str().as_bytes()
        && head.headers.len() == parts.headers.len()
        && target.ends_with(parts.uri.path_and_query().map_or("", |p| p.as_str()).as_bytes())
}

fn parsed_head(parts: &Parts) -> RawHead {
    let headers = parts.headers.iter().map(|(n, v)| (n.as_str().as_bytes().to_vec(), v.as_bytes().to_vec()));
    RawHead {
        method: parts.method.as_str().as_bytes().to_vec(),
        target: parts.uri.to_string().into_bytes(),
        headers: headers.collect(),
    }
}

/// Kanca's own cookie is no business of an inbox; other cookies stay as they were.
fn without_own_cookie((name, value): (Vec<u8>, Vec<u8>)) -> Option<(Vec<u8>, Vec<u8>)> {
    let own = |pair: &[u8]| pair.trim_ascii().split(|b| *b == b'=').next() == Some(COOKIE.as_bytes());
    let pairs: Vec<&[u8]> = value.split(|b| *b == b';').collect();
    if !name.eq_ignore_ascii_case(b"cookie") || !pairs.iter().any(|p| own(p)) {
        return Some((name, value));
    }
    let kept: Vec<&[u8]> = pairs.into_iter().filter(|p| !own(p)).map(<[u8]>::trim_ascii).collect();
    if kept.is_empty() { None } else { Some((name, kept.join(&b"; "[..]))) }
}

fn configured(inbox: &Arc<Inbox>) -> Response {
    let response = &inbox.record.response;
    let ConfiguredResponse { status, headers, body } = response;
    let mut answer = Response::new(Body::from(body.clone()));
    *answer.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().append(name, value);
        }
    }
    if !answer.headers().contains_key(header::CONTENT_TYPE)
        && let Some(content_type) = response.added_content_type()
    {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kancas_own_cookie_is_removed() {
        let strip =
            |v: &str| without_own_cookie((b"Cookie".to_vec(), v.into())).map(|(_, v)| String::from_utf8(v).unwrap());
        assert_eq!(strip("a=1;b=2").as_deref(), Some("a=1;b=2"));
        assert_eq!(strip("a=1; kanca_session=secret; b=2").as_deref(), Some("a=1; b=2"));
        assert_eq!(strip("kanca_session=secret"), None);
        assert_eq!(strip("not_kanca_session=x").as_deref(), Some("not_kanca_session=x"));
    }

    #[test]
    fn the_slug_ends_at_the_next_slash() {
        assert_eq!(slug_of("/in/abc"), "abc");
        assert_eq!(slug_of("/in/abc/x/y"), "abc");
        assert_eq!(slug_of("/in/abc//"), "abc");
        assert_eq!(slug_of("/in/"), "");
    }
}
