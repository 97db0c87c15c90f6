//! The accept loop: one task for each connection, deadlines against slow clients, and an orderly end.

use crate::App;
use crate::api::events;
use crate::body::{Resumable, discard_rest};
use crate::capture::tap::{Tap, Tapped};
use crate::extract::{Peer, network};
use crate::problems::Problem;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kanca_engine::EngineError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

/// How long a client may take for a request's head; also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Header lines of a request; an inbox shows them all.
const MAX_HEADERS: usize = 256;
/// How long to wait after a failed accept (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Tells the accept loop and all connections to end.
#[derive(Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A shutdown and the switch that starts it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    async fn begun(&mut self) {
        // A switch that is gone means the end, too.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

/// How long requests under way may take after the shutdown began.
const END_TIME: Duration = Duration::from_secs(10);

/// Serves at most `places` connections at a time until the shutdown begins, then lets requests under way finish, for at
/// most 10 s. The caller owns the socket and the stop.
pub async fn serve(listener: TcpListener, app: App, places: usize, mut shutdown: Shutdown) {
    let doors = Doors { places: Arc::new(Semaphore::new(places)), peers: Arc::default(), most_of_one: places / 4 * 3 };
    accept(&listener, &app, &mut shutdown, &doors).await;
    drop(listener);
    let all = u32::try_from(places).unwrap_or(u32::MAX);
    // Who is not done by then is cut off; nothing acknowledged depends on it.
    let _ = tokio::time::timeout(END_TIME, doors.places.acquire_many(all)).await;
}

/// Who is in. One peer takes at most three quarters of the places, so that it cannot keep the others out; a trusted proxy stands
/// for many.
struct Doors {
    places: Arc<Semaphore>,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most_of_one: usize,
}

/// A place that is given back when dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    peers: Arc<Mutex<HashMap<IpAddr, usize>>>,
    peer: IpAddr,
}

impl Doors {
    fn enter(&self, permit: OwnedSemaphorePermit, peer: IpAddr, counts: bool) -> Option<Place> {
        let mut peers = self.peers.lock();
        let present = peers.entry(peer).or_insert(0);
        if counts && *present >= self.most_of_one {
            return None;
        }
        *present += 1;
        Some(Place { _permit: permit, peers: self.peers.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut peers = self.peers.lock();
        if let Some(present) = peers.get_mut(&self.peer) {
            *present -= 1;
            if *present == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

async fn accept(listener: &TcpListener, app: &App, shutdown: &mut Shutdown, doors: &Doors) {
    let router = crate::router(app.clone());
    loop {
        let Ok(permit) = doors.places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let ip = peer.ip().to_canonical();
                let proxy = app.trusted_proxies.iter().any(|cidr| cidr.contains(ip));
                let Some(place) = doors.enter(permit, network(ip), !proxy) else { continue };
                let (app, router, shutdown) = (app.clone(), router.clone(), shutdown.clone());
                tokio::spawn(async move {
                    connection(stream, peer, app, router, shutdown).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted; raise the open-files limit if this goes on");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a request is worked on to its end, even if its client goes away in the middle: what is stored and what is in
/// memory must not part. What only reads ends with its client.
fn changes_something(request: &axum::extract::Request) -> bool {
    !request.method().is_safe() || request.uri().path().starts_with("/in/")
}

async fn answer(router: Router, request: axum::extract::Request) -> Response {
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: App, router: Router, mut shutdown: Shutdown) {
    // Without it small answers wait for the client's acknowledgement; where it cannot be set they do.
    let _ = stream.set_nodelay(true);
    let tap = Tap::default();
    let io = TokioIo::new(Tapped::new(stream, tap.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, tap, app) = (router.clone(), tap.clone(), app.clone());
        async move {
            let publication = events::is_publication(&request);
            let (parts, mut body) = request.into_parts();
            // Dropped in the middle, it leaves nothing half done, so it needs no task of its own.
            if publication {
                let response = crate::api_headers(events::publish_at_once(&app, parts, &mut body).await).await;
                if !response.status().is_success() {
                    discard_rest(body).await;
                }
                tap.expect_head();
                return Ok(response);
            }
            let body = Resumable::new(body);
            let mut request = Request::from_parts(parts, Body::new(body.clone()));
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(tap.clone());
            let response = if changes_something(&request) {
                let answering = tokio::spawn(answer(router, request)).await;
                answering.unwrap_or_else(|e| Problem::from(EngineError::Internal(e.to_string())).into_response())
            } else {
                answer(router, request).await
            };
            if response.status().is_client_error() || response.status().is_server_error() {
                discard_rest(body).await;
            }
            tap.expect_head();
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_headers(MAX_HEADERS);
    let mut served = std::pin::pin!(http.serve_connection(io, service).with_upgrades());
    tokio::select! {
        _ = served.as_mut() => return,
        () = shutdown.begun() => served.as_mut().graceful_shutdown(),
    }
    // What a client does wrong on its own connection is its own affair.
    let _ = served.await;
}
