//! What handlers take from a request: who asks, a JSON body, a query, an id. Everything that is not as documented is a
//! problem with the place of the fault; nothing unknown is ignored.

use crate::App;
use crate::body::{Collected, collect};
use crate::json::{is_json_type, parse_json};
use crate::problems::{Answer, Problem};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kanca_domain::ids::{Id, ProjectId};
use kanca_engine::accounts::Access;
use kanca_engine::storage::PageRequest;
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};

/// The name of the panel's cookie.
pub const COOKIE: &str = "kanca_session";
/// The header that the panel sends with every change; other sites' pages cannot.
pub const PANEL_HEADER: &str = "kanca-panel";
/// Bytes of API bodies other than events.
pub const BODY_LIMIT: usize = 1 << 20;

/// The connection's other end.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The client that limits count: the peer, or whom a trusted proxy names.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);

impl FromRequestParts<App> for Client {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        Ok(Self(network(client_address(parts, app))))
    }
}

/// What limits count as one client: an IPv4 address, or the /64 network that an IPv6 user has to himself.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

/// The right-most address in `X-Forwarded-For` that is no trusted proxy, when the peer is one.
pub fn client_address(parts: &Parts, app: &App) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |p| p.0.ip()).to_canonical();
    let trusted = |ip: IpAddr| app.trusted_proxies.iter().any(|cidr| cidr.contains(ip));
    if !trusted(peer) {
        return peer;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|v| v.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Ok(ip) = hop.parse::<IpAddr>() else { break };
        nearest = ip.to_canonical();
        if !trusted(nearest) {
            break;
        }
    }
    nearest
}

/// Who asks, checked.
pub struct Auth(pub Access);

impl Auth {
    /// The project that the call is about.
    pub fn project(&self) -> ProjectId {
        self.0.project_id
    }
}

impl FromRequestParts<App> for Auth {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let key = value.to_str().ok().and_then(bearer).ok_or_else(|| {
                unauthorized("The header Authorization must be `Bearer KEY` with one of the project's API keys.")
            })?;
            return Ok(Self(app.engine.access_of_key(key)?));
        }
        let Some(token) = session_token(&parts.headers) else {
            return Err(unauthorized("Send an API key as `Authorization: Bearer KEY`, or log in to the panel."));
        };
        check_panel_request(&parts.method, &parts.headers, app)?;
        let project = match parts.headers.get("kanca-project").map(|v| v.to_str().unwrap_or("").parse()) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(Problem::not_found("The header kanca-project names no project.")),
        };
        Ok(Self(app.engine.access_of_session(&token, project).await?))
    }
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not authorized", detail)
}

/// The token after `Bearer`.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

/// The panel's session token from the cookie.
pub fn session_token(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = cookies.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// A change with the cookie must come from the panel's own pages: they alone can send the header, and a browser names
/// the page's origin.
pub fn check_panel_request(method: &Method, headers: &HeaderMap, app: &App) -> Answer<()> {
    if method.is_safe() {
        return Ok(());
    }
    let from_panel = headers.get(PANEL_HEADER).is_some_and(|v| v == "1");
    let same_origin = headers.get(header::ORIGIN).is_none_or(|origin| {
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let origin = origin.to_str().unwrap_or_default();
        origin == app.engine.settings().public_url || origin.split_once("://").is_some_and(|(_, o)| o == host)
    });
    if from_panel && same_origin {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross-site",
        "Not allowed",
        "A change with the panel's cookie must come from the panel itself. Programs use an API key instead.",
    ))
}

/// A JSON body with known fields only.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &App) -> Answer<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read_json(&parts.headers, body, BODY_LIMIT).await?;
        parse_json(&bytes).map(Self)
    }
}

/// A JSON body of which every field has a default, so that no body at all says the same as `{}`.
pub struct JsonOrNothing<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for JsonOrNothing<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &App) -> Answer<Self> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, BODY_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        expect_json(&parts.headers)?;
        parse_json(&bytes).map(Self)
    }
}

/// Reads a JSON body's bytes within a limit.
pub async fn read_json<B>(headers: &HeaderMap, body: B, limit: usize) -> Answer<bytes::Bytes>
where
    B: http_body::Body<Data = bytes::Bytes> + Unpin,
{
    let bytes = read(headers, body, limit).await?;
    expect_json(headers)?;
    Ok(bytes)
}

async fn read<B>(headers: &HeaderMap, body: B, limit: usize) -> Answer<bytes::Bytes>
where
    B: http_body::Body<Data = bytes::Bytes> + Unpin,
{
    match collect(headers, body, limit).await? {
        Collected::Whole(bytes) => Ok(bytes),
        Collected::TooLarge(_) => {
            Err(Problem::too_large(format!("The body is larger than {limit} bytes. Send less, or a link to it.")))
        }
    }
}

fn expect_json(headers: &HeaderMap) -> Answer<()> {
    let said = headers.get(header::CONTENT_TYPE);
    let is_json =
        said.is_some_and(|value| value == "application/json" || is_json_type(value.to_str().unwrap_or_default()));
    if is_json { Ok(()) } else { Err(Problem::wrong_content_type()) }
}

/// Query parameters, known ones only.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Answer<Self> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|q| Self(q.0)).map_err(|e| {
            let text = e.body_text();
            let message = text.rsplit_once(": ").map_or(text.as_str(), |(_, m)| m);
            Problem::malformed(format!("A query parameter is wrong: {message}."))
        })
    }
}

/// Rejects any query parameter, for addresses that take none.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// Refuses query parameters of changes, which take none; those of reading calls are checked by each call.
pub async fn no_stray_query(request: Request, next: Next) -> Response {
    let stray = !request.method().is_safe() && request.uri().query().is_some_and(|query| !query.is_empty());
    // The one change with a parameter is the draft's `revision`.
    if stray && !request.uri().path().ends_with("/draft") {
        return Problem::malformed("This call takes no query parameters.").into_response();
    }
    next.run(request).await
}

/// An id in the path; a text that is no id names nothing, so it is a 404.
pub struct PathId<I>(pub I);

impl<I: Id> FromRequestParts<App> for PathId<I> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let (_, text) = path.ok().and_then(|Path(p)| p.into_iter().next()).unwrap_or_default();
        parse_id(&text).map(Self)
    }
}

/// Two ids in the path.
pub struct PathIds<I, J>(pub I, pub J);

impl<I: Id, J: Id> FromRequestParts<App> for PathIds<I, J> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let mut texts = path.map(|Path(p)| p).unwrap_or_default().into_iter().map(|(_, text)| text);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        Ok(Self(parse_id(&first)?, parse_id(&second)?))
    }
}

fn parse_id<I: Id>(text: &str) -> Answer<I> {
    text.parse().map_err(|_| {
        Problem::not_found(format!("There is nothing with this id; an id here looks like {}_… .", I::PREFIX))
    })
}

/// `?cursor=&limit=`; other parameters are named by each list itself.
pub fn page(cursor: Option<&str>, limit: Option<u32>) -> Answer<PageRequest> {
    let after = match cursor {
        None => None,
        Some(text) => Some(uuid_of(text).ok_or_else(|| {
            Problem::malformed("The cursor is not one that this list gave. Leave it out to start at the newest.")
        })?),
    };
    let limit = limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::malformed("The limit must be between 1 and 200."));
    }
    Ok(PageRequest { after, limit })
}

fn uuid_of(text: &str) -> Option<uuid::Uuid> {
    (text.len() == 32).then(|| uuid::Uuid::try_parse(text).ok()).flatten()
}
